//! From an algorithm to what it asks of a trainer, and so which trainers can run it.

use super::algorithm::{Algorithm, ValueId, ValueKind};
use serde::Serialize;

/// What the trainer is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oracles {
    /// The most gradients of a step.
    pub gradients: usize,
    /// The most steps of the trainer's own optimizer in a step.
    pub adapts: usize,
    /// The most proximal points in a step.
    pub proxes: usize,
    /// Questions before the first step.
    pub at_start: usize,
    /// Every step asks one thing, at the model, and nothing is asked before: any training loop can run it. Otherwise the
    /// trainer answers with a closure, or looks at the point before each answer.
    pub any_loop: bool,
}

impl Oracles {
    /// What `algorithm` asks.
    pub fn new(algorithm: &Algorithm) -> Self {
        let initial = questions(algorithm, algorithm.states.iter().map(|state| state.initial));
        let steps: Vec<_> =
            algorithm.steps.iter().map(|step| questions(algorithm, step.iter().copied())).collect();
        let most = |kind: fn(&ValueKind) -> bool| {
            let count = |asked: &Vec<Question>| asked.iter().filter(|question| kind(question.kind)).count();
            steps.iter().map(count).max().unwrap_or(0)
        };
        let at_model = |asked: &Vec<Question>| matches!(asked[..], [Question { at: Some(at), .. }] if at == algorithm.model);
        let proxes = most(|kind| matches!(kind, ValueKind::Prox(..)));
        Self {
            gradients: most(|kind| matches!(kind, ValueKind::Gradient(_))),
            adapts: most(|kind| matches!(kind, ValueKind::Adapt(..))),
            proxes,
            at_start: initial.len(),
            any_loop: initial.is_empty() && proxes == 0 && steps.iter().all(at_model),
        }
    }
}

/// A value that the trainer is asked for.
struct Question<'a> {
    kind: &'a ValueKind,
    /// The point, the first of its operands.
    at: Option<ValueId>,
}

/// The questions that have to be answered to compute some values.
fn questions(algorithm: &Algorithm, roots: impl Iterator<Item = ValueId>) -> Vec<Question<'_>> {
    let mut needed = vec![false; algorithm.values.len()];
    roots.for_each(|root| needed[root.0 as usize] = true);
    let mut questions = vec![];
    // Operands precede their users.
    for (index, value) in algorithm.values.iter().enumerate().rev() {
        if !needed[index] {
            continue;
        }
        let operands = value.kind.operands();
        operands.iter().for_each(|id| needed[id.0 as usize] = true);
        if value.kind.is_oracle() {
            questions.push(Question { kind: &value.kind, at: operands.first().copied() });
        }
    }
    questions
}
