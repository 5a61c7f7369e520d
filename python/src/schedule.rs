//! A verified schedule → Python objects: topologies, phases, rounds and weights as numpy arrays.

use crate::arguments::wrong_value;
use crate::array;
use crate::error;
use crate::program::program;
use bfc_schedule::program::Instruction;
use bfc_schedule::{MixingMatrix, Rank, RankPlan, RoundPlan};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::Serialize;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Ranks up to which a matrix is made dense: 128 MiB of weights.
const DENSE: u32 = 4096;

/// A verified schedule.
#[pyclass(frozen, module = "bfc")]
pub struct Schedule {
    /// The schedule that ranks run.
    pub inner: Arc<bfc_schedule::Schedule>,
}

#[pymethods]
impl Schedule {
    /// The number of ranks.
    #[getter]
    fn size(&self) -> u32 {
        self.inner.size()
    }

    /// The number of ranks that share a machine.
    #[getter]
    fn local_size(&self) -> u32 {
        self.inner.local_size()
    }

    /// The number of communicating steps after which all topologies are back at their first phase.
    #[getter]
    fn period(&self) -> u64 {
        let lengths = self.inner.topologies().iter().map(|topology| topology.phases.len() as u64);
        lengths.fold(1, |all, length| all / gcd(all, length) * length)
    }

    /// SHA-256 over sizes, program, rounds and exact weights, as 64 hexadecimal digits.
    #[getter]
    fn digest(&self) -> String {
        self.inner.digest().to_string()
    }

    /// The name of the algorithm.
    #[getter]
    fn algorithm(&self) -> String {
        self.inner.program().name.clone()
    }

    /// The run-time inputs with their defaults.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inputs = PyDict::new(py);
        for input in &self.inner.program().inputs {
            inputs.set_item(&input.name, input.default.to_f64())?;
        }
        Ok(inputs)
    }

    /// The names of the algorithm's states.
    #[getter]
    fn states(&self) -> Vec<String> {
        self.inner.program().states.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The questions to the trainer: before the first step, then in each form that a step can have.
    #[getter]
    fn questions(&self) -> Vec<Vec<&'static str>> {
        let question = |instruction: &Instruction| match instruction {
            Instruction::Gradient { .. } => Some("gradient"),
            Instruction::Adapt { direction: None, .. } => Some("adapted"),
            Instruction::Adapt { .. } => Some("adapted along a direction"),
            Instruction::Prox { .. } => Some("minimizer"),
            _ => None,
        };
        let program = self.inner.program();
        let blocks = std::iter::once(&program.initial).chain(&program.steps);
        blocks.map(|block| block.iter().filter_map(question).collect()).collect()
    }

    /// Whether each step first asks about the model as it is then.
    #[getter]
    fn asks_at_model(&self) -> bool {
        let program = self.inner.program();
        let model = program.model_register;
        program.model.is_empty()
            && program.steps.iter().all(|step| {
                let before = step.iter().position(Instruction::asks).map_or(&[][..], |at| &step[..at]);
                match step.get(before.len()) {
                    Some(
                        Instruction::Gradient { at, .. }
                        | Instruction::Adapt { at, .. }
                        | Instruction::Prox { at, .. },
                    ) => {
                        *at == model && !before.iter().flat_map(Instruction::writes).any(|into| into == model)
                    }
                    _ => false,
                }
            })
    }

    /// The topologies that the algorithm mixes over.
    #[getter]
    fn topologies(&self) -> Vec<Topology> {
        (0..self.inner.topologies().len())
            .map(|index| Topology { schedule: self.inner.clone(), index })
            .collect()
    }

    /// What was proved, as a dict.
    #[getter]
    fn certificate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.inner.certificate())
    }

    /// What `bfc inspect --format json` prints, as a dict; of one rank where `rank` is given.
    #[pyo3(signature = (rank=None))]
    fn inspect<'py>(&self, py: Python<'py>, rank: Option<u32>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(rank) = rank {
            check_rank(rank, self.inner.size())?;
        }
        if rank.is_none() && self.inner.size() > DENSE {
            let size = self.inner.size();
            let expected = format!("expected one of the {size} ranks, which are too many to list");
            return Err(wrong_value(py, "Schedule.inspect", "rank", "None", &expected));
        }
        from_json(py, &py.detach(|| bfc_schedule::inspect(&self.inner, rank.map(Rank))))
    }

    /// What a rank runs, as lists and dicts: private, since it changes with the program's instructions.
    fn _program<'py>(&self, py: Python<'py>, rank: u32) -> PyResult<Bound<'py, PyAny>> {
        check_rank(rank, self.inner.size())?;
        program(py, self, rank)
    }

    /// The pictures of the schedule for a notebook, as HTML of at most 300 kB.
    fn _repr_html_(&self, py: Python<'_>) -> String {
        py.detach(|| bfc_report::schedule::html(&self.inner))
    }

    /// Writes the schedule to a file, which appears whole or not at all. Devices and pipes are written to, links stay, and
    /// directories that are missing are created.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = py.detach(|| bfc_report::write_file(&path, &self.inner.encode()));
        written.map_err(|failure| error::io(py, failure, &path))
    }

    /// The bytes that `save` writes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.inner.encode()))
    }

    /// Pickled as its file; reading it verifies it again.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.import("bfc")?.getattr("loads")?, (self.to_bytes(py),)))
    }

    /// A schedule never changes, so it is its own copy.
    fn __copy__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __deepcopy__(this: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        this
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.inner.digest() == other.inner.digest()
    }

    fn __hash__(&self) -> u64 {
        let bytes = self.inner.digest().0;
        bytes.iter().take(8).fold(0, |hash, &byte| hash << 8 | u64::from(byte))
    }

    fn __repr__(&self) -> String {
        let names: Vec<_> = self.inner.topologies().iter().map(|topology| topology.name.as_str()).collect();
        format!(
            "<bfc.Schedule {} over {}: size {}, period {}, digest {}>",
            self.inner.program().name,
            names.join(", "),
            self.size(),
            self.period(),
            &self.digest()[..12]
        )
    }
}

