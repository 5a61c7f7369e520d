//! From scalar expressions of the step number to their rhythm: from when on, and with what period, they repeat.
//!
//! An expression f has a rhythm if `f(t + period) = f(t) + slope · period` for all t ≥ start. Comparisons of such
//! expressions are periodic or end up constant, `mod` by a constant makes them periodic.

use crate::model::algorithm::{Algorithm, ValueId, ValueKind};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;
use num_integer::Integer;
use num_traits::ToPrimitive;
use std::collections::{BTreeMap, BTreeSet};

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
}

/// The scalar expressions of an algorithm that depend on nothing but the step number, constants and inputs.
pub(crate) struct Numbers<'a> {
    algorithm: &'a Algorithm,
    is_number: Vec<bool>,
    rhythms: Vec<Option<Rhythm>>,
    inputs: Vec<BTreeSet<u16>>,
}

impl<'a> Numbers<'a> {
    /// Finds them, and their rhythms.
    pub(crate) fn new(algorithm: &'a Algorithm) -> Self {
        let mut numbers = Self { algorithm, is_number: vec![], rhythms: vec![], inputs: vec![] };
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
            numbers.rhythms.push(rhythm.filter(|rhythm| rhythm.start.max(rhythm.period) <= LONGEST));
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

    /// From when on and how often it repeats; `None` if it does not, or is not known to.
    pub(crate) fn repeats(&self, id: ValueId) -> Option<(u64, u64)> {
        let rhythm = self.rhythms[id.0 as usize].as_ref()?;
        rhythm.slope.is_zero().then_some((rhythm.start, rhythm.period))
    }

    /// Its value at a step; inputs have their defaults. `None` where it is undefined or not rational.
    pub(crate) fn value(&self, id: ValueId, step: u64) -> Option<Rational> {
        self.value_with(id, step, &mut BTreeMap::new())
    }

    /// What is done with numbers at a step that has no result: a division by 0, a root or a logarithm outside of its
    /// domain.
    pub(crate) fn undefined(&self, id: ValueId, step: u64) -> Option<&'static str> {
        let ValueKind::Apply(operation, operands) = &self.algorithm.value(id).kind else { return None };
        let value = |at: usize| self.value(operands[at], step).filter(|_| self.is_number(operands[at]));
        match operation {
            Operation::Divide | Operation::Div | Operation::Mod if value(1)?.is_zero() => {
                Some("a division by 0")
            }
            Operation::Power if value(0)?.is_zero() && value(1)?.is_negative() => Some("a division by 0"),
            Operation::SquareRoot if value(0)?.is_negative() => Some("the root of a negative number"),
            Operation::Log if value(0)? <= Rational::zero() => Some("the logarithm of no positive number"),
            _ => None,
        }
    }

    fn value_with(
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
            operands.iter().map(|operand| self.value_with(*operand, step, known)).collect();
        let value = operands.and_then(|operands| evaluate(operation, &operands, step, self.algorithm));
        let value = value.filter(|value| value.bits() <= BITS);
        known.insert(id, value.clone());
        value
    }

