//! How far a number of a run may be from its exact value, in all steps that a run can reach.

use bfc_schedule::Rational;

/// The steps that are looked at: at a thousand a second they take 34 years.
const STEPS: f64 = (1u64 << 40) as f64;
/// Integers up to this are exact in `f64`.
const INTEGERS: f64 = (1u64 << 53) as f64;

/// An exact value, as a function of the step, beside the `f64` that a run computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Precision {
    /// The exact value is at most this, in magnitude.
    most: f64,
    /// What the exact value is a multiple of; 0 where that is not known.
    unit: f64,
    /// The computed value is at most this far from it.
    pub(super) error: f64,
}

impl Precision {
    /// Nothing is known.
    pub(super) const NONE: Self = Self { most: f64::INFINITY, unit: 0.0, error: f64::INFINITY };
    /// The number of the step.
    pub(super) const STEP: Self = Self { most: STEPS, unit: 1.0, error: 0.0 };
    /// 0 and 1.
    pub(super) const TRUTH: Self = Self { most: 1.0, unit: 1.0, error: 0.0 };

    /// Of a number that is the same in every step.
    pub(super) fn of_constant(exact: &Rational, computed: f64) -> Self {
        let Some(found) = Rational::from_f64(computed) else { return Self::NONE };
        let error = (&found - exact).abs().to_f64().next_up();
        let most = exact.abs().to_f64().next_up();
        let denominator = exact.denominator();
        let is_dyadic = denominator.magnitude().count_ones() == 1;
        let unit = if is_dyadic { 0.5f64.powi((denominator.bits() - 1).min(2000) as i32) } else { 0.0 };
        if found == *exact {
            Self { most: computed.abs(), unit, error: 0.0 }
        } else {
            Self { most, unit, error }
        }
    }

    /// Whether the run computes the exact value.
    pub(super) fn is_exact(&self) -> bool {
        self.error == 0.0
    }

    /// The multiples of `unit` up to `most`, after an operation that rounds what was off by `error`.
    fn rounded(most: f64, unit: f64, error: f64) -> Self {
        // An infinite bound times 0 is not a number.
        if !error.is_finite() {
            return Self::NONE;
        }
        let fits = error == 0.0 && unit > 0.0 && most / unit <= INTEGERS;
        let rounding = if fits { 0.0 } else { ((most + error) / INTEGERS).next_up() };
        // This is computed with rounding itself.
        let upward = 1.0 + 1e-9;
        Self { most: if fits { most } else { most * upward }, unit, error: (error + rounding) * upward }
    }

    /// Of a sum or a difference.
    pub(super) fn plus(self, other: Self) -> Self {
        Self::rounded(self.most + other.most, self.unit.min(other.unit), self.error + other.error)
    }

    /// Of a product.
    pub(super) fn times(self, other: Self) -> Self {
        let error = self.most * other.error + other.most * self.error + self.error * other.error;
        Self::rounded(self.most * other.most, self.unit * other.unit, error)
    }

    /// Of a quotient by what is this in every step.
    pub(super) fn over(self, divisor: &Rational, computed: Self) -> Self {
        let least = divisor.abs().to_f64().next_down();
        let is_power_of_two = computed.is_exact() && least.next_up().log2().fract() == 0.0;
        let unit = if is_power_of_two { self.unit / least.next_up() } else { 0.0 };
        let most = self.most / least;
        let error = (self.error + most * computed.error) / (least - computed.error).max(0.0);
        Self::rounded(most, unit, error)
    }

    /// Of what is left of an exact number above multiples of an exact divisor.
    pub(super) fn modulo(self, divisor: Self) -> Self {
        Self::rounded(divisor.most, self.unit.min(divisor.unit), self.error + divisor.error)
    }

    /// Of the integer part of an exact number divided by an exact one: the multiple of the divisor below the number is
    /// exact, or nothing is known.
    pub(super) fn whole_over(self, divisor: &Rational, computed: Self) -> Self {
        let multiple = self.plus(computed);
        match multiple.is_exact() && computed.is_exact() {
            true => Self::rounded(self.most / divisor.abs().to_f64() + 1.0, 1.0, 0.0),
            false => Self::NONE,
        }
    }

    /// Of the one or the other.
    pub(super) fn either(self, other: Self) -> Self {
        let (most, error) = (self.most.max(other.most), self.error.max(other.error));
        Self { most, unit: self.unit.min(other.unit), error }
    }
}
