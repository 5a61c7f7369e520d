//! A program for one rank, compiled for an element type, and the run of its blocks up to the next question.

use crate::compression::{Draw, decode, encode, gossip};
use crate::element::Element;
use crate::error::{ExchangeKind, RuntimeError};
use crate::exchange::{Operands, Wire};
use crate::expression::{Scope, VectorExpression, scalar};
use crate::kernel;
use crate::plan::Plan;
use crate::registers::Registers;
use crate::transport::Transport;
use bfc_schedule::compression::LowRank;
use bfc_schedule::program::scalar::holds;
use bfc_schedule::program::{Expression, Instruction, Operator, Register, Shape};
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Average, Codec, Rank, program};

/// A program ready to run.
#[derive(Debug)]
pub(crate) struct Executable<T> {
    pub(crate) initial: Block,
    pub(crate) conditions: Vec<Expression>,
    pub(crate) steps: Vec<Block>,
    pub(crate) model: Block,
    /// For each topology its phases.
    topologies: Vec<Vec<Plan<T>>>,
    average: Option<Average>,
}

/// Instructions in order.
#[derive(Debug)]
pub(crate) struct Block {
    operations: Vec<Operation>,
    /// Whether ranks communicate in it.
    pub(crate) exchanges: bool,
}

/// An instruction with its registers resolved by shape.
#[derive(Debug)]
enum Operation {
    Parameters { into: usize },
    Vector { into: usize, expression: VectorExpression },
    Scalar { into: usize, expression: Expression },
    Edges { into: usize, expression: VectorExpression },
    EdgeScalars { into: usize, expression: Expression },
    Exchange { operator: Operator, operands: Operands },
    Ask(Question),
    Swap(usize, usize),
    Dot { a: usize, b: usize, into: usize },
    Degree { topology: usize, into: usize },
    Gather { from: usize, into: usize, vector: bool },
    Encode { codec: Codec, from: usize, into: usize },
    Decode { codec: Codec, from: usize, into: usize },
    Start { low_rank: LowRank, into: usize },
    Project { low_rank: LowRank, from: usize, factor: usize, into: usize },
    Difference { low_rank: LowRank, mine: usize, theirs: usize, into: usize },
    Correct { low_rank: LowRank, at: usize, factor: usize, difference: usize, into: usize },
}

/// What the trainer is asked; registers by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `into ←` the gradient at `at`.
    Gradient { at: usize, into: usize },
    /// `into ←` one step of the trainer's optimizer from `at`.
    Adapt { at: usize, direction: Option<usize>, into: usize },
    /// `into ← argmin_x f(x) + ρ/2 ‖x − at‖²`.
    Prox { at: usize, rho: usize, into: usize },
}

/// What a run of a block reads beside registers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Steps done.
    pub(crate) step: u64,
    /// Steps done that communicated: the phase of each topology.
    pub(crate) phase: u64,
    /// Whether the first step has begun.
    pub(crate) begun: bool,
}

impl<T: Element> Executable<T> {
    pub(crate) fn new(schedule: &RankSchedule) -> Self {
        let program = &schedule.program;
        let block = |block: &program::Block| Block::new(block, &program.registers);
        let phases = |plans: &Vec<_>| plans.iter().map(Plan::new).collect();
        Self {
            initial: block(&program.initial),
            conditions: program.conditions.clone(),
            steps: program.steps.iter().map(block).collect(),
            model: block(&program.model),
            topologies: schedule.topologies.iter().map(phases).collect(),
            average: schedule.average.clone(),
        }
    }

    /// The block of the step that begins.
    pub(crate) fn select(&self, scope: &Scope<'_>) -> usize {
        let bit =
            |(condition, bit): (&Expression, usize)| usize::from(holds(scalar(condition, scope))) << bit;
        self.conditions.iter().zip(0..).map(bit).sum()
    }

    /// Runs a block from `at` on; returns the question at which it stops and where it is, or `None` at the end.
    pub(crate) fn run<X: Transport>(
        &self,
        block: &Block,
        at: usize,
        registers: &mut Registers<'_, T>,
        surroundings: &mut Surroundings<'_, T, X>,
    ) -> Result<Option<(usize, Question)>, RuntimeError> {
        for (operation, index) in block.operations.iter().zip(0..).skip(at) {
            match operation {
                Operation::Ask(question) => return Ok(Some((index, *question))),
                Operation::Exchange { operator, operands } => {
                    self.exchange(*operator, operands, registers, surroundings)?
                }
                Operation::Degree { topology, into } => {
                    let (_, plan) = self.phase(*topology, surroundings.clock);
                    registers.scalars[*into] = plan.degree() as f64;
                }
                Operation::Encode { codec, from, into } => {
                    let rank = surroundings.wire.transport.rank().0;
                    let draw = Draw { step: surroundings.clock.step, rank };
                    encode(*codec, &registers.vectors[*from], draw, &mut registers.small.codes[*into]);
                }
                Operation::Difference { low_rank, mine, theirs, into } => {
                    let ends = (surroundings.wire.transport.rank(), self.edges());
                    let mut target = std::mem::take(&mut registers.vectors[*into]);
                    let vectors = [&registers.vectors[*mine][..], &registers.vectors[*theirs][..]];
                    gossip::difference(*low_rank, registers.length(), ends, vectors, &mut target);
                    registers.vectors[*into] = target;
                }
                Operation::Correct { low_rank, at, factor, difference, into } => {
                    let ends = (surroundings.wire.transport.rank(), self.edges());
                    let mut target = std::mem::take(&mut registers.vectors[*into]);
                    let vectors = [&registers.vectors[*factor][..], &registers.vectors[*difference][..]];
                    gossip::correct(*low_rank, &registers.vectors[*at], ends, vectors, &mut target);
                    registers.vectors[*into] = target;
                }
                local => {
                    local.run(registers, surroundings.initial, surroundings.inputs, surroundings.clock.step)
                }
            }
        }
        Ok(None)
    }

