//! What one can see of a run: each rank keeps a ring of its last events, with times.
//!
//! | file | what it turns into what |
//! |---|---|
//! | `event` | what a rank does into eight words |
//! | `recorder` | events into a ring, in memory or in a file that is mapped |
//! | `file` | files of a directory into [recordings](Recording) |
//! | `clock` | messages into the difference of two clocks |
//! | `stuck` | recordings into who waits for whom, and who [holds up](Stuck::roots) all others |
//! | `process`, `signal` | whether a process runs; SIGUSR1 |
//!
//! An event costs about as much as reading the clock twice. A rank has two tracks: its caller's thread, and the worker that
//! exchanges beside it.

mod clock;
mod event;
mod file;
mod process;
mod recorder;
mod signal;
mod stuck;

pub use clock::{Calibration, Clock, calibrate_clock};
pub use event::{Asked, Cause, Event, Label, Round, What};
pub use file::{Recording, read};
pub use process::{Process, ProcessState};
pub use stuck::{Doing, RankState, Stuck, stuck};

pub(crate) use clock::calibrate;
pub(crate) use recorder::Recorder;

use bfc_schedule::Rank;
use miette::Diagnostic;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// The variable that names the directory for traces.
pub const VARIABLE: &str = "BFC_TRACE";

/// Why a run leaves no trace, or why what it left cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum TraceError {
    /// A rank cannot write its file.
    #[error("rank {rank} cannot write its trace into `{directory}`: {error}")]
    #[diagnostic(
        code(bfc::trace::unwritable),
        help("name a directory that the ranks can write to, with 5 MB for each rank")
    )]
    Unwritable {
        /// The rank.
        rank: Rank,
        /// The directory.
        directory: String,
        /// Why.
        error: io::Error,
    },
    /// Some ranks write traces and others do not.
    #[error("rank {with} writes a trace, rank {without} does not")]
    #[diagnostic(code(bfc::trace::different), help("set `BFC_TRACE` for all ranks, or for none"))]
    Different {
        /// A rank with a trace.
        with: Rank,
        /// One without.
        without: Rank,
    },
    /// A directory without files of ranks.
    #[error("`{directory}` holds no traces: no file `rank-0.trace` or of another rank")]
    #[diagnostic(
        code(bfc::trace::no_recordings),
        help(
            "run with `BFC_TRACE={directory}`, or `bfc run --trace {directory}`, and name the same directory here"
        )
    )]
    NoRecordings {
        /// The directory.
        directory: String,
    },
    /// A file or a directory cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    #[diagnostic(code(bfc::trace::unreadable), help("check that it exists, and its permissions"))]
    Unreadable {
        /// The file or the directory.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Not a trace.
    #[error("`{path}` is not a trace: it does not begin with `bfctrace`")]
    #[diagnostic(
        code(bfc::trace::foreign),
        help("remove the file from the directory, or name another directory")
    )]
    Foreign {
        /// The file.
        path: String,
    },
    /// A trace of another version.
    #[error("`{path}` is a trace of version {version}, expected version 1")]
    #[diagnostic(
        code(bfc::trace::version),
        help("use the `bfc` of the version that the ranks were built with")
    )]
    Version {
        /// The file.
        path: String,
        /// Its version.
        version: u64,
    },
    /// A trace without its end.
    #[error("`{path}` is cut off: it has {found} bytes of {expected}")]
    #[diagnostic(code(bfc::trace::cut), help("copy the file again from where the rank ran"))]
    Cut {
        /// The file.
        path: String,
        /// Its length in bytes.
        found: u64,
        /// The length that it should have.
        expected: u64,
    },
    /// A trace whose contents contradict each other.
    #[error("`{path}` is damaged: {reason}")]
    #[diagnostic(code(bfc::trace::malformed), help("copy the file again from where the rank ran"))]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Traces of several runs.
    #[error("`{first}` and `{second}` are of different runs")]
    #[diagnostic(code(bfc::trace::mixed), help("empty the directory before a run, or name another one"))]
    Mixed {
        /// A file.
        first: String,
        /// One that does not belong to it.
        second: String,
    },
    /// A trace whose clock cannot be compared with the others.
    #[error("the clock of rank {rank} has not been compared with that of rank 0 (`{path}`)")]
    #[diagnostic(
        code(bfc::trace::uncalibrated),
        help(
            "run again: the rank ended before the clocks were compared; `bfc why-stuck` reads what it left"
        )
    )]
    Uncalibrated {
        /// The rank.
        rank: Rank,
        /// Its file.
        path: String,
    },
}

/// A thread of a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The one that drives the machine.
    Caller,
    /// The one that exchanges beside it.
    Worker,
}

thread_local! {
    static TRACK: Cell<Track> = const { Cell::new(Track::Caller) };
}

impl Track {
    /// That of the present thread.
    fn current() -> Self {
        TRACK.get()
    }

    /// Says that the present thread is a worker.
    pub(crate) fn set_worker() {
        TRACK.set(Self::Worker);
    }
}

/// The last events of a rank, oldest first, and when a peer was last seen, at what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    events: Vec<Event>,
    peer: Option<(Rank, Option<Event>)>,
}

impl Trace {
    const LENGTH: usize = 16;

    /// Of events in their order.
    fn new(mut events: Vec<Event>, peer: Rank) -> Self {
        // It may have been silent for longer than the last events reach back.
        let sign = events.iter().rfind(|event| event.what.is_sign_of(peer)).copied();
        events.drain(..events.len().saturating_sub(Self::LENGTH));
        Self { events, peer: Some((peer, sign)) }
    }

    /// The last message of the peer that a failure is about.
    pub fn sign(&self) -> Option<&Event> {
        self.peer.as_ref().and_then(|(_, sign)| sign.as_ref())
    }

    /// The events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(last) = self.events.last() else { return write!(f, "nothing was done before") };
        let before = |event: &Event| last.time.saturating_sub(event.time).as_secs_f64() * 1e3;
        match &self.peer {
            Some((peer, Some(sign))) => {
                writeln!(f, "rank {peer} was last seen {:.3} ms before: {sign}", before(sign))?;
            }
            Some((peer, None)) => writeln!(f, "rank {peer} was not seen before")?,
            None => {}
        }
        write!(f, "before that, in milliseconds:")?;
        self.events.iter().try_for_each(|event| {
            let before = before(event);
            write!(f, "\n  {:>10.3}  {event}", -before)
        })
    }
}

/// Where a rank's next machine leaves its trace, as the environment says: in the directory itself, and for further machines of
/// this rank and process in its directories `2`, `3` and so on.
pub(crate) fn asked_for(rank: Rank) -> Option<PathBuf> {
    static MACHINES: Mutex<BTreeMap<(OsString, Rank), u32>> = Mutex::new(BTreeMap::new());
    let directory = std::env::var_os(VARIABLE).filter(|directory| !directory.is_empty())?;
    let mut machines = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
    let number = machines.entry((directory.clone(), rank)).or_default();
    *number += 1;
    Some(if *number == 1 { directory.into() } else { PathBuf::from(directory).join(number.to_string()) })
}
