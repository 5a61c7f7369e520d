//! A program for one rank, compiled for an element type, and the run of its blocks up to the next question.

use crate::element::Element;
use crate::error::{ExchangeKind, RuntimeError};
use crate::exchange::{Operands, Wire};
use crate::expression::{Scope, VectorExpression, scalar};
use crate::plan::Plan;
use crate::registers::Registers;
use crate::transport::Transport;
use bfc_schedule::program::{Expression, Instruction, Operator, Register, Shape};
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Average, program};

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
    Mix { topology: usize, operands: Operands },
    Average { operands: Operands },
    Ask(Question),
    Swap(usize, usize),
}

/// What the trainer is asked; registers by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `into ←` the gradient at `at`.
    Gradient { at: usize, into: usize },
    /// `into ←` one step of the trainer's optimizer from `at`.
    Adapt { at: usize, direction: Option<usize>, into: usize },
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
            |(condition, bit): (&Expression, usize)| ((scalar(condition, scope) != 0.0) as usize) << bit;
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
                Operation::Mix { topology, operands } => {
                    self.mix(*topology, operands, registers, surroundings)?
                }
                Operation::Average { operands } => {
                    let average = self.average.as_ref().expect("a checked schedule has the rounds it uses");
                    surroundings.wire.average(average, operands, registers, surroundings.step())?;
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

    fn mix<X: Transport>(
        &self,
        topology: usize,
        operands: &Operands,
        registers: &mut Registers<'_, T>,
        surroundings: &mut Surroundings<'_, T, X>,
    ) -> Result<(), RuntimeError> {
        let phases = &self.topologies[topology];
        let phase = (surroundings.clock.phase % phases.len() as u64) as usize;
        let exchange = ExchangeKind::Mix { topology: topology as u32, phase: phase as u32 };
        let step = surroundings.step();
        surroundings.wire.mix(&phases[phase], operands, registers, step, exchange)
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
            Instruction::Compute { into, expression } => match registers[index(*into)] {
                Shape::Vector => Self::Vector {
                    into: index(*into),
                    expression: VectorExpression::new(expression, *into, registers),
                },
                Shape::Scalar => Self::Scalar { into: index(*into), expression: expression.clone() },
            },
            Instruction::Exchange { operator, transfers } => {
                let operands = Operands::new(transfers, registers);
                match operator {
                    Operator::Mix(topology) => Self::Mix { topology: *topology as usize, operands },
                    Operator::Average => Self::Average { operands },
                }
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
        }
    }

    /// Runs what concerns this rank alone.
    fn run<T: Element>(&self, registers: &mut Registers<'_, T>, initial: &[T], inputs: &[f64], step: u64) {
        let Registers { vectors, scalars, .. } = registers;
        match self {
            Self::Parameters { into } => vectors[*into].copy_from_slice(initial),
            Self::Vector { into, expression } => {
                let mut target = std::mem::take(&mut vectors[*into]);
                expression.run(&mut target, vectors, &Scope { scalars, inputs, step });
                vectors[*into] = target;
            }
            Self::Scalar { into, expression } => {
                scalars[*into] = scalar(expression, &Scope { scalars, inputs, step });
            }
            Self::Swap(a, b) => {
                vectors.swap(*a, *b);
                scalars.swap(*a, *b);
            }
            Self::Mix { .. } | Self::Average { .. } | Self::Ask(_) => {
                unreachable!("{self:?} concerns others")
            }
        }
    }
}
