//! From a codec to what holds of it for every vector: how much it contracts the error, and whether it is right on average.

use super::Verdict;
use super::quantity::Interval;
use bfc_schedule::compression::Float;
use bfc_schedule::{Codec, Rational};

/// Bounds of the greatest δ with ‖Q(x) − x‖² ≤ (1 − δ) ‖x‖² for every x, on average over what Q draws.
///
/// A vector has fewer than 2^63 elements. Keeping k of d elements, the largest or random ones, gives δ ≥ k/d. What rounds
/// every element to the nearest of levels among which are 0 and the largest magnitude is nowhere off by more than the
/// element, and right at the largest: δ ≥ 1/d. Signs times the mean magnitude give δ = ‖x‖₁² / (d ‖x‖²) ≥ 1/d
/// (Karimireddy et al., 2019). A projection that starts from the largest row contains at least that row's share of the
/// norm: δ ≥ 1/rows ≥ 1/d. Casts are judged within the range of normal numbers, which that of f16 is too small for.
pub(super) fn contraction(codec: Codec) -> Result<Interval, String> {
    let some = |kept: u64, shown: &str| Ok(above(Rational::new(kept.min(i64::MAX as u64), i64::MAX), shown));
    match codec {
        Codec::Cast(Float::F64) => Ok(Interval::exact(Rational::one())),
        // Half a unit in the last of 24 and of 8 bits, squared.
        Codec::Cast(Float::F32) => Ok(above(one_less(48), "1 - 1/2^48")),
        Codec::Cast(Float::Bf16) => Ok(above(one_less(16), "1 - 1/2^16")),
        Codec::Cast(Float::F16) => Err("numbers below 2^-25 vanish in `f16`".into()),
        Codec::Quantize { seed: None, .. } | Codec::Sign => some(1, "1/d for a model of d elements"),
        Codec::Quantize { seed: Some(_), .. } => {
            Err("the error of drawn levels grows with the length of the model".into())
        }
        Codec::TopK(count) | Codec::RandomK { count, .. } => {
            some(count, &format!("{count}/d for a model of d elements"))
        }
        Codec::TopFraction { numerator, denominator } if numerator == denominator => {
            Ok(Interval::exact(Rational::one()))
        }
        Codec::TopFraction { numerator, denominator } => {
            let fraction = Rational::new(numerator, denominator);
            let shown = fraction.to_string();
            Ok(above(fraction, &shown))
        }
        Codec::LowRank(_) => some(1, "1/rows of the model as a matrix"),
    }
}

/// What a contraction depends on beside its codec.
pub(super) fn decider(codec: Codec) -> &'static str {
    match codec {
        Codec::Cast(_) | Codec::TopFraction { .. } => "the elements of the model decide",
        _ => "the length of the model decides",
    }
}

/// From this number to 1.
fn above(low: Rational, shown: &str) -> Interval {
    Interval { low, high: Rational::one(), shown: format!("at least {shown}") }
}

/// 1 − 2^−bits.
fn one_less(bits: u32) -> Rational {
    Rational::new((1u64 << bits) - 1, 1u64 << bits)
}

/// Whether the mean of what Q draws is x, for every x.
pub(super) fn unbiased(codec: Codec) -> Verdict {
    match codec {
        Codec::Cast(Float::F64) => Verdict::proved("it loses nothing"),
        Codec::TopFraction { numerator, denominator } if numerator == denominator => {
            Verdict::proved("it loses nothing")
        }
        Codec::Quantize { seed: Some(_), .. } => Verdict::proved("levels are drawn with the right mean"),
        Codec::Cast(_) | Codec::Quantize { .. } => {
            Verdict::refuted(format!("`{codec}` rounds the same number the same way every time"))
        }
        Codec::RandomK { .. } => {
            Verdict::refuted(format!("`{codec}` keeps elements as they are and loses the others"))
        }
        _ => Verdict::refuted(format!("`{codec}` loses the same part of a vector every time")),
    }
}

/// Whether ranks draw what it makes of a vector, each for itself.
pub(super) fn is_drawn(codec: Codec) -> bool {
    matches!(codec, Codec::Quantize { seed: Some(_), .. } | Codec::RandomK { .. })
}
