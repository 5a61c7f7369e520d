//! Arrays of the trainer's library ⇄ the memory the runtime works on, checked and without a copy.

use crate::dlpack::{self, Memory, Parameters};
use crate::library::{Library, package};
use bfc_runtime::{Dtype, NumberType, Numeric};
use miette::Diagnostic;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::any::Any;
use std::sync::Arc;
use thiserror::Error;

/// Why an array cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum ArrayError {
    /// It has no `__dlpack__`.
    #[error("found `{found}`, expected an array")]
    #[diagnostic(
        code(bfc::array::not_an_array),
        help(
            "pass a numpy array, a torch tensor or another array with `__dlpack__`, such as `np.array(values)`"
        )
    )]
    NotAnArray {
        /// The type's name.
        found: String,
    },
    /// Its library would not describe the memory.
    #[error("the array does not give its memory: {reason}")]
    #[diagnostic(
        code(bfc::array::not_exported),
        help("pass {}", library.shared())
    )]
    NotExported {
        /// The array's library.
        library: Library,
        /// What the library said.
        reason: String,
    },
    /// jax arrays are immutable, yet their memory is handed out as writable.
    #[error("a jax array cannot be changed in place: jax assumes that its arrays never change")]
    #[diagnostic(
        code(bfc::array::jax_in_place),
        help("train on a copy, `x = np.array(x)`, and give jax what it needs with `jnp.asarray(x)`")
    )]
    JaxInPlace,
    /// It is in a device's memory.
    #[error("the array is on device type {device} of DLPack, expected memory of the CPU (type 1)")]
    #[diagnostic(code(bfc::array::not_on_cpu), help("pass a CPU array, such as `{}`", library.on_cpu()))]
    NotOnCpu {
        /// The array's library.
        library: Library,
        /// DLPack's number of the device type.
        device: i32,
    },
    /// Not one of the number types that are computed with here.
    #[error("the array holds {found}, expected {expected}")]
    #[diagnostic(
        code(bfc::array::wrong_type),
        help("convert it first: `x = {}`", library.converted("float32"))
    )]
    WrongType {
        /// The array's library.
        library: Library,
        /// The element type.
        found: String,
        /// Those that would do.
        expected: &'static str,
    },
    /// Not the type of the model.
    #[error("the array holds {found}, the model was made from {expected}")]
    #[diagnostic(
        code(bfc::array::mixed_types),
        help(
            "convert the array, `{}`, or make the model from an array of {found}",
            library.converted(expected)
        )
    )]
    MixedTypes {
        /// The array's library.
        library: Library,
        /// The array's type.
        found: &'static str,
        /// The model's type.
        expected: &'static str,
    },
    /// It has gaps or another order.
    #[error("the array is not contiguous, aligned and in row-major order, so it cannot be changed in place")]
    #[diagnostic(
        code(bfc::array::not_contiguous),
        help("pass `{}` and keep that array", library.contiguous())
    )]
    NotContiguous {
        /// The array's library.
        library: Library,
    },
    /// Its owner forbids writing.
    #[error("the array is read-only")]
    #[diagnostic(
        code(bfc::array::read_only),
        help("pass a writable array, such as `{}`", library.copied())
    )]
    ReadOnly {
        /// The array's library.
        library: Library,
    },
    /// Not the model's shape.
    #[error("the array has shape {found:?}, the model has {expected:?}")]
    #[diagnostic(
        code(bfc::array::wrong_shape),
        help("every array of a model has the shape that the model was made with")
    )]
    WrongShape {
        /// The array's shape.
        found: Vec<usize>,
        /// The model's shape.
        expected: Vec<usize>,
    },
    /// Two ranks train on the same memory.
    #[error("rank {rank} and rank {other} train on overlapping memory")]
    #[diagnostic(
        code(bfc::array::overlap),
        help(
            "make the array inside the function that each rank runs, or give each rank its own `{}`",
            library.copied()
        )
    )]
    Overlap {
        /// The library of the array that came second.
        library: Library,
        /// The rank that came second.
        rank: u32,
        /// The rank whose step is running.
        other: u32,
    },
}

