//! `bfc why-stuck`: what ranks left becomes sentences on who waits for whom, and who holds up all of them.

use super::arguments::WhyStuck;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output;
use bfc_predict::units::shown_seconds;
use bfc_runtime::ExchangeKind;
use bfc_runtime::trace::{Cause, Doing, RankState, Round, Stuck, read, stuck};
use bfc_schedule::Rank;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// More ranks than this are counted, not named.
const NAMED: usize = 6;

/// Says what each rank does, and who holds up the others.
///
/// # Errors
/// The traces are refused.
pub fn why_stuck(arguments: &WhyStuck, format: Format) -> Result<(), Failure> {
    let found = stuck(&read(&arguments.directory)?);
    output::show(format, &document(&found), || text(&found))
}

fn text(found: &Stuck) -> String {
    let mut lines = vec![];
    if let Some((rank, time)) = found.first_failure {
        lines.push(format!("at {}, when rank {rank} failed first:", moment(time)));
    }
    lines.extend(found.ranks.iter().map(|state| line(state, found)));
    lines.push(String::new());
    lines.extend(verdict(found));
    lines.join("\n") + "\n"
}

/// A rank, what it does, and what those do that it waits for.
fn line(state: &RankState, found: &Stuck) -> String {
    let step = state.step.map_or(String::new(), |step| format!(", step {step}"));
    let peers = state.waits_for();
    let theirs = match peers[..] {
        [peer] => found.ranks.get(peer.index()),
        _ => None,
    };
    let theirs = theirs.map_or(String::new(), |peer| format!("; rank {} {}", peer.rank, doing(peer)));
    format!("rank {}{step}: {}{theirs}", state.rank, doing(state))
}

/// Who holds up the others.
fn verdict(found: &Stuck) -> Vec<String> {
    if !found.circle.is_empty() {
        return vec![format!("{} wait for each other in a circle", ranks(&found.circle))];
    }
    if found.roots.is_empty() {
        return vec!["no rank waits for another".to_string()];
    }
    let root = |rank: &Rank| {
        let waiting = behind(*rank, found);
        let holds_up = match waiting.len() {
            0 => String::new(),
            _ => format!(" holds up {}: it", ranks(&waiting)),
        };
        format!("rank {rank}{holds_up} {}", doing(&found.ranks[rank.index()]))
    };
    found.roots.iter().map(root).collect()
}

/// Who waits for a rank, directly or not.
fn behind(root: Rank, found: &Stuck) -> Vec<Rank> {
    let mut behind = BTreeSet::from([root]);
    loop {
        let waits = |state: &&RankState| state.waits_for().iter().any(|peer| behind.contains(peer));
        let more: Vec<Rank> = found.ranks.iter().filter(waits).map(|state| state.rank).collect();
        let before = behind.len();
        behind.extend(more);
        if behind.len() == before {
            return behind.into_iter().filter(|rank| *rank != root).collect();
        }
    }
}

/// What a rank does, as the rest of a sentence about it.
fn doing(state: &RankState) -> String {
    let since = state.since.map_or(String::new(), |time| format!(" since {}", moment(time)));
    let mut text = match &state.doing {
        Doing::Absent => "has left no file".to_string(),
        Doing::Starting => "has done nothing yet".to_string(),
        Doing::Waiting { peers, round, to_be_taken } => {
            let taken = if *to_be_taken { " to take what it has sent" } else { "" };
            format!("has waited for {}{taken}{since}, {}", ranks(peers), place(round))
        }
        Doing::Adding(peer, round) => {
            format!("has been adding up the message of rank {peer}{since}, {}", place(round))
        }
        Doing::Training(asked) => format!("has been in its trainer, which was asked for {asked},{since}"),
        Doing::BetweenSteps => format!("has been in its program, between steps,{since}"),
        Doing::Computing => format!("has been computing{since}"),
        Doing::Failed { cause, round, waited } => {
            let place = round.map_or(String::new(), |round| format!(", {}", self::place(&round)));
            let waited = waited.map_or(String::new(), |waited| {
                format!(", after a wait of {}", shown_seconds(waited.as_secs_f64()))
            });
            let time = state.since.map_or(String::new(), |time| format!(" at {}", moment(time)));
            format!("failed{time}{place}{waited}: {cause}")
        }
        Doing::Ended => format!("ended well{}", since.replace(" since ", " at ")),
    };
    if let Some(mark) = state.mark {
        text += &format!("; its last mark is `{mark}`");
    }
    if state.is_stopped {
        text += "; its process is stopped";
    }
    if state.is_dead {
        text += "; its process has ended without a word";
    }
    text
}

