//! A rank's machine, driven from Python: arrays are lent to it for the length of a call, functions answer its questions.

use crate::array::{self, Element};
use crate::dlpack::Memory;
use crate::error;
use crate::library;
use crate::schedule::Schedule;
use crate::spmd::{Claim, Ranks};
use bfc_runtime::local::{Alarm, LocalTransport};
use bfc_runtime::{Ask, Dtype, Flat, FlatAsk, FlatState, RuntimeError, State, Wanted};
use bfc_schedule::Rank;
use miette::Diagnostic;
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// One rank's algorithm at work.
#[pyclass(frozen, module = "bfc")]
pub struct Trainer {
    /// The machine and its surroundings.
    pub engine: Arc<Engine>,
}

/// A machine of either element type, what it works on, and where it belongs.
pub struct Engine {
    ranks: Arc<Ranks>,
    rank: u32,
    dtype: Dtype,
    shape: Vec<usize>,
    /// The state that lives in the caller's array, where the model is a state.
    home: Option<String>,
    alarm: Alarm,
    steps: AtomicU64,
    bytes_sent: AtomicU64,
    work: Mutex<Work>,
}

struct Work {
    machine: Option<AnyMachine>,
    /// The array of the last step, which holds the home state from then on.
    lent: Option<Memory>,
    claim: Claim,
}

enum AnyMachine {
    F32(Flat<f32, LocalTransport>),
    F64(Flat<f64, LocalTransport>),
}

/// Does the same with a machine of either type.
macro_rules! with {
    ($machine:expr, $name:ident => $body:expr) => {
        match $machine {
            AnyMachine::F32($name) => $body,
            AnyMachine::F64($name) => $body,
        }
    };
}

impl Trainer {
    /// Makes a rank's trainer together with its peers.
    pub fn new(
        py: Python<'_>,
        ranks: Arc<Ranks>,
        transport: LocalTransport,
        schedule: &Schedule,
        x: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let initial = array::readable(x)?.not_short()?;
        let rank = bfc_runtime::Transport::rank(&transport);
        let alarm = transport.alarm();
        let (inner, deadline) = (&schedule.inner, ranks.deadline);
        let made = py.detach(|| {
            let part = inner.rank(rank);
            // SAFETY: `readable` gives contiguous memory; the type is matched, and that nobody writes `x` meanwhile is asked
            // of the caller.
            unsafe {
                Ok(match initial.dtype() {
                    Dtype::F32 => {
                        AnyMachine::F32(Flat::with_deadline(part, transport, initial.slice(), deadline)?)
                    }
                    _ => AnyMachine::F64(Flat::with_deadline(part, transport, initial.slice(), deadline)?),
                })
            }
        });
        let machine = made.map_err(|failure| raise(py, failure))?;
        let work = Work { machine: Some(machine), lent: None, claim: Claim::default() };
        let engine = Engine {
            ranks,
            rank: rank.0,
            dtype: initial.dtype(),
            shape: initial.shape.clone(),
            home: home(inner.program()),
            alarm,
            steps: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            work: Mutex::new(work),
        };
        Ok(Self { engine: Arc::new(engine) })
    }
}

/// The state that is the model, where one is.
fn home(program: &bfc_schedule::Program) -> Option<String> {
    let state = program.states.iter().find(|(_, register)| *register == program.model_register)?;
    program.model.is_empty().then(|| state.0.clone())
}

impl Engine {
    /// Ends the machine, if no other thread is at work with it.
    pub fn stop(&self) {
        if let Ok(mut work) = self.work() {
            work.machine = None;
        }
    }

