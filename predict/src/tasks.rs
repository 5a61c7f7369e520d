//! A program becomes two queues, one of gradients and one of exchanges, and for each task what it waits for.
//!
//! A rank computes one gradient at a time and is in one exchange at a time, each in the program's order, but a gradient
//! and an exchange run beside each other where neither reads what the other writes (or writes what the other reads): an
//! exchange of models that were there before the gradient hides behind it. Local expressions take no time. As each
//! queue runs in order, to wait for some tasks is to wait for the last of them, so that a register is known by two
//! numbers: how many gradients and how many exchanges must be over before it may be read or written.

use crate::condition;
use bfc_schedule::Program;
use bfc_schedule::program::{Block, Instruction, Operation, Operator, Register, Shape};

/// How many tasks of both queues are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Gradients.
    pub gradients: u32,
    /// Exchanges.
    pub exchanges: u32,
}

impl Progress {
    fn join(self, other: Self) -> Self {
        Self {
            gradients: self.gradients.max(other.gradients),
            exchanges: self.exchanges.max(other.exchanges),
        }
    }
}

/// A gradient, or a step of the trainer's optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gradient {
    /// The step that it belongs to.
    pub step: u32,
    /// How many exchanges must be over.
    pub after: u32,
}

/// One exchange, whose transfers travel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The step that it belongs to.
    pub step: u32,
    /// How many gradients must be over.
    pub after: u32,
    /// What is computed.
    pub operator: Operator,
    /// Steps before it that communicated: the phase of each topology.
    pub phase: u64,
    /// Vectors in the message.
    pub vectors: u32,
    /// Numbers in the message.
    pub scalars: u32,
    /// What else is in the message: codes, and factors of differences.
    pub others: Vec<Shape>,
}

impl Exchange {
    /// The index of its phase, out of this number.
    pub(crate) fn phase_of(&self, phases: usize) -> usize {
        (self.phase % phases as u64) as usize
    }
}

/// The tasks of a number of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// In order.
    pub gradients: Vec<Gradient>,
    /// In order.
    pub exchanges: Vec<Exchange>,
    /// For each step how much of both queues is over when it is.
    pub ends: Vec<Progress>,
}

impl Tasks {
    /// The tasks of the first `steps` steps; run-time inputs have their defaults.
    pub fn new(program: &Program, steps: u32) -> Self {
        let mut queue = Queue {
            tasks: Self::default(),
            registers: vec![Times::default(); program.registers.len()],
            shapes: &program.registers,
            phase: 0,
        };
        for step in 0..steps {
            if let Some(block) = program.steps.get(condition::block(program, u64::from(step))) {
                queue.run(block, step);
            }
            let end = Progress {
                gradients: queue.tasks.gradients.len() as u32,
                exchanges: queue.tasks.exchanges.len() as u32,
            };
            queue.tasks.ends.push(end);
        }
        queue.tasks
    }
}

/// When a register may be read, and when it may be written.
#[derive(Clone, Copy, Default)]
struct Times {
    written: Progress,
    read: Progress,
}

struct Queue<'a> {
    tasks: Tasks,
    registers: Vec<Times>,
    shapes: &'a [Shape],
    phase: u64,
}

impl Queue<'_> {
    fn run(&mut self, block: &Block, step: u32) {
        let mut exchanged = false;
        for instruction in block {
            match instruction {
                Instruction::Parameters { into } => self.local(&[], *into),
                Instruction::Compute { into, expression } => {
                    let read = |operation: &Operation| match operation {
                        Operation::Register(register) => Some(*register),
                        _ => None,
                    };
                    self.local(&expression.iter().filter_map(read).collect::<Vec<_>>(), *into);
                }
                Instruction::Gradient { at, into } => self.gradient(&[*at], *into, step),
                Instruction::Adapt { at, direction, into } => {
                    let read: Vec<Register> = [*at].into_iter().chain(*direction).collect();
                    self.gradient(&read, *into, step);
                }
                Instruction::Prox { at, rho, into } => self.gradient(&[*at, *rho], *into, step),
                Instruction::Exchange { operator: Operator::Own(_), transfers } => {
                    transfers.iter().for_each(|transfer| self.local(&[transfer.from], transfer.into));
                    exchanged = true;
                }
                Instruction::Exchange { operator, transfers } => {
                    let read: Vec<Register> = transfers.iter().map(|transfer| transfer.from).collect();
                    let written: Vec<Register> = transfers.iter().map(|transfer| transfer.into).collect();
                    self.exchange(*operator, &read, &written, step);
                    exchanged = true;
                }
                Instruction::Swap(a, b) => self.registers.swap(a.0 as usize, b.0 as usize),
                Instruction::Dot { a, b, into } => self.local(&[*a, *b], *into),
                Instruction::Degree { into, .. } | Instruction::Start { into } => self.local(&[], *into),
                Instruction::Gather { from, into }
                | Instruction::Encode { from, into }
                | Instruction::Decode { from, into } => self.local(&[*from], *into),
                Instruction::Project { from, factor, into } => self.local(&[*from, *factor], *into),
                Instruction::Difference { mine, theirs, into } => self.local(&[*mine, *theirs], *into),
                Instruction::Correct { at, factor, difference, into } => {
                    self.local(&[*at, *factor, *difference], *into);
                }
            }
        }
        self.phase += u64::from(exchanged);
    }

    /// When something that reads and writes these registers may begin.
    fn begin(&self, read: &[Register], written: &[Register]) -> Progress {
        let times = |register: &Register| self.registers[register.0 as usize];
        let ready = read.iter().map(|register| times(register).written);
        let free = written.iter().map(|register| times(register).written.join(times(register).read));
        ready.chain(free).fold(Progress::default(), Progress::join)
    }

    fn end(&mut self, read: &[Register], written: &[Register], at: Progress) {
        for register in read {
            let times = &mut self.registers[register.0 as usize];
            times.read = times.read.join(at);
        }
        for register in written {
            self.registers[register.0 as usize] = Times { written: at, read: Progress::default() };
        }
    }

    fn local(&mut self, read: &[Register], into: Register) {
        let at = self.begin(read, &[into]);
        self.end(read, &[into], at);
    }

    fn gradient(&mut self, read: &[Register], into: Register, step: u32) {
        let after = self.begin(read, &[into]).exchanges;
        self.tasks.gradients.push(Gradient { step, after });
        let over = Progress { gradients: self.tasks.gradients.len() as u32, exchanges: 0 };
        self.end(read, &[into], over);
    }

    fn exchange(&mut self, operator: Operator, read: &[Register], written: &[Register], step: u32) {
        let after = self.begin(read, written).gradients;
        let (mut vectors, mut scalars, mut others) = (0, 0, vec![]);
        for register in read {
            match self.shapes[register.0 as usize] {
                Shape::Vector | Shape::EdgeVector => vectors += 1,
                Shape::Scalar | Shape::EdgeScalar => scalars += 1,
                other => others.push(other),
            }
        }
        let phase = self.phase;
        self.tasks.exchanges.push(Exchange { step, after, operator, phase, vectors, scalars, others });
        let over = Progress { gradients: 0, exchanges: self.tasks.exchanges.len() as u32 };
        self.end(read, written, over);
    }
}
