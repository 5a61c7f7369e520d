//! A program for one rank, and the run of its blocks up to the next question.

use crate::error::{ExchangeKind, Place, RuntimeError};
use crate::exchange::{Begun, Coded, Done, Exchange, Lane, Map, Operand};
use crate::expression::{Scope, VectorExpression, scalar};
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::registers::{Bucket, Registers};
use crate::storage::with_computed;
use crate::trace::Asked;
use crate::transport::Transport;
use bfc_schedule::compression::LowRank;
use bfc_schedule::program::scalar::holds;
use bfc_schedule::program::{Expression, Flight, Instruction, Operator, Register, Shape, Transfer};
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Average, Rank, program};
use std::collections::BTreeMap;
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

/// An instruction with its registers resolved by shape.
#[derive(Debug)]
enum Operation {
    Parameters { into: usize },
    Vector { into: usize, expression: VectorExpression },
    Scalar { into: usize, expression: Expression },
    Edges { into: usize, expression: VectorExpression },
    EdgeScalars { into: usize, expression: Expression },
    Exchange { operator: Operator, operands: Arc<Operands> },
    Begin { flight: Flight, operator: Operator, operands: Arc<Operands> },
    Finish { flight: Flight },
    Ask(Question),
    Swap(usize, usize),
    Dot { a: usize, b: usize, into: usize },
    Degree { topology: usize, into: usize },
    Gather { from: usize, into: usize, vector: bool },
    Encode { from: usize, into: usize },
    Decode { from: usize, into: usize },
    Start { low_rank: LowRank, into: usize },
    Project { low_rank: LowRank, from: usize, factor: usize, into: usize },
    Difference { low_rank: LowRank, mine: usize, theirs: usize, into: usize },
    Correct { low_rank: LowRank, at: usize, factor: usize, difference: usize, into: usize },
}

/// What can be done for one bucket before others are there: local operations, then an exchange.
struct Ahead<'a> {
    local: &'a [Operation],
    exchange: Option<(Operator, &'a Arc<Operands>)>,
}

/// The operands of an exchange by shape; pairs of (from, into), registers by index.
#[derive(Debug)]
struct Operands {
    /// Vectors, or vectors or factors per edge.
    vectors: Vec<(usize, usize)>,
    /// Codes, and the vectors that they become.
    codes: Vec<(usize, usize)>,
    scalars: Vec<(usize, usize)>,
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

impl Question {
    /// What a trace calls it.
    pub(crate) fn asked(self) -> Asked {
        match self {
            Self::Gradient { .. } => Asked::Gradient,
            Self::Adapt { .. } => Asked::Adapt,
            Self::Prox { .. } => Asked::Prox,
        }
    }

    /// The point that it is about.
    pub(crate) fn at(self) -> usize {
        match self {
            Self::Gradient { at, .. } | Self::Adapt { at, .. } | Self::Prox { at, .. } => at,
        }
    }

    /// Where the answer goes.
    pub(crate) fn answer(self) -> usize {
        match self {
            Self::Gradient { into, .. } | Self::Adapt { into, .. } | Self::Prox { into, .. } => into,
        }
    }
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

/// What is in flight.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    open: BTreeMap<Flight, Vec<Flying>>,
    /// Of buckets whose answer was there before that of others.
    ahead: Vec<Flying>,
}

/// One bucket's part of a flight.
#[derive(Debug)]
struct Flying {
    bucket: usize,
    begun: Begun<Done>,
    operands: Arc<Operands>,
    operator: Operator,
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
            parts: registers.codes[from].parts.clone(),
            dtype: registers.dtype,
            source: registers.codes[from].bytes.clone(),
            target: registers.vectors[into].take(),
            step: clock.step,
        });
        Exchange { place, deadline, map, vectors, codes: codes.collect(), scalars }
    }
}

impl Flights {
    /// Waits for all of them and drops what they worked on: the machine is lost.
    pub(crate) fn abandon(&mut self) {
        let open = std::mem::take(&mut self.open).into_values().flatten();
        open.chain(std::mem::take(&mut self.ahead)).for_each(|flying| flying.begun.abandon());
    }

    /// Waits for a flight, where it goes on.
    pub(crate) fn finish(&mut self, flight: Flight, registers: &mut Registers) -> Result<(), RuntimeError> {
        finish(self.open.remove(&flight).unwrap_or_default(), registers)
    }

    /// Waits for all of them.
    pub(crate) fn finish_all(&mut self, registers: &mut Registers) -> Result<(), RuntimeError> {
        let open = std::mem::take(&mut self.open).into_values().flatten();
        finish(open.chain(std::mem::take(&mut self.ahead)), registers)
    }
}

/// Waits for exchanges, and puts what they worked on in its place; the first failure.
fn finish(flying: impl IntoIterator<Item = Flying>, registers: &mut Registers) -> Result<(), RuntimeError> {
    let mut result = Ok(());
    for Flying { bucket, begun, operands, operator } in flying {
        let (exchange, done) = begun.finish();
        operands.put_back(exchange, bucket, operator, registers);
        result = result.and(done);
    }
    result
}

impl Operands {
    fn new(transfers: &[Transfer], registers: &[Shape]) -> Self {
        let mut operands = Self { vectors: vec![], codes: vec![], scalars: vec![] };
        for transfer in transfers {
            let pair = (transfer.from.0 as usize, transfer.into.0 as usize);
            match registers[pair.0] {
                Shape::Vector | Shape::EdgeVector | Shape::EdgeFactor(_) => operands.vectors.push(pair),
                Shape::Scalar | Shape::EdgeScalar => operands.scalars.push(pair),
                Shape::Code(_) => operands.codes.push(pair),
            }
        }
        operands
    }

