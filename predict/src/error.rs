//! Why nothing is predicted.

use crate::cluster::ClusterError;
use crate::place::FitError;
use bfc_compiler::Diagnostics;
use miette::{Diagnostic, Report};
use thiserror::Error;

/// The most ranks of a simulation.
pub const MOST_RANKS: u32 = 1 << 20;
/// The most events of a simulation.
pub const MOST_EVENTS: f64 = 1e10;

/// Why nothing is predicted: the source, the cluster, or what is asked.
#[derive(Clone, Debug)]
pub enum PredictError {
    /// The source is refused.
    Source(Diagnostics),
    /// The schedule does not fit the cluster.
    Fit(FitError),
    /// What is asked cannot be answered.
    Question(QuestionError),
}

impl PredictError {
    /// Each reason, ready to be shown.
    pub fn into_reports(self) -> Vec<Report> {
        match self {
            Self::Source(refused) => refused.into_reports(),
            Self::Fit(FitError::Cluster(error)) => vec![Report::new(error)],
            Self::Fit(FitError::Verify(errors)) => errors.into_iter().map(Report::new).collect(),
            Self::Question(error) => vec![Report::new(error)],
        }
    }
}

impl From<Diagnostics> for PredictError {
    fn from(refused: Diagnostics) -> Self {
        Self::Source(refused)
    }
}

impl From<FitError> for PredictError {
    fn from(error: FitError) -> Self {
        Self::Fit(error)
    }
}

impl From<ClusterError> for PredictError {
    fn from(error: ClusterError) -> Self {
        Self::Fit(FitError::Cluster(error))
    }
}

impl From<QuestionError> for PredictError {
    fn from(error: QuestionError) -> Self {
        Self::Question(error)
    }
}

/// What is wrong with what is asked.
#[derive(Clone, Debug, Error, Diagnostic)]
pub enum QuestionError {
    /// The simulation would take days.
    #[error(
        "{size} ranks over {steps} steps are about {events:.0e} events, expected up to {MOST_EVENTS:.0e} and {MOST_RANKS} ranks"
    )]
    #[diagnostic(
        code(bfc::predict::too_large),
        help("simulate fewer `--steps`; `bfc compare --cluster` predicts any size without jitter")
    )]
    TooLarge {
        /// The number of ranks.
        size: u32,
        /// The number of steps.
        steps: u32,
        /// Messages and gradients.
        events: f64,
    },
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
        help("slow down up to {size} ranks, such as `--stragglers 1x2`")
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
    #[error("no topology reaches an error of {error:e}:\n  {}", reasons.join("\n  "))]
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
    /// Advice is asked for an expression.
    #[error("`{expression}` is an expression, and `bfc advise` takes a file")]
    #[diagnostic(
        code(bfc::predict::not_a_source),
        help("write it to a file, such as `topology mine = {expression}`, with the `use` of what it names")
    )]
    NotASource {
        /// It.
        expression: String,
    },
    /// A source has several algorithms.
    #[error("the source has several algorithms: `{}`", names.join("`, `"))]
    #[diagnostic(
        code(bfc::predict::several_algorithms),
        help("say which: `--algorithm {}`", names.first().map_or("", String::as_str))
    )]
    SeveralAlgorithms {
        /// Their names.
        names: Vec<String>,
    },
    /// Nobody waits for the result any more.
    #[error("the computation was cancelled")]
    #[diagnostic(code(bfc::predict::cancelled), help("start it again for its result"))]
    Cancelled,
}
