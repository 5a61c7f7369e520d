//! A rank of a run whose model lies on a GPU: the program of a schedule, its vectors in device buckets, and a trainer that works
//! there.
//!
//! Everything is queued: the host waits only where the program needs a number of all ranks (inner products, sums of numbers)
//! or the trainer does. Messages travel on the link's stream, between an event of this machine's stream and one that it
//! waits for, so that an exchange between `Begin` and `Finish` goes on while a gradient is computed.

use super::exchange::{Exchanger, Flying};
use super::handshake::handshake;
use super::kernels::{Kernels, Room, Vector, is_on_gpu};
use super::{DeviceMemory, Event, Gpu, GpuError, Link, Stream};
use crate::compression::Coding;
use crate::expression::{Scope, scalar};
use crate::layout::Layout;
use crate::plan::Plan;
use crate::storage::arithmetic;
use bfc_schedule::Rank;
use bfc_schedule::program::scalar::holds;
use bfc_schedule::program::{Block, Expression, Flight, Instruction, Operator, Program, Shape, Transfer};
use bfc_schedule::schedule::RankSchedule;
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;

/// One rank of a run on a GPU. Every step is collective.
pub struct GpuMachine<L> {
    program: Program,
    rank: Rank,
    layout: Layout,
    plans: Vec<Vec<Plan>>,
    registers: GpuRegisters,
    kernels: Kernels,
    stream: Stream,
    exchanger: Exchanger<L>,
    flights: BTreeMap<Flight, Vec<Flying>>,
    inputs: Vec<f64>,
    room: Room,
    step: u64,
    phase: u64,
    begun: bool,
    /// The ends of the last steps.
    ends: VecDeque<Event>,
    failed: Option<GpuError>,
    /// Whether the trainer computes on the host, which must wait for messages with a deadline before it reads.
    pub(super) is_asked_on_host: bool,
}

/// What the trainer is asked, for vectors of all buckets in the order of the layout. The trainer queues its work on the stream,
/// or lets the stream wait for it.
#[derive(Debug)]
pub enum GpuAsk<'a> {
    /// Write the gradient at `point` to `gradient`.
    Gradient {
        /// Where.
        point: &'a [Vector],
        /// All of it is to be written.
        gradient: &'a [Vector],
    },
    /// Make one step of the trainer's own optimizer.
    Adapt {
        /// Where it starts, to be overwritten.
        point: &'a [Vector],
        /// Along this direction, or the gradient at `point` where absent.
        direction: Option<&'a [Vector]>,
    },
    /// Write the minimizer of `f(x) + ρ/2 ‖x − point‖²`.
    Prox {
        /// Where.
        point: &'a [Vector],
        /// ρ.
        rho: f64,
        /// All of it is to be written.
        minimizer: &'a [Vector],
    },
}

/// Registers by index, and within one by bucket.
pub(super) struct GpuRegisters {
    pub(super) vectors: Vec<Vec<Vector>>,
    pub(super) codes: Vec<Vec<(DeviceMemory, Coding)>>,
    pub(super) scalars: Vec<f64>,
    pub(super) edge_scalars: Vec<Vec<f64>>,
    shapes: Vec<Shape>,
    /// The memory of the vectors.
    memory: Vec<DeviceMemory>,
}

