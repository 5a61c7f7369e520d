//! What calls move and reduce: numbers of twelve types, known by type in the calls and by value on the wire.

use super::Reduction;
use crate::exchange::{Combine, add};
use crate::kernel::Mode;
use crate::storage::Dtype;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use half::{bf16, f16};
use std::fmt;

/// A number that a [`Communicator`](super::Communicator) moves and reduces.
pub trait Numeric: sealed::Sealed + Pod + PartialOrd + fmt::Debug + Send + Sync {
    /// Itself at run time.
    const TYPE: NumberType;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! number_types {
    ($($name:ident $number:ident,)*) => {
        /// A type of numbers at run time: [`Numeric::TYPE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        #[repr(u8)]
        pub enum NumberType {
            $($name,)*
        }

        impl NumberType {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// Bytes of a number.
            pub fn bytes(self) -> usize {
                match self {
                    $(Self::$name => size_of::<$number>(),)*
                }
            }
        }

        impl fmt::Display for NumberType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$name => stringify!($number),)*
                })
            }
        }

        $(
            impl sealed::Sealed for $number {}
            impl Numeric for $number {
                const TYPE: NumberType = NumberType::$name;
            }
        )*

        /// `sum ← min(sum, received)` and the like, element by element.
        fn choose(number: NumberType, greatest: bool) -> Combine {
            match (number, greatest) {
                $(
                    (NumberType::$name, false) => |_, sum, received| each::<$number>(sum, received, least),
                    (NumberType::$name, true) => |_, sum, received| each::<$number>(sum, received, most),
                )*
            }
        }
    };
}
number_types! {
    F64 f64, F32 f32, Bf16 bf16, F16 f16,
    I8 i8, I16 i16, I32 i32, I64 i64,
    U8 u8, U16 u16, U32 u32, U64 u64,
}

impl NumberType {
    /// The type that has this code on the wire.
    pub(super) fn from_code(code: u8) -> Self {
        Self::ALL[usize::from(code) % Self::ALL.len()]
    }

    /// The type as one of vectors; `None` for integers.
    pub fn float(self) -> Option<Dtype> {
        match self {
            Self::F64 => Some(Dtype::F64),
            Self::F32 => Some(Dtype::F32),
            Self::Bf16 => Some(Dtype::Bf16),
            Self::F16 => Some(Dtype::F16),
            _ => None,
        }
    }

    /// The type that numbers of this one are reduced in.
    pub(super) fn arithmetic(self) -> Self {
        match self {
            Self::Bf16 | Self::F16 => Self::F32,
            other => other,
        }
    }

    /// How two of the vectors that are reduced become one; a mean is a sum first.
    pub(super) fn combine(self, reduction: Reduction) -> Combine {
        macro_rules! wrapping {
            ($integer:ident) => {
                |_, sum, received| each::<$integer>(sum, received, $integer::wrapping_add)
            };
        }
        match (reduction, self) {
            (Reduction::Min, _) => choose(self, false),
            (Reduction::Max, _) => choose(self, true),
            (Reduction::Sum | Reduction::Mean, Self::F64) => add::<f64>,
            (Reduction::Sum | Reduction::Mean, Self::F32 | Self::Bf16 | Self::F16) => add::<f32>,
            (Reduction::Sum | Reduction::Mean, Self::I8 | Self::U8) => wrapping!(u8),
            (Reduction::Sum | Reduction::Mean, Self::I16 | Self::U16) => wrapping!(u16),
            (Reduction::Sum | Reduction::Mean, Self::I32 | Self::U32) => wrapping!(u32),
            (Reduction::Sum | Reduction::Mean, Self::I64 | Self::U64) => wrapping!(u64),
        }
    }
}

fn each<T: Pod>(x: &mut [u8], y: &[u8], combined: impl Fn(T, T) -> T) {
    let (x, y): (&mut [T], &[T]) = (cast_slice_mut(x), cast_slice(y));
    x.iter_mut().zip(y).for_each(|(x, y)| *x = combined(*x, *y));
}

/// NaN where one of them is, as a sum would be.
fn least<T: Copy + PartialOrd>(x: T, y: T) -> T {
    if y < x || is_nan(y) { y } else { x }
}

fn most<T: Copy + PartialOrd>(x: T, y: T) -> T {
    if y > x || is_nan(y) { y } else { x }
}

fn is_nan<T: PartialOrd>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}

/// Whole bytes, for what is moved and not computed with.
pub(super) const COPY: Combine = Mode::copy;
