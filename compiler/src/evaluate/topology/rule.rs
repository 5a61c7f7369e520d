//! `weights …`: from an expression to a weight rule.

use super::weights::{BaseRule, OPTIMISED, RULES, WeightRule};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::optimise::Signs;
use bfc_dsl::tree::{Argument, Expression, ExpressionKind, Span};
use bfc_schedule::Rational;

/// The rules that take arguments.
const APPLIED: [&str; 2] = ["constant", "lazy"];

/// The rule that an expression says.
pub fn evaluate<'a>(evaluator: &mut Evaluator<'a>, expression: &'a Expression) -> Result<WeightRule> {
    let span = expression.span;
    match &*expression.kind {
        ExpressionKind::Name(name) => {
            let mut rules = RULES.iter().chain(&OPTIMISED);
            let base = rules.find(|(word, _)| word == name).map(|(_, rule)| rule.clone());
            base.map(WeightRule::plain).ok_or_else(|| unknown(name, span))
        }
        ExpressionKind::Call(name, arguments) => match (name.text.as_str(), &arguments[..]) {
            ("constant", [a]) => constant(evaluator, a),
            ("lazy", [rule, theta]) => lazy(evaluator, rule, theta),
            ("fastest", [Argument { name: None, value }]) if says(value, "nonnegative") => {
                Ok(WeightRule::plain(BaseRule::Fastest(Signs::Nonnegative)))
            }
            ("fastest", _) => {
                Err(wrong_arity("fastest", "no argument, or the word `nonnegative`", arguments, span))
            }
            ("constant", _) => {
                Err(wrong_arity("constant", "one argument, the weight of an edge", arguments, span))
            }
            ("lazy", _) => {
                Err(wrong_arity("lazy", "two arguments, a rule and the part that stays", arguments, span))
            }
            _ => Err(unknown(&name.text, name.span)),
        },
        _ => Err(unknown(evaluator.program.text(span), span)),
    }
}

fn says(expression: &Expression, word: &str) -> bool {
    matches!(&*expression.kind, ExpressionKind::Name(name) if name == word)
}

fn constant<'a>(evaluator: &mut Evaluator<'a>, a: &'a Argument) -> Result<WeightRule> {
    let weight = evaluator.number(&a.value)?;
    if weight <= Rational::zero() {
        let help =
            "the weight of an edge must be above 0; a negative one can be said edge by edge, with `weight`";
        return Err(parameter(evaluator, "constant", a, &weight, help));
    }
    Ok(WeightRule::plain(BaseRule::Constant(weight)))
}

fn lazy<'a>(evaluator: &mut Evaluator<'a>, rule: &'a Argument, theta: &'a Argument) -> Result<WeightRule> {
    let rule = evaluate(evaluator, &rule.value)?;
    let stays = evaluator.number(&theta.value)?;
    if stays.is_negative() || stays >= Rational::one() {
        let help = "lazy(rule, θ) is θI + (1 − θ)W; θ is at least 0 and below 1";
        return Err(parameter(evaluator, "lazy", theta, &stays, help));
    }
    Ok(WeightRule { moved: &rule.moved * &(&Rational::one() - &stays), ..rule })
}

fn parameter(
    evaluator: &Evaluator,
    rule: &'static str,
    argument: &Argument,
    found: &Rational,
    help: &'static str,
) -> Box<EvaluateError> {
    let span = argument.value.span;
    let what = evaluator.program.text(span).to_string();
    Box::new(EvaluateError::WeightParameter { rule, what, found: found.to_string(), help, span })
}

fn wrong_arity(rule: &str, expected: &str, arguments: &[Argument], span: Span) -> Box<EvaluateError> {
    let (function, expected) = (rule.to_string(), expected.to_string());
    Box::new(EvaluateError::WrongArity { function, expected, found: arguments.len(), span })
}

fn unknown(rule: &str, span: Span) -> Box<EvaluateError> {
    let words = || RULES.iter().chain(&OPTIMISED).map(|(word, _)| *word).chain(APPLIED);
    let help = match crate::builtin_names::nearest(rule, words()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the rules are `{}`", words().collect::<Vec<_>>().join("`, `")),
    };
    Box::new(EvaluateError::UnknownWeightRule { rule: rule.to_string(), span, help: Some(help) })
}
