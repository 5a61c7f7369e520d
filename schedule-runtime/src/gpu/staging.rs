//! Messages of the host on their way through a GPU: bytes that lie twice, in memory of the host that the GPU reaches by itself,
//! and in its own.

use super::driver::Handle;
use super::{DeviceMemory, Gpu, GpuError, Stream};
use std::ptr;

/// Pinned memory of the host, with unspecified contents.
struct HostMemory {
    gpu: Gpu,
    address: Handle,
    bytes: usize,
}

// SAFETY: it is bytes that only this value gives access to.
unsafe impl Send for HostMemory {}

impl HostMemory {
    fn new(gpu: &Gpu, bytes: usize) -> Result<Self, GpuError> {
        /// For all contexts.
        const PORTABLE: u32 = 1;
        gpu.enter()?;
        let mut address = ptr::null_mut();
        // SAFETY: it writes one address.
        let code = unsafe { (gpu.driver().host_allocate)(&mut address, bytes, PORTABLE) };
        gpu.driver().check("cuMemHostAlloc", code)?;
        // SAFETY: as many bytes have been allocated. Rust knows initialized memory only.
        unsafe { ptr::write_bytes(address.cast::<u8>(), 0, bytes) };
        Ok(Self { gpu: gpu.clone(), address, bytes })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: as many bytes are valid as long as this lives, and nobody else's.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`.
        unsafe { std::slice::from_raw_parts_mut(self.address.cast(), self.bytes) }
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: it is allocated memory that nobody uses afterwards.
            unsafe { (self.gpu.driver().host_free)(self.address) };
        }
    }
}

/// Memory for one message.
pub(super) struct Staged {
    host: HostMemory,
    device: DeviceMemory,
}

impl Staged {
    fn new(gpu: &Gpu, bytes: usize) -> Result<Self, GpuError> {
        Ok(Self { host: HostMemory::new(gpu, bytes)?, device: gpu.allocate(bytes)? })
    }

    /// The number of bytes.
    fn len(&self) -> usize {
        self.device.len()
    }

    /// The bytes on the GPU from one on.
    pub(super) fn address(&self, bytes: std::ops::Range<usize>) -> u64 {
        self.device.part(bytes)
    }

    /// The bytes on the host.
    pub(super) fn host_mut(&mut self) -> &mut [u8] {
        self.host.bytes_mut()
    }

    /// Queues the copy of the first bytes to the GPU. Until that is done, those of the host stay as they are.
    pub(super) fn upload(&self, stream: &Stream, bytes: usize) -> Result<(), GpuError> {
        stream.write(&self.device, 0, &self.host.bytes()[..bytes])
    }

    /// Copies bytes of the GPU to the beginning of those of the host, and waits for that.
    pub(super) fn download(
        &mut self,
        stream: &Stream,
        bytes: std::ops::Range<usize>,
    ) -> Result<&[u8], GpuError> {
        let host = &mut self.host.bytes_mut()[..bytes.len()];
        stream.read(&self.device, bytes.start, host)?;
        Ok(host)
    }
}

/// Memory for messages, which is used again. It is freed at the end only: a driver that frees waits for all streams of the
/// GPU, and one of them may wait for what this rank has yet to send.
#[derive(Default)]
pub(super) struct Staging(Vec<Staged>);

impl Staging {
    /// So many bytes at least; their contents are unspecified.
    pub(super) fn take(&mut self, gpu: &Gpu, bytes: usize) -> Result<Staged, GpuError> {
        let fits = self.0.iter().enumerate().filter(|(_, staged)| staged.len() >= bytes);
        match fits.min_by_key(|(_, staged)| staged.len()).map(|(index, _)| index) {
            Some(index) => Ok(self.0.swap_remove(index)),
            None => Staged::new(gpu, bytes.next_power_of_two()),
        }
    }

    pub(super) fn give_back(&mut self, staged: Staged) {
        self.0.push(staged);
    }

    /// Keeps all memory for ever: a GPU may still use it.
    pub(super) fn forget(&mut self) {
        std::mem::forget(std::mem::take(&mut self.0));
    }
}