/// The name of a number type in numpy and elsewhere.
pub fn name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::Bf16 => "bfloat16",
        Dtype::F16 => "float16",
        Dtype::F32 => "float32",
        Dtype::F64 => "float64",
    }
}

/// The same of all number types.
pub fn number_name(number: NumberType) -> &'static str {
    match number {
        NumberType::F64 => "float64",
        NumberType::F32 => "float32",
        NumberType::Bf16 => "bfloat16",
        NumberType::F16 => "float16",
        NumberType::I8 => "int8",
        NumberType::I16 => "int16",
        NumberType::I32 => "int32",
        NumberType::I64 => "int64",
        NumberType::U8 => "uint8",
        NumberType::U16 => "uint16",
        NumberType::U32 => "uint32",
        NumberType::U64 => "uint64",
    }
}

/// Numbers that numpy has a type for, `f32` and `f64`.
pub trait Element: bfc_runtime::Element + Numeric {
    /// The code of the type in numpy.
    const CODE: &str;
}

impl Element for f32 {
    const CODE: &str = "<f4";
}

impl Element for f64 {
    const CODE: &str = "<f8";
}

/// The number types of models.
pub const FLOATS: &str = "bfloat16, float16, float32 or float64";

/// The memory of an array of floats that is about to be changed in place.
pub fn writable(array: &Bound<'_, PyAny>) -> Result<Memory, ArrayError> {
    writable_floats(array, Parameters::Refused)
}

/// The same, of a model's tensor as well.
pub fn writable_floats(array: &Bound<'_, PyAny>, parameters: Parameters) -> Result<Memory, ArrayError> {
    in_place(array, parameters)?.floats()
}

/// The memory of an array of any numbers that is about to be changed in place.
pub fn in_place(array: &Bound<'_, PyAny>, parameters: Parameters) -> Result<Memory, ArrayError> {
    let memory = match dlpack::import(array, parameters) {
        Err(ArrayError::NotExported { library, .. }) if is_frozen(array) => {
            return Err(ArrayError::ReadOnly { library });
        }
        imported => imported?,
    };
    let library = memory.library;
    if library == Library::Jax {
        return Err(ArrayError::JaxInPlace);
    }
    if memory.read_only {
        return Err(ArrayError::ReadOnly { library });
    }
    if !memory.contiguous {
        return Err(ArrayError::NotContiguous { library });
    }
    Ok(memory)
}

/// The memory of an array of floats that is only read; one with gaps is copied.
pub fn readable(array: &Bound<'_, PyAny>) -> PyResult<Memory> {
    readable_floats(array, Parameters::Refused)
}

/// The same, of a model's tensor as well.
pub fn readable_floats(array: &Bound<'_, PyAny>, parameters: Parameters) -> PyResult<Memory> {
    Ok(readable_numbers(array, parameters)?.floats()?)
}

/// The memory of an array of any numbers that is only read; one with gaps is copied.
pub fn readable_numbers(array: &Bound<'_, PyAny>, parameters: Parameters) -> PyResult<Memory> {
    let numpy = || array.py().import("numpy");
    let memory = match dlpack::import(array, parameters) {
        Err(ArrayError::NotExported { .. }) if is_frozen(array) => {
            return Ok(dlpack::import(&numpy()?.call_method1("array", (array,))?, parameters)?);
        }
        imported => imported?,
    };
    if memory.contiguous {
        return Ok(memory);
    }
    let array = match memory.library {
        // numpy takes no tensor that requires a gradient, and has no bfloat16.
        Library::Torch => array.call_method0("detach")?.call_method0("contiguous")?,
        _ => {
            let array = numpy()?.call_method1("from_dlpack", (array,))?;
            numpy()?.call_method1("ascontiguousarray", (array,))?
        }
    };
    Ok(dlpack::import(&array, parameters)?)
}

/// Whether it is a numpy array that may not be written; before numpy 2.1 these are not exported.
fn is_frozen(array: &Bound<'_, PyAny>) -> bool {
    let writeable = array.getattr("flags").and_then(|flags| flags.getattr("writeable"));
    package(array) == "numpy" && writeable.is_ok_and(|writeable| !writeable.is_truthy().unwrap_or(true))
}