impl GpuRegisters {
    fn new(gpu: &Gpu, program: &Program, layout: &Layout, edges: usize) -> Result<Self, GpuError> {
        let points = program.points();
        let (mut vectors, mut codes, mut memory) = (vec![], vec![], vec![]);
        for (shape, is_point) in program.registers.iter().zip(points) {
            let (mut by_bucket, mut codes_by_bucket) = (vec![], vec![]);
            for (index, bucket) in layout.buckets().iter().enumerate() {
                let dtype = if is_point { bucket.dtype } else { arithmetic(bucket.dtype) };
                let length = match shape {
                    Shape::Vector => bucket.length,
                    Shape::EdgeVector => edges * bucket.length,
                    _ => 0,
                };
                let bytes = gpu.allocate(length * dtype.bytes())?;
                by_bucket.push(Vector { address: bytes.address(), length, dtype });
                memory.push(bytes);
                if let Shape::Code(codec) = shape {
                    let coding = Coding::of_bucket(*codec, layout, index);
                    codes_by_bucket.push((gpu.allocate(coding.bytes())?, coding));
                }
            }
            vectors.push(by_bucket);
            codes.push(codes_by_bucket);
        }
        let numbers = |shape: &Shape| vec![0.0; if *shape == Shape::EdgeScalar { edges } else { 0 }];
        Ok(Self {
            vectors,
            codes,
            memory,
            shapes: program.registers.clone(),
            scalars: vec![0.0; program.registers.len()],
            edge_scalars: program.registers.iter().map(numbers).collect(),
        })
    }

    /// Keeps all memory for ever.
    fn forget(&mut self) {
        let codes = self.codes.drain(..).flatten().map(|(memory, _)| memory);
        self.memory.drain(..).chain(codes).for_each(DeviceMemory::forget);
    }

    pub(super) fn is_scalar(&self, register: usize) -> bool {
        self.shapes[register] == Shape::Scalar || self.shapes[register] == Shape::EdgeScalar
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.vectors.swap(a, b);
        self.codes.swap(a, b);
        self.scalars.swap(a, b);
        self.edge_scalars.swap(a, b);
    }

    fn scalars_at(&self, edge: usize) -> Vec<f64> {
        let own = |(scalar, edges): (&f64, &Vec<f64>)| edges.get(edge).copied().unwrap_or(*scalar);
        self.scalars.iter().zip(&self.edge_scalars).map(own).collect()
    }
}

impl<L: Link> GpuMachine<L> {
    /// Makes the rank's machine on the GPU of its link; compares the schedules of neighbours, and sends a first message along
    /// every edge, in the schedule's order, so that no step waits for a connection. `initial` are the trainer's parameters, the
    /// bytes of each bucket. Collective.
    ///
    /// # Errors
    /// An operation has no kernel, memory is short, ranks have different schedules or layouts, or a peer fails.
    ///
    /// # Panics
    /// Where `initial` are not the buckets of the layout.
    pub fn new(
        schedule: RankSchedule,
        mut link: L,
        layout: Layout,
        initial: &[Vec<u8>],
    ) -> Result<Self, GpuError> {
        let RankSchedule { program, rank, size, .. } = &schedule;
        let (rank, size) = (*rank, *size);
        if (link.rank(), link.size()) != (rank, size) {
            let reason = format!(
                "the schedule is for rank {rank} of {size}, the link for {} of {}",
                link.rank(),
                link.size()
            );
            return Err(GpuError::Different { rank, reason });
        }
        refuse_without_kernels(program)?;
        let gpu = link.stream().gpu().clone();
        let mut dtypes: Vec<_> = layout.buckets().iter().map(|bucket| bucket.dtype).collect();
        dtypes.dedup();
        let kernels = Kernels::new(&gpu, &[program], &dtypes)?;
        let phases = |plans: &Vec<_>| plans.iter().map(Plan::new).collect::<Vec<_>>();
        let plans: Vec<Vec<Plan>> = schedule.topologies.iter().map(phases).collect();
        let edges = match plans.first().map(Vec::as_slice) {
            Some([only]) => only.degree(),
            _ => 0,
        };
        let registers = GpuRegisters::new(&gpu, program, &layout, edges)?;
        let stream = gpu.stream()?;
        let bytes = layout.buckets().iter().map(|bucket| bucket.length * bucket.dtype.bytes());
        assert!(bytes.eq(initial.iter().map(Vec::len)), "the bytes of each bucket");
        let parameters = initial
            .iter()
            .map(|bytes| {
                let memory = gpu.allocate(bytes.len())?;
                stream.write(&memory, 0, bytes)?;
                Ok(memory)
            })
            .collect::<Result<Vec<_>, GpuError>>()?;
        let spare = handshake(&mut link, &schedule, &layout, &plans)?;
        let inputs = program.inputs.iter().map(|input| input.default.to_f64()).collect();
        let exchanger = Exchanger::new(link, &plans, schedule.average.clone(), parameters, spare)?;
        Ok(Self {
            rank,
            room: Room::new(&gpu)?,
            program: schedule.program,
            layout,
            plans,
            registers,
            kernels,
            stream,
            exchanger,
            flights: BTreeMap::new(),
            inputs,
            step: 0,
            phase: 0,
            begun: false,
            ends: VecDeque::new(),
            failed: None,
            is_asked_on_host: false,
        })
    }

