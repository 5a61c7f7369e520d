//! Streams of work that a GPU does in order, and events between them.
//!
//! Work is queued, and memory is freed while a stream may still use it only by
//! [`DeviceMemory::forget`](super::DeviceMemory::forget): where a stream no longer ends, the memory that it uses is kept for ever.

use super::device::Kernel;
use super::driver::{Handle, Table};
use super::waiting::Waiting;
use super::{DeviceMemory, Gpu, GpuError};
use std::ffi::{c_uint, c_void};
use std::ptr;
use std::time::Duration;

/// Threads of a block.
const BLOCK: u64 = 256;
/// The most blocks of a launch: each thread then has several elements.
const BLOCKS: u64 = 4096;
/// Threads of a block that is the only one.
const WHOLE_BLOCK: c_uint = 1024;

/// The threads of a launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// About one for each of this number of elements.
    Each(u64),
    /// One block.
    Block,
}

/// Work that a GPU does in the order in which it was queued.
pub struct Stream {
    gpu: Gpu,
    handle: Handle,
}

// SAFETY: handles of the driver may be used by any thread, and it does its own locking.
unsafe impl Send for Stream {}
// SAFETY: handles of the driver may be used by any thread, and it does its own locking.
unsafe impl Sync for Stream {}

impl Stream {
    pub(super) fn of(gpu: &Gpu, handle: Handle) -> Self {
        Self { gpu: gpu.clone(), handle }
    }

    /// Copies bytes to the GPU. They may be changed when this has returned; a GPU may wait for the stream before that.
    ///
    /// # Errors
    /// The driver refuses.
    ///
    /// # Panics
    /// Where there are more bytes than memory.
    pub fn write(&self, to: &DeviceMemory, offset: usize, bytes: &[u8]) -> Result<(), GpuError> {
        let address = to.part(offset..offset + bytes.len());
        // SAFETY: the memory has as many bytes, and the driver frees it when the stream has done what was queued.
        unsafe { self.write_to(address, bytes) }
    }

