//! Memory that vectors lie in, and buffers: memory with a number type, which a register and the exchanges in flight share.

use crate::kernel::Mode;
use crate::storage::{Dtype, Slice, Storage, with_dtype};
use bytemuck::{cast_slice, cast_slice_mut};
use half::{bf16, f16};
use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Zeroed bytes for a vector, at a multiple of 64; made by [`Transport::allocate`](crate::Transport::allocate). They stay where they are, and stay valid
/// when the transport goes.
pub struct Memory {
    address: NonNull<u8>,
    bytes: usize,
    /// Whether it is a caller's.
    lent: bool,
    /// Frees it.
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: it is bytes that only this value gives access to, as a `Vec<u8>` is.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Memory {
    /// Of this process alone.
    pub fn ordinary(bytes: usize) -> Self {
        let mut lines = vec![Line([0; 64]); bytes.div_ceil(64)].into_boxed_slice();
        let address = NonNull::from(&mut *lines).cast();
        // SAFETY: the lines are as many bytes at least, and nobody else's.
        unsafe { Self::new(address, bytes, Box::new(lines)) }
    }

    /// # Safety
    /// As long as `owner` lives, so many bytes are valid at the address, and Rust code reaches them through this value only.
    pub(crate) unsafe fn new(address: NonNull<u8>, bytes: usize, owner: Box<dyn Any + Send + Sync>) -> Self {
        Self { address, bytes, lent: false, _owner: owner }
    }

    /// The caller's memory.
    ///
    /// # Safety
    /// It outlives the result, and nobody else touches it meanwhile; where others read it, it is read only.
    unsafe fn lend(memory: NonNull<[u8]>) -> Self {
        Self { bytes: memory.len(), address: memory.cast(), lent: true, _owner: Box::new(()) }
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: see `new`.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr(), self.bytes) }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: see `new`.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr(), self.bytes) }
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
        Self::in_memory(dtype, Memory::ordinary(length * dtype.bytes()))
    }

    /// In this memory.
    pub(crate) fn in_memory(dtype: Dtype, memory: Memory) -> Self {
        Self { dtype, memory: Some(Arc::new(memory)) }
    }

    /// In the caller's memory.
    ///
    /// # Safety
    /// As [`Memory::lend`].
    pub(crate) unsafe fn lend<S: Storage>(memory: &mut [S]) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::lend_bytes(S::DTYPE, cast_slice_mut(memory)) }
    }

    /// In the caller's memory, which is of this type.
    ///
    /// # Safety
    /// As [`Memory::lend`].
    pub(crate) unsafe fn lend_bytes(dtype: Dtype, memory: &mut [u8]) -> Self {
        // SAFETY: the caller's promise.
        let memory = unsafe { Memory::lend(NonNull::from(memory)) };
        Self { dtype, memory: Some(Arc::new(memory)) }
    }

    /// In the caller's memory, which is read.
    ///
    /// # Safety
    /// It outlives the result, nobody writes to it meanwhile, and the result is not written to.
    pub(crate) unsafe fn lend_source(dtype: Dtype, memory: &[u8]) -> Self {
        // SAFETY: the caller's promise.
        let memory = unsafe { Memory::lend(NonNull::from(memory)) };
        Self { dtype, memory: Some(Arc::new(memory)) }
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
        self.memory.as_ref().expect(HERE)
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_mut().expect(HERE);
        Arc::get_mut(memory).expect("what is in flight is not written")
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
