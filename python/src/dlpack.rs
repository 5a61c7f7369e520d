//! An array of any library → its memory, by the DLPack protocol (dmlc.github.io/dlpack, versions 0 and 1), unread.
//!
//! A capsule is never consumed: it keeps its name, is held as long as the memory is used, and its own destructor gives the
//! memory back. Tensors of torch are read by the functions in C that DLPack 1.3 defines, where torch has them: that takes
//! a tenth of a microsecond instead of several, which counts for models of many small tensors.

use crate::array::{ArrayError, FLOATS};
use crate::library::Library;
use bfc_runtime::NumberType;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyType};
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

/// The number of the device type of ordinary memory.
pub const CPU: i32 = 1;
const INTEGER: u8 = 0;
const UNSIGNED: u8 = 1;
const FLOAT: u8 = 2;
const BFLOAT: u8 = 4;
const READ_ONLY: u64 = 1;
const COPIED: u64 = 2;

#[repr(C)]
#[derive(Clone, Copy, PartialEq)]
pub struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

impl DataType {
    /// The same as one of the runtime's, if it has it.
    pub fn number(self) -> Option<NumberType> {
        Some(match (self.code, self.bits, self.lanes) {
            (BFLOAT, 16, 1) => NumberType::Bf16,
            (FLOAT, 16, 1) => NumberType::F16,
            (FLOAT, 32, 1) => NumberType::F32,
            (FLOAT, 64, 1) => NumberType::F64,
            (INTEGER, 8, 1) => NumberType::I8,
            (INTEGER, 16, 1) => NumberType::I16,
            (INTEGER, 32, 1) => NumberType::I32,
            (INTEGER, 64, 1) => NumberType::I64,
            (UNSIGNED, 8, 1) => NumberType::U8,
            (UNSIGNED, 16, 1) => NumberType::U16,
            (UNSIGNED, 32, 1) => NumberType::U32,
            (UNSIGNED, 64, 1) => NumberType::U64,
            _ => return None,
        })
    }
}

/// How a tensor lies in memory.
#[repr(C)]
pub struct Tensor {
    data: *mut c_void,
    /// Where the memory is.
    pub device_type: i32,
    /// Which one of its kind.
    pub device_id: i32,
    dimensions: i32,
    /// The element type.
    pub dtype: DataType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct Versioned {
    major: u32,
    minor: u32,
    manager: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: Tensor,
}

/// Exports a tensor of Python; 0 where it does.
type Export = unsafe extern "C" fn(*mut c_void, *mut *mut Versioned) -> c_int;

/// Describes a tensor of Python, as long as the interpreter's lock is held; 0 where it does.
type Describe = unsafe extern "C" fn(*mut c_void, *mut Tensor) -> c_int;

/// The functions of a library in C, `DLPackExchangeAPI`; those that are not called here have no types.
#[repr(C)]
struct Exchange {
    major: u32,
    minor: u32,
    previous: *const Exchange,
    allocate: *const c_void,
    export: Option<Export>,
    import: *const c_void,
    describe: Option<Describe>,
}

/// What describes and exports tensors of a type.
#[derive(Clone, Copy)]
struct Functions {
    export: Export,
    describe: Option<Describe>,
}

/// A tensor that its library has exported.
struct Exported(NonNull<Versioned>);

impl Exported {
    fn new(array: &Bound<'_, PyAny>, export: Export) -> PyResult<Self> {
        let mut out = ptr::null_mut();
        // SAFETY: the function is of the library that the array is from, and the interpreter's lock is held.
        let status = unsafe { export(array.as_ptr().cast(), &raw mut out) };
        NonNull::new(out).filter(|_| status == 0).map(Self).ok_or_else(|| PyErr::fetch(array.py()))
    }
}

impl Tensor {
    /// A description without an owner, which holds until anything else of Python runs, if it is a dense tensor of torch.
    pub fn seen(tensor: &Bound<'_, PyAny>) -> Option<Self> {
        let functions = functions(&tensor.get_type())?;
        Self::of(tensor, functions.describe?)
    }

    /// The lengths of the dimensions, and the strides; none where they are those of row-major order.
    pub fn lists(&self) -> PyResult<(&[i64], &[i64])> {
        let dimensions = usize::try_from(self.dimensions)?;
        // SAFETY: `shape` holds `dimensions` lengths, and so does `strides` unless it is null.
        let lists = unsafe { [list(self.shape, dimensions), list(self.strides, dimensions)] };
        Ok(lists.map(Option::unwrap_or_default).into())
    }

    /// The first element.
    pub fn start(&self) -> Option<*mut c_void> {
        Some(self.data.wrapping_byte_add(usize::try_from(self.byte_offset).ok()?))
    }

