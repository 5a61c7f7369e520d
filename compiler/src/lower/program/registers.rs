//! Buffers for the values of a block, by liveness.
//!
//! A value goes where it can stay: into the register of the state that it becomes, if the old state is dead, else over
//! an operand that dies with it, else into any free buffer. What then stands in the wrong place is swapped, not copied.

use super::fuse::Flow;
use super::order::{Task, tasks};
use crate::model::algorithm::{ValueId, ValueKind};
use bfc_schedule::program::{Block, Instruction, Operation, Operator, Register, Shape, Transfer};

/// The registers of a program; blocks share them, one after the other.
pub(super) struct Registers {
    shapes: Vec<Shape>,
    /// The number of leading registers that survive between blocks.
    homes: usize,
}

impl Registers {
    /// Registers that survive between blocks; buffers are added as blocks need them.
    pub fn new(homes: Vec<Shape>) -> Self {
        Self { homes: homes.len(), shapes: homes }
    }

    /// The shapes of all registers.
    pub fn into_shapes(self) -> Vec<Shape> {
        self.shapes
    }

    /// The block that leaves each wanted value in its register, given what registers hold at the start.
    pub fn block(
        &mut self,
        flow: &Flow,
        held: &[(Register, ValueId)],
        wanted: &[(Register, ValueId)],
    ) -> Block {
        let mut planner = Planner::new(self, flow, held, wanted);
        tasks(flow).into_iter().for_each(|task| planner.task(task));
        planner.commit(wanted);
        planner.block
    }

    /// The block that computes `value` and changes no register that survives between blocks; and where it leaves it.
    pub fn block_beside_states(
        &mut self,
        flow: &Flow,
        held: &[(Register, ValueId)],
        value: ValueId,
    ) -> (Block, Register) {
        let mut planner = Planner::new(self, flow, held, &[]);
        planner.keep_homes = true;
        planner.remaining[value.0 as usize] += 1;
        tasks(flow).into_iter().for_each(|task| planner.task(task));
        let register = planner.register(value);
        (planner.block, register)
    }
}

struct Planner<'a> {
    registers: &'a mut Registers,
    flow: &'a Flow<'a>,
    /// The live value in each register.
    contents: Vec<Option<ValueId>>,
    /// Where each live value is.
    place: Vec<Option<Register>>,
    /// How many tasks still read a value; one more if it is wanted at the end.
    remaining: Vec<u32>,
    /// The register in which a value, or what is made of it, is wanted at the end.
    destination: Vec<Option<Register>>,
    keep_homes: bool,
    block: Block,
}

impl<'a> Planner<'a> {
    fn new(
        registers: &'a mut Registers,
        flow: &'a Flow<'a>,
        held: &[(Register, ValueId)],
        wanted: &[(Register, ValueId)],
    ) -> Self {
        let mut planner = Planner {
            contents: vec![None; registers.shapes.len()],
            registers,
            flow,
            place: vec![None; flow.len()],
            remaining: vec![0; flow.len()],
            destination: vec![None; flow.len()],
            keep_homes: false,
            block: vec![],
        };
        for &(register, value) in wanted.iter().rev() {
            planner.remaining[value.0 as usize] += 1;
            planner.destination[value.0 as usize] = Some(register);
        }
        for &id in flow.made.iter().rev() {
            let asks = matches!(flow.value(id).kind, ValueKind::Gradient(_) | ValueKind::Prox(..));
            for read in flow.reads(id) {
                planner.remaining[read.0 as usize] += 1;
                let inherited = planner.destination[id.0 as usize].filter(|_| !asks);
                let destination = &mut planner.destination[read.0 as usize];
                *destination = destination.or(inherited);
            }
        }
        for &(register, value) in held {
            if planner.remaining[value.0 as usize] > 0 {
                planner.put(value, register);
            }
        }
        planner
    }

    fn register(&self, value: ValueId) -> Register {
        self.place[value.0 as usize].expect("a value that is read is live")
    }

    fn put(&mut self, value: ValueId, register: Register) {
        self.contents[register.0 as usize] = Some(value);
        self.place[value.0 as usize] = Some(register);
    }

    /// Notes that a task has read `value`, and frees its register after the last.
    fn read(&mut self, value: ValueId) {
        self.remaining[value.0 as usize] -= 1;
        if self.remaining[value.0 as usize] == 0 {
            let register = self.register(value);
            self.contents[register.0 as usize] = None;
        }
    }

    fn dies_with_next_reader(&self, value: ValueId) -> bool {
        self.remaining[value.0 as usize] == 1
    }

    fn is_free(&self, register: Register, shape: Shape) -> bool {
        let index = register.0 as usize;
        let kept = self.keep_homes && index < self.registers.homes;
        self.registers.shapes[index] == shape && self.contents[index].is_none() && !kept
    }

    /// A free register for `value`: its destination, else the first of `preferred`, else a buffer, else another
    /// state's register, else a new one.
    fn allocate(&mut self, value: ValueId, preferred: &[Register]) -> Register {
        let shape = self.flow.value(value).shape;
        let homes = self.registers.homes as u16;
        let all = self.registers.shapes.len() as u16;
        let found = self.destination[value.0 as usize]
            .into_iter()
            .chain(preferred.iter().copied())
            .chain((homes..all).chain(0..homes).map(Register))
            .find(|&register| self.is_free(register, shape));
        let register = found.unwrap_or_else(|| {
            self.registers.shapes.push(shape);
            self.contents.push(None);
            Register(all)
        });
        self.put(value, register);
        register
    }

