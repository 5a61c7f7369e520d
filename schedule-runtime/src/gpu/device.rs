//! A GPU: its memory and its kernels.

use super::driver::{Handle, Table};
use super::nvrtc::{Form, Nvrtc};
use super::{Event, GpuError, Stream};
use bfc_schedule::visible;
use std::collections::BTreeMap;
use std::ffi::{CString, OsString, c_int, c_uint};
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// Code by its text: ranks that are threads compile the same.
    compiled: Mutex<BTreeMap<String, Vec<u8>>>,
}

// SAFETY: handles of the driver may be used by any thread.
unsafe impl Send for Inner {}
// SAFETY: the driver does its own locking.
unsafe impl Sync for Inner {}

/// Attributes of devices.
const CAPABILITY_MAJOR: c_int = 75;
const CAPABILITY_MINOR: c_int = 76;

fn count(driver: &Table) -> Result<u32, GpuError> {
    let mut found = 0;
    // SAFETY: it writes one number.
    driver.check("cuDeviceGetCount", unsafe { (driver.device_count)(&mut found) })?;
    Ok(found as u32)
}

impl Gpu {
    /// The number of GPUs of this machine that the process may use.
    ///
    /// # Errors
    /// There is no driver, or it does not say.
    pub fn count(libraries: &Libraries) -> Result<u32, GpuError> {
        count(&Table::open(libraries.driver.clone())?)
    }

    /// Opens the GPU with this number, and the libraries that it needs.
    ///
    /// # Errors
    /// A library or the GPU is missing, or the driver is older than NVRTC.
    pub fn open(libraries: &Libraries, number: u32) -> Result<Self, GpuError> {
        let driver = Table::open(libraries.driver.clone())?;
        let found = count(&driver)?;
        if number >= found {
            return Err(GpuError::NoDevice { wanted: number, found });
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
        let compiled = Mutex::default();
        Ok(Self(Arc::new(Inner { driver, nvrtc, device, context, name, capability, compiled })))
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
        Ok(Stream::of(self, handle))
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
        Ok(Event::of(self, handle))
    }

    /// Compiles the text of kernels, and loads it.
    ///
    /// # Errors
    /// NVRTC refuses the text or the architecture, or the driver its code.
    pub fn load(&self, source: &str) -> Result<Module, GpuError> {
        let code = self.compile(source)?;
        self.enter()?;
        let mut handle = ptr::null_mut();
        // SAFETY: the bytes are code as NVRTC makes it, which contains its length.
        let code = unsafe { (self.0.driver.module_load)(&mut handle, code.as_ptr().cast()) };
        self.0.driver.check("cuModuleLoadData", code)?;
        Ok(Module { gpu: self.clone(), handle })
    }

    /// The code of a text, which is compiled once.
    fn compile(&self, source: &str) -> Result<Vec<u8>, GpuError> {
        let mut compiled = self.0.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = compiled.get(source) {
            return Ok(code.clone());
        }
        let code = self.0.nvrtc.compile(source, self.0.capability, Form::Cubin)?;
        compiled.insert(source.to_owned(), code.clone());
        Ok(code)
    }

    pub(super) fn driver(&self) -> &Table {
        &self.0.driver
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
pub(super) struct Kernel(pub(super) Handle);

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
