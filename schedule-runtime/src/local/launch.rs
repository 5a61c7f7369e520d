//! Runs one thread for each rank and collects their results, or the failure that came first.

use super::{LocalTransport, group};
use bfc_schedule::Rank;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Why a group of ranks has no results.
#[derive(Debug)]
pub enum SpmdError<E> {
    /// The body of a rank returned an error.
    Failed {
        /// The rank.
        rank: Rank,
        /// Its error.
        error: E,
    },
    /// The body of a rank panicked.
    Panicked {
        /// The rank.
        rank: Rank,
        /// What it said.
        message: String,
    },
}

impl<E> SpmdError<E> {
    /// The rank whose failure this is.
    pub fn rank(&self) -> Rank {
        match self {
            Self::Failed { rank, .. } | Self::Panicked { rank, .. } => *rank,
        }
    }
}

impl<E: fmt::Display> fmt::Display for SpmdError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { error, .. } => error.fmt(f),
            Self::Panicked { rank, message } => write!(f, "rank {rank} panicked: {message}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for SpmdError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { error, .. } => error.source(),
            Self::Panicked { .. } => None,
        }
    }
}

/// Runs `body` once for each of `size` ranks, each on a thread of its own, and returns the results in order of rank.
///
/// ```
/// use bfc_runtime::{Transport, local};
/// let ranks = local::spmd(3, |transport| Ok::<_, std::convert::Infallible>(transport.rank().0));
/// assert_eq!(ranks.unwrap(), [0, 1, 2]);
/// ```
///
/// # Errors
/// Where bodies fail or panic, the failure that came first: those of other ranks are its consequence.
pub fn spmd<R: Send, E: Send>(
    size: u32,
    body: impl Fn(LocalTransport) -> Result<R, E> + Sync,
) -> Result<Vec<R>, SpmdError<E>> {
    let transports = group(size);
    let hub = transports.first().map(|transport| Arc::clone(&transport.hub));
    let body = &body;
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            transports.into_iter().map(|transport| scope.spawn(move || body(transport))).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let first = hub.and_then(|hub| hub.first_failure());
    let mut failures = vec![];
    let mut values = vec![];
    for (result, rank) in results.into_iter().zip((0..).map(Rank)) {
        match result {
            Ok(Ok(value)) => values.push(value),
            Ok(Err(error)) => failures.push(SpmdError::Failed { rank, error }),
            Err(panic) => failures.push(SpmdError::Panicked { rank, message: panic_message(panic) }),
        }
    }
    let cause = failures.iter().position(|failure| Some(failure.rank()) == first).unwrap_or(0);
    if cause < failures.len() { Err(failures.swap_remove(cause)) } else { Ok(values) }
}

/// What a panic said.
pub(crate) fn panic_message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("without a message").to_owned(),
    }
}
