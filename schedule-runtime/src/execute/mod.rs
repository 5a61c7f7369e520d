//! A program for one rank, and the run of its blocks up to the next question.
//!
//! | file | what |
//! |---|---|
//! | `operation` | instructions with their registers, and those that need nothing but registers |
//! | `flight` | what exchanges take out of registers and put back |

mod flight;
mod operation;

pub(crate) use flight::Flights;
pub(crate) use operation::Question;

use crate::error::{ExchangeKind, Place, RuntimeError};
use crate::exchange::{Coded, Exchange, Lane, Map, Operand};
use crate::expression::{Scope, scalar};
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::registers::Registers;
use crate::storage::with_computed;
use crate::transport::Transport;
use bfc_schedule::program::scalar::holds;
use bfc_schedule::program::{Expression, Operator, Shape};
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Average, Rank, program};
use flight::{Flying, Operands, finish};
use operation::Operation;
use std::sync::Arc;
use std::time::Duration;

/// A program ready to run.
#[derive(Debug)]
pub(crate) struct Executable {
    pub(crate) initial: Block,
    pub(crate) conditions: Vec<Expression>,
    pub(crate) steps: Vec<Block>,
    pub(crate) model: Block,
    /// For each topology its phases.
    topologies: Vec<Vec<Arc<Plan>>>,
    average: Option<Arc<Average>>,
}

/// Instructions in order.
#[derive(Debug)]
pub(crate) struct Block {
    operations: Vec<Operation>,
    /// Whether ranks communicate in it.
    pub(crate) exchanges: bool,
}

/// What can be done for one bucket before others are there: local operations, then an exchange.
struct Ahead<'a> {
    local: &'a [Operation],
    exchange: Option<(Operator, &'a Arc<Operands>)>,
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

/// What a block runs in.
pub(crate) struct Surroundings<'a, X> {
    pub(crate) executable: &'a Executable,
    pub(crate) rank: Rank,
    pub(crate) clock: Clock,
    /// The longest wait for a peer.
    pub(crate) deadline: Duration,
    pub(crate) inputs: &'a [f64],
    /// The trainer's initial parameters by bucket, as long as they may be asked for.
    pub(crate) initial: &'a [Buffer],
    pub(crate) registers: &'a mut Registers,
    pub(crate) lane: &'a mut Lane<X>,
    pub(crate) flights: &'a mut Flights,
}

impl Executable {
    pub(crate) fn new(schedule: &RankSchedule) -> Self {
        let program = &schedule.program;
        let block = |block: &program::Block| Block::new(block, &program.registers);
        let phases = |plans: &Vec<_>| plans.iter().map(|plan| Arc::new(Plan::new(plan))).collect();
        Self {
            initial: block(&program.initial),
            conditions: program.conditions.clone(),
            steps: program.steps.iter().map(block).collect(),
            model: block(&program.model),
            topologies: schedule.topologies.iter().map(phases).collect(),
            average: schedule.average.clone().map(Arc::new),
        }
    }

    /// The block of the step that begins.
    pub(crate) fn select(&self, scope: &Scope<'_>) -> usize {
        let bit =
            |(condition, bit): (&Expression, usize)| usize::from(holds(scalar(condition, scope))) << bit;
        self.conditions.iter().zip(0..).map(bit).sum()
    }

    /// The present phase of a topology.
    fn phase(&self, topology: usize, clock: Clock) -> (u32, &Arc<Plan>) {
        let phases = &self.topologies[topology];
        let phase = (clock.phase % phases.len() as u64) as usize;
        (phase as u32, &phases[phase])
    }

