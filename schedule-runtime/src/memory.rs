//! Memory that vectors lie in, and buffers: memory with a number type, which a register and the exchanges in flight share.

use crate::kernel::Mode;
use crate::storage::{Dtype, Slice, Storage, with_dtype};
use bytemuck::{cast_slice, cast_slice_mut};
use half::{bf16, f16};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

/// Where memory begins, in bytes.
const ALIGNMENT: usize = 64;

/// Bytes, all of which are initialised.
pub(crate) struct Memory {
    address: NonNull<u8>,
    bytes: usize,
    lent: bool,
}

// SAFETY: memory is bytes without ties to a thread; `lend` asks the same of its caller.
unsafe impl Send for Memory {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Memory {}

impl Memory {
    /// Zeros, at a multiple of 64 bytes.
    pub(crate) fn zeros(bytes: usize) -> Self {
        let layout = Self::layout(bytes);
        if bytes == 0 {
            return Self { address: NonNull::<u64>::dangling().cast(), bytes, lent: false };
        }
        // SAFETY: the layout's size is not zero.
        let address = NonNull::new(unsafe { alloc_zeroed(layout) });
        Self { address: address.unwrap_or_else(|| handle_alloc_error(layout)), bytes, lent: false }
    }

    /// The caller's memory.
    ///
    /// # Safety
    /// It outlives the result, and nobody else touches it meanwhile.
    pub(crate) unsafe fn lend(memory: &mut [u8]) -> Self {
        let bytes = memory.len();
        Self { address: NonNull::from(memory).cast(), bytes, lent: true }
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, ALIGNMENT).expect("memory of a size that a machine can have")
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is initialised and this value's; nobody writes to it while it is shared.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.bytes) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if !self.lent && self.bytes > 0 {
            // SAFETY: `zeros` allocated it with this layout.
            unsafe { dealloc(self.address.as_ptr(), Self::layout(self.bytes)) }
        }
    }
}

/// Numbers of one type. While an exchange in flight shares it, a buffer can be read only.
#[derive(Clone)]
pub(crate) struct Buffer {
    dtype: Dtype,
    /// `None` while it is elsewhere.
    memory: Option<Arc<Memory>>,
}

impl Buffer {
    /// So many zeros.
    pub(crate) fn zeros(dtype: Dtype, length: usize) -> Self {
        Self { dtype, memory: Some(Arc::new(Memory::zeros(length * dtype.bytes()))) }
    }

    /// In the caller's memory.
    ///
    /// # Safety
    /// As [`Memory::lend`].
    pub(crate) unsafe fn lend<S: Storage>(memory: &mut [S]) -> Self {
        // SAFETY: the caller's promise.
        let memory = unsafe { Memory::lend(cast_slice_mut(memory)) };
        Self { dtype: S::DTYPE, memory: Some(Arc::new(memory)) }
    }

    pub(crate) fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len() / self.dtype.bytes()
    }

    pub(crate) fn is_lent(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.lent)
    }

    /// Takes it out of its place.
    pub(crate) fn take(&mut self) -> Self {
        Self { dtype: self.dtype, memory: self.memory.take() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.memory.as_ref().expect(HERE).bytes()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_mut().expect(HERE);
        Arc::get_mut(memory).expect("what is in flight is not written").bytes_mut()
    }

    /// `self ← source`, element by element; rounded where this is shorter; a short one
    /// comes from what it is computed in.
    pub(crate) fn copy_from(&mut self, source: &Self) {
        if self.dtype == source.dtype {
            return self.bytes_mut().copy_from_slice(source.bytes());
        }
        let mode = Mode::best(self.bytes().len());
        match self.dtype {
            Dtype::F64 => mode.load(self.values_mut::<f64>(), source.slice()),
            Dtype::F32 => mode.load(self.values_mut::<f32>(), source.slice()),
            Dtype::Bf16 => mode.round(self.values_mut::<bf16>(), source.values()),
            Dtype::F16 => mode.round(self.values_mut::<f16>(), source.values()),
        }
    }

    /// The elements, of whatever type.
    pub(crate) fn slice(&self) -> Slice<'_> {
        with_dtype!(self.dtype, S => Slice::of(self.values::<S>()))
    }

    /// The elements.
    ///
    /// # Panics
    /// Where they are of another type.
    pub(crate) fn values<S: Storage>(&self) -> &[S] {
        assert_eq!(self.dtype, S::DTYPE, "the type of a buffer");
        cast_slice(self.bytes())
    }

    /// The elements, to be written.
    ///
    /// # Panics
    /// Where they are of another type, or in flight.
    pub(crate) fn values_mut<S: Storage>(&mut self) -> &mut [S] {
        assert_eq!(self.dtype, S::DTYPE, "the type of a buffer");
        cast_slice_mut(self.bytes_mut())
    }
}

const HERE: &str = "a buffer is used where it is";

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.memory.as_ref().map_or(0, |memory| memory.bytes);
        write!(f, "{} × {}", bytes / self.dtype.bytes(), self.dtype.name())
    }
}
