//! Tensors of torch, looked at without a claim to their memory: where they lie, and whether they have changed.

use crate::dlpack::{CPU, DataType, Memory, Tensor, requires_grad, row_major};
use bfc_runtime::{Dtype, Numeric};
use pyo3::prelude::*;
use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Floats that lie one after another, without what keeps them alive.
#[derive(Clone, Copy)]
pub struct Span {
    data: *mut c_void,
    length: usize,
    /// The element type.
    pub dtype: Dtype,
}

// SAFETY: it is an address, which is only read where its user says that it may be.
unsafe impl Send for Span {}

impl Span {
    /// The floats of memory that is contiguous.
    pub fn of(memory: &Memory) -> Self {
        debug_assert!(memory.contiguous);
        Self { data: memory.data, length: memory.len(), dtype: memory.dtype() }
    }

    /// The elements.
    ///
    /// # Safety
    /// They are alive, of this type, and nobody writes them while the slice lives.
    pub unsafe fn slice<'a, T: Numeric>(self) -> &'a [T] {
        debug_assert!(T::TYPE.float() == Some(self.dtype));
        match self.length {
            0 => &[],
            // SAFETY: the caller's promise.
            length => unsafe { std::slice::from_raw_parts(self.data.cast(), length) },
        }
    }

    /// The elements, to be changed.
    ///
    /// # Safety
    /// As for [`slice`](Self::slice), and nobody else reads them.
    pub unsafe fn slice_mut<'a, T: Numeric>(self) -> &'a mut [T] {
        debug_assert!(T::TYPE.float() == Some(self.dtype));
        match self.length {
            0 => &mut [],
            // SAFETY: the caller's promise.
            length => unsafe { std::slice::from_raw_parts_mut(self.data.cast(), length) },
        }
    }
}

/// The elements of a tensor of torch that has this shape and is contiguous, in memory of the CPU; they are its own until
/// anything else of Python runs. A quarter of the time of an [`import`](crate::dlpack::import).
pub fn lend(tensor: &Bound<'_, PyAny>, shape: &[usize]) -> Option<Span> {
    let described = Tensor::seen(tensor)?;
    let (found, strides) = described.lists().ok()?;
    let alike = found.len() == shape.len()
        && found.iter().zip(shape).all(|(&found, &length)| usize::try_from(found) == Ok(length));
    let length = shape.iter().product();
    let plain = described.device_type == CPU && (length == 0 || row_major(shape, strides));
    let dtype = described.dtype.number()?.float()?;
    let data = described.start()?;
    let aligned = (data as usize).is_multiple_of(dtype.bytes());
    (alike && plain && aligned).then_some(Span { data, length, dtype })
}

/// Tensors of torch, and their types, shapes, devices and orders in memory when this was made, and whether they required a
/// gradient.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Forms(Vec<(Py<PyAny>, Form)>);

#[derive(PartialEq)]
enum Form {
    Dense {
        requires_grad: bool,
        device: (i32, i32),
        dtype: DataType,
        shape: Vec<i64>,
        strides: Vec<i64>,
    },
    /// Sparse, or of another library: the hash of what it says of itself.
    Other(u64),
}

#[pymethods]
impl Forms {
    #[new]
    fn new(tensors: Vec<Bound<'_, PyAny>>) -> PyResult<Self> {
        let form = |tensor: Bound<'_, PyAny>| Ok((tensor.clone().unbind(), Form::of(&tensor)?));
        tensors.into_iter().map(form).collect::<PyResult<_>>().map(Self)
    }

    /// Whether one of them has changed.
    fn changed(&self, py: Python<'_>) -> PyResult<bool> {
        for (tensor, form) in &self.0 {
            if !form.holds(tensor.bind(py))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Form {
    fn of(tensor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Some(described) = Tensor::seen(tensor) else { return Self::other(tensor) };
        let (shape, strides) = described.lists()?;
        Ok(Self::Dense {
            requires_grad: requires_grad(tensor)?,
            device: (described.device_type, described.device_id),
            dtype: described.dtype,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        })
    }

    /// Whether a tensor has this form.
    fn holds(&self, tensor: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Some(described) = Tensor::seen(tensor) else { return Ok(*self == Self::other(tensor)?) };
        let Self::Dense { requires_grad: required, device, dtype, shape, strides } = self else {
            return Ok(false);
        };
        Ok((described.device_type, described.device_id) == *device
            && described.dtype == *dtype
            && described.lists()? == (shape, strides)
            && requires_grad(tensor)? == *required)
    }

    fn other(tensor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut hasher = DefaultHasher::new();
        for name in ["requires_grad", "dtype", "shape", "device", "layout"] {
            tensor.getattr(name)?.hash()?.hash(&mut hasher);
        }
        let contiguous = tensor.call_method0("is_contiguous").and_then(|it| it.is_truthy());
        contiguous.unwrap_or(false).hash(&mut hasher);
        Ok(Self::Other(hasher.finish()))
    }
}
