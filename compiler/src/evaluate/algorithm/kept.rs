//! What a mix keeps from one step to the next.
//!
//! A mix with a delay: what a rank keeps at once, and what its neighbours send some mixes later.
//!
//! `mix(v, delay = k)` is `D v + f_k`, where W = D + O, D is its diagonal, and the states f₁ … f_k are what is on its way:
//! f₁' = O v, f₂' = f₁, …, all 0 at first (stale mixes of overlap push-sum, Assran et al., 2019). What is sent is weighed
//! as it is sent, so that a matrix with column sums 1 keeps the sum of what ranks hold and what is on its way.
//!
//! A mix via a codec of low rank: `mix(v, via = low_rank(r))` is v less the differences to the neighbours along a factor for
//! each edge, which is a state too and becomes the difference (PowerGossip, Vogels et al., 2020).

use super::equation::Node;
use super::error::AlgorithmError;
use super::expression::{Term, described};
use super::graph::Operand;
use super::names::{Context, Outcome, Place};
use crate::evaluate::Value;
use crate::model::algorithm::{State, ValueId, ValueKind};
use bfc_dsl::tree::{Expression, Span};
use bfc_schedule::program::Shape;
use bfc_schedule::{Codec, Rational};
use std::collections::BTreeMap;

/// The longest delay.
const MAX_DELAY: i64 = 100;

/// What is on its way in one mix.
pub(super) struct Flight {
    /// The call, within the equation and the functions that it stands in.
    at: (Option<Node>, Vec<Span>),
    name: String,
    shape: Shape,
    /// The index of its first state, and how many it has.
    first: usize,
    delay: usize,
    /// What is sent, for each truth assignment of the conditions under which the mix takes place.
    sent: BTreeMap<usize, ValueId>,
}