    fn apply(&self, operation: &Operation, operands: &[ValueId]) -> Option<Rhythm> {
        let rhythms: Vec<&Rhythm> = operands
            .iter()
            .map(|operand| self.rhythms[operand.0 as usize].as_ref())
            .collect::<Option<_>>()?;
        let joint = joint(&rhythms)?;
        let constant = |at: usize| {
            let steady = rhythms[at].slope.is_zero() && rhythms[at].period == 1 && rhythms[at].start == 0;
            if steady { self.value(operands[at], 0) } else { None }
        };
        use Operation::*;
        match operation {
            Step => Some(Rhythm { start: 0, period: 1, slope: Rational::one() }),
            Input(_) | Constant(_) => Some(joint),
            Random | Log => None,
            Negate => Some(Rhythm { slope: -&rhythms[0].slope, ..joint }),
            Add => Some(Rhythm { slope: &rhythms[0].slope + &rhythms[1].slope, ..joint }),
            Subtract => Some(Rhythm { slope: &rhythms[0].slope - &rhythms[1].slope, ..joint }),
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                self.comparison(operands, &rhythms, joint)
            }
            _ if rhythms.iter().all(|rhythm| rhythm.slope.is_zero()) => Some(joint),
            Multiply => match (constant(0), constant(1)) {
                (Some(factor), _) => Some(Rhythm { slope: &rhythms[1].slope * &factor, ..joint }),
                (_, Some(factor)) => Some(Rhythm { slope: &rhythms[0].slope * &factor, ..joint }),
                _ => None,
            },
            Divide => {
                let divisor = constant(1).filter(|divisor| !divisor.is_zero())?;
                Some(Rhythm { slope: &rhythms[0].slope / &divisor, ..joint })
            }
            Floor => whole(joint, &rhythms[0].slope, &Rational::one()),
            Div => {
                let divisor = constant(1).filter(|divisor| !divisor.is_zero())?;
                whole(joint, &(&rhythms[0].slope / &divisor), &Rational::one())
            }
            Mod => {
                let modulus = constant(1).filter(|modulus| !modulus.is_zero())?;
                let steps = whole(joint, &rhythms[0].slope, &modulus)?;
                Some(Rhythm { slope: Rational::zero(), ..steps })
            }
            _ => None,
        }
    }

    /// A comparison repeats if both sides grow alike, and is settled at last if they do not.
    fn comparison(&self, operands: &[ValueId], rhythms: &[&Rhythm], joint: Rhythm) -> Option<Rhythm> {
        let slope = &rhythms[0].slope - &rhythms[1].slope;
        if slope.is_zero() {
            return Some(Rhythm { slope: Rational::zero(), ..joint });
        }
        let growth = slope * Rational::integer(joint.period);
        let mut start = joint.start;
        for step in joint.start..joint.start + joint.period {
            let difference = self.value(operands[0], step)? - self.value(operands[1], step)?;
            // The difference has the sign of its growth once it has grown by more than what it lacks.
            let periods = (-&(difference / growth.clone())).floor().to_i64()?.max(-1) + 1;
            start = start.max(step + joint.period * periods as u64);
        }
        Some(Rhythm { start, period: 1, slope: Rational::zero() })
    }
}

/// The rhythm of several together, slope aside.
fn joint(rhythms: &[&Rhythm]) -> Option<Rhythm> {
    let mut joint = Rhythm { start: 0, period: 1, slope: Rational::zero() };
    for rhythm in rhythms {
        joint.start = joint.start.max(rhythm.start);
        joint.period = joint.period.lcm(&rhythm.period);
        if joint.period > LONGEST {
            return None;
        }
    }
    Some(joint)
}

/// Enough periods for the growth to be a multiple of `unit`.
fn whole(joint: Rhythm, slope: &Rational, unit: &Rational) -> Option<Rhythm> {
    let growth = slope * &Rational::integer(joint.period) / unit.clone();
    let times = growth.denominator().to_u64()?;
    Some(Rhythm { start: joint.start, period: joint.period.checked_mul(times)?, slope: slope.clone() })
}

