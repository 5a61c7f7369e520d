//! Calls that only algorithms have: communication and questions to the trainer.

use super::error::AlgorithmError;
use super::expression::Term;
use super::graph::Operand;
use super::names::{Context, Failure, Outcome, Place};
use crate::algorithm::{TopologyNumber, ValueKind};
use crate::claim::{Number, Property};
use crate::evaluate::builtin;
use crate::evaluate::{EvaluateError, Value, nearest};
use bfc_dsl::tree::{Argument, Expression, ExpressionKind, Name, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};

/// Functions that only algorithms have; nothing that calls them is known when compiling.
pub(super) const CALLS: [&str; 15] = [
    "mix", "average", "grad", "adapt", "every", "prox", "norm", "dot", "degree", "compress", "incoming",
    "back", "pair", "push", "collect",
];

/// What comes later, and what to write until then.
pub(super) fn later(name: &str) -> &'static str {
    match name {
        "prox" => "write the proximal step out with `sqrt`, `max` and `min`, or use `adapt`",
        "norm" | "dot" => "element-wise functions are there: `abs`, `sqrt`, `min`, `max`",
        "compress" => "mix the vector itself",
        "incoming" | "back" | "degree" => "use `mix`, which weighs what the neighbours send",
        _ => "use `mix` in a step that waits for its neighbours",
    }
}

