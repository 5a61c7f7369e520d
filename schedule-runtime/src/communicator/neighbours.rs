//! Calls over edges: each rank hears from its sources and is heard by its destinations.

use super::collective::{Gathered, in_range, whole};
use super::descriptor::{Descriptor, Operation};
use super::operand::Bytes;
use super::reduce::float;
use super::{Call, CommunicateError, Communicator, Numeric, Operand};
use crate::error::RuntimeError;
use crate::exchange::{Exchange, Map, Message, Operand as Mixed, Target};
use crate::memory::Buffer;
use crate::plan::Plan;
use crate::storage::Dtype;
use crate::transport::Transport;
use bfc_schedule::program::Operator;
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Rank, random};
use bytemuck::{bytes_of, cast_slice, cast_slice_mut};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The edges of one rank, or of its machine, and their weights: `x ← self_weight · x + Σ weight · x of the source`.
#[derive(Clone, Debug)]
pub struct Neighbours(Edges);

#[derive(Clone, Debug)]
enum Edges {
    Weighted { self_weight: f64, sources: Vec<(Rank, f64)>, destinations: Vec<(Rank, f64)> },
    Compiled { plan: Arc<Plan>, pattern: u64, rank: Rank, size: u32 },
}

/// The edges of one rank that reach equally far.
#[derive(Default)]
struct Ends {
    send_to: Option<Rank>,
    receive: Option<(Rank, f64)>,
}

impl Neighbours {
    /// Edges of a call. An edge is named on both ends, and its weight is the product of those that they give it, rounded
    /// once to the type of numbers that are computed with. The self weight comes first in the sum, then sources by how far
    /// they are behind the rank.
    pub fn weighted(self_weight: f64, sources: &[(Rank, f64)], destinations: &[(Rank, f64)]) -> Self {
        let (sources, destinations) = (sources.to_vec(), destinations.to_vec());
        Self(Edges::Weighted { self_weight, sources, destinations })
    }

