//! Why nothing is predicted.

use miette::Diagnostic;
use thiserror::Error;

/// The most ranks of a simulation.
pub const MOST_RANKS: u32 = 1 << 20;
/// The most events of a simulation.
pub const MOST_EVENTS: f64 = 1e10;

/// What is wrong with a request to predict.
#[derive(Debug, Error, Diagnostic)]
pub enum PredictError {
    /// The simulation would take days.
    #[error(
        "{size} ranks over {steps} steps are about {events:.0e} events, expected up to {MOST_EVENTS:.0e} and {MOST_RANKS} ranks"
    )]
    #[diagnostic(
        code(bfc::predict::too_large),
        help("simulate fewer `--steps`; `bfc compile --cluster` predicts any size without jitter")
    )]
    TooLarge {
        /// The number of ranks.
        size: u32,
        /// The number of steps.
        steps: u32,
        /// Messages and gradients.
        events: f64,
    },
    /// A transport does not work here.
    #[error("messages over {wire} cannot be measured: {reason}")]
    #[diagnostic(
        code(bfc::predict::probe),
        help(
            "sockets need a temporary directory that can be written, such as `TMPDIR=/tmp`; MPI needs as many ranks on each machine, one machine after the other"
        )
    )]
    Probe {
        /// The transport.
        wire: &'static str,
        /// What it says.
        reason: String,
    },
    /// Started by `mpirun` without MPI.
    #[error("`mpirun` has started this `bfc`, which was built without MPI")]
    #[diagnostic(
        code(bfc::predict::no_mpi),
        help(
            "`cargo install --path compiler/cli --features mpi` builds it with MPI; it needs an installation of MPI and libclang"
        )
    )]
    #[cfg_attr(feature = "mpi", allow(dead_code, reason = "this one has MPI"))]
    NoMpi,
    /// A rank is lost that is not there.
    #[error("`--lost` names rank {rank}, and there are {size} ranks")]
    #[diagnostic(code(bfc::predict::unknown_rank), help("ranks count from 0 to {}", size - 1))]
    UnknownRank {
        /// The rank.
        rank: u32,
        /// The number of ranks.
        size: u32,
    },
    /// More ranks are slow than there are.
    #[error("`--stragglers` names {count} ranks, and there are {size}")]
    #[diagnostic(
        code(bfc::predict::too_many_stragglers),
        help("slow down up to {size} ranks, such as `1x2`")
    )]
    TooManyStragglers {
        /// The ranks that are slow.
        count: u32,
        /// The number of ranks.
        size: u32,
    },
    /// A rank is lost when all is over.
    #[error("`--lost` lets rank {rank} go in step {step}, and the last of {steps} steps is {}", steps - 1)]
    #[diagnostic(
        code(bfc::predict::lost_too_late),
        help("steps count from 0; name an earlier one, or simulate more `--steps`")
    )]
    LostTooLate {
        /// The rank.
        rank: u32,
        /// Its first step without it.
        step: u32,
        /// The number of steps.
        steps: u32,
    },
    /// No topology of the library reaches the target.
    #[error("no topology of the library reaches an error of {error:e}:\n  {}", reasons.join("\n  "))]
    #[diagnostic(
        code(bfc::predict::nothing_reaches),
        help("set a larger `--error`, a smaller `--heterogeneity`, or an `--algorithm` without bias")
    )]
    NothingReaches {
        /// The target.
        error: f64,
        /// Why each does not.
        reasons: Vec<String>,
    },
}
