//! From scalar expressions of the step number to their rhythm: from when on, and with what period, they repeat.
//!
//! An expression f has a rhythm if `f(t + period) = f(t) + slope · period` for all t ≥ start. Comparisons of such
//! expressions are periodic or end up constant, `mod` by a constant makes them periodic.
//!
//! All this is exact, and a run rounds: `0.1 * t == 0.3` is true in no step. What a run does from step to step is known
//! where rounding changes nothing, or too little to matter ([`Precision`]), and of what is computed from numbers of which
//! it is known.

mod precision;

#[cfg(test)]
mod tests;

use crate::model::algorithm::{Algorithm, ValueId, ValueKind};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, scalar};
use num_integer::Integer;
use num_traits::ToPrimitive;
use precision::Precision;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The longest period and the latest start that are followed.
pub(crate) const LONGEST: u64 = 1 << 16;

/// Bits of a value that is followed.
const BITS: u64 = 1 << 14;

/// `f(t + period) = f(t) + slope · period` for t ≥ start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rhythm {
    pub(crate) start: u64,
    pub(crate) period: u64,
    pub(crate) slope: Rational,
    precision: Precision,
    /// Whether what a run computes has the same period, 0 and −0 being the same.
    repeats: bool,
}

/// The scalar expressions of an algorithm that depend on nothing but the step number, constants and inputs.
pub(crate) struct Numbers<'a> {
    algorithm: &'a Algorithm,
    is_number: Vec<bool>,
    rhythms: Vec<Option<Rhythm>>,
    /// Whether it may repeat, but too late to be followed.
    is_long: Vec<bool>,
    inputs: Vec<BTreeSet<u16>>,
}

impl<'a> Numbers<'a> {
    /// Finds them, and their rhythms.
    pub(crate) fn new(algorithm: &'a Algorithm) -> Self {
        let mut numbers =
            Self { algorithm, is_number: vec![], rhythms: vec![], is_long: vec![], inputs: vec![] };
        for value in &algorithm.values {
            let (is_number, rhythm) = match &value.kind {
                ValueKind::Apply(operation, operands) => {
                    let number = operands.iter().all(|operand| numbers.is_number[operand.0 as usize]);
                    (number, if number { numbers.apply(operation, operands) } else { None })
                }
                _ => (false, None),
            };
            let inputs = match &value.kind {
                ValueKind::Apply(Operation::Input(input), _) => BTreeSet::from([*input]),
                ValueKind::Apply(_, operands) => {
                    operands.iter().flat_map(|operand| numbers.inputs(*operand)).copied().collect()
                }
                _ => BTreeSet::new(),
            };
            numbers.inputs.push(inputs);
            numbers.is_number.push(is_number);
            let followed = rhythm.clone().filter(|rhythm| rhythm.start.max(rhythm.period) <= LONGEST);
            let is_long = match &value.kind {
                _ if followed.is_some() => false,
                ValueKind::Apply(_, operands) => rhythm.is_some() || numbers.is_long_together(operands),
                _ => false,
            };
            numbers.is_long.push(is_long);
            numbers.rhythms.push(followed);
        }
        numbers
    }

    /// Whether a value is such an expression.
    pub(crate) fn is_number(&self, id: ValueId) -> bool {
        self.is_number[id.0 as usize]
    }

    /// The inputs that it depends on.
    pub(crate) fn inputs(&self, id: ValueId) -> &BTreeSet<u16> {
        &self.inputs[id.0 as usize]
    }

    /// From when on and how often its exact value repeats; `None` if it does not, or is not known to.
    pub(crate) fn repeats(&self, id: ValueId) -> Option<(u64, u64)> {
        let rhythm = self.rhythms[id.0 as usize].as_ref()?;
        rhythm.slope.is_zero().then_some((rhythm.start, rhythm.period))
    }

    /// From when on and how often it [holds](Self::holds) in a run; `None` if that does not repeat, or is not known to.
    pub(crate) fn decides(&self, id: ValueId) -> Option<(u64, u64)> {
        let rhythm = self.rhythms[id.0 as usize].as_ref()?;
        rhythm.is_certain().then_some((rhythm.start, rhythm.period))
    }

    /// What is known of it where it is not known to repeat, as the end of a sentence.
    pub(crate) fn irregularity(&self, id: ValueId) -> String {
        if self.is_long[id.0 as usize] {
            return format!("repeats after more than {LONGEST} steps, if at all, which is not followed");
        }
        "does not repeat, or is not known to".to_string()
    }