    fn of(tensor: &Bound<'_, PyAny>, describe: Describe) -> Option<Self> {
        let mut out = MaybeUninit::uninit();
        // SAFETY: the function is of the library that the tensor is from, the interpreter's lock is held, and 0 says that it has
        // written all.
        unsafe {
            if describe(tensor.as_ptr().cast(), out.as_mut_ptr()) == 0 {
                return Some(out.assume_init());
            }
        }
        drop(PyErr::take(tensor.py()));
        None
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        // SAFETY: the library has given it away, and it is given back once, on whatever thread.
        unsafe {
            if let Some(delete) = self.0.as_ref().deleter {
                delete(self.0.as_ptr());
            }
        }
    }
}

/// What keeps memory alive.
enum Owner {
    Capsule { _it: Py<PyCapsule> },
    Exported { _it: Exported },
}

/// The memory of an array, kept alive by what describes it.
pub struct Memory {
    _owner: Owner,
    /// The library that the array comes from.
    pub library: Library,
    /// The first element; null where there is none.
    pub data: *mut c_void,
    /// The element type.
    pub number: NumberType,
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// Whether the elements lie in row-major order without gaps, and aligned.
    pub contiguous: bool,
    /// Whether the array's owner forbids writing, or gave a copy.
    pub read_only: bool,
}

// SAFETY: the owner is only dropped, capsules by PyO3 under the interpreter's lock; `data` is a plain address.
unsafe impl Send for Memory {}
// SAFETY: as above; nothing is mutable through a shared reference.
unsafe impl Sync for Memory {}

/// What becomes of tensors of torch that require a gradient: writing to them is nothing that autograd sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parameters {
    /// They are taken, and the caller tells autograd.
    Taken,
    /// They are refused, as `__dlpack__` does.
    Refused,
}

/// The memory of `array`, or why it cannot be had.
pub fn import(array: &Bound<'_, PyAny>, parameters: Parameters) -> Result<Memory, ArrayError> {
    if let Some(Functions { export, .. }) = functions(&array.get_type())
        && (parameters == Parameters::Taken || !requires_grad(array).unwrap_or(true))
    {
        return exported(array, export);
    }
    let type_name = || array.get_type().fully_qualified_name().map_or("?".into(), |name| name.to_string());
    if !array.hasattr("__dlpack__").unwrap_or(false) {
        return Err(ArrayError::NotAnArray { found: type_name() });
    }
    let library = Library::detect(array);
    let detached = match parameters {
        Parameters::Taken if library == Library::Torch => array.call_method0("detach").ok(),
        _ => None,
    };
    let array = detached.as_ref().unwrap_or(array);
    let not_exported = |reason: String| ArrayError::NotExported { library, reason };
    let device: (i32, i32) = array
        .call_method0("__dlpack_device__")
        .and_then(|device| Ok((device.get_item(0)?.extract()?, device.get_item(1)?.extract()?)))
        .map_err(|error| not_exported(error.to_string()))?;
    if device.0 != CPU {
        return Err(ArrayError::NotOnCpu { library, device: device.0 });
    }
    let capsule = capsule(array).map_err(|error| not_exported(error.to_string()))?;
    in_capsule(&capsule, library).ok_or_else(|| malformed(library))?
}

fn malformed(library: Library) -> ArrayError {
    ArrayError::NotExported { library, reason: "its description is malformed".into() }
}

/// Whether autograd records what is done with a tensor.
pub fn requires_grad(tensor: &Bound<'_, PyAny>) -> PyResult<bool> {
    tensor.getattr(intern!(tensor.py(), "requires_grad"))?.is_truthy()
}

/// The functions for tensors of this type, if it is one of torch's; looked up once for each type.
fn functions(kind: &Bound<'_, PyType>) -> Option<Functions> {
    static KNOWN: Mutex<Vec<(Py<PyType>, Option<Functions>)>> = Mutex::new(vec![]);
    // Not locked while Python looks anything up, which may let other threads run.
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, functions)) = known().iter().find(|(one, _)| one.as_ptr() == kind.as_ptr()) {
        return *functions;
    }
    if Library::of_type(kind) != Library::Torch {
        return None;
    }
    let capsule = kind.getattr("__dlpack_c_exchange_api__").ok();
    let capsule = capsule.and_then(|capsule| capsule.cast_into::<PyCapsule>().ok());
    let pointer = capsule.and_then(|capsule| capsule.pointer_checked(Some(c"dlpack_exchange_api")).ok());
    let mut exchange =
        pointer.map_or(ptr::null(), |pointer| pointer.cast::<Exchange>().as_ptr().cast_const());
    // SAFETY: a capsule of this name holds a table that lives as long as the process; older ones follow it.
    let exchange = unsafe {
        while exchange.as_ref().is_some_and(|exchange| exchange.major != 1) {
            exchange = (*exchange).previous;
        }
        exchange.as_ref()
    };
    let functions =
        exchange.and_then(|&Exchange { export, describe, .. }| Some(Functions { export: export?, describe }));
    known().push((kind.clone().unbind(), functions));
    functions
}