    /// A call inside of a callback, or from two threads, is refused and does not wait.
    fn work(&self) -> PyResult<MutexGuard<'_, Work>> {
        match self.work.try_lock() {
            Ok(work) => Ok(work),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                Err(PyRuntimeError::new_err("the trainer is at work: wait until its call has returned"))
            }
        }
    }

    /// Does something with the machine; where a callback fails, the peers learn of it at once.
    fn run<R: Send>(
        &self,
        py: Python<'_>,
        work: &mut Work,
        body: impl FnOnce(&mut AnyMachine, &mut Option<Memory>) -> Result<R, RuntimeError> + Send,
    ) -> PyResult<R> {
        let Work { machine, lent, .. } = work;
        let Some(running) = machine else {
            return Err(raise(
                py,
                RuntimeError::Failed { rank: Rank(self.rank), step: self.steps.load(Ordering::Relaxed) },
            ));
        };
        // The number of bytes waits for other ranks, too.
        let (result, steps, bytes) = py.detach(|| {
            let result = body(running, lent);
            with!(running, machine => (result, machine.steps(), machine.bytes_sent()))
        });
        self.steps.store(steps, Ordering::Relaxed);
        self.bytes_sent.store(bytes, Ordering::Relaxed);
        if let Err(RuntimeError::Trainer { source, .. }) = &result {
            self.alarm.fail(&format!("its trainer raised {source}"));
        }
        result.map_err(|failure| raise(py, failure))
    }

    fn claim(&self, work: &mut Work, x: &Bound<'_, PyAny>) -> PyResult<Memory> {
        let memory = array::writable(x)?.not_short()?;
        memory.fits(self.dtype, &self.shape)?;
        self.ranks.claim(self.rank, &mut work.claim, &memory)?;
        Ok(memory)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let work = self.work.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.ranks.release(&work.claim);
    }
}

#[pymethods]
impl Trainer {
    /// This rank.
    #[getter]
    fn rank(&self) -> u32 {
        self.engine.rank
    }

    /// `"float32"` or `"float64"`.
    #[getter]
    fn dtype(&self) -> &'static str {
        array::name(self.engine.dtype)
    }

    /// Steps done; may be asked for at any time.
    #[getter]
    fn steps(&self) -> u64 {
        self.engine.steps.load(Ordering::Relaxed)
    }

    /// Bytes sent, without headers; may be asked for at any time.
    #[getter]
    fn bytes_sent(&self) -> u64 {
        self.engine.bytes_sent.load(Ordering::Relaxed)
    }

    /// Sets a run-time input, alike on all ranks.
    fn set_input(&self, py: Python<'_>, name: &str, value: f64) -> PyResult<()> {
        let mut work = self.engine.work()?;
        self.engine.run(py, &mut work, |machine, _| with!(machine, machine => machine.set_input(name, value)))
    }

    /// One step, in place.
    #[pyo3(signature = (x, grad_fn=None, *, adapt_fn=None, prox_fn=None))]
    fn step(
        &self,
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        grad_fn: Option<Py<PyAny>>,
        adapt_fn: Option<Py<PyAny>>,
        prox_fn: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let engine = &*self.engine;
        let mut work = engine.work()?;
        let memory = engine.claim(&mut work, x)?;
        let (x, address) = (x.clone().unbind(), memory.data as usize);
        let trainer = Functions { grad_fn, adapt_fn, prox_fn, x, address, shape: &engine.shape };
        let home = engine.home.as_deref();
        engine.run(py, &mut work, |machine, lent| {
            let first = lent.is_none();
            let memory = lent.insert(memory);
            match machine {
                AnyMachine::F32(machine) => step(machine, memory, home, first, &trainer),
                AnyMachine::F64(machine) => step(machine, memory, home, first, &trainer),
            }
        })
    }

    /// What `next` is to be given: `"gradient"`, `"adapted"`, `"minimizer"`, or `None` for an algorithm that asks nothing.
    fn wanted(&self, py: Python<'_>) -> PyResult<Option<&'static str>> {
        let mut work = self.engine.work()?;
        let wanted =
            self.engine.run(py, &mut work, |machine, _| with!(machine, machine => machine.wanted()))?;
        Ok(wanted.map(|wanted| match wanted {
            Wanted::Gradient => "gradient",
            Wanted::Adapted => "adapted",
            Wanted::Minimizer { .. } => "minimizer",
        }))
    }

    /// The ρ of the minimizer that is wanted next, or `None` where none is.
    fn rho(&self, py: Python<'_>) -> PyResult<Option<f64>> {
        let mut work = self.engine.work()?;
        let wanted =
            self.engine.run(py, &mut work, |machine, _| with!(machine, machine => machine.wanted()))?;
        Ok(match wanted {
            Some(Wanted::Minimizer { rho }) => Some(rho),
            _ => None,
        })
    }

    /// A copy of the point where the next gradient is wanted.
    fn point<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut work = self.engine.work()?;
        let values = self.engine.run(py, &mut work, |machine, _| {
            Ok(match machine {
                AnyMachine::F32(machine) => Values::F32(machine.point()?.to_vec()),
                AnyMachine::F64(machine) => Values::F64(machine.point()?.to_vec()),
            })
        })?;
        values.into_python(py, self.engine.shape.clone())
    }

    /// Hands in what is wanted; `True` where that completes a step.
    #[pyo3(signature = (answer))]
    fn next(&self, py: Python<'_>, answer: &Bound<'_, PyAny>) -> PyResult<bool> {
        let mut work = self.engine.work()?;
        let answer = array::readable(answer)?.not_short()?;
        answer.fits(self.engine.dtype, &self.engine.shape)?;
        // SAFETY: `readable` gives contiguous memory, `fits` compares the type; that nobody writes it is asked of the caller.
        self.engine.run(py, &mut work, |machine, _| unsafe {
            match machine {
                AnyMachine::F32(machine) => machine.next(answer.slice()),
                AnyMachine::F64(machine) => machine.next(answer.slice()),
            }
        })
    }

    /// A copy of the model.
    fn model<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let engine = &*self.engine;
        let mut work = engine.work()?;
        let values = engine.run(py, &mut work, |machine, lent| {
            if let (Some(_), Some(memory)) = (&engine.home, &*lent) {
                return Ok(Values::new(memory));
            }
            Ok(match machine {
                AnyMachine::F32(machine) => Values::F32(machine.model()?.to_vec()),
                AnyMachine::F64(machine) => Values::F64(machine.model()?.to_vec()),
            })
        })?;
        values.into_python(py, engine.shape.clone())
    }

    /// The neighbours that states per edge are about, in the order of their entries.
    #[getter]
    fn neighbours(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        let mut work = self.engine.work()?;
        let neighbours = self.engine.run(
            py,
            &mut work,
            |machine, _| with!(machine, machine => Ok(machine.neighbours())),
        )?;
        Ok(neighbours.into_iter().map(|rank| rank.0).collect())
    }

    /// A copy of a state.
    fn state<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let engine = &*self.engine;
        let mut work = engine.work()?;
        let state = engine.run(py, &mut work, |machine, lent| {
            if let (true, Some(memory)) = (engine.home.as_deref() == Some(name), &*lent) {
                return Ok((Values::new(memory), engine.shape.clone()));
            }
            with!(machine, machine => {
                let neighbours = machine.neighbours().len();
                machine.state(name).map(|state| shaped(state, neighbours, &engine.shape))
            })
        });
        let unknown = |failure: PyErr| {
            let code = failure.value(py).getattr("code").and_then(|code| code.extract::<String>());
            match code.as_deref() {
                Ok("bfc::execute::unknown_state") => PyKeyError::new_err(failure.value(py).to_string()),
                _ => failure,
            }
        };
        let (values, shape) = state.map_err(unknown)?;
        values.into_python(py, shape)
    }

    fn __repr__(&self) -> String {
        let Engine { rank, dtype, shape, .. } = &*self.engine;
        format!("<bfc.Trainer of rank {rank}: {} {shape:?}>", array::name(*dtype))
    }
}

