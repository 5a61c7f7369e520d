//! An array of any library → its memory, by the DLPack protocol (dmlc.github.io/dlpack, versions 0 and 1), unread.
//!
//! The capsule is never consumed: it keeps its name, is held as long as the memory is used, and its own destructor
//! gives the memory back.

use crate::array::ArrayError;
use crate::library::Library;
use bfc_runtime::Dtype;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use std::ffi::c_void;

const CPU: i32 = 1;
const FLOAT: u8 = 2;
const BFLOAT: u8 = 4;
const READ_ONLY: u64 = 1;
const COPIED: u64 = 2;

#[repr(C)]
struct DataType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct Tensor {
    data: *mut c_void,
    device_type: i32,
    device_id: i32,
    dimensions: i32,
    dtype: DataType,
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

/// The memory of an array, kept alive by the capsule that describes it.
pub struct Memory {
    _capsule: Py<PyCapsule>,
    /// The library that the array comes from.
    pub library: Library,
    /// The first element; null where there is none.
    pub data: *mut c_void,
    /// The element type.
    pub dtype: Dtype,
    /// The length of each dimension.
    pub shape: Vec<usize>,
    /// Whether the elements lie in row-major order without gaps, and aligned.
    pub contiguous: bool,
    /// Whether the array's owner forbids writing, or gave a copy.
    pub read_only: bool,
}

// SAFETY: the capsule is only dropped, which PyO3 does under the interpreter's lock; `data` is a plain address.
unsafe impl Send for Memory {}
// SAFETY: as above; nothing is mutable through a shared reference.
unsafe impl Sync for Memory {}

/// The memory of `array`, or why it cannot be had.
pub fn import(array: &Bound<'_, PyAny>) -> Result<Memory, ArrayError> {
    let type_name = || array.get_type().fully_qualified_name().map_or("?".into(), |name| name.to_string());
    if !array.hasattr("__dlpack__").unwrap_or(false) {
        return Err(ArrayError::NotAnArray { found: type_name() });
    }
    let library = Library::detect(array);
    let not_exported = |reason: String| ArrayError::NotExported { library, reason };
    let device: (i32, i32) = array
        .call_method0("__dlpack_device__")
        .and_then(|device| Ok((device.get_item(0)?.extract()?, device.get_item(1)?.extract()?)))
        .map_err(|error| not_exported(error.to_string()))?;
    if device.0 != CPU {
        return Err(ArrayError::NotOnCpu { library, device: device.0 });
    }
    let capsule = capsule(array).map_err(|error| not_exported(error.to_string()))?;
    read(&capsule, library).ok_or_else(|| not_exported("its capsule is malformed".into()))?
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

fn read(capsule: &Bound<'_, PyCapsule>, library: Library) -> Option<Result<Memory, ArrayError>> {
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
    if tensor.device_type != CPU {
        return Some(Err(ArrayError::NotOnCpu { library, device: tensor.device_type }));
    }
    let dtype = match (tensor.dtype.code, tensor.dtype.bits, tensor.dtype.lanes) {
        (BFLOAT, 16, 1) => Dtype::Bf16,
        (FLOAT, 16, 1) => Dtype::F16,
        (FLOAT, 32, 1) => Dtype::F32,
        (FLOAT, 64, 1) => Dtype::F64,
        (code, bits, _) => {
            let (found, expected) = (type_name(code, bits), "bfloat16, float16, float32 or float64");
            return Some(Err(ArrayError::WrongType { library, found, expected }));
        }
    };
    let dimensions = usize::try_from(tensor.dimensions).ok()?;
    // SAFETY: `shape` holds `dimensions` lengths, and so does `strides` unless it is null.
    let (shape, strides) = unsafe { (list(tensor.shape, dimensions)?, list(tensor.strides, dimensions)) };
    let shape: Vec<usize> =
        shape.iter().map(|&length| usize::try_from(length).ok()).collect::<Option<_>>()?;
    let bytes = shape.iter().try_fold(dtype.bytes(), |product, &length| product.checked_mul(length))?;
    isize::try_from(bytes).ok()?;
    let data = if bytes == 0 {
        std::ptr::null_mut()
    } else {
        tensor.data.wrapping_byte_add(usize::try_from(tensor.byte_offset).ok()?)
    };
    if bytes > 0 && tensor.data.is_null() {
        return None;
    }
    let contiguous = (data as usize).is_multiple_of(dtype.bytes())
        && (bytes == 0 || strides.is_none_or(|strides| row_major(&shape, strides)));
    let read_only = flags & (READ_ONLY | COPIED) != 0;
    Some(Ok(Memory {
        _capsule: capsule.clone().unbind(),
        library,
        data,
        dtype,
        shape,
        contiguous,
        read_only,
    }))
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

fn row_major(shape: &[usize], strides: &[i64]) -> bool {
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