impl<'a> Context<'_, 'a> {
    /// The number of mixes that a message takes.
    pub fn delay(&mut self, expression: &'a Expression) -> Outcome<usize> {
        let delay = self.constant_number(expression, "a delay")?;
        match delay.to_i64().filter(|delay| (0..=MAX_DELAY).contains(delay)) {
            Some(delay) => Ok(delay as usize),
            None => {
                let (function, found, span) = ("mix".to_string(), delay.to_string(), expression.span);
                let help = "a delay is a number of steps, from 0 to 100";
                let error = crate::evaluate::EvaluateError::OutsideDomain { function, found, help, span };
                Err(Box::new(error).into())
            }
        }
    }

    /// The part that stays and the part that arrives now.
    pub fn delayed(&mut self, topology: usize, v: ValueId, delay: usize, span: Span) -> Outcome<Operand> {
        self.forbid_kept(
            "delay",
            "messages are late in steps that wait for each other: leave `delay` out",
            span,
        )?;
        let shape = self.graph.shape(v);
        let own = self.graph.value(ValueKind::Own(topology, v), shape);
        if !self.counts {
            return Ok(Operand::Value(own));
        }
        let code = self.sent(v);
        let sent = self.graph.value(ValueKind::Others(topology, code), shape);
        let first = self.kept(shape, delay, sent, span)?;
        let arrives = self.graph.value(ValueKind::State(first + delay - 1), shape);
        Ok(self.graph.plus(Operand::Value(own), Operand::Value(arrives)))
    }

    /// v and what its differences to the neighbours are along factors.
    pub fn mix_via(
        &mut self,
        topology: usize,
        v: ValueId,
        codec: &'a Expression,
        span: Span,
    ) -> Outcome<Operand> {
        let shape = match self.term(codec)? {
            Term::Constant(Value::Codec(Codec::LowRank(low_rank))) => Shape::EdgeFactor(low_rank),
            other => {
                return Err(self.wrong(
                    "`low_rank(…)`, which knows what differences are along",
                    &other,
                    codec.span,
                ));
            }
        };
        self.forbid_kept("via", "factors are kept from step to step: leave `via` out", span)?;
        if topology != 0 {
            let found = self.topologies[topology].to_string();
            let help = format!("factors are kept for the edges of the first, `{}`", self.topologies[0]);
            return Err(AlgorithmError::UnknownTopology { found, span, help }.into());
        }
        if self.graph.shape(v) != Shape::Vector {
            let (expected, found) = ("a vector", described(self.graph.shape(v)));
            let help = "numbers are short: mix them as they are";
            return Err(AlgorithmError::WrongShape { expected, found, help, span }.into());
        }
        self.edges.get_or_insert(span);
        if !self.counts {
            return Ok(Operand::Value(v));
        }
        // The factor is the state to come, whose index is known once its next value is.
        let index = self.next_kept(span);
        let factor = self.graph.value(ValueKind::State(index), shape);
        let mine = self.graph.value(ValueKind::Project(v, factor), shape);
        let theirs = self.graph.value(ValueKind::Back(mine), shape);
        let difference = self.graph.value(ValueKind::Difference(mine, theirs), shape);
        self.kept(shape, 1, difference, span)?;
        let corrected = self.graph.value(ValueKind::Correct(v, factor, difference), Shape::Vector);
        Ok(Operand::Value(corrected))
    }

    fn forbid_kept(&self, what: &str, help: &'static str, span: Span) -> Outcome<()> {
        let place = match (self.place, self.asynchronous) {
            (Place::Start(_), _) => "in an initial value",
            (_, true) => "in an asynchronous algorithm",
            _ => return Ok(()),
        };
        Err(AlgorithmError::Misplaced { call: format!("mix(…, {what} = …)"), place, help, span }.into())
    }

    /// The call, within the equation and the functions that it stands in.
    fn here(&self, span: Span) -> (Option<Node>, Vec<Span>) {
        let calls = self.calls.iter().copied().chain([span]).collect();
        (self.path.last().map(|(node, ..)| *node), calls)
    }

    /// The first state that a call keeps, or will.
    fn next_kept(&self, span: Span) -> usize {
        let here = self.here(span);
        let end = self.flights.last().map_or(self.states.len(), |last| last.first + last.delay);
        self.flights.iter().find(|flight| flight.at == here).map_or(end, |flight| flight.first)
    }

    /// Notes what a call keeps for the next step, and for some more; returns the index of its first state.
    fn kept(&mut self, shape: Shape, delay: usize, sent: ValueId, span: Span) -> Outcome<usize> {
        let (at, first) = (self.here(span), self.next_kept(span));
        if first + delay > super::MAX_STATES {
            let (limit, what) = (super::MAX_STATES as u64, "states");
            return Err(AlgorithmError::TooLarge { limit, what, span }.into());
        }
        if self.flights.iter().all(|flight| flight.at != at) {
            let words: Vec<&str> = self.evaluator.program.text(span).split_whitespace().collect();
            let name = words.join(" ");
            self.flights.push(Flight { at, name, shape, first, delay, sent: BTreeMap::new() });
        }
        let assignment = self.assignment;
        if let Some(flight) = self.flights.iter_mut().find(|flight| flight.first == first) {
            flight.sent.insert(assignment, sent);
        }
        Ok(first)
    }

    /// What is on its way after the step with these conditions, in the order of its states.
    pub fn arrivals(&mut self, assignment: usize) -> Vec<ValueId> {
        let mut next = vec![];
        for Flight { shape, first, delay, sent, .. } in &self.flights {
            let state = |graph: &mut super::graph::Graph, at: usize| {
                graph.value(ValueKind::State(first + at), *shape)
            };
            match sent.get(&assignment) {
                Some(sent) => {
                    next.push(*sent);
                    next.extend((0..delay - 1).map(|at| state(&mut self.graph, at)));
                }
                None => next.extend((0..*delay).map(|at| state(&mut self.graph, at))),
            }
        }
        next
    }

    /// The states of what is on its way.
    pub fn flying_states(&mut self) -> Vec<State> {
        let mut states: Vec<State> = vec![];
        for Flight { name, shape, delay, .. } in &self.flights {
            let factors = matches!(shape, Shape::EdgeFactor(_));
            let initial = match factors {
                true => self.graph.value(ValueKind::Start, *shape),
                false => self.graph.constant(Rational::zero(), *shape),
            };
            for ago in 1..=*delay {
                let mut name = match factors {
                    true => format!("factors of {name}"),
                    false => format!("{name} sent {ago} ago"),
                };
                while states.iter().any(|state| state.name == name) {
                    name.push('\'');
                }
                states.push(State { name, shape: *shape, initial });
            }
        }
        states
    }
}
