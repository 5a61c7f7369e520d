//! Who waits for whom, at the moment when the first rank failed, or else now; and whom all of them wait for in the end.
//!
//! All ranks begin their exchanges in one order, and do them one after the other: so a rank that waits in one exchange comes
//! to a later one only after it, whatever else it does meanwhile.

use super::event::{Asked, Cause, Event, Label, Round, What};
use super::file::Recording;
use super::process::ProcessState;
use bfc_schedule::Rank;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The states of all ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The rank that failed first, and when, since 1970.
    pub first_failure: Option<(Rank, Duration)>,
    /// By rank.
    pub ranks: Vec<RankState>,
    /// Those that failed by themselves; if there are none, the ranks that others wait for and that do not wait themselves.
    pub roots: Vec<Rank>,
    /// Ranks of which each waits for the next and the last for the first, where nobody else is to blame.
    pub circle: Vec<Rank>,
}

/// What a rank does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankState {
    /// The rank.
    pub rank: Rank,
    /// Its step.
    pub step: Option<u64>,
    /// What it does.
    pub doing: Doing,
    /// Since when, since 1970.
    pub since: Option<Duration>,
    /// What its program said last.
    pub mark: Option<Label>,
    /// Whether its process is stopped now.
    pub is_stopped: bool,
    /// Whether its process has ended without a word.
    pub is_dead: bool,
}

/// What a rank does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Nobody knows: it has left no file.
    Absent,
    /// It has done nothing yet.
    Starting,
    /// It waits for ranks: for messages, or until they take its own.
    Waiting {
        /// For whom.
        peers: Vec<Rank>,
        /// In which round.
        round: Round,
        /// Whether they are to take what it has sent.
        to_be_taken: bool,
    },
    /// It adds up the message of a rank.
    Adding(Rank, Round),
    /// Its trainer computes.
    Training(Asked),
    /// The program has not gone on to the next step.
    BetweenSteps,
    /// It computes what is between exchanges.
    Computing,
    /// It has failed.
    Failed {
        /// Why.
        cause: Cause,
        /// In which round.
        round: Option<Round>,
        /// How long it had waited.
        waited: Option<Duration>,
    },
    /// It has ended well.
    Ended,
}

/// Who waits for whom.
pub fn stuck(recordings: &[Recording]) -> Stuck {
    let clock = Clock::new(recordings);
    let failed = recordings.iter().flat_map(|recording| {
        let is_told = |event: &Event| matches!(event.what, What::Failed(Cause::Peer(_)));
        let clock = &clock;
        failures(recording)
            .map(move |event| (is_told(event), clock.moment(recording, event.time), recording.rank))
    });
    // Who is told of a failure may note it a moment before the rank that has failed.
    let first_failure = failed.min().map(|(_, time, rank)| (rank, time));
    let until = first_failure.map_or(Duration::MAX, |(_, time)| time);
    let processes: Vec<ProcessState> = recordings.iter().map(|recording| recording.process.state()).collect();
    // After a failure, or where all have ended, a process that is gone may have ended since.
    let goes_on = first_failure.is_none() && processes.iter().any(|process| *process != ProcessState::Gone);
    let left: BTreeSet<Rank> = recordings.iter().flat_map(|all| failures(all).filter_map(has_left)).collect();
    let state = |(recording, process): (&Recording, &ProcessState)| {
        let mut state = Past { recording, clock: &clock, until, recordings }.state();
        let has_said = matches!(state.doing, Doing::Failed { .. } | Doing::Ended);
        let is_gone = goes_on && *process == ProcessState::Gone;
        state.is_stopped = *process == ProcessState::Stopped;
        state.is_dead = !has_said && (is_gone || left.contains(&state.rank));
        (state.rank, state)
    };
    let mut known: BTreeMap<Rank, RankState> = recordings.iter().zip(&processes).map(state).collect();
    let size = recordings.first().map_or(0, |recording| recording.size);
    let ranks: Vec<RankState> =
        (0..size).map(Rank).map(|rank| known.remove(&rank).unwrap_or(RankState::absent(rank))).collect();
    let roots = roots(&ranks);
    let circle = if roots.is_empty() { circle(&ranks) } else { vec![] };
    Stuck { first_failure, ranks, roots, circle }
}

