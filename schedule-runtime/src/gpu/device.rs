//! A GPU: its memory, streams of work that it does in order, events between streams, and kernels.
//!
//! Work is queued, and memory is freed while a stream may still use it only by [`DeviceMemory::forget`]: where a stream no longer
//! ends, the memory that it uses is kept for ever.

use super::GpuError;
use super::driver::{Handle, Table};
use super::nvrtc::{Form, Nvrtc};
use bfc_schedule::visible;
use std::ffi::{CString, OsString, c_int, c_uint, c_void};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Files of libraries to be used in place of this machine's.
#[derive(Clone, Debug, Default)]
pub struct Libraries {
    /// The CUDA driver.
    pub driver: Option<OsString>,
    /// NVRTC.
    pub nvrtc: Option<OsString>,
    /// NCCL or RCCL.
    pub nccl: Option<OsString>,
}

/// A GPU of this machine. Cheap to clone.
#[derive(Clone)]
pub struct Gpu(Arc<Inner>);

struct Inner {
    driver: Table,
    nvrtc: Nvrtc,
    device: c_int,
    context: Handle,
    name: String,
    capability: u32,
}

// SAFETY: handles of the driver may be used by any thread.
unsafe impl Send for Inner {}
// SAFETY: the driver does its own locking.
unsafe impl Sync for Inner {}

/// Attributes of devices.
const CAPABILITY_MAJOR: c_int = 75;
const CAPABILITY_MINOR: c_int = 76;
/// Threads of a block.
const BLOCK: u64 = 256;
/// The most blocks of a launch: each thread then has several elements.
const BLOCKS: u64 = 4096;
/// Threads of a block that is the only one.
const ALONE: u32 = 1024;

impl Gpu {
    /// Opens the GPU with this number, and the libraries that it needs.
    ///
    /// # Errors
    /// A library or the GPU is missing, or the driver is older than NVRTC.
    pub fn open(libraries: &Libraries, number: u32) -> Result<Self, GpuError> {
        let driver = Table::open(libraries.driver.clone())?;
        let mut found = 0;
        // SAFETY: it writes one number.
        driver.check("cuDeviceGetCount", unsafe { (driver.device_count)(&mut found) })?;
        if number >= found as u32 {
            return Err(GpuError::NoDevice { wanted: number, found: found as u32 });
        }
        let nvrtc = Nvrtc::open(libraries.nvrtc.clone())?;
        let (has, needs) = (driver.version()?, nvrtc.version()?);
        if has.0 < needs.0 {
            return Err(GpuError::TooOld {
                library: "CUDA driver",
                found: format!("{}.{}", has.0, has.1),
                needed: format!("{}.0", needs.0),
                why: " by NVRTC",
                remedy: "update the driver, or install an NVRTC of the driver's version and name it with `BFC_NVRTC`",
            });
        }
        let (mut device, mut context, mut name) = (0, ptr::null_mut(), [0u8; 256]);
        let attribute = |device, attribute| {
            let mut value = 0;
            // SAFETY: it writes one number.
            let code = unsafe { (driver.device_attribute)(&mut value, attribute, device) };
            driver.check("cuDeviceGetAttribute", code).map(|()| value as u32)
        };
        // SAFETY: each writes one value, or as many bytes as there are.
        unsafe {
            driver.check("cuDeviceGet", (driver.device)(&mut device, number as c_int))?;
            let code = (driver.device_name)(name.as_mut_ptr().cast(), name.len() as c_int, device);
            driver.check("cuDeviceGetName", code)?;
        }
        let capability = 10 * attribute(device, CAPABILITY_MAJOR)? + attribute(device, CAPABILITY_MINOR)?;
        // SAFETY: it writes one handle.
        let code = unsafe { (driver.context_retain)(&mut context, device) };
        driver.check("cuDevicePrimaryCtxRetain", code)?;
        let length = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        let name = visible::line(&String::from_utf8_lossy(&name[..length])).into_owned();
        Ok(Self(Arc::new(Inner { driver, nvrtc, device, context, name, capability })))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its compute capability, such as 90.
    pub fn capability(&self) -> u32 {
        self.0.capability
    }

    /// The driver's version of CUDA, such as (12, 9).
    ///
    /// # Errors
    /// The driver does not say.
    pub fn driver_version(&self) -> Result<(u32, u32), GpuError> {
        self.0.driver.version()
    }

    /// Memory of the GPU, with unspecified contents.
    ///
    /// # Errors
    /// There is not enough.
    pub fn allocate(&self, bytes: usize) -> Result<DeviceMemory, GpuError> {
        let mut address = 0;
        if bytes > 0 {
            self.enter()?;
            // SAFETY: it writes one address.
            let code = unsafe { (self.0.driver.memory_allocate)(&mut address, bytes) };
            self.0.driver.check("cuMemAlloc", code)?;
        }
        Ok(DeviceMemory { gpu: self.clone(), address, bytes })
    }

    /// A stream of its own, which waits for no other.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn stream(&self) -> Result<Stream, GpuError> {
        const NON_BLOCKING: c_uint = 1;
        self.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: it writes one handle.
        let code = unsafe { (self.0.driver.stream_create)(&mut handle, NON_BLOCKING) };
        self.0.driver.check("cuStreamCreate", code)?;
        Ok(Stream { gpu: self.clone(), handle })
    }

