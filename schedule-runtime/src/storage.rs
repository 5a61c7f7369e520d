//! The numbers that vectors are stored and sent in, apart from those that they are computed in: `f16` and `bf16` exist in
//! memory and in messages, and every operation on them is one on `f32`.

use crate::element::Element;
use bytemuck::cast_slice;
use half::{bf16, f16};
use std::fmt::Debug;
use std::ops::Range;

/// A number type at run time: [`Storage::DTYPE`].
pub use bfc_schedule::compression::Float as Dtype;

/// A number in memory: `f64`, `f32`, `bf16` or `f16`. Kernels rely on [`DTYPE`](Self::DTYPE), so there are no others.
pub trait Storage: sealed::Sealed + bytemuck::Pod + Debug + PartialEq + Send + Sync {
    /// What it is computed in.
    type Arithmetic: Element;
    /// Itself at run time.
    const DTYPE: Dtype;
    /// The same number; NaN for NaN.
    fn load(self) -> Self::Arithmetic;
    /// The nearest number, ties to even; infinite past the range, NaN for NaN.
    fn store(value: Self::Arithmetic) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f64 {}
    impl Sealed for f32 {}
    impl Sealed for half::bf16 {}
    impl Sealed for half::f16 {}
}

/// A vector whose number type is known at run time.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Slice<'a> {
    F64(&'a [f64]),
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    F16(&'a [f16]),
}

/// The same expression for a slice of each type.
macro_rules! for_each_type {
    ($slice:expr, $numbers:ident => $expression:expr) => {
        match $slice {
            Slice::F64($numbers) => $expression,
            Slice::F32($numbers) => $expression,
            Slice::Bf16($numbers) => $expression,
            Slice::F16($numbers) => $expression,
        }
    };
}
pub(crate) use for_each_type;

impl<'a> Slice<'a> {
    /// These numbers.
    pub fn of<S: Storage>(numbers: &'a [S]) -> Self {
        match S::DTYPE {
            Dtype::F64 => Self::F64(cast_slice(numbers)),
            Dtype::F32 => Self::F32(cast_slice(numbers)),
            Dtype::Bf16 => Self::Bf16(cast_slice(numbers)),
            Dtype::F16 => Self::F16(cast_slice(numbers)),
        }
    }

    /// Their type.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::F64(_) => Dtype::F64,
            Self::F32(_) => Dtype::F32,
            Self::Bf16(_) => Dtype::Bf16,
            Self::F16(_) => Dtype::F16,
        }
    }

    /// The numbers, where they are of type `S`.
    pub fn as_numbers<S: Storage>(self) -> Option<&'a [S]> {
        (self.dtype() == S::DTYPE).then(|| for_each_type!(self, numbers => cast_slice(numbers)))
    }

    /// The numbers at these places.
    ///
    /// # Panics
    /// Where there are fewer.
    pub fn part(self, places: Range<usize>) -> Self {
        for_each_type!(self, numbers => Self::of(&numbers[places]))
    }
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

impl Storage for f16 {
    type Arithmetic = f32;
    const DTYPE: Dtype = Dtype::F16;
    #[inline(always)]
    fn load(self) -> f32 {
        self.to_f32()
    }
    #[inline(always)]
    fn store(value: f32) -> Self {
        Self::from_f32(value)
    }
}

/// The upper half of an `f32`. The conversions of `half` branch, which would keep loops from being vectors.
impl Storage for bf16 {
    type Arithmetic = f32;
    const DTYPE: Dtype = Dtype::Bf16;
    #[inline(always)]
    fn load(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn store(value: f32) -> Self {
        let bits = value.to_bits();
        let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
        if value.is_nan() { Self::NAN } else { Self::from_bits((nearest >> 16) as u16) }
    }
}

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
