//! A rank's schedule, a transport and a model become a machine that a trainer drives.
//!
//! The program stops wherever it asks the trainer for a gradient or for a step of the trainer's own optimizer. A trainer
//! answers with a closure ([`Machine::step`]), in one call for each answer ([`Machine::point`], [`Machine::next`]), or
//! bucket by bucket ([`Machine::ready`]), so that a bucket travels while the others are still computed. All three drive the
//! same machine and give the same bits.

mod checkpoint;
mod deadline;
mod drive;
mod flat;
mod trainer;
mod values;

pub use flat::{Flat, FlatAsk, FlatState};
pub use trainer::{Answer, Ask, State, Wanted};
pub use values::{ModelAsk, Values, ValuesMut};

use crate::element::Element;
use crate::error::{ExchangeKind, Place, RuntimeError};
use crate::exchange::{Exchange, Lane, Map, Operand, Wire};
use crate::execute::{Clock, Executable, Flights, Question};
use crate::layout::Layout;
use crate::memory::Buffer;
use crate::registers::Registers;
use crate::trace::{self, Label, TraceError, What};
use crate::transport::Transport;
use bfc_schedule::program::{Program, Shape};
use bfc_schedule::schedule::{Digest, RankSchedule};
use bfc_schedule::{Average, Rank};
use deadline::Deadline;
use std::path::Path;
use std::time::Duration;

/// One rank of a run, on a model of many tensors.
///
/// Every call that communicates is collective: all ranks make the same calls in the same order. After an error that a
/// peer or the trainer caused, all further calls fail.
pub struct Machine<X> {
    executable: Executable,
    program: Program,
    digest: Digest,
    layout: Layout,
    rank: Rank,
    lane: Lane<X>,
    registers: Registers,
    flights: Flights,
    /// The trainer's initial parameters, kept until the initial block is done.
    initial: Vec<Buffer>,
    inputs: Vec<f64>,
    clock: Clock,
    at: At,
    /// The buckets whose answer is there, while a question is answered bucket by bucket, and how many of them have gone on.
    ready: Vec<bool>,
    ahead: usize,
    /// Whether the present question has been noted.
    asked: bool,
    deadline: Deadline,
    failed: bool,
}

/// Where the program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In the initial block, at this instruction.
    Initial(usize),
    /// Between steps.
    Rest,
    /// In a step's block, at this instruction.
    Step(usize, usize),
}

