//! The data-flow graph under construction: the same expression is one value, and what needs no arithmetic has none.

use crate::model::algorithm::{Value, ValueId, ValueKind};
use bfc_schedule::Rational;
use bfc_schedule::program::{Operation, Shape};
use std::collections::HashMap;

/// Values so far.
#[derive(Default)]
pub(super) struct Graph {
    pub values: Vec<Value>,
    ids: HashMap<Value, ValueId>,
    /// For each value its length when written out without sharing.
    lengths: Vec<u64>,
}

/// A number known now, or one known at run time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Constant(Rational),
    Value(ValueId),
}

impl Graph {
    /// The value of this kind and shape.
    pub fn value(&mut self, kind: ValueKind, shape: Shape) -> ValueId {
        let value = Value { kind, shape };
        if let Some(&id) = self.ids.get(&value) {
            return id;
        }
        let id = ValueId(self.values.len() as u32);
        let length = match &value.kind {
            ValueKind::Apply(_, operands) => operands
                .iter()
                .fold(1, |sum: u64, operand| sum.saturating_add(self.lengths[operand.0 as usize])),
            _ => 1,
        };
        self.lengths.push(length);
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    /// How a value comes about.
    pub fn kind(&self, id: ValueId) -> &ValueKind {
        &self.values[id.0 as usize].kind
    }

    /// What a value is.
    pub fn shape(&self, id: ValueId) -> Shape {
        self.values[id.0 as usize].shape
    }

    /// How long the value is when written out without sharing.
    pub fn length(&self, id: ValueId) -> u64 {
        self.lengths[id.0 as usize]
    }

    /// The same number everywhere.
    pub fn constant(&mut self, number: Rational, shape: Shape) -> ValueId {
        self.value(ValueKind::Apply(Operation::Constant(number), vec![]), shape)
    }

    /// A leaf such as the step number.
    pub fn scalar(&mut self, operation: Operation) -> ValueId {
        self.value(ValueKind::Apply(operation, vec![]), Shape::Scalar)
    }

    /// An operation on operands of any shape.
    pub fn apply(&mut self, operation: Operation, operands: Vec<ValueId>) -> ValueId {
        // Codes are never operands: what is compressed is a vector again at once.
        let join = |shape: Shape, operand: &ValueId| shape.join(self.shape(*operand)).unwrap_or(shape);
        let shape = operands.iter().fold(Shape::Scalar, join);
        self.value(ValueKind::Apply(operation, operands), shape)
    }

    /// The operand as a value of this shape; `None` where that would make a scalar of a vector, or the like.
    pub fn shaped(&mut self, operand: Operand, shape: Shape) -> Option<ValueId> {
        match operand {
            Operand::Constant(number) => Some(self.constant(number, shape)),
            Operand::Value(id) if self.shape(id) == shape => Some(id),
            Operand::Value(id) if self.shape(id).join(shape) == Some(shape) => {
                let one = self.constant(Rational::one(), shape);
                Some(self.apply(Operation::Multiply, vec![id, one]))
            }
            Operand::Value(_) => None,
        }
    }

    /// The operand as it is.
    pub fn plain(&mut self, operand: Operand) -> ValueId {
        match operand {
            Operand::Constant(number) => self.constant(number, Shape::Scalar),
            Operand::Value(id) => id,
        }
    }

    /// `-a`.
    pub fn negate(&mut self, a: ValueId) -> ValueId {
        match self.kind(a) {
            ValueKind::Apply(Operation::Negate, operands) => operands[0],
            _ => self.apply(Operation::Negate, vec![a]),
        }
    }

    /// `a operation b`, at least one of them known at run time only. Adding 0, multiplying by 0 and 1 and the like
    /// are left out; nothing is reordered.
    pub fn binary(&mut self, operation: Operation, a: Operand, b: Operand) -> Operand {
        use Operand::{Constant, Value};
        let is = |operand: &Operand, number: &Rational| matches!(operand, Constant(c) if c == number);
        let (zero, one) = (Rational::zero(), Rational::one());
        match operation {
            Operation::Add if is(&a, &zero) => b,
            Operation::Add | Operation::Subtract if is(&b, &zero) => a,
            Operation::Multiply if is(&a, &zero) || is(&b, &zero) => Constant(zero),
            Operation::Multiply if is(&a, &one) => b,
            Operation::Multiply | Operation::Divide | Operation::Power if is(&b, &one) => a,
            Operation::Power if is(&b, &zero) => Constant(one),
            Operation::Subtract if is(&a, &zero) => {
                let b = self.plain(b);
                Value(self.negate(b))
            }
            _ => {
                let operands = vec![self.plain(a), self.plain(b)];
                Value(self.apply(operation, operands))
            }
        }
    }

    /// `a + b`, exact where both are known.
    pub fn plus(&mut self, a: Operand, b: Operand) -> Operand {
        match (a, b) {
            (Operand::Constant(a), Operand::Constant(b)) => Operand::Constant(&a + &b),
            (a, b) => self.binary(Operation::Add, a, b),
        }
    }

    /// `a * b`, exact where both are known.
    pub fn times(&mut self, a: Operand, b: Operand) -> Operand {
        match (a, b) {
            (Operand::Constant(a), Operand::Constant(b)) => Operand::Constant(&a * &b),
            (a, b) => self.binary(Operation::Multiply, a, b),
        }
    }

    /// A value that `id` depends on and that ranks do not share, if there is one: the last in the order of the graph.
    pub fn not_uniform(&self, id: ValueId) -> Option<ValueId> {
        let mut seen = vec![false; id.0 as usize + 1];
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            match self.kind(id) {
                ValueKind::Apply(_, operands) => open.extend(operands),
                _ => return Some(id),
            }
        }
        None
    }
}
