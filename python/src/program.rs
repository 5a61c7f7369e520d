//! What the engine in Python needs from here: a rank's program as plain data, and the codecs and exceptions of the other engines.

use crate::array;
use crate::dlpack::Memory;
use crate::error;
use crate::schedule::{Schedule, from_json};
use bfc_runtime::trace::Trace;
use bfc_runtime::{Coding, Dtype, ExchangeKind, Layout, Place, Plan, RuntimeError, Tensor, Weight};
use bfc_schedule::program::{Block, Expression, Instruction, Operation, Operator, Shape, Transfer};
use bfc_schedule::{Average, Codec, Rank, SliceRound};
use miette::Diagnostic;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::{Value, json};
use std::time::Duration;

/// Does something with the type of numbers that are computed with.
macro_rules! with_element {
    ($memory:expr, $T:ident => $body:expr) => {
        match $memory.dtype() {
            Dtype::F64 => {
                type $T = f64;
                $body
            }
            _ => {
                type $T = f32;
                $body
            }
        }
    };
}

/// What a rank runs: the program, and for each phase its rounds with rounded weights.
pub fn program<'py>(py: Python<'py>, schedule: &Schedule, rank: u32) -> PyResult<Bound<'py, PyAny>> {
    let part = schedule.inner.rank(Rank(rank));
    let program = &part.program;
    let phases = |plans: &Vec<_>| plans.iter().map(|plan| phase(&Plan::new(plan))).collect::<Vec<_>>();
    let average = part.average.clone().unwrap_or_else(|| Average::circulant(part.size));
    let inputs = program.inputs.iter().map(|input| (&input.name, input.default.to_f64()));
    let document = json!({
        "digest": part.digest.to_string(),
        "inputs": inputs.collect::<Vec<_>>(),
        "shapes": program.registers.iter().map(|shape| shape.name()).collect::<Vec<_>>(),
        "codecs": program.registers.iter().map(codec).collect::<Vec<_>>(),
        "points": program.points(),
        "states": program.states.iter().map(|(name, register)| (name, register.0)).collect::<Vec<_>>(),
        "initial": block(&program.initial),
        "conditions": program.conditions.iter().map(expression).collect::<Vec<_>>(),
        "steps": program.steps.iter().map(block).collect::<Vec<_>>(),
        "model": block(&program.model),
        "model_register": program.model_register.0,
        "topologies": part.topologies.iter().map(phases).collect::<Vec<_>>(),
        "average": [slices(&average.reduce), slices(&average.gather)],
    });
    from_json(py, &document)
}

/// How far, from which block on and how many blocks each rank sends.
fn slices(rounds: &[SliceRound]) -> Vec<[u32; 3]> {
    rounds.iter().map(|round| [round.hop, round.first, round.count]).collect()
}

/// The codec of a register that holds a code or factors.
fn codec(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Code(codec) => Some(codec.to_string()),
        Shape::EdgeFactor(low_rank) => Some(Codec::LowRank(*low_rank).to_string()),
        _ => None,
    }
}

/// The own weight, and for each round its number, the receiver, and the sender with its weight.
fn phase(plan: &Plan) -> Value {
    let weight = |weight: &Weight| [f64::from(weight.single), weight.double];
    let actions = plan.actions.iter().map(|action| {
        let receive = action.receive.as_ref().map(|(source, its)| (source.0, weight(its)));
        json!([action.round, action.send_to.map(|rank| rank.0), receive])
    });
    json!({ "own": weight(&plan.own), "actions": actions.collect::<Vec<_>>() })
}

fn block(block: &Block) -> Vec<Value> {
    block.iter().map(instruction).collect()
}

