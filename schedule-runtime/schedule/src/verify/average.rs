//! The rounds of `average` sum every block once and bring it to every rank, by arithmetic on ranges of blocks.

use super::{BlockFault, Report, Stage, VerifyError};
use crate::{Average, SliceRound};
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) fn check(average: &Average, size: u32, report: &mut Report) {
    if average.size != size || size == 0 {
        report.push(VerifyError::AverageSize { found: average.size, size });
        return;
    }
    let in_range = ranges(Stage::Reduce, &average.reduce, size, report)
        & ranges(Stage::Gather, &average.gather, size, report);
    if in_range {
        reduce(&average.reduce, size as u64, report);
        gather(&average.gather, size as u64, report);
    }
}

fn ranges(stage: Stage, rounds: &[SliceRound], size: u32, report: &mut Report) -> bool {
    let mut all = true;
    for (round, &SliceRound { hop, first, count }) in rounds.iter().enumerate() {
        let hop_fits = (1..size).contains(&hop);
        if !hop_fits || count == 0 || first as u64 + count as u64 > size as u64 {
            all = false;
            report.push(VerifyError::AverageRange { stage, round, hop, first, count, size });
        }
    }
    all
}

fn reduce(rounds: &[SliceRound], size: u64, report: &mut Report) {
    let mut fault = |block, fault| report.push(VerifyError::AverageBlock { block, fault });
    let mut sent = Ranges::default();
    for (number, round) in rounds.iter().enumerate() {
        if round.first == 0 {
            fault(0, BlockFault::OwnSent(number));
        }
        if let Err(block) = sent.insert(sends(round)) {
            fault(block, BlockFault::SentTwice(number));
        }
        if let Some(block) = receives(round, size).into_iter().find_map(|range| sent.first_common(&range)) {
            fault(block, BlockFault::ReceivedAfterSending(number));
        }
    }
    if let Some(block) = sent.first_missing(&(1..size)) {
        fault(block, BlockFault::NeverSent);
    }
}

fn gather(rounds: &[SliceRound], size: u64, report: &mut Report) {
    let mut fault = |block, fault| report.push(VerifyError::AverageBlock { block, fault });
    let mut arrived = Ranges::default();
    let _ = arrived.insert(0..1);
    for (number, round) in rounds.iter().enumerate() {
        if let Some(block) = arrived.first_missing(&sends(round)) {
            fault(block, BlockFault::SentIncomplete(number));
        }
        for range in receives(round, size) {
            if let Err(block) = arrived.insert(range) {
                fault(block, BlockFault::ArrivesTwice(number));
            }
        }
    }
    if let Some(block) = arrived.first_missing(&(0..size)) {
        fault(block, BlockFault::NeverArrives);
    }
}

/// The blocks that a rank sends, relative to its own.
fn sends(round: &SliceRound) -> Range<u64> {
    round.first as u64..round.first as u64 + round.count as u64
}

/// The blocks that a rank receives, relative to its own: those of the sender, `hop` less, in at most two ranges.
fn receives(round: &SliceRound, size: u64) -> [Range<u64>; 2] {
    let start = (round.first as u64 + size - round.hop as u64) % size;
    let end = start + round.count as u64;
    [start..end.min(size), 0..end.saturating_sub(size)]
}

/// A set of numbers as disjoint ranges, neighbours merged.
#[derive(Default)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds a range, or gives the first of its elements that is in the set.
    fn insert(&mut self, range: Range<u64>) -> Result<(), u64> {
        if range.is_empty() {
            return Ok(());
        }
        if let Some(common) = self.first_common(&range) {
            return Err(common);
        }
        let Range { mut start, mut end } = range;
        if let Some((&before, _)) = self.0.range(..start).next_back().filter(|(_, stop)| **stop == start) {
            start = before;
        }
        if let Some(after) = self.0.remove(&end) {
            end = after;
        }
        self.0.insert(start, end);
        Ok(())
    }

    fn first_common(&self, range: &Range<u64>) -> Option<u64> {
        let before = self.0.range(..=range.start).next_back().filter(|(_, end)| **end > range.start);
        let inside = || self.0.range(range.start..range.end).next();
        before.or_else(inside).map(|(&start, _)| start.max(range.start)).filter(|_| !range.is_empty())
    }

    fn first_missing(&self, range: &Range<u64>) -> Option<u64> {
        let before = self.0.range(..=range.start).next_back().map_or(0, |(_, end)| *end);
        let missing = before.max(range.start);
        (missing < range.end).then_some(missing)
    }
}