    /// One phase of a topology of a compiled schedule, modulo its period: the same rounds and roundings as in a machine.
    ///
    /// # Errors
    /// Where the schedule has no such topology.
    pub fn compiled(schedule: &RankSchedule, topology: usize, phase: u64) -> Result<Self, CommunicateError> {
        let topologies = schedule.topologies.len();
        let Some(phases) = schedule.topologies.get(topology) else {
            return Err(CommunicateError::NoTopology { topology, topologies });
        };
        let phase = phase % phases.len() as u64;
        let plan = Arc::new(Plan::new(&phases[phase as usize]));
        let digest = schedule
            .digest
            .0
            .chunks(8)
            .map(|bytes| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        let keys: Vec<u64> = digest.chain([topology as u64, phase]).collect();
        // 0 is for edges of a call.
        let pattern = random::substream(0, &keys).max(1);
        Ok(Self(Edges::Compiled { plan, pattern, rank: schedule.rank, size: schedule.size }))
    }

    /// A partner, or none.
    fn pair(partner: Option<Rank>) -> Self {
        let edge: Vec<(Rank, f64)> = partner.map(|partner| (partner, 0.5)).into_iter().collect();
        Self::weighted(0.5, &edge, &edge.iter().map(|(partner, _)| (*partner, 1.0)).collect::<Vec<_>>())
    }

    /// The descriptor of a call over these edges.
    pub(super) fn describe(&self, index: Rank, mine: Descriptor) -> Descriptor {
        match &self.0 {
            Edges::Compiled { pattern, .. } => Descriptor { pattern: *pattern, ..mine },
            Edges::Weighted { sources, destinations, .. } => {
                let edge = |from: Rank, to: Rank| random::substream(0, &[from.0.into(), to.0.into()]);
                let sent = destinations.iter().map(|(to, _)| edge(index, *to));
                let received = sources.iter().map(|(from, _)| edge(*from, index).wrapping_neg());
                Descriptor {
                    edges: sent.chain(received).fold(0, u64::wrapping_add),
                    sources: sources.len() as u32,
                    destinations: destinations.len() as u32,
                    scales: destinations.iter().any(|(_, weight)| *weight != 1.0),
                    ..mine
                }
            }
        }
    }

    /// Looks whether these can be the edges of number `index` of `size`.
    pub(super) fn check(&self, index: Rank, size: u32) -> Result<(), CommunicateError> {
        match &self.0 {
            Edges::Compiled { rank, size: compiled, .. } => match (*rank, *compiled) == (index, size) {
                true => Ok(()),
                false => Err(CommunicateError::DifferentGroup {
                    rank: *rank,
                    size: *compiled,
                    found_rank: index,
                    found_size: size,
                }),
            },
            Edges::Weighted { self_weight, sources, destinations } => {
                finite(*self_weight, || format!("rank {index} itself"))?;
                check_list("source", sources, index, size)?;
                check_list("destination", destinations, index, size)
            }
        }
    }

    /// What this rank sends and receives; `scales` are the weights that sources have given their edges to it.
    pub(super) fn plan(&self, index: Rank, size: u32, scales: &BTreeMap<Rank, f64>) -> Arc<Plan> {
        match &self.0 {
            Edges::Compiled { plan, .. } => plan.clone(),
            Edges::Weighted { self_weight, sources, destinations } => {
                // Both ends of an edge number its round by how far it reaches.
                let hop = |from: Rank, to: Rank| {
                    ((u64::from(to.0) + u64::from(size) - u64::from(from.0)) % u64::from(size)) as u32
                };
                let mut actions: BTreeMap<u32, Ends> = BTreeMap::new();
                for &(to, _) in destinations {
                    actions.entry(hop(index, to)).or_default().send_to = Some(to);
                }
                for &(from, weight) in sources {
                    let scale = scales.get(&from).copied().unwrap_or(1.0);
                    actions.entry(hop(from, index)).or_default().receive = Some((from, weight * scale));
                }
                let actions = actions.into_iter().map(|(hop, ends)| (hop, ends.send_to, ends.receive));
                Arc::new(Plan::of_numbers(*self_weight, actions))
            }
        }
    }

    /// The sources in the order of the caller's list, or of ranks.
    fn sources(&self) -> Vec<Rank> {
        match &self.0 {
            Edges::Compiled { plan, .. } => {
                plan.neighbours().collect::<BTreeSet<Rank>>().into_iter().collect()
            }
            Edges::Weighted { sources, .. } => sources.iter().map(|(source, _)| *source).collect(),
        }
    }

    /// Destinations, sources: the numbers of the caller's lists.
    fn list(&self) -> Vec<u32> {
        match &self.0 {
            Edges::Compiled { .. } => vec![],
            Edges::Weighted { sources, destinations, .. } => {
                destinations.iter().chain(sources).map(|(rank, _)| rank.0).collect()
            }
        }
    }

    fn scale(&self, to: Rank) -> f64 {
        match &self.0 {
            Edges::Compiled { .. } => 1.0,
            Edges::Weighted { destinations, .. } => {
                destinations.iter().find(|(rank, _)| *rank == to).map_or(1.0, |(_, weight)| *weight)
            }
        }
    }
}

fn check_list(
    role: &'static str,
    list: &[(Rank, f64)],
    index: Rank,
    size: u32,
) -> Result<(), CommunicateError> {
    let mut seen = BTreeSet::new();
    for &(neighbour, weight) in list {
        in_range(role, neighbour.0, size)?;
        if neighbour == index {
            return Err(CommunicateError::SelfEdge { rank: index, role });
        }
        if !seen.insert(neighbour) {
            return Err(CommunicateError::DuplicateEdge { neighbour, role });
        }
        finite(weight, || format!("{role} {neighbour}"))?;
    }
    Ok(())
}

fn finite(weight: f64, of: impl FnOnce() -> String) -> Result<(), CommunicateError> {
    match weight.is_finite() {
        true => Ok(()),
        false => Err(CommunicateError::WeightNotFinite { of: of(), weight }),
    }
}

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
        let valid = whole(x.len(), "row", row).and_then(|()| neighbours.check(rank, size));
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
        let place = self.place.clone();
        let mut exchange = Exchange { place, map, vectors: vec![operand], codes: vec![], scalars: vec![] };
        self.wire.exchange(&mut exchange)?;
        Ok(exchange.vectors.remove(0).target)
    }
}