    /// The numbers that travel; those for one neighbour together, where each neighbour gets its own.
    fn scalars_sent(&self, operator: Operator, registers: &Registers) -> Vec<f64> {
        let sources = self.scalars.iter().map(|&(from, _)| from);
        match operator {
            Operator::Back => {
                let edges = |at: usize| sources.clone().map(move |from| registers.edge_scalars[from][at]);
                let neighbours = sources.clone().map(|from| registers.edge_scalars[from].len()).max();
                (0..neighbours.unwrap_or(0)).flat_map(edges).collect()
            }
            _ => sources.map(|from| registers.scalars[from]).collect(),
        }
    }

    /// Puts what an exchange worked on in its place.
    fn put_back(&self, exchange: Exchange, bucket: usize, operator: Operator, registers: &mut Registers) {
        let targets = self.vectors.iter().chain(&self.codes).map(|&(_, into)| into);
        let Exchange { vectors, codes, scalars, .. } = exchange;
        let buffers = vectors.into_iter().map(|operand| operand.target);
        for (into, buffer) in targets.zip(buffers.chain(codes.into_iter().map(|coded| coded.target))) {
            registers.buckets[bucket].vectors[into] = buffer;
        }
        if bucket > 0 {
            return;
        }
        let numbers = self.scalars.len();
        for (index, &(_, into)) in self.scalars.iter().enumerate() {
            match operator {
                Operator::Back => {
                    for (at, number) in registers.edge_scalars[into].iter_mut().enumerate() {
                        *number = scalars[at * numbers + index];
                    }
                }
                _ => registers.scalars[into] = scalars[index],
            }
        }
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
                Self::Exchange { operator: *operator, operands: Operands::new(transfers, registers).into() }
            }
            Instruction::Begin { flight, operator, transfers } => {
                let operands = Operands::new(transfers, registers).into();
                Self::Begin { flight: *flight, operator: *operator, operands }
            }
            Instruction::Finish { flight } => Self::Finish { flight: *flight },
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
            Instruction::Encode { from, into } => Self::Encode { from: index(*from), into: index(*into) },
            Instruction::Decode { from, into } => Self::Decode { from: index(*from), into: index(*into) },
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

    /// Whether it does the same to each bucket, apart from all others.
    fn is_by_bucket(&self) -> bool {
        matches!(self, Self::Vector { .. } | Self::Encode { .. } | Self::Decode { .. })
    }

    /// Runs what concerns one bucket of this rank.
    fn run_by_bucket(&self, bucket: &mut Bucket, scope: &Scope<'_>, rank: Rank) {
        match self {
            Self::Vector { into, expression } => bucket.compute(expression, *into, scope),
            Self::Encode { from, into } => {
                with_computed!(bucket.dtype, T => bucket.encode::<T>(*from, *into, scope.step, rank.0));
            }
            Self::Decode { from, into } => {
                with_computed!(bucket.dtype, T => bucket.decode::<T>(*from, *into, scope.step));
            }
            _ => unreachable!("{self:?} needs all buckets"),
        }
    }

    /// Runs what concerns this rank alone.
    fn run(&self, registers: &mut Registers, inputs: &[f64], step: u64, rank: Rank) {
        if self.is_by_bucket() {
            let Registers { scalars, buckets, .. } = registers;
            let scope = Scope { scalars, inputs, step };
            return buckets.iter_mut().for_each(|bucket| self.run_by_bucket(bucket, &scope, rank));
        }
        match self {
            Self::Scalar { into, expression } => {
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                registers.scalars[*into] = scalar(expression, &scope);
            }
            Self::Edges { into, expression } => {
                for edge in 0..registers.edges() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    for bucket in &mut registers.buckets {
                        bucket.compute_edge(expression, *into, edge, &scope);
                    }
                }
            }
            Self::EdgeScalars { into, expression } => {
                for edge in 0..registers.edge_scalars[*into].len() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    registers.edge_scalars[*into][edge] = scalar(expression, &scope);
                }
            }
            Self::Swap(a, b) => registers.swap(*a, *b),
            Self::Dot { a, b, into } => registers.scalars[*into] = registers.dot(*a, *b),
            Self::Gather { from, into, vector: true } => {
                registers.buckets.iter_mut().for_each(|bucket| bucket.gather(*from, *into));
            }
            Self::Gather { from, into, vector: false } => {
                registers.scalars[*into] = registers.edge_scalars[*from].iter().sum();
            }
            Self::Start { low_rank, into } => {
                for bucket in &mut registers.buckets {
                    with_computed!(bucket.dtype, T => bucket.start::<T>(*low_rank, *into));
                }
            }
            Self::Project { low_rank, from, factor, into } => {
                for bucket in &mut registers.buckets {
                    with_computed!(bucket.dtype, T => bucket.project::<T>(*low_rank, [*from, *factor], *into));
                }
            }
            Self::Vector { .. }
            | Self::Encode { .. }
            | Self::Decode { .. }
            | Self::Parameters { .. }
            | Self::Exchange { .. }
            | Self::Begin { .. }
            | Self::Finish { .. }
            | Self::Degree { .. }
            | Self::Difference { .. }
            | Self::Correct { .. }
            | Self::Ask(_) => {
                unreachable!("{self:?} needs more than registers")
            }
        }
    }
}

fn low_rank(registers: &[Shape], register: Register) -> LowRank {
    match registers[register.0 as usize] {
        Shape::EdgeFactor(low_rank) => low_rank,
        other => unreachable!("a checked program finds factors there, not a {}", other.name()),
    }
}
