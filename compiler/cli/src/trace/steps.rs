//! A timeline becomes a chart of some steps in its middle, for a page.

use super::timeline::{Document, Entry, Timeline};
use bfc_report::gantt::{Activity, Bar, Gantt, Message, Row};
use std::ops::RangeInclusive;

/// Ranks that are shown.
const MOST_RANKS: u64 = 64;
/// Steps that are shown.
const MOST_STEPS: u64 = 6;
/// Bars that are shown, if a step does not have more.
const MOST_BARS: usize = 2500;

/// The chart of the steps in the middle; none where no step is whole on all ranks.
pub fn steps(timeline: &Timeline) -> Option<Gantt> {
    let entries = &timeline.document.trace_events;
    let shown: Vec<u64> = ranks(entries).into_iter().take(MOST_RANKS as usize).collect();
    let (first, last) = common_steps(entries, &shown)?;
    let middle = |count: u64| {
        let start = first + (last - first + 1 - count) / 2;
        start..=start + count - 1
    };
    let counts = (1..=MOST_STEPS.min(last - first + 1)).rev();
    let chart = |count| chart(timeline, &shown, middle(count));
    let small = |chart: &Gantt| chart.ranks.iter().map(|row| row.bars.len()).sum::<usize>() <= MOST_BARS;
    Some(counts.map(chart).find(small).unwrap_or_else(|| chart(1)))
}

/// The ranks that have steps, in order.
fn ranks(entries: &[Entry]) -> Vec<u64> {
    let mut ranks: Vec<u64> = entries.iter().filter(|entry| entry.is_step()).map(Entry::rank).collect();
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

/// The first and the last step that all these ranks have whole.
fn common_steps(entries: &[Entry], ranks: &[u64]) -> Option<(u64, u64)> {
    let (mut first, mut last) = (0, u64::MAX);
    for rank in ranks {
        let of_rank = entries.iter().filter(|entry| entry.is_step() && entry.rank() == *rank);
        let (least, most) = of_rank
            .filter_map(Entry::step)
            .fold((u64::MAX, 0), |(least, most), step| (step.min(least), step.max(most)));
        (first, last) = (first.max(least), last.min(most));
    }
    (!ranks.is_empty() && first <= last).then_some((first, last))
}

fn chart(timeline: &Timeline, ranks: &[u64], steps: RangeInclusive<u64>) -> Gantt {
    let Document { trace_events: entries, .. } = &timeline.document;
    let within = |entry: &&Entry| {
        ranks.contains(&entry.rank()) && entry.step().is_some_and(|step| steps.contains(&step))
    };
    let of_steps = || entries.iter().filter(|entry| entry.is_step()).filter(within);
    let start = of_steps().map(|entry| entry.start()).fold(f64::INFINITY, f64::min);
    let end = of_steps().map(|entry| entry.end()).fold(start, f64::max);
    let row = |&rank: &u64| {
        let own = |entry: &&Entry| entry.rank() == rank;
        let bars = entries.iter().filter(own).filter(within).filter_map(|entry| {
            let (start, end) = (entry.start() - start, entry.end() - start);
            Some(Bar { activity: entry.activity()?, beside: entry.is_beside(), start, end })
        });
        let begins = of_steps().filter(own).map(|entry| entry.start() - start).collect();
        Row { rank: rank as u32, waiting: waiting(entries, rank), begins, bars: bars.collect() }
    };
    Gantt {
        size: timeline.size,
        steps: [*steps.start(), *steps.end()],
        seconds: end - start,
        ranks: ranks.iter().map(row).collect(),
        messages: messages(entries, ranks, start, end),
    }
}

/// The part of its steps that a rank's program waits.
fn waiting(entries: &[Entry], rank: u64) -> f64 {
    let own = || entries.iter().filter(|entry| entry.rank() == rank && !entry.is_beside());
    let sum = |chosen: &dyn Fn(&&Entry) -> bool| -> f64 {
        own().filter(chosen).map(|entry| entry.end() - entry.start()).sum()
    };
    let all = sum(&|entry| entry.is_step());
    let waits = sum(&|entry| entry.activity() == Some(Activity::Wait) && entry.step().is_some());
    if all > 0.0 { (waits / all).min(1.0) } else { 0.0 }
}

/// The two ends of an arrow follow each other.
fn messages(entries: &[Entry], ranks: &[u64], start: f64, end: f64) -> Vec<Message> {
    let pairs = entries.windows(2).filter_map(|pair| {
        let [from, to] = pair else { return None };
        let inside = from.start() >= start && to.start() <= end;
        let shown = ranks.contains(&from.rank()) && ranks.contains(&to.rank());
        let message = Message {
            from: from.rank() as u32,
            to: to.rank() as u32,
            sent: from.start() - start,
            received: to.start() - start,
        };
        (from.is_sent() && inside && shown).then_some(message)
    });
    pairs.collect()
}
