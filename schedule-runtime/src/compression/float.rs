//! The nearest number of a shorter floating-point format, ties to even; finite numbers stay finite.

/// Bits of the significand, and the exponents of the least and the greatest normal number.
struct Format {
    significand: i32,
    least: i32,
    greatest: i32,
}

const BF16: Format = Format { significand: 8, least: -126, greatest: 127 };
const F16: Format = Format { significand: 11, least: -14, greatest: 15 };

impl Format {
    /// The nearest number of the format to a finite number.
    fn nearest(&self, x: f64) -> f64 {
        let unit = power_of_two(exponent(x).max(self.least) - self.significand + 1);
        let most = (2.0 - power_of_two(1 - self.significand)) * power_of_two(self.greatest);
        // Division by a power of two is exact but for numbers far below the unit, which round to 0 all the same.
        ((x / unit).round_ties_even() * unit).clamp(-most, most)
    }
}

/// ⌊log₂ |x|⌋ of a normal number; anything lower for 0 and subnormal ones.
fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52 & 0x7ff) as i32 - 1023
}

/// 2^k, where that is normal.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

pub(super) fn to_f32(x: f64) -> f32 {
    if x.is_finite() { (x as f32).clamp(-f32::MAX, f32::MAX) } else { x as f32 }
}

pub(super) fn to_bf16(x: f64) -> u16 {
    match x.is_finite() {
        true => ((BF16.nearest(x) as f32).to_bits() >> 16) as u16,
        // The quiet bit is among those that stay.
        false => ((x as f32).to_bits() >> 16) as u16,
    }
}

pub(super) fn from_bf16(bits: u16) -> f64 {
    f32::from_bits((bits as u32) << 16) as f64
}

pub(super) fn to_f16(x: f64) -> u16 {
    let sign = ((x.to_bits() >> 63) as u16) << 15;
    if x.is_nan() {
        return 0x7e00;
    }
    if x.is_infinite() {
        return sign | 0x7c00;
    }
    let x = F16.nearest(x).abs();
    // In units of the least subnormal number, 2^-24; normal numbers have their exponent above ten bits.
    let scale = exponent(x).max(F16.least);
    let units = (x / power_of_two(scale - 10)) as u16;
    sign | ((((scale - F16.least) as u16) << 10) + units)
}

pub(super) fn from_f16(bits: u16) -> f64 {
    let (scale, fraction) = ((bits >> 10 & 31) as i32, (bits & 1023) as f64);
    let magnitude = match scale {
        0 => fraction * power_of_two(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * power_of_two(scale - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}
