//! The in-process ranks of one `spmd`: their transports, what they train on, and how they end.

use crate::arguments::wrong_value;
use crate::array::ArrayError;
use crate::communicator::Calls;
use crate::dlpack::Memory;
use crate::error;
use crate::schedule::Schedule;
use crate::trainer::{Engine, Trainer};
use crate::world::World;
use bfc_runtime::local::{self, Alarm, LocalTransport};
use miette::Diagnostic;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What the ranks share.
pub struct Ranks {
    size: u32,
    /// The longest wait for a peer.
    pub deadline: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Each rank's k-th trainer belongs to the k-th link.
    links: Vec<Link>,
    engines: Vec<(u32, Weak<Engine>)>,
    ended: Vec<u32>,
    /// Memory that ranks train on.
    claims: Vec<(u32, usize, Range<usize>)>,
    next_claim: usize,
}

/// The transports that have not been fetched, and a way to end those that have.
struct Link {
    transports: Vec<Option<LocalTransport>>,
    alarms: Vec<Alarm>,
}

impl Ranks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transport of a rank's trainer number `index`; `None` where the rank has ended.
    fn transport(&self, rank: u32, index: usize) -> Option<LocalTransport> {
        let mut state = self.state();
        if state.ended.contains(&rank) {
            return None;
        }
        while state.links.len() <= index {
            let transports = local::group(self.size);
            let alarms = transports.iter().map(LocalTransport::alarm).collect();
            let ended = state.ended.clone();
            let left = |rank: usize| ended.contains(&(rank as u32));
            let transports =
                transports.into_iter().enumerate().map(|(rank, one)| (!left(rank)).then_some(one)).collect();
            state.links.push(Link { transports, alarms });
        }
        state.links[index].transports[rank as usize].take()
    }

    /// Ends a rank: its peers no longer wait for it. With a reason, all ranks fail.
    fn leave(&self, rank: u32, reason: Option<&str>) {
        let mut state = self.state();
        state.ended.push(rank);
        state.claims.retain(|(owner, _, _)| *owner != rank);
        let mut dropped = vec![];
        for link in &mut state.links {
            if let Some(reason) = reason {
                link.alarms[rank as usize].fail(reason);
            }
            dropped.extend(link.transports[rank as usize].take());
        }
        let (mine, others) =
            std::mem::take(&mut state.engines).into_iter().partition(|(owner, _)| *owner == rank);
        state.engines = others;
        drop(state);
        let mine: Vec<(u32, Weak<Engine>)> = mine;
        mine.iter().filter_map(|(_, engine)| engine.upgrade()).for_each(|engine| engine.stop());
    }

    /// Claims an array's memory for a rank to train on, in the place of its trainer's earlier claim.
    pub fn claim(&self, rank: u32, claim: &mut Claim, array: &Memory) -> Result<(), ArrayError> {
        let start = array.data as usize;
        let memory = start..start + array.len() * array.dtype().bytes();
        if claim.memory == memory {
            return Ok(());
        }
        let mut state = self.state();
        let overlaps = |other: &Range<usize>| other.start < memory.end && memory.start < other.end;
        let other = state.claims.iter().find(|(owner, _, other)| *owner != rank && overlaps(other));
        if let Some(&(other, _, _)) = other {
            return Err(ArrayError::Overlap { library: array.library, rank, other });
        }
        state.claims.retain(|(_, id, _)| *id != claim.id);
        state.next_claim += 1;
        *claim = Claim { id: state.next_claim, memory: memory.clone() };
        state.claims.push((rank, claim.id, memory));
        Ok(())
    }

    /// Gives up a claim.
    pub fn release(&self, claim: &Claim) {
        self.state().claims.retain(|(_, id, _)| *id != claim.id);
    }
}

/// The memory that a trainer works on; number 0 is none.
#[derive(Default)]
pub struct Claim {
    id: usize,
    memory: Range<usize>,
}

/// Ranks for which the others waited in vain.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the other ranks waited {waited:?} for {ranks}")]
#[diagnostic(
    code(bfc::execute::deadline),
    help("look at what it does there, or give a longer `deadline` to `bfc.spmd`\n{stacks}")
)]
struct Late {
    waited: Duration,
    ranks: String,
    stacks: String,
}