/// The name of an instruction and its registers.
fn instruction(instruction: &Instruction) -> Value {
    match instruction {
        Instruction::Parameters { into } => json!(["parameters", into.0]),
        Instruction::Compute { into, expression } => json!(["compute", into.0, self::expression(expression)]),
        Instruction::Exchange { operator, transfers } => {
            json!(["exchange", self::operator(*operator), pairs(transfers)])
        }
        Instruction::Begin { flight, operator, transfers } => {
            json!(["begin", flight.0, self::operator(*operator), pairs(transfers)])
        }
        Instruction::Finish { flight } => json!(["finish", flight.0]),
        Instruction::Gradient { at, into } => json!(["gradient", at.0, into.0]),
        Instruction::Adapt { at, into, .. } => json!(["adapted", at.0, into.0]),
        Instruction::Prox { at, into, .. } => json!(["minimizer", at.0, into.0]),
        Instruction::Swap(a, b) => json!(["swap", a.0, b.0]),
        Instruction::Dot { a, b, into } => json!(["dot", a.0, b.0, into.0]),
        Instruction::Degree { topology, into } => json!(["degree", topology, into.0]),
        Instruction::Gather { from, into } => json!(["gather", from.0, into.0]),
        Instruction::Encode { from, into } => json!(["encode", from.0, into.0]),
        Instruction::Decode { from, into } => json!(["decode", from.0, into.0]),
        Instruction::Start { into } => json!(["start", into.0]),
        Instruction::Project { from, factor, into } => json!(["project", from.0, factor.0, into.0]),
        Instruction::Difference { mine, theirs, into } => json!(["difference", mine.0, theirs.0, into.0]),
        Instruction::Correct { at, factor, difference, into } => {
            json!(["correct", at.0, factor.0, difference.0, into.0])
        }
    }
}

fn operator(operator: Operator) -> Value {
    let name = match operator {
        Operator::Mix(_) => "mix",
        Operator::Others(_) => "others",
        Operator::Own(_) => "own",
        Operator::Incoming(_) => "incoming",
        Operator::Back => "back",
        Operator::Average => "average",
    };
    json!([name, operator.topology()])
}

fn pairs(transfers: &[Transfer]) -> Vec<(u16, u16)> {
    transfers.iter().map(|transfer| (transfer.from.0, transfer.into.0)).collect()
}

/// Operations with their names and what they name.
fn expression(expression: &Expression) -> Vec<Value> {
    let operation = |operation: &Operation| match operation {
        Operation::Register(register) => json!(["Register", register.0]),
        Operation::Input(input) => json!(["Input", input]),
        Operation::Step => json!(["Step", null]),
        Operation::Constant(constant) => json!(["Constant", constant.to_f64()]),
        other => json!([format!("{other:?}"), other.arity()]),
    };
    expression.iter().map(operation).collect()
}

/// A model's tensors in buckets.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Buckets(Layout);

/// The factors of an edge for the vectors of a bucket.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Factors(bfc_runtime::Factors);

/// How a codec writes the vectors of a bucket.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Code(Coding);

#[pymethods]
impl Buckets {
    /// Of names, shapes and number types, in the order of the model.
    #[new]
    fn new(tensors: Vec<(String, Vec<usize>, String)>) -> PyResult<Self> {
        let tensor = |(name, shape, dtype): (String, Vec<usize>, String)| {
            let known = [Dtype::Bf16, Dtype::F16, Dtype::F32, Dtype::F64];
            let dtype = known.into_iter().find(|known| array::name(*known) == dtype);
            let dtype = dtype.ok_or_else(|| PyValueError::new_err(format!("the number type of `{name}`")))?;
            Ok(Tensor { name, shape, dtype })
        };
        Ok(Self(Layout::new(tensors.into_iter().map(tensor).collect::<PyResult<_>>()?)))
    }

    /// The tensors of each bucket, by index.
    #[getter]
    fn tensors(&self) -> Vec<Vec<usize>> {
        self.0.buckets().iter().map(|bucket| bucket.tensors.clone()).collect()
    }

    /// What ranks compare.
    #[getter]
    fn text(&self) -> String {
        self.0.describe()
    }

    /// The factors of the codec `low_rank` of this name for vectors of a bucket.
    fn factors(&self, codec: &str, bucket: usize) -> PyResult<Factors> {
        match Codec::parse(codec).filter(|_| bucket < self.0.buckets().len()) {
            Some(Codec::LowRank(low_rank)) => {
                Ok(Factors(bfc_runtime::Factors::of_bucket(low_rank, &self.0, bucket)))
            }
            _ => Err(PyValueError::new_err("no such codec or bucket")),
        }
    }