    fn task(&mut self, task: Task) {
        match task {
            Task::Parameters(id) => {
                let into = self.allocate(id, &[]);
                self.block.push(Instruction::Parameters { into });
            }
            Task::Compute(id) => self.compute(id),
            Task::Exchange(operator, made) => self.exchange(operator, &made),
            Task::Ask(id) => self.ask(id),
        }
    }

    fn compute(&mut self, id: ValueId) {
        if !matches!(self.flow.value(id).kind, ValueKind::Apply(..)) {
            return self.local(id);
        }
        let reads = self.flow.reads(id);
        let expression = self.flow.expression(id, |read| self.register(read));
        reads.iter().for_each(|&read| self.read(read));
        let freed: Vec<_> = reads.iter().map(|&read| self.register(read)).collect();
        let into = self.allocate(id, &freed);
        self.block.push(Instruction::Compute { into, expression });
    }

    /// What is local to the rank and not an expression; its result goes beside its operands.
    fn local(&mut self, id: ValueId) {
        let into = self.allocate(id, &[]);
        let at = |operand: ValueId| self.register(operand);
        let instruction = match self.flow.value(id).kind {
            ValueKind::Dot(a, b) => Instruction::Dot { a: at(a), b: at(b), into },
            ValueKind::Degree(topology) => Instruction::Degree { topology: topology as u32, into },
            ValueKind::Gather(from) => Instruction::Gather { from: at(from), into },
            ValueKind::Encode(_, from) => Instruction::Encode { from: at(from), into },
            ValueKind::Decode(from) => Instruction::Decode { from: at(from), into },
            ValueKind::Start => Instruction::Start { into },
            ValueKind::Project(from, factor) => {
                Instruction::Project { from: at(from), factor: at(factor), into }
            }
            ValueKind::Difference(mine, theirs) => {
                Instruction::Difference { mine: at(mine), theirs: at(theirs), into }
            }
            ValueKind::Correct(from, factor, difference) => {
                Instruction::Correct { at: at(from), factor: at(factor), difference: at(difference), into }
            }
            ref other => unreachable!("{other:?} is not local to a rank"),
        };
        self.block.push(instruction);
        self.flow.reads(id).into_iter().for_each(|read| self.read(read));
    }

    fn ask(&mut self, id: ValueId) {
        match self.flow.value(id).kind {
            ValueKind::Gradient(at) => {
                let (at, into) = (self.register(at), self.allocate(id, &[]));
                self.block.push(Instruction::Gradient { at, into });
            }
            ValueKind::Prox(at, rho) => {
                let (at, rho, into) = (self.register(at), self.register(rho), self.allocate(id, &[]));
                self.block.push(Instruction::Prox { at, rho, into });
            }
            _ => return self.adapt(id),
        }
        self.flow.reads(id).into_iter().for_each(|read| self.read(read));
    }

    fn adapt(&mut self, id: ValueId) {
        let ValueKind::Adapt(point, along) = self.flow.value(id).kind else { return };
        let at = self.register(point);
        let direction = along.map(|along| self.register(along));
        let in_place = self.dies_with_next_reader(point) && direction != Some(at);
        let before = if in_place { None } else { Some(self.allocate(id, &[])) };
        self.flow.reads(id).into_iter().for_each(|read| self.read(read));
        let into = before.unwrap_or(at);
        self.put(id, into);
        self.block.push(Instruction::Adapt { at, direction, into });
    }

    /// A value that dies is replaced in place; all others are copied out before anything is released, since no target
    /// may be another transfer's source.
    fn exchange(&mut self, operator: Operator, made: &[ValueId]) {
        let sources: Vec<_> = made.iter().map(|&id| self.flow.reads(id)[0]).collect();
        let mut transfers = vec![];
        for (&id, &source) in made.iter().zip(&sources) {
            let from = self.register(source);
            let same = self.flow.value(id).shape == self.flow.value(source).shape;
            let in_place = same && operator != Operator::Back && self.dies_with_next_reader(source);
            let into = if in_place { from } else { self.allocate(id, &[]) };
            transfers.push(Transfer { from, into });
        }
        sources.iter().for_each(|&source| self.read(source));
        made.iter().zip(&transfers).for_each(|(&id, transfer)| self.put(id, transfer.into));
        self.block.push(Instruction::Exchange { operator, transfers });
    }

    /// Moves what is wanted to where it is wanted.
    fn commit(&mut self, wanted: &[(Register, ValueId)]) {
        let wants = |register: Register, value: ValueId| wanted.contains(&(register, value));
        for &(target, value) in wanted {
            let place = self.register(value);
            if place == target || wants(place, value) {
                continue;
            }
            self.block.push(Instruction::Swap(target, place));
            let displaced = self.contents[target.0 as usize].take();
            self.contents[place.0 as usize] = displaced;
            if let Some(displaced) = displaced {
                self.place[displaced.0 as usize] = Some(place);
            }
            self.put(value, target);
        }
        for &(target, value) in wanted {
            let place = self.register(value);
            if place != target {
                let expression = vec![Operation::Register(place)];
                self.block.push(Instruction::Compute { into: target, expression });
            }
        }
    }
}
