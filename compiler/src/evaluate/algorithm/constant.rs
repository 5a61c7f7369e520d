//! What is known when compiling, and conditions, which are known before a step.

use super::error::AlgorithmError;
use super::expression::Term;
use super::names::{Context, Meaning, Outcome, Place};
use crate::builtin_names::EQUATION_CALLS;
use crate::evaluate::Value;
use crate::model::algorithm::{ValueId, ValueKind};
use crate::model::claim;
use bfc_dsl::tree::{Argument, Clause, Expression, ExpressionKind, Pattern, Span};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;

/// Different conditions of one step: each truth assignment is compiled on its own.
const MAX_CONDITIONS: usize = 6;

/// The longest condition, written out.
const MAX_CONDITION: u64 = 1_000;

/// A name in an expression that the expression itself does not bind.
struct Free<'a> {
    name: &'a str,
    span: Span,
    form: Form,
    /// Inside of an `if`, so perhaps never needed.
    guarded: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Plain,
    Primed,
    Called,
}

impl<'a> Context<'_, 'a> {
    /// Whether an expression can be evaluated without anything of the run, and without a `let` that may not be needed.
    pub fn is_constant(&mut self, expression: &'a Expression) -> Outcome<bool> {
        let free = free_names(expression);
        self.evaluator.spend(free.len() as u64, expression.span)?;
        for free in free {
            let constant = match (free.form, self.meaning(free.name)) {
                (Form::Called, _) => {
                    !EQUATION_CALLS.contains(&free.name) && !claim::words().any(|word| word == free.name)
                }
                (Form::Primed, _) => false,
                (_, Some(Meaning::Local(term))) => matches!(term, Term::Constant(_)),
                (_, Some(Meaning::Let(index, _))) => !free.guarded && self.is_constant_let(index)?,
                (_, Some(meaning)) => matches!(meaning, Meaning::Constant(_)),
                // An unknown name is reported where it occurs, together with the other errors.
                (_, None) => free.name != "degree" && self.evaluator.knows(free.name, free.span),
            };
            if !constant {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The value of an expression in which nothing may depend on the run.
    pub fn constant(&mut self, expression: &'a Expression) -> Outcome<Term> {
        let bindings = self.constants_in(expression)?;
        let result = self.with_constants(bindings, |evaluator| evaluator.evaluate(expression))?;
        Ok(Term::Constant(result))
    }

    /// Runs `work` on the plain evaluator with exactly these names bound.
    pub fn with_constants<T>(
        &mut self,
        bindings: Vec<(&'a str, Value)>,
        work: impl FnOnce(&mut crate::evaluate::Evaluator<'a>) -> T,
    ) -> T {
        let evaluator = &mut *self.evaluator;
        let mark = evaluator.mark();
        let base = std::mem::replace(&mut evaluator.base, mark);
        bindings.into_iter().for_each(|(name, value)| evaluator.bind(name, value));
        let result = work(evaluator);
        evaluator.release(mark);
        evaluator.base = base;
        result
    }

    /// The names of an expression with their values; an error if one is a value of the run. Topologies and names that
    /// nobody knows are left to whoever evaluates the expression.
    pub fn constants_in(&mut self, expression: &'a Expression) -> Outcome<Vec<(&'a str, Value)>> {
        let mut bindings = vec![];
        for Free { name, span, form, .. } in free_names(expression) {
            let run_time = || {
                let prime = if form == Form::Primed { "'" } else { "" };
                let what = format!("`{name}{prime}`");
                let help =
                    "lists and `requires` are made of parameters that are not `scalar`, `size` and constants";
                let help = help.to_string();
                AlgorithmError::RunTimeValue { what, help, span }
            };
            match (form, self.meaning(name)) {
                (Form::Called, _) if EQUATION_CALLS.contains(&name) => return Err(run_time().into()),
                (Form::Primed, _) => return Err(run_time().into()),
                (Form::Plain, None) if name == "degree" => return Err(run_time().into()),
                (Form::Called, _) | (_, None | Some(Meaning::Topology)) => {}
                _ => match self.name(name, self.frame.moment, span)? {
                    Some(Term::Constant(value)) => bindings.push((name, value)),
                    _ => return Err(run_time().into()),
                },
            }
        }
        Ok(bindings)
    }

    /// The number that an argument must be when compiling.
    pub fn constant_number(&mut self, expression: &'a Expression, what: &str) -> Outcome<Rational> {
        let term = self.term(expression)?;
        match &term {
            Term::Constant(value) if value.is_number() => {
                self.operand_of(&term, expression.span)?;
                Ok(value.as_number().unwrap_or_else(Rational::zero))
            }
            Term::Constant(_) => Err(self.wrong("a number", &term, expression.span)),
            _ => {
                let (what, span) = (what.to_string(), expression.span);
                let help = "use parameters that are not `scalar`, `size` and constants".to_string();
                Err(AlgorithmError::RunTimeValue { what, help, span }.into())
            }
        }
    }

    /// An expression that must be a truth value, perhaps of the run.
    pub fn condition(&mut self, expression: &'a Expression) -> Outcome<Term> {
        match self.term(expression)? {
            term @ (Term::Truth(_) | Term::Constant(Value::Truth(_))) => Ok(term),
            other => Err(self.wrong("a truth value", &other, expression.span)),
        }
    }

    /// The truth of a condition under the present assignment.
    pub fn truth(&mut self, expression: &'a Expression) -> Outcome<bool> {
        match self.condition(expression)? {
            Term::Constant(Value::Truth(truth)) => Ok(truth),
            Term::Truth(id) => self.decide(id, expression.span),
            _ => Ok(false),
        }
    }

    fn decide(&mut self, mut id: ValueId, span: Span) -> Outcome<bool> {
        let mut negated = false;
        while let ValueKind::Apply(Operation::Not, operands) = self.graph.kind(id) {
            (id, negated) = (operands[0], !negated);
        }
        if let Some(cause) = self.graph.not_uniform(id) {
            let on = self.describe(cause);
            return Err(AlgorithmError::ConditionNotUniform { on, span }.into());
        }
        let (place, help) = match self.place {
            Place::Step => ("", ""),
            Place::Start(_) => {
                ("before the first step", "a scalar parameter may change: use one that is fixed")
            }
            Place::Model => {
                ("in `model`", "the model is one expression of the states: use arithmetic on `t`")
            }
        };
        if self.place != Place::Step {
            return Err(AlgorithmError::ConditionNotKnown { place, help, span }.into());
        }
        if self.graph.length(id) > MAX_CONDITION {
            let (limit, what) = (MAX_CONDITION, "operations in a condition");
            return Err(AlgorithmError::TooLarge { limit, what, span }.into());
        }
        let known = self.conditions.iter().position(|&known| known == id);
        let index = match known {
            Some(index) => index,
            None if self.conditions.len() == MAX_CONDITIONS => {
                return Err(AlgorithmError::TooManyConditions { limit: MAX_CONDITIONS, span }.into());
            }
            None => {
                self.conditions.push(id);
                self.conditions.len() - 1
            }
        };
        Ok((self.assignment >> index & 1 == 1) != negated)
    }

    /// How a message calls a value on which ranks may disagree.
    fn describe(&self, id: ValueId) -> String {
        match self.graph.kind(id) {
            ValueKind::State(index) => match self.states.get(*index) {
                Some(state) => format!("the state `{}`", state.name),
                None => "a mix with a delay".to_string(),
            },
            ValueKind::Parameters => "`params`".to_string(),
            ValueKind::Mix(..) | ValueKind::Pair(..) => "a mix".to_string(),
            ValueKind::Average(_) => "an average".to_string(),
            ValueKind::Gradient(_) => "a gradient".to_string(),
            ValueKind::Adapt(..) => "an optimizer step".to_string(),
            ValueKind::Prox(..) => "a proximal point".to_string(),
            ValueKind::Dot(..) => "a product of vectors".to_string(),
            ValueKind::Degree(_) => "the degree of a rank".to_string(),
            ValueKind::Own(..) | ValueKind::Others(..) => "a mix with a delay".to_string(),
            ValueKind::Incoming(..)
            | ValueKind::Back(_)
            | ValueKind::Gather(_)
            | ValueKind::Start
            | ValueKind::Project(..)
            | ValueKind::Difference(..)
            | ValueKind::Correct(..) => "what neighbours send".to_string(),
            ValueKind::Encode(..) | ValueKind::Decode(_) => "a compressed vector".to_string(),
            ValueKind::Apply(..) => "a value of the run".to_string(),
        }
    }
}

/// The names that an expression uses and does not bind itself, in order.
fn free_names(expression: &Expression) -> Vec<Free<'_>> {
    let mut walk = Walk { bound: vec![], guarded: false, found: vec![] };
    walk.expression(expression);
    walk.found
}

struct Walk<'a> {
    bound: Vec<&'a str>,
    guarded: bool,
    found: Vec<Free<'a>>,
}

impl<'a> Walk<'a> {
    fn found(&mut self, name: &'a str, span: Span, form: Form) {
        if form != Form::Plain || !self.bound.contains(&name) {
            self.found.push(Free { name, span, form, guarded: self.guarded });
        }
    }

    fn expression(&mut self, expression: &'a Expression) {
        match &*expression.kind {
            ExpressionKind::Number(_) | ExpressionKind::Truth(_) => {}
            ExpressionKind::Name(name) => self.found(name, expression.span, Form::Plain),
            ExpressionKind::Primed(name) => self.found(name, expression.span, Form::Primed),
            ExpressionKind::Unary(_, a) => self.expression(a),
            ExpressionKind::Binary(_, a, b) | ExpressionKind::Index(a, b) => {
                self.expression(a);
                self.expression(b);
            }
            ExpressionKind::Call(name, arguments) => {
                self.found(&name.text, name.span, Form::Called);
                arguments.iter().for_each(|Argument { value, .. }| self.expression(value));
            }
            ExpressionKind::Slice(list, from, to) => {
                self.expression(list);
                from.iter().chain(to).for_each(|bound| self.expression(bound));
            }
            ExpressionKind::List(items) => items.iter().for_each(|item| self.expression(item)),
            ExpressionKind::Comprehension(item, clauses) => {
                let mark = self.bound.len();
                clauses.iter().for_each(|clause| self.clause(clause));
                self.expression(item);
                self.bound.truncate(mark);
            }
            ExpressionKind::If(condition, yes, no) => {
                let outside = std::mem::replace(&mut self.guarded, true);
                [condition, yes, no].into_iter().for_each(|part| self.expression(part));
                self.guarded = outside;
            }
            ExpressionKind::Block(lets, result) => {
                let mark = self.bound.len();
                for binding in lets {
                    self.expression(&binding.value);
                    self.bind(&binding.pattern);
                }
                self.expression(result);
                self.bound.truncate(mark);
            }
        }
    }

    fn clause(&mut self, clause: &'a Clause) {
        match clause {
            Clause::If(condition) => self.expression(condition),
            Clause::In(pattern, list) => {
                self.expression(list);
                self.bind(pattern);
            }
        }
    }

    fn bind(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::Name(name) => self.bound.push(&name.text),
            Pattern::List(parts, _) => parts.iter().for_each(|part| self.bind(part)),
        }
    }
}
