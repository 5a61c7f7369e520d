//! Expressions over run-time values. What is known when compiling goes to the evaluator of plain expressions.

use super::error::AlgorithmError;
use super::graph::Operand;
use super::names::{Context, Failure, Meaning, Moment, Outcome};
use crate::builtin_names::{EQUATION_CALLS, nearest, nearest_fitting};
use crate::evaluate::{EvaluateError, Value};
use crate::model::algorithm::ValueId;
use bfc_dsl::tree::{BinaryOperator, Expression, ExpressionKind, Let, Pattern, Span, UnaryOperator};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};

/// What an expression stands for.
#[derive(Clone, Debug)]
pub(super) enum Term {
    /// Something known when compiling.
    Constant(Value),
    /// A number or vector of the run.
    Flow(ValueId),
    /// A truth value of the run, as 1 or 0.
    Truth(ValueId),
}

/// Expressions within expressions, calls and names included.
const MAX_DEPTH: u32 = 2_000;

/// Values of one algorithm.
const MAX_VALUES: usize = 20_000;

/// A shape with its article.
pub(super) fn described(shape: Shape) -> &'static str {
    match shape {
        Shape::Vector => "a vector",
        Shape::Scalar => "a scalar",
        Shape::EdgeVector => "a vector per edge",
        Shape::EdgeScalar => "a scalar per edge",
        Shape::Code(_) => "a code",
        Shape::EdgeFactor(_) => "a factor per edge",
    }
}

