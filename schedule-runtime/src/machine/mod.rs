//! A rank's schedule, a transport and a model become a machine that a trainer drives.
//!
//! The program stops wherever it asks the trainer for a gradient or for a step of the trainer's own optimizer. A trainer
//! answers with a closure ([`Machine::step`]), or asks for the point and hands in one answer per call
//! ([`Machine::point`], [`Machine::next`]): both drive the same machine.

mod drive;
mod trainer;

pub use trainer::{Answer, Ask, State, Wanted};

use crate::element::Element;
use crate::error::RuntimeError;
use crate::exchange::Wire;
use crate::execute::{Clock, Executable, Question};
use crate::registers::{Memory, Registers};
use crate::transport::Transport;
use bfc_schedule::Rank;
use bfc_schedule::program::{Program, Register, Shape};
use bfc_schedule::schedule::{Digest, RankSchedule};
use std::time::Duration;

/// How long a machine waits for a peer by default.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// One rank of a run.
///
/// Every call that communicates is collective: all ranks make the same calls in the same order. After an error that a
/// peer or the trainer caused, all further calls fail.
pub struct Machine<T, X> {
    executable: Executable<T>,
    program: Program,
    wire: Wire<X>,
    memory: Memory<T>,
    /// Kept until the initial block is done.
    initial: Vec<T>,
    length: usize,
    inputs: Vec<f64>,
    clock: Clock,
    at: At,
    /// The vector state that may live in the caller's memory, and whether it does.
    home: Option<usize>,
    lent: bool,
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

impl<T: Element, X: Transport> Machine<T, X> {
    /// Makes the rank's machine; compares schedule and model with the other ranks, and runs the algorithm's initial
    /// values up to the first question. Collective.
    ///
    /// # Errors
    /// Where schedule and transport do not belong together, ranks have different schedules or models, or a peer fails.
    pub fn new(schedule: RankSchedule, transport: X, initial: &[T]) -> Result<Self, RuntimeError> {
        Self::with_deadline(schedule, transport, initial, DEADLINE)
    }

    /// [`new`](Self::new) with the deadline of every wait for a peer.
    ///
    /// # Errors
    /// As there.
    pub fn with_deadline(
        schedule: RankSchedule,
        transport: X,
        initial: &[T],
        deadline: Duration,
    ) -> Result<Self, RuntimeError> {
        let (found_rank, found_size) = (transport.rank(), transport.size());
        if (found_rank, found_size) != (schedule.rank, schedule.size) {
            let RankSchedule { rank, size, .. } = schedule;
            return Err(RuntimeError::DifferentGroup { rank, size, found_rank, found_size });
        }
        let executable = Executable::new(&schedule);
        let program = schedule.program;
        let memory = Memory::new(&program.registers, initial.len(), executable.neighbours().len());
        let mut machine = Self {
            wire: Wire::new(transport, deadline),
            memory,
            initial: initial.to_vec(),
            length: initial.len(),
            inputs: program.inputs.iter().map(|input| input.default.to_f64()).collect(),
            clock: Clock { step: 0, phase: 0, begun: false },
            at: At::Initial(0),
            home: home(&program, executable.model.is_empty()),
            lent: false,
            failed: false,
            executable,
            program,
        };
        machine.compare(schedule.digest)?;
        machine.call(None, |machine, registers| machine.advance(registers).map(|_| ()))?;
        Ok(machine)
    }

    /// Compares schedule and model with the rank before.
    fn compare(&mut self, digest: Digest) -> Result<(), RuntimeError> {
        let rank = self.rank();
        let model = |length: u64, bytes: u64| format!("{length} elements of {bytes} bytes");
        let (length, bytes) = (self.length as u64, size_of::<T>() as u64);
        let mine = [&digest.0[..], &length.to_le_bytes(), &bytes.to_le_bytes()].concat();
        let (peer, theirs) = self.wire.greet(&mine)?;
        let number =
            |at: usize| theirs[at..at + 8].iter().rev().fold(0, |number, &byte| number << 8 | byte as u64);
        if theirs[..32] != mine[..32] {
            let theirs = theirs[..32].iter().map(|byte| format!("{byte:02x}")).collect();
            return Err(RuntimeError::DifferentSchedule { rank, mine: digest.to_string(), peer, theirs });
        }
        if theirs != mine {
            let (mine, theirs) = (model(length, bytes), model(number(32), number(40)));
            return Err(RuntimeError::DifferentModel { rank, mine, peer, theirs });
        }
        Ok(())
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.wire.transport.rank()
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.wire.transport.size()
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.clock.step
    }

