//! The numbers that vectors are computed in: `f32` and `f64`.

use crate::storage::Storage;
use bfc_schedule::Rational;
use bfc_schedule::program::scalar::Number;

/// An element of a vector while it is computed.
pub trait Element: Number + Storage<Arithmetic = Self> {
    /// The nearest element, ties to even; infinite past the range.
    fn nearest(value: &Rational) -> Self;
}

impl Element for f64 {
    fn nearest(value: &Rational) -> Self {
        value.to_f64()
    }
}

impl Element for f32 {
    /// Rounding to `f64` first would round twice: the exact value decides between the neighbours.
    fn nearest(value: &Rational) -> Self {
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
}