/// The memory of a tensor by its library's function.
fn exported(array: &Bound<'_, PyAny>, export: Export) -> Result<Memory, ArrayError> {
    let library = Library::Torch;
    let not_exported = |reason: String| ArrayError::NotExported { library, reason };
    let tensor = Exported::new(array, export).map_err(|error| not_exported(error.to_string()))?;
    let address = tensor.0;
    let owner = Owner::Exported { _it: tensor };
    // SAFETY: it lives until the owner is dropped, which moves into the result.
    let versioned = unsafe { address.as_ref() };
    let described = if versioned.major == 1 {
        describe(&versioned.tensor, versioned.flags, library, owner)
    } else {
        None
    };
    described.ok_or_else(|| malformed(library))?
}

fn capsule<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyCapsule>> {
    let keywords = PyDict::new(array.py());
    keywords.set_item("max_version", (1, 1))?;
    let capsule = match array.call_method("__dlpack__", (), Some(&keywords)) {
        Err(error) if error.is_instance_of::<PyTypeError>(array.py()) => array.call_method0("__dlpack__"),
        other => other,
    };
    Ok(capsule?.cast_into()?)
}

fn in_capsule(capsule: &Bound<'_, PyCapsule>, library: Library) -> Option<Result<Memory, ArrayError>> {
    let (tensor, flags) = if let Ok(pointer) = capsule.pointer_checked(Some(c"dltensor_versioned")) {
        // SAFETY: a capsule of this name holds a live `DLManagedTensorVersioned` until it is renamed or dropped.
        let versioned = unsafe { pointer.cast::<Versioned>().as_ref() };
        if versioned.major != 1 {
            return None;
        }
        (&versioned.tensor, versioned.flags)
    } else {
        let pointer = capsule.pointer_checked(Some(c"dltensor")).ok()?;
        // SAFETY: a capsule of this name holds a live `DLManagedTensor`, whose first field is the tensor.
        (unsafe { pointer.cast::<Tensor>().as_ref() }, 0)
    };
    describe(tensor, flags, library, Owner::Capsule { _it: capsule.clone().unbind() })
}

/// The memory that a live tensor describes; `None` where the description is malformed.
fn describe(
    tensor: &Tensor,
    flags: u64,
    library: Library,
    owner: Owner,
) -> Option<Result<Memory, ArrayError>> {
    if tensor.device_type != CPU {
        return Some(Err(ArrayError::NotOnCpu { library, device: tensor.device_type }));
    }
    let Some(number) = tensor.dtype.number() else {
        let found = type_name(tensor.dtype.code, tensor.dtype.bits);
        return Some(Err(ArrayError::WrongType { library, found, expected: FLOATS }));
    };
    let dimensions = usize::try_from(tensor.dimensions).ok()?;
    // SAFETY: `shape` holds `dimensions` lengths, and so does `strides` unless it is null.
    let (shape, strides) = unsafe { (list(tensor.shape, dimensions)?, list(tensor.strides, dimensions)) };
    let shape: Vec<usize> =
        shape.iter().map(|&length| usize::try_from(length).ok()).collect::<Option<_>>()?;
    let bytes = shape.iter().try_fold(number.bytes(), |product, &length| product.checked_mul(length))?;
    isize::try_from(bytes).ok()?;
    let data = if bytes == 0 { std::ptr::null_mut() } else { tensor.start()? };
    if bytes > 0 && tensor.data.is_null() {
        return None;
    }
    let contiguous = (data as usize).is_multiple_of(number.bytes())
        && (bytes == 0 || strides.is_none_or(|strides| row_major(&shape, strides)));
    let read_only = flags & (READ_ONLY | COPIED) != 0;
    Some(Ok(Memory { _owner: owner, library, data, number, shape, contiguous, read_only }))
}

/// # Safety
/// `pointer` is null or points to `length` integers.
unsafe fn list<'a>(pointer: *const i64, length: usize) -> Option<&'a [i64]> {
    match length {
        0 => Some(&[]),
        _ if pointer.is_null() => None,
        // SAFETY: the caller's promise.
        _ => Some(unsafe { std::slice::from_raw_parts(pointer, length) }),
    }
}

/// Whether elements lie one after another, in row-major order.
pub fn row_major(shape: &[usize], strides: &[i64]) -> bool {
    let mut expected = 1;
    for (&length, &stride) in shape.iter().zip(strides).rev() {
        if length != 1 && stride != expected {
            return false;
        }
        expected *= length as i64;
    }
    true
}

fn type_name(code: u8, bits: u8) -> String {
    let kind = match code {
        0 => "int",
        1 => "uint",
        2 => "float",
        4 => "bfloat",
        5 => "complex",
        6 => "bool",
        _ => return format!("type {code} of {bits} bits"),
    };
    format!("{kind}{bits}")
}
