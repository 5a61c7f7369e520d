//! What `requires` of an algorithm and `ensure` of a topology say: expressions to claims.

use super::error::{EvaluateError, Result};
use super::scope::Evaluator;
use super::value::Value;
use crate::builtin_names::nearest;
use crate::model::claim;
use crate::model::claim::{Claim, Comparison, Number, Property, Quantity, Statement};
use bfc_dsl::tree::{Argument, BinaryOperator, Expression, ExpressionKind, Span};
use bfc_schedule::Codec;

/// A word of a claim, what it is applied to, and its place.
type Word<'e> = (&'e str, &'e [Argument], Span);

impl<'a> Evaluator<'a> {
    /// The claim of an expression. `topologies` are the names that it may speak of; with one, a word without an
    /// argument speaks of it. Without words of claims it is a plain truth value.
    pub fn claim(&mut self, expression: &'a Expression, topologies: &[&str]) -> Result<Claim> {
        let words: Vec<&str> = self.program.text(expression.span).split_whitespace().collect();
        let text = words.join(" ");
        let statement = self.statement_of(expression, topologies)?;
        Ok(Claim { statement, text, span: expression.span })
    }

    fn statement_of(&mut self, expression: &'a Expression, topologies: &[&str]) -> Result<Statement> {
        if let Some((name, arguments, span)) = word(expression)
            && let Some(property) = Property::from_word(name)
        {
            let of = subjects(name, property.topologies(), arguments, topologies, span)?;
            return Ok(Statement::Property(property, of));
        }
        if let Some((claim::UNBIASED, arguments, span)) = word(expression) {
            return self.codec(claim::UNBIASED, arguments, span).map(Statement::Unbiased);
        }
        if let ExpressionKind::Binary(operator, left, right) = &*expression.kind
            && let Some(comparison) = comparison(*operator)
        {
            let (left, right) = (self.quantity(left, topologies)?, self.quantity(right, topologies)?);
            if let (Some(left), Some(right)) = (left, right) {
                return Ok(match (&left, &right) {
                    (Quantity::Exact(_), Quantity::Exact(_)) => Statement::Truth(self.truth(expression)?),
                    _ => Statement::Compare(left, comparison, right),
                });
            }
        }
        if let Some(word) = inner_word(expression) {
            return Err(Box::new(EvaluateError::CompoundClaim {
                word: word.0.to_string(),
                span: expression.span,
            }));
        }
        self.truth(expression).map(Statement::Truth).map_err(|mut error| {
            // A word of claims fits before any other name.
            if let EvaluateError::UnknownName { name, help, .. } = &mut *error
                && let Some(near) = nearest(name, claim::words())
            {
                *help = Some(format!("did you mean `{near}`?"));
            }
            error
        })
    }

    /// One side of a comparison; `None` if it is not a number.
    fn quantity(&mut self, side: &'a Expression, topologies: &[&str]) -> Result<Option<Quantity>> {
        if let Some((name, arguments, span)) = word(side)
            && let Some(number) = Number::from_word(name)
        {
            let of = subjects(name, 1, arguments, topologies, span)?;
            return Ok(of.first().map(|&of| Quantity::Of(number, of)));
        }
        if let Some((claim::CONTRACTION, arguments, span)) = word(side) {
            return self
                .codec(claim::CONTRACTION, arguments, span)
                .map(|codec| Some(Quantity::Contraction(codec)));
        }
        if let Some(word) = inner_word(side) {
            return Err(Box::new(EvaluateError::CompoundClaim { word: word.0.to_string(), span: side.span }));
        }
        Ok(self.operand(side)?.as_number().map(Quantity::Exact))
    }

    /// The codec that a word speaks of.
    fn codec(&mut self, name: &str, arguments: &'a [Argument], span: Span) -> Result<Codec> {
        let [argument] = arguments else {
            let (function, found) = (name.to_string(), arguments.len());
            let expected = "one argument, a codec".to_string();
            return Err(Box::new(EvaluateError::WrongArity { function, expected, found, span }));
        };
        match self.operand(&argument.value)? {
            Value::Codec(codec) => Ok(codec),
            other => Err(self.wrong_type("a codec", &other, &argument.value)),
        }
    }
}

/// The word that an expression consists of, if it is one, applied or not.
fn word(expression: &Expression) -> Option<Word<'_>> {
    let (name, arguments): (&str, &[Argument]) = match &*expression.kind {
        ExpressionKind::Name(name) => (name, &[]),
        ExpressionKind::Call(name, arguments) => (&name.text, arguments),
        _ => return None,
    };
    claim::words().any(|known| known == name).then_some((name, arguments, expression.span))
}

/// A word of a claim somewhere inside an expression.
fn inner_word(expression: &Expression) -> Option<Word<'_>> {
    word(expression).or_else(|| match &*expression.kind {
        ExpressionKind::Unary(_, operand) => inner_word(operand),
        ExpressionKind::Binary(_, left, right) => inner_word(left).or_else(|| inner_word(right)),
        _ => None,
    })
}

/// The topologies, by index, that a word speaks of.
fn subjects(
    name: &str,
    count: usize,
    arguments: &[Argument],
    topologies: &[&str],
    span: Span,
) -> Result<Vec<usize>> {
    let error = || {
        let expected = match count {
            0 => "no topology".to_string(),
            1 => "one topology".to_string(),
            _ => format!("{count} topologies"),
        };
        let applied = |topology: &&str| format!("{name}({topology})");
        // Of a property, all are meant as a rule; of a number, one.
        let between = if Property::from_word(name).is_some() { ", " } else { "` or `" };
        let help = match (count, arguments.len()) {
            (1, 0) if topologies.len() > 1 => {
                format!("write `{}`", topologies.iter().map(applied).collect::<Vec<_>>().join(between))
            }
            _ => format!("known here: `{}`", topologies.join("`, `")),
        };
        Box::new(EvaluateError::ClaimSubject { word: name.to_string(), expected, help, span })
    };
    if arguments.is_empty() && (count == 0 || count == topologies.len()) {
        return Ok((0..count).collect());
    }
    if arguments.len() != count {
        return Err(error());
    }
    let index = |argument: &Argument| match &*argument.value.kind {
        ExpressionKind::Name(name) => topologies.iter().position(|known| known == name).ok_or_else(error),
        _ => Err(error()),
    };
    arguments.iter().map(index).collect()
}

fn comparison(operator: BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Equal => Comparison::Equal,
        BinaryOperator::NotEqual => Comparison::NotEqual,
        BinaryOperator::Less => Comparison::Less,
        BinaryOperator::LessEqual => Comparison::LessEqual,
        BinaryOperator::Greater => Comparison::Greater,
        BinaryOperator::GreaterEqual => Comparison::GreaterEqual,
        _ => return None,
    })
}
