//! Numbers as they are written, decimals or fractions of decimals: kept exactly, and compared by their value.

use crate::error::{ImportError, Text};
use bfc_schedule::Rational;
use miette::SourceSpan;
use num_bigint::BigInt;
use num_traits::{One, Zero};

const MAX_DIGITS: usize = 100;
const MAX_EXPONENT: i32 = 300;
/// The digits that tell a double from all others, as programs print them.
const DIGITS_OF_DOUBLE: std::ops::RangeInclusive<usize> = 15..=17;
/// The largest denominator of a fraction that a double is taken for. A double that was not meant as such a fraction is one
/// with a chance of 1 to 10⁸, and changes by less than its rounding.
const LARGEST_DENOMINATOR: f64 = 10_000.0;

/// A number.
#[derive(Clone, Debug)]
pub struct Number {
    /// As the language writes it.
    text: Box<str>,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        // Both ends of an edge have the number of the edge.
        std::ptr::eq(self, other)
            || self.text == other.text
            || self.value() == other.value() && self.rational() == other.rational()
    }
}

impl Number {
    /// Reads a number such as `-.5`, `+1`, `2.`, `1e-3` or `1/3`; none if it is not a finite number of moderate size.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((above, below)) = text.split_once('/') else {
            return Some(Self { text: decimal(text)?.into() });
        };
        let (above, below) = (decimal(above)?, decimal(below)?);
        let is_divisor = below.starts_with(|letter: char| letter.is_ascii_digit()) && !is_zero(&below);
        is_divisor.then(|| Self { text: format!("{above}/{below}").into() })
    }

    /// Reads the number that stands at a place of a file.
    ///
    /// # Errors
    /// It is none, or not of moderate size.
    pub fn read(found: &str, text: &Text, at: Option<SourceSpan>) -> Result<Self, ImportError> {
        Self::parse(found).ok_or_else(|| ImportError::not_a_number(found, text, at))
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        is_zero(self.parts().0)
    }

    /// Whether it is 1.
    pub fn is_one(&self) -> bool {
        &*self.text == "1" || self.value() == 1.0 && self.rational() == Rational::one()
    }

    /// As the language writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The nearest floating-point number.
    pub fn value(&self) -> f64 {
        let value = |text: &str| text.parse().unwrap_or(f64::NAN);
        match self.parts() {
            (above, Some(below)) => value(above) / value(below),
            (decimal, None) => value(decimal),
        }
    }

    /// The exact value.
    pub fn rational(&self) -> Rational {
        let (above, below) = self.parts();
        let (digits, exponent) = scaled(above);
        let (divisor, divided) = scaled(below.unwrap_or("1"));
        over_ten(digits, divisor, exponent - divided)
    }

    /// A unit of its last digit: what it may be off by, if it was rounded. A fraction was not.
    pub fn unit(&self) -> f64 {
        match self.parts() {
            (decimal, None) => 10f64.powi(places(decimal)),
            (_, Some(_)) => 0.0,
        }
    }

    /// The simple fraction that it is the nearest double of, if it is one and is written with all digits of a double:
    /// 1/3 for `0.3333333333333333`.
    pub fn rounded_fraction(&self) -> Option<Self> {
        let (decimal, None) = self.parts() else { return None };
        let mantissa = decimal.split('e').next().unwrap_or_default();
        let digits = mantissa.bytes().filter(u8::is_ascii_digit);
        let significant = digits.skip_while(|digit| *digit == b'0').count();
        if !DIGITS_OF_DOUBLE.contains(&significant) {
            return None;
        }
        let (numerator, denominator) = simple_fraction(self.value())?;
        Some(Self { text: format!("{numerator}/{denominator}").into() })
    }

    /// An exact value for other programs: in the digits of its double if these are read as it again, else as
    /// [`from`](Self::from) writes it.
    pub fn shortest(value: &Rational) -> Self {
        let short = Self::of_double(value.to_f64());
        let is_value = |short: &Self| match short.rounded_fraction() {
            Some(fraction) => fraction.rational() == *value,
            None => short.rational() == *value,
        };
        short.filter(is_value).unwrap_or_else(|| value.into())
    }

    /// An exact value as a fraction, of which nothing was rounded.
    pub fn fraction(value: &Rational) -> Self {
        Self { text: format!("{}/{}", value.numerator(), value.denominator()).into() }
    }

    /// A double in the fewest digits that tell it from all others; none if it is not finite or not of moderate size.
    pub fn of_double(value: f64) -> Option<Self> {
        Self::parse(&format!("{value:?}"))
    }

    /// Whether it is written as a fraction.
    pub fn is_fraction(&self) -> bool {
        self.parts().1.is_some()
    }

    /// The exact sum of numbers.
    pub fn sum<'n>(numbers: impl Iterator<Item = &'n Self> + Clone) -> Rational {
        let decimals = numbers.clone().filter(|number| !number.is_fraction());
        let decimals = decimals.map(|number| scaled(&number.text));
        let least = decimals.clone().map(|(_, exponent)| exponent).min().unwrap_or(0);
        let term = |(digits, exponent): (BigInt, i32)| digits * ten((exponent - least) as u32);
        let sum = over_ten(decimals.map(term).sum(), 1.into(), least);
        let fractions = numbers.filter(|number| number.is_fraction());
        fractions.map(Self::rational).fold(sum, |sum, fraction| sum + fraction)
    }

    /// The decimal, or what stands above and below the bar.
    fn parts(&self) -> (&str, Option<&str>) {
        match self.text.split_once('/') {
            Some((above, below)) => (above, Some(below)),
            None => (&self.text, None),
        }
    }
}

