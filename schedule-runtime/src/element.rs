//! The numbers that vectors are made of: `f32` and `f64`.

use bfc_schedule::Rational;
use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An element of a vector.
pub trait Element:
    bytemuck::Pod
    + Default
    + Debug
    + Send
    + Sync
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Its name.
    const NAME: &'static str;
    /// The nearest element, ties to even; infinite past the range.
    fn nearest(value: &Rational) -> Self;
    /// The nearest element.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// √.
    fn sqrt(self) -> Self;
    /// The natural logarithm, computed alike on every machine.
    fn log(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The greatest integer not above.
    fn floor(self) -> Self;
    /// `self` to the power `exponent`, computed alike on every machine.
    fn power(self, exponent: Self) -> Self;
    /// The smaller, or the one that is a number.
    fn minimum(self, other: Self) -> Self;
    /// The larger, or the one that is a number.
    fn maximum(self, other: Self) -> Self;
    /// `self mod other`, never negative.
    fn modulo(self, other: Self) -> Self;
}

macro_rules! element {
    ($float:ident, $nearest:expr, $log:path, $pow:path) => {
        impl Element for $float {
            const NAME: &'static str = stringify!($float);
            fn nearest(value: &Rational) -> Self {
                $nearest(value)
            }
            fn from_f64(value: f64) -> Self {
                value as $float
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            fn log(self) -> Self {
                $log(self)
            }
            fn abs(self) -> Self {
                $float::abs(self)
            }
            fn floor(self) -> Self {
                $float::floor(self)
            }
            fn power(self, exponent: Self) -> Self {
                $pow(self, exponent)
            }
            fn minimum(self, other: Self) -> Self {
                $float::min(self, other)
            }
            fn maximum(self, other: Self) -> Self {
                $float::max(self, other)
            }
            fn modulo(self, other: Self) -> Self {
                self.rem_euclid(other)
            }
        }
    };
}
element!(f64, Rational::to_f64, libm::log, libm::pow);
element!(f32, nearest_f32, libm::logf, libm::powf);

/// Rounding to `f64` first would round twice: the exact value decides between the neighbours.
fn nearest_f32(value: &Rational) -> f32 {
    let guess = value.to_f64() as f32;
    let distance =
        |candidate: f32| Rational::from_f64(candidate as f64).map(|candidate| (&candidate - value).abs());
    let Some(mut least) = distance(guess) else { return guess };
    let mut nearest = guess;
    for candidate in [guess.next_down(), guess.next_up()] {
        match distance(candidate) {
            Some(further) if further < least || (further == least && candidate.to_bits() & 1 == 0) => {
                (nearest, least) = (candidate, further);
            }
            _ => {}
        }
    }
    nearest
}
