//! A machine on one flat vector.

use super::{Answer, Ask, Machine, ModelAsk, State, ValuesMut, Wanted};
use crate::element::Element;
use crate::error::RuntimeError;
use crate::layout::Layout;
use crate::memory::Buffer;
use crate::transport::Transport;
use bfc_schedule::Rank;
use bfc_schedule::program::{Program, Shape};
use bfc_schedule::schedule::RankSchedule;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

/// One rank of a run whose model is one vector, which may live in the caller's memory: a [`Machine`] with one tensor.
///
/// Every call that communicates is collective, as a machine's are.
pub struct Flat<T, X> {
    machine: Machine<X>,
    /// The vector state that may live in the caller's memory, and whether it does.
    home: Option<usize>,
    lent: bool,
    element: PhantomData<T>,
}

/// A question about a flat model.
pub type FlatAsk<'a, T> = Ask<&'a [T], &'a mut [T]>;

/// A state of a flat model.
pub type FlatState<'a, T> = State<&'a [T]>;

impl<T: Element, X: Transport + Send + 'static> Flat<T, X> {
    /// As [`Machine::new`].
    ///
    /// # Errors
    /// As there.
    pub fn new(schedule: RankSchedule, transport: X, initial: &[T]) -> Result<Self, RuntimeError> {
        Self::start(schedule, initial, |schedule, layout, fill| {
            Machine::new(schedule, transport, layout, fill)
        })
    }

    /// As [`Machine::with_deadline`].
    ///
    /// # Errors
    /// As there.
    pub fn with_deadline(
        schedule: RankSchedule,
        transport: X,
        initial: &[T],
        deadline: Duration,
    ) -> Result<Self, RuntimeError> {
        Self::start(schedule, initial, |schedule, layout, fill| {
            Machine::with_deadline(schedule, transport, layout, fill, deadline)
        })
    }

    fn start(
        schedule: RankSchedule,
        initial: &[T],
        machine: impl FnOnce(
            RankSchedule,
            Layout,
            &dyn Fn(&mut ValuesMut<'_>),
        ) -> Result<Machine<X>, RuntimeError>,
    ) -> Result<Self, RuntimeError> {
        let home = home(&schedule.program);
        let layout = Layout::flat::<T>(initial.len());
        let fill = |values: &mut ValuesMut<'_>| values.tensor(0).copy_from_slice(initial);
        let machine = machine(schedule, layout, &fill)?;
        Ok(Self { machine, home, lent: false, element: PhantomData })
    }

    /// The machine.
    pub fn machine(&self) -> &Machine<X> {
        &self.machine
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.machine.rank()
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.machine.size()
    }

    /// As [`Machine::steps`].
    pub fn steps(&self) -> u64 {
        self.machine.steps()
    }

    /// As [`Machine::bytes_sent`].
    pub fn bytes_sent(&mut self) -> u64 {
        self.machine.bytes_sent()
    }

    /// As [`Machine::set_deadline`].
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.machine.set_deadline(deadline);
    }

    /// As [`Machine::trace_to`].
    ///
    /// # Errors
    /// As there.
    pub fn trace_to(&mut self, directory: &Path) -> Result<(), RuntimeError> {
        self.machine.trace_to(directory)
    }

    /// As [`Machine::mark`].
    pub fn mark(&self, name: &str) {
        self.machine.mark(name);
    }

    /// As [`Machine::inputs`].
    pub fn inputs(&self) -> impl Iterator<Item = (&str, f64)> {
        self.machine.inputs()
    }

    /// As [`Machine::set_input`].
    ///
    /// # Errors
    /// As there.
    pub fn set_input(&mut self, name: &str, value: f64) -> Result<(), RuntimeError> {
        self.machine.set_input(name, value)
    }

    /// As [`Machine::neighbours`].
    pub fn neighbours(&self) -> Vec<Rank> {
        self.machine.neighbours()
    }

    /// As [`Machine::step`].
    ///
    /// # Errors
    /// As there.
    pub fn step<A: Answer>(
        &mut self,
        trainer: &mut impl FnMut(FlatAsk<'_, T>) -> A,
    ) -> Result<(), RuntimeError> {
        self.at_home()?;
        self.machine.step(&mut |ask| trainer(flat(ask)))
    }

    /// [`step`](Self::step) on a state that lives in the caller's memory: the model, or else the first state. The memory
    /// holds the state before and after the call, and no peer touches it outside: what is in flight comes to its end.
    ///
    /// # Errors
    /// As there, and where the memory has another length than the model. After an error its contents are unspecified.
    pub fn step_on<A: Answer>(
        &mut self,
        state: &mut [T],
        trainer: &mut impl FnMut(FlatAsk<'_, T>) -> A,
    ) -> Result<(), RuntimeError> {
        self.on(state, |machine| machine.step(&mut |ask| trainer(flat(ask))))
    }

    /// As [`Machine::wanted`].
    ///
    /// # Errors
    /// As there.
    pub fn wanted(&mut self) -> Result<Option<Wanted>, RuntimeError> {
        self.at_home()?;
        self.machine.wanted()
    }

    /// As [`Machine::point`].
    ///
    /// # Errors
    /// As there.
    pub fn point(&mut self) -> Result<&[T], RuntimeError> {
        self.at_home()?;
        Ok(self.machine.point()?.tensor(0))
    }

    /// Hands in what was [wanted](Self::wanted) at the [`point`](Self::point), and goes on to the next question or to the
    /// end of the step; `true` where a step is complete. Collective.
    ///
    /// # Errors
    /// Where a peer fails, or the answer has another length than the model.
    pub fn next(&mut self, answer: &[T]) -> Result<bool, RuntimeError> {
        self.at_home()?;
        self.check_length(answer.len())?;
        hand_in(&mut self.machine, answer)
    }

    /// [`next`](Self::next) on a state that lives in the caller's memory, as in [`step_on`](Self::step_on).
    ///
    /// # Errors
    /// As in both.
    pub fn next_on(&mut self, state: &mut [T], answer: &[T]) -> Result<bool, RuntimeError> {
        self.check_length(answer.len())?;
        self.on(state, |machine| hand_in(machine, answer))
    }

    /// As [`Machine::model`].
    ///
    /// # Errors
    /// As there; where a state lives in the caller's memory.
    pub fn model(&mut self) -> Result<&[T], RuntimeError> {
        if self.machine.model_is_state() {
            self.at_home()?;
        }
        Ok(self.machine.model()?.tensor(0))
    }

    /// [`model`](Self::model), where a state lives in the caller's memory: `into ← model`.
    ///
    /// # Errors
    /// As [`Machine::model`]; where a length differs.
    pub fn model_on(&mut self, state: &mut [T], into: &mut [T]) -> Result<(), RuntimeError> {
        self.check_length(into.len())?;
        self.on(state, |machine| {
            into.copy_from_slice(machine.model()?.tensor(0));
            Ok(())
        })
    }

    /// As [`Machine::state`].
    ///
    /// # Errors
    /// As there; where the state lives in the caller's memory.
    pub fn state(&mut self, name: &str) -> Result<FlatState<'_, T>, RuntimeError> {
        if self.lent && self.home == Some(self.machine.state_register(name)?) {
            return Err(self.lent_error());
        }
        Ok(self.machine.state(name)?.map(|values| values.bucket(0)))
    }

    /// Does something with the home state in the caller's memory.
    fn on<R>(
        &mut self,
        memory: &mut [T],
        body: impl FnOnce(&mut Machine<X>) -> Result<R, RuntimeError>,
    ) -> Result<R, RuntimeError> {
        let Some(home) = self.home else { return body(&mut self.machine) };
        self.check_length(memory.len())?;
        self.lent = true;
        let mut lending = Lending::new(&mut self.machine, home, memory);
        let result = body(lending.machine);
        let landed = lending.end();
        drop(lending);
        self.machine.failed |= landed.is_err();
        result.and_then(|result| landed.map(|()| result))
    }

    fn at_home(&self) -> Result<(), RuntimeError> {
        if self.lent { Err(self.lent_error()) } else { Ok(()) }
    }

    fn check_length(&self, found: usize) -> Result<(), RuntimeError> {
        let expected = self.machine.layout().elements();
        if found == expected { Ok(()) } else { Err(RuntimeError::WrongLength { expected, found }) }
    }

    fn lent_error(&self) -> RuntimeError {
        let states = &self.machine.program.states;
        let name = states.iter().find(|(_, register)| Some(register.0 as usize) == self.home);
        RuntimeError::Lent { state: name.map(|(name, _)| name.clone()).unwrap_or_default() }
    }
}

