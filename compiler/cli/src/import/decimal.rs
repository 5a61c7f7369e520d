//! Decimal numbers as they are written: kept exactly, and compared by their value.

const MAX_DIGITS: usize = 100;
const MAX_EXPONENT: i32 = 300;

/// A decimal number.
#[derive(Clone, Debug)]
pub struct Decimal {
    /// As the language writes it.
    text: String,
    /// Sign, digits without zeros at their ends, and the power of ten of the last: equal for equal numbers.
    value: (bool, String, i32),
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Decimal {
    /// Reads a number such as `-.5`, `+1`, `2.` or `1e-3`; none if it is not a finite number of moderate size.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{part}");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits.len() > MAX_DIGITS || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let mut text = if negative { "-".to_string() } else { String::new() };
        text.push_str(if whole.is_empty() { "0" } else { whole });
        if !part.is_empty() {
            text.push('.');
            text.push_str(part);
        }
        if exponent != 0 {
            text.push_str(&format!("e{exponent}"));
        }
        let significant = digits.trim_start_matches('0').trim_end_matches('0').to_string();
        let trailing = digits.len() - digits.trim_end_matches('0').len();
        let zero = significant.is_empty();
        let last = if zero { 0 } else { exponent - part.len() as i32 + trailing as i32 };
        Some(Self { text, value: (negative && !zero, significant, last) })
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.value.1.is_empty()
    }

    /// Whether it is 1.
    pub fn is_one(&self) -> bool {
        self.value == (false, "1".to_string(), 0)
    }

    /// As the language writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether numbers add up to 1 within double precision.
    pub fn sum_is_one<'d>(numbers: impl Iterator<Item = &'d Self>) -> bool {
        let sum: f64 = numbers.map(|number| number.text.parse().unwrap_or(f64::NAN)).sum();
        (sum - 1.0).abs() < 1e-9
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
        for wrong in ["", "-", ".", "nan", "inf", "1e999", "1,5", "0x1", "1e", " 1", "--1", &"1".repeat(101)]
        {
            assert!(Decimal::parse(wrong).is_none(), "{wrong}");
        }
    }
}