pub(super) fn evaluate(
    operation: &Operation,
    operands: &[Rational],
    step: u64,
    algorithm: &Algorithm,
) -> Option<Rational> {
    use Operation::*;
    let truth = |holds: bool| Some(Rational::integer(u8::from(holds)));
    let nonzero = |value: &Rational| Some(value.clone()).filter(|value| !value.is_zero());
    match (operation, operands) {
        (Step, []) => Some(Rational::integer(step)),
        // A run has the nearest 64-bit number.
        (Input(index), []) => Rational::from_f64(algorithm.inputs.get(*index as usize)?.default.to_f64()),
        (Constant(value), []) => Some(value.clone()),
        (Negate, [a]) => Some(-a),
        (Not, [a]) => truth(a.is_zero()),
        (SquareRoot, [a]) if !a.is_negative() => Rational::from_f64(a.to_f64().sqrt()),
        (Absolute, [a]) => Some(a.abs()),
        (Floor, [a]) => Some(a.floor()),
        (Add, [a, b]) => Some(a + b),
        (Subtract, [a, b]) => Some(a - b),
        (Multiply, [a, b]) => Some(a * b),
        (Divide, [a, b]) => Some(a / &nonzero(b)?),
        (Power, [a, b]) => power(a, b),
        (Minimum, [a, b]) => Some(a.min(b).clone()),
        (Maximum, [a, b]) => Some(a.max(b).clone()),
        (Mod, [a, b]) => Some(a - &((a / &nonzero(b)?).floor() * b.clone())),
        (Div, [a, b]) => Some((a / &nonzero(b)?).floor()),
        (Equal, [a, b]) => truth(a == b),
        (NotEqual, [a, b]) => truth(a != b),
        (Less, [a, b]) => truth(a < b),
        (LessEqual, [a, b]) => truth(a <= b),
        (Greater, [a, b]) => truth(a > b),
        (GreaterEqual, [a, b]) => truth(a >= b),
        (And, [a, b]) => truth(!a.is_zero() && !b.is_zero()),
        (Or, [a, b]) => truth(!a.is_zero() || !b.is_zero()),
        _ => None,
    }
}

fn power(base: &Rational, exponent: &Rational) -> Option<Rational> {
    let exponent =
        exponent.to_i64().filter(|exponent| exponent.unsigned_abs().saturating_mul(base.bits()) <= BITS)?;
    if base.is_zero() && exponent < 0 {
        return None;
    }
    let result = num_traits::pow(base.as_big().clone(), exponent.unsigned_abs() as usize);
    Some(Rational::from(if exponent < 0 { result.recip() } else { result }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::tests::build::Builder;
    use proptest::prelude::*;

    /// A random expression over the step number, as postfix codes.
    fn expression(builder: &mut Builder, codes: &[u8]) -> ValueId {
        let mut stack = vec![builder.step()];
        for code in codes {
            let constant = builder.number(i64::from(code / 16) + 1, 2);
            let (a, b) = (stack.pop().unwrap_or(constant), constant);
            let value = match code % 9 {
                0 => builder.apply(Operation::Mod, &[a, b]),
                1 => builder.apply(Operation::Div, &[a, b]),
                2 => builder.apply(Operation::Multiply, &[a, b]),
                3 => builder.apply(Operation::Add, &[a, b]),
                4 => {
                    stack.push(a);
                    builder.step()
                }
                5 => builder.apply(Operation::Equal, &[a, b]),
                6 => builder.apply(Operation::Less, &[b, a]),
                7 => builder.apply(Operation::Floor, &[a]),
                _ => match stack.pop() {
                    Some(other) => builder.apply(Operation::Subtract, &[other, a]),
                    None => a,
                },
            };
            stack.push(value);
        }
        stack.pop().expect("never empty")
    }

    proptest! {
        #[test]
        fn a_rhythm_is_kept(codes in prop::collection::vec(any::<u8>(), 1..7)) {
            let mut builder = Builder::new();
            let id = expression(&mut builder, &codes);
            let algorithm = builder.finish();
            let numbers = Numbers::new(&algorithm);
            if let Some(rhythm) = numbers.rhythms[id.0 as usize].clone() {
                let growth = rhythm.slope.clone() * Rational::integer(rhythm.period);
                for step in rhythm.start..rhythm.start + 20 {
                    let (now, later) = (numbers.value(id, step), numbers.value(id, step + rhythm.period));
                    prop_assert_eq!(now.map(|now| now + growth.clone()), later, "{:?} at {}", rhythm, step);
                }
            }
        }
    }
}
