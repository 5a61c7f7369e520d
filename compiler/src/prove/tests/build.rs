//! Algorithms by hand.

use crate::model::algorithm::{Algorithm, State, Value, ValueId, ValueKind};
use bfc_schedule::Rational;
use bfc_schedule::program::{Input, Operation, Shape};

/// Adds values one by one.
pub(crate) struct Builder {
    values: Vec<Value>,
    states: usize,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self { values: vec![], states: 0 }
    }

    pub(crate) fn push(&mut self, kind: ValueKind) -> ValueId {
        self.values.push(Value { kind, shape: Shape::Vector });
        ValueId(self.values.len() as u32 - 1)
    }

    pub(crate) fn apply(&mut self, operation: Operation, operands: &[ValueId]) -> ValueId {
        self.push(ValueKind::Apply(operation, operands.to_vec()))
    }

    pub(crate) fn step(&mut self) -> ValueId {
        self.apply(Operation::Step, &[])
    }

    pub(crate) fn number(&mut self, numerator: i64, denominator: i64) -> ValueId {
        self.apply(Operation::Constant(Rational::new(numerator, denominator)), &[])
    }

    pub(crate) fn state(&mut self) -> ValueId {
        self.states += 1;
        self.push(ValueKind::State(self.states - 1))
    }

    pub(crate) fn mix(&mut self, value: ValueId) -> ValueId {
        self.push(ValueKind::Mix(0, value))
    }

    /// θ v + (1 − θ) W v.
    pub(crate) fn lazy(&mut self, value: ValueId, numerator: i64, denominator: i64) -> ValueId {
        let mixed = self.mix(value);
        let (own, other) = (self.times(value, numerator, denominator), denominator - numerator);
        let other = self.times(mixed, other, denominator);
        self.add(own, other)
    }

    pub(crate) fn gradient(&mut self, value: ValueId) -> ValueId {
        self.push(ValueKind::Gradient(value))
    }

    pub(crate) fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.apply(Operation::Add, &[a, b])
    }

    pub(crate) fn subtract(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.apply(Operation::Subtract, &[a, b])
    }

    pub(crate) fn times(&mut self, a: ValueId, numerator: i64, denominator: i64) -> ValueId {
        let factor = self.number(numerator, denominator);
        self.apply(Operation::Multiply, &[factor, a])
    }

    /// v − lr g, lr being an input.
    pub(crate) fn descend(&mut self, value: ValueId, direction: ValueId) -> ValueId {
        let rate = self.apply(Operation::Input(0), &[]);
        let step = self.apply(Operation::Multiply, &[rate, direction]);
        self.subtract(value, step)
    }

    pub(crate) fn finish(self) -> Algorithm {
        self.conditional(vec![], vec![vec![]])
    }

    /// The algorithm whose step gives the states these values.
    pub(crate) fn algorithm(self, next: &[ValueId]) -> Algorithm {
        self.conditional(vec![], vec![next.to_vec()])
    }

    pub(crate) fn conditional(mut self, conditions: Vec<ValueId>, steps: Vec<Vec<ValueId>>) -> Algorithm {
        let initial = self.push(ValueKind::Parameters);
        let state = |index: usize| State { name: format!("s{index}"), shape: Shape::Vector, initial };
        Algorithm {
            name: "a".into(),
            asynchronous: None,
            topologies: vec!["W".into()],
            inputs: vec![Input { name: "lr".into(), default: Rational::new(1, 10) }],
            reals: vec![],
            numbers: vec![],
            rounds: vec![],
            states: (0..self.states).map(state).collect(),
            conditions,
            steps,
            model: initial,
            requires: vec![],
            values: self.values,
        }
    }
}

/// ψ' = x − lr ∇f(x), x' = M (ψ' + x − ψ) with M = W, or (1 + W) / 2 where `damped`.
pub(crate) fn diffusion(damped: bool) -> Algorithm {
    let mut b = Builder::new();
    let (x, psi) = (b.state(), b.state());
    let gradient = b.gradient(x);
    let next = b.descend(x, gradient);
    let sum = b.add(next, x);
    let corrected = b.subtract(sum, psi);
    let mixed = if damped { b.lazy(corrected, 1, 2) } else { b.mix(corrected) };
    b.algorithm(&[mixed, next])
}
