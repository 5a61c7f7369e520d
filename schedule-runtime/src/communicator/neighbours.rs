//! Calls over edges: each rank hears from its sources and is heard by its destinations.

use super::collective::{Gathered, ROW, whole};
use super::descriptor::{Descriptor, Operation};
use super::operand::Bytes;
use super::reduce::float;
use super::{Call, CommunicateError, Communicator, Neighbours, Numeric, Operand};
use crate::error::RuntimeError;
use crate::exchange::{Exchange, Map, Message, Operand as Mixed, Target};
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::storage::Dtype;
use crate::transport::Transport;
use bfc_schedule::Rank;
use bfc_schedule::program::Operator;
use bytemuck::{bytes_of, cast_slice, cast_slice_mut};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl<X: Transport + Send + 'static> Communicator<X> {
    /// `x ← self_weight · x + Σ weight · x of the source`, over edges of this call or of a compiled phase. Lengths are equal
    /// on all ranks.
    ///
    /// # Errors
    /// Where `x` has integers, neighbours are out of range, named twice or this rank itself, weights are not finite, one end
    /// only names an edge, ranks disagree, or a peer fails.
    pub fn neighbor_allreduce<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        neighbours: &Neighbours,
    ) -> Result<(), CommunicateError> {
        let (x, rank, size) = (x.into().bytes(), self.rank, self.size);
        let dtype = float("a weighted sum", x.number);
        let mine = Descriptor::new(Operation::NeighborAllreduce, x.number, x.len());
        let valid = x.check().and(dtype).and_then(|dtype| neighbours.check(rank, size).map(|()| dtype));
        let (dtype, valid) = split(valid);
        self.call(neighbours.describe(rank, mine), valid, |call, said| {
            call.compare_edges("rank", said, said, neighbours)?;
            let scales = call.scales(rank, size, said, neighbours, |rank| rank)?;
            Ok(call.mix(neighbours.plan(rank, size, &scales), dtype, x)?)
        })
    }

    /// The vectors of the sources, in the order of the caller's list, or of their ranks where the edges are compiled; weights
    /// do not count. Ranks may have different numbers of rows of `row` elements.
    ///
    /// # Errors
    /// As [`neighbor_allreduce`](Self::neighbor_allreduce), or where `x` is not a whole number of rows.
    pub fn neighbor_allgather<T: Numeric>(
        &mut self,
        x: &[T],
        row: usize,
        neighbours: &Neighbours,
    ) -> Result<Gathered<T>, CommunicateError> {
        let (rank, size) = (self.rank, self.size);
        let mine = Descriptor::new(Operation::NeighborAllgather, T::TYPE, x.len());
        let mine = Descriptor { row: row as u64, ..neighbours.describe(rank, mine) };
        let valid = whole(x.len(), row, ROW).and_then(|()| neighbours.check(rank, size));
        self.call(mine, valid, |call, said| {
            call.compare_edges("rank", said, said, neighbours)?;
            let plan = neighbours.plan(rank, size, &BTreeMap::new());
            let sources = neighbours.sources();
            let lengths: Vec<usize> =
                sources.iter().map(|source| said[source.index()].length as usize).collect();
            let mut values = vec![T::zeroed(); lengths.iter().sum()];
            let mut rest = values.as_mut_slice();
            let piece = |&length: &usize| {
                Target::copy(cast_slice_mut(rest.split_off_mut(..length).unwrap_or_default()))
            };
            let mut targets: Vec<Target<'_>> = lengths.iter().map(piece).collect();
            let index = |from: Rank| sources.iter().position(|source| *source == from);
            call.edges(&plan, |_| cast_slice(x), index, &mut targets)?;
            Ok(Gathered { values, lengths })
        })
    }

    /// `x ← (x + x of the partner) / 2`, in place where the transport can do that; unchanged where this rank has no partner.
    /// Lengths are equal on all ranks.
    ///
    /// # Errors
    /// Where `x` has integers, the partner is out of range or this rank itself, or has another partner, ranks disagree, or a
    /// peer fails.
    pub fn pair_average<'a, T: Numeric>(
        &mut self,
        x: impl Into<Operand<'a, T>>,
        partner: Option<Rank>,
    ) -> Result<(), CommunicateError> {
        let (x, rank, size) = (x.into().bytes(), self.rank, self.size);
        let neighbours = Neighbours::pair(partner);
        let dtype = float("an average", x.number);
        let mine = Descriptor::new(Operation::PairAverage, x.number, x.len());
        let valid = x.check().and(dtype).and_then(|dtype| neighbours.check(rank, size).map(|()| dtype));
        let (dtype, valid) = split(valid);
        self.call(neighbours.describe(rank, mine), valid, |call, said| {
            call.compare_edges("rank", said, said, &neighbours)?;
            // One round both ways, which a transport may do in place.
            let both = partner.map(|partner| (0, Some(partner), Some((partner, 0.5))));
            let own = if partner.is_some() { 0.5 } else { 1.0 };
            Ok(call.mix(Arc::new(Plan::of_numbers(own, both)), dtype, x)?)
        })
    }
}

