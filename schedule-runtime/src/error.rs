//! What goes wrong at run time, where, and what the rank did before.

use crate::communicator::Operation;
use crate::trace::{Trace, TraceError};
use crate::transport::Envelope;
use bfc_schedule::Rank;
use miette::Diagnostic;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use thiserror::Error;

/// A failure at run time. After one that a peer or the trainer caused, the machine is dead.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum RuntimeError {
    /// A peer did not come within the deadline.
    #[error("{place}: waited {waited:?} for rank {peer}")]
    #[diagnostic(
        code(bfc::execute::deadline),
        help(
            "look at what rank {peer} does (`bfc why-stuck`, where the run has a trace), or set a longer deadline\n{trace}"
        )
    )]
    Deadline {
        /// Where this rank was.
        place: Place,
        /// The peer waited for.
        peer: Rank,
        /// The deadline.
        waited: Duration,
        /// What this rank did before.
        trace: Box<Trace>,
    },
    /// A peer ended before its round.
    #[error("{place}: rank {peer} has left")]
    #[diagnostic(
        code(bfc::execute::peer_left),
        help("every rank must run the same number of steps; see what rank {peer} reported\n{trace}")
    )]
    PeerLeft {
        /// Where this rank was.
        place: Place,
        /// The peer.
        peer: Rank,
        /// What this rank did before.
        trace: Box<Trace>,
    },
    /// Another rank failed.
    #[error("{place}: rank {peer} failed: {reason}")]
    #[diagnostic(code(bfc::execute::peer_failed), help("the cause is on rank {peer}\n{trace}"))]
    PeerFailed {
        /// Where this rank was.
        place: Place,
        /// The rank that failed first.
        peer: Rank,
        /// What it said.
        reason: String,
        /// What this rank did before.
        trace: Box<Trace>,
    },
    /// A message of another round or length came.
    #[error("{place}: expected {expected} from rank {peer}, found {found}")]
    #[diagnostic(
        code(bfc::execute::mismatch),
        help(
            "every rank must run the same schedule and the same steps, with a model of the same length\n{trace}"
        )
    )]
    Mismatch {
        /// Where this rank was.
        place: Place,
        /// The peer.
        peer: Rank,
        /// What this rank waited for.
        expected: Envelope,
        /// What came.
        found: Envelope,
        /// What this rank did before.
        trace: Box<Trace>,
    },
    /// The operating system or the message library refused.
    #[error("{place}: cannot reach rank {peer}: {reason}")]
    #[diagnostic(
        code(bfc::execute::system),
        help("check that rank {peer} is running and reachable from here\n{trace}")
    )]
    System {
        /// Where this rank was.
        place: Place,
        /// The peer concerned.
        peer: Rank,
        /// The words of the system.
        reason: String,
        /// What this rank did before.
        trace: Box<Trace>,
    },
    /// A collective of the message library took too long.
    #[error("{place}: a collective of the message library took longer than {waited:?}")]
    #[diagnostic(
        code(bfc::execute::collective),
        help(
            "the library does not say which rank it waits for: look at all of them (`bfc why-stuck`, where the run has a trace), call without `fast`, which names the rank, or set a longer deadline"
        )
    )]
    Collective {
        /// Where this rank was.
        place: Place,
        /// The deadline.
        waited: Duration,
    },
    /// The process that stands for a peer belongs to another user.
    #[error("{place}: rank {peer} belongs to user {theirs}, this rank to user {mine}")]
    #[diagnostic(
        code(bfc::execute::other_user),
        help("start all ranks as one user, and give every run a directory of its own for its sockets")
    )]
    OtherUser {
        /// Where this rank was.
        place: Place,
        /// The peer.
        peer: Rank,
        /// The number of its user.
        theirs: u32,
        /// The number of this rank's user.
        mine: u32,
    },
    /// Ranks have different schedules.
    #[error("rank {rank} has schedule `{mine}`, rank {peer} has `{theirs}`")]
    #[diagnostic(
        code(bfc::execute::different_schedule),
        help("compile once, and distribute the same file to all ranks")
    )]
    DifferentSchedule {
        /// This rank.
        rank: Rank,
        /// Its digest.
        mine: String,
        /// The peer.
        peer: Rank,
        /// The peer's digest.
        theirs: String,
    },
    /// Ranks have different models.
    #[error("ranks have different models: rank {rank} has {mine}, rank {peer} has {theirs}")]
    #[diagnostic(
        code(bfc::execute::different_model),
        help("every rank must start with the same tensors: names, shapes and number types, in one order")
    )]
    DifferentModel {
        /// This rank.
        rank: Rank,
        /// The first tensor that differs, or how many there are.
        mine: String,
        /// The peer.
        peer: Rank,
        /// The same of the peer.
        theirs: String,
    },
    /// The schedule is for another rank or number of ranks than the transport.
    #[error("the schedule is for rank {rank} of {size}, the transport is rank {found_rank} of {found_size}")]
    #[diagnostic(
        code(bfc::execute::different_group),
        help("compile for {found_size} ranks, and give every rank its own part")
    )]
    DifferentGroup {
        /// The rank that the schedule is for.
        rank: Rank,
        /// The size that it is for.
        size: u32,
        /// The transport's rank.
        found_rank: Rank,
        /// The transport's size.
        found_size: u32,
    },
    /// No run-time input has this name.
    #[error("no input `{name}`")]
    #[diagnostic(code(bfc::execute::unknown_input), help("the inputs of `{algorithm}` are: {known}"))]
    UnknownInput {
        /// The name asked for.
        name: String,
        /// The algorithm.
        algorithm: String,
        /// The names there are.
        known: String,
    },
    /// No state has this name.
    #[error("no state `{name}`")]
    #[diagnostic(code(bfc::execute::unknown_state), help("the states of `{algorithm}` are: {known}"))]
    UnknownState {
        /// The name asked for.
        name: String,
        /// The algorithm.
        algorithm: String,
        /// The names there are.
        known: String,
    },
    /// A vector has another length than the model.
    #[error("expected a vector of {expected} elements like the model, found {found}")]
    #[diagnostic(
        code(bfc::execute::wrong_length),
        help("points, gradients and lent memory all have the model's length, {expected}")
    )]
    WrongLength {
        /// The model's length.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// An answer was given where nothing is asked.
    #[error("`{algorithm}` asks the trainer nothing")]
    #[diagnostic(
        code(bfc::execute::nothing_asked),
        help("do its steps with `next` or `step`, without an answer")
    )]
    NothingAsked {
        /// The algorithm.
        algorithm: String,
    },
    /// A bucket was answered that is not waited for.
    #[error(
        "bucket {bucket} is not waited for: there are {buckets}, and each is answered once for a question"
    )]
    #[diagnostic(
        code(bfc::execute::not_wanted),
        help("call `ready` once for each bucket of the layout, and then ask for the next point")
    )]
    NotWanted {
        /// The bucket.
        bucket: usize,
        /// The number of buckets.
        buckets: usize,
    },
    /// The closure of the trainer failed.
    #[error("the trainer failed on rank {rank} in step {step}: {source}")]
    #[diagnostic(
        code(bfc::execute::trainer),
        help("the error is the trainer's own; the step was not completed")
    )]
    Trainer {
        /// This rank.
        rank: Rank,
        /// The step.
        step: u64,
        /// The trainer's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The machine failed before.
    #[error("the machine of rank {rank} failed before, in step {step}")]
    #[diagnostic(
        code(bfc::execute::failed),
        help("start again from the last saved model; the first error says why")
    )]
    Failed {
        /// This rank.
        rank: Rank,
        /// The step in which it failed.
        step: u64,
    },
    /// The state lives in the caller's memory, which this call did not get.
    #[error("state `{state}` lives in the caller's memory")]
    #[diagnostic(
        code(bfc::execute::lent),
        help("after a step on the caller's memory, lend the same memory to every call, or read it there")
    )]
    Lent {
        /// The state.
        state: String,
    },
    /// A checkpoint belongs to another machine.
    #[error("the checkpoint does not fit rank {rank}: {reason}")]
    #[diagnostic(
        code(bfc::execute::wrong_checkpoint),
        help("restore what the same rank has saved, with the same schedule and the same tensors")
    )]
    WrongCheckpoint {
        /// This rank.
        rank: Rank,
        /// What is different.
        reason: String,
    },
    /// Something was wanted that a question which is answered in part does not allow.
    #[error("{ready} of {buckets} buckets are answered, and the others are not")]
    #[diagnostic(
        code(bfc::execute::half_answered),
        help(
            "call `ready` for the others, or `next` if all are complete: until then, a bucket may be on its way to other ranks"
        )
    )]
    HalfAnswered {
        /// How many are.
        ready: usize,
        /// The number of buckets.
        buckets: usize,
    },
    /// The rank cannot leave a trace.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trace(#[from] TraceError),
    /// The model was asked for within a step.
    #[error("the model is not defined within step {step}")]
    #[diagnostic(code(bfc::execute::mid_step), help("ask for it once the step is complete"))]
    MidStep {
        /// The step.
        step: u64,
    },
}

