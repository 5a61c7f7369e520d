//! How a schedule was fitted to a cluster, in words.

use bfc_predict::place::{MOST_RANKS, Placement, Placing, Search};
use bfc_predict::sharing::Sharing;
use bfc_predict::units::{shown_bytes, shown_seconds};

/// A time within this factor of its bound is called hardly to be undercut.
const NEARLY: f64 = 1.01;

/// A line for each topology whose rounds share links.
pub fn links(sharing: &[Sharing]) -> Vec<String> {
    sharing.chunk_by(|a, b| a.topology == b.topology).filter_map(shared).collect()
}

/// How the rounds of a topology share links, if they do.
fn shared(phases: &[Sharing]) -> Option<String> {
    let name = &phases.first()?.topology;
    let share = phases.iter().map(|phase| phase.share).fold(1.0, f64::max);
    if share < 1.0 + 1e-6 {
        return None;
    }
    let sum = |part: fn(&Sharing) -> f64| phases.iter().map(part).sum::<f64>();
    let (seconds, least) = (sum(|phase| phase.seconds), sum(|phase| phase.least_rounds_seconds));
    let bound = phases.iter().map(|phase| phase.bound_seconds).sum::<Option<f64>>();
    let at_least = bound.map_or(String::new(), |bound| format!(", at least {}", shown_seconds(bound)));
    if seconds < least {
        let count = |part: fn(&Sharing) -> u32| phases.iter().map(part).sum::<u32>();
        return Some(format!(
            "{name}: {} rounds instead of {}, since links are shared: {} a step instead of {}{at_least}",
            count(|phase| phase.rounds),
            count(|phase| phase.least_rounds),
            shown_seconds(seconds),
            shown_seconds(least),
        ));
    }
    let other = match bound {
        Some(bound) if least <= bound * NEARLY => "other rounds would gain less than 1 %".to_string(),
        Some(_) => format!("no faster rounds were found: {} a step{at_least}", shown_seconds(seconds)),
        None => "rounds that are alike for all ranks stay".to_string(),
    };
    let share = (share * 10.0).round() / 10.0;
    Some(format!("{name}: messages take up to {share} times as long as alone; {other}"))
}

/// Where ranks stand.
pub fn place(placing: &Placing) -> String {
    let Placement { ranks, search, before, after } = match placing {
        Placing::Best(placement) => placement,
        Placing::Kept { unproved } => {
            return format!("kept: with its ranks elsewhere `{unproved}` would not be decided");
        }
    };
    let moved = ranks.iter().zip(0..).filter(|(rank, place)| **rank != *place).count();
    match (moved, search) {
        (0, Search::None) => format!("kept: up to {MOST_RANKS} ranks are placed"),
        (0, Search::All) => "kept: no other placement is better".to_string(),
        (0, Search::Swaps) => "kept: no better placement was found".to_string(),
        _ => format!(
            "{moved} of {} ranks moved: exchanges of {} a step instead of {}, {} between machines instead of {}",
            ranks.len(),
            shown_seconds(after.communication_seconds),
            shown_seconds(before.communication_seconds),
            shown_bytes(after.bytes_between_machines),
            shown_bytes(before.bytes_between_machines),
        ),
    }
}
