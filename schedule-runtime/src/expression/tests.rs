//! Expressions on vectors of several storage types, which no program asks for yet.

use super::{Scope, VectorExpression};
use crate::storage::{Slice, Storage};
use bfc_schedule::program::scalar::Number;
use bfc_schedule::program::{Operation, Register, Shape};
use bfc_schedule::random::unit;
use half::{bf16, f16};

fn drawn<S: Storage>(length: usize, seed: u64) -> Vec<S> {
    (0..length as u64).map(|place| S::store(Number::from_f64(unit(seed, place) - 0.5))).collect()
}

/// The nearest number in the arithmetic of the target.
fn read<S: Storage, U: Storage>(x: U) -> S::Arithmetic {
    Number::from_f64(x.load().to_f64())
}

/// `target <- x - r * y`, where x is the target or a vector of its own; r is a scalar.
fn check<S: Storage, X: Storage, Y: Storage>(length: usize) {
    let registers = [Shape::Vector, Shape::Vector, Shape::Vector, Shape::Scalar];
    let scope = Scope { scalars: &[0.0, 0.0, 0.0, 0.1], inputs: &[], step: 0 };
    let (x, y) = (drawn::<X>(length, 1), drawn::<Y>(length, 2));
    let vector = |register: usize| if register == 1 { Slice::of(&x) } else { Slice::of(&y) };
    let operand = |register| Operation::Register(Register(register));
    let product = [operand(3), operand(2), Operation::Multiply, Operation::Subtract];
    let factor: S::Arithmetic = Number::from_f64(0.1);
    for reads_target in [false, true] {
        let first = if reads_target { 0 } else { 1 };
        let expression = [&[operand(first)], &product[..]].concat();
        let before: Vec<S> = drawn(length, 3);
        let mut target = before.clone();
        VectorExpression::new(&expression, Register(0), &registers).run_on(&mut target, 0, vector, &scope);
        for (place, &found) in target.iter().enumerate() {
            let first = if reads_target { before[place].load() } else { read::<S, X>(x[place]) };
            let expected = S::store(first - factor * read::<S, Y>(y[place]));
            assert_eq!(found, expected, "{:?} from {:?}, {:?} at {place}", S::DTYPE, X::DTYPE, Y::DTYPE);
        }
    }
}

#[test]
fn vectors_of_several_types_are_computed_in_the_arithmetic_of_the_target() {
    for length in [0, 1, 1000, 1024, 2100] {
        check::<bf16, bf16, f32>(length);
        check::<f16, bf16, f16>(length);
        check::<f32, bf16, f16>(length);
        check::<f32, f32, f64>(length);
        check::<f64, f32, bf16>(length);
        check::<f64, f64, f64>(length);
    }
}

#[test]
fn an_edge_has_its_part_of_a_vector_per_edge() {
    let registers = [Shape::EdgeVector, Shape::EdgeVector, Shape::Vector];
    let operand = |register| Operation::Register(Register(register));
    let expression = [operand(1), operand(2), Operation::Add];
    let compiled = VectorExpression::new(&expression, Register(0), &registers);
    let (edges, vector) = ([1f32, 2.0, 3.0, 4.0], [10f32, 20.0]);
    let read = |register| if register == 1 { Slice::of(&edges) } else { Slice::of(&vector) };
    let scope = Scope { scalars: &[], inputs: &[], step: 0 };
    let mut target = [0f32; 2];
    compiled.run_on(&mut target, 1, read, &scope);
    assert_eq!(target, [13.0, 24.0]);
}
