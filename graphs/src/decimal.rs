//! Decimal numbers as they are written: kept exactly, and compared by their value.

use num_bigint::BigInt;
use num_traits::Zero;

const MAX_DIGITS: usize = 100;
const MAX_EXPONENT: i32 = 300;

/// A decimal number.
#[derive(Clone, Debug)]
pub struct Decimal {
    /// As the language writes it.
    text: Box<str>,
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.scaled() == other.scaled()
    }
}

impl Decimal {
    /// Reads a number such as `-.5`, `+1`, `2.` or `1e-3`; none if it is not a finite number of moderate size.
    pub fn parse(text: &str) -> Option<Self> {
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
        Some(Self { text: text.into() })
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        let mantissa = self.text.split('e').next().unwrap_or_default();
        mantissa.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.'))
    }

    /// Whether it is 1.
    pub fn is_one(&self) -> bool {
        &*self.text == "1" || self.value() == 1.0 && self.scaled() == (BigInt::from(1), 0)
    }

    /// As the language writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The nearest floating-point number.
    pub fn value(&self) -> f64 {
        self.text.parse().unwrap_or(f64::NAN)
    }

    /// A unit of its last digit: what it may be off by, if it was rounded.
    pub fn unit(&self) -> f64 {
        let (mantissa, exponent) = self.text.split_once('e').unwrap_or((&self.text, "0"));
        let places = mantissa.split_once('.').map_or(0, |(_, part)| part.len() as i32);
        10f64.powi(exponent.parse::<i32>().unwrap_or(0) - places)
    }

    /// An integer without a trailing zero, and the power of ten by which it is multiplied.
    fn scaled(&self) -> (BigInt, i32) {
        let (digits, mut exponent) = self.parts();
        let Some(end) = digits.rfind(|digit: char| ('1'..='9').contains(&digit)) else {
            return (BigInt::zero(), 0);
        };
        exponent += (digits.len() - end - 1) as i32;
        (digits[..=end].parse().unwrap_or_default(), exponent)
    }

    fn parts(&self) -> (String, i32) {
        let (mantissa, exponent) = self.text.split_once('e').unwrap_or((&self.text, "0"));
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        (format!("{whole}{part}"), exponent.parse::<i32>().unwrap_or(0) - part.len() as i32)
    }

    /// The exact sum of numbers.
    pub fn sum<'d>(numbers: impl Iterator<Item = &'d Self> + Clone) -> Self {
        let parts = || numbers.clone().map(Self::parts);
        let least = parts().map(|(_, exponent)| exponent).min().unwrap_or(0).min(0);
        let term = |(digits, exponent): (String, i32)| {
            let integer: BigInt = digits.parse().unwrap_or_default();
            integer * BigInt::from(10).pow((exponent - least) as u32)
        };
        let sum: BigInt = parts().map(term).sum();
        let text = sum.to_string();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", &*text),
        };
        let places = least.unsigned_abs() as usize;
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        Self { text: format!("{sign}{whole}{point}{part}").into() }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn numbers_are_kept_and_compared_by_value() {
        for (text, kept) in
            [("0.10", "0.10"), ("+.5", "0.5"), ("-2.", "-2"), ("1E-3", "1e-3"), ("007", "007")]
        {
            assert_eq!(Decimal::parse(text).expect(text).text(), kept);
        }
        let equal = |a: &str, b: &str| Decimal::parse(a).expect(a) == Decimal::parse(b).expect(b);
        assert!(
            equal("0.10", "1e-1") && equal("100", "1e2") && equal("0", "-0.0") && equal("1.50", "0.15e1")
        );
        assert!(!equal("0.1", "0.10000000000000000001") && !equal("1", "-1") && !equal("1", "10"));
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
            &"1".repeat(101),
        ] {
            assert!(Decimal::parse(wrong).is_none(), "{wrong}");
        }
        assert!(Decimal::parse("1.000").is_some_and(|one| one.is_one() && !one.is_zero()));
        assert!(Decimal::parse("-0.0e5").is_some_and(|zero| zero.is_zero() && !zero.is_one()));
    }

    #[test]
    fn sums_are_exact() {
        let sum = |numbers: &[&str]| {
            let numbers: Vec<Decimal> =
                numbers.iter().map(|text| Decimal::parse(text).expect(text)).collect();
            Decimal::sum(numbers.iter()).text().to_string()
        };
        assert_eq!(sum(&["0.33333334", "0.33333334", "0.33333334"]), "1.00000002");
        assert_eq!(sum(&["0.1", "0.2", "-.3"]), "0");
        assert_eq!(sum(&["1e3", "-1e-3"]), "999.999");
        assert_eq!(sum(&["-0.5", "0.25"]), "-0.25");
        assert_eq!(sum(&[]), "0");
    }
}