    /// Whether numbers repeat, each of them or all together, too late to be followed.
    fn is_long_together(&self, operands: &[ValueId]) -> bool {
        let rhythms: Option<Vec<_>> =
            operands.iter().map(|operand| self.rhythms[operand.0 as usize].as_ref()).collect();
        operands.iter().any(|operand| self.is_long[operand.0 as usize])
            || rhythms.is_some_and(|rhythms| joint(&rhythms).is_none())
    }

    /// Its exact value at a step; inputs have their defaults. `None` where it is undefined or not rational.
    pub(crate) fn value(&self, id: ValueId, step: u64) -> Option<Rational> {
        self.exact(id, step, &mut BTreeMap::new())
    }

    /// What a run computes for it at a step, inputs having their defaults; `None` for what is no number.
    pub(crate) fn computed(&self, id: ValueId, step: u64) -> Option<f64> {
        self.rounded(id, step, &mut BTreeMap::new())
    }

    /// Whether it is true in a run at a step.
    pub(crate) fn holds(&self, id: ValueId, step: u64) -> Option<bool> {
        self.computed(id, step).map(scalar::holds)
    }

    /// What is done with numbers at a step that has no result: a division by 0, a root or a logarithm outside of its
    /// domain.
    pub(crate) fn undefined(&self, id: ValueId, step: u64) -> Option<&'static str> {
        let ValueKind::Apply(operation, operands) = &self.algorithm.value(id).kind else { return None };
        let value = |at: usize| self.computed(operands[at], step);
        match operation {
            Operation::Divide | Operation::Div | Operation::Mod if value(1)? == 0.0 => {
                Some("a division by 0")
            }
            Operation::Power if value(0)? == 0.0 && value(1)? < 0.0 => Some("a division by 0"),
            Operation::SquareRoot if value(0)? < 0.0 => Some("the root of a negative number"),
            Operation::Log if value(0)? <= 0.0 => Some("the logarithm of a number that is not positive"),
            _ => None,
        }
    }

    fn exact(
        &self,
        id: ValueId,
        step: u64,
        known: &mut BTreeMap<ValueId, Option<Rational>>,
    ) -> Option<Rational> {
        if let Some(value) = known.get(&id) {
            return value.clone();
        }
        let ValueKind::Apply(operation, operands) = &self.algorithm.value(id).kind else { return None };
        let operands: Option<Vec<Rational>> =
            operands.iter().map(|operand| self.exact(*operand, step, known)).collect();
        let value = operands.and_then(|operands| exact(self.algorithm, operation, &operands, step));
        known.insert(id, value.clone());
        value
    }

    fn rounded(&self, id: ValueId, step: u64, known: &mut BTreeMap<ValueId, f64>) -> Option<f64> {
        if let Some(value) = known.get(&id) {
            return Some(*value);
        }
        let ValueKind::Apply(operation, operands) = &self.algorithm.value(id).kind else { return None };
        let operands: Vec<f64> =
            operands.iter().map(|operand| self.rounded(*operand, step, known)).collect::<Option<_>>()?;
        let value = self.rounded_of(operation, &operands, step);
        known.insert(id, value);
        Some(value)
    }

    fn rounded_of(&self, operation: &Operation, operands: &[f64], step: u64) -> f64 {
        match (operation, operands) {
            (Operation::Input(index), _) => {
                let input = self.algorithm.inputs.get(usize::from(*index));
                input.map_or(f64::NAN, |input| input.default.to_f64())
            }
            (Operation::Constant(constant), _) => constant.to_f64(),
            (operation, [a]) => scalar::unary(operation, *a),
            (operation, [a, b]) => scalar::binary(operation, *a, *b),
            _ => step as f64,
        }
    }

    fn apply(&self, operation: &Operation, operands: &[ValueId]) -> Option<Rhythm> {
        let rhythms: Vec<&Rhythm> = operands
            .iter()
            .map(|operand| self.rhythms[operand.0 as usize].as_ref())
            .collect::<Option<_>>()?;
        let (start, period) = joint(&rhythms)?;
        let rhythm = |slope, precision| Rhythm { start, period, slope, precision, repeats: false };
        let steady = |precision| rhythm(Rational::zero(), precision);
        if *operation == Operation::Step {
            return Some(rhythm(Rational::one(), Precision::STEP));
        }
        // Whatever is computed from numbers that repeat repeats, unless it sees the sign of a 0, which is not looked at.
        if rhythms.iter().all(|rhythm| rhythm.is_certain()) {
            let precision = self.precision(operation, operands, &rhythms).unwrap_or(Precision::NONE);
            let sees_signs = match operation {
                Operation::Divide => self.meets_zero(operands[1], start..start + period),
                Operation::Power => self.meets_zero(operands[0], start..start + period),
                _ => false,
            };
            return Some(Rhythm { repeats: !sees_signs, ..steady(precision) });
        }
        let slope = |at: usize| rhythms[at].slope.clone();
        let precision = |at: usize| rhythms[at].precision;
        use Operation::*;
        match operation {
            Negate => Some(rhythm(-&slope(0), precision(0))),
            Add => Some(rhythm(slope(0) + slope(1), precision(0).plus(precision(1)))),
            Subtract => Some(rhythm(slope(0) - slope(1), precision(0).plus(precision(1)))),
            Multiply => {
                let slope = match (self.constant(operands[0]), self.constant(operands[1])) {
                    (Some(factor), _) => slope(1) * factor,
                    (_, Some(factor)) => slope(0) * factor,
                    _ if slope(0).is_zero() && slope(1).is_zero() => Rational::zero(),
                    _ => return None,
                };
                Some(rhythm(slope, precision(0).times(precision(1))))
            }
            Divide => match self.constant(operands[1]).filter(|divisor| !divisor.is_zero()) {
                Some(divisor) => {
                    Some(rhythm(slope(0) / divisor.clone(), precision(0).over(&divisor, precision(1))))
                }
                None if slope(0).is_zero() && slope(1).is_zero() => Some(steady(Precision::NONE)),
                None => None,
            },
            SquareRoot | Absolute | Power | Minimum | Maximum | Log
                if rhythms.iter().all(|rhythm| rhythm.slope.is_zero()) =>
            {
                Some(steady(Precision::NONE))
            }
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                self.comparison(operands, &rhythms, (start, period))
            }
            Floor | Div | Mod => self.whole(operation, operands, &rhythms, (start, period)),
            _ => None,
        }
    }

    /// Of what is computed from numbers that repeat.
    fn precision(
        &self,
        operation: &Operation,
        operands: &[ValueId],
        rhythms: &[&Rhythm],
    ) -> Option<Precision> {
        use Operation::*;
        let constants: Option<Vec<Rational>> =
            operands.iter().map(|operand| self.constant(*operand)).collect();
        if let Some(constants) = constants {
            let computed =
                operands.iter().map(|operand| self.computed(*operand, 0)).collect::<Option<Vec<_>>>()?;
            let exact = exact(self.algorithm, operation, &constants, 0)?;
            return Some(Precision::of_constant(&exact, self.rounded_of(operation, &computed, 0)));
        }
        let of = |at: usize| rhythms[at].precision;
        let are_exact = rhythms.iter().all(|rhythm| rhythm.precision.is_exact());
        let divisor = || self.constant(operands[1]).filter(|divisor| !divisor.is_zero());
        match operation {
            Negate | Absolute => Some(of(0)),
            Add | Subtract => Some(of(0).plus(of(1))),
            Multiply => Some(of(0).times(of(1))),
            Divide => Some(of(0).over(&divisor()?, of(1))),
            Mod if are_exact => Some(of(0).modulo(of(1))),
            Div if are_exact => Some(of(0).whole_over(&divisor()?, of(1))),
            Minimum | Maximum => Some(of(0).either(of(1))),
            Floor if are_exact => Some(of(0).whole_over(&Rational::one(), Precision::TRUTH)),
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Not | And | Or if are_exact => {
                Some(Precision::TRUTH)
            }
            _ => None,
        }
    }

    fn meets_zero(&self, id: ValueId, steps: Range<u64>) -> bool {
        steps.into_iter().any(|step| self.computed(id, step) == Some(0.0))
    }

    /// Its exact value, if that is the same in every step.
    fn constant(&self, id: ValueId) -> Option<Rational> {
        let rhythm = self.rhythms[id.0 as usize].as_ref()?;
        let is_constant = rhythm.slope.is_zero() && rhythm.period == 1 && rhythm.start == 0;
        if is_constant { self.value(id, 0) } else { None }
    }

    /// A comparison repeats if both sides grow alike and exactly, and is settled at last if they do not grow alike.
    fn comparison(
        &self,
        operands: &[ValueId],
        rhythms: &[&Rhythm],
        (start, period): (u64, u64),
    ) -> Option<Rhythm> {
        let exact = rhythms.iter().all(|rhythm| rhythm.precision.is_exact());
        let precision = if exact { Precision::TRUTH } else { Precision::NONE };
        let settled =
            |start, period| Rhythm { start, period, slope: Rational::zero(), precision, repeats: true };
        let slope = &rhythms[0].slope - &rhythms[1].slope;
        if slope.is_zero() {
            return exact.then(|| settled(start, period));
        }
        let growth = slope * Rational::integer(period);
        let doubt =
            Rational::from_f64(rhythms[0].precision.error + rhythms[1].precision.error)? / growth.abs();
        let mut settled_at = start;
        for step in start..start + period {
            let difference = self.value(operands[0], step)? - self.value(operands[1], step)?;
            // The difference has the sign of its growth once it has grown by more than what it lacks.
            let lacking = &doubt - &(difference / growth.clone());
            let periods = lacking.floor().to_i64()?.max(-1) + 1;
            settled_at = settled_at.max(step.checked_add(period.checked_mul(periods as u64)?)?);
        }
        Some(settled(settled_at, 1))
    }

    /// Integer parts, and what is left above them: of exact numbers only, as the last bit decides.
    fn whole(
        &self,
        operation: &Operation,
        operands: &[ValueId],
        rhythms: &[&Rhythm],
        (start, period): (u64, u64),
    ) -> Option<Rhythm> {
        if let (Operation::Floor, ValueKind::Apply(Operation::Divide, parts)) =
            (operation, &self.algorithm.value(operands[0]).kind)
        {
            // ⌊a / b⌋ is the same rounded, where a and b are exact: see [`Precision::whole_over`].
            let rhythms = [parts[0], parts[1]].map(|part| self.rhythms[part.0 as usize].as_ref());
            let [Some(a), Some(b)] = rhythms else { return None };
            return self.whole(&Operation::Div, parts, &[a, b], (start, period));
        }
        let one = Rational::one();
        let (divisor, its) = match operation {
            Operation::Floor => (one.clone(), Precision::TRUTH),
            _ => (self.constant(operands[1]).filter(|divisor| !divisor.is_zero())?, rhythms[1].precision),
        };
        let number = rhythms[0].precision;
        if !number.is_exact() || !its.is_exact() {
            return None;
        }
        // Enough periods for the growth to be a multiple of the divisor.
        let growth = &rhythms[0].slope * &Rational::integer(period) / divisor.clone();
        let period = period.checked_mul(growth.denominator().to_u64()?)?;
        let (slope, precision) = match operation {
            Operation::Mod => (Rational::zero(), number.modulo(its)),
            _ => (&rhythms[0].slope / &divisor, number.whole_over(&divisor, its)),
        };
        Some(Rhythm { start, period, slope, precision, repeats: false })
    }
}

impl Rhythm {
    /// Whether what a run computes repeats.
    fn is_certain(&self) -> bool {
        self.slope.is_zero() && (self.repeats || self.precision.is_exact())
    }
}

/// From when on, and with what period, several rhythms repeat together.
fn joint(rhythms: &[&Rhythm]) -> Option<(u64, u64)> {
    let start = rhythms.iter().map(|rhythm| rhythm.start).max().unwrap_or(0);
    let period = rhythms.iter().fold(1u64, |joint, rhythm| joint.lcm(&rhythm.period));
    (period <= LONGEST).then_some((start, period))
}

/// The exact value of an operation at a step, inputs having their defaults; `None` where it has none or is too long.
pub(super) fn exact(
    algorithm: &Algorithm,
    operation: &Operation,
    operands: &[Rational],
    step: u64,
) -> Option<Rational> {
    let value = match operation {
        Operation::Step => Some(Rational::integer(step)),
        // A run has the nearest 64-bit number.
        Operation::Input(index) => {
            let input = algorithm.inputs.get(usize::from(*index))?;
            Rational::from_f64(input.default.to_f64())
        }
        _ => scalar::exact(operation, operands),
    };
    value.filter(|value| value.bits() <= BITS)
}
