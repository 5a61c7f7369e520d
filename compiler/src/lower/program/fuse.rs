//! Which values of a block need a buffer; all others become parts of expressions.
//!
//! A value is stored if an exchange or the trainer makes or reads it, if it ends in a state, if several values read it
//! (so that it is computed once), or if the expression that it is part of would grow past a bound.

use crate::model::algorithm::{Algorithm, Value, ValueId, ValueKind};
use bfc_schedule::program::{Expression, Operation, Operator, Register};

/// The longest expression, in operations: what an executor keeps on its stack stays small.
pub(super) const LONGEST_EXPRESSION: usize = 64;

/// The part of a data-flow graph that one block computes.
pub(super) struct Flow<'a> {
    algorithm: &'a Algorithm,
    /// What must be in a register at the end.
    pub roots: Vec<ValueId>,
    /// For each value whether it is in a register from the start.
    pub held: Vec<bool>,
    stored: Vec<bool>,
    /// The stored values that the block makes, operands before their users.
    pub made: Vec<ValueId>,
}

impl<'a> Flow<'a> {
    /// The flow from the values `held` at the start to `roots`.
    pub fn new(algorithm: &'a Algorithm, held: Vec<ValueId>, roots: Vec<ValueId>) -> Self {
        let mut flow = Flow {
            algorithm,
            held: vec![false; algorithm.values.len()],
            stored: vec![false; algorithm.values.len()],
            made: vec![],
            roots,
        };
        held.iter().for_each(|value| flow.held[value.0 as usize] = true);
        let needed = flow.needed();
        flow.store_ends(&needed);
        flow.store_shared(&needed);
        flow.store_long(&needed);
        flow.made = needed.into_iter().filter(|id| flow.is_made(*id)).collect();
        flow
    }

    /// A value and its shape.
    pub fn value(&self, id: ValueId) -> &'a Value {
        self.algorithm.value(id)
    }

    /// The number of values of the whole graph.
    pub fn len(&self) -> usize {
        self.algorithm.values.len()
    }

    /// Whether the block makes this value and puts it in a register.
    pub fn is_made(&self, id: ValueId) -> bool {
        self.stored[id.0 as usize] && !self.held[id.0 as usize]
    }

    /// The linear map that makes the value, if one does.
    pub fn exchange(&self, id: ValueId) -> Option<Operator> {
        match self.value(id).kind {
            ValueKind::Mix(topology, _) => Some(Operator::Mix(topology as u32)),
            ValueKind::Others(topology, _) => Some(Operator::Others(topology as u32)),
            ValueKind::Own(topology, _) => Some(Operator::Own(topology as u32)),
            ValueKind::Incoming(topology, _) => Some(Operator::Incoming(topology as u32)),
            ValueKind::Back(_) => Some(Operator::Back),
            ValueKind::Average(_) => Some(Operator::Average),
            _ => None,
        }
    }

    /// The distinct stored values that are read when `id` is made, ascending.
    pub fn reads(&self, id: ValueId) -> Vec<ValueId> {
        let kind = &self.value(id).kind;
        let mut reads = kind.operands();
        if matches!(kind, ValueKind::Apply(..)) {
            let mut open = std::mem::take(&mut reads);
            while let Some(operand) = open.pop() {
                match self.in_register(operand) {
                    true => reads.push(operand),
                    false => open.extend(self.value(operand).kind.operands()),
                }
            }
        }
        reads.sort();
        reads.dedup();
        reads
    }

    /// What computes `id` from registers; `id` must be an element-wise value.
    pub fn expression(&self, id: ValueId, register: impl Fn(ValueId) -> Register) -> Expression {
        postfix(self.algorithm, id, |operand| self.in_register(operand).then(|| register(operand)))
    }

    /// Whether expressions read the value from a register; constants and the like are written out instead.
    fn in_register(&self, id: ValueId) -> bool {
        let index = id.0 as usize;
        self.held[index] || (self.stored[index] && !is_leaf(self.value(id)))
    }

    fn needed(&self) -> Vec<ValueId> {
        let mut reached = vec![false; self.len()];
        let mut open = self.roots.clone();
        while let Some(id) = open.pop() {
            let index = id.0 as usize;
            if !reached[index] && !self.held[index] {
                reached[index] = true;
                open.extend(self.value(id).kind.operands());
            }
        }
        (0..self.len() as u32).map(ValueId).filter(|id| reached[id.0 as usize]).collect()
    }

    fn store_ends(&mut self, needed: &[ValueId]) {
        for id in self.roots.clone() {
            self.stored[id.0 as usize] = true;
        }
        for &id in needed {
            let kind = &self.value(id).kind;
            if !matches!(kind, ValueKind::Apply(..)) {
                self.stored[id.0 as usize] = true;
                kind.operands().iter().for_each(|operand| self.stored[operand.0 as usize] = true);
            }
        }
    }

    fn store_shared(&mut self, needed: &[ValueId]) {
        let mut readers = vec![0u32; self.len()];
        for &id in needed {
            self.value(id).kind.operands().iter().for_each(|operand| readers[operand.0 as usize] += 1);
        }
        for &id in needed {
            if readers[id.0 as usize] > 1 && !is_leaf(self.value(id)) {
                self.stored[id.0 as usize] = true;
            }
        }
    }

    fn store_long(&mut self, needed: &[ValueId]) {
        let mut length = vec![1usize; self.len()];
        for &id in needed {
            let ValueKind::Apply(_, operands) = &self.value(id).kind else { continue };
            let part = |flow: &Self, operand: ValueId| {
                if flow.in_register(operand) { 1 } else { length[operand.0 as usize] }
            };
            let total = |flow: &Self| 1 + operands.iter().map(|&operand| part(flow, operand)).sum::<usize>();
            while total(self) > LONGEST_EXPRESSION {
                let longest = operands.iter().copied().max_by_key(|&operand| part(self, operand));
                let Some(longest) = longest.filter(|&operand| part(self, operand) > 1) else { break };
                self.stored[longest.0 as usize] = true;
            }
            length[id.0 as usize] = total(self);
        }
    }
}

/// A value that reads no register, written out in full.
pub(super) fn inline(algorithm: &Algorithm, id: ValueId) -> Expression {
    postfix(algorithm, id, |_| None)
}

fn is_leaf(value: &Value) -> bool {
    matches!(&value.kind, ValueKind::Apply(_, operands) if operands.is_empty())
}

/// Operands before their operation; `register` says which operands are read instead of written out.
fn postfix(algorithm: &Algorithm, id: ValueId, register: impl Fn(ValueId) -> Option<Register>) -> Expression {
    enum Open {
        WriteOut(ValueId),
        Operand(ValueId),
        Operation(Operation),
    }
    let mut expression = vec![];
    let mut open = vec![Open::WriteOut(id)];
    while let Some(next) = open.pop() {
        match next {
            Open::Operation(operation) => expression.push(operation),
            Open::Operand(operand) => match register(operand) {
                Some(register) => expression.push(Operation::Register(register)),
                None => open.push(Open::WriteOut(operand)),
            },
            Open::WriteOut(id) => {
                let ValueKind::Apply(operation, operands) = &algorithm.value(id).kind else {
                    unreachable!("all that is not element-wise is in a register");
                };
                open.push(Open::Operation(operation.clone()));
                open.extend(operands.iter().rev().map(|&operand| Open::Operand(operand)));
            }
        }
    }
    expression
}
