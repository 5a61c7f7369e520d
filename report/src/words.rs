//! Numbers, truth values and counts as people read them.

use bfc_predict::units::shown_seconds;
use bfc_schedule::digits::six_digits;

/// What stands where there is nothing to say.
pub const NOTHING: &str = "–";

/// What a cell of a table says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Absent,
    /// Yes or no.
    Truth(bool),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// A time.
    Seconds(f64),
    /// Words.
    Text(&'a str),
}

impl Cell<'_> {
    /// What the cell shows.
    pub fn text(&self) -> String {
        match *self {
            Self::Absent => NOTHING.to_string(),
            Self::Truth(truth) => if truth { "yes" } else { "no" }.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Number(x) => number(x),
            Self::Seconds(seconds) => shown_seconds(seconds),
            Self::Text(text) => text.to_string(),
        }
    }
}

impl From<bool> for Cell<'_> {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<u32> for Cell<'_> {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<u64> for Cell<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Cell<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Cell<'_> {
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Absent }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Six significant digits; of a number that is nearly 1 or -1, as many as show the difference.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return NOTHING.to_string();
    }
    let shown = six_digits(x);
    if x.abs() == 1.0 || shown.trim_start_matches('-') != "1" {
        return shown;
    }
    let rounded = |digits: usize| format!("{x:.digits$e}").parse::<f64>().ok();
    // The first digit of the difference may be a rounded one; the next is beside it.
    let first = (6..=15).find(|&digits| rounded(digits).is_some_and(|rounded| rounded.abs() != 1.0));
    first.and_then(|digits| rounded(digits + 1)).unwrap_or(x).to_string()
}

/// Such as `1 phase` or `3 phases`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Two decimals at most.
pub fn hundredths(x: f64) -> String {
    ((x * 100.0).round() / 100.0).to_string()
}

/// Two digits of a number, or the next above.
pub fn two_digits_up(x: f64) -> String {
    let shown = [x, 1.1 * x].map(|x| format!("{x:.1e}"));
    let is_above = |shown: &String| shown.parse::<f64>().is_ok_and(|shown| shown >= x);
    shown.iter().find(|shown| is_above(shown)).unwrap_or(&shown[0]).clone()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_six_digits_and_only_one_reads_one() {
        let shown = [
            (0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (2.0 / 3.0, "0.666667"),
            (0.999_999_999_996_7, "0.9999999999967"),
            (-0.999_999_99, "-0.99999999"),
            (1.000_000_2, "1.0000002"),
            (1.0 - f64::EPSILON / 2.0, "0.9999999999999999"),
            (3.3e-12, "3.3e-12"),
            (f64::NAN, "–"),
        ];
        shown.iter().for_each(|(x, text)| assert_eq!(number(*x), *text));
    }
}
