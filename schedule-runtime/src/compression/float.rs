//! The nearest number of a shorter floating-point format, ties to even; finite numbers stay finite.

/// A format of 16 bits, laid out as IEEE 754 does.
pub(super) struct Format {
    /// Bits after the binary point.
    fraction: u32,
    /// What is added to exponents.
    bias: u64,
}

pub(super) const BF16: Format = Format { fraction: 7, bias: 127 };
pub(super) const F16: Format = Format { fraction: 10, bias: 15 };

/// The bits of the sign and of an infinite number, and the bias, of `f64`.
const SIGN: u64 = 1 << 63;
const INFINITE: u64 = 0x7ff << 52;
const BIAS: u64 = 1023;

impl Format {
    /// The bits of the nearest number.
    pub(super) fn write(&self, x: f64) -> u16 {
        let (magnitude, sign) = (x.to_bits() & !SIGN, (x.to_bits() >> 48) as u16 & 0x8000);
        if magnitude >= INFINITE {
            let no_number = if magnitude > INFINITE { 1 << (self.fraction - 1) } else { 0 };
            return sign | (self.infinite() | no_number) as u16;
        }
        let units = if magnitude >> 52 > BIAS - self.bias {
            let shift = 52 - self.fraction;
            let even = (magnitude >> shift & 1) + (1 << (shift - 1)) - 1;
            ((magnitude + even) >> shift) - ((BIAS - self.bias) << self.fraction)
        } else {
            // In units of the least number; beside 2^52 there are integers only, and they stand in the low bits.
            let units = f64::from_bits(magnitude) * power_of_two(self.bias - 1 + self.fraction as u64);
            (units + power_of_two(52)).to_bits() & ((1 << 52) - 1)
        };
        sign | units.min(self.infinite() - 1) as u16
    }

    /// The number of these bits.
    pub(super) fn read(&self, bits: u16) -> f64 {
        let units = bits as u64 & 0x7fff;
        let magnitude = if units > self.infinite() {
            f64::NAN
        } else if units == self.infinite() {
            f64::INFINITY
        } else if units >> self.fraction == 0 {
            units as f64 / power_of_two(self.bias - 1 + self.fraction as u64)
        } else {
            f64::from_bits((units << (52 - self.fraction)) + ((BIAS - self.bias) << 52))
        };
        f64::from_bits(magnitude.to_bits() | (bits as u64 >> 15) << 63)
    }

    /// The bits of the infinite number.
    fn infinite(&self) -> u64 {
        (2 * self.bias + 1) << self.fraction
    }
}

/// 2^k, where that is normal.
fn power_of_two(k: u64) -> f64 {
    f64::from_bits((k + BIAS) << 52)
}

pub(super) fn to_f32(x: f64) -> f32 {
    if x.is_finite() { (x as f32).clamp(-f32::MAX, f32::MAX) } else { x as f32 }
}
