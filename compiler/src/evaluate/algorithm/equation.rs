//! What names are worth: each equation is evaluated when it is asked for, once, and asking for it while it is being
//! evaluated is a cycle.

use super::error::AlgorithmError;
use super::expression::Term;
use super::graph::Operand;
use super::names::{Context, Failure, Frame, Meaning, Moment, Named, Outcome, Place, State};
use crate::evaluate::{EvaluateError, Value};
use crate::model::algorithm::{ValueId, ValueKind};
use bfc_dsl::tree::{Pattern, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};
use miette::LabeledSpan;

/// What is evaluated once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Next(usize),
    Let(usize, Moment),
}

pub(super) enum Memo {
    Running,
    Done(Term),
    Failed,
}

impl<'a> Context<'_, 'a> {
    /// The value of a name at a moment, or `None` for a name that the algorithm does not define.
    pub fn name(&mut self, name: &str, moment: Moment, span: Span) -> Outcome<Option<Term>> {
        let Some(meaning) = self.meaning(name) else { return Ok(None) };
        let term = match meaning {
            Meaning::Local(term) => term,
            Meaning::Constant(value) => Term::Constant(value),
            Meaning::Input(index) => Term::Flow(self.graph.scalar(Operation::Input(index))),
            Meaning::Unbound(index) => self.number_to_come(index),
            Meaning::State(index) => self.state(index, moment, span)?,
            Meaning::Let(index, path) => self.let_part(index, &path, moment, name, span)?,
            Meaning::Step => self.step_number(moment),
            Meaning::Parameters => Term::Flow(self.graph.value(ValueKind::Parameters, Shape::Vector)),
            Meaning::Topology => {
                let expected = "a number or a vector".to_string();
                let found = format!("the topology `{name}`");
                let help = Some(format!("a topology stands in `mix(x, {name})`"));
                return Err(Box::new(EvaluateError::WrongType { expected, found, span, help }).into());
            }
        };
        Ok(Some(term))
    }

    fn state(&mut self, index: usize, moment: Moment, span: Span) -> Outcome<Term> {
        let State { name, shape, initial, .. } = self.states[index];
        match (self.place, moment) {
            (Place::Start(ready), Moment::Before) => match initial.filter(|_| index < ready) {
                Some(initial) => Ok(self.term_of(initial)),
                None => Err(AlgorithmError::StateNotReady { name: name.to_string(), span }.into()),
            },
            (_, Moment::Before) => Ok(Term::Flow(self.graph.value(ValueKind::State(index), shape))),
            (Place::Step, Moment::After) => self.next_state(index, span).map(|id| self.term_of(id)),
            (place, Moment::After) => Err(self.no_next(name, place, span)),
        }
    }

    fn no_next(&self, name: &str, place: Place, span: Span) -> Failure {
        let (place, help) = match place {
            Place::Model => {
                ("in `model`", "the model is what the states are between steps: leave the prime out")
            }
            _ => ("before the first step", "initial values run from top to bottom: leave the prime out"),
        };
        AlgorithmError::NoNextValue { name: name.to_string(), place, help, span }.into()
    }

    /// A value as a term; constants are known.
    pub fn term_of(&self, id: ValueId) -> Term {
        match self.graph.kind(id) {
            ValueKind::Apply(Operation::Constant(number), _) => Term::Constant(Value::number(number.clone())),
            _ => Term::Flow(id),
        }
    }

    /// What a state is after the step.
    pub fn next_state(&mut self, index: usize, span: Span) -> Outcome<ValueId> {
        let State { name, shape, .. } = self.states[index];
        let Some(assigned) = self.next[index] else {
            return Ok(self.graph.value(ValueKind::State(index), shape));
        };
        let term = self.once(Node::Next(index), format!("{name}'"), span, |context| {
            context.frame = Frame {
                scope: Some(assigned.scope),
                moment: Moment::Before,
                function: false,
                base: context.locals.len(),
            };
            let term = context.term(assigned.value)?;
            Ok(Term::Flow(context.shaped(term, shape, assigned.value.span)?))
        })?;
        match term {
            Term::Flow(id) => Ok(id),
            _ => Err(Failure::Reported),
        }
    }

    pub fn let_value(&mut self, index: usize, moment: Moment, span: Span) -> Outcome<Term> {
        let Named { binding, scope } = self.lets[index];
        let shown = match &binding.pattern {
            Pattern::Name(name) if moment == Moment::After => format!("{}'", name.text),
            Pattern::Name(name) => name.text.clone(),
            Pattern::List(_, span) => self.evaluator.program.text(*span).to_string(),
        };
        self.once(Node::Let(index, moment), shown, span, |context| {
            let base = context.locals.len();
            context.frame = Frame { scope, moment, function: false, base };
            let term = context.term(&binding.value)?;
            context.check_pattern(&binding.pattern, &term)?;
            Ok(term)
        })
    }

    fn let_part(
        &mut self,
        index: usize,
        path: &[usize],
        moment: Moment,
        name: &str,
        span: Span,
    ) -> Outcome<Term> {
        if moment == Moment::After && self.lets[index].scope.is_some() {
            let (name, place) = (name.to_string(), "inside of the step");
            let help = "a `let` of the step is one value: move it out of `step`, or write out what it names";
            return Err(AlgorithmError::NoNextValue { name, place, help, span }.into());
        }
        if moment == Moment::After && self.place != Place::Step {
            return Err(self.no_next(name, self.place, span));
        }
        let mut term = self.let_value(index, moment, span)?;
        for &part in path {
            if let Term::Constant(Value::List(list)) = &term {
                term = Term::Constant(list.get(part));
            }
        }
        Ok(term)
    }

    /// `t`, which is 0 before the first step.
    pub fn step_number(&mut self, moment: Moment) -> Term {
        let after = i64::from(moment == Moment::After);
        if let Place::Start(_) = self.place {
            return Term::Constant(Value::Integer(after));
        }
        let step = Operand::Value(self.graph.scalar(Operation::Step));
        match self.graph.binary(Operation::Add, step, Operand::Constant(Rational::integer(after))) {
            Operand::Value(id) => Term::Flow(id),
            Operand::Constant(number) => Term::Constant(Value::number(number)),
        }
    }

    /// Evaluates a node in a frame of its own, the first time.
    fn once(
        &mut self,
        node: Node,
        name: String,
        span: Span,
        work: impl FnOnce(&mut Self) -> Outcome<Term>,
    ) -> Outcome<Term> {
        match self.memo.get(&node) {
            Some(Memo::Done(term)) => return Ok(term.clone()),
            Some(Memo::Failed) => return Err(Failure::Reported),
            Some(Memo::Running) => return Err(self.cycle(node, span)),
            None => {}
        }
        self.memo.insert(node, Memo::Running);
        self.path.push((node, name, span));
        let frame = self.frame;
        let result = work(self);
        self.frame = frame;
        self.path.pop();
        let (memo, result) = match result {
            Ok(term) => (Memo::Done(term.clone()), Ok(term)),
            Err(failure) => {
                self.report(failure);
                (Memo::Failed, Err(Failure::Reported))
            }
        };
        self.memo.insert(node, memo);
        result
    }

    /// The error for asking for `node` at `span` while it is being evaluated.
    fn cycle(&self, node: Node, span: Span) -> Failure {
        let first = self.path.iter().position(|(running, ..)| *running == node).unwrap_or(0);
        let names: Vec<_> = self.path[first..].iter().map(|(_, name, _)| name.as_str()).collect();
        let spans = self.path[first..].iter().skip(1).map(|(_, _, span)| *span).chain([span]);
        let users = names.iter();
        let needed = names.iter().cycle().skip(1);
        let label = |((user, needed), span): ((&&str, &&str), Span)| {
            LabeledSpan::new_with_span(Some(format!("`{user}` needs `{needed}`")), span)
        };
        let labels = users.zip(needed).zip(spans).map(label).collect();
        let arrow = "` → `";
        let cycle = format!("`{}{arrow}{}`", names.join(arrow), names[0]);
        let help = match names.iter().any(|name| name.ends_with('\'')) {
            true => "one of them must use a value from before the step: `x` instead of `x'`",
            false => "a `let` names a value, so it cannot need itself: keep what changes in a state",
        };
        AlgorithmError::Cycle { cycle, help, labels, span }.into()
    }

    /// Whether a `let` is known when compiling, seen from its text alone.
    pub fn is_constant_let(&mut self, index: usize) -> Outcome<bool> {
        // A `let` that is being looked at depends on itself: the cycle is found when it is evaluated.
        if let Some(known) = self.constant_lets.get(&index) {
            return Ok(*known);
        }
        self.constant_lets.insert(index, false);
        let Named { binding, scope } = self.lets[index];
        let (frame, base) = (self.frame, self.locals.len());
        self.frame = Frame { scope, moment: Moment::Before, function: false, base };
        let constant = self.deeper(binding.span, |context| context.is_constant(&binding.value));
        self.frame = frame;
        let constant = constant?;
        self.constant_lets.insert(index, constant);
        Ok(constant)
    }
}
