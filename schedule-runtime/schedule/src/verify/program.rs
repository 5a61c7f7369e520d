//! A program is well formed: whatever its inputs, it runs without a fault and writes what it should.

use super::{BlockName, MOST_CONDITIONS, Position, Report, VerifyError};
use crate::program::{Block, Expression, Instruction, Operation, Operator, Register, Shape, Transfer};
use crate::{Codec, Program};
use std::collections::BTreeMap;

pub(super) fn check(program: &Program, topologies: usize, average: bool, report: &mut Report) {
    names(program, report);
    codecs(program, report);
    let at = Position { block: BlockName::Initial, instruction: 0 };
    let defined = vec![false; program.registers.len()];
    let mut states = defined.clone();
    for (_, register) in &program.states {
        if let Some(state) = states.get_mut(register.0 as usize) {
            *state = true;
        }
    }
    let mut checker = Checker { program, topologies, average, report, states, defined, at };
    checker.block(BlockName::Initial, &program.initial);
    if checker.conditions() {
        for (number, block) in program.steps.iter().enumerate() {
            checker.block(BlockName::Step(number), block);
        }
    }
    checker.block(BlockName::Model, &program.model);
    checker.read_vector(program.model_register);
}

/// Names and state registers are distinct, and no state is a code.
fn names(program: &Program, report: &mut Report) {
    let mut named = BTreeMap::new();
    for input in &program.inputs {
        if named.insert(input.name.as_str(), ()).is_some() {
            let (first, second) = (input.name.clone(), input.name.clone());
            report.push(VerifyError::Duplicate { first, second });
        }
    }
    let (mut named, mut held) = (BTreeMap::new(), BTreeMap::new());
    for (state, register) in &program.states {
        if let Some(Shape::Code(_)) = program.registers.get(register.0 as usize) {
            report.push(VerifyError::CodeState { state: state.clone() });
        }
        let same = named.insert(state.as_str(), state).or(held.insert(*register, state));
        if let Some(first) = same {
            report.push(VerifyError::Duplicate { first: first.clone(), second: state.clone() });
        }
    }
}

fn codecs(program: &Program, report: &mut Report) {
    for (register, shape) in program.registers.iter().enumerate() {
        let codec = match *shape {
            Shape::Code(codec) => codec,
            Shape::EdgeFactor(low_rank) => Codec::LowRank(low_rank),
            _ => continue,
        };
        if !codec.is_valid() {
            report.push(VerifyError::Codec { register: Register(register as u16), codec: codec.to_string() });
        }
    }
}

struct Checker<'a> {
    program: &'a Program,
    topologies: usize,
    average: bool,
    report: &'a mut Report,
    /// The registers that states hold.
    states: Vec<bool>,
    /// The registers that have a value here.
    defined: Vec<bool>,
    at: Position,
}

