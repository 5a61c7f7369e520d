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

/// A call, within the equation and the functions that it stands in.
pub(super) type Site = (Option<Node>, Vec<Span>);

/// What is on its way in one mix.
pub(super) struct Flight {
    at: Site,
    name: String,
    topology: usize,
    shape: Shape,
    /// The index of its first state, and how many it has.
    first: usize,
    delay: usize,
    /// What is mixed and what is sent, for each truth assignment of the conditions under which the mix takes place.
    mixed: BTreeMap<usize, ValueId>,
    sent: BTreeMap<usize, ValueId>,
}

/// What a call mixes, as a function of as few conditions as decide it.
#[derive(PartialEq)]
struct Mixed {
    topology: usize,
    shape: Shape,
    delay: usize,
    conditions: usize,
    values: BTreeMap<usize, ValueId>,
}

impl<'a> Context<'_, 'a> {
    /// The number of mixes that a message takes.
    pub fn delay(&mut self, expression: &'a Expression) -> Outcome<usize> {
        let delay = self.constant_number(expression, "a delay")?;
        match delay.to_i64().filter(|delay| (0..=MAX_DELAY).contains(delay)) {
            Some(delay) => Ok(delay as usize),
            None => {
                let (function, found, span) = ("delay".to_string(), delay.to_string(), expression.span);
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
        let assignment = self.assignment;
        let flight = self.flight(topology, shape, delay, span)?;
        flight.mixed.insert(assignment, v);
        flight.sent.insert(assignment, sent);
        let first = flight.first;
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
        let assignment = self.assignment;
        let flight = self.flight(topology, shape, 1, span)?;
        flight.mixed.insert(assignment, v);
        let first = flight.first;
        let factor = self.graph.value(ValueKind::State(first), shape);
        let mine = self.graph.value(ValueKind::Project(v, factor), shape);
        let theirs = self.graph.value(ValueKind::Back(mine), shape);
        let difference = self.graph.value(ValueKind::Difference(mine, theirs), shape);
        self.flight(topology, shape, 1, span)?.sent.insert(assignment, difference);
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

    /// What a call keeps from step to step, by whichever of the calls that mix the same value was met first.
    fn flight(&mut self, topology: usize, shape: Shape, delay: usize, span: Span) -> Outcome<&mut Flight> {
        let calls = self.calls.iter().copied().chain([span]).collect();
        let here = (self.path.last().map(|(node, ..)| *node), calls);
        let same = self.same_flights.iter().find(|(site, _)| *site == here).map(|(_, first)| first.clone());
        let at = same.unwrap_or(here);
        let known = self.flights.iter().position(|flight| flight.at == at);
        let index = match known {
            Some(index) => index,
            None => {
                let first = self.flights.last().map_or(self.states.len(), |last| last.first + last.delay);
                if first + delay > super::MAX_STATES {
                    let (limit, what) = (super::MAX_STATES as u64, "states");
                    return Err(AlgorithmError::TooLarge { limit, what, span }.into());
                }
                let words: Vec<&str> = self.evaluator.program.text(span).split_whitespace().collect();
                let (name, mixed, sent) = (words.join(" "), BTreeMap::new(), BTreeMap::new());
                self.flights.push(Flight { at, name, topology, shape, first, delay, mixed, sent });
                self.flights.len() - 1
            }
        };
        Ok(&mut self.flights[index])
    }

    /// Finds calls that mix the same value, once every assignment of the conditions has had its turn: the same expression is
    /// one value, also where it stands in two branches. Returns whether there are any that were not known to be the same.
    pub fn join_flights(&mut self) -> bool {
        let conditions = self.conditions.len();
        let mut known: Vec<(Mixed, &Site)> = vec![];
        let mut same = vec![];
        for flight in &self.flights {
            let mixed = flight.mixed(conditions);
            match known.iter().find(|(earlier, _)| *earlier == mixed) {
                Some((_, first)) => same.push((flight.at.clone(), (*first).clone())),
                None => known.push((mixed, &flight.at)),
            }
        }
        for (site, first) in &same {
            // What was the same as this call is the same as the earlier one.
            let chained = self.same_flights.iter_mut().filter(|(_, at)| at == site);
            chained.for_each(|(_, at)| *at = first.clone());
        }
        let found = !same.is_empty();
        self.same_flights.extend(same);
        found
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

impl Flight {
    fn mixed(&self, conditions: usize) -> Mixed {
        let restricted = |to: usize| {
            let mut values = BTreeMap::new();
            let agree =
                self.mixed.iter().all(|(assignment, v)| *values.entry(assignment & to).or_insert(*v) == *v);
            agree.then_some(values)
        };
        let (mut decisive, mut values) = ((1 << conditions) - 1, self.mixed.clone());
        for condition in 0..conditions {
            let fewer = decisive & !(1 << condition);
            if let Some(restricted) = restricted(fewer) {
                (decisive, values) = (fewer, restricted);
            }
        }
        let Self { topology, shape, delay, .. } = *self;
        Mixed { topology, shape, delay, conditions: decisive, values }
    }
}