/// Where a rank was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The rank.
    pub rank: Rank,
    /// The step, from 0; `None` before the first, and in calls of a communicator.
    pub step: Option<u64>,
    /// What it took part in.
    pub exchange: ExchangeKind,
    /// The bucket of the model, where there are several.
    pub bucket: Option<u32>,
    /// The round.
    pub round: u32,
}

/// What a rank took part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeKind {
    /// The comparison of schedules at the start.
    Greeting,
    /// A mix.
    Mix {
        /// The topology, by index.
        topology: u32,
        /// The phase.
        phase: u32,
    },
    /// An average.
    Average,
    /// A call of a [communicator](crate::Communicator).
    Call {
        /// Which, from 0.
        number: u64,
        /// What it does.
        operation: Operation,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {}, ", self.rank)?;
        match (self.step, self.exchange) {
            (Some(step), _) => write!(f, "step {step}, ")?,
            (None, ExchangeKind::Call { .. }) => {}
            (None, _) => write!(f, "start, ")?,
        }
        write!(f, "{}, ", self.exchange)?;
        if let Some(bucket) = self.bucket {
            write!(f, "bucket {bucket}, ")?;
        }
        write!(f, "round {}", self.round)
    }
}

impl fmt::Display for ExchangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => write!(f, "comparison of schedules"),
            Self::Mix { topology: 0, phase } => write!(f, "phase {phase}"),
            Self::Mix { topology, phase } => write!(f, "topology {topology}, phase {phase}"),
            Self::Average => write!(f, "average"),
            Self::Call { number, operation } => write!(f, "call {number}, `{operation}`"),
        }
    }
}
