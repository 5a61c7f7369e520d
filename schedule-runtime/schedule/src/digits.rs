//! Numbers as people read them: six significant digits, and exact fractions with a decimal where they are long.

use crate::Rational;
use num_bigint::BigInt;

/// The most characters of an exact fraction that is read at a glance.
const GLANCE: usize = 9;
/// The most characters of one that is read at all.
const READ: usize = 41;

/// Six significant digits, with an exponent where zeros would have to be counted.
pub fn six_digits(x: f64) -> String {
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    match rounded.abs() {
        0.0 => "0".to_string(),
        magnitude if magnitude.is_finite() && !(1e-5..1e9).contains(&magnitude) => format!("{rounded:e}"),
        _ => rounded.to_string(),
    }
}

impl Rational {
    /// The number for a person to read: exact where that is short, else with six digits beside it or in those alone.
    pub fn readable(&self) -> String {
        let exact = self.to_string();
        let glance = if self.is_integer() { 2 * GLANCE } else { GLANCE };
        match exact.len() {
            length if length <= glance => exact,
            length if length <= READ => format!("{exact} ({})", self.decimal()),
            _ => format!("about {}", self.decimal()),
        }
    }

    /// Six digits; of a number near an integer other than 0, that and the difference.
    fn decimal(&self) -> String {
        let near = (self.clone() + Self::new(1, 2)).floor();
        let difference = self - &near;
        let ppm = &difference.abs() * &Self::integer(1_000_000);
        if near.is_zero() || difference.is_zero() || ppm >= near.abs() || near.bits() > 20 {
            return self.scientific();
        }
        let sign = if difference.is_negative() { "-" } else { "+" };
        format!("{near} {sign} {:.0e}", difference.abs().to_f64())
    }

    /// Six digits, past the range of `f64` too.
    fn scientific(&self) -> String {
        let x = self.to_f64();
        if self.is_zero() || x.is_finite() && x.abs() >= f64::MIN_POSITIVE {
            return six_digits(x);
        }
        let digits = |number: &BigInt| number.magnitude().to_string().len() as i64;
        let mut exponent = digits(&self.numerator()) - digits(&self.denominator());
        let power = Self::integer(num_traits::pow(BigInt::from(10), exponent.unsigned_abs() as usize));
        let mut mantissa = if exponent < 0 { (self * &power).to_f64() } else { (self / &power).to_f64() };
        if mantissa.abs() < 1.0 {
            (mantissa, exponent) = (mantissa * 10.0, exponent - 1);
        }
        format!("{}e{exponent}", six_digits(mantissa))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_six_and_zero_is_zero() {
        let shown = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (-2.0 / 3.0, "-0.666667"),
            (1234567.0, "1234570"),
            (1.5e-9, "1.5e-9"),
            (1e64, "1e64"),
            (f64::INFINITY, "inf"),
        ];
        shown.iter().for_each(|(x, text)| assert_eq!(six_digits(*x), *text));
    }

    #[test]
    fn fractions_are_exact_where_they_are_short() {
        let ten = |exponent| Rational::integer(num_traits::pow(BigInt::from(10), exponent));
        let one = Rational::one();
        let shown = [
            (Rational::new(29, 8), "29/8"),
            (Rational::integer(1i64 << 40), "1099511627776"),
            (Rational::new(113_858_157_053i64, 549_755_813_888i64), "113858157053/549755813888 (0.207107)"),
            (&(&ten(16) - &one) / &ten(16), "9999999999999999/10000000000000000 (1 - 1e-16)"),
            (&(&ten(30) + &one) / &ten(30), "about 1 + 1e-30"),
            (ten(400), "about 1e400"),
            (-&(&one / &ten(400)), "about -1e-400"),
            (&Rational::integer(25) * &ten(399), "about 2.5e400"),
        ];
        shown.iter().for_each(|(number, text)| assert_eq!(number.readable(), *text));
    }

    proptest! {
        /// Six digits are as near as they say.
        #[test]
        fn six_digits_are_near(x in prop::num::f64::NORMAL) {
            let read: f64 = six_digits(x).parse().unwrap();
            prop_assert!((read / x - 1.0).abs() <= 5.1e-6, "{} of {x}", six_digits(x));
        }

        #[test]
        fn what_is_readable_is_short(numerator in any::<i128>(), denominator in 1..=i128::MAX) {
            let readable = Rational::new(numerator, denominator).readable();
            prop_assert!(readable.chars().count() <= READ + 20, "{readable}");
        }
    }
}