    /// The stream on which the machine queues its work.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The number of steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The model's tensors.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Bytes of messages sent so far.
    pub fn bytes_sent(&self) -> u64 {
        self.exchanger.bytes_sent
    }

    /// Sets a run-time input from the next step on; to be set alike on all ranks.
    ///
    /// # Panics
    /// Where the algorithm has no such input.
    pub fn set_input(&mut self, name: &str, value: f64) {
        let index = self.program.inputs.iter().position(|input| input.name == name);
        self.inputs[index.unwrap_or_else(|| panic!("no input `{name}`"))] = value;
    }

    /// Does one step. The trainer is called where the program asks it, also for initial values before the first one.
    ///
    /// # Errors
    /// The trainer's error, or that of a peer or the GPU; then the link is dead, and all further calls fail.
    pub fn step<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        trainer: &mut impl FnMut(GpuAsk<'_>, &Stream) -> Result<(), E>,
    ) -> Result<(), GpuError> {
        let mut answer = |ask: GpuAsk<'_>, stream: &Stream| trainer(ask, stream).map_err(Into::into);
        self.call(|machine| {
            machine.keep_up()?;
            if !machine.begun {
                let block = machine.program.initial.clone();
                machine.run(&block, &mut answer)?;
                machine.begun = true;
            }
            let scope =
                Scope { scalars: &machine.registers.scalars, inputs: &machine.inputs, step: machine.step };
            let conditions = machine.program.conditions.iter().zip(0..);
            let index: usize =
                conditions.map(|(condition, bit)| usize::from(holds(scalar(condition, &scope))) << bit).sum();
            let block = machine.program.steps[index].clone();
            machine.run(&block, &mut answer)?;
            machine.step += 1;
            machine.phase += u64::from(block.iter().any(|instruction| instruction.exchange().is_some()));
            let end = machine.stream.gpu().event()?;
            end.record(&machine.stream)?;
            machine.ends.push_back(end);
            Ok(())
        })
    }

