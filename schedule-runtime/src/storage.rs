//! The numbers that vectors are stored and sent in, apart from those that they are computed in: `f16` and `bf16` exist in
//! memory and in messages, and every operation on them is one on `f32`.

use crate::element::Element;
use half::{bf16, f16};
use std::fmt::Debug;

/// A number type at run time: [`Storage::DTYPE`].
pub use bfc_schedule::compression::Float as Dtype;

/// A number in memory.
pub trait Storage: bytemuck::Pod + Debug + PartialEq + Send + Sync {
    /// What it is computed in.
    type Arithmetic: Element;
    /// Itself at run time.
    const DTYPE: Dtype;
    /// The same number; NaN for NaN.
    fn load(self) -> Self::Arithmetic;
    /// The nearest number, ties to even; infinite past the range, NaN for NaN.
    fn store(value: Self::Arithmetic) -> Self;
}

macro_rules! stored_as_computed {
    ($float:ident, $dtype:ident) => {
        impl Storage for $float {
            type Arithmetic = Self;
            const DTYPE: Dtype = Dtype::$dtype;
            #[inline(always)]
            fn load(self) -> Self {
                self
            }
            #[inline(always)]
            fn store(value: Self) -> Self {
                value
            }
        }
    };
}
stored_as_computed!(f64, F64);
stored_as_computed!(f32, F32);

macro_rules! computed_in_f32 {
    ($float:ident, $dtype:ident) => {
        impl Storage for $float {
            type Arithmetic = f32;
            const DTYPE: Dtype = Dtype::$dtype;
            #[inline(always)]
            fn load(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn store(value: f32) -> Self {
                Self::from_f32(value)
            }
        }
    };
}
computed_in_f32!(bf16, Bf16);
computed_in_f32!(f16, F16);

/// Does something with the number type of a run-time type.
macro_rules! with_dtype {
    ($dtype:expr, $S:ident => $body:expr) => {
        match $dtype {
            $crate::storage::Dtype::F64 => {
                type $S = f64;
                $body
            }
            $crate::storage::Dtype::F32 => {
                type $S = f32;
                $body
            }
            $crate::storage::Dtype::Bf16 => {
                type $S = half::bf16;
                $body
            }
            $crate::storage::Dtype::F16 => {
                type $S = half::f16;
                $body
            }
        }
    };
}
pub(crate) use with_dtype;

/// Does something with the number type of what others are computed in.
macro_rules! with_computed {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::storage::Dtype::F64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = f32;
                $body
            }
        }
    };
}
pub(crate) use with_computed;

/// What numbers of a type are computed in.
pub(crate) fn arithmetic(dtype: Dtype) -> Dtype {
    with_dtype!(dtype, S => <<S as Storage>::Arithmetic as Storage>::DTYPE)
}