fn place(round: &Round) -> String {
    format!("in {round} of exchange {}", round.exchange)
}

fn ranks(ranks: &[Rank]) -> String {
    let names: Vec<String> = ranks.iter().map(Rank::to_string).collect();
    match &names[..] {
        [] => "no rank".to_string(),
        [one] => format!("rank {one}"),
        [first @ .., last] if ranks.len() <= NAMED => format!("ranks {} and {last}", first.join(", ")),
        _ => format!("{} ranks", ranks.len()),
    }
}

/// The time of day of a moment since 1970.
fn moment(since: Duration) -> String {
    let seconds = since.as_secs() % 86_400;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03} UTC", since.subsec_millis())
}

fn document(found: &Stuck) -> Value {
    let failure = found.first_failure.map(|(rank, time)| json!({ "rank": rank.0, "at": time.as_secs_f64() }));
    let numbers = |ranks: &[Rank]| ranks.iter().map(|rank| rank.0).collect::<Vec<_>>();
    json!({
        "first_failure": failure,
        "ranks": found.ranks.iter().map(state_document).collect::<Vec<_>>(),
        "roots": numbers(&found.roots),
        "circle": numbers(&found.circle),
        "verdict": verdict(found),
    })
}

fn state_document(state: &RankState) -> Value {
    let (name, round) = match &state.doing {
        Doing::Absent => ("absent", None),
        Doing::Starting => ("starting", None),
        Doing::Waiting { round, .. } => ("waiting", Some(*round)),
        Doing::Adding(_, round) => ("adding", Some(*round)),
        Doing::Training(_) => ("training", None),
        Doing::BetweenSteps => ("between_steps", None),
        Doing::Computing => ("computing", None),
        Doing::Failed { round, .. } => ("failed", *round),
        Doing::Ended => ("ended", None),
    };
    let (topology, phase) = match round.map(|round| round.kind) {
        Some(ExchangeKind::Mix { topology, phase }) => (Some(topology), Some(phase)),
        _ => (None, None),
    };
    let cause = match &state.doing {
        Doing::Failed { cause, .. } => Some(cause_name(*cause)),
        _ => None,
    };
    json!({
        "rank": state.rank.0,
        "step": state.step,
        "doing": name,
        "cause": cause,
        "exchange": round.map(|round| round.exchange),
        "topology": topology,
        "phase": phase,
        "bucket": round.and_then(|round| round.bucket),
        "round": round.map(|round| round.round),
        "waits_for": state.waits_for().iter().map(|rank| rank.0).collect::<Vec<_>>(),
        "since": state.since.map(|since| since.as_secs_f64()),
        "mark": state.mark.map(|mark| mark.to_string()),
        "stopped": state.is_stopped,
        "dead": state.is_dead,
        "text": doing(state),
    })
}

fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Deadline(_) => "deadline",
        Cause::Left(_) => "left",
        Cause::Peer(_) => "peer",
        Cause::Mismatch(_) => "mismatch",
        Cause::System(_) => "system",
        Cause::Collective => "collective",
        Cause::Trainer => "trainer",
        Cause::Panic => "panic",
    }
}