/// A topology: phases that repeat.
#[pyclass(frozen, module = "bfc")]
pub struct Topology {
    schedule: Arc<bfc_schedule::Schedule>,
    index: usize,
}

#[pymethods]
impl Topology {
    /// Its name in the source.
    #[getter]
    fn name(&self) -> String {
        self.schedule.topologies()[self.index].name.clone()
    }

    /// The phases.
    #[getter]
    fn phases(&self) -> Vec<Phase> {
        let phases = self.schedule.topologies()[self.index].phases.len();
        (0..phases)
            .map(|phase| Phase { schedule: self.schedule.clone(), topology: self.index, phase })
            .collect()
    }

    fn __repr__(&self) -> String {
        let topology = &self.schedule.topologies()[self.index];
        format!(
            "<bfc.Topology {}: size {}, {} phases>",
            topology.name,
            self.schedule.size(),
            topology.phases.len()
        )
    }
}

/// One phase: a mixing matrix and its rounds.
#[pyclass(frozen, module = "bfc")]
pub struct Phase {
    schedule: Arc<bfc_schedule::Schedule>,
    topology: usize,
    phase: usize,
}

impl Phase {
    fn inner(&self) -> &bfc_schedule::Phase {
        &self.schedule.topologies()[self.topology].phases[self.phase]
    }
}

