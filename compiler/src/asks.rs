//! From an algorithm to what it asks of a trainer, and so which trainers can run it.

use crate::algorithm::{Algorithm, ValueId, ValueKind};
use serde::Serialize;

/// What the trainer is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Asks {
    /// The most gradients of a step.
    pub gradients: usize,
    /// The most steps of the trainer's own optimizer in a step.
    pub adapts: usize,
    /// Questions before the first step.
    pub at_start: usize,
    /// Every step asks one thing, at the model, and nothing is asked before: any training loop can run it. Otherwise the
    /// trainer answers with a closure, or looks at the point before each answer.
    pub any_loop: bool,
}

impl Asks {
    /// What `algorithm` asks.
    pub fn of(algorithm: &Algorithm) -> Self {
        let initial = questions(algorithm, algorithm.states.iter().map(|state| state.initial));
        let steps: Vec<_> =
            algorithm.steps.iter().map(|step| questions(algorithm, step.iter().copied())).collect();
        let most = |adapt: bool| {
            let count =
                |asked: &Vec<Question>| asked.iter().filter(|question| question.adapt == adapt).count();
            steps.iter().map(count).max().unwrap_or(0)
        };
        let at_model =
            |asked: &Vec<Question>| matches!(asked[..], [Question { at, .. }] if at == algorithm.model);
        Self {
            gradients: most(false),
            adapts: most(true),
            at_start: initial.len(),
            any_loop: initial.is_empty() && steps.iter().all(at_model),
        }
    }
}

struct Question {
    adapt: bool,
    at: ValueId,
}

/// The questions that have to be answered to compute some values.
fn questions(algorithm: &Algorithm, roots: impl Iterator<Item = ValueId>) -> Vec<Question> {
    let mut needed = vec![false; algorithm.values.len()];
    roots.for_each(|root| needed[root.0 as usize] = true);
    let mut questions = vec![];
    // Operands precede their users.
    for (index, value) in algorithm.values.iter().enumerate().rev() {
        if !needed[index] {
            continue;
        }
        let mut need = |id: &ValueId| needed[id.0 as usize] = true;
        match &value.kind {
            ValueKind::Parameters | ValueKind::State(_) => {}
            ValueKind::Apply(_, operands) => operands.iter().for_each(need),
            ValueKind::Mix(_, operand) | ValueKind::Average(operand) => need(operand),
            ValueKind::Gradient(at) => {
                need(at);
                questions.push(Question { adapt: false, at: *at });
            }
            ValueKind::Adapt(at, direction) => {
                need(at);
                direction.iter().for_each(need);
                questions.push(Question { adapt: true, at: *at });
            }
        }
    }
    questions
}