impl<X: Transport + Send + 'static> Machine<X> {
    /// Makes the rank's machine; compares schedule and layout with the other ranks, and runs the algorithm's initial values
    /// up to the first question. `fill` writes the initial parameters. Collective.
    ///
    /// A wait for a peer ends at a deadline: after 60 seconds before two steps are done, and then after 100 times the
    /// longest step so far, but not before 10 seconds. A step counts from the end of the one before, with all that the program
    /// does in between.
    ///
    /// Where the environment has `BFC_TRACE`, the machine leaves its trace in that directory, as
    /// [`trace_to`](Self::trace_to) does; further machines of this rank and process in the directories `2`, `3` … there.
    ///
    /// # Errors
    /// Where schedule and transport do not belong together, ranks have different schedules or layouts, a peer fails, or no
    /// trace can be written.
    pub fn new(
        schedule: RankSchedule,
        transport: X,
        layout: Layout,
        fill: impl FnOnce(&mut ValuesMut<'_>),
    ) -> Result<Self, RuntimeError> {
        Self::start(schedule, transport, layout, fill, None)
    }

    /// [`new`](Self::new) with the deadline of every wait for a peer.
    ///
    /// # Errors
    /// As there.
    pub fn with_deadline(
        schedule: RankSchedule,
        transport: X,
        layout: Layout,
        fill: impl FnOnce(&mut ValuesMut<'_>),
        deadline: Duration,
    ) -> Result<Self, RuntimeError> {
        Self::start(schedule, transport, layout, fill, Some(deadline))
    }

    fn start(
        schedule: RankSchedule,
        transport: X,
        layout: Layout,
        fill: impl FnOnce(&mut ValuesMut<'_>),
        deadline: Option<Duration>,
    ) -> Result<Self, RuntimeError> {
        let (found_rank, found_size) = (transport.rank(), transport.size());
        if (found_rank, found_size) != (schedule.rank, schedule.size) {
            let RankSchedule { rank, size, .. } = schedule;
            return Err(RuntimeError::DifferentGroup { rank, size, found_rank, found_size });
        }
        let mut initial = layout.zeros();
        fill(&mut ValuesMut::new(&layout, initial.iter_mut()));
        let executable = Executable::new(&schedule);
        let program = schedule.program;
        let deadline = Deadline::new(deadline);
        let mut wire = Wire::new(transport, deadline.get());
        let traces = trace::asked_for(schedule.rank);
        traces.as_ref().map_or(Ok(()), |directory| wire.trace_to(directory))?;
        compare(&mut wire, schedule.digest, &layout, traces.is_some())?;
        traces.map_or(Ok(()), |_| wire.calibrate())?;
        let neighbours = executable.neighbours().len();
        let registers = Registers::new(&program, &layout, neighbours, &mut wire.transport)
            .map_err(|fault| wire.failed_at_start(fault))?;
        let mut machine = Self {
            digest: schedule.digest,
            rank: schedule.rank,
            lane: Lane::new(wire),
            flights: Flights::default(),
            inputs: program.inputs.iter().map(|input| input.default.to_f64()).collect(),
            clock: Clock { step: 0, phase: 0, begun: false },
            at: At::Initial(0),
            ready: vec![false; layout.buckets().len()],
            ahead: 0,
            asked: false,
            deadline,
            failed: false,
            executable,
            program,
            layout,
            registers,
            initial,
        };
        machine.call(|machine| machine.advance().map(|_| ()))?;
        Ok(machine)
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.lane.wire().transport.size()
    }

    /// The model's tensors.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.clock.step
    }

    /// Bytes of messages sent so far, without headers; what is exchanged in place counts as sent. Waits for what is in
    /// flight.
    pub fn bytes_sent(&mut self) -> u64 {
        // A failure in flight is the next call's to report.
        let result = self.flights.finish_all(&mut self.registers);
        self.failed |= result.is_err();
        self.lane.wire().bytes_sent
    }

    /// Sets how long a wait for a peer may take, from the next exchange on, whatever steps take.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline.set = Some(deadline);
    }

    /// Keeps what this rank does from now on in the file `rank-N.trace` of a directory, 5 MB, which is current at any moment,
    /// also where the process is killed; the oldest events give way. Compares the clocks of all ranks anew: they drift
    /// apart, so a run of hours may do this before what is looked at. Waits for what is in flight; collective.
    ///
    /// SIGUSR1 then writes the file to its disk, for readers on other machines; so does a failure.
    ///
    /// # Errors
    /// Where the file cannot be written, or a peer fails.
    pub fn trace_to(&mut self, directory: &Path) -> Result<(), RuntimeError> {
        self.call(|machine| {
            machine.land()?;
            machine.lane.trace_to(directory, machine.deadline.get())?;
            if machine.clock.begun {
                machine.lane.recorder().set_step(machine.clock.step);
            }
            Ok(())
        })
    }

    /// Notes a moment of the program's in the trace, under a name of up to 40 bytes.
    pub fn mark(&self, name: &str) {
        self.lane.recorder().note_here(What::Mark(Label::new(name)));
    }

    /// The run-time inputs by name, with their values.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, f64)> {
        self.program.inputs.iter().map(|input| input.name.as_str()).zip(self.inputs.iter().copied())
    }

    /// Sets a run-time input from the next operation on; to be set alike on all ranks.
    ///
    /// # Errors
    /// Where there is no input of this name.
    pub fn set_input(&mut self, name: &str, value: f64) -> Result<(), RuntimeError> {
        match self.program.inputs.iter().position(|input| input.name == name) {
            Some(index) => self.inputs[index] = value,
            None => {
                let known = list(self.program.inputs.iter().map(|input| &input.name));
                let algorithm = self.program.name.clone();
                return Err(RuntimeError::UnknownInput { name: name.to_owned(), algorithm, known });
            }
        }
        Ok(())
    }

    /// Does one step, or the rest of a step begun by [`next`](Self::next), with a closure that answers. Collective.
    ///
    /// # Errors
    /// Where a peer or the closure fails; while a question is answered bucket by bucket.
    pub fn step<A: Answer>(
        &mut self,
        trainer: &mut impl FnMut(ModelAsk<'_>) -> A,
    ) -> Result<(), RuntimeError> {
        let layout = self.layout.clone();
        self.call(|machine| {
            machine.between_answers()?;
            machine.whole_step(&mut |question, registers| {
                values::ask(question, &layout, registers, trainer).into_result()
            })
        })
    }

    /// What is wanted next. Begins a step if none is pending; collective like [`next`](Self::next).
    ///
    /// # Errors
    /// Where a peer fails.
    pub fn wanted(&mut self) -> Result<Option<Wanted>, RuntimeError> {
        let question = self.call(Self::question)?;
        Ok(question.map(|question| match question {
            Question::Gradient { .. } => Wanted::Gradient,
            Question::Adapt { .. } => Wanted::Adapted,
            Question::Prox { rho, .. } => Wanted::Minimizer { rho: self.registers.scalars[rho] },
        }))
    }

    /// The point where the next gradient, step or minimizer is wanted: the model, for algorithms without a question in their
    /// step. Begins a step if none is pending; collective like [`next`](Self::next).
    ///
    /// # Errors
    /// Where a peer fails; while a question is answered bucket by bucket, since what is answered may stand in its place.
    pub fn point(&mut self) -> Result<Values<'_>, RuntimeError> {
        let question = self.call(|machine| {
            machine.between_answers()?;
            machine.question()
        })?;
        match question {
            Some(question) => Ok(self.values(question.at())),
            None => self.model(),
        }
    }

    /// Where the answer to the next question goes: to be written before [`next`](Self::next), or bucket by bucket before
    /// [`ready`](Self::ready), after which it is not to be touched any more. A gradient is of the type that numbers are
    /// computed in.
    ///
    /// # Errors
    /// Where a peer fails, or nothing is asked.
    pub fn answer(&mut self) -> Result<ValuesMut<'_>, RuntimeError> {
        let Some(question) = self.call(Self::question)? else {
            return Err(RuntimeError::NothingAsked { algorithm: self.program.name.clone() });
        };
        let into = question.answer();
        let buffers = self.registers.buckets.iter_mut().map(|bucket| &mut bucket.vectors[into]);
        Ok(ValuesMut::new(&self.layout, buffers))
    }

    /// Says that the [answer](Self::answer) is complete, and goes on to the next question or to the end of the step;
    /// `true` where a step is complete. Collective.
    ///
    /// # Errors
    /// Where a peer fails.
    #[expect(clippy::should_implement_trait, reason = "it is the verb of every trainer, and gives no items")]
    pub fn next(&mut self) -> Result<bool, RuntimeError> {
        if self.ready.iter().any(|ready| *ready) {
            let rest: Vec<usize> = (0..self.ready.len()).filter(|&bucket| !self.ready[bucket]).collect();
            return rest.into_iter().try_fold(false, |_, bucket| self.ready(bucket));
        }
        self.call(|machine| machine.answer_question(|_, _| ()))
    }

    /// Says that the [answer](Self::answer) is complete in one bucket, which may travel from now on; after the last bucket
    /// goes on as [`next`](Self::next) does, and returns `true` where a step is complete.
    ///
    /// Buckets travel in the order of the layout, whatever the order in which they become ready.
    ///
    /// # Errors
    /// Where a peer fails, or the bucket was ready before.
    pub fn ready(&mut self, bucket: usize) -> Result<bool, RuntimeError> {
        let known = self.ready.get(bucket).copied();
        if known != Some(false) {
            let buckets = self.ready.len();
            return Err(RuntimeError::NotWanted { bucket, buckets });
        }
        self.call(|machine| {
            if machine.ahead == 0 && machine.question()?.is_none() {
                return Err(RuntimeError::NothingAsked { algorithm: machine.program.name.clone() });
            }
            machine.ready[bucket] = true;
            machine.lane.recorder().note_here(What::Ready(bucket as u32));
            while machine.ready.get(machine.ahead) == Some(&true) {
                machine.ahead_of_others(machine.ahead);
                machine.ahead += 1;
            }
            if machine.ahead < machine.ready.len() {
                return Ok(false);
            }
            machine.ready.fill(false);
            machine.ahead = 0;
            machine.all_ready()
        })
    }

    /// What the trainer evaluates and saves. Waits for what is in flight.
    ///
    /// # Errors
    /// Within a step, where the model is computed from states; while a question is answered bucket by bucket; where a peer
    /// fails.
    pub fn model(&mut self) -> Result<Values<'_>, RuntimeError> {
        self.call(|machine| {
            machine.between_answers()?;
            machine.compute_model()
        })?;
        Ok(self.values(self.program.model_register.0 as usize))
    }

    /// A state by its name in the source, as it stands. Waits for what is in flight.
    ///
    /// # Errors
    /// Where there is no state of this name, or a peer fails.
    pub fn state(&mut self, name: &str) -> Result<State<Values<'_>>, RuntimeError> {
        let register = self.state_register(name)?;
        self.call(|machine| machine.land())?;
        Ok(match self.program.registers[register] {
            Shape::Scalar => State::Scalar(self.registers.scalars[register]),
            Shape::EdgeVector => State::EdgeVector(self.values(register)),
            Shape::EdgeFactor(_) => State::EdgeFactor(self.values(register)),
            Shape::EdgeScalar => State::EdgeScalar(self.registers.edge_scalars[register].clone()),
            Shape::Vector => State::Vector(self.values(register)),
            Shape::Code(_) => unreachable!("no state of a checked program is a code"),
        })
    }

    /// `values ←` their average over all ranks, beside the algorithm. Waits for what is in flight; collective.
    ///
    /// # Errors
    /// While a question is answered bucket by bucket; where a peer fails.
    pub fn average<T: Element>(&mut self, values: &mut [T]) -> Result<(), RuntimeError> {
        let (rank, size) = (self.rank, self.size());
        self.call(|machine| {
            machine.between_answers()?;
            machine.land()?;
            let mut target = Buffer::zeros(T::DTYPE, values.len());
            target.values_mut::<T>().copy_from_slice(values);
            let mut exchange = Exchange {
                place: Place {
                    rank,
                    step: machine.clock.begun.then_some(machine.clock.step),
                    exchange: ExchangeKind::Average,
                    bucket: None,
                    round: 0,
                },
                deadline: machine.deadline.get(),
                map: Map::Average(Average::circulant(size).into()),
                vectors: vec![Operand { source: None, target }],
                codes: vec![],
                scalars: vec![],
            };
            machine.lane.exchange(&mut exchange)?;
            let averages = exchange.vectors.pop().map(|operand| operand.target);
            averages.iter().for_each(|averages| values.copy_from_slice(averages.values()));
            Ok(())
        })
    }

    /// Says to the other ranks that this one gives up: their waits for it fail, and all further calls here.
    pub fn abandon(&mut self, reason: &str) {
        self.failed = true;
        let _ = self.land();
        self.lane.wire().transport.abandon(reason);
    }

    /// The neighbours that states per edge are about, in the order of their entries.
    pub fn neighbours(&self) -> Vec<Rank> {
        self.executable.neighbours()
    }

    /// The transport, for another machine; what is in flight comes to its end. All ranks do this after the same steps.
    pub fn into_transport(mut self) -> X {
        // The transport remembers a failure.
        let _ = self.land();
        self.lane.into_wire().transport
    }

    fn model_is_state(&self) -> bool {
        self.executable.model.is_empty()
    }

    fn state_register(&self, name: &str) -> Result<usize, RuntimeError> {
        match self.program.states.iter().find(|(state, _)| state == name) {
            Some((_, register)) => Ok(register.0 as usize),
            None => {
                let known = list(self.program.states.iter().map(|(name, _)| name));
                let algorithm = self.program.name.clone();
                Err(RuntimeError::UnknownState { name: name.to_owned(), algorithm, known })
            }
        }
    }

    fn values(&self, register: usize) -> Values<'_> {
        Values::new(&self.layout, self.registers.buckets.iter().map(|bucket| &bucket.vectors[register]))
    }

    /// Fails while some buckets of a question are answered and others are not: those that are may travel.
    fn between_answers(&self) -> Result<(), RuntimeError> {
        let (ready, buckets) = (self.ready.iter().filter(|ready| **ready).count(), self.ready.len());
        if ready == 0 { Ok(()) } else { Err(RuntimeError::HalfAnswered { ready, buckets }) }
    }

    /// Waits for what is in flight.
    fn land(&mut self) -> Result<(), RuntimeError> {
        self.flights.finish_all(&mut self.registers)
    }

    /// Does something that leaves the machine failed where it fails or unwinds.
    fn call<R>(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<R, RuntimeError>,
    ) -> Result<R, RuntimeError> {
        if self.failed {
            return Err(RuntimeError::Failed { rank: self.rank, step: self.clock.step });
        }
        self.failed = true;
        let result = body(self);
        self.failed = matches!(&result, Err(error) if is_fatal(error));
        if self.failed {
            // What is still in flight fails, too; its memory comes back.
            let _ = self.land();
        }
        result
    }
}

