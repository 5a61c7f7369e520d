//! Conditions of a program, which read no register, become truth values.

use bfc_schedule::Program;
use bfc_schedule::program::scalar::{evaluate, holds};
use bfc_schedule::program::{Expression, Operation};

/// The number of the block that a step runs, with inputs at their defaults.
pub(crate) fn block(program: &Program, step: u64) -> usize {
    let conditions = program.conditions.iter().zip(0..);
    let index: usize =
        conditions.map(|(condition, bit)| usize::from(holds(value(condition, program, step))) << bit).sum();
    index.min(program.steps.len().saturating_sub(1))
}

/// The value of a condition; what is not well formed counts as 0.
fn value(condition: &Expression, program: &Program, step: u64) -> f64 {
    let leaf = |operation: &Operation| match operation {
        Operation::Input(input) => {
            program.inputs.get(*input as usize).map_or(0.0, |input| input.default.to_f64())
        }
        Operation::Step => step as f64,
        Operation::Constant(constant) => constant.to_f64(),
        _ => 0.0,
    };
    evaluate(condition, leaf).unwrap_or(0.0)
}