#[pymethods]
impl Phase {
    /// W as a dense float64 array (size, size): `x[i] = sum(W[i, j] * x[j])`.
    #[getter]
    fn matrix<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let size = self.schedule.size();
        if size > DENSE {
            return Err(PyValueError::new_err(format!(
                "a dense matrix of {size} ranks is too large (up to {DENSE}): use `row(rank)` or `edges`"
            )));
        }
        let n = size as usize;
        let weights = py.detach(|| dense(&self.inner().matrix, n));
        array::owned(py, weights, "<f8", vec![n, n])
    }

    /// The edges as arrays `(source, target, weight)`, ordered by target and source.
    #[getter]
    fn edges<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let (mut sources, mut targets, mut weights) = (vec![], vec![], vec![]);
        for rank in 0..self.schedule.size() {
            for (source, weight) in self.inner().matrix.row(Rank(rank)).in_weights {
                sources.push(i64::from(source.0));
                targets.push(i64::from(rank));
                weights.push(weight.to_f64());
            }
        }
        let shape = vec![sources.len()];
        Ok((
            array::owned(py, sources, "<i8", shape.clone())?,
            array::owned(py, targets, "<i8", shape.clone())?,
            array::owned(py, weights, "<f8", shape)?,
        ))
    }

    /// The rank's own weight and those of its in-neighbours: exact fractions, or floats.
    #[pyo3(signature = (rank, *, exact=false))]
    fn row<'py>(
        &self,
        py: Python<'py>,
        rank: u32,
        exact: bool,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyDict>)> {
        check_rank(rank, self.schedule.size())?;
        let fraction = py.import("fractions")?.getattr("Fraction")?;
        let number = |weight: &bfc_schedule::Rational| {
            if exact {
                fraction.call1((weight.to_string(),))
            } else {
                Ok(weight.to_f64().into_pyobject(py)?.into_any())
            }
        };
        let row = self.inner().matrix.row(Rank(rank));
        let weights = PyDict::new(py);
        for (source, weight) in &row.in_weights {
            weights.set_item(source.0, number(weight)?)?;
        }
        Ok((number(&row.self_weight)?, weights))
    }

    /// The rounds in order.
    #[getter]
    fn rounds(&self) -> Vec<Round> {
        let rounds = self.inner().plan.rounds();
        let (topology, phase) = (self.topology, self.phase);
        (0..rounds).map(|round| Round { schedule: self.schedule.clone(), topology, phase, round }).collect()
    }

    fn __repr__(&self) -> String {
        format!("<bfc.Phase {}: {} rounds>", self.phase, self.inner().plan.rounds())
    }
}

/// One round: each rank sends at most one message and receives at most one.
#[pyclass(frozen, module = "bfc")]
pub struct Round {
    schedule: Arc<bfc_schedule::Schedule>,
    topology: usize,
    phase: usize,
    round: u32,
}

impl Round {
    fn table(&self) -> (Vec<i64>, Vec<i64>) {
        let size = self.schedule.size();
        let plan = &self.schedule.topologies()[self.topology].phases[self.phase].plan;
        let (mut to, mut from) = (vec![-1; size as usize], vec![-1; size as usize]);
        for rank in 0..size {
            let (send, receive) = partners(plan, Rank(rank), self.round);
            to[rank as usize] = send.map_or(-1, |rank| i64::from(rank.0));
            from[rank as usize] = receive.map_or(-1, |rank| i64::from(rank.0));
        }
        (to, from)
    }
}

#[pymethods]
impl Round {
    /// For each rank the rank it sends to, −1 for none; int64 array of `size`.
    #[getter]
    fn send_to<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (to, _) = py.detach(|| self.table());
        array::owned(py, to, "<i8", vec![self.schedule.size() as usize])
    }

    /// For each rank the rank it receives from, −1 for none; int64 array of `size`.
    #[getter]
    fn recv_from<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (_, from) = py.detach(|| self.table());
        array::owned(py, from, "<i8", vec![self.schedule.size() as usize])
    }

    fn __repr__(&self) -> String {
        format!("<bfc.Round {} of phase {}>", self.round, self.phase)
    }
}

fn partners(plan: &RoundPlan, rank: Rank, round: u32) -> (Option<Rank>, Option<Rank>) {
    match plan {
        RoundPlan::Cayley { group, rounds, .. } => {
            let hop = rounds[round as usize].0;
            (Some(group.add(rank, hop)), Some(group.subtract(rank, hop)))
        }
        RoundPlan::Table(_) => {
            let RankPlan { actions, .. } = plan.rank(rank);
            let action = actions.iter().find(|action| action.round == round);
            action.map_or((None, None), |action| {
                (action.send_to, action.receive.as_ref().map(|(source, _)| *source))
            })
        }
    }
}

fn dense(matrix: &MixingMatrix, n: usize) -> Vec<f64> {
    let mut weights = vec![0.0; n * n];
    for (rank, cells) in weights.chunks_exact_mut(n).enumerate() {
        let row = matrix.row(Rank(rank as u32));
        cells[rank] = row.self_weight.to_f64();
        for (source, weight) in row.in_weights {
            cells[source.index()] = weight.to_f64();
        }
    }
    weights
}

/// A document as Python's own types.
pub fn from_json<'py>(py: Python<'py>, document: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(document).map_err(io::Error::other)?;
    py.import("json")?.call_method1("loads", (text,))
}

fn check_rank(rank: u32, size: u32) -> PyResult<()> {
    if rank < size { Ok(()) } else { Err(PyIndexError::new_err(format!("rank {rank} is not in 0..{size}"))) }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
