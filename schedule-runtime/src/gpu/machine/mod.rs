//! A rank of a run whose model lies on a GPU: the program of a schedule, its vectors in device buckets, and a trainer that works
//! there.
//!
//! Everything is queued: the host waits only where the program needs a number of all ranks (inner products, sums of numbers)
//! or the trainer does. Messages travel on the link's stream, between an event of this machine's stream and one that it
//! waits for, so that an exchange between `Begin` and `Finish` goes on while a gradient is computed.

mod factors;
mod graphs;
mod instructions;
mod registers;

pub(super) use registers::GpuRegisters;

use self::graphs::Section;
use super::exchange::{Exchanger, Flying};
use super::handshake::handshake;
use super::kernels::{Kernels, Room, Vector};
use super::{DeviceMemory, Event, GpuError, Link, Stream};
use crate::expression::{Scope, scalar};
use crate::layout::Layout;
use crate::plan::Plan;
use bfc_schedule::Rank;
use bfc_schedule::program::scalar::holds;
use bfc_schedule::program::{Flight, Program, Shape};
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
    /// Of each block of a step, where launches that repeat are captured.
    sections: Vec<Vec<Section>>,
    graphs_launched: u64,
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

impl<L: Link> GpuMachine<L> {
    /// Makes the rank's machine on the GPU of its link; compares the schedules of neighbours, and sends a first message along
    /// every edge, in the schedule's order, so that no step waits for a connection. `initial` are the trainer's parameters, the
    /// bytes of each bucket. Collective.
    ///
    /// # Errors
    /// Memory is short, ranks have different schedules or layouts, or a peer fails.
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
            sections: vec![],
            graphs_launched: 0,
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
            machine.run_step(index, &mut answer)?;
            machine.step += 1;
            let block = &machine.program.steps[index];
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
}

type Answer<'a> = dyn FnMut(GpuAsk<'_>, &Stream) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;