    /// Bytes of messages sent so far, without headers; what is exchanged in place counts as sent.
    pub fn bytes_sent(&self) -> u64 {
        self.wire.bytes_sent
    }

    /// Sets how long a wait for a peer may take.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.wire.deadline = deadline;
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
    /// Where a peer or the closure fails.
    pub fn step<A: Answer>(&mut self, trainer: &mut impl FnMut(Ask<'_, T>) -> A) -> Result<(), RuntimeError> {
        self.call(None, |machine, registers| machine.whole_step(registers, trainer))
    }

    /// [`step`](Self::step) on a state that lives in the caller's memory: the model, or else the first state. The memory
    /// holds the state before and after the call, and no peer touches it outside.
    ///
    /// # Errors
    /// As there, and where the memory has another length than the model. After an error its contents are unspecified.
    pub fn step_on<A: Answer>(
        &mut self,
        state: &mut [T],
        trainer: &mut impl FnMut(Ask<'_, T>) -> A,
    ) -> Result<(), RuntimeError> {
        self.call(Some(state), |machine, registers| machine.whole_step(registers, trainer))
    }

    /// What is wanted next. Begins a step if none is pending; collective like [`next`](Self::next).
    ///
    /// # Errors
    /// Where a peer fails.
    pub fn wanted(&mut self) -> Result<Option<Wanted>, RuntimeError> {
        self.call(None, |machine, registers| machine.question(registers)).map(|question| {
            question.map(|question| match question {
                Question::Gradient { .. } => Wanted::Gradient,
                Question::Adapt { .. } => Wanted::Adapted,
                Question::Prox { rho, .. } => Wanted::Minimizer { rho: self.memory.scalars[rho] },
            })
        })
    }

    /// The point where the next gradient, step or minimizer is wanted: the model, for algorithms without a question in their step. Begins a
    /// step if none is pending; collective like [`next`](Self::next).
    ///
    /// # Errors
    /// Where a peer fails.
    pub fn point(&mut self) -> Result<&[T], RuntimeError> {
        match self.call(None, |machine, registers| machine.question(registers))? {
            Some(Question::Gradient { at, .. } | Question::Adapt { at, .. } | Question::Prox { at, .. }) => {
                Ok(&self.memory.vectors[at])
            }
            None => self.model(),
        }
    }

    /// Hands in what was [wanted](Self::wanted) at the [`point`](Self::point), and goes on to the next question or to the
    /// end of the step; `true` where a step is complete. Collective.
    ///
    /// # Errors
    /// Where a peer fails, or the answer has another length than the model.
    pub fn next(&mut self, answer: &[T]) -> Result<bool, RuntimeError> {
        self.call(None, |machine, registers| machine.answer(registers, answer))
    }

    /// [`next`](Self::next) on a state that lives in the caller's memory, as in [`step_on`](Self::step_on).
    ///
    /// # Errors
    /// As in both.
    pub fn next_on(&mut self, state: &mut [T], answer: &[T]) -> Result<bool, RuntimeError> {
        self.call(Some(state), |machine, registers| machine.answer(registers, answer))
    }

    /// What the trainer evaluates and saves.
    ///
    /// # Errors
    /// Within a step, where the model is computed from states; where a state lives in the caller's memory.
    pub fn model(&mut self) -> Result<&[T], RuntimeError> {
        if !self.executable.model.is_empty() {
            self.call(None, |machine, registers| machine.compute_model(registers))?;
        } else if self.lent {
            return Err(self.lent_error());
        }
        Ok(&self.memory.vectors[self.program.model_register.0 as usize])
    }

    /// [`model`](Self::model), where a state lives in the caller's memory: `into ← model`.
    ///
    /// # Errors
    /// Within a step, where the model is computed from states; where a length differs.
    pub fn model_on(&mut self, state: &mut [T], into: &mut [T]) -> Result<(), RuntimeError> {
        self.check_length(into.len())?;
        self.call(Some(state), |machine, registers| {
            if !machine.executable.model.is_empty() {
                machine.compute_model(registers)?;
            }
            into.copy_from_slice(&registers.vectors[machine.program.model_register.0 as usize]);
            Ok(())
        })
    }

    /// A state by its name in the source, as it stands.
    ///
    /// # Errors
    /// Where there is no state of this name, or it lives in the caller's memory.
    pub fn state(&self, name: &str) -> Result<State<'_, T>, RuntimeError> {
        let Some((_, register)) = self.program.states.iter().find(|(state, _)| state == name) else {
            let known = list(self.program.states.iter().map(|(name, _)| name));
            let algorithm = self.program.name.clone();
            return Err(RuntimeError::UnknownState { name: name.to_owned(), algorithm, known });
        };
        let register = register.0 as usize;
        match self.program.registers[register] {
            Shape::Scalar => Ok(State::Scalar(self.memory.scalars[register])),
            Shape::Vector if self.lent && self.home == Some(register) => Err(self.lent_error()),
            Shape::EdgeVector => Ok(State::EdgeVector(&self.memory.vectors[register])),
            Shape::EdgeFactor(_) => Ok(State::EdgeFactor(&self.memory.vectors[register])),
            Shape::EdgeScalar => Ok(State::EdgeScalar(&self.memory.small.edge_scalars[register])),
            Shape::Vector => Ok(State::Vector(&self.memory.vectors[register])),
            Shape::Code(_) => unreachable!("no state of a checked program is a code"),
        }
    }

    /// The neighbours that states per edge are about, in the order of their entries.
    pub fn neighbours(&self) -> Vec<Rank> {
        self.executable.neighbours()
    }

    /// Does something with the registers in place.
    fn call<R>(
        &mut self,
        lent: Option<&mut [T]>,
        body: impl FnOnce(&mut Self, &mut Registers<'_, T>) -> Result<R, RuntimeError>,
    ) -> Result<R, RuntimeError> {
        if self.failed {
            return Err(RuntimeError::Failed { rank: self.rank(), step: self.clock.step });
        }
        if self.lent && lent.is_none() {
            return Err(self.lent_error());
        }
        let lent = match (lent, self.home) {
            (Some(memory), Some(home)) => {
                self.check_length(memory.len())?;
                self.lent = true;
                Some((home, memory))
            }
            _ => None,
        };
        let home = lent.as_ref().map(|(home, _)| *home);
        // Until the end: a panic in the trainer's closure leaves the machine failed.
        self.failed = true;
        let mut registers = self.memory.borrow(self.length, lent);
        let result = body(self, &mut registers);
        self.memory.restore(registers, home);
        self.failed = matches!(&result, Err(error) if is_fatal(error));
        result
    }

    fn check_length(&self, found: usize) -> Result<(), RuntimeError> {
        let expected = self.length;
        if found == expected { Ok(()) } else { Err(RuntimeError::WrongLength { expected, found }) }
    }

    fn lent_error(&self) -> RuntimeError {
        let name = |(name, register): &(String, Register)| {
            (Some(register.0 as usize) == self.home).then(|| name.clone())
        };
        RuntimeError::Lent { state: self.program.states.iter().find_map(name).unwrap_or_default() }
    }
}

/// The state that callers may lend memory for: the model where it is one, else the first vector.
fn home(program: &Program, model_is_state: bool) -> Option<usize> {
    let is_vector = |register: usize| program.registers[register] == Shape::Vector;
    let mut states = program.states.iter().map(|(_, register)| register.0 as usize);
    let model = program.model_register.0 as usize;
    match model_is_state && states.clone().any(|state| state == model) {
        true => Some(model),
        false => states.find(|&state| is_vector(state)),
    }
}

/// Errors after which ranks no longer agree on where they are.
fn is_fatal(error: &RuntimeError) -> bool {
    !matches!(
        error,
        RuntimeError::WrongLength { .. }
            | RuntimeError::MidStep { .. }
            | RuntimeError::Lent { .. }
            | RuntimeError::UnknownInput { .. }
            | RuntimeError::UnknownState { .. }
    )
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