/// A state in the caller's memory; when this is dropped, nothing of the machine is there.
struct Lending<'a, X: Transport + Send + 'static> {
    machine: &'a mut Machine<X>,
    home: usize,
}

impl<'a, X: Transport + Send + 'static> Lending<'a, X> {
    fn new<T: Element>(machine: &'a mut Machine<X>, home: usize, memory: &'a mut [T]) -> Self {
        // SAFETY: `end`, at the latest when this is dropped, takes the memory out of the machine, within 'a.
        machine.registers.buckets[0].vectors[home] = unsafe { Buffer::lend(memory) };
        Self { machine, home }
    }

    /// Brings what the home register holds to the caller's memory, and that out of the machine.
    fn end(&mut self) -> Result<(), RuntimeError> {
        let landed = match std::thread::panicking() {
            true => {
                self.machine.flights.abandon();
                Ok(())
            }
            false => self.machine.land(),
        };
        let vectors = &mut self.machine.registers.buckets[0].vectors;
        if let Some(at) = vectors.iter().position(Buffer::is_lent) {
            let mut lent = vectors[at].take();
            if at != self.home {
                let mut home = vectors[self.home].take();
                lent.bytes_mut().swap_with_slice(home.bytes_mut());
                vectors[at] = home;
            }
        }
        landed
    }
}

