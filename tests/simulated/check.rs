//! What a run must have come to.

use crate::DEADLINE;
use crate::trainer::{Drive, Ended, Failure, Seen, Task};
use bfc_runtime::simulated::{Injected, Network, Outcome, Run};
use bfc_schedule::Rank;
use std::time::Duration;

/// Nothing went wrong: every rank has seen what it sees on threads.
pub fn check_sound(what: &str, reference: &[Seen], run: Run<Seen>) {
    for ((outcome, expected), rank) in run.ranks.into_iter().zip(reference).zip(0..) {
        let Outcome::Ended(seen) = outcome else { panic!("{what}: rank {rank} does not end: {outcome:?}") };
        assert_eq!(seen.error, None, "{what}: rank {rank} fails");
        assert!(seen.models == expected.models, "{what}: rank {rank} has another model than on threads");
        assert!(seen.memory == expected.memory, "{what}: rank {rank} leaves other memory than on threads");
        if let (Some(found), Some(expected)) = (&seen.states, &expected.states) {
            assert!(found == expected, "{what}: rank {rank} has other states than on threads");
        }
    }
}

/// What went wrong.
pub struct Faulty<'a> {
    pub network: &'a Network,
    pub task: &'a Task,
    /// When whoever waits in vain does so.
    pub latest: Duration,
}

impl Faulty<'_> {
    fn is_killed(&self, rank: Rank) -> bool {
        self.network
            .faults
            .iter()
            .any(|fault| matches!(fault, Injected::Kill { rank: one, .. } if *one == rank))
    }

    fn is_stopped(&self, rank: Rank) -> bool {
        self.network
            .faults
            .iter()
            .any(|fault| matches!(fault, Injected::Stop { rank: one, .. } if *one == rank))
    }

    /// Whether the rank leaves without a word: a trainer that drives by answers drops the machine.
    fn leaves(&self, rank: Rank) -> bool {
        self.is_killed(rank) || self.task.drive == Drive::Answers && self.fails(rank, Failure::Error)
    }

    /// Whether messages between two ranks get lost.
    fn is_lossy(&self, a: Rank, b: Rank) -> bool {
        let lossy = |fault: &Injected| match *fault {
            Injected::Lose { from, to, .. } => [(a, b), (b, a)].contains(&(from, to)),
            _ => false,
        };
        self.network.faults.iter().any(lossy)
    }

    fn fails(&self, rank: Rank, kind: Failure) -> bool {
        self.task.failure.is_some_and(|(failing, _, failure)| (failing, failure) == (rank, kind))
    }
}

/// What ranks may come to.
pub const ENDS: [&str; 7] = ["completes", "lost", "panicked", "deadline", "left", "failed", "trainer"];

/// Each rank ends in time, with an error that names one of the causes or nothing but right bits. What each comes to.
pub fn check_faulty(
    what: &str,
    reference: &[Seen],
    run: &Run<Seen>,
    faulty: &Faulty<'_>,
) -> Vec<&'static str> {
    for ((outcome, rank), ended) in run.ranks.iter().zip((0..).map(Rank)).zip(&run.ended) {
        let latest = faulty.latest + DEADLINE + Duration::from_secs(10);
        match outcome {
            Outcome::Lost => {
                assert!(faulty.is_killed(rank) || faulty.is_stopped(rank), "{what}: rank {rank} is lost");
            }
            Outcome::Panicked(text) => {
                assert!(
                    faulty.fails(rank, Failure::Panic) && text == "a bug",
                    "{what}: rank {rank} panics: {text}"
                );
            }
            Outcome::Ended(seen) => {
                assert!(*ended <= latest, "{what}: rank {rank} ends at {ended:?}, after {latest:?}");
                check_bits(what, rank, &reference[rank.index()], seen, faulty.task);
                if let Some(error) = &seen.error {
                    check_error(what, rank, error, &run.ranks, faulty);
                }
            }
        }
    }
    run.ranks.iter().map(end).collect()
}

fn end(outcome: &Outcome<Seen>) -> &'static str {
    match outcome {
        Outcome::Lost => "lost",
        Outcome::Panicked(_) => "panicked",
        Outcome::Ended(seen) => match seen.error {
            None => "completes",
            Some(Ended::Deadline { .. }) => "deadline",
            Some(Ended::Left { .. }) => "left",
            Some(Ended::Failed { .. }) => "failed",
            Some(Ended::Trainer { .. }) => "trainer",
            Some(Ended::Other(_)) => "other",
        },
    }
}

/// What has been completed is right.
fn check_bits(what: &str, rank: Rank, expected: &Seen, seen: &Seen, task: &Task) {
    let done = seen.models.len();
    assert!(
        seen.models == expected.models[..done],
        "{what}: rank {rank} has a wrong model after {done} steps"
    );
    if seen.error.is_none() {
        assert!(done == expected.models.len() && seen.memory == expected.memory, "{what}: rank {rank} stops");
        return;
    }
    // One mix is all that changes the model of this program: each element is old or new.
    if task.drive == Drive::Lent && task.schedule.program().name == "averaging" && done > 0 {
        let (old, new) = (&expected.models[done - 1], expected.models.get(done));
        for (index, element) in seen.memory.iter().enumerate() {
            let is_whole = *element == old[index] || new.is_some_and(|new| *element == new[index]);
            assert!(is_whole, "{what}: element {index} of rank {rank} is neither old nor new");
        }
    }
}

/// The error is about a cause: what the network did, or a rank that did not complete its run.
fn check_error(what: &str, rank: Rank, error: &Ended, ranks: &[Outcome<Seen>], faulty: &Faulty<'_>) {
    let error_of = |peer: Rank| match &ranks[peer.index()] {
        Outcome::Ended(seen) => seen.error.as_ref(),
        _ => None,
    };
    let is_right = match error {
        Ended::Deadline { peer, waited } => {
            let is_late = faulty.is_stopped(*peer) || faulty.is_killed(*peer) || error_of(*peer).is_some();
            *waited == DEADLINE && (is_late || faulty.is_lossy(rank, *peer))
        }
        Ended::Left { peer } => faulty.leaves(*peer),
        Ended::Failed { peer, reason } => match error_of(*peer) {
            _ if reason == "it ended before its peers" => faulty.leaves(*peer),
            _ if reason == "it panicked" => faulty.fails(*peer, Failure::Panic),
            Some(Ended::Deadline { peer, waited }) => *reason == format!("waited {waited:?} for rank {peer}"),
            Some(Ended::Trainer { reason: said }) => reason == said,
            _ => false,
        },
        Ended::Trainer { .. } => faulty.fails(rank, Failure::Error),
        Ended::Other(_) => false,
    };
    assert!(is_right, "{what}: rank {rank} ends with {error:?}, where others do with {ranks:?}");
}
