//! What comes back at the end of a step is carried over where the next step would have it sent again.
//!
//! A relay reads what its neighbours hold for it, renews what it holds for them, and reads that too: `back(m)` and
//! `back(m')`. The second is what the next step reads first. Nobody changes states per edge between steps, and their
//! topology stays, so it becomes a state of its own, and a step sends one message instead of two.

use crate::model::algorithm::{Algorithm, State, Value, ValueId, ValueKind, reachable};
use std::borrow::Cow;

/// The algorithm with what it receives twice made a state.
pub(super) fn carried(algorithm: &Algorithm) -> Cow<'_, Algorithm> {
    let mut carried = Cow::Borrowed(algorithm);
    for state in 0..algorithm.states.len() {
        if let Some(carry) = Carry::new(algorithm, state) {
            carry.apply(carried.to_mut());
        }
    }
    carried
}

/// What comes back of a state, before a step and after.
struct Carry {
    state: usize,
    before: ValueId,
    /// For each block of the step.
    after: Vec<ValueId>,
}

impl Carry {
    /// Where every block that renews the state has it sent in any case.
    fn new(algorithm: &Algorithm, state: usize) -> Option<Self> {
        let find = |kind| find(algorithm, kind);
        let kept = find(ValueKind::State(state))?;
        let before = find(ValueKind::Back(kept))?;
        let after = |next: &Vec<ValueId>| match next[state] == kept {
            true => Some(before),
            false => {
                let reached = reachable(&algorithm.values, next.iter().copied());
                find(ValueKind::Back(next[state])).filter(|back| reached[back.0 as usize])
            }
        };
        let after = algorithm.steps.iter().map(after).collect::<Option<_>>()?;
        Some(Self { state, before, after })
    }

    fn apply(self, algorithm: &mut Algorithm) {
        let State { name, shape, initial } = &algorithm.states[self.state];
        let (name, shape, initial) = (format!("back({name})"), *shape, *initial);
        // A constant is the same with the neighbours.
        let initial = match algorithm.constant(initial) {
            Some(_) => initial,
            None => find(algorithm, ValueKind::Back(initial)).unwrap_or_else(|| {
                algorithm.values.push(Value { kind: ValueKind::Back(initial), shape });
                ValueId(algorithm.values.len() as u32 - 1)
            }),
        };
        algorithm.values[self.before.0 as usize].kind = ValueKind::State(algorithm.states.len());
        algorithm.states.push(State { name, shape, initial });
        algorithm.steps.iter_mut().zip(self.after).for_each(|(next, after)| next.push(after));
    }
}

fn find(algorithm: &Algorithm, kind: ValueKind) -> Option<ValueId> {
    let index = algorithm.values.iter().position(|value| value.kind == kind)?;
    Some(ValueId(index as u32))
}