impl<'a> Context<'_, 'a> {
    /// The value of an expression.
    pub fn term(&mut self, expression: &'a Expression) -> Outcome<Term> {
        let span = expression.span;
        self.evaluator.spend(1, span)?;
        if self.graph.values.len() > MAX_VALUES {
            let (limit, what) = (MAX_VALUES as u64, "values");
            return Err(AlgorithmError::TooLarge { limit, what, span }.into());
        }
        self.deeper(span, |context| context.form(expression))
    }

    /// Goes one level down, if there is one.
    pub fn deeper<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_DEPTH {
            let (limit, what) = (u64::from(MAX_DEPTH), "levels of calls and names");
            return Err(AlgorithmError::TooLarge { limit, what, span }.into());
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    fn form(&mut self, expression: &'a Expression) -> Outcome<Term> {
        let span = expression.span;
        match &*expression.kind {
            ExpressionKind::If(condition, yes, no) => {
                let truth = self.truth(condition).map_err(|failure| self.also(failure, [yes, no]))?;
                let chosen = if truth { yes } else { no };
                self.term(chosen)
            }
            ExpressionKind::Block(lets, result) => self.block(lets, result),
            ExpressionKind::Name(name) => match self.name(name, self.frame.moment, span)? {
                Some(term) => Ok(term),
                None => self.global(expression, name),
            },
            ExpressionKind::Primed(name) => self.primed(name, span),
            _ if self.is_constant(expression)? => self.constant(expression),
            ExpressionKind::Unary(UnaryOperator::Not, operand) => match self.condition(operand)? {
                Term::Truth(id) => Ok(Term::Truth(self.graph.apply(Operation::Not, vec![id]))),
                Term::Constant(Value::Truth(truth)) => Ok(Term::Constant(Value::Truth(!truth))),
                other => Err(self.wrong("a truth value", &other, operand.span)),
            },
            ExpressionKind::Unary(UnaryOperator::Negate, operand) => {
                let (zero, value) = (Value::Integer(0), self.term(operand)?);
                if let Term::Constant(value) = &value {
                    let sides = ((operand, &zero), (operand, value));
                    let subtract = BinaryOperator::Subtract;
                    return Ok(Term::Constant(self.evaluator.arithmetic(subtract, sides.0, sides.1, span)?));
                }
                let (zero, value) =
                    (Operand::Constant(Rational::zero()), self.operand_of(&value, operand.span)?);
                let negated = self.graph.binary(Operation::Subtract, zero, value);
                Ok(self.term_of_operand(negated))
            }
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            ExpressionKind::Call(name, arguments) => self.call(name, arguments, expression),
            // Lists hold what is known when compiling; the plain evaluator's answer or its complaint is the right one.
            _ => self.constant(expression),
        }
    }

    fn block(&mut self, lets: &'a [Let], result: &'a Expression) -> Outcome<Term> {
        let mark = self.locals.len();
        let term = lets.iter().try_for_each(|binding| {
            let term = self.term(&binding.value)?;
            self.bind(&binding.pattern, term)
        });
        let term = term.and_then(|()| self.term(result));
        self.locals.truncate(mark);
        term
    }

    /// Whether a pattern can take a value apart.
    pub fn check_pattern(&mut self, pattern: &'a Pattern, term: &Term) -> Outcome<()> {
        let mark = self.locals.len();
        let result = self.bind(pattern, term.clone());
        self.locals.truncate(mark);
        result
    }

    fn bind(&mut self, pattern: &'a Pattern, term: Term) -> Outcome<()> {
        match (pattern, term) {
            (Pattern::Name(name), term) => self.locals.push((&name.text, term)),
            (Pattern::List(parts, span), Term::Constant(Value::List(list))) => {
                if parts.len() != list.len() {
                    let (expected, found, span) = (parts.len(), list.len(), *span);
                    return Err(Box::new(EvaluateError::PatternMismatch { expected, found, span }).into());
                }
                for (part, value) in parts.iter().zip(list.iter()) {
                    self.bind(part, Term::Constant(value))?;
                }
            }
            (Pattern::List(_, span), other) => return Err(self.wrong("a list", &other, *span)),
        }
        Ok(())
    }

    /// A name that the algorithm does not define.
    fn global(&mut self, expression: &'a Expression, name: &str) -> Outcome<Term> {
        if self.evaluator.lookup(name).is_some() {
            return self.constant(expression);
        }
        if name == "degree" {
            return self.degree(&[], expression.span);
        }
        let (values, others) = self.known();
        let near = nearest_fitting(name, values, others);
        let help = match name {
            _ if EQUATION_CALLS.contains(&name) => {
                Some(format!("`{name}` is a function: call it, `{name}(…)`"))
            }
            _ if self.topologies.contains(&name) => {
                Some(format!("W v is written `mix(v)`: `{name}` is not a value"))
            }
            "I" => Some("what a rank keeps of v is a part of the sum, as in `0.5 * v + 0.5 * mix(v)`".into()),
            _ => near.map(|near| format!("did you mean `{near}`?")),
        };
        let span = expression.span;
        Err(Box::new(EvaluateError::UnknownName { name: name.to_string(), span, help }).into())
    }

    fn primed(&mut self, name: &str, span: Span) -> Outcome<Term> {
        let local = matches!(self.meaning(name), Some(Meaning::Local(_)));
        if local || self.frame.moment == Moment::After {
            let (place, help) = match local {
                true => {
                    ("here", "only states and what `let` names outside of `step` have a value after the step")
                }
                false => ("two steps ahead", "inside of a primed `let` every name is primed already"),
            };
            return Err(AlgorithmError::NoNextValue { name: name.to_string(), place, help, span }.into());
        }
        match self.name(name, Moment::After, span)? {
            Some(term) => Ok(term),
            None => {
                let near = nearest(name, self.primable());
                let help = near.map(|near| format!("did you mean `{near}'`?"));
                let name = format!("{name}'");
                Err(Box::new(EvaluateError::UnknownName { name, span, help }).into())
            }
        }
    }

    /// The number or vector that an expression stands for.
    pub fn operand(&mut self, expression: &'a Expression) -> Outcome<Operand> {
        let term = self.term(expression)?;
        self.operand_of(&term, expression.span)
    }

    /// The number or vector that a term is.
    pub fn operand_of(&self, term: &Term, span: Span) -> Outcome<Operand> {
        match term {
            Term::Flow(id) => Ok(Operand::Value(*id)),
            Term::Constant(value) => match value.as_number() {
                Some(number) => Ok(Operand::Constant(number)),
                None => Err(self.wrong("a number or a vector", term, span)),
            },
            Term::Truth(_) => Err(self.wrong("a number or a vector", term, span)),
        }
    }

    /// A term as a value of a shape.
    pub fn shaped(&mut self, term: Term, shape: Shape, span: Span) -> Outcome<ValueId> {
        let operand = self.operand_of(&term, span)?;
        if let Some(id) = self.graph.shaped(operand.clone(), shape) {
            return Ok(id);
        }
        let found = self.graph.plain(operand);
        let found = self.graph.shape(found);
        let help = match (shape, found) {
            (Shape::Vector | Shape::Scalar, Shape::EdgeVector | Shape::EdgeScalar) => {
                "`incoming` sums over the neighbours what they hold for this rank"
            }
            _ => "one number cannot hold a vector: leave `: scalar` out",
        };
        Err(AlgorithmError::WrongShape { expected: described(shape), found: described(found), help, span }
            .into())
    }

    /// The error for a term of the wrong type.
    pub fn wrong(&self, expected: &str, found: &Term, span: Span) -> Failure {
        let found = match found {
            Term::Constant(value) => {
                return crate::evaluate::value::expect::wrong_type_at(expected, value, span).into();
            }
            Term::Truth(_) => "a condition".to_string(),
            Term::Flow(id) => match self.graph.shape(*id) {
                Shape::Scalar => "a number of the run".to_string(),
                other => described(other).to_string(),
            },
        };
        let help = (found == "a condition").then(|| "a condition stands after `if`".to_string());
        Box::new(EvaluateError::WrongType { expected: expected.to_string(), found, span, help }).into()
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a Expression,
        right: &'a Expression,
        span: Span,
    ) -> Outcome<Term> {
        use BinaryOperator::*;
        match operator {
            And | Or => return self.junction(operator == And, left, right),
            Range | Append | At | Xor => {
                let what = if operator == Xor { "the sides of `xor`" } else { "what a list consists of" };
                let (what, help) = (what.to_string(), "use values known when compiling".to_string());
                return Err(AlgorithmError::RunTimeValue { what, help, span }.into());
            }
            _ => {}
        }
        let a = self.term(left).map_err(|failure| self.also(failure, [right]))?;
        let b = self.term(right)?;
        if let (Term::Constant(a), Term::Constant(b)) = (&a, &b) {
            let value = match operator {
                Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                    self.evaluator.compare(operator, a, b, span)?
                }
                _ => self.evaluator.arithmetic(operator, (left, a), (right, b), span)?,
            };
            return Ok(Term::Constant(value));
        }
        let (a, b) = (self.operand_of(&a, left.span)?, self.operand_of(&b, right.span)?);
        self.run_time(operator, a, b, right)
    }

    /// An operation with at least one operand of the run.
    fn run_time(
        &mut self,
        operator: BinaryOperator,
        a: Operand,
        b: Operand,
        right: &Expression,
    ) -> Outcome<Term> {
        use BinaryOperator::*;
        let by_zero = matches!(&b, Operand::Constant(number) if number.is_zero());
        if by_zero && matches!(operator, Divide | Mod | Div) {
            let what = self.evaluator.program.text(right.span).to_string();
            return Err(Box::new(EvaluateError::DivisionByZero { what, span: right.span }).into());
        }
        let operation = match operator {
            Add => Operation::Add,
            Subtract => Operation::Subtract,
            Multiply => Operation::Multiply,
            Divide => Operation::Divide,
            Power => Operation::Power,
            Mod => Operation::Mod,
            Div => Operation::Div,
            Less => Operation::Less,
            LessEqual => Operation::LessEqual,
            Greater => Operation::Greater,
            GreaterEqual => Operation::GreaterEqual,
            _ => Operation::Equal,
        };
        let condition = matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual);
        let result = self.graph.binary(operation, a, b);
        Ok(match result {
            Operand::Value(id) if operator == NotEqual => {
                Term::Truth(self.graph.apply(Operation::Not, vec![id]))
            }
            Operand::Value(id) if condition => Term::Truth(id),
            other => self.term_of_operand(other),
        })
    }

    /// The term of an operand.
    pub fn term_of_operand(&self, operand: Operand) -> Term {
        match operand {
            Operand::Value(id) => self.term_of(id),
            Operand::Constant(number) => Term::Constant(Value::number(number)),
        }
    }

    fn junction(&mut self, and: bool, left: &'a Expression, right: &'a Expression) -> Outcome<Term> {
        let a = self.condition(left).map_err(|failure| self.also(failure, [right]))?;
        if let Term::Constant(Value::Truth(truth)) = a {
            return if truth == and { self.condition(right) } else { Ok(a) };
        }
        let b = self.condition(right)?;
        Ok(match (a, b) {
            (a, Term::Constant(Value::Truth(truth))) if truth == and => a,
            (Term::Truth(a), Term::Truth(b)) => {
                let operation = if and { Operation::And } else { Operation::Or };
                Term::Truth(self.graph.apply(operation, vec![a, b]))
            }
            (_, b) => b,
        })
    }
}