/// Compares schedule and layout with the rank before, and whether ranks leave traces; all ranks learn of a difference.
fn compare<X: Transport>(
    wire: &mut Wire<X>,
    digest: Digest,
    layout: &Layout,
    traces: bool,
) -> Result<(), RuntimeError> {
    let rank = wire.transport.rank();
    let mine = layout.describe();
    let greeting = [&digest.0[..], &[traces.into()], &(mine.len() as u64).to_le_bytes()].concat();
    let (peer, greeted) = wire.greet(&greeting, greeting.len())?;
    let (schedule, rest) = greeted.split_at(digest.0.len());
    let (their_traces, length) = (rest[0] != 0, &rest[1..]);
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (_, theirs) = wire.greet(mine.as_bytes(), length.min(LONGEST_LAYOUT))?;
    let error = if *schedule != digest.0 {
        let theirs = schedule.iter().map(|byte| format!("{byte:02x}")).collect();
        RuntimeError::DifferentSchedule { rank, mine: digest.to_string(), peer, theirs }
    } else if theirs != mine.as_bytes() {
        let theirs = String::from_utf8_lossy(&theirs).into_owned();
        let (mine, theirs) =
            mine.lines().zip(theirs.lines()).find(|(mine, theirs)| mine != theirs).unwrap_or_default();
        let (mine, theirs) = (mine.to_owned(), theirs.to_owned());
        RuntimeError::DifferentModel { rank, mine, peer, theirs }
    } else if their_traces != traces {
        let (with, without) = if traces { (rank, peer) } else { (peer, rank) };
        TraceError::Different { with, without }.into()
    } else {
        return Ok(());
    };
    wire.transport.abandon(&error.to_string());
    Err(error)
}

/// Bytes of the description of a layout that is read at most.
const LONGEST_LAYOUT: usize = 1 << 28;

/// Errors after which ranks no longer agree on where they are.
fn is_fatal(error: &RuntimeError) -> bool {
    !matches!(
        error,
        RuntimeError::WrongLength { .. }
            | RuntimeError::MidStep { .. }
            | RuntimeError::Lent { .. }
            | RuntimeError::NothingAsked { .. }
            | RuntimeError::NotWanted { .. }
            | RuntimeError::UnknownInput { .. }
            | RuntimeError::UnknownState { .. }
            | RuntimeError::WrongCheckpoint { .. }
            | RuntimeError::HalfAnswered { .. }
    )
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