    /// Runs a block that neither communicates nor asks.
    pub(crate) fn run_local(
        &self,
        block: &Block,
        registers: &mut Registers<'_, T>,
        inputs: &[f64],
        step: u64,
    ) {
        block.operations.iter().for_each(|operation| operation.run(registers, &[], inputs, step));
    }

    fn exchange<X: Transport>(
        &self,
        operator: Operator,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
        surroundings: &mut Surroundings<'_, T, X>,
    ) -> Result<(), RuntimeError> {
        let (step, clock) = (surroundings.step(), surroundings.clock);
        let wire = &mut *surroundings.wire;
        match operator {
            Operator::Average => {
                let average = self.average.as_ref().expect("a checked schedule has the rounds it uses");
                wire.average(average, operands, registers, step)
            }
            Operator::Back => wire.back(self.edges(), operands, registers, step),
            Operator::Mix(topology)
            | Operator::Others(topology)
            | Operator::Own(topology)
            | Operator::Incoming(topology) => {
                let (phase, plan) = self.phase(topology as usize, clock);
                let exchange = ExchangeKind::Mix { topology, phase };
                wire.mix(plan.part(operator), operands, registers, step, exchange)
            }
        }
    }

    /// The present phase of a topology.
    fn phase(&self, topology: usize, clock: Clock) -> (u32, &Plan<T>) {
        let phases = &self.topologies[topology];
        let phase = (clock.phase % phases.len() as u64) as usize;
        (phase as u32, &phases[phase])
    }

    /// The only phase of the first topology.
    fn edges(&self) -> &Plan<T> {
        &self.topologies[0][0]
    }

    /// The edges that registers per edge belong to.
    pub(crate) fn neighbours(&self) -> Vec<Rank> {
        match self.topologies.first().map(Vec::as_slice) {
            Some([phase]) => phase.neighbours().collect(),
            _ => vec![],
        }
    }
}

/// What a block runs in.
pub(crate) struct Surroundings<'a, T, X> {
    pub(crate) wire: &'a mut Wire<X>,
    pub(crate) clock: Clock,
    pub(crate) inputs: &'a [f64],
    /// The trainer's initial parameters, as long as they may be asked for.
    pub(crate) initial: &'a [T],
}

impl<T, X> Surroundings<'_, T, X> {
    fn step(&self) -> Option<u64> {
        self.clock.begun.then_some(self.clock.step)
    }
}

impl Block {
    fn new(block: &program::Block, registers: &[Shape]) -> Self {
        let exchanges = block.iter().any(|instruction| matches!(instruction, Instruction::Exchange { .. }));
        let operations = block.iter().map(|instruction| Operation::new(instruction, registers)).collect();
        Self { operations, exchanges }
    }

