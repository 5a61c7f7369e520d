//! A step of an algorithm, its data-flow evaluated on affine values; or why it is not affine.

use super::space::Space;
use crate::model::algorithm::{Algorithm, ValueId, ValueKind};
use crate::prove::timeline::Moment;
use crate::prove::timing::Numbers;
use bfc_schedule::program::Operation;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An algorithm with its numbers, and the step size of the trainer's own optimizer, taken to be gradient descent.
pub(crate) struct Affine<'a> {
    pub(crate) algorithm: &'a Algorithm,
    pub(crate) numbers: Numbers<'a>,
    pub(crate) descent: f64,
    /// Numbers that were computed: they are the same in all modes.
    computed: RefCell<BTreeMap<(ValueId, u64), f64>>,
}

/// Values by id, as far as they are known.
type Known<V> = Vec<Option<V>>;

impl<'a> Affine<'a> {
    pub(crate) fn new(algorithm: &'a Algorithm, descent: f64) -> Self {
        Self { algorithm, numbers: Numbers::new(algorithm), descent, computed: RefCell::default() }
    }

    /// The states after a step.
    pub(crate) fn step<S: Space>(
        &self,
        space: &S,
        moment: Moment,
        states: &[S::Value],
    ) -> Result<Vec<S::Value>, String> {
        let mut known = vec![None; self.algorithm.values.len()];
        let next = &self.algorithm.steps[moment.mask];
        next.iter().map(|id| self.value(space, moment, states, *id, &mut known)).collect()
    }

    /// The initial states; the model starts at 0 on all ranks.
    pub(crate) fn initial<S: Space>(&self, space: &S) -> Result<Vec<S::Value>, String> {
        let start = Moment { mask: 0, step: 0, phase: 0 };
        let mut states = vec![];
        for state in &self.algorithm.states {
            let mut known = vec![None; self.algorithm.values.len()];
            let value = self.value(space, start, &states, state.initial, &mut known)?;
            states.push(value);
        }
        Ok(states)
    }

    /// The model of some states.
    pub(crate) fn model<S: Space>(&self, space: &S, states: &[S::Value]) -> Result<S::Value, String> {
        let mut known = vec![None; self.algorithm.values.len()];
        let start = Moment { mask: 0, step: 0, phase: 0 };
        self.value(space, start, states, self.algorithm.model, &mut known)
    }

    fn value<S: Space>(
        &self,
        space: &S,
        moment: Moment,
        states: &[S::Value],
        id: ValueId,
        known: &mut Known<S::Value>,
    ) -> Result<S::Value, String> {
        if let Some(value) = &known[id.0 as usize] {
            return Ok(value.clone());
        }
        let mut of = |id: &ValueId| self.value(space, moment, states, *id, known);
        let value = match &self.algorithm.value(id).kind {
            _ if self.numbers.is_number(id) => space.constant(self.number(id, moment.step)?),
            ValueKind::Parameters => space.constant(0.0),
            ValueKind::State(state) => states[*state].clone(),
            ValueKind::Mix(topology, of_) => space.mix(*topology, moment.phase, &of(of_)?),
            ValueKind::Average(of_) => space.average(&of(of_)?),
            ValueKind::Gradient(at) => space.gradient(&of(at)?),
            ValueKind::Adapt(at, direction) => {
                let at = of(at)?;
                let direction = match direction {
                    Some(direction) => of(direction)?,
                    None => space.gradient(&at),
                };
                space.combine(1.0, &at, -self.descent, &direction)
            }
            ValueKind::Apply(operation, operands) => {
                self.apply(space, operation, operands, moment.step, &mut of)?
            }
            _ => {
                return Err(
                    "delays, codecs, states for each neighbour and minimizers are not followed".into()
                );
            }
        };
        known[id.0 as usize] = Some(value.clone());
        Ok(value)
    }

    fn apply<S: Space>(
        &self,
        space: &S,
        operation: &Operation,
        operands: &[ValueId],
        step: u64,
        of: &mut impl FnMut(&ValueId) -> Result<S::Value, String>,
    ) -> Result<S::Value, String> {
        let number = |id: ValueId| self.number(id, step);
        match (operation, operands) {
            (Operation::Negate, [a]) => Ok(scaled(space, -1.0, &of(a)?)),
            (Operation::Add, [a, b]) => Ok(space.combine(1.0, &of(a)?, 1.0, &of(b)?)),
            (Operation::Subtract, [a, b]) => Ok(space.combine(1.0, &of(a)?, -1.0, &of(b)?)),
            (Operation::Multiply, [a, b]) if self.numbers.is_number(*a) => {
                Ok(scaled(space, number(*a)?, &of(b)?))
            }
            (Operation::Multiply, [a, b]) if self.numbers.is_number(*b) => {
                Ok(scaled(space, number(*b)?, &of(a)?))
            }
            (Operation::Divide, [a, b]) if self.numbers.is_number(*b) => {
                Ok(scaled(space, 1.0 / number(*b)?, &of(a)?))
            }
            _ => Err("a step is not linear in the states".into()),
        }
    }

    /// A number of the algorithm in a step.
    pub(super) fn number(&self, id: ValueId, step: u64) -> Result<f64, String> {
        if let Some(value) = self.computed.borrow().get(&(id, step)) {
            return Ok(*value);
        }
        let exact = self.numbers.value(id, step).map(|value| value.to_f64());
        let value = exact.or_else(|| self.numbers.computed(id, step));
        let value = value.filter(|value| value.is_finite()).ok_or("a coefficient has no value")?;
        self.computed.borrow_mut().insert((id, step), value);
        Ok(value)
    }
}

fn scaled<S: Space>(space: &S, factor: f64, x: &S::Value) -> S::Value {
    space.combine(factor, x, 0.0, x)
}