    /// The only phase of the first topology.
    fn edges(&self) -> &Arc<Plan> {
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

impl<X: Transport + Send + 'static> Surroundings<'_, X> {
    /// Runs a block from `at` on; returns the question at which it stops and where it is, or `None` at the end.
    pub(crate) fn run(
        &mut self,
        block: &Block,
        at: usize,
    ) -> Result<Option<(usize, Question)>, RuntimeError> {
        for (operation, index) in block.operations.iter().zip(0..).skip(at) {
            match operation {
                Operation::Ask(question) => return Ok(Some((index, *question))),
                Operation::Exchange { operator, operands } => {
                    for bucket in 0..self.registers.buckets.len() {
                        let mut exchange = self.exchange(*operator, operands, bucket);
                        let result = self.lane.exchange(&mut exchange);
                        operands.put_back(exchange, bucket, *operator, self.registers);
                        result?;
                    }
                }
                Operation::Begin { flight, operator, operands } => {
                    for bucket in 0..self.registers.buckets.len() {
                        let flying = self.begin(*operator, operands, bucket);
                        self.flights.open.entry(*flight).or_default().push(flying);
                    }
                }
                Operation::Finish { flight } => {
                    self.flights.finish(*flight, self.registers)?;
                }
                Operation::Degree { topology, into } => {
                    let (_, plan) = self.executable.phase(*topology, self.clock);
                    self.registers.scalars[*into] = plan.degree() as f64;
                }
                Operation::Difference { low_rank, mine, theirs, into } => {
                    let ends = (self.rank, &**self.executable.edges());
                    for bucket in &mut self.registers.buckets {
                        with_computed!(bucket.dtype, T => {
                            bucket.difference::<T>(*low_rank, ends, [*mine, *theirs], *into);
                        });
                    }
                }
                Operation::Correct { low_rank, at, factor, difference, into } => {
                    let ends = (self.rank, &**self.executable.edges());
                    for bucket in &mut self.registers.buckets {
                        with_computed!(bucket.dtype, T => {
                            bucket.correct::<T>(*low_rank, ends, [*at, *factor, *difference], *into);
                        });
                    }
                }
                Operation::Parameters { into } => {
                    for (bucket, initial) in self.registers.buckets.iter_mut().zip(self.initial) {
                        bucket.vectors[*into].copy_from(initial);
                    }
                }
                local => local.run(self.registers, self.inputs, self.clock.step, self.rank),
            }
        }
        Ok(None)
    }

    fn begin(&mut self, operator: Operator, operands: &Arc<Operands>, bucket: usize) -> Flying {
        let exchange = self.exchange(operator, operands, bucket);
        Flying { bucket, begun: self.lane.begin_exchange(exchange), operands: operands.clone(), operator }
    }

    /// What follows the question at `at`, as far as it concerns one bucket at a time: up to the next exchange, which begins.
    pub(crate) fn ahead(&mut self, block: &Block, at: usize, bucket: usize) {
        let Ahead { local, exchange } = block.ahead(at);
        let Registers { scalars, buckets, .. } = &mut *self.registers;
        let scope = Scope { scalars, inputs: self.inputs, step: self.clock.step };
        for operation in local {
            operation.run_by_bucket(&mut buckets[bucket], &scope, self.rank);
        }
        if let Some((operator, operands)) = exchange {
            let flying = self.begin(operator, operands, bucket);
            self.flights.ahead.push(flying);
        }
    }

    /// Once [`ahead`](Self::ahead) has been done for all buckets: where to go on.
    pub(crate) fn join(&mut self, block: &Block, at: usize) -> Result<usize, RuntimeError> {
        let Ahead { local, exchange } = block.ahead(at);
        let next = at + 1 + local.len();
        let flying = std::mem::take(&mut self.flights.ahead);
        match block.operations.get(next) {
            Some(Operation::Begin { flight, .. }) => {
                self.flights.open.insert(*flight, flying);
            }
            _ => finish(flying, self.registers)?,
        }
        Ok(next + usize::from(exchange.is_some()))
    }

    /// One bucket's part of an exchange, with what it works on taken out of the registers. Numbers travel with the first.
    fn exchange(&mut self, operator: Operator, operands: &Operands, bucket: usize) -> Exchange {
        let Self { executable, rank, clock, deadline, ref mut registers, .. } = *self;
        let (kind, map) = match operator {
            Operator::Average => {
                let average = executable.average.as_ref().expect("a checked schedule has the rounds it uses");
                (ExchangeKind::Average, Map::Average(average.clone()))
            }
            Operator::Back => {
                (ExchangeKind::Mix { topology: 0, phase: 0 }, Map::Back(executable.edges().clone()))
            }
            Operator::Mix(topology)
            | Operator::Others(topology)
            | Operator::Own(topology)
            | Operator::Incoming(topology) => {
                let (phase, plan) = executable.phase(topology as usize, clock);
                (ExchangeKind::Mix { topology, phase }, Map::Mix(plan.clone(), operator))
            }
        };
        let several = registers.buckets.len() > 1;
        let place = Place {
            rank,
            step: clock.begun.then_some(clock.step),
            exchange: kind,
            bucket: several.then_some(bucket as u32),
            round: 0,
        };
        let scalars = match bucket {
            0 => operands.scalars_sent(operator, registers),
            _ => vec![],
        };
        let registers = &mut registers.buckets[bucket];
        let vectors = operands.vectors.iter().map(|&(from, into)| Operand {
            source: (from != into).then(|| registers.vectors[from].clone()),
            target: registers.vectors[into].take(),
        });
        let vectors = vectors.collect();
        let codes = operands.codes.iter().map(|&(from, into)| Coded {
            coding: registers.codes[from].coding.clone(),
            dtype: registers.dtype,
            source: registers.codes[from].bytes.clone(),
            target: registers.vectors[into].take(),
            step: clock.step,
        });
        Exchange { place, deadline, map, vectors, codes: codes.collect(), scalars }
    }
}

impl Block {
    fn new(block: &program::Block, registers: &[Shape]) -> Self {
        let exchanges = block.iter().any(|instruction| instruction.exchange().is_some());
        let operations = block.iter().map(|instruction| Operation::new(instruction, registers)).collect();
        Self { operations, exchanges }
    }

    /// Whether the trainer is asked in it.
    pub(crate) fn asks(&self) -> bool {
        self.operations.iter().any(|operation| matches!(operation, Operation::Ask(_)))
    }

    /// Whether the trainer is asked at this instruction.
    pub(crate) fn asks_at(&self, at: usize) -> bool {
        matches!(self.operations.get(at), Some(Operation::Ask(_)))
    }

    /// What follows the question at `at` and needs no other bucket.
    fn ahead(&self, at: usize) -> Ahead<'_> {
        let rest = &self.operations[at + 1..];
        let local = rest.iter().take_while(|operation| operation.is_by_bucket()).count();
        let exchange = match rest.get(local) {
            Some(
                Operation::Exchange { operator, operands } | Operation::Begin { operator, operands, .. },
            ) => Some((*operator, operands)),
            _ => None,
        };
        Ahead { local: &rest[..local], exchange }
    }

    /// Runs a block that neither communicates nor asks.
    pub(crate) fn run_local(&self, registers: &mut Registers, inputs: &[f64], step: u64, rank: Rank) {
        self.operations.iter().for_each(|operation| operation.run(registers, inputs, step, rank));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}