    /// An event, which has not been recorded.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn event(&self) -> Result<Event, GpuError> {
        self.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: it writes one handle.
        let code = unsafe { (self.0.driver.event_create)(&mut handle, 0) };
        self.0.driver.check("cuEventCreate", code)?;
        Ok(Event { gpu: self.clone(), handle })
    }

    /// Compiles the text of kernels, and loads it.
    ///
    /// # Errors
    /// NVRTC refuses the text or the architecture, or the driver its code.
    pub fn load(&self, source: &str) -> Result<Module, GpuError> {
        let code = self.0.nvrtc.compile(source, self.0.capability, Form::Cubin)?;
        self.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the bytes are code as NVRTC makes it, which contains its length.
        let code = unsafe { (self.0.driver.module_load)(&mut handle, code.as_ptr().cast()) };
        self.0.driver.check("cuModuleLoadData", code)?;
        Ok(Module { gpu: self.clone(), handle })
    }

    /// Makes it the one that calls of this thread are about.
    pub(super) fn enter(&self) -> Result<(), GpuError> {
        // SAFETY: the context is retained as long as this lives.
        let code = unsafe { (self.0.driver.context_set)(self.0.context) };
        self.0.driver.check("cuCtxSetCurrent", code)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        unsafe { (self.driver.context_release)(self.device) };
    }
}

impl fmt::Debug for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.name)
    }
}

/// Bytes in the memory of a GPU.
#[derive(Debug)]
pub struct DeviceMemory {
    gpu: Gpu,
    address: u64,
    bytes: usize,
}

impl DeviceMemory {
    /// None at all.
    pub(super) fn empty(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), address: 0, bytes: 0 }
    }

    /// Where it is.
    pub(super) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// The address on the GPU.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The address of a part.
    ///
    /// # Panics
    /// Where it does not lie in the memory.
    pub fn part(&self, bytes: Range<usize>) -> u64 {
        assert!(
            bytes.start <= bytes.end && bytes.end <= self.bytes,
            "a part of {} bytes: {bytes:?}",
            self.bytes
        );
        self.address + bytes.start as u64
    }

    /// Keeps it for ever: a stream may still use it, and will not end.
    pub fn forget(self) {
        let _ = ManuallyDrop::new(self);
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        if self.address != 0 && self.gpu.enter().is_ok() {
            // SAFETY: it is allocated memory that nobody uses afterwards. The driver waits for what is queued.
            unsafe { (self.gpu.0.driver.memory_free)(self.address) };
        }
    }
}

/// Work that a GPU does in the order in which it was queued.
pub struct Stream {
    gpu: Gpu,
    handle: Handle,
}

// SAFETY: as `Inner`.
unsafe impl Send for Stream {}
// SAFETY: as `Inner`.
unsafe impl Sync for Stream {}

impl Stream {
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

    /// The handle, a `CUstream`.
    pub(super) fn handle(&self) -> *mut c_void {
        self.handle
    }