fn failures(recording: &Recording) -> impl Iterator<Item = &Event> {
    recording.tracks.iter().flatten().filter(|event| matches!(event.what, What::Failed(_)))
}

fn has_left(event: &Event) -> Option<Rank> {
    match event.what {
        What::Failed(Cause::Left(peer)) => Some(peer),
        _ => None,
    }
}

/// One clock for all recordings: that of rank 0 where they are compared with it, else what the clocks on the walls say.
struct Clock {
    zero: i128,
}

impl Clock {
    fn new(recordings: &[Recording]) -> Self {
        let zero = recordings.iter().find_map(|recording| {
            let calibration = recording.calibration?;
            Some(recording.zero.as_nanos() as i128 - i128::from(calibration.offset))
        });
        Self { zero: zero.unwrap_or(0) }
    }

    fn moment(&self, recording: &Recording, time: Duration) -> Duration {
        let nanoseconds = time.as_nanos() as i128;
        let nanoseconds = match recording.calibration {
            Some(calibration) => self.zero + nanoseconds + i128::from(calibration.offset),
            None => recording.zero.as_nanos() as i128 + nanoseconds,
        };
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
    }
}

/// What a rank did up to a moment.
struct Past<'a> {
    recording: &'a Recording,
    clock: &'a Clock,
    until: Duration,
    recordings: &'a [Recording],
}

impl<'a> Past<'a> {
    fn moment(&self, event: &Event) -> Duration {
        self.clock.moment(self.recording, event.time)
    }