impl Memory {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// The element type of floats.
    ///
    /// # Panics
    /// It holds integers; see [`floats`](Self::floats).
    pub fn dtype(&self) -> Dtype {
        self.number.float().expect("the array holds floats")
    }

    /// The same, unless it holds integers.
    fn floats(self) -> Result<Self, ArrayError> {
        if self.number.float().is_some() { Ok(self) } else { Err(self.wrong_type(FLOATS)) }
    }

    /// The same, unless its numbers are shorter than what is computed with.
    pub fn not_short(self) -> Result<Self, ArrayError> {
        match self.number {
            NumberType::F32 | NumberType::F64 => Ok(self),
            _ => Err(self.wrong_type("float32 or float64")),
        }
    }

    fn wrong_type(&self, expected: &'static str) -> ArrayError {
        ArrayError::WrongType { library: self.library, found: number_name(self.number).to_owned(), expected }
    }

    /// Whether the array fits a model of this type and shape.
    pub fn fits(&self, dtype: Dtype, shape: &[usize]) -> Result<(), ArrayError> {
        if self.dtype() != dtype {
            let (found, expected) = (name(self.dtype()), name(dtype));
            return Err(ArrayError::MixedTypes { library: self.library, found, expected });
        }
        if self.shape != shape {
            return Err(ArrayError::WrongShape { found: self.shape.clone(), expected: shape.to_vec() });
        }
        Ok(())
    }

    /// The elements.
    ///
    /// # Safety
    /// The memory is contiguous, of this element type, and nobody writes it while the slice lives.
    pub unsafe fn slice<T: Numeric>(&self) -> &[T] {
        debug_assert!(self.contiguous && self.number == T::TYPE);
        if self.len() == 0 {
            return &[];
        }
        // SAFETY: DLPack promises `len` elements at `data` while the capsule lives; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len()) }
    }

    /// The elements, to be changed.
    ///
    /// # Safety
    /// As for [`slice`](Self::slice), nobody else reads or writes it, and the array is writable.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut<T: Numeric>(&self) -> &mut [T] {
        debug_assert!(self.contiguous && self.number == T::TYPE && !self.read_only);
        if self.len() == 0 {
            return &mut [];
        }
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.data.cast(), self.len()) }
    }
}

/// Memory that Python reads as an array (numpy's `__array_interface__`); the owner lives as long as any view of it.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct View {
    address: usize,
    read_only: bool,
    code: &'static str,
    shape: Vec<usize>,
    _owner: Arc<dyn Any + Send + Sync>,
}

#[pymethods]
impl View {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("typestr", self.code)?;
        interface.set_item("shape", pyo3::types::PyTuple::new(py, &self.shape)?)?;
        interface.set_item("data", (self.address, self.read_only))?;
        Ok(interface)
    }
}

/// A numpy array over memory that `owner` keeps alive and in place, without a copy.
///
/// # Safety
/// `address` is that of as many elements as `shape` says, of the type that `code` says, inside `owner`.
pub unsafe fn view<'py>(
    py: Python<'py>,
    address: usize,
    code: &'static str,
    shape: Vec<usize>,
    read_only: bool,
    owner: Arc<dyn Any + Send + Sync>,
) -> PyResult<Bound<'py, PyAny>> {
    let view = View { address, read_only, code, shape, _owner: owner };
    py.import("numpy")?.call_method1("asarray", (Py::new(py, view)?,))
}

/// A numpy array that owns `values`, in row-major order; `code` is its numpy type, such as `<f8`.
pub fn owned<'py, T: Send + Sync + 'static>(
    py: Python<'py>,
    values: Vec<T>,
    code: &'static str,
    shape: Vec<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    assert_eq!(
        values.len(),
        shape.iter().product::<usize>(),
        "an array has as many values as its shape says"
    );
    let address = values.as_ptr() as usize;
    // SAFETY: the vector is moved into the owner, which leaves its elements where they are.
    unsafe { view(py, address, code, shape, false, Arc::new(values)) }
}