/// Numbers on their way to Python.
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Number(f64),
}

impl Values {
    fn new(memory: &Memory) -> Self {
        // SAFETY: lent memory is contiguous and of the matched type; nobody works on it outside of a step.
        unsafe {
            match memory.dtype() {
                Dtype::F32 => Self::F32(memory.slice().to_vec()),
                _ => Self::F64(memory.slice().to_vec()),
            }
        }
    }

    fn into_python<'py>(self, py: Python<'py>, shape: Vec<usize>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::F32(values) => array::owned(py, values, f32::CODE, shape),
            Self::F64(values) => array::owned(py, values, f64::CODE, shape),
            Self::Number(number) => Ok(number.into_pyobject(py)?.into_any()),
        }
    }
}

impl From<&[f32]> for Values {
    fn from(values: &[f32]) -> Self {
        Self::F32(values.to_vec())
    }
}

impl From<&[f64]> for Values {
    fn from(values: &[f64]) -> Self {
        Self::F64(values.to_vec())
    }
}

/// A state and its shape: the model's, with the neighbours first for a state per edge.
fn shaped<'a, T>(state: FlatState<'a, T>, neighbours: usize, model: &[usize]) -> (Values, Vec<usize>)
where
    Values: From<&'a [T]>,
{
    match state {
        State::Scalar(number) => (Values::Number(number), vec![]),
        State::Vector(vector) => (vector.into(), model.to_vec()),
        State::EdgeScalar(numbers) => (Values::F64(numbers), vec![neighbours]),
        State::EdgeVector(vectors) => (vectors.into(), [&[neighbours], model].concat()),
        State::EdgeFactor(factors) => {
            let each = factors.len().checked_div(neighbours).unwrap_or(0);
            (factors.into(), vec![neighbours, each])
        }
    }
}