    /// The events of a track, newest first.
    fn events(&self, track: usize) -> impl Iterator<Item = &'a Event> {
        let events = self.recording.tracks[track].iter().rev();
        events.skip_while(move |event| self.moment(event) > self.until)
    }

    fn state(&self) -> RankState {
        let is_mark = |event: &&Event| matches!(event.what, What::Mark(_));
        let last = |track| self.events(track).find(|event| !is_mark(event));
        let [caller, worker] = [0, 1].map(last);
        let failed = [0, 1].into_iter().find_map(|track| Some(track).zip(self.failure(track)));
        let waits =
            [worker, caller].into_iter().flatten().find_map(|event| Some(event).zip(self.waits(event)));
        let (event, doing) = if let Some((track, (event, cause))) = failed {
            let waited = self.waited(track, event);
            (Some(event), Doing::Failed { cause, round: event.round, waited })
        } else if let Some((event, doing)) = waits {
            (Some(event), doing)
        } else {
            let doing = match caller.map(|event| (event.what, event)) {
                None => Doing::Starting,
                Some((What::Ended, _)) => Doing::Ended,
                Some((What::StepEnded, _)) => Doing::BetweenSteps,
                Some((What::Asked(_) | What::Ready(_), _)) => Doing::Training(self.asked()),
                Some((What::Arrived(peer), Event { round: Some(round), .. })) => Doing::Adding(peer, *round),
                Some(_) => Doing::Computing,
            };
            (caller, doing)
        };
        let mark = self.events(0).find_map(|event| match event.what {
            What::Mark(label) => Some(label),
            _ => None,
        });
        RankState {
            rank: self.recording.rank,
            step: event.and_then(|event| event.step),
            doing,
            since: event.map(|event| self.moment(event)),
            mark,
            is_stopped: false,
            is_dead: false,
        }
    }

    /// The first failure of a track: others follow from it.
    fn failure(&self, track: usize) -> Option<(&'a Event, Cause)> {
        let causes = self.events(track).filter_map(|event| match event.what {
            What::Failed(cause) => Some((event, cause)),
            _ => None,
        });
        causes.last()
    }

    /// How long a track had waited when it failed.
    fn waited(&self, track: usize, failed: &Event) -> Option<Duration> {
        let mut before = self.events(track).skip_while(|event| *event != failed).skip(1);
        let last = before.next().filter(|event| self.waits(event).is_some())?;
        Some(failed.time.saturating_sub(last.time))
    }

    /// What the trainer was asked last.
    fn asked(&self) -> Asked {
        let asked = self.events(0).find_map(|event| match event.what {
            What::Asked(asked) => Some(asked),
            _ => None,
        });
        asked.unwrap_or(Asked::Gradient)
    }

    /// Whom the rank waits for, where an event is the last of its track.
    fn waits(&self, event: &Event) -> Option<Doing> {
        let round = event.round?;
        let (peers, to_be_taken) = match event.what {
            What::Waiting(peer) | What::Offered(peer) => (vec![peer], false),
            What::Began { to: Some(to), .. } => (vec![to], true),
            What::WaitingSent => (self.receivers(round.exchange), true),
            _ => return None,
        };
        (!peers.is_empty()).then_some(Doing::Waiting { peers, round, to_be_taken })
    }

    /// Who has not taken what the rank has sent in an exchange.
    fn receivers(&self, exchange: u64) -> Vec<Rank> {
        let is_of = |event: &&Event| event.round.is_some_and(|round| round.exchange == exchange);
        let sent =
            self.recording.tracks.iter().flatten().filter(is_of).filter_map(|event| match event.what {
                What::Began { to, .. } => to,
                _ => None,
            });
        let has_taken = |peer: &Rank| {
            let mut theirs = self.recordings.iter().filter(|recording| recording.rank == *peer);
            let mine = self.recording.rank;
            let took = |event: &Event| matches!(event.what, What::Received { from, .. } if from == mine);
            theirs.any(|theirs| theirs.tracks.iter().flatten().filter(is_of).any(took))
        };
        sent.filter(|peer| !has_taken(peer)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl RankState {
    fn absent(rank: Rank) -> Self {
        let (step, since, mark) = (None, None, None);
        Self { rank, step, doing: Doing::Absent, since, mark, is_stopped: false, is_dead: false }
    }

    /// Whom it waits, or waited, for.
    pub fn waits_for(&self) -> Vec<Rank> {
        match &self.doing {
            _ if self.is_stopped || self.is_dead => vec![],
            Doing::Waiting { peers, .. } => peers.clone(),
            Doing::Failed {
                cause: Cause::Deadline(peer) | Cause::Left(peer) | Cause::Peer(peer), ..
            } if *peer != self.rank => {
                vec![*peer]
            }
            _ => vec![],
        }
    }

    fn has_failed_by_itself(&self) -> bool {
        matches!(self.doing, Doing::Failed { .. }) && self.waits_for().is_empty()
    }
}

fn roots(ranks: &[RankState]) -> Vec<Rank> {
    let failed: Vec<Rank> =
        ranks.iter().filter(|state| state.has_failed_by_itself()).map(|state| state.rank).collect();
    // What others were at when one failed is no cause.
    if !failed.is_empty() {
        return failed;
    }
    let waited_for: BTreeSet<Rank> = ranks.iter().flat_map(RankState::waits_for).collect();
    let is_root = |state: &&RankState| waited_for.contains(&state.rank) && state.waits_for().is_empty();
    ranks.iter().filter(is_root).map(|state| state.rank).collect()
}

fn circle(ranks: &[RankState]) -> Vec<Rank> {
    let next = |rank: Rank| ranks.get(rank.index())?.waits_for().first().copied();
    let Some(start) = ranks.iter().find(|state| !state.waits_for().is_empty()) else { return vec![] };
    let mut path = vec![start.rank];
    while let Some(rank) = path.last().copied().and_then(next) {
        if let Some(at) = path.iter().position(|seen| *seen == rank) {
            return path.split_off(at);
        }
        path.push(rank);
    }
    vec![]
}