    /// The GPU.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    fn driver(&self) -> &Table {
        &self.gpu.0.driver
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards; what is queued is still done.
            unsafe { (self.gpu.0.driver.stream_destroy)(self.handle) };
        }
    }
}

/// A place in a stream.
pub struct Event {
    gpu: Gpu,
    handle: Handle,
}

// SAFETY: as `Inner`.
unsafe impl Send for Event {}
// SAFETY: as `Inner`.
unsafe impl Sync for Event {}

impl Event {
    /// Stands after what has been queued so far.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn record(&self, stream: &Stream) -> Result<(), GpuError> {
        self.gpu.enter()?;
        // SAFETY: both are open.
        let code = unsafe { (self.gpu.0.driver.event_record)(self.handle, stream.handle) };
        self.gpu.0.driver.check("cuEventRecord", code)
    }

    /// Whether the stream has come to it.
    ///
    /// # Errors
    /// What comes before has failed.
    pub fn is_done(&self) -> Result<bool, GpuError> {
        self.gpu.enter()?;
        // SAFETY: it is open.
        let code = unsafe { (self.gpu.0.driver.event_query)(self.handle) };
        self.gpu.0.driver.is_done("cuEventQuery", code)
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
            unsafe { (self.gpu.0.driver.event_elapsed)(&mut milliseconds, earlier.handle, self.handle) };
        self.gpu.0.driver.check("cuEventElapsedTime", code)?;
        Ok(Duration::from_secs_f64(f64::from(milliseconds.max(0.0)) / 1e3))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards.
            unsafe { (self.gpu.0.driver.event_destroy)(self.handle) };
        }
    }
}

/// Loaded kernels.
pub struct Module {
    gpu: Gpu,
    handle: Handle,
}

// SAFETY: as `Inner`.
unsafe impl Send for Module {}
// SAFETY: as `Inner`.
unsafe impl Sync for Module {}

/// One kernel of a module.
#[derive(Clone, Copy)]
pub(super) struct Kernel(Handle);

// SAFETY: as `Inner`.
unsafe impl Send for Kernel {}
// SAFETY: as `Inner`.
unsafe impl Sync for Kernel {}

impl Module {
    /// The kernel of a name.
    pub(super) fn kernel(&self, name: &str) -> Result<Kernel, GpuError> {
        self.gpu.enter()?;
        let name = CString::new(name)
            .map_err(|error| GpuError::Call { call: "cuModuleGetFunction", reason: error.to_string() })?;
        let mut handle = ptr::null_mut();
        // SAFETY: the name ends with a zero.
        let code = unsafe { (self.gpu.0.driver.module_function)(&mut handle, self.handle, name.as_ptr()) };
        self.gpu.0.driver.check("cuModuleGetFunction", code)?;
        Ok(Kernel(handle))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.gpu.enter().is_ok() {
            // SAFETY: nobody uses it afterwards.
            unsafe { (self.gpu.0.driver.module_unload)(self.handle) };
        }
    }
}

/// How many threads a kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// About one for each of this number of elements.
    Each(u64),
    /// One block.
    Alone,
}

impl Stream {
    /// Queues a kernel, whose structure has these words.
    ///
    /// # Safety
    /// The words are those that the kernel's text says, and what their addresses name is valid until the stream has done it.
    pub(super) unsafe fn launch(
        &self,
        kernel: Kernel,
        threads: Threads,
        words: &[u64],
    ) -> Result<(), GpuError> {
        let (blocks, block) = match threads {
            Threads::Each(0) => return Ok(()),
            Threads::Each(elements) => (elements.div_ceil(BLOCK).min(BLOCKS) as c_uint, BLOCK as c_uint),
            Threads::Alone => (1, ALONE),
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
}

/// A wait that has an end: turns, then naps.
pub(super) struct Waiting {
    since: Instant,
    deadline: Duration,
    turns: u32,
}

impl Waiting {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { since: Instant::now(), deadline, turns: 0 }
    }

    /// Waits a little; whether there is time left.
    pub(super) fn goes_on(&mut self) -> bool {
        self.turns = self.turns.saturating_add(1);
        match self.turns {
            0..200 => std::hint::spin_loop(),
            200..2000 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
        self.turns < 200 || self.since.elapsed() < self.deadline
    }
}
