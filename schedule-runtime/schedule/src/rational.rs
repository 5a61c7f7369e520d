//! Exact rational numbers, the numbers of the language and of mixing weights.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An exact rational number in lowest terms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rational(BigRational);

impl std::hash::Hash for Rational {
    /// Lowest terms are the same for equal numbers; the hash of a ratio in general takes a long division.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u8(self.is_negative().into());
        let digits = self.numerator().iter_u64_digits().chain(self.denominator().iter_u64_digits());
        digits.for_each(|digit| state.write_u64(digit));
    }
}

impl Rational {
    /// `numerator / denominator`; the denominator must not be zero.
    pub fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Self {
        Self(BigRational::new(numerator.into(), denominator.into()))
    }

    /// The integer `value`.
    pub fn integer(value: impl Into<BigInt>) -> Self {
        Self(BigRational::from_integer(value.into()))
    }

    /// 0.
    pub fn zero() -> Self {
        Self(BigRational::zero())
    }

    /// 1.
    pub fn one() -> Self {
        Self(BigRational::one())
    }

    /// The exact value of a finite `f64`; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Self> {
        BigRational::from_float(value).map(Self)
    }

    /// The nearest `f64`; infinite where the magnitude is past its range.
    pub fn to_f64(&self) -> f64 {
        self.0.to_f64().unwrap_or(f64::NAN)
    }

    /// The numerator, in lowest terms, with the sign.
    pub fn numerator(&self) -> &BigInt {
        self.0.numer()
    }

    /// The denominator, in lowest terms, positive.
    pub fn denominator(&self) -> &BigInt {
        self.0.denom()
    }

    /// The value as an `i64`, if it is an integer in range.
    pub fn to_i64(&self) -> Option<i64> {
        if self.is_integer() { self.0.numer().to_i64() } else { None }
    }

    /// Whether the value is an integer.
    pub fn is_integer(&self) -> bool {
        self.0.is_integer()
    }

    /// Whether the value is 0.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether the value is below 0.
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// The greatest integer not above the value.
    pub fn floor(&self) -> Self {
        Self(self.0.floor())
    }

    /// The absolute value.
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The value as `num_rational`'s type.
    pub fn as_big(&self) -> &BigRational {
        &self.0
    }

    /// Bits of numerator and denominator together: what the value costs.
    pub fn bits(&self) -> u64 {
        self.0.numer().bits() + self.0.denom().bits()
    }
}

impl From<BigRational> for Rational {
    fn from(value: BigRational) -> Self {
        Self(value)
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for &Rational {
            type Output = Rational;
            fn $method(self, other: &Rational) -> Rational {
                Rational((&self.0).$method(&other.0))
            }
        }
        impl $trait for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                Rational(self.0.$method(other.0))
            }
        }
    )*};
}
arithmetic!(Add add, Sub sub, Mul mul, Div div);

impl Neg for &Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        Rational(-&self.0)
    }
}

impl std::iter::Sum for Rational {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::zero(), |a, b| a + b)
    }
}