    /// The codec of this name for vectors of a bucket.
    fn code(&self, codec: &str, bucket: usize) -> PyResult<Code> {
        let codec = Codec::parse(codec).filter(|_| bucket < self.0.buckets().len());
        let codec = codec.ok_or_else(|| PyValueError::new_err("no such codec or bucket"))?;
        Ok(Code(Coding::of_bucket(codec, &self.0, bucket)))
    }
}

#[pymethods]
impl Factors {
    /// Elements of all factors of an edge.
    #[getter]
    fn elements(&self) -> usize {
        self.0.elements()
    }

    /// Writes the first factors.
    fn start(&self, factor: &Bound<'_, PyAny>) -> PyResult<()> {
        let factor = writable(factor, self.0.elements())?;
        // SAFETY: `writable` has checked type and length; that nobody else touches the memory is asked of the caller. So below.
        unsafe { with_element!(factor, T => self.0.start::<T>(factor.slice_mut())) }
        Ok(())
    }

    /// `into ← X · factor`, for each matrix X in a vector.
    fn project(
        &self,
        x: &Bound<'_, PyAny>,
        factor: &Bound<'_, PyAny>,
        into: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let into = writable(into, self.0.elements())?;
        let factor = readable(factor, into.dtype(), self.0.elements())?;
        let x = array::readable(x)?;
        x.fits(into.dtype(), &x.shape)?;
        // SAFETY: as above.
        unsafe {
            with_element!(into, T => self.0.project::<T>(x.slice(), factor.slice(), into.slice_mut()));
        }
        Ok(())
    }

    /// What the end with the higher rank has found less what the other has.
    fn difference(
        &self,
        mine_is_higher: bool,
        mine: &Bound<'_, PyAny>,
        theirs: &Bound<'_, PyAny>,
        into: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let into = writable(into, self.0.elements())?;
        let mine = readable(mine, into.dtype(), self.0.elements())?;
        let theirs = readable(theirs, into.dtype(), self.0.elements())?;
        // SAFETY: as above.
        unsafe {
            with_element!(into, T => {
                self.0.difference::<T>(mine_is_higher, [mine.slice(), theirs.slice()], into.slice_mut());
            });
        }
        Ok(())
    }

    /// Takes the weighted differences off a vector, as far as the factors contain them.
    fn correct(
        &self,
        weight: f64,
        factor: &Bound<'_, PyAny>,
        difference: &Bound<'_, PyAny>,
        x: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let x = array::writable(x)?.not_short()?;
        let factor = readable(factor, x.dtype(), self.0.elements())?;
        let difference = readable(difference, x.dtype(), self.0.elements())?;
        // SAFETY: as above.
        unsafe {
            with_element!(x, T => {
                self.0.correct::<T>(weight, [factor.slice(), difference.slice()], x.slice_mut());
            });
        }
        Ok(())
    }
}

/// The memory of a vector of float32 or float64 with this number of elements, to be written.
fn writable(vector: &Bound<'_, PyAny>, elements: usize) -> PyResult<Memory> {
    let memory = array::writable(vector)?.not_short()?;
    memory.fits(memory.dtype(), &[elements])?;
    Ok(memory)
}

/// That of one of a given type, to be read.
fn readable(vector: &Bound<'_, PyAny>, dtype: Dtype, elements: usize) -> PyResult<Memory> {
    let memory = array::readable(vector)?;
    memory.fits(dtype, &[elements])?;
    Ok(memory)
}

#[pymethods]
impl Code {
    /// The length of a code in bytes.
    #[getter]
    fn length(&self) -> usize {
        self.0.bytes()
    }

    /// The code of a vector of float32 or float64.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        vector: &Bound<'py, PyAny>,
        step: u64,
        rank: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let memory = self.fitting(array::readable(vector)?)?;
        PyBytes::new_with(py, self.0.bytes(), |code| {
            // SAFETY: `readable` gives contiguous memory of this type, which the caller does not write meanwhile.
            unsafe { with_element!(memory, T => self.0.encode::<T>(memory.slice(), step, rank, code)) }
            Ok(())
        })
    }

    /// Writes what a code says to a vector of float32 or float64.
    fn decode(&self, code: &[u8], step: u64, vector: &Bound<'_, PyAny>) -> PyResult<()> {
        let memory = self.fitting(array::writable(vector)?)?;
        if code.len() != self.0.bytes() {
            return Err(PyValueError::new_err("the code has another length"));
        }
        // SAFETY: `writable` gives contiguous memory of this type, which nobody else touches meanwhile.
        unsafe { with_element!(memory, T => self.0.decode::<T>(code, step, memory.slice_mut())) }
        Ok(())
    }
}