impl<'a> Context<'_, 'a> {
    pub fn call(
        &mut self,
        name: &'a Name,
        arguments: &'a [Argument],
        whole: &'a Expression,
    ) -> Outcome<Term> {
        let span = whole.span;
        match name.text.as_str() {
            "mix" => self.mix(arguments, span),
            "average" => self.average(arguments, span),
            "grad" => self.grad(arguments, span),
            "adapt" => self.adapt(arguments, span),
            "every" => self.every(arguments, span),
            other if CALLS.contains(&other) => {
                let (what, help) = (format!("{other}(…)"), later(other));
                Err(AlgorithmError::NotSupportedYet { what, help, span: name.span }.into())
            }
            other => {
                if let Some(function) = self.evaluator.program.function(name.span.file, other) {
                    return self.write_out(function, arguments, span);
                }
                match builtin::find(other) {
                    Some(builtin) => self.elementwise(builtin, arguments, span),
                    None if Number::from_word(other).is_some() => self.number(name, arguments, span),
                    None if Property::from_word(other).is_some() => {
                        let (call, place) = (other.to_string(), "in an expression");
                        let help = "properties stand in `requires`; of numbers, `rho(W)` is one value";
                        Err(AlgorithmError::Misplaced { call, place, help, span: name.span }.into())
                    }
                    None => {
                        let known = builtin::BUILTINS.iter().map(|builtin| builtin.name);
                        let near = nearest(other, known.chain(CALLS.into_iter().take(5)));
                        let help = near.map(|near| format!("did you mean `{near}`?"));
                        let (name, span) = (name.text.clone(), name.span);
                        Err(Box::new(EvaluateError::UnknownName { name, span, help }).into())
                    }
                }
            }
        }
    }

    /// The arguments of a call of ours by place; `optional` may be missing, or be given by name.
    fn by_place(
        &mut self,
        function: &str,
        parameters: &[&str],
        required: usize,
        arguments: &'a [Argument],
        span: Span,
    ) -> Outcome<Vec<Option<&'a Expression>>> {
        let mut places = vec![None; parameters.len()];
        for (place, argument) in arguments.iter().enumerate() {
            let at = match &argument.name {
                None => Some(place),
                Some(name) => parameters.iter().position(|known| *known == name.text),
            };
            if let (None, Some(name)) = (at, &argument.name) {
                let (what, help) = match name.text.as_str() {
                    "delay" => ("mix(…, delay = …)", "mix without delay: `mix(x)`"),
                    "via" => ("mix(…, via = …)", "mix the vector itself: `mix(x)`"),
                    _ => {
                        let near = nearest(&name.text, parameters.iter().copied());
                        let help = near.map(|near| format!("did you mean `{near}`?"));
                        let (name, span) = (name.text.clone(), name.span);
                        return Err(Box::new(EvaluateError::UnknownName { name, span, help }).into());
                    }
                };
                return Err(AlgorithmError::NotSupportedYet {
                    what: what.to_string(),
                    help,
                    span: name.span,
                }
                .into());
            }
            match at.and_then(|at| places.get_mut(at)) {
                Some(free @ None) => *free = Some(&argument.value),
                _ => return Err(arity(function, parameters, required, arguments.len(), span)),
            }
        }
        if places.iter().take(required).any(Option::is_none) {
            return Err(arity(function, parameters, required, arguments.len(), span));
        }
        Ok(places)
    }

    fn forbid(&self, place: Place, call: &str, span: Span) -> Outcome<()> {
        let (place, help) = match (self.place, place) {
            (Place::Model, Place::Model) => {
                ("in `model`", "the model is computed from states alone: keep the value in a state")
            }
            (Place::Start(_), Place::Start(_)) => {
                ("in an initial value", "the trainer's optimizer runs in steps: start from `params`")
            }
            _ => return Ok(()),
        };
        Err(AlgorithmError::Misplaced { call: call.to_string(), place, help, span }.into())
    }

    fn mix(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "mix", span)?;
        let places = self.by_place("mix", &["v", "topology"], 1, arguments, span)?;
        let (topology, keep) = match places[1] {
            Some(topology) => self.topology(topology)?,
            None if self.topologies.len() == 1 => (0, Rational::zero()),
            None => {
                let known = format!("`{}`", self.topologies.join("`, `"));
                let help = format!("`mix(…, {})`", self.topologies[0]);
                return Err(
                    AlgorithmError::WhichTopology { call: "mix".to_string(), known, help, span }.into()
                );
            }
        };
        let operand = match places[0] {
            Some(operand) => self.operand(operand)?,
            None => return Err(arity("mix", &["v", "topology"], 1, arguments.len(), span)),
        };
        let sent = self.graph.plain(operand.clone());
        let shape = self.graph.shape(sent);
        let mixed = Operand::Value(self.graph.value(ValueKind::Mix(topology, sent), shape));
        // θ·v + (1 − θ)·Wv, so that W and its lazy form share a message.
        let rest = Operand::Constant(&Rational::one() - &keep);
        let own = self.graph.times(Operand::Constant(keep), operand);
        let others = self.graph.times(rest, mixed);
        let sum = self.graph.plus(own, others);
        Ok(self.term_of_operand(sum))
    }

    /// A topology by name, and how much of itself a rank keeps beside it.
    fn topology(&mut self, expression: &'a Expression) -> Outcome<(usize, Rational)> {
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
                let what = self.evaluator.program.text(span).to_string();
                let help = "name it after `over`, with this as its default: `over W, R = …`";
                Err(AlgorithmError::NotSupportedYet { what, help, span }.into())
            }
        }
    }

    /// `rho(W)`: a number of a topology, known once the topologies are.
    fn number(&mut self, name: &'a Name, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        let (Some(number), of) =
            (Number::from_word(&name.text), self.only_argument(&name.text, arguments, span)?)
        else {
            return Err(Failure::Reported);
        };
        let (topology, keep) = self.topology(of)?;
        if !keep.is_zero() {
            let (call, place) = (self.evaluator.program.text(span).to_string(), "in an expression");
            let help = "a number is one of a topology as it is named: `rho(W)`";
            return Err(AlgorithmError::Misplaced { call, place, help, span }.into());
        }
        let same = |known: &TopologyNumber| (known.number, known.topology) == (number, topology);
        let index = self.numbers.iter().position(same).unwrap_or_else(|| {
            self.numbers.push(TopologyNumber { number, topology, span });
            self.numbers.len() - 1
        });
        Ok(Term::Flow(self.graph.scalar(Operation::Input((self.inputs + index) as u16))))
    }

    fn average(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "average", span)?;
        let value = self.only_argument("average", arguments, span)?;
        Ok(match self.operand(value)? {
            Operand::Value(id) => {
                let shape = self.graph.shape(id);
                Term::Flow(self.graph.value(ValueKind::Average(id), shape))
            }
            constant => self.term_of_operand(constant),
        })
    }

    fn grad(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "grad", span)?;
        let point = self.only_argument("grad", arguments, span)?;
        let point = self.point(point)?;
        Ok(Term::Flow(self.graph.value(ValueKind::Gradient(point), Shape::Vector)))
    }

    fn adapt(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "adapt", span)?;
        self.forbid(Place::Start(0), "adapt", span)?;
        let parameters = ["v", "direction"];
        let places = self.by_place("adapt", &parameters, 1, arguments, span)?;
        let Some(point) = places[0] else {
            return Err(arity("adapt", &parameters, 1, arguments.len(), span));
        };
        let point = self.point(point)?;
        let direction = places[1].map(|direction| self.point(direction)).transpose()?;
        let id = self.graph.value(ValueKind::Adapt(point, direction), Shape::Vector);
        self.adapts.entry(id).or_insert(span);
        Ok(Term::Flow(id))
    }

    /// A vector with the model's shape; a constant is spread, a number that differs from rank to rank is a mistake.
    fn point(&mut self, expression: &'a Expression) -> Outcome<crate::algorithm::ValueId> {
        let span = expression.span;
        match self.operand(expression)? {
            Operand::Value(id) if self.graph.shape(id) == Shape::Scalar => {
                let help = "gradients are taken at vectors with the model's shape";
                Err(AlgorithmError::WrongShape { expected: "a vector", found: "a scalar", help, span }.into())
            }
            operand => self.shaped(self.term_of_operand(operand), Shape::Vector, span),
        }
    }

    /// `every(H)`: (t + 1) mod H == 0.
    fn every(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        let period = self.only_argument("every", arguments, span)?;
        let steps = self.constant_number(period, "the period of `every`")?;
        if !steps.is_integer() {
            let what = self.evaluator.program.text(period.span).to_string();
            let found = steps.to_string();
            return Err(Box::new(EvaluateError::NotAnInteger { what, found, span: period.span }).into());
        }
        if steps < Rational::one() {
            let (function, found) = ("every".to_string(), steps.to_string());
            let help = "`every(H)` takes a number of steps, at least 1";
            return Err(
                Box::new(EvaluateError::OutsideDomain { function, found, help, span: period.span }).into()
            );
        }
        let truth = |truth| Ok(Term::Constant(Value::Truth(truth)));
        if steps == Rational::one() {
            return truth(true);
        }
        let done = self.step_number(self.frame.moment);
        let one = Operand::Constant(Rational::one());
        match self.operand_of(&done, span)? {
            // Before the first step no step is done, after it one.
            Operand::Constant(done) => truth(&done + &Rational::one() == steps),
            done => {
                let next = self.graph.plus(done, one);
                let rest = self.graph.binary(Operation::Mod, next, Operand::Constant(steps));
                let zero = Operand::Constant(Rational::zero());
                match self.graph.binary(Operation::Equal, rest, zero) {
                    Operand::Value(id) => Ok(Term::Truth(id)),
                    Operand::Constant(_) => truth(false),
                }
            }
        }
    }

    fn only_argument(
        &mut self,
        name: &str,
        arguments: &'a [Argument],
        span: Span,
    ) -> Outcome<&'a Expression> {
        let places = self.by_place(name, &["v"], 1, arguments, span)?;
        places[0].ok_or_else(|| arity(name, &["v"], 1, arguments.len(), span))
    }
}

fn arity(
    function: &str,
    parameters: &[&str],
    required: usize,
    found: usize,
    span: Span,
) -> super::names::Failure {
    let shown: Vec<_> = parameters.iter().map(|name| format!("`{name}`")).collect();
    let expected = match (required, parameters.len()) {
        (1, 1) => "one argument".to_string(),
        (least, most) if least == most => format!("{least} arguments, {}", shown.join(" and ")),
        (least, most) => format!("{least} or {most} arguments, {}", shown.join(" and perhaps ")),
    };
    Box::new(EvaluateError::WrongArity { function: function.to_string(), expected, found, span }).into()
}