    /// The model: the bytes of each bucket. Waits for what is in flight.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn model(&mut self) -> Result<Vec<Vec<u8>>, GpuError> {
        self.call(|machine| {
            machine.land()?;
            let block = machine.program.model.clone();
            machine.run(&block, &mut |_, _| Ok(()))?;
            machine.read(machine.program.model_register.0 as usize)
        })
    }

    /// A state of the algorithm that is a vector, or one per edge: the bytes of each bucket; or a number, or numbers per edge,
    /// as `f64`.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    ///
    /// # Panics
    /// Where the algorithm has no such state.
    pub fn state(&mut self, name: &str) -> Result<Vec<Vec<u8>>, GpuError> {
        let found = self.program.states.iter().find(|(known, _)| known == name);
        let register = found.unwrap_or_else(|| panic!("no state `{name}`")).1.0 as usize;
        self.call(|machine| {
            machine.land()?;
            match machine.program.registers[register] {
                Shape::Scalar => Ok(vec![machine.registers.scalars[register].to_le_bytes().to_vec()]),
                Shape::EdgeScalar => {
                    let numbers = &machine.registers.edge_scalars[register];
                    Ok(vec![numbers.iter().flat_map(|number| number.to_le_bytes()).collect()])
                }
                _ => machine.read(register),
            }
        })
    }

    /// Ends what is in flight.
    fn land(&mut self) -> Result<(), GpuError> {
        let open = std::mem::take(&mut self.flights);
        open.into_values().flatten().try_for_each(|flying| self.finish(flying))
    }

    /// Waits for the step before the last one: the host queues no more than two steps ahead of the GPU, and notices in time
    /// that a peer does not come.
    fn keep_up(&mut self) -> Result<(), GpuError> {
        const AHEAD: usize = 2;
        while self.ends.len() >= AHEAD {
            if let Some(end) = self.ends.pop_front() {
                self.exchanger.link.wait_for(&end)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, register: usize) -> Result<Vec<Vec<u8>>, GpuError> {
        // Messages come first: a copy would wait for them without a deadline.
        self.exchanger.wait()?;
        let buckets = self.layout.buckets().len();
        let read = |bucket: usize| {
            let memory = self.registers.vectors[register][bucket];
            let mut bytes = vec![0; memory.bytes()];
            // SAFETY: registers have their memory as long as the machine lives.
            unsafe { self.stream.read_from(memory.address, &mut bytes)? };
            Ok(bytes)
        };
        (0..buckets).map(read).collect()
    }

    /// Runs `body` unless the machine has failed before; a failure ends the link.
    fn call<R>(&mut self, body: impl FnOnce(&mut Self) -> Result<R, GpuError>) -> Result<R, GpuError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        body(self).map_err(|error| {
            let error = GpuError::AtStep { rank: self.rank, step: self.step, error: Box::new(error) };
            if !self.exchanger.link.abort() {
                // A GPU may still use it.
                self.registers.forget();
                self.exchanger.forget();
                self.room.forget();
                let open = std::mem::take(&mut self.flights).into_values().flatten();
                open.filter_map(Flying::into_memory).for_each(DeviceMemory::forget);
            }
            self.failed = Some(error.clone());
            error
        })
    }

    fn run(&mut self, block: &Block, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        block.iter().try_for_each(|instruction| self.instruction(instruction, answer))
    }

    fn instruction(&mut self, instruction: &Instruction, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        match instruction {
            Instruction::Parameters { into } => self.parameters(into.0 as usize),
            Instruction::Compute { into, expression } => self.compute(into.0 as usize, expression),
            Instruction::Exchange { operator, transfers } => {
                let flying = self.begin(*operator, transfers)?;
                flying.into_iter().try_for_each(|flying| self.finish(flying))
            }
            Instruction::Begin { flight, operator, transfers } => {
                let flying = self.begin(*operator, transfers)?;
                self.flights.insert(*flight, flying);
                Ok(())
            }
            Instruction::Finish { flight } => {
                let flying = self.flights.remove(flight).unwrap_or_default();
                flying.into_iter().try_for_each(|flying| self.finish(flying))
            }
            Instruction::Gradient { .. } | Instruction::Adapt { .. } | Instruction::Prox { .. } => {
                self.ask(instruction, answer)
            }
            Instruction::Swap(a, b) => {
                self.registers.swap(a.0 as usize, b.0 as usize);
                Ok(())
            }
            Instruction::Dot { a, b, into } => {
                let product = self.dot(a.0 as usize, b.0 as usize)?;
                self.registers.scalars[into.0 as usize] = product;
                Ok(())
            }
            Instruction::Degree { topology, into } => {
                let degree = self.plan(*topology).1.degree();
                self.registers.scalars[into.0 as usize] = degree as f64;
                Ok(())
            }
            Instruction::Gather { from, into } => self.gather(from.0 as usize, into.0 as usize),
            Instruction::Encode { from, into } => self.encode(from.0 as usize, into.0 as usize),
            Instruction::Decode { from, into } => self.decode(from.0 as usize, into.0 as usize),
            Instruction::Start { .. }
            | Instruction::Project { .. }
            | Instruction::Difference { .. }
            | Instruction::Correct { .. } => unreachable!("refused at the start"),
        }
    }

    /// The number of the present phase of a topology, and its rounds.
    fn plan(&self, topology: u32) -> (usize, &Plan) {
        let phases = &self.plans[topology as usize];
        let phase = (self.phase % phases.len() as u64) as usize;
        (phase, &phases[phase])
    }

    fn parameters(&mut self, into: usize) -> Result<(), GpuError> {
        for (vector, memory) in self.registers.vectors[into].iter().zip(&self.exchanger.parameters) {
            // SAFETY: both are as many bytes, and live as long as the machine.
            unsafe { self.stream.copy(vector.address, memory.address(), vector.bytes())? };
        }
        Ok(())
    }

    fn compute(&mut self, into: usize, expression: &Expression) -> Result<(), GpuError> {
        let Self { program, registers, kernels, stream, inputs, step, layout, .. } = self;
        let (inputs, step) = (&inputs[..], *step);
        match program.registers[into] {
            Shape::Scalar => {
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                registers.scalars[into] = scalar(expression, &scope);
            }
            Shape::EdgeScalar => {
                for edge in 0..registers.edge_scalars[into].len() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    registers.edge_scalars[into][edge] = scalar(expression, &scope);
                }
            }
            shape => {
                for (index, bucket) in layout.buckets().iter().enumerate() {
                    let assignment = kernels.text().assignment(into, bucket.dtype, expression);
                    let edges = match shape {
                        Shape::EdgeVector => registers.vectors[into][index].length / bucket.length.max(1),
                        _ => 1,
                    };
                    for edge in 0..edges {
                        let scalars = registers.scalars_at(edge);
                        let scalars = if shape == Shape::EdgeVector { &scalars } else { &registers.scalars };
                        let scope = Scope { scalars, inputs, step };
                        let elements = edge * bucket.length..(edge + 1) * bucket.length;
                        let vector = |register: usize, per_edge: bool| {
                            let vector = registers.vectors[register][index];
                            if per_edge { vector.part(elements.clone()) } else { vector }
                        };
                        let target = vector(into, shape == Shape::EdgeVector);
                        // SAFETY: registers have their memory as long as the machine lives.
                        unsafe { kernels.assign(stream, assignment, target, vector, &scope)? };
                    }
                }
            }
        }
        Ok(())
    }

    fn dot(&mut self, a: usize, b: usize) -> Result<f64, GpuError> {
        self.exchanger.wait()?;
        let mut products = vec![];
        for tensor in 0..self.layout.tensors().len() {
            let place = self.layout.place(tensor);
            let [x, y] = [a, b]
                .map(|register| self.registers.vectors[register][place.bucket].part(place.elements.clone()));
            // SAFETY: registers have their memory as long as the machine lives.
            products.push(unsafe { self.kernels.dot(&self.stream, x, y, &mut self.room)? });
        }
        Ok(products.into_iter().sum())
    }

    fn gather(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        if self.program.registers[from] != Shape::EdgeVector {
            self.registers.scalars[into] = self.registers.edge_scalars[from].iter().sum();
            return Ok(());
        }
        for (from, into) in self.registers.vectors[from].iter().zip(&self.registers.vectors[into]) {
            let count = from.length / into.length.max(1);
            let first = Vector { length: into.length, ..*from };
            // SAFETY: registers have their memory as long as the machine lives.
            unsafe { self.kernels.gather(&self.stream, *into, first, count)? };
        }
        Ok(())
    }

    fn encode(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        for (x, (code, coding)) in self.registers.vectors[from].iter().zip(&self.registers.codes[into]) {
            let of = (self.step, self.rank.0);
            // SAFETY: registers have their memory as long as the machine lives; what the vector is read into, too.
            unsafe {
                let x = self.exchanger.computed(&self.kernels, &self.stream, *x)?;
                self.kernels.encode(&self.stream, coding, x, of, code.address(), &mut self.room)?;
            }
        }
        Ok(())
    }

    fn decode(&mut self, from: usize, into: usize) -> Result<(), GpuError> {
        for ((code, coding), x) in self.registers.codes[from].iter().zip(&self.registers.vectors[into]) {
            // SAFETY: as in `encode`.
            unsafe {
                let read = self.exchanger.read_into(*x)?;
                self.kernels.decode(&self.stream, coding, code.address(), self.step, read, &mut self.room)?;
                if read.address != x.address {
                    self.kernels.convert(&self.stream, *x, read)?;
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, instruction: &Instruction, answer: &mut Answer<'_>) -> Result<(), GpuError> {
        if self.is_asked_on_host {
            self.exchanger.wait()?;
        }
        let vectors = &self.registers.vectors;
        let result = match instruction {
            Instruction::Gradient { at, into } => {
                let (point, gradient) = (&vectors[at.0 as usize], &vectors[into.0 as usize]);
                answer(GpuAsk::Gradient { point, gradient }, &self.stream)
            }
            Instruction::Adapt { at, direction, into } => {
                let point = &vectors[into.0 as usize];
                if at != into {
                    for (from, to) in vectors[at.0 as usize].iter().zip(point) {
                        // SAFETY: registers have their memory as long as the machine lives.
                        unsafe { self.kernels.convert(&self.stream, *to, *from)? };
                    }
                }
                let direction = direction.map(|direction| &vectors[direction.0 as usize][..]);
                answer(GpuAsk::Adapt { point, direction }, &self.stream)
            }
            Instruction::Prox { at, rho, into } => {
                let (point, minimizer) = (&vectors[at.0 as usize], &vectors[into.0 as usize]);
                let rho = self.registers.scalars[rho.0 as usize];
                answer(GpuAsk::Prox { point, rho, minimizer }, &self.stream)
            }
            _ => Ok(()),
        };
        result.map_err(|error| GpuError::Trainer { reason: error.to_string() })
    }

    /// Begins an exchange of all buckets.
    fn begin(&mut self, operator: Operator, transfers: &[Transfer]) -> Result<Vec<Flying>, GpuError> {
        let phase = operator.topology().map_or(0, |topology| self.plan(topology).0);
        let mut flying = vec![];
        for bucket in 0..self.layout.buckets().len() {
            let Self { exchanger, registers, plans, kernels, stream, room, step, .. } = self;
            let plan = operator.topology().map(|topology| &plans[topology as usize][phase]);
            let context = (&*kernels, &*stream, room);
            flying.push(exchanger.begin(
                operator,
                (plan, phase),
                transfers,
                registers,
                bucket,
                *step,
                context,
            )?);
        }
        Ok(flying)
    }

    fn finish(&mut self, flying: Flying) -> Result<(), GpuError> {
        let Self { exchanger, registers, plans, kernels, stream, room, .. } = self;
        exchanger.finish(flying, plans, registers, (kernels, stream, room))
    }
}

type Answer<'a> = dyn FnMut(GpuAsk<'_>, &Stream) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

/// Instructions and codecs that run on the host only.
fn refuse_without_kernels(program: &Program) -> Result<(), GpuError> {
    let shapes = program.registers.iter();
    let refused = shapes.filter_map(|shape| match shape {
        Shape::Code(codec) if !is_on_gpu(*codec) => Some(codec.to_string()),
        Shape::EdgeFactor(low_rank) => Some(format!("low_rank({})", low_rank.rank)),
        _ => None,
    });
    refused
        .take(1)
        .try_for_each(|operation| Err(GpuError::NoKernel { program: program.name.clone(), operation }))
}