impl From<&Rational> for Number {
    /// In all its digits if these are not too many, else as a fraction.
    fn from(value: &Rational) -> Self {
        Self { text: all_digits(value).unwrap_or_else(|| value.to_string()).into() }
    }
}

/// A decimal number as the language writes it.
fn decimal(text: &str) -> Option<String> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.len() + part.len();
    let is_number = digits > 0 && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
    if !is_number || digits > MAX_DIGITS || !(-MAX_EXPONENT..=MAX_EXPONENT).contains(&exponent) {
        return None;
    }
    let mut text = String::with_capacity(unsigned.len() + 2);
    if negative {
        text.push('-');
    }
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if !part.is_empty() {
        text.push('.');
        text.push_str(part);
    }
    if exponent != 0 {
        text.push_str(&format!("e{exponent}"));
    }
    Some(text)
}

fn is_zero(decimal: &str) -> bool {
    let mantissa = decimal.split('e').next().unwrap_or_default();
    mantissa.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.'))
}

/// The exponent of the last digit.
fn places(decimal: &str) -> i32 {
    let (mantissa, exponent) = decimal.split_once('e').unwrap_or((decimal, "0"));
    let part = mantissa.split_once('.').map_or(0, |(_, part)| part.len() as i32);
    exponent.parse::<i32>().unwrap_or(0) - part
}

/// All digits as an integer, and the power of ten by which it is multiplied.
fn scaled(decimal: &str) -> (BigInt, i32) {
    let mantissa = decimal.split('e').next().unwrap_or_default();
    (mantissa.replace('.', "").parse().unwrap_or_default(), places(decimal))
}

fn ten(power: u32) -> BigInt {
    BigInt::from(10).pow(power)
}

/// `numerator / denominator · 10^exponent`.
fn over_ten(numerator: BigInt, denominator: BigInt, exponent: i32) -> Rational {
    match exponent.unsigned_abs() {
        power if exponent < 0 => Rational::new(numerator, denominator * ten(power)),
        power => Rational::new(numerator * ten(power), denominator),
    }
}

/// The simplest fraction with this nearest double, by continued fractions; none if its denominator is large.
fn simple_fraction(value: f64) -> Option<(f64, f64)> {
    let (mut last, mut before) = ((1.0, 0.0), (0.0, 1.0));
    let mut rest = value.abs();
    loop {
        let whole = rest.floor();
        (last, before) = ((whole * last.0 + before.0, whole * last.1 + before.1), last);
        let (numerator, denominator) = last;
        if denominator > LARGEST_DENOMINATOR {
            return None;
        }
        if numerator / denominator == value.abs() {
            return Some((numerator.copysign(value), denominator));
        }
        rest = 1.0 / (rest - whole);
    }
}

