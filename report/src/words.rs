//! Numbers, truth values and counts as people read them.

use bfc_predict::units::shown_seconds;

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
    /// The cell with all digits of its number.
    pub fn exact(&self) -> String {
        match *self {
            Self::Absent => NOTHING.to_string(),
            Self::Truth(truth) => if truth { "yes" } else { "no" }.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Number(x) => number(x),
            Self::Seconds(seconds) => shown_seconds(seconds),
            Self::Text(text) => text.to_string(),
        }
    }

    /// The cell with nine digits of its number.
    pub fn rounded(&self) -> String {
        match *self {
            Self::Number(x) => format!("{x:.8e}").parse().unwrap_or(x).to_string(),
            _ => self.exact(),
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

/// The fewest digits that give the number back, as JSON writes it.
pub fn number(x: f64) -> String {
    serde_json::Number::from_f64(x).map_or(NOTHING.to_string(), |number| number.to_string())
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