    /// Whether the trainer is asked in it.
    pub(crate) fn asks(&self) -> bool {
        self.operations.iter().any(|operation| matches!(operation, Operation::Ask(_)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl Operation {
    fn new(instruction: &Instruction, registers: &[Shape]) -> Self {
        let index = |register: Register| register.0 as usize;
        match instruction {
            Instruction::Parameters { into } => Self::Parameters { into: index(*into) },
            Instruction::Compute { into, expression } => {
                let compiled = || VectorExpression::new(expression, *into, registers);
                match (registers[index(*into)], index(*into)) {
                    (Shape::EdgeVector, into) => Self::Edges { into, expression: compiled() },
                    (Shape::Scalar, into) => Self::Scalar { into, expression: expression.clone() },
                    (Shape::EdgeScalar, into) => Self::EdgeScalars { into, expression: expression.clone() },
                    (Shape::Vector | Shape::Code(_) | Shape::EdgeFactor(_), into) => {
                        Self::Vector { into, expression: compiled() }
                    }
                }
            }
            Instruction::Exchange { operator, transfers } => {
                Self::Exchange { operator: *operator, operands: Operands::new(transfers, registers) }
            }
            Instruction::Gradient { at, into } => {
                Self::Ask(Question::Gradient { at: index(*at), into: index(*into) })
            }
            Instruction::Adapt { at, direction, into } => Self::Ask(Question::Adapt {
                at: index(*at),
                direction: direction.map(index),
                into: index(*into),
            }),
            Instruction::Swap(a, b) => Self::Swap(index(*a), index(*b)),
            Instruction::Prox { at, rho, into } => {
                Self::Ask(Question::Prox { at: index(*at), rho: index(*rho), into: index(*into) })
            }
            Instruction::Dot { a, b, into } => Self::Dot { a: index(*a), b: index(*b), into: index(*into) },
            Instruction::Degree { topology, into } => {
                Self::Degree { topology: *topology as usize, into: index(*into) }
            }
            Instruction::Gather { from, into } => {
                let vector = registers[index(*from)] == Shape::EdgeVector;
                Self::Gather { from: index(*from), into: index(*into), vector }
            }
            Instruction::Encode { from, into } => {
                Self::Encode { codec: codec(registers, *into), from: index(*from), into: index(*into) }
            }
            Instruction::Decode { from, into } => {
                Self::Decode { codec: codec(registers, *from), from: index(*from), into: index(*into) }
            }
            Instruction::Start { into } => {
                Self::Start { low_rank: low_rank(registers, *into), into: index(*into) }
            }
            Instruction::Project { from, factor, into } => Self::Project {
                low_rank: low_rank(registers, *into),
                from: index(*from),
                factor: index(*factor),
                into: index(*into),
            },
            Instruction::Difference { mine, theirs, into } => Self::Difference {
                low_rank: low_rank(registers, *into),
                mine: index(*mine),
                theirs: index(*theirs),
                into: index(*into),
            },
            Instruction::Correct { at, factor, difference, into } => Self::Correct {
                low_rank: low_rank(registers, *factor),
                at: index(*at),
                factor: index(*factor),
                difference: index(*difference),
                into: index(*into),
            },
        }
    }

    /// Runs what concerns this rank alone.
    fn run<T: Element>(&self, registers: &mut Registers<'_, T>, initial: &[T], inputs: &[f64], step: u64) {
        match self {
            Self::Parameters { into } => registers.vectors[*into].copy_from_slice(initial),
            Self::Vector { into, expression } => {
                let mut target = std::mem::take(&mut registers.vectors[*into]);
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                expression.run(&mut target, 0, &registers.vectors, &scope);
                registers.vectors[*into] = target;
            }
            Self::Scalar { into, expression } => {
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                registers.scalars[*into] = scalar(expression, &scope);
            }
            Self::Edges { into, expression } => {
                let mut target = std::mem::take(&mut registers.vectors[*into]);
                for (edge, part) in target.chunks_exact_mut(registers.length().max(1)).enumerate() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    expression.run(part, edge, &registers.vectors, &scope);
                }
                registers.vectors[*into] = target;
            }
            Self::EdgeScalars { into, expression } => {
                for edge in 0..registers.small.edge_scalars[*into].len() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    registers.small.edge_scalars[*into][edge] = scalar(expression, &scope);
                }
            }
            Self::Swap(a, b) => registers.swap(*a, *b),
            Self::Dot { a, b, into } => {
                registers.scalars[*into] = kernel::dot(&registers.vectors[*a], &registers.vectors[*b]);
            }
            Self::Gather { from, into, vector: true } => {
                let mut sum = std::mem::take(&mut registers.vectors[*into]);
                sum.fill(T::default());
                let edges = registers.vectors[*from].chunks_exact(registers.length().max(1));
                edges.for_each(|edge| kernel::add(&mut sum, edge));
                registers.vectors[*into] = sum;
            }
            Self::Gather { from, into, vector: false } => {
                registers.scalars[*into] = registers.small.edge_scalars[*from].iter().sum();
            }
            Self::Decode { codec, from, into } => {
                let mut target = std::mem::take(&mut registers.vectors[*into]);
                decode(*codec, &registers.small.codes[*from], step, &mut target);
                registers.vectors[*into] = target;
            }
            Self::Start { low_rank, into } => {
                gossip::start(*low_rank, registers.length(), &mut registers.vectors[*into]);
            }
            Self::Project { low_rank, from, factor, into } => {
                let mut target = std::mem::take(&mut registers.vectors[*into]);
                gossip::project(
                    *low_rank,
                    &registers.vectors[*from],
                    &registers.vectors[*factor],
                    &mut target,
                );
                registers.vectors[*into] = target;
            }
            Self::Exchange { .. }
            | Self::Degree { .. }
            | Self::Encode { .. }
            | Self::Difference { .. }
            | Self::Correct { .. }
            | Self::Ask(_) => {
                unreachable!("{self:?} needs more than registers")
            }
        }
    }
}

fn codec(registers: &[Shape], code: Register) -> Codec {
    match registers[code.0 as usize] {
        Shape::Code(codec) => codec,
        other => unreachable!("a checked program reads codes from codes, not from a {}", other.name()),
    }
}

fn low_rank(registers: &[Shape], register: Register) -> LowRank {
    match registers[register.0 as usize] {
        Shape::EdgeFactor(low_rank) => low_rank,
        other => unreachable!("a checked program finds factors there, not a {}", other.name()),
    }
}