/// A number with finitely many digits, if these are not too many.
fn all_digits(value: &Rational) -> Option<String> {
    let mut rest = value.denominator();
    let twos = rest.trailing_zeros().unwrap_or(0);
    rest >>= twos;
    let mut fives = 0;
    while (&rest % 5u32).is_zero() && fives <= MAX_DIGITS as u64 {
        rest /= 5u32;
        fives += 1;
    }
    let places = twos.max(fives) as usize;
    if !rest.is_one() || places >= MAX_DIGITS {
        return None;
    }
    let digits =
        (value.numerator().magnitude() * ten(places as u32).magnitude()) / value.denominator().magnitude();
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let (sign, point) = (if value.is_negative() { "-" } else { "" }, if places == 0 { "" } else { "." });
    (digits.len() <= MAX_DIGITS).then(|| format!("{sign}{whole}{point}{part}"))
}

#[cfg(test)]
mod tests {
    use super::Number;
    use bfc_schedule::Rational;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn numbers_are_kept_and_compared_by_value() {
        for (text, kept) in [
            ("0.10", "0.10"),
            ("+.5", "0.5"),
            ("-2.", "-2"),
            ("1E-3", "1e-3"),
            ("007", "007"),
            ("-1/3", "-1/3"),
            (".5/1.50", "0.5/1.50"),
        ] {
            assert_eq!(number(text).text(), kept);
        }
        let equal = |a: &str, b: &str| number(a) == number(b);
        for (a, b) in [
            ("0.10", "1e-1"),
            ("100", "1e2"),
            ("0", "-0.0"),
            ("1.50", "0.15e1"),
            ("2/6", "1/3"),
            ("0.5", "1/2"),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
        for (a, b) in
            [("0.1", "0.10000000000000000001"), ("1", "-1"), ("1", "10"), ("0.3333333333333333", "1/3")]
        {
            assert!(!equal(a, b), "{a} {b}");
        }
        for wrong in [
            "",
            "-",
            ".",
            "nan",
            "inf",
            "1e999",
            "1e-2147483648",
            "1,5",
            "0x1",
            "1e",
            " 1",
            "--1",
            "1/",
            "/3",
            "1/0",
            "1/-3",
            "1/2/3",
            "1 / 3",
            &"1".repeat(101),
        ] {
            assert!(Number::parse(wrong).is_none(), "{wrong}");
        }
        assert!(number("1.000").is_one() && !number("1.000").is_zero() && number("3/3").is_one());
        assert!(number("-0.0e5").is_zero() && !number("-0.0e5").is_one() && number("0/7").is_zero());
    }

    #[test]
    fn sums_are_exact() {
        let sum = |numbers: &[&str]| {
            let numbers: Vec<Number> = numbers.iter().map(|text| number(text)).collect();
            Number::from(&Number::sum(numbers.iter())).text().to_string()
        };
        assert_eq!(sum(&["0.33333334", "0.33333334", "0.33333334"]), "1.00000002");
        assert_eq!(sum(&["0.1", "0.2", "-.3"]), "0");
        assert_eq!(sum(&["1e3", "-1e-3"]), "999.999");
        assert_eq!(sum(&["1e3", "1e4"]), "11000");
        assert_eq!(sum(&["-0.5", "0.25"]), "-0.25");
        assert_eq!(sum(&["1/3", "1/7", "0.5"]), "41/42");
        assert_eq!(sum(&["1/3", "2/3"]), "1");
        assert_eq!(sum(&[]), "0");
    }

    #[test]
    fn doubles_are_read_as_the_simple_fractions_that_they_round() {
        for (text, fraction) in [
            ("0.3333333333333333", Some("1/3")),
            ("0.33333333333333331", Some("1/3")),
            ("-0.6666666666666666", Some("-2/3")),
            ("1.4285714285714285e-1", Some("1/7")),
            ("1.3333333333333333", Some("4/3")),
            ("0.33333333333333", None),
            ("0.3333333333333333333333333", None),
            ("0.3333333333333334", None),
            ("0.1234567890123456", None),
            ("0.25", None),
        ] {
            let found = number(text).rounded_fraction();
            assert_eq!(found.as_ref().map(Number::text), fraction, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same_number(
            numerator in -1_000_000i64..1_000_000,
            denominator in prop_oneof![1i64..200, 1i64..1_000_000_000, (0u32..40).prop_map(|twos| 1i64 << twos)],
        ) {
            let value = Rational::new(numerator, denominator);
            let written = Number::shortest(&value);
            let read = number(written.text());
            prop_assert_eq!(read.rounded_fraction().unwrap_or(read).rational(), value.clone());
            prop_assert_eq!(Number::from(&value).rational(), value);
        }
    }
}
