//! What stands behind a flag becomes a value, or what was expected there.

use bfc_predict::sweep::MOST_POINTS;
use bfc_predict::values;
use std::ops::RangeInclusive;

/// One number of ranks or several.
#[derive(Clone)]
pub enum Sizes {
    /// One.
    One(u32),
    /// All between two.
    Range(RangeInclusive<u32>),
}

/// A number of ranks, or a range.
pub fn sizes(text: &str) -> Result<Sizes, String> {
    let sizes = match range(text) {
        None => text.parse().ok().map(Sizes::One),
        Some(Ok(range)) => Some(range).filter(|range| *range.start() >= 1).map(Sizes::Range),
        Some(Err(BadRange { message, remedy })) => return Err(format!("{message}: {remedy}")),
    };
    sizes.ok_or("expected a number of ranks such as 64, or a range such as 2..256".to_string())
}

/// Why a range cannot be swept, and what to give instead.
pub struct BadRange {
    /// What is wrong with it.
    pub message: String,
    /// What to give instead.
    pub remedy: String,
}

/// The whole numbers from A to B where a text is `A..B`.
///
/// # Errors
/// They go backwards, are too many or too large, or begin below 0.
pub fn range(text: &str) -> Option<Result<RangeInclusive<u32>, BadRange>> {
    let (first, last) = text.split_once("..")?;
    let (first, last) = (first.trim().parse::<i128>().ok()?, last.trim().parse::<i128>().ok()?);
    let bad = |message: &str, remedy: String| {
        Some(Err(BadRange { message: format!("`{text}` {message}"), remedy }))
    };
    if first > last {
        return bad("goes backwards", format!("write `{last}..{first}`"));
    }
    if last - first >= MOST_POINTS as i128 {
        let remedy = format!("give a shorter range, such as `{first}..{}`", first + MOST_POINTS as i128 - 1);
        return bad(&format!("holds more than {MOST_POINTS} numbers"), remedy);
    }
    match (u32::try_from(first), u32::try_from(last)) {
        (Ok(first), Ok(last)) => Some(Ok(first..=last)),
        (Err(_), _) if first < 0 => {
            bad("begins below 0", "give a range from 0 on, or one number".to_string())
        }
        _ => bad("ends too high", format!("give whole numbers up to {}", u32::MAX)),
    }
}

/// 0 < μ ≤ L.
#[derive(Clone, Copy)]
pub struct Curvature(pub [f64; 2]);

/// Two curvatures.
pub fn curvature(text: &str) -> Result<Curvature, String> {
    let bounds = text.split_once("..").and_then(|(least, largest)| {
        Some([least.trim().parse::<f64>().ok()?, largest.trim().parse::<f64>().ok()?])
    });
    values::curvature(bounds).map(Curvature).map_err(|expected| format!("{expected}, such as `0.1..1`"))
}

/// A part of noise.
pub fn noise_memory(text: &str) -> Result<f64, String> {
    values::NOISE_MEMORY.check(text.parse().ok())
}

/// A parameter and its value.
pub fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_string(), value.trim().to_string()))
        }
        _ => Err("expected NAME=VALUE, such as base=3".to_string()),
    }
}

/// A topology, after the name that an algorithm has for it.
pub fn topology(text: &str) -> Result<(Option<String>, String), String> {
    let is_name = |name: &str| {
        let letters = |letter: char| letter.is_alphanumeric() || letter == '_';
        !name.is_empty() && name.chars().all(letters)
    };
    let (name, topology) = match text.split_once('=') {
        Some((name, topology)) if is_name(name.trim()) => (Some(name.trim().to_string()), topology.trim()),
        // Places of mistakes count from where the argument begins.
        _ => (None, text.trim_end()),
    };
    let expected = "expected a topology, such as ring, or NAME=ring for one of several";
    if topology.is_empty() { Err(expected.to_string()) } else { Ok((name, topology.to_string())) }
}

/// A whole number.
pub fn count(text: &str) -> Result<u32, String> {
    values::COUNT.check(text.parse().ok())
}

/// A value of a flag.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number, at most {}", u64::MAX))
}

/// A value of a flag.
pub fn steps(text: &str) -> Result<u64, String> {
    let expected = || "expected a whole number from 1 to 1000000".to_string();
    text.parse().ok().filter(|steps| (1..=1_000_000).contains(steps)).ok_or_else(expected)
}

/// A finite number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    values::ABOVE_ZERO.check(text.parse().ok())
}

/// A number from 0 to 10.
pub fn up_to_ten(text: &str) -> Result<f64, String> {
    values::UP_TO_TEN.check(text.parse().ok())
}

/// A value of a flag.
pub fn share(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "expected a number from 0 to 1")
}

fn number(text: &str, fits: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|&value| value.is_finite() && fits(value)).ok_or(expected.to_string())
}
