//! The section `tables`: rows and actions, of one rank or of all.

use super::FormatError;
use super::bytes::Reader;
use super::weights::WeightReader;
use crate::matrix::{Interner, Row};
use crate::rounds::{RankAction, RankPlan};
use crate::{Action, Rank, Rational, RoundTable, SparseMatrix};

pub(super) const NOBODY: u32 = u32::MAX;

/// The arrays of a table of rows or of actions.
pub(super) struct Arrays<'a> {
    offsets: &'a [u8],
    self_weights: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Arrays<'a> {
    pub(super) fn read(
        tables: &mut Reader<'a>,
        size: u32,
        entries: u64,
        width: u64,
    ) -> Result<Self, FormatError> {
        let mut array = |count: u64, width: u64| {
            let length = count.checked_mul(width).and_then(|length| usize::try_from(length).ok());
            tables.take(length.ok_or(tables.malformed("it ends too early"))?)
        };
        let ranks = size as u64;
        let offsets = array(ranks + 1, 8)?;
        let self_weights = array(ranks, 4)?;
        if array(ranks % 2, 4)?.iter().any(|byte| *byte != 0) {
            return Err(tables.malformed("the gap before an array is not 0"));
        }
        Ok(Self { offsets, self_weights, entries: array(entries, width)? })
    }

    /// The number of ranks.
    fn size(&self) -> usize {
        self.self_weights.len() / 4
    }

    fn offset(&self, rank: usize) -> usize {
        let bytes = self.offsets[rank * 8..][..8].try_into().expect("eight bytes");
        usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX)
    }

    fn self_weight(&self, rank: usize) -> u32 {
        words::<1>(&self.self_weights[rank * 4..][..4])[0]
    }

    /// The entries of one rank, `WORDS` numbers each.
    fn entries<const WORDS: usize>(
        &self,
        rank: usize,
    ) -> Result<impl Iterator<Item = [u32; WORDS]>, FormatError> {
        let place = |offset: usize| offset.checked_mul(WORDS * 4);
        let range = place(self.offset(rank)).zip(place(self.offset(rank + 1)));
        let own = range.and_then(|(start, end)| self.entries.get(start..end));
        let offset = rank as u64;
        let what = "a rank's offsets do not lie within its array";
        let own = own.ok_or(FormatError::Malformed { section: "tables", offset, what })?;
        Ok(own.chunks_exact(WORDS * 4).map(words))
    }
}

fn words<const WORDS: usize>(bytes: &[u8]) -> [u32; WORDS] {
    std::array::from_fn(|word| u32::from_le_bytes(bytes[word * 4..][..4].try_into().expect("four bytes")))
}

pub(super) fn malformed(what: &'static str) -> FormatError {
    FormatError::Malformed { section: "tables", offset: 0, what }
}

fn party(rank: u32) -> Option<Rank> {
    (rank != NOBODY).then_some(Rank(rank))
}

pub(super) fn row_of(
    arrays: &Arrays<'_>,
    rank: usize,
    weights: &mut WeightReader<'_>,
) -> Result<Row, FormatError> {
    let in_weights = arrays
        .entries::<2>(rank)?
        .map(|[source, weight]| Ok((Rank(source), weights.get(weight)?)))
        .collect::<Result<Vec<_>, FormatError>>()?;
    Ok(Row { self_weight: weights.get(arrays.self_weight(rank))?, in_weights })
}

pub(super) fn plan_of(
    arrays: &Arrays<'_>,
    rank: usize,
    weights: &mut WeightReader<'_>,
) -> Result<RankPlan, FormatError> {
    let action = |[round, send_to, source, weight]: [u32; 4]| {
        let receive = match party(source) {
            Some(source) => Some((source, weights.get(weight)?)),
            None => None,
        };
        Ok(RankAction { round, send_to: party(send_to), receive })
    };
    let actions = arrays.entries::<4>(rank)?.map(action).collect::<Result<Vec<_>, FormatError>>()?;
    Ok(RankPlan { self_weight: weights.get(arrays.self_weight(rank))?, actions, column: None })
}

/// The weights that receivers apply to what a rank with these actions sends, in order of round.
pub(super) fn column_of(
    arrays: &Arrays<'_>,
    (rank, actions): (Rank, &[RankAction]),
    weights: &mut WeightReader<'_>,
) -> Result<Vec<Rational>, FormatError> {
    let sends = actions.iter().filter_map(|action| Some((action.round, action.send_to?)));
    let unmet = malformed("a message has no receiver");
    let weight = |(round, peer): (u32, Rank)| {
        let peer = Some(peer.index()).filter(|peer| *peer < arrays.size()).ok_or(unmet.clone())?;
        let met = arrays.entries::<4>(peer)?.find(|action| action[0] == round && action[2] == rank.0);
        weights.get(met.ok_or(unmet.clone())?[3])
    };
    sends.map(weight).collect()
}

/// Numbers the weights of one table anew, as they are met.
struct Local<'a, 'w> {
    weights: &'a mut WeightReader<'w>,
    ids: std::collections::HashMap<u32, u32>,
    interner: Interner,
}

impl<'a, 'w> Local<'a, 'w> {
    fn new(weights: &'a mut WeightReader<'w>) -> Self {
        Self { weights, ids: Default::default(), interner: Interner::default() }
    }

    fn id(&mut self, stored: u32) -> Result<u32, FormatError> {
        if let Some(id) = self.ids.get(&stored) {
            return Ok(*id);
        }
        let id = self.interner.id(&self.weights.get(stored)?);
        self.ids.insert(stored, id);
        Ok(id)
    }
}

pub(super) fn matrix_of(
    arrays: &Arrays<'_>,
    size: usize,
    weights: &mut WeightReader<'_>,
) -> Result<SparseMatrix, FormatError> {
    let mut local = Local::new(weights);
    let (mut self_weights, mut edges, mut offsets) = (Vec::with_capacity(size), vec![], vec![0]);
    for rank in 0..size {
        self_weights.push(local.id(arrays.self_weight(rank))?);
        for [source, weight] in arrays.entries::<2>(rank)? {
            edges.push((Rank(source), local.id(weight)?));
        }
        offsets.push(edges.len());
    }
    SparseMatrix::from_parts(local.interner.values, self_weights, offsets, edges)
        .ok_or(malformed("a row is not ascending, or names itself or a rank out of range"))
}

pub(super) fn table_of(
    rounds: u32,
    arrays: &Arrays<'_>,
    size: usize,
    weights: &mut WeightReader<'_>,
) -> Result<RoundTable, FormatError> {
    let mut local = Local::new(weights);
    let (mut self_weights, mut actions, mut offsets) = (Vec::with_capacity(size), vec![], vec![0]);
    for rank in 0..size {
        self_weights.push(local.id(arrays.self_weight(rank))?);
        for [round, send_to, source, weight] in arrays.entries::<4>(rank)? {
            let receive = match party(source) {
                Some(source) => Some((source, local.id(weight)?)),
                None => None,
            };
            actions.push(Action { round, send_to: party(send_to), receive });
        }
        offsets.push(actions.len());
    }
    Ok(RoundTable { rounds, weights: local.interner.values, self_weights, offsets, actions })
}