impl Code {
    fn fitting(&self, memory: Memory) -> PyResult<Memory> {
        let memory = memory.not_short()?;
        memory.fits(memory.dtype(), &[self.0.elements()])?;
        Ok(memory)
    }
}

/// Where a rank is: its number, the step or none before the first, topology and phase or nothing in an average, and the round.
type At = (u32, Option<u64>, Option<(u32, u32)>, u32);

/// The exception for an exchange that has failed: the peer has `said` why, the system gives a `reason`, or the deadline has
/// passed.
#[pyfunction]
#[pyo3(signature = (at, peer, said, reason, deadline))]
pub fn exchange_failed(
    py: Python<'_>,
    at: At,
    peer: u32,
    said: Option<String>,
    reason: Option<String>,
    deadline: f64,
) -> PyErr {
    let (rank, step, mix, round) = at;
    let exchange = match mix {
        Some((topology, phase)) => ExchangeKind::Mix { topology, phase },
        None => ExchangeKind::Average,
    };
    let (place, peer) = (Place { rank: Rank(rank), step, exchange, bucket: None, round }, Rank(peer));
    let trace = Box::<Trace>::default();
    let failure = match (said, reason) {
        (Some(reason), _) => RuntimeError::PeerFailed { place, peer, reason, trace },
        // Backends give a text only: these are gloo's words for a connection that has ended.
        (None, Some(reason)) if reason.contains("closed by peer") || reason.contains("reset by peer") => {
            RuntimeError::PeerLeft { place, peer, trace }
        }
        (None, Some(reason)) => RuntimeError::System { place, peer, reason, trace },
        (None, None) => {
            let waited = Duration::try_from_secs_f64(deadline).unwrap_or(Duration::MAX);
            RuntimeError::Deadline { place, peer, waited, trace }
        }
    };
    error::raise(py, [&failure as &dyn Diagnostic])
}

/// The exception for a call of a machine that has failed before.
#[pyfunction]
pub fn machine_failed(py: Python<'_>, rank: u32, step: u64) -> PyErr {
    error::raise(py, [&RuntimeError::Failed { rank: Rank(rank), step } as &dyn Diagnostic])
}

/// The exception for an input that the algorithm does not have.
#[pyfunction]
pub fn unknown_input(py: Python<'_>, name: String, algorithm: String, known: Vec<String>) -> PyErr {
    let known = known.join(", ");
    error::raise(py, [&RuntimeError::UnknownInput { name, algorithm, known } as &dyn Diagnostic])
}

/// The exception for a checkpoint of another machine.
#[pyfunction]
pub fn wrong_checkpoint(py: Python<'_>, rank: u32, reason: String) -> PyErr {
    error::raise(py, [&RuntimeError::WrongCheckpoint { rank: Rank(rank), reason } as &dyn Diagnostic])
}

/// The exception where ranks have different schedules, as their digests say (`digest`), or different models.
#[pyfunction]
pub fn ranks_differ(
    py: Python<'_>,
    digest: bool,
    rank: u32,
    mine: String,
    peer: u32,
    theirs: String,
) -> PyErr {
    let (rank, peer) = (Rank(rank), Rank(peer));
    let failure = match digest {
        true => RuntimeError::DifferentSchedule { rank, mine, peer, theirs },
        false => {
            let mut lines = mine.lines().zip(theirs.lines());
            let (mine, theirs) = lines.find(|(mine, theirs)| mine != theirs).unwrap_or_default();
            let (mine, theirs) = (mine.to_owned(), theirs.to_owned());
            RuntimeError::DifferentModel { rank, mine, peer, theirs }
        }
    };
    error::raise(py, [&failure as &dyn Diagnostic])
}
