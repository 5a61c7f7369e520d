//! The step: its equations, evaluated once for each truth assignment of the conditions in it.

use super::error::AlgorithmError;
use super::names::{Assigned, Context, Frame, Meaning, Moment, Place};
use crate::model::algorithm::{ValueId, reachable};
use bfc_dsl::tree::{Expression, Name, Span, StepStatement};

impl<'a> Context<'_, 'a> {
    /// The next values of all states for every truth assignment; conditions are left in [`Context::conditions`].
    pub fn steps(&mut self, statements: &'a [StepStatement], span: Span) -> Vec<Vec<ValueId>> {
        loop {
            let known = self.conditions.len();
            self.flights.clear();
            let mut steps = vec![];
            for assignment in 0..1 << known {
                self.assignment = assignment;
                steps.push(self.step(statements, span));
                if !self.errors.is_empty() {
                    return vec![];
                }
            }
            // A condition met on the way counted as false; now that all are known, every assignment has its turn.
            if self.conditions.len() > known {
                self.same_flights.clear();
            } else if !self.join_flights() {
                for (assignment, step) in steps.iter_mut().enumerate() {
                    step.extend(self.arrivals(assignment));
                }
                return self.without_idle_conditions(steps);
            }
        }
    }

    fn step(&mut self, statements: &'a [StepStatement], span: Span) -> Vec<ValueId> {
        self.start_over(Place::Step);
        let scope = self.open_scope(None);
        self.collect(statements, scope);
        let mut next = vec![];
        for index in 0..self.states.len() {
            let at = self.next[index].map_or(span, |assigned| assigned.span);
            match self.next_state(index, at) {
                Ok(value) => next.push(value),
                Err(failure) => self.report(failure),
            }
        }
        self.evaluate_lets();
        self.check_adapts(&next);
        next
    }

    /// Declares what a block names and notes what it assigns on the present path.
    fn collect(&mut self, statements: &'a [StepStatement], scope: usize) {
        for statement in statements {
            if let StepStatement::Let(binding) = statement {
                self.define_let(binding, Some(scope));
            }
        }
        for statement in statements {
            match statement {
                StepStatement::Let(_) => {}
                StepStatement::Assign(name, value, span) => self.assign(name, value, *span, scope),
                StepStatement::If(condition, yes, no, _) => {
                    let base = self.locals.len();
                    self.frame = Frame { scope: Some(scope), moment: Moment::Before, function: false, base };
                    match self.truth(condition) {
                        Ok(truth) => {
                            let inner = self.open_scope(Some(scope));
                            self.collect(if truth { yes } else { no }, inner);
                        }
                        Err(failure) => self.report(failure),
                    }
                }
            }
        }
    }

    fn assign(&mut self, name: &'a Name, value: &'a Expression, span: Span, scope: usize) {
        let base = self.locals.len();
        self.frame = Frame { scope: Some(scope), moment: Moment::Before, function: false, base };
        let found = match self.meaning(&name.text) {
            Some(Meaning::State(index)) => {
                if let Some(earlier) = self.next[index].replace(Assigned { value, scope, span }) {
                    let (name, first) = (name.text.clone(), earlier.span);
                    self.report(AlgorithmError::AssignedTwice { name, first, span }.into());
                }
                return;
            }
            Some(Meaning::Let(..)) => {
                ("a `let`, not a state", "a `let` is one value: give the new one another name")
            }
            Some(Meaning::Input(_)) => {
                ("a parameter, not a state", "the trainer sets it: keep what changes in a state")
            }
            Some(Meaning::Constant(_) | Meaning::Unbound(_)) => {
                ("a parameter, not a state", "it is fixed: keep what changes in a state")
            }
            Some(Meaning::Topology) => ("a topology, not a state", "keep what changes in a state"),
            Some(_) => ("built in, not a state", "keep what changes in a state of another name"),
            None => ("not a state", ""),
        };
        let (found, help) = found;
        let states = self.states.iter().map(|state| state.name);
        let help = match crate::builtin_names::nearest(&name.text, states) {
            _ if !help.is_empty() => help.to_string(),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it above the step: `state {} = …`", name.text),
        };
        let (name, span) = (name.text.clone(), name.span);
        self.report(AlgorithmError::NotAState { name, found, span, help }.into());
    }

    fn check_adapts(&mut self, next: &[ValueId]) {
        let reached = reachable(&self.graph.values, next.iter().copied());
        let mut asked = self.adapts.iter().filter(|(id, _)| reached[id.0 as usize]).map(|(_, span)| *span);
        if let (Some(first), Some(span)) = (asked.next(), asked.next()) {
            let (first, span) = if first.start <= span.start { (first, span) } else { (span, first) };
            self.report(AlgorithmError::AdaptTwice { first, span }.into());
        }
    }

    /// Drops conditions on which nothing depends.
    fn without_idle_conditions(&mut self, mut steps: Vec<Vec<ValueId>>) -> Vec<Vec<ValueId>> {
        for index in (0..self.conditions.len()).rev() {
            let bit = 1 << index;
            if (0..steps.len()).all(|at| steps[at] == steps[at ^ bit]) {
                self.conditions.remove(index);
                steps = steps
                    .into_iter()
                    .enumerate()
                    .filter(|(at, _)| at & bit == 0)
                    .map(|(_, step)| step)
                    .collect();
            }
        }
        steps
    }
}
