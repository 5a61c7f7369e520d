//! Quantities as people write them, `25 Gb/s`, `30 us`, `102 MB`, become numbers, and numbers such text.

/// Seconds.
const TIME: [(&str, f64); 5] = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
/// Bytes.
const SIZE: [(&str, f64); 9] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("", 1.0),
];
/// Bytes per second.
const RATE: [(&str, f64); 10] = [
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("TB/s", 1e12),
    ("b/s", 0.125),
    ("kb/s", 125.0),
    ("Mb/s", 125e3),
    ("Gb/s", 125e6),
    ("Tb/s", 125e9),
];

/// A time in seconds.
///
/// # Errors
/// What was expected.
pub fn seconds(text: &str) -> Result<f64, String> {
    quantity(text, &TIME, "a time such as `30 us`, `1.5 ms` or `2 s`")
}

/// A number of bytes.
///
/// # Errors
/// What was expected.
pub fn bytes(text: &str) -> Result<f64, String> {
    quantity(text, &SIZE, "a number of bytes such as `102 MB`, `1.4 GB` or `4096`")
}

/// Bytes per second; a lower-case `b` is a bit.
///
/// # Errors
/// What was expected.
pub fn bytes_per_second(text: &str) -> Result<f64, String> {
    quantity(text, &RATE, "a rate such as `25 Gb/s` (bits) or `120 GB/s` (bytes)")
}

fn quantity(text: &str, units: &[(&str, f64)], expected: &str) -> Result<f64, String> {
    let text = text.trim();
    let letter =
        |(at, letter): (usize, char)| (letter.is_alphabetic() && !is_exponent(text, at)).then_some(at);
    let (number, unit) = text.split_at(text.char_indices().find_map(letter).unwrap_or(text.len()));
    let unit = units.iter().find(|(name, _)| *name == unit.trim());
    let value = number.trim().parse::<f64>().ok().zip(unit).map(|(number, unit)| number * unit.1);
    value.filter(|value| value.is_finite() && *value >= 0.0).ok_or_else(|| format!("expected {expected}"))
}

/// Whether the letter there is the `e` of `1e6`.
fn is_exponent(text: &str, at: usize) -> bool {
    let after = text.as_bytes().get(at + 1).is_some_and(|byte| byte.is_ascii_digit() || b"+-".contains(byte));
    text[at..].starts_with(['e', 'E']) && after
}

/// Such as `12.3 ms`.
pub fn shown_seconds(seconds: f64) -> String {
    shown(seconds, &[("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)])
}

/// Such as `102 MB`.
pub fn shown_bytes(bytes: f64) -> String {
    shown(bytes, &SIZE[..5])
}

/// Such as `25 Gb/s`.
pub fn shown_rate(rate: f64) -> String {
    shown(rate, &RATE[5..])
}

/// Three digits in the largest unit that leaves a number of at least 1.
fn shown(value: f64, units: &[(&str, f64)]) -> String {
    let (name, unit) =
        units.iter().rev().find(|(_, unit)| value >= *unit * 0.9995).copied().unwrap_or(units[0]);
    let value = value / unit;
    let digits = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_written() {
        assert_eq!(bytes_per_second("25 Gb/s"), Ok(3.125e9));
        assert_eq!(bytes_per_second("1.5e2GB/s"), Ok(1.5e11));
        assert_eq!(seconds(" 30 us "), Ok(30.0 * 1e-6));
        assert_eq!(bytes("4096"), Ok(4096.0));
        assert_eq!(bytes("1e6 B"), Ok(1e6));
        for wrong in ["", "fast", "-1 s", "1 S", "nan s", "inf", "1 s s", "1e999 s", "é"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(shown_seconds(0.0123), "12.3 ms");
        assert_eq!(shown_seconds(0.0), "0 ns");
        assert_eq!(shown_bytes(102e6), "102 MB");
        assert_eq!(shown_rate(3.125e9), "25 Gb/s");
    }
}
