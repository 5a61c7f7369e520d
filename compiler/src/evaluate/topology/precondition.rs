//! `requires` of a topology: a condition on size and parameters, and what its sides are where it fails.

use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::evaluate::value::Value;
use bfc_dsl::tree::{Argument, BinaryOperator, Expression, ExpressionKind};

/// Succeeds where the condition holds.
pub fn check<'a>(evaluator: &mut Evaluator<'a>, condition: &'a Expression) -> Result<()> {
    if evaluator.truth(condition)? {
        return Ok(());
    }
    let mut sides = Vec::new();
    explain(evaluator, condition, &mut sides);
    let sides = if sides.is_empty() { "this does not hold".to_string() } else { sides.join(", ") };
    let (condition, span) = (evaluator.program.text(condition.span).to_string(), condition.span);
    Err(Box::new(EvaluateError::Precondition { condition, sides, span }))
}

/// Adds "text is value" for the parts on which a false condition depends.
fn explain<'a>(evaluator: &mut Evaluator<'a>, condition: &'a Expression, sides: &mut Vec<String>) {
    use BinaryOperator::*;
    match &*condition.kind {
        ExpressionKind::Binary(And, left, right) => match evaluator.truth(left) {
            Ok(true) => explain(evaluator, right, sides),
            _ => explain(evaluator, left, sides),
        },
        ExpressionKind::Binary(Or, left, right)
        | ExpressionKind::Binary(
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual | Mod | Div | Divide | Xor | Add
            | Subtract | Multiply | Power,
            left,
            right,
        ) => {
            side(evaluator, left, sides);
            side(evaluator, right, sides);
        }
        ExpressionKind::Unary(_, operand) => explain(evaluator, operand, sides),
        ExpressionKind::Call(_, arguments) => {
            let arguments: &'a [Argument] = arguments;
            arguments.iter().for_each(|argument| side(evaluator, &argument.value, sides));
        }
        _ => side(evaluator, condition, sides),
    }
}

fn side<'a>(evaluator: &mut Evaluator<'a>, expression: &'a Expression, sides: &mut Vec<String>) {
    match &*expression.kind {
        ExpressionKind::Number(_) | ExpressionKind::Truth(_) => return,
        ExpressionKind::Binary(operator, ..) if is_condition(*operator) => {
            return explain(evaluator, expression, sides);
        }
        _ => {}
    }
    if let Ok(value) = evaluator.evaluate(expression) {
        let text = format!("{} is {value}", evaluator.program.text(expression.span));
        if !sides.contains(&text) {
            sides.push(text);
        }
    }
    // `size mod 2` says more with `size` beside it.
    if matches!(&*expression.kind, ExpressionKind::Binary(..)) {
        explain(evaluator, expression, sides);
    }
}

fn is_condition(operator: BinaryOperator) -> bool {
    use BinaryOperator::*;
    matches!(operator, And | Or | Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

/// " with i = 7, j = 3": the numbers among names, the innermost of each name.
pub fn variables(scope: &[(&str, Value)]) -> String {
    let mut shown: Vec<(&str, &Value)> = Vec::new();
    for (name, value) in scope {
        shown.retain(|(earlier, _)| earlier != name);
        if value.is_number() && !name.is_empty() {
            shown.push((name, value));
        }
    }
    let shown: Vec<_> = shown.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    if shown.is_empty() { String::new() } else { format!(" with {}", shown.join(", ")) }
}
