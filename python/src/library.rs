//! The library of an array, and how its users write what a message suggests.

use pyo3::prelude::*;
use pyo3::types::PyType;

/// A library that messages can address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// numpy, and what none of the others is.
    Numpy,
    /// torch.
    Torch,
    /// jax.
    Jax,
}

impl Library {
    /// The library of an array.
    pub fn detect(array: &Bound<'_, PyAny>) -> Self {
        Self::of_type(&array.get_type())
    }

    /// The library of arrays of a type.
    pub fn of_type(kind: &Bound<'_, PyType>) -> Self {
        match package_of(kind).as_str() {
            "torch" => Self::Torch,
            "jax" | "jaxlib" => Self::Jax,
            _ => Self::Numpy,
        }
    }

    /// `x` with elements of this type.
    pub fn converted(self, dtype: &str) -> String {
        match self {
            Self::Numpy => format!("x.astype(np.{dtype})"),
            Self::Torch => format!("x.to(torch.{dtype})"),
            Self::Jax => format!("x.astype(jnp.{dtype})"),
        }
    }

    /// A copy of `x`.
    pub fn copied(self) -> &'static str {
        match self {
            Self::Torch => "x.clone()",
            Self::Numpy | Self::Jax => "x.copy()",
        }
    }

    /// `x` without gaps.
    pub fn contiguous(self) -> &'static str {
        match self {
            Self::Torch => "x.contiguous()",
            Self::Numpy | Self::Jax => "np.ascontiguousarray(x)",
        }
    }

    /// `x` in the memory of the CPU.
    pub fn on_cpu(self) -> &'static str {
        match self {
            Self::Torch => "x.cpu()",
            Self::Numpy | Self::Jax => "np.array(x)",
        }
    }

    /// An array that shares its memory, where `x` does not.
    pub fn shared(self) -> &'static str {
        match self {
            Self::Torch => "`x.detach()`, which shares the memory of a tensor that requires a gradient",
            Self::Numpy | Self::Jax => "a writable numpy array in the byte order of this machine",
        }
    }
}

/// The package that an array's type comes from, such as `numpy` or `torch`.
pub fn package(array: &Bound<'_, PyAny>) -> String {
    package_of(&array.get_type())
}

fn package_of(kind: &Bound<'_, PyType>) -> String {
    let module = kind.module().map(|name| name.to_string()).unwrap_or_default();
    module.split('.').next().unwrap_or_default().to_string()
}
