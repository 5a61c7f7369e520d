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
