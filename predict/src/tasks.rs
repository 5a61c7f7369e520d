//! A program becomes two queues, one of gradients and one of exchanges, and for each task what it waits for.
//!
//! A rank computes one gradient at a time and is in one exchange at a time, each in the program's order. An exchange begins
//! where the program begins it and a gradient waits for the exchanges that the program has finished before it: between the
//! two, both go on beside each other. Local expressions take no time.

use crate::condition;
use bfc_schedule::Program;
use bfc_schedule::program::{Block, Flight, Instruction, Operator, Shape, Transfer};
use std::collections::BTreeMap;

/// How many tasks of both queues are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Gradients.
    pub gradients: u32,
    /// Exchanges.
    pub exchanges: u32,
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
            flights: BTreeMap::new(),
            over: 0,
            shapes: &program.registers,
            phase: 0,
        };
        for step in 0..steps {
            if let Some(block) = program.steps.get(condition::block(program, u64::from(step))) {
                queue.run(block, step);
            }
            let end = Progress { gradients: queue.tasks.gradients.len() as u32, exchanges: queue.over };
            queue.tasks.ends.push(end);
        }
        queue.tasks
    }
}

struct Queue<'a> {
    tasks: Tasks,
    /// How many exchanges are over when a flight is.
    flights: BTreeMap<Flight, u32>,
    /// Exchanges that the rank has waited for.
    over: u32,
    shapes: &'a [Shape],
    phase: u64,
}

impl Queue<'_> {
    fn run(&mut self, block: &Block, step: u32) {
        for instruction in block {
            match instruction {
                Instruction::Exchange { operator: Operator::Own(_), .. } => {}
                Instruction::Exchange { operator, transfers } => {
                    self.over = self.exchange(*operator, transfers, step);
                }
                Instruction::Begin { flight, operator, transfers } => {
                    let over = self.exchange(*operator, transfers, step);
                    self.flights.insert(*flight, over);
                }
                Instruction::Finish { flight } => {
                    self.over = self.over.max(self.flights.remove(flight).unwrap_or(0));
                }
                asking if asking.asks() => self.tasks.gradients.push(Gradient { step, after: self.over }),
                _ => {}
            }
        }
        self.phase += u64::from(block.iter().any(|instruction| instruction.exchange().is_some()));
    }

    /// How many exchanges are over when this one is.
    fn exchange(&mut self, operator: Operator, transfers: &[Transfer], step: u32) -> u32 {
        let (mut vectors, mut scalars, mut others) = (0, 0, vec![]);
        for transfer in transfers {
            match self.shapes[transfer.from.0 as usize] {
                Shape::Vector | Shape::EdgeVector => vectors += 1,
                Shape::Scalar | Shape::EdgeScalar => scalars += 1,
                other => others.push(other),
            }
        }
        let (after, phase) = (self.tasks.gradients.len() as u32, self.phase);
        self.tasks.exchanges.push(Exchange { step, after, operator, phase, vectors, scalars, others });
        self.tasks.exchanges.len() as u32
    }
}
