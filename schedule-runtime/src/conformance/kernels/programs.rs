//! Programs whose assignments kernels compute.

use super::super::schedules::{X, program};
use bfc_schedule::Rational;
use bfc_schedule::program::{Expression, Instruction, Operation, Program, Register, Shape};
use bfc_schedule::random::output;

/// Logarithms, and powers with exponents of each kind.
pub(super) fn powers() -> Program {
    use Operation::*;
    let [x, y] = [0, 1].map(|register| Operation::Register(self::Register(register)));
    let power = |exponent: Operation| vec![x.clone(), exponent, Power];
    let mut expressions = vec![vec![x.clone(), Log], power(y.clone()), vec![y, Absolute, x.clone(), Power]];
    expressions.extend(
        [Rational::new(1, 3u8), Rational::integer(3), Rational::new(-5, 2u8)].map(Constant).map(power),
    );
    let assign = |expression| Instruction::Compute { into: self::Register(2), expression };
    program("powers", vec![Shape::Vector; 3], vec![("x", X)], expressions.into_iter().map(assign).collect())
}

/// A program of expressions over vectors, one of which is a point, scalars and vectors per edge.
pub(super) fn drawn_program(seed: u64) -> Program {
    let shapes = vec![Shape::Vector, Shape::Vector, Shape::Vector, Shape::Scalar, Shape::EdgeVector];
    let expressions = (0..60u64).map(|number| {
        let into = Register(if number % 5 == 0 { 4 } else { (number % 3) as u16 });
        let mut draws = (0..).map(|key| output(seed, number << 32 | key));
        Instruction::Compute { into, expression: expression(&mut draws, 4, into == Register(4)) }
    });
    program("drawn", shapes, vec![("x", X)], expressions.collect())
}

fn expression(draws: &mut impl Iterator<Item = u64>, depth: u32, edges: bool) -> Expression {
    let mut draw = |below: u64| draws.next().expect("endless") % below;
    if depth == 0 || draw(8) == 0 {
        return vec![match draw(if edges { 7 } else { 6 }) {
            0..3 => Operation::Register(Register(draw(3) as u16)),
            3 => Operation::Register(Register(3)),
            4 => Operation::Constant(Rational::new(draw(9) as i64 - 4, 3u8)),
            5 => Operation::Step,
            _ => Operation::Register(Register(4)),
        }];
    }
    let without_text = [Operation::Log, Operation::Power];
    let operations: Vec<_> =
        Operation::PLAIN.into_iter().filter(|operation| !without_text.contains(operation)).collect();
    let choice = draw(operations.len() as u64 + 1) as usize;
    let mut text = expression(draws, depth - 1, edges);
    match operations.get(choice) {
        Some(operation) => {
            if operation.arity() == 2 {
                text.extend(expression(draws, depth - 1, edges));
            }
            text.push(operation.clone());
        }
        None => text.extend([Operation::Constant(Rational::integer(2)), Operation::Power]),
    }
    text
}
