//! Vectors that are cut into blocks, one for each member of a group, and the rounds that reduce or gather them.
//!
//! Up to [`DIRECT`] members exchange every block with whom it concerns, all at once: ranks wait for each other once. More of
//! them take the ⌈log₂ n⌉ rounds of [`Average::circulant`] one after the other. Either way each member sends (n−1)/n of a
//! vector, the least possible.

use super::{Combine, Message, Target, Wire};
use crate::error::{Place, RuntimeError};
use crate::transport::Transport;
use bfc_schedule::{Average, Rank, SliceRound};
use std::borrow::Cow;
use std::ops::Range;

/// The number of members up to which all exchange with all.
const DIRECT: u32 = 8;

/// The ranks that exchange, of which this one is `index`.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    /// All ranks where there is no list.
    list: Option<&'a [Rank]>,
    pub(crate) index: u32,
    pub(crate) size: u32,
}

impl<'a> Members<'a> {
    pub(crate) fn all(rank: Rank, size: u32) -> Self {
        Self { list: None, index: rank.0, size }
    }

    pub(crate) fn of(ranks: &'a [Rank], index: usize) -> Self {
        Self { list: Some(ranks), index: index as u32, size: ranks.len() as u32 }
    }

    /// The same members, as another of them sees them.
    pub(crate) fn seen_from(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// The index that is `hop` ahead of this member's.
    pub(crate) fn ahead(self, hop: u32) -> u32 {
        ((u64::from(self.index) + u64::from(hop)) % u64::from(self.size)) as u32
    }

    /// The index that is `hop` behind this member's.
    pub(crate) fn behind(self, hop: u32) -> u32 {
        self.ahead(self.size - hop % self.size)
    }

    pub(crate) fn rank(self, index: u32) -> Rank {
        self.list.map_or(Rank(index), |ranks| ranks[index as usize])
    }
}

/// Rounds after which each member has its own block of the reduction. Those of one list are pending together.
pub(crate) fn reduce_rounds(size: u32) -> Vec<Vec<SliceRound>> {
    match size <= DIRECT {
        true => vec![(1..size).map(|hop| SliceRound { hop, first: hop, count: 1 }).collect()],
        false => one_by_one(&Average::circulant(size).reduce),
    }
}

/// Rounds after which each member has the blocks of all.
pub(crate) fn gather_rounds(size: u32) -> Vec<Vec<SliceRound>> {
    match size <= DIRECT {
        true => vec![(1..size).map(|hop| SliceRound { hop, first: 0, count: 1 }).collect()],
        false => one_by_one(&Average::circulant(size).gather),
    }
}

pub(super) fn one_by_one(rounds: &[SliceRound]) -> Vec<Vec<SliceRound>> {
    rounds.iter().map(|round| vec![*round]).collect()
}

/// A vector in blocks.
pub(crate) struct Cut<'a> {
    pub(crate) bytes: &'a mut [u8],
    pub(crate) bounds: Bounds<'a>,
    pub(crate) combine: Combine,
}

/// Where blocks lie.
#[derive(Clone)]
pub(crate) enum Bounds<'a> {
    /// Block b is the elements `b·length/size .. (b+1)·length/size`.
    Even { length: usize, element: usize, size: u32 },
    /// The bytes at which blocks begin, and the end of the last one.
    Listed(Cow<'a, [usize]>),
}

impl Bounds<'_> {
    /// The bounds of `bytes` bytes of elements.
    pub(crate) fn even(bytes: usize, element: usize, size: u32) -> Self {
        Self::Even { length: bytes / element, element, size }
    }

    /// The bounds of blocks of these numbers of bytes.
    pub(crate) fn of_lengths(lengths: impl Iterator<Item = usize>) -> Self {
        let ends = lengths.scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        Self::Listed(std::iter::once(0).chain(ends).collect())
    }

    fn at(&self, block: u64) -> usize {
        match self {
            Self::Even { length, element, size } => {
                (*length as u128 * u128::from(block) / u128::from(*size)) as usize * element
            }
            Self::Listed(bounds) => bounds[block as usize],
        }
    }

    /// The bytes of a block.
    pub(crate) fn block(&self, block: u32) -> Range<usize> {
        self.at(block.into())..self.at(u64::from(block) + 1)
    }

    /// The bytes of `count` blocks from `first` on, modulo `size`: up to the end, and from the beginning.
    pub(crate) fn blocks(&self, first: u32, count: u32, size: u32) -> [Range<usize>; 2] {
        let (first, size) = (u64::from(first), u64::from(size));
        let end = first + u64::from(count);
        [self.at(first)..self.at(end.min(size)), 0..self.at(end.saturating_sub(size))]
    }
}

