//! What a launcher says, or nothing, into the group of ranks that this process belongs to.

use crate::arguments::wrong_value;
use crate::error;
use crate::interrupt::interruptible;
use bfc_runtime::world::WorldError;
use bfc_runtime::{Transport, local};
use miette::Diagnostic;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// What moves messages between ranks.
pub type AnyTransport = Box<dyn Transport + Send>;

/// The ranks that a launcher has started, or this process alone.
#[pyclass(frozen, module = "bfc._bfc")]
pub struct World {
    rank: u32,
    size: u32,
    local_rank: u32,
    local_size: u32,
    /// The longest wait for another rank.
    pub deadline: Duration,
    /// Where the transport is while no machine uses it.
    pub seat: Seat,
}

/// The place of a transport that one machine uses at a time.
#[derive(Clone)]
pub struct Seat(Arc<Mutex<Result<AnyTransport, Vacant>>>);

/// Why there is no transport to be had.
#[derive(Clone, Copy, Debug, Error, Diagnostic)]
pub enum Vacant {
    /// A machine or a communicator has it.
    #[error("another machine or communicator of this process exchanges with the other ranks")]
    #[diagnostic(
        code(bfc::world::in_use),
        help(
            "close it first, `machine.close()`, `optimizer.close()` or `communicator.close()`; several optimizers share one machine as `bfc.torch.Decentralized([a, b], …)`"
        )
    )]
    InUse,
    /// A machine could not be made with it, or was interrupted.
    #[error("the ranks have lost each other: a machine could not be made, or was interrupted")]
    #[diagnostic(
        code(bfc::world::lost),
        help("see the first error, and start all ranks again: `bfc.shutdown()`, then `bfc.init()`")
    )]
    Lost,
}

/// A function of the group was called before the group was joined.
#[derive(Debug, Error, Diagnostic)]
#[error("this process has not joined the other ranks")]
#[diagnostic(code(bfc::world::not_joined), help("call `bfc.init()` first"))]
struct NotJoined;

/// The group was joined before, in another way.
#[derive(Debug, Error, Diagnostic)]
#[error("this process has joined the other ranks already, with other arguments")]
#[diagnostic(code(bfc::world::joined), help("call `bfc.init()` once, or `bfc.shutdown()` before"))]
struct Joined;

/// Ranks have chosen different engines.
#[derive(Debug, Error, Diagnostic)]
#[error("rank {rank} has chosen the engine `{mine}`, rank {peer} `{theirs}`")]
#[diagnostic(
    code(bfc::world::engines_differ),
    help(
        "call `bfc.init()` with the same `engine` and `group` on all ranks, after `init_process_group` on all or on none"
    )
)]
struct EnginesDiffer {
    rank: u32,
    mine: String,
    peer: u32,
    theirs: String,
}

/// The exception for ranks that have chosen different engines.
#[pyfunction]
pub fn engines_differ(py: Python<'_>, rank: u32, mine: String, peer: u32, theirs: String) -> PyErr {
    error::raise(py, [&EnginesDiffer { rank, mine, peer, theirs } as &dyn Diagnostic])
}

/// The exception for a second group.
#[pyfunction]
pub fn joined(py: Python<'_>) -> PyErr {
    error::raise(py, [&Joined as &dyn Diagnostic])
}

/// The exception for what needs the other ranks before they are joined.
#[pyfunction]
pub fn not_joined(py: Python<'_>) -> PyErr {
    error::raise(py, [&NotJoined as &dyn Diagnostic])
}

/// Whether the environment says that a launcher has started this process.
#[pyfunction]
pub fn has_launcher() -> bool {
    !matches!(bfc_runtime::World::from_environment(), Err(WorldError::NoLauncher))
}

impl Seat {
    fn new(transport: AnyTransport) -> Self {
        Self(Arc::new(Mutex::new(Ok(transport))))
    }

    /// Takes the transport.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&self) -> Result<AnyTransport, Vacant> {
        let mut seat = self.lock();
        let vacant = seat.as_ref().err().copied().unwrap_or(Vacant::InUse);
        std::mem::replace(&mut *seat, Err(vacant))
    }

    /// Gives it back, or says that it is lost.
    pub fn put(&self, transport: Option<AnyTransport>) {
        *self.lock() = transport.ok_or(Vacant::Lost);
    }

    fn lock(&self) -> MutexGuard<'_, Result<AnyTransport, Vacant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// A rank that is a thread of this process, as are all others.
    pub fn of_threads(rank: u32, size: u32, deadline: Duration, transport: AnyTransport) -> Self {
        Self { rank, size, local_rank: rank, local_size: size, deadline, seat: Seat::new(transport) }
    }
}

#[pymethods]
impl World {
    #[new]
    fn new(py: Python<'_>, deadline: f64) -> PyResult<Self> {
        let deadline = Duration::try_from_secs_f64(deadline).map_err(|_| {
            let expected = "expected a number of seconds from 0 to 1e19";
            wrong_value(py, "init", "deadline", &deadline.to_string(), expected)
        })?;
        let raise = |error: WorldError| error::raise(py, [&error as &dyn Diagnostic]);
        let world = match bfc_runtime::World::from_environment() {
            Err(WorldError::NoLauncher) => {
                let seat = Seat::new(Box::new(local::group(1).remove(0)));
                return Ok(Self { rank: 0, size: 1, local_rank: 0, local_size: 1, deadline, seat });
            }
            world => world.map_err(raise)?,
        };
        let (rank, size) = (world.rank().0, world.size());
        let (local_rank, local_size) = (world.local_rank(), world.local_size());
        let transport = interruptible(py, move |_| world.join(deadline))?.map_err(raise)?;
        Ok(Self { rank, size, local_rank, local_size, deadline, seat: Seat::new(transport) })
    }

    /// This rank, in `0..size`.
    #[getter]
    pub fn rank(&self) -> u32 {
        self.rank
    }

    /// The number of ranks.
    #[getter]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// This rank among those of its machine, such as the number of its GPU.
    #[getter]
    fn local_rank(&self) -> u32 {
        self.local_rank
    }

    /// The number of ranks of this machine.
    #[getter]
    fn local_size(&self) -> u32 {
        self.local_size
    }

    /// The longest wait for another rank, in seconds.
    #[getter]
    fn deadline(&self) -> f64 {
        self.deadline.as_secs_f64()
    }
}