    /// The same to an address.
    ///
    /// # Safety
    /// As many bytes are valid there until the stream has done it.
    pub unsafe fn write_to(&self, address: u64, bytes: &[u8]) -> Result<(), GpuError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.gpu.enter()?;
        let from = bytes.as_ptr().cast();
        // SAFETY: the caller's. The driver takes pageable memory over before it returns.
        let code = unsafe { (self.driver().to_device)(address, from, bytes.len(), self.handle) };
        self.driver().check("cuMemcpyHtoDAsync", code)
    }

    /// Copies bytes from the GPU, and waits for them.
    ///
    /// # Errors
    /// The driver refuses, or what was queued before has failed.
    ///
    /// # Panics
    /// Where there is less memory.
    pub fn read(&self, from: &DeviceMemory, offset: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        let address = from.part(offset..offset + bytes.len());
        // SAFETY: the memory has as many bytes.
        unsafe { self.read_from(address, bytes) }
    }

    /// The same from an address.
    ///
    /// # Safety
    /// As many bytes are valid there until this has returned.
    pub unsafe fn read_from(&self, address: u64, bytes: &mut [u8]) -> Result<(), GpuError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.gpu.enter()?;
        let (to, length) = (bytes.as_mut_ptr().cast(), bytes.len());
        // SAFETY: the caller's, and the borrow lasts until the copy is done: where waiting fails, the whole context has
        // failed, and nothing is copied any more.
        let code = unsafe { (self.driver().to_host)(to, address, length, self.handle) };
        self.driver().check("cuMemcpyDtoHAsync", code)?;
        self.wait()
    }

    /// Copies bytes of the GPU.
    ///
    /// # Safety
    /// As many bytes are valid at both addresses until the stream has done it.
    ///
    /// # Errors
    /// The driver refuses.
    pub unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<(), GpuError> {
        if bytes == 0 {
            return Ok(());
        }
        self.gpu.enter()?;
        // SAFETY: the caller's.
        let code = unsafe { (self.driver().on_device)(to, from, bytes, self.handle) };
        self.driver().check("cuMemcpyDtoDAsync", code)
    }

    /// Fills bytes of the GPU with zeros.
    ///
    /// # Safety
    /// As many bytes are valid at the address until the stream has done it.
    ///
    /// # Errors
    /// The driver refuses.
    pub unsafe fn clear(&self, address: u64, bytes: usize) -> Result<(), GpuError> {
        if bytes == 0 {
            return Ok(());
        }
        self.gpu.enter()?;
        // SAFETY: the caller's.
        let code = unsafe { (self.driver().fill)(address, 0, bytes, self.handle) };
        self.driver().check("cuMemsetD8Async", code)
    }

    /// Whether all that was queued is done.
    ///
    /// # Errors
    /// A part of it has failed.
    pub fn is_done(&self) -> Result<bool, GpuError> {
        self.gpu.enter()?;
        // SAFETY: the stream is open.
        self.driver().is_done("cuStreamQuery", unsafe { (self.driver().stream_query)(self.handle) })
    }

    /// Waits until all that was queued is done.
    ///
    /// # Errors
    /// A part of it has failed.
    pub fn wait(&self) -> Result<(), GpuError> {
        self.wait_for(Duration::MAX).map(|_| ())
    }

    /// The same, for this long at most: says whether all is done. A wait of the driver itself would have no deadline.
    ///
    /// # Errors
    /// A part of it has failed.
    pub fn wait_for(&self, deadline: Duration) -> Result<bool, GpuError> {
        let mut waiting = Waiting::new(deadline);
        while !self.is_done()? {
            if !waiting.goes_on() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Queues nothing more of this stream before what comes before the event is done.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn wait_event(&self, event: &Event) -> Result<(), GpuError> {
        self.gpu.enter()?;
        // SAFETY: both are open.
        let code = unsafe { (self.driver().stream_wait)(self.handle, event.handle, 0) };
        self.driver().check("cuStreamWaitEvent", code)
    }

    /// Queues a kernel, whose structure has these words.
    ///
    /// # Safety
    /// The words are those that the kernel's text says, and what their addresses name is valid until the stream has done it.
    pub(super) unsafe fn launch(&self, kernel: Kernel, grid: Grid, words: &[u64]) -> Result<(), GpuError> {
        let (blocks, block) = match grid {
            Grid::Each(0) => return Ok(()),
            Grid::Each(elements) => (elements.div_ceil(BLOCK).min(BLOCKS) as c_uint, BLOCK as c_uint),
            Grid::Block => (1, WHOLE_BLOCK),
        };
        self.gpu.enter()?;
        let mut structure: *mut c_void = words.as_ptr().cast_mut().cast();
        // SAFETY: the driver copies the structure before it returns; the rest is the caller's.
        let code = unsafe {
            let (shared, extra) = (0, ptr::null_mut());
            (self.driver().launch)(
                kernel.0,
                blocks,
                1,
                1,
                block,
                1,
                1,
                shared,
                self.handle,
                &mut structure,
                extra,
            )
        };
        self.driver().check("cuLaunchKernel", code)
    }

    /// The handle, a `CUstream`.
    pub(super) fn handle(&self) -> *mut c_void {
        self.handle
    }

    /// The GPU.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    fn driver(&self) -> &Table {
        self.gpu.driver()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards; what is queued is still done.
            unsafe { (self.gpu.driver().stream_destroy)(self.handle) };
        }
    }
}

/// A place in a stream.
pub struct Event {
    gpu: Gpu,
    handle: Handle,
}

// SAFETY: handles of the driver may be used by any thread, and it does its own locking.
unsafe impl Send for Event {}
// SAFETY: handles of the driver may be used by any thread, and it does its own locking.
unsafe impl Sync for Event {}

impl Event {
    pub(super) fn of(gpu: &Gpu, handle: Handle) -> Self {
        Self { gpu: gpu.clone(), handle }
    }

    /// Stands after what has been queued so far.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn record(&self, stream: &Stream) -> Result<(), GpuError> {
        self.gpu.enter()?;
        // SAFETY: both are open.
        let code = unsafe { (self.gpu.driver().event_record)(self.handle, stream.handle) };
        self.gpu.driver().check("cuEventRecord", code)
    }

    /// Whether the stream has come to it.
    ///
    /// # Errors
    /// What comes before has failed.
    pub fn is_done(&self) -> Result<bool, GpuError> {
        self.gpu.enter()?;
        // SAFETY: it is open.
        let code = unsafe { (self.gpu.driver().event_query)(self.handle) };
        self.gpu.driver().is_done("cuEventQuery", code)
    }

    /// The time from an earlier event to this one; both are done.
    ///
    /// # Errors
    /// One of them is not.
    pub fn since(&self, earlier: &Self) -> Result<Duration, GpuError> {
        self.gpu.enter()?;
        let mut milliseconds = 0f32;
        // SAFETY: it writes one number.
        let code =
            unsafe { (self.gpu.driver().event_elapsed)(&mut milliseconds, earlier.handle, self.handle) };
        self.gpu.driver().check("cuEventElapsedTime", code)?;
        Ok(Duration::from_secs_f64(f64::from(milliseconds.max(0.0)) / 1e3))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards.
            unsafe { (self.gpu.driver().event_destroy)(self.handle) };
        }
    }
}