impl<X: Transport> Wire<X> {
    /// Exchanges blocks in rounds that are numbered from `round` on. Nobody sends to the member that is `complete`.
    pub(crate) fn slices(
        &mut self,
        (exchange, place): (u64, &Place),
        members: Members<'_>,
        (rounds, round): (&[Vec<SliceRound>], u32),
        cuts: &mut [Cut<'_>],
        complete: Option<u32>,
    ) -> Result<(), RuntimeError> {
        let mut round = round;
        for pending in rounds {
            let (messages, mut targets) = pieces(members, (pending, round), cuts, complete);
            self.messages((exchange, place), &messages, &mut targets)?;
            round += pending.len() as u32;
        }
        Ok(())
    }
}

/// The messages of rounds that are pending together: two pieces of each vector.
fn pieces<'a>(
    members: Members<'_>,
    (rounds, first): (&[SliceRound], u32),
    cuts: &'a mut [Cut<'_>],
    complete: Option<u32>,
) -> (Vec<Message<'a>>, Vec<Target<'a>>) {
    let mut messages = vec![];
    for (round, number) in rounds.iter().zip(first..) {
        let (to, from) = (members.ahead(round.hop), members.behind(round.hop));
        let send = (complete != Some(to)).then(|| (members.rank(to), vec![]));
        let receive = (complete != Some(members.index)).then(|| (members.rank(from), vec![]));
        messages.push(Message { round: number, send, receive });
    }
    let mut targets = vec![];
    for Cut { bytes, bounds, combine } in cuts {
        let ranges = |index: u32, round: &SliceRound| {
            let first = (u64::from(index) + u64::from(round.first)) % u64::from(members.size);
            bounds.blocks(first as u32, round.count, members.size)
        };
        let sent: Vec<_> = rounds.iter().map(|round| ranges(members.index, round)).collect();
        let received: Vec<_> = rounds.iter().map(|round| ranges(members.behind(round.hop), round)).collect();
        let (shared, own) = (distinct(&sent), distinct(&received));
        let mut pieces = split(bytes, shared.iter().chain(&own));
        let written = pieces.split_off(shared.len());
        let pieces: Vec<&'a [u8]> = pieces.into_iter().map(|piece| &*piece).collect();
        let find = |ranges: &[Range<usize>], range| ranges.iter().position(|known| known == range);
        for ((message, sent), received) in messages.iter_mut().zip(&sent).zip(&received) {
            if let Some((_, parts)) = &mut message.send {
                parts.extend(sent.iter().filter_map(|range| Some(pieces[find(&shared, range)?])));
            }
            if let Some((_, parts)) = &mut message.receive {
                parts.extend(received.iter().filter_map(|range| Some(targets.len() + find(&own, range)?)));
            }
        }
        targets.extend(written.into_iter().map(|bytes| Target { bytes, combine: *combine }));
    }
    (messages, targets)
}

fn distinct(ranges: &[[Range<usize>; 2]]) -> Vec<Range<usize>> {
    let mut distinct: Vec<Range<usize>> = vec![];
    for range in ranges.iter().flatten() {
        if !distinct.contains(range) {
            distinct.push(range.clone());
        }
    }
    distinct
}

/// Disjoint pieces of a slice.
///
/// # Panics
/// Where they overlap; what a verified round sends and what it receives do not.
fn split<'a, 'r, T>(slice: &'a mut [T], ranges: impl Iterator<Item = &'r Range<usize>>) -> Vec<&'a mut [T]> {
    let ranges: Vec<&Range<usize>> = ranges.collect();
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|&index| (ranges[index].start, ranges[index].end));
    let mut pieces: Vec<&'a mut [T]> = ranges.iter().map(|_| Default::default()).collect();
    let (mut rest, mut at) = (slice, 0);
    for index in order {
        let &Range { start, end } = ranges[index];
        if start == end {
            continue;
        }
        let (_, from) = rest.split_at_mut(start - at);
        let (piece, after) = from.split_at_mut(end - start);
        (pieces[index], rest, at) = (piece, after, end);
    }
    pieces
}
