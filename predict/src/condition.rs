//! Conditions of a program, which read no register, become truth values.

use bfc_schedule::program::{Expression, Operation};
use bfc_schedule::{Program, random};

/// The number of the block that a step runs, with inputs at their defaults.
pub(crate) fn block(program: &Program, step: u64) -> usize {
    let conditions = program.conditions.iter().zip(0..);
    let index: usize =
        conditions.map(|(condition, bit)| usize::from(value(condition, program, step) != 0.0) << bit).sum();
    index.min(program.steps.len().saturating_sub(1))
}

/// The value of an expression in postfix form; what is not well formed counts as 0.
fn value(expression: &Expression, program: &Program, step: u64) -> f64 {
    let mut stack: Vec<f64> = vec![];
    for operation in expression {
        let right = if operation.arity() > 0 { stack.pop().unwrap_or(0.0) } else { 0.0 };
        let left = if operation.arity() > 1 { stack.pop().unwrap_or(0.0) } else { 0.0 };
        stack.push(match operation {
            Operation::Register(_) => 0.0,
            Operation::Input(input) => {
                program.inputs.get(*input as usize).map_or(0.0, |input| input.default.to_f64())
            }
            Operation::Step => step as f64,
            Operation::Constant(constant) => constant.to_f64(),
            operation => applied(operation, left, right),
        });
    }
    stack.pop().unwrap_or(0.0)
}

/// One operation; the operand of one that takes a single operand is the right one.
fn applied(operation: &Operation, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match operation {
        Operation::Negate => -right,
        Operation::Not => truth(right == 0.0),
        Operation::SquareRoot => right.sqrt(),
        Operation::Log => right.ln(),
        Operation::Absolute => right.abs(),
        Operation::Floor => right.floor(),
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
        Operation::Divide => left / right,
        Operation::Power => left.powf(right),
        Operation::Minimum => left.min(right),
        Operation::Maximum => left.max(right),
        Operation::Mod => left - right * (left / right).floor(),
        Operation::Div => (left / right).floor(),
        Operation::Equal => truth(left == right),
        Operation::NotEqual => truth(left != right),
        Operation::Less => truth(left < right),
        Operation::LessEqual => truth(left <= right),
        Operation::Greater => truth(left > right),
        Operation::GreaterEqual => truth(left >= right),
        Operation::And => truth(left != 0.0 && right != 0.0),
        Operation::Or => truth(left != 0.0 || right != 0.0),
        Operation::Random => random::unit(left as i64 as u64, right as i64 as u64),
        Operation::Register(_) | Operation::Input(_) | Operation::Step | Operation::Constant(_) => 0.0,
    }
}