impl Late {
    /// From the late ranks, each with its stack.
    fn new(waited: Duration, late: &[(u32, String)]) -> Self {
        let ranks = late.iter().map(|(rank, _)| format!("rank {rank}")).collect::<Vec<_>>().join(", ");
        let stacks: Vec<_> = late.iter().map(|(rank, stack)| format!("rank {rank} is at\n{stack}")).collect();
        Self { waited, ranks, stacks: stacks.join("\n") }
    }
}

/// The ranks of one `spmd`.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct Group(Arc<Ranks>);

#[pymethods]
impl Group {
    #[new]
    fn new(py: Python<'_>, size: u32, deadline: f64) -> PyResult<Self> {
        let deadline = Duration::try_from_secs_f64(deadline).map_err(|_| {
            let expected = "expected a number of seconds from 0 to 1e19";
            wrong_value(py, "spmd", "deadline", &deadline.to_string(), expected)
        })?;
        Ok(Self(Arc::new(Ranks { size, deadline, state: Mutex::default() })))
    }

    fn comm(&self, rank: u32) -> Comm {
        Comm { ranks: self.0.clone(), rank, transports: AtomicUsize::new(0), generator: PyOnceLock::new() }
    }

    #[pyo3(signature = (rank, reason=None))]
    fn leave(&self, py: Python<'_>, rank: u32, reason: Option<&str>) {
        py.detach(|| self.0.leave(rank, reason));
    }

    /// The exception about ranks, each with its stack, that keep the others waiting.
    fn late(&self, py: Python<'_>, ranks: Vec<(u32, String)>) -> PyErr {
        error::raise(py, [&Late::new(self.0.deadline, &ranks) as &dyn Diagnostic])
    }
}

/// A rank of `spmd`.
#[pyclass(frozen, module = "bfc")]
pub struct Comm {
    ranks: Arc<Ranks>,
    rank: u32,
    /// How many have been fetched.
    transports: AtomicUsize,
    generator: PyOnceLock<Py<PyAny>>,
}

#[pymethods]
impl Comm {
    /// This rank, in `0..size`.
    #[getter]
    fn rank(&self) -> u32 {
        self.rank
    }

    /// The number of ranks.
    #[getter]
    fn size(&self) -> u32 {
        self.ranks.size
    }

    /// A trainer of this rank's part of `schedule`, whose model starts as a copy of `x`; all ranks make it together.
    fn trainer(&self, py: Python<'_>, schedule: &Schedule, x: &Bound<'_, PyAny>) -> PyResult<Trainer> {
        let (expected, size) = (self.ranks.size, schedule.inner.size());
        if size != expected {
            let (found, expected) = (format!("for {size} ranks"), format!("expected one for {expected}"));
            return Err(wrong_value(py, "Comm.trainer", "schedule", &found, &expected));
        }
        let transport = self.transport()?;
        let trainer = Trainer::new(py, self.ranks.clone(), transport, schedule, x)?;
        let mut state = self.ranks.state();
        if state.ended.contains(&self.rank) {
            trainer.engine.stop();
        }
        state.engines.push((self.rank, Arc::downgrade(&trainer.engine)));
        Ok(trainer)
    }

    /// Random numbers of this rank: a `torch.Generator`, seeded with the rank.
    #[getter]
    fn generator(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let make = || {
            let generator = py.import("torch")?.getattr("Generator")?.call0()?;
            generator.call_method1("manual_seed", (self.rank,))?;
            Ok::<_, PyErr>(generator.unbind())
        };
        Ok(self.generator.get_or_try_init(py, make)?.clone_ref(py))
    }

    /// The ranks as a group for an optimizer, over a transport of its own; all ranks make it together.
    fn _world(&self) -> PyResult<World> {
        Ok(World::of_threads(self.rank, self.ranks.size, self.ranks.deadline, Box::new(self.transport()?)))
    }

    /// Calls without a schedule over a transport of their own; all ranks make it together.
    fn _calls(&self, py: Python<'_>) -> PyResult<Calls> {
        Calls::over(py, Box::new(self.transport()?), None, self.ranks.deadline)
    }

    fn __repr__(&self) -> String {
        format!("<bfc.Comm rank {} of {}>", self.rank, self.ranks.size)
    }
}

impl Comm {
    /// A transport for the next trainer or communicator.
    fn transport(&self) -> PyResult<LocalTransport> {
        let index = self.transports.fetch_add(1, Ordering::Relaxed);
        let transport = self.ranks.transport(self.rank, index);
        transport.ok_or_else(|| PyRuntimeError::new_err(format!("rank {} has ended", self.rank)))
    }
}