/// A type of numbers, of whatever kind where there is an error.
pub(super) fn split(valid: Result<Dtype, CommunicateError>) -> (Dtype, Result<(), CommunicateError>) {
    match valid {
        Ok(dtype) => (dtype, Ok(())),
        Err(error) => (Dtype::F64, Err(error)),
    }
}

impl<X: Transport> Call<'_, X> {
    /// Compares both ends of the edges that `said` names. Where they differ, all ranks gather all lists to say which edge.
    pub(super) fn compare_edges(
        &mut self,
        what: &'static str,
        everyone: &[Descriptor],
        said: &[Descriptor],
        neighbours: &Neighbours,
    ) -> Result<(), CommunicateError> {
        if said.iter().fold(0u64, |sum, said| sum.wrapping_add(said.edges)) == 0 {
            return Ok(());
        }
        let lengths = everyone.iter().map(|said| (said.destinations + said.sources) as usize);
        let lists = self.gather_lists(&neighbours.list(), lengths)?;
        let number = |at: usize| if what == "machine" { everyone[at].machine } else { at as u32 };
        let (mut sent, mut received) = (BTreeSet::new(), BTreeSet::new());
        for (at, list) in lists.iter().enumerate() {
            let (destinations, sources) = list.split_at(everyone[at].destinations as usize);
            sent.extend(destinations.iter().map(|&to| (number(at), to)));
            received.extend(sources.iter().map(|&from| (from, number(at))));
        }
        let &(from, to) = sent.symmetric_difference(&received).next().expect("sums that differ have a cause");
        let (call, is_sent) = (self.number, sent.contains(&(from, to)));
        Err(CommunicateError::OneSidedEdge { call, what, from: Rank(from), to: Rank(to), is_sent })
    }

    /// The weights that sources give their edges to this rank, where any rank has given such weights.
    pub(super) fn scales(
        &mut self,
        index: Rank,
        size: u32,
        said: &[Descriptor],
        neighbours: &Neighbours,
        rank: impl Fn(Rank) -> Rank,
    ) -> Result<BTreeMap<Rank, f64>, RuntimeError> {
        if !said.iter().any(|said| said.scales) {
            return Ok(BTreeMap::new());
        }
        let plan = neighbours.plan(index, size, &BTreeMap::new());
        let sent: BTreeMap<Rank, f64> = plan
            .actions
            .iter()
            .filter_map(|action| action.send_to)
            .map(|to| (rank(to), neighbours.scale(to)))
            .collect();
        let sources: Vec<Rank> = plan.neighbours().collect();
        let mut received = vec![[0f64]; sources.len()];
        let mut targets: Vec<Target<'_>> =
            received.iter_mut().map(|scale| Target::copy(cast_slice_mut(scale))).collect();
        let at = |from: Rank| sources.iter().position(|source| rank(*source) == from);
        self.edges(&plan.renamed(&rank), |to| bytes_of(&sent[&to]), at, &mut targets)?;
        Ok(sources.into_iter().zip(received.into_iter().flatten()).collect())
    }

    /// A message over each edge.
    fn edges<'a>(
        &mut self,
        plan: &Plan,
        sent: impl Fn(Rank) -> &'a [u8],
        target: impl Fn(Rank) -> Option<usize>,
        targets: &mut [Target<'_>],
    ) -> Result<(), RuntimeError> {
        let message = |action: &crate::plan::Action| Message {
            round: action.round,
            send: action.send_to.map(|to| (to, vec![sent(to)])),
            receive: action.receive.and_then(|(from, _)| Some((from, vec![target(from)?]))),
        };
        let messages: Vec<_> = plan.actions.iter().map(message).collect();
        self.messages(&messages, targets)
    }

    /// The rounds of a mix on the caller's memory.
    fn mix(&mut self, plan: Arc<Plan>, dtype: Dtype, x: Bytes<'_>) -> Result<(), RuntimeError> {
        let Bytes { source, target, .. } = x;
        // SAFETY: the exchange ends within this call, and with it all that reads or writes the operand.
        let target = unsafe { Buffer::lend_bytes(dtype, target) };
        // SAFETY: as above; a mix only reads its source.
        let source = source.map(|source| unsafe { Buffer::lend_source(dtype, source) });
        self.mix_buffers(plan, Mixed { source, target }).map(|_| ())
    }

    /// The rounds of a mix; gives back the target.
    pub(super) fn mix_buffers(&mut self, plan: Arc<Plan>, operand: Mixed) -> Result<Buffer, RuntimeError> {
        let map = Map::Mix(plan, Operator::Mix(0));
        let (place, deadline) = (self.place, self.wire.deadline);
        let mut exchange =
            Exchange { place, deadline, map, vectors: vec![operand], codes: vec![], scalars: vec![] };
        self.wire.exchange(&mut exchange)?;
        Ok(exchange.vectors.remove(0).target)
    }
}