/// One step on the caller's array: lent where the model is a state, else filled with the model.
fn step<T: Element>(
    machine: &mut Flat<T, LocalTransport>,
    memory: &Memory,
    home: Option<&str>,
    first: bool,
    trainer: &Functions<'_>,
) -> Result<(), RuntimeError> {
    // SAFETY: checked to be writable, contiguous and of this type; claimed against other ranks; that no other thread of
    // Python touches it during the call is asked of the caller.
    let x: &mut [T] = unsafe { memory.slice_mut() };
    let mut answer = |ask: FlatAsk<'_, T>| trainer.answer(ask);
    let Some(home) = home else {
        machine.step(&mut answer)?;
        x.copy_from_slice(machine.model()?);
        return Ok(());
    };
    if first && let State::Vector(initial) = machine.state(home)? {
        x.copy_from_slice(initial);
    }
    machine.step_on(x, &mut answer)
}

/// What answers the machine's questions.
struct Functions<'a> {
    grad_fn: Option<Py<PyAny>>,
    adapt_fn: Option<Py<PyAny>>,
    prox_fn: Option<Py<PyAny>>,
    x: Py<PyAny>,
    /// Where the elements of `x` lie.
    address: usize,
    shape: &'a [usize],
}

impl Functions<'_> {
    fn answer<T: Element>(&self, ask: FlatAsk<'_, T>) -> PyResult<()> {
        Python::attach(|py| match ask {
            Ask::Gradient { point, gradient } => {
                let function = wanted(&self.grad_fn, "grad_fn")?;
                self.copy(&function.bind(py).call1((self.array(py, point)?,))?, gradient)
            }
            Ask::Adapt { point, direction } => {
                let function = wanted(&self.adapt_fn, "adapt_fn")?;
                let at = self.array(py, point)?;
                let direction = match direction {
                    Some(direction) => self.array(py, direction)?,
                    None => {
                        let gradient = wanted(&self.grad_fn, "grad_fn")?;
                        gradient.bind(py).call1((&at,))?
                    }
                };
                self.copy(&function.bind(py).call1((at, direction))?, point)
            }
            Ask::Prox { point, rho, minimizer } => {
                let function = wanted(&self.prox_fn, "prox_fn")?;
                self.copy(&function.bind(py).call1((self.array(py, point)?, rho))?, minimizer)
            }
        })
    }

    /// The trainer's own array where the values are in it, else a copy in an array of the same library.
    fn array<'py, T: Element>(&self, py: Python<'py>, values: &[T]) -> PyResult<Bound<'py, PyAny>> {
        let x = self.x.bind(py);
        if values.as_ptr() as usize == self.address {
            return Ok(x.clone());
        }
        let copy = array::owned(py, values.to_vec(), T::CODE, self.shape.to_vec())?;
        let package = library::package(x);
        match py.import(package.as_str()).and_then(|package| package.getattr("from_dlpack")) {
            Ok(convert) if package != "numpy" => convert.call1((copy,)),
            _ => Ok(copy),
        }
    }

    fn copy<T: Element>(&self, from: &Bound<'_, PyAny>, into: &mut [T]) -> PyResult<()> {
        let memory = array::readable(from)?.not_short()?;
        memory.fits(T::DTYPE, self.shape)?;
        // SAFETY: `readable` gives contiguous memory, `fits` compares the type. It may be the memory of `into` itself or
        // overlap it, where the caller returns what it was given: hence a copy by address.
        unsafe { std::ptr::copy(memory.data.cast::<T>(), into.as_mut_ptr(), into.len()) };
        Ok(())
    }
}

fn wanted<'a>(function: &'a Option<Py<PyAny>>, name: &str) -> PyResult<&'a Py<PyAny>> {
    let missing = || PyTypeError::new_err(format!("the algorithm asks for `{name}`, which was not given"));
    function.as_ref().ok_or_else(missing)
}

/// The exception for a failure: the callback's own, where it raised one.
fn raise(py: Python<'_>, failure: RuntimeError) -> PyErr {
    match failure {
        RuntimeError::Trainer { source, rank, step } => match source.downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(source) => {
                let failure = RuntimeError::Trainer { source, rank, step };
                error::raise(py, [&failure as &dyn Diagnostic])
            }
        },
        failure => error::raise(py, [&failure as &dyn Diagnostic]),
    }
}
