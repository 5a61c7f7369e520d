//! Calls that only algorithms have: questions to the trainer, products of vectors, and how arguments meet parameters.

use super::error::AlgorithmError;
use super::expression::{Term, described};
use super::graph::Operand;
use super::names::{Context, Failure, Outcome, Place};
use crate::builtin_names::{self, BUILTINS, ELEMENTWISE, EQUATION_CALLS, nearest, nearest_fitting};
use crate::evaluate::{EvaluateError, Value};
use crate::model::algorithm::{Unbound, UnboundQuantity, ValueKind};
use crate::model::claim::{self, CONTRACTION, Number, Property};
use bfc_dsl::tree::{Argument, Expression, Name, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};

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
            "prox" => self.prox(arguments, span),
            "norm" => self.norm(arguments, span),
            "dot" => self.dot(arguments, span),
            "degree" => self.degree(arguments, span),
            "compress" => self.compress(arguments, span),
            "incoming" => self.incoming(arguments, span),
            "back" => self.back(arguments, span),
            "pair" => self.pair(arguments, span),
            "every" => self.every(arguments, span),
            CONTRACTION => self.contraction(arguments, span),
            other => {
                if let Some(function) = self.evaluator.program.function(name.span.file, other) {
                    return self.write_out(function, arguments, span);
                }
                match builtin_names::find(other) {
                    Some(builtin) => self.elementwise(builtin, arguments, span),
                    None if Number::from_word(other).is_some() => self.number(name, arguments, span),
                    None if Property::from_word(other).is_some() => {
                        let (call, place) = (other.to_string(), "in an expression");
                        let help = "properties stand in `requires`; of numbers, `rho(W)` is one value";
                        Err(AlgorithmError::Misplaced { call, place, help, span: name.span }.into())
                    }
                    None => {
                        let near = || self.near_function(name).map(|near| format!("did you mean `{near}`?"));
                        let help = elsewhere(other).map(str::to_string).or_else(near);
                        let (name, span) = (name.text.clone(), name.span);
                        let unknown = Box::new(EvaluateError::UnknownName { name, span, help });
                        Err(self.also(unknown.into(), arguments.iter().map(|argument| &argument.value)))
                    }
                }
            }
        }
    }

    /// What a mistyped function may have meant: of an equation first, then of the program, then what knows constants only.
    fn near_function(&self, name: &Name) -> Option<&str> {
        let (program, file) = (self.evaluator.program, name.span.file);
        let own = program.names(file).filter(|known| program.function(file, known).is_some());
        let numbers = claim::numbers().map(|word| -> &str { word });
        let fitting = EQUATION_CALLS.into_iter().chain(ELEMENTWISE).chain(own).chain(numbers);
        nearest_fitting(&name.text, fitting, BUILTINS.iter().map(|builtin| builtin.name))
    }

    /// The arguments of a call of ours by place; `optional` may be missing, or be given by name.
    pub(super) fn by_place(
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
                let near = nearest(&name.text, parameters.iter().copied());
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let (name, span) = (name.text.clone(), name.span);
                return Err(Box::new(EvaluateError::UnknownName { name, span, help }).into());
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

    pub(super) fn forbid(&self, place: Place, call: &str, span: Span) -> Outcome<()> {
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
        let index = self.unbound(UnboundQuantity::Of(number, topology), span);
        Ok(self.number_to_come(index))
    }

    /// `contraction(q)`: how much a codec contracts at least.
    fn contraction(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        let codec = self.only_argument(CONTRACTION, arguments, span)?;
        match self.term(codec)? {
            Term::Constant(Value::Codec(codec)) => {
                let index = self.unbound(UnboundQuantity::Contraction(codec), span);
                Ok(self.number_to_come(index))
            }
            other => Err(self.wrong("a codec", &other, codec.span)),
        }
    }

    /// The index of a number that topologies settle.
    pub(super) fn unbound(&mut self, quantity: UnboundQuantity, span: Span) -> usize {
        self.numbers.iter().position(|known| known.quantity == quantity).unwrap_or_else(|| {
            self.numbers.push(Unbound { quantity, span });
            self.numbers.len() - 1
        })
    }

    /// What stands for a number until it is bound.
    pub(super) fn number_to_come(&mut self, index: usize) -> Term {
        Term::Flow(self.graph.scalar(Operation::Input((self.inputs + index) as u16)))
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

    /// The minimizer of f(x) + ρ/2 ‖x − z‖².
    fn prox(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        self.forbid(Place::Model, "prox", span)?;
        self.forbid(Place::Start(0), "prox", span)?;
        let [point, rho] = self.both("prox", ["z", "rho"], arguments, span)?;
        let at = self.point(point)?;
        let term = self.term(rho)?;
        let rho = self.shaped(term, Shape::Scalar, rho.span)?;
        Ok(Term::Flow(self.graph.value(ValueKind::Prox(at, rho), Shape::Vector)))
    }

    fn norm(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        let v = self.only_argument("norm", arguments, span)?;
        let v = self.point(v)?;
        let square = self.graph.value(ValueKind::Dot(v, v), Shape::Scalar);
        Ok(Term::Flow(self.graph.apply(Operation::SquareRoot, vec![square])))
    }

    fn dot(&mut self, arguments: &'a [Argument], span: Span) -> Outcome<Term> {
        let [u, v] = self.both("dot", ["u", "v"], arguments, span)?;
        let (u, v) = (self.point(u)?, self.point(v)?);
        Ok(Term::Flow(self.graph.value(ValueKind::Dot(u, v), Shape::Scalar)))
    }

    /// Two arguments, neither of which may be missing.
    pub(super) fn both(
        &mut self,
        name: &str,
        parameters: [&str; 2],
        arguments: &'a [Argument],
        span: Span,
    ) -> Outcome<[&'a Expression; 2]> {
        let places = self.by_place(name, &parameters, 2, arguments, span)?;
        match places[..] {
            [Some(first), Some(second)] => Ok([first, second]),
            _ => Err(arity(name, &parameters, 2, arguments.len(), span)),
        }
    }

    /// A vector with the model's shape; a constant is spread, a number that differs from rank to rank is a mistake.
    pub(super) fn point(&mut self, expression: &'a Expression) -> Outcome<crate::model::algorithm::ValueId> {
        let span = expression.span;
        match self.operand(expression)? {
            Operand::Value(id) if self.graph.shape(id) != Shape::Vector => {
                let (expected, found) = ("a vector", described(self.graph.shape(id)));
                let help = "this takes vectors with the model's shape";
                Err(AlgorithmError::WrongShape { expected, found, help, span }.into())
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

    pub(super) fn only_argument(
        &mut self,
        name: &str,
        arguments: &'a [Argument],
        span: Span,
    ) -> Outcome<&'a Expression> {
        let places = self.by_place(name, &["v"], 1, arguments, span)?;
        places[0].ok_or_else(|| arity(name, &["v"], 1, arguments.len(), span))
    }
}

/// What to write for a function that papers and other languages have.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "gradient" | "nabla" | "gradf" | "grad_f" | "df" => "the gradient at x is written `grad(x)`",
        "W" => "W x is written `mix(x)`",
        "exp" | "sin" | "cos" | "tan" | "tanh" | "sigmoid" | "relu" | "sum" | "mean" => {
            "functions of a rank's values are `abs sqrt log floor ceil min max`, `norm(v)`, `dot(u, v)` and powers `a^k`"
        }
        "allreduce" | "all_reduce" => "the exact mean of all ranks is written `average(v)`",
        "sgd" | "adam" | "optimizer" => "one step of the trainer's own optimizer is written `adapt(x)`",
        _ => return None,
    })
}

pub(super) fn arity(
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
