//! Calls that communicate, and what they say of neighbours.

use super::call::arity;
use super::error::AlgorithmError;
use super::expression::{Term, described};
use super::graph::Operand;
use super::names::{Context, Failure, Outcome, Place};
use crate::builtin_names::nearest;
use crate::evaluate::{EvaluateError, Value};
use crate::model::algorithm::{Rounds, ValueId, ValueKind};
use bfc_dsl::tree::{Argument, Expression, ExpressionKind, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::Shape;

/// The most rounds of gossip within a step.
const MAX_TIMES: i64 = 64;

impl<'a> Context<'_, 'a> {
    pub(super) fn mix(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "mix", span)?;
        let shown = ["v", "topology"];
        let by_place = arguments.iter().filter(|argument| argument.name.is_none()).count();
        if arguments.is_empty() || by_place > shown.len() {
            return Err(arity("mix", &shown, 1, arguments.len(), span));
        }
        let places = self.by_place("mix", &["v", "topology", "delay", "via", "times"], 1, arguments, span)?;
        let (topology, keep) = self.topology_or_only("mix", places[1], span)?;
        let operand = match places[0] {
            Some(operand) => self.spread(operand)?,
            None => return Err(arity("mix", &shown, 1, arguments.len(), span)),
        };
        let delay = places[2].map_or(Ok(0), |delay| self.delay(delay))?;
        let times = places[4].map_or(Ok(1), |times| self.times(times))?;
        self.mixes_over(topology, times, span);
        if times > 1 {
            let once = [(places[2].filter(|_| delay > 0), "delay"), (places[3], "via")];
            if let Some((Some(other), word)) = once.into_iter().find(|(other, _)| other.is_some()) {
                return Err(self.mixed_once(&format!("mix(…, {word} = …)"), other.span));
            }
            return self.mix_again(topology, operand, &keep, times, span);
        }
        let v = self.graph.plain(operand.clone());
        let mixed = match (delay, places[3]) {
            (0, None) => {
                let (sent, shape) = (self.sent(v), self.graph.shape(v));
                Operand::Value(self.graph.value(ValueKind::Mix(topology, sent), shape))
            }
            (_, None) => self.delayed(topology, v, delay, span)?,
            (0, Some(codec)) => self.mix_via(topology, v, codec, span)?,
            (_, Some(codec)) => {
                let (call, place) = ("delay".to_string(), "beside `via`");
                let help = "differences are of the same step: leave one of the two out";
                return Err(AlgorithmError::Misplaced { call, place, help, span: codec.span }.into());
            }
        };
        let sum = self.lazily(&keep, operand, mixed);
        Ok(self.term_of_operand(sum))
    }

    /// θ·v + (1 − θ)·Wv, so that W and its lazy form share a message.
    fn lazily(&mut self, keep: &Rational, v: Operand, mixed: Operand) -> Operand {
        let rest = Operand::Constant(&Rational::one() - keep);
        let own = self.graph.times(Operand::Constant(keep.clone()), v);
        let others = self.graph.times(rest, mixed);
        self.graph.plus(own, others)
    }

    /// Rounds of gossip within a step, each over the next phase.
    fn mix_again(
        &mut self,
        topology: usize,
        mut operand: Operand,
        keep: &Rational,
        times: usize,
        span: Span,
    ) -> Outcome<Term> {
        for round in 0..times {
            let v = self.graph.plain(operand.clone());
            if self.sent(v) != v {
                return Err(self.mixed_once("compress", span));
            }
            let (over, shape) = (topology + round * self.topologies.len(), self.graph.shape(v));
            let mixed = Operand::Value(self.graph.value(ValueKind::Mix(over, v), shape));
            operand = self.lazily(keep, operand, mixed);
        }
        Ok(self.term_of_operand(operand))
    }

    fn mixed_once(&self, call: &str, span: Span) -> Failure {
        let (call, place) = (call.to_string(), "beside `times`");
        let help =
            "the rounds after the first send what neighbours have made of it: leave one of the two out";
        AlgorithmError::Misplaced { call, place, help, span }.into()
    }

    /// The number of rounds of gossip within a step.
    fn times(&mut self, expression: &'a Expression) -> Outcome<usize> {
        let times = self.constant_number(expression, "a number of rounds")?;
        match times.to_i64().filter(|times| (1..=MAX_TIMES).contains(times)) {
            Some(times) => Ok(times as usize),
            None => {
                let (function, found, span) = ("times".to_string(), times.to_string(), expression.span);
                let help = "`times` is a number of rounds, from 1 to 64";
                Err(Box::new(EvaluateError::OutsideDomain { function, found, help, span }).into())
            }
        }
    }

    /// Notes how often a step mixes over a topology, or that it speaks of its phase.
    fn mixes_over(&mut self, topology: usize, times: usize, span: Span) {
        if !self.rounds.iter().any(|known| (known.topology, known.times) == (topology, times)) {
            self.rounds.push(Rounds { topology, times, span });
        }
    }

    /// What travels where v is sent: the code, if v is what a code says.
    pub(super) fn sent(&self, v: ValueId) -> ValueId {
        if let ValueKind::Decode(code) = self.graph.kind(v) { *code } else { v }
    }

    /// A vector or a scalar, with nothing per edge in it.
    fn spread(&mut self, expression: &'a Expression) -> Outcome<Operand> {
        let operand = self.operand(expression)?;
        match &operand {
            Operand::Value(id) if self.graph.shape(*id).is_per_edge() => {
                let (expected, found) = ("a vector or a scalar", described(self.graph.shape(*id)));
                let help = "`incoming` sums over the neighbours what they hold for this rank";
                Err(AlgorithmError::WrongShape { expected, found, help, span: expression.span }.into())
            }
            _ => Ok(operand),
        }
    }

    /// The topology that a call names, or the only one there is.
    fn topology_or_only(
        &mut self,
        call: &str,
        named: Option<&'a Expression>,
        span: Span,
    ) -> Outcome<(usize, Rational)> {
        match named {
            Some(topology) => self.topology(topology),
            None if self.topologies.len() == 1 => Ok((0, Rational::zero())),
            None => {
                let known = format!("`{}`", self.topologies.join("`, `"));
                let v = if call == "degree" { "" } else { "…, " };
                let help = format!("`{call}({v}{})`", self.topologies[0]);
                Err(AlgorithmError::WhichTopology { call: call.to_string(), known, help, span }.into())
            }
        }
    }

    /// The topology that a call names, as it is.
    fn plain_topology(&mut self, call: &str, named: Option<&'a Expression>, span: Span) -> Outcome<usize> {
        let (topology, keep) = self.topology_or_only(call, named, span)?;
        self.mixes_over(topology, 1, span);
        match named {
            Some(named) if !keep.is_zero() => {
                let help = "`lazy` weighs what is mixed: name the topology alone";
                let (found, span) = (self.evaluator.program.text(named.span).to_string(), named.span);
                Err(AlgorithmError::UnknownTopology { found, span, help: help.to_string() }.into())
            }
            _ => Ok(topology),
        }
    }

    pub(super) fn degree(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "degree", span)?;
        let places = self.by_place("degree", &["topology"], 0, arguments, span)?;
        let topology = self.plain_topology("degree", places[0], span)?;
        Ok(Term::Flow(self.graph.value(ValueKind::Degree(topology), Shape::Scalar)))
    }

    pub(super) fn compress(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "compress", span)?;
        let [v, codec] = self.both("compress", ["v", "codec"], arguments, span)?;
        let v = self.point(v)?;
        let codec = match self.term(codec)? {
            Term::Constant(Value::Codec(codec)) => codec,
            other => return Err(self.wrong("a codec", &other, codec.span)),
        };
        let code = self.graph.value(ValueKind::Encode(codec, v), Shape::Code(codec));
        Ok(Term::Flow(self.graph.value(ValueKind::Decode(code), Shape::Vector)))
    }

    /// The sum over the in-neighbours of a vector or a scalar, or of what they hold for this rank.
    pub(super) fn incoming(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "incoming", span)?;
        let parameters = ["v", "topology"];
        let places = self.by_place("incoming", &parameters, 1, arguments, span)?;
        let Some(v) = places[0] else {
            return Err(arity("incoming", &parameters, 1, arguments.len(), span));
        };
        let operand = self.operand(v)?;
        let v = self.graph.plain(operand);
        let shape = self.graph.shape(v);
        if shape.is_per_edge() {
            return Ok(self.gathered(v));
        }
        let topology = self.plain_topology("incoming", places[1], span)?;
        let sent = self.sent(v);
        Ok(Term::Flow(self.graph.value(ValueKind::Incoming(topology, sent), shape)))
    }

    /// The average with one neighbour, at once on both ranks.
    pub(super) fn pair(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "pair", span)?;
        if !self.asynchronous {
            let (call, place) = ("pair".to_string(), "in an algorithm whose ranks wait for each other");
            let help = "write `async algorithm`, or `mix` over a topology of pairs";
            return Err(AlgorithmError::Misplaced { call, place, help, span }.into());
        }
        let parameters = ["v", "topology"];
        let places = self.by_place("pair", &parameters, 1, arguments, span)?;
        let Some(v) = places[0] else {
            return Err(arity("pair", &parameters, 1, arguments.len(), span));
        };
        let topology = self.plain_topology("pair", places[1], span)?;
        let v = self.spread(v)?;
        let v = self.graph.plain(v);
        let shape = self.graph.shape(v);
        Ok(Term::Flow(self.graph.value(ValueKind::Pair(topology, v), shape)))
    }

    /// A topology by name, and how much of itself a rank keeps beside it.
    pub(super) fn topology(&mut self, expression: &'a Expression) -> Outcome<(usize, Rational)> {
        let span = expression.span;
        match &*expression.kind {
            ExpressionKind::Name(name) => match self.topologies.iter().position(|known| known == name) {
                Some(index) => Ok((index, Rational::zero())),
                None => {
                    let help = match nearest(name, self.topologies.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "the algorithm has `{}`: name more after `over`",
                            self.topologies.join("`, `")
                        ),
                    };
                    Err(AlgorithmError::UnknownTopology { found: name.clone(), span, help }.into())
                }
            },
            ExpressionKind::Call(name, arguments) if name.text == "lazy" => {
                let places = self.by_place("lazy", &["topology", "theta"], 2, arguments, span)?;
                let (Some(inner), Some(theta)) = (places[0], places[1]) else {
                    return Err(arity("lazy", &["topology", "theta"], 2, arguments.len(), span));
                };
                let (topology, inner) = self.topology(inner)?;
                let theta = self.constant_number(theta, "the share that a rank keeps")?;
                let one = Rational::one();
                let spread = &(&one - &inner) * &(&one - &theta);
                Ok((topology, &one - &spread))
            }
            _ => {
                let found = self.evaluator.program.text(span).to_string();
                let help = self.instead_of(expression);
                Err(AlgorithmError::UnknownTopology { found, span, help }.into())
            }
        }
    }

    pub(super) fn average(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "average", span)?;
        if self.asynchronous {
            let (call, place) =
                ("average".to_string(), "in an algorithm whose ranks do not wait for each other");
            let help = "`mix` with the neighbours, or leave `async` out";
            return Err(AlgorithmError::Misplaced { call, place, help, span }.into());
        }
        let value = self.only_argument("average", arguments, span)?;
        Ok(match self.spread(value)? {
            Operand::Value(id) => {
                let shape = self.graph.shape(id);
                Term::Flow(self.graph.value(ValueKind::Average(id), shape))
            }
            constant => self.term_of_operand(constant),
        })
    }
}
