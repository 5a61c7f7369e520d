//! Values that must be of a kind, and what is said where they are not.

use super::number;
use super::number::Problem;
use super::{List, Value};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use bfc_dsl::tree::{BinaryOperator, Expression, ExpressionKind, Span};
use bfc_schedule::Rational;
use num_bigint::BigInt;

impl<'a> Evaluator<'a> {
    /// The value of an expression that must be a truth value.
    pub fn truth(&mut self, expression: &'a Expression) -> Result<bool> {
        match self.operand(expression)? {
            Value::Truth(truth) => Ok(truth),
            other => Err(self.wrong_type("a truth value", &other, expression)),
        }
    }

    /// The value of an expression that must be a number.
    pub fn number(&mut self, expression: &'a Expression) -> Result<Rational> {
        let value = self.operand(expression)?;
        match value.as_number() {
            Some(number) => Ok(number),
            None => Err(self.wrong_type("a number", &value, expression)),
        }
    }

    /// The value of an expression that must be an integer of any size.
    pub fn integer(&mut self, expression: &'a Expression) -> Result<BigInt> {
        let value = self.operand(expression)?;
        number::integer(&value, 0)
            .map_err(|problem| self.explain(problem, expression.span, &[(expression, &value)]))
    }

    /// Fails if a value is not an integer.
    pub(in crate::evaluate) fn check_integer(&self, value: &Value, expression: &Expression) -> Result<()> {
        let result = number::integer(value, 0);
        result.map(drop).map_err(|problem| self.explain(problem, expression.span, &[(expression, value)]))
    }

    pub(in crate::evaluate) fn as_small(&self, value: &Value, expression: &Expression) -> Result<i64> {
        match value.as_integer() {
            Some(integer) => Ok(integer),
            None => Err(self.not_small(value, expression)),
        }
    }

    fn not_small(&self, value: &Value, expression: &Expression) -> Box<EvaluateError> {
        match number::integer(value, 0) {
            Err(problem) => self.explain(problem, expression.span, &[(expression, value)]),
            Ok(_) => Box::new(EvaluateError::NumberTooLarge { limit: 63, span: expression.span }),
        }
    }

    pub(in crate::evaluate) fn as_list<'v>(
        &self,
        value: &'v Value,
        expression: &Expression,
    ) -> Result<&'v List> {
        match value {
            Value::List(list) => Ok(list),
            _ => Err(self.wrong_type("a list", value, expression)),
        }
    }

    pub(in crate::evaluate) fn wrong_type(
        &self,
        expected: &str,
        found: &Value,
        at: &Expression,
    ) -> Box<EvaluateError> {
        let mut error = wrong_type_at(expected, found, at.span);
        if let (ExpressionKind::Binary(BinaryOperator::At, ..), EvaluateError::WrongType { help, .. }) =
            (&*at.kind, &mut *error)
        {
            *help = Some("`at` comes before all other operators: write `t at (2 * m)`".to_string());
        }
        error
    }

    /// The error for a problem of arithmetic, given the operands.
    pub(in crate::evaluate) fn explain(
        &self,
        problem: Problem,
        span: Span,
        operands: &[(&Expression, &Value)],
    ) -> Box<EvaluateError> {
        let text = |operand: &Expression| self.program.text(operand.span).to_string();
        Box::new(match problem {
            Problem::Symbolic => EvaluateError::Symbolic,
            Problem::TooLarge => EvaluateError::NumberTooLarge { limit: number::MAX_BITS, span },
            Problem::NotANumber(k) => return self.wrong_type("a number", operands[k].1, operands[k].0),
            Problem::NotAnInteger(k) => {
                let (operand, value) = operands[k];
                EvaluateError::NotAnInteger {
                    what: text(operand),
                    found: value.to_string(),
                    span: operand.span,
                }
            }
            Problem::Zero(k) => {
                EvaluateError::DivisionByZero { what: text(operands[k].0), span: operands[k].0.span }
            }
            Problem::Negative(k) => EvaluateError::OutsideDomain {
                function: "xor".into(),
                found: operands[k].1.to_string(),
                help: "`xor` takes integers that are not negative",
                span: operands[k].0.span,
            },
        })
    }
}

pub(in crate::evaluate) fn out_of_range(index: i64, list: &List, at: &Expression) -> Box<EvaluateError> {
    let index = index.to_string();
    Box::new(EvaluateError::IndexOutOfRange { index, len: list.len(), span: at.span })
}

pub(in crate::evaluate) fn wrong_type_at(expected: &str, found: &Value, span: Span) -> Box<EvaluateError> {
    if has_symbol(found) {
        return Box::new(EvaluateError::Symbolic);
    }
    Box::new(EvaluateError::WrongType { expected: expected.into(), found: shown(found), span, help: None })
}

/// A value in a sentence.
pub(in crate::evaluate) fn shown(value: &Value) -> String {
    match value {
        Value::List(_) => format!("the list {value}"),
        _ => value.to_string(),
    }
}

/// Whether a value depends on the rank.
pub(in crate::evaluate) fn has_symbol(value: &Value) -> bool {
    match value {
        Value::Symbol(_) => true,
        Value::List(list) => !list.is_range() && list.iter().any(|value| has_symbol(&value)),
        _ => false,
    }
}
