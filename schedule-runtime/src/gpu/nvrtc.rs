//! NVRTC: from CUDA text to code for a GPU. It needs no GPU.

use super::GpuError;
use super::loader::{Source, table};
use bfc_schedule::visible;
use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::ptr;

const SOURCE: Source = Source {
    name: "NVRTC",
    variable: "BFC_NVRTC",
    files: &["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"],
    remedy: "it belongs to the CUDA toolkit and to PyTorch; `pip install nvidia-cuda-nvrtc-cu12` has it alone",
};

/// What keeps the bits of the host: products and sums are rounded one by one, quotients and roots to the nearest, and
/// the least numbers are not taken for zero.
pub const OPTIONS: [&str; 5] =
    ["--fmad=false", "--prec-div=true", "--prec-sqrt=true", "--ftz=false", "--std=c++14"];

type Handle = *mut c_void;

table! {
    /// Functions of NVRTC.
    Table {
        version = c"nvrtcVersion" (*mut c_int, *mut c_int);
        create = c"nvrtcCreateProgram" (
            *mut Handle, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char
        );
        destroy = c"nvrtcDestroyProgram" (*mut Handle);
        compile = c"nvrtcCompileProgram" (Handle, c_int, *const *const c_char);
        log_size = c"nvrtcGetProgramLogSize" (Handle, *mut usize);
        log = c"nvrtcGetProgramLog" (Handle, *mut c_char);
        ptx_size = c"nvrtcGetPTXSize" (Handle, *mut usize);
        ptx = c"nvrtcGetPTX" (Handle, *mut c_char);
        cubin_size = c"nvrtcGetCUBINSize" (Handle, *mut usize);
        cubin = c"nvrtcGetCUBIN" (Handle, *mut c_char);
    }
}

/// A compiler of kernels.
pub struct Nvrtc(Table);

/// What is compiled to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text that a driver compiles further, for this architecture and later ones.
    Ptx,
    /// Code of this architecture.
    Cubin,
}

type SizeOf = unsafe extern "C" fn(Handle, *mut usize) -> c_int;
type BytesOf = unsafe extern "C" fn(Handle, *mut c_char) -> c_int;

impl Nvrtc {
    /// Opens the library, or that in a file.
    ///
    /// # Errors
    /// There is none, or it lacks a function.
    pub fn open(file: Option<OsString>) -> Result<Self, GpuError> {
        Ok(Self(Table::new(SOURCE.open(file)?)?))
    }

    /// The version of CUDA that it belongs to, such as (12, 9).
    ///
    /// # Errors
    /// It does not say.
    pub fn version(&self) -> Result<(u32, u32), GpuError> {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: it writes two numbers.
        check("nvrtcVersion", unsafe { (self.0.version)(&mut major, &mut minor) })?;
        Ok((major as u32, minor as u32))
    }

    /// Compiles CUDA text for a compute capability, such as 90 of `sm_90`.
    ///
    /// # Errors
    /// It does not know the architecture, or refuses the text; then the error has its words.
    pub fn compile(&self, source: &str, capability: u32, form: Form) -> Result<Vec<u8>, GpuError> {
        let architecture = match form {
            Form::Ptx => format!("compute_{capability}"),
            Form::Cubin => format!("sm_{capability}"),
        };
        let refused = |log: String| GpuError::Compile { architecture: architecture.clone(), log };
        let text = |text: &str| CString::new(text).map_err(|error| refused(error.to_string()));
        let source = text(source)?;
        let mut options = vec![text(&format!("--gpu-architecture={architecture}"))?];
        for option in OPTIONS {
            options.push(text(option)?);
        }
        let options: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        let mut program = Program { table: &self.0, handle: ptr::null_mut() };
        // SAFETY: the source ends with a zero, and there are no headers.
        let code = unsafe {
            let name = c"bfc.cu".as_ptr();
            (self.0.create)(&mut program.handle, source.as_ptr(), name, 0, ptr::null(), ptr::null())
        };
        check("nvrtcCreateProgram", code)?;
        // SAFETY: so many options end with a zero each.
        let code = unsafe { (self.0.compile)(program.handle, options.len() as c_int, options.as_ptr()) };
        if code != 0 {
            let log = program.bytes("nvrtcGetProgramLog", self.0.log_size, self.0.log)?;
            return Err(refused(first_error(&log)));
        }
        match form {
            Form::Ptx => program.bytes("nvrtcGetPTX", self.0.ptx_size, self.0.ptx),
            Form::Cubin => program.bytes("nvrtcGetCUBIN", self.0.cubin_size, self.0.cubin),
        }
    }
}

/// The first line of a log that speaks of an error, or the first.
fn first_error(log: &[u8]) -> String {
    let log = String::from_utf8_lossy(log);
    let mut lines = log.trim_end_matches('\0').lines();
    let found = lines.clone().find(|line| line.contains("error")).or(lines.next());
    visible::line(found.unwrap_or("no reason given").trim()).into_owned()
}

struct Program<'a> {
    table: &'a Table,
    handle: Handle,
}

impl Program<'_> {
    fn bytes(&self, call: &'static str, size_of: SizeOf, bytes_of: BytesOf) -> Result<Vec<u8>, GpuError> {
        let mut size = 0;
        // SAFETY: the program is one of this library; the second function writes as many bytes as the first one says.
        unsafe {
            check(call, size_of(self.handle, &mut size))?;
            let mut bytes = vec![0u8; size];
            check(call, bytes_of(self.handle, bytes.as_mut_ptr().cast()))?;
            Ok(bytes)
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: nobody uses it afterwards.
            unsafe { (self.table.destroy)(&mut self.handle) };
        }
    }
}

fn check(call: &'static str, code: c_int) -> Result<(), GpuError> {
    match code {
        0 => Ok(()),
        _ => Err(GpuError::Call { call, reason: format!("NVRTC error {code}") }),
    }
}