impl Checker<'_> {
    /// Whether there is a block for each of their truth assignments.
    fn conditions(&mut self) -> bool {
        let (conditions, found) = (self.program.conditions.len(), self.program.steps.len());
        if conditions > MOST_CONDITIONS || found != 1 << conditions {
            self.report.push(VerifyError::Blocks { conditions, found });
            return false;
        }
        for (number, expression) in self.program.conditions.iter().enumerate() {
            self.at = Position { block: BlockName::Condition, instruction: number };
            match expression.iter().find_map(Operation::register) {
                Some(register) => self.report.push(VerifyError::Condition { condition: number, register }),
                None => drop(self.expression(expression)),
            }
        }
        true
    }

    fn block(&mut self, block: BlockName, instructions: &Block) {
        match block {
            BlockName::Initial => self.defined.fill(false),
            _ => self.defined.clone_from(&self.states),
        }
        for (number, instruction) in instructions.iter().enumerate() {
            if self.report.is_full() {
                return;
            }
            self.at = Position { block, instruction: number };
            self.place(instruction);
            self.instruction(instruction);
        }
        self.at = Position { block, instruction: instructions.len() };
        for (state, register) in &self.program.states {
            if self.defined.get(register.0 as usize) != Some(&true) {
                self.report.push(VerifyError::LostState { block, state: state.clone() });
            }
        }
    }

    /// Whether the instruction may stand in this block.
    fn place(&mut self, instruction: &Instruction) {
        let model = self.at.block == BlockName::Model;
        let what = match instruction {
            Instruction::Parameters { .. } if self.at.block != BlockName::Initial => {
                "read the initial parameters"
            }
            Instruction::Exchange { .. } | Instruction::Begin { .. } | Instruction::Finish { .. }
                if model =>
            {
                "exchange"
            }
            asking if model && asking.asks() => "ask the trainer",
            Instruction::Degree { .. }
            | Instruction::Start { .. }
            | Instruction::Project { .. }
            | Instruction::Difference { .. }
            | Instruction::Correct { .. }
                if model =>
            {
                "look at a topology"
            }
            Instruction::Encode { .. } if model => "write a code",
            Instruction::Compute { into, .. }
            | Instruction::Dot { into, .. }
            | Instruction::Gather { into, .. }
            | Instruction::Decode { into, .. }
                if model && self.is_state(*into) =>
            {
                "write a state"
            }
            Instruction::Swap(a, b) if model && (self.is_state(*a) || self.is_state(*b)) => "write a state",
            _ => return,
        };
        self.report.push(VerifyError::Misplaced { at: self.at, what });
    }

    fn is_state(&self, register: Register) -> bool {
        self.states.get(register.0 as usize) == Some(&true)
    }

    fn instruction(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::Parameters { into } => self.write_vector(*into),
            Instruction::Compute { into, expression } => {
                let shape = self.expression(expression);
                let target = self.write(*into);
                if let (Some(shape), Some(target)) = (shape, target)
                    && shape.join(target) != Some(target)
                {
                    self.shape(shape.name(), target.name());
                }
            }
            Instruction::Exchange { operator, transfers }
            | Instruction::Begin { operator, transfers, .. } => {
                self.operator(*operator);
                self.transfers(*operator, transfers);
            }
            Instruction::Finish { .. } => {}
            Instruction::Gradient { at, into } => {
                self.read_vector(*at);
                self.alias(*into, *at);
                self.write_vector(*into);
            }
            Instruction::Adapt { at, direction, into } => {
                self.read_vector(*at);
                if let Some(direction) = direction {
                    self.read_vector(*direction);
                    self.alias(*into, *direction);
                }
                self.write_vector(*into);
            }
            Instruction::Swap(a, b) => self.swap(*a, *b),
            Instruction::Prox { at, rho, into } => {
                self.read_vector(*at);
                self.expect(*rho, Shape::Scalar);
                self.alias(*into, *at);
                self.write_vector(*into);
            }
            Instruction::Dot { a, b, into } => {
                self.read_vector(*a);
                self.read_vector(*b);
                self.leave(*into, Shape::Scalar);
            }
            Instruction::Degree { topology, into } => {
                self.topology(*topology);
                self.leave(*into, Shape::Scalar);
            }
            Instruction::Gather { from, into } => match self.read(*from) {
                Some(Shape::EdgeVector) => self.leave(*into, Shape::Vector),
                Some(Shape::EdgeScalar) => self.leave(*into, Shape::Scalar),
                Some(other) => self.shape(other.name(), "vector per edge"),
                None => {}
            },
            Instruction::Encode { from, into } => {
                self.read_vector(*from);
                self.code(*into);
                self.write(*into);
            }
            Instruction::Decode { from, into } => {
                self.read(*from);
                self.code(*from);
                self.write_vector(*into);
            }
            Instruction::Start { into } => {
                let shape = self.write(*into);
                self.factors([shape]);
            }
            Instruction::Project { from, factor, into } => {
                self.read_vector(*from);
                let shapes = [self.read(*factor), self.write(*into)];
                self.factors(shapes);
                self.alias(*into, *factor);
            }
            Instruction::Difference { mine, theirs, into } => {
                let shapes = [self.read(*mine), self.read(*theirs), self.write(*into)];
                self.factors(shapes);
                self.alias(*into, *mine);
                self.alias(*into, *theirs);
            }
            Instruction::Correct { at, factor, difference, into } => {
                self.read_vector(*at);
                let shapes = [self.read(*factor), self.read(*difference)];
                self.factors(shapes);
                self.alias(*into, *at);
                self.write_vector(*into);
            }
        }
    }

    fn operator(&mut self, operator: Operator) {
        if let Some(topology) = operator.topology() {
            self.topology(topology);
        }
        if operator == Operator::Average && !self.average {
            self.report.push(VerifyError::AverageMissing { at: self.at })
        }
    }

    fn topology(&mut self, topology: u32) {
        if topology as usize >= self.topologies {
            let (at, topologies) = (self.at, self.topologies);
            self.report.push(VerifyError::Topology { at, topology, topologies });
        }
    }

    /// Whether an operator makes one shape of the other.
    fn maps(&mut self, operator: Operator, from: Shape, into: Shape) {
        let expected = match (operator, from) {
            (Operator::Back, Shape::EdgeVector | Shape::EdgeScalar | Shape::EdgeFactor(_)) => from,
            (Operator::Back, _) => return self.shape(from.name(), "vector per edge"),
            (_, Shape::EdgeVector | Shape::EdgeScalar | Shape::EdgeFactor(_)) => {
                return self.shape(from.name(), "vector");
            }
            (Operator::Average, Shape::Code(_)) => return self.shape("code", "vector"),
            (_, Shape::Code(_)) => Shape::Vector,
            (_, other) => other,
        };
        if into != expected {
            self.shape(expected.name(), into.name());
        }
    }

    fn transfers(&mut self, operator: Operator, transfers: &[Transfer]) {
        if transfers.is_empty() {
            self.report.push(VerifyError::NoTransfer { at: self.at });
        }
        let mut sources: BTreeMap<Register, usize> = BTreeMap::new();
        for transfer in transfers {
            *sources.entry(transfer.from).or_default() += 1;
            let (from, into) = (self.read(transfer.from), self.in_range(transfer.into));
            if let (Some(from), Some(into)) = (from, into) {
                self.maps(operator, from, into);
            }
        }
        let mut targets = BTreeMap::new();
        for transfer in transfers {
            let others = sources[&transfer.from] - 1;
            let read = match sources.get(&transfer.into) {
                Some(_) if transfer.into == transfer.from => others > 0 || operator == Operator::Back,
                read => read.is_some(),
            };
            if targets.insert(transfer.into, ()).is_some() || read {
                self.report.push(VerifyError::Alias { at: self.at, register: transfer.into });
            }
            self.write(transfer.into);
        }
    }

    fn swap(&mut self, a: Register, b: Register) {
        if let (Some(first), Some(second)) = (self.in_range(a), self.in_range(b)) {
            if first != second {
                self.shape(first.name(), second.name());
            }
            if a == b {
                self.report.push(VerifyError::Alias { at: self.at, register: a });
            }
            self.defined.swap(a.0 as usize, b.0 as usize);
        }
    }

    /// The shape of an expression's value, where it has one.
    fn expression(&mut self, expression: &Expression) -> Option<Shape> {
        let (mut stack, mut known) = (Vec::new(), true);
        for operation in expression {
            let shape = match operation {
                Operation::Register(register) => {
                    let shape = self.read(*register);
                    known &= shape.is_some();
                    shape.unwrap_or(Shape::Scalar)
                }
                Operation::Input(input) => {
                    self.input(*input);
                    Shape::Scalar
                }
                _ => Shape::Scalar,
            };
            let Some(rest) = stack.len().checked_sub(operation.arity()) else {
                let found = stack.len() as i64 - operation.arity() as i64;
                self.report.push(VerifyError::Stack { at: self.at, found });
                return None;
            };
            let operands: Vec<Shape> = stack.drain(rest..).chain([shape]).collect();
            let joined = operands.iter().try_fold(Shape::Scalar, |joined, operand| joined.join(*operand));
            let Some(joined) = joined else {
                let found = operands.iter().find(|operand| operand.join(Shape::Scalar).is_none());
                self.shape(found.map_or("code", |found| found.name()), "vector");
                return None;
            };
            stack.push(joined);
        }
        if stack.len() != 1 {
            self.report.push(VerifyError::Stack { at: self.at, found: stack.len() as i64 });
            return None;
        }
        stack.pop().filter(|_| known)
    }

    fn input(&mut self, input: u16) {
        let inputs = self.program.inputs.len();
        if input as usize >= inputs {
            self.report.push(VerifyError::Input { at: self.at, input, inputs });
        }
    }

    fn in_range(&mut self, register: Register) -> Option<Shape> {
        let shape = self.program.registers.get(register.0 as usize).copied();
        if shape.is_none() {
            let registers = self.program.registers.len();
            self.report.push(VerifyError::Register { at: self.at, register, registers });
        }
        shape
    }

    fn read(&mut self, register: Register) -> Option<Shape> {
        let shape = self.in_range(register)?;
        if !std::mem::replace(&mut self.defined[register.0 as usize], true) {
            self.report.push(VerifyError::Undefined { at: self.at, register });
        }
        Some(shape)
    }

    fn write(&mut self, register: Register) -> Option<Shape> {
        let shape = self.in_range(register)?;
        self.defined[register.0 as usize] = true;
        Some(shape)
    }

    fn read_vector(&mut self, register: Register) {
        self.expect(register, Shape::Vector);
    }

    fn write_vector(&mut self, register: Register) {
        self.leave(register, Shape::Vector);
    }

    /// Reads a register, which has this shape.
    fn expect(&mut self, register: Register, expected: Shape) {
        if let Some(found) = self.read(register).filter(|found| *found != expected) {
            self.shape(found.name(), expected.name());
        }
    }

    /// Writes a register, which has this shape.
    fn leave(&mut self, register: Register, expected: Shape) {
        if let Some(found) = self.write(register).filter(|found| *found != expected) {
            self.shape(found.name(), expected.name());
        }
    }

    /// Registers of these shapes hold factors per edge, all of one size.
    fn factors<const N: usize>(&mut self, shapes: [Option<Shape>; N]) {
        let (factors, others): (Vec<Shape>, Vec<Shape>) =
            shapes.into_iter().flatten().partition(|shape| matches!(shape, Shape::EdgeFactor(_)));
        others.iter().for_each(|other| self.shape(other.name(), "factor per edge"));
        if factors.windows(2).any(|pair| pair[0] != pair[1]) {
            self.shape("factor per edge of another size", "factor per edge");
        }
    }

    fn code(&mut self, register: Register) {
        match self.program.registers.get(register.0 as usize) {
            Some(Shape::Code(_)) | None => {}
            Some(other) => self.shape(other.name(), "code"),
        }
    }

    fn alias(&mut self, into: Register, read: Register) {
        if into == read {
            self.report.push(VerifyError::Alias { at: self.at, register: into });
        }
    }

    fn shape(&mut self, found: &'static str, expected: &'static str) {
        self.report.push(VerifyError::Shape { at: self.at, found, expected });
    }
}