impl<X: Transport + Send + 'static> Drop for Lending<'_, X> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The state that callers may lend memory for: the model where it is one, else the first vector.
fn home(program: &Program) -> Option<usize> {
    let is_vector = |register: usize| program.registers[register] == Shape::Vector;
    let mut states = program.states.iter().map(|(_, register)| register.0 as usize);
    let model = program.model_register.0 as usize;
    match program.model.is_empty() && states.clone().any(|state| state == model) {
        true => Some(model),
        false => states.find(|&state| is_vector(state)),
    }
}

/// Goes on past the question with an answer.
fn hand_in<T: Element, X: Transport + Send + 'static>(
    machine: &mut Machine<X>,
    answer: &[T],
) -> Result<bool, RuntimeError> {
    machine.call(|machine| {
        machine.answer_question(|question, registers| {
            registers.buckets[0].vectors[question.answer()].values_mut::<T>().copy_from_slice(answer);
        })
    })
}

/// A question about the only tensor.
fn flat<T: Element>(ask: ModelAsk<'_>) -> FlatAsk<'_, T> {
    match ask {
        Ask::Gradient { point, gradient } => {
            Ask::Gradient { point: point.bucket(0), gradient: gradient.into_bucket(0) }
        }
        Ask::Adapt { point, direction } => Ask::Adapt {
            point: point.into_bucket(0),
            direction: direction.map(|direction| direction.bucket(0)),
        },
        Ask::Prox { point, rho, minimizer } => {
            Ask::Prox { point: point.bucket(0), rho, minimizer: minimizer.into_bucket(0) }
        }
    }
}
