//! The CUDA driver, as far as it is used.

use super::GpuError;
use super::loader::{Source, table, text};
use std::ffi::{OsString, c_char, c_int, c_uint, c_void};
use std::ptr;

const SOURCE: Source = Source {
    name: "CUDA driver",
    variable: "BFC_CUDA",
    files: &["libcuda.so.1"],
    remedy: "install the driver of the GPU, which brings libcuda.so.1",
};

/// A call that is right and not yet done.
const NOT_READY: c_int = 600;

/// Handles of the driver.
pub(super) type Handle = *mut c_void;

table! {
    /// Functions of the driver. Those whose first version took 32-bit sizes are named by their second.
    Table {
        init = c"cuInit" (c_uint);
        driver_version = c"cuDriverGetVersion" (*mut c_int);
        error_string = c"cuGetErrorString" (c_int, *mut *const c_char);
        device_count = c"cuDeviceGetCount" (*mut c_int);
        device = c"cuDeviceGet" (*mut c_int, c_int);
        device_name = c"cuDeviceGetName" (*mut c_char, c_int, c_int);
        device_attribute = c"cuDeviceGetAttribute" (*mut c_int, c_int, c_int);
        context_retain = c"cuDevicePrimaryCtxRetain" (*mut Handle, c_int);
        context_release = c"cuDevicePrimaryCtxRelease_v2" (c_int);
        context_set = c"cuCtxSetCurrent" (Handle);
        memory_allocate = c"cuMemAlloc_v2" (*mut u64, usize);
        memory_free = c"cuMemFree_v2" (u64);
        host_allocate = c"cuMemHostAlloc" (*mut *mut c_void, usize, c_uint);
        host_free = c"cuMemFreeHost" (*mut c_void);
        to_device = c"cuMemcpyHtoDAsync_v2" (u64, *const c_void, usize, Handle);
        to_host = c"cuMemcpyDtoHAsync_v2" (*mut c_void, u64, usize, Handle);
        on_device = c"cuMemcpyDtoDAsync_v2" (u64, u64, usize, Handle);
        fill = c"cuMemsetD8Async" (u64, u8, usize, Handle);
        stream_create = c"cuStreamCreate" (*mut Handle, c_uint);
        stream_destroy = c"cuStreamDestroy_v2" (Handle);
        stream_query = c"cuStreamQuery" (Handle);
        stream_wait = c"cuStreamWaitEvent" (Handle, Handle, c_uint);
        event_create = c"cuEventCreate" (*mut Handle, c_uint);
        event_destroy = c"cuEventDestroy_v2" (Handle);
        event_record = c"cuEventRecord" (Handle, Handle);
        event_query = c"cuEventQuery" (Handle);
        event_elapsed = c"cuEventElapsedTime" (*mut f32, Handle, Handle);
        capture_begin = c"cuStreamBeginCapture_v2" (Handle, c_int);
        capture_end = c"cuStreamEndCapture" (Handle, *mut Handle);
        graph_instantiate = c"cuGraphInstantiateWithFlags" (*mut Handle, Handle, u64);
        graph_launch = c"cuGraphLaunch" (Handle, Handle);
        graph_exec_destroy = c"cuGraphExecDestroy" (Handle);
        graph_destroy = c"cuGraphDestroy" (Handle);
        module_load = c"cuModuleLoadData" (*mut Handle, *const c_void);
        module_unload = c"cuModuleUnload" (Handle);
        module_function = c"cuModuleGetFunction" (*mut Handle, Handle, *const c_char);
        launch = c"cuLaunchKernel" (
            Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void
        );
    }
}

impl Table {
    /// Opens the driver of this machine, or that in a file, and starts it.
    pub(super) fn open(file: Option<OsString>) -> Result<Self, GpuError> {
        let table = Self::new(SOURCE.open(file)?)?;
        // SAFETY: 0 is its only argument.
        table.check("cuInit", unsafe { (table.init)(0) })?;
        Ok(table)
    }

    /// An error where a call has failed.
    pub(super) fn check(&self, call: &'static str, code: c_int) -> Result<(), GpuError> {
        match code {
            0 => Ok(()),
            _ => Err(GpuError::Call { call, reason: self.explain(code) }),
        }
    }

    /// Whether what a query asks for is done.
    pub(super) fn is_done(&self, call: &'static str, code: c_int) -> Result<bool, GpuError> {
        if code == NOT_READY { Ok(false) } else { self.check(call, code).map(|()| true) }
    }

    fn explain(&self, code: c_int) -> String {
        let mut address = ptr::null();
        // SAFETY: it writes one address.
        match unsafe { (self.error_string)(code, &mut address) } {
            0 => format!("{} (CUDA error {code})", text(address)),
            _ => format!("CUDA error {code}"),
        }
    }

    /// The newest CUDA that the driver works with, such as (12, 9).
    pub(super) fn version(&self) -> Result<(u32, u32), GpuError> {
        let mut version = 0;
        // SAFETY: it writes one number.
        self.check("cuDriverGetVersion", unsafe { (self.driver_version)(&mut version) })?;
        Ok((version as u32 / 1000, version as u32 % 1000 / 10))
    }
}
