//! The edges of one rank, as a call or a compiled schedule names them.

use super::CommunicateError;
use super::collective::in_range;
use super::descriptor::{CompiledPhase, Descriptor};
use crate::plan::Plan;
use bfc_schedule::schedule::RankSchedule;
use bfc_schedule::{Rank, random};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The edges of one rank, or of its machine, and their weights: `x ← self_weight · x + Σ weight · x of the source`.
#[derive(Clone, Debug)]
pub struct Neighbours(Edges);

#[derive(Clone, Debug)]
enum Edges {
    Weighted { self_weight: f64, sources: Vec<(Rank, f64)>, destinations: Vec<(Rank, f64)> },
    Compiled { plan: Arc<Plan>, phase: CompiledPhase, rank: Rank, size: u32 },
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
        let phase = (phase % phases.len() as u64) as u32;
        let plan = Arc::new(Plan::new(&phases[phase as usize]));
        let digest = schedule.digest.0[..8].iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let phase = CompiledPhase { digest, topology: topology as u32, phase };
        Ok(Self(Edges::Compiled { plan, phase, rank: schedule.rank, size: schedule.size }))
    }

    /// A partner, or none.
    pub(super) fn pair(partner: Option<Rank>) -> Self {
        let edge: Vec<(Rank, f64)> = partner.map(|partner| (partner, 0.5)).into_iter().collect();
        Self::weighted(0.5, &edge, &edge.iter().map(|(partner, _)| (*partner, 1.0)).collect::<Vec<_>>())
    }

    /// The descriptor of a call over these edges.
    pub(super) fn describe(&self, index: Rank, mine: Descriptor) -> Descriptor {
        match &self.0 {
            Edges::Compiled { phase, .. } => Descriptor { compiled: Some(*phase), ..mine },
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
    pub(super) fn sources(&self) -> Vec<Rank> {
        match &self.0 {
            Edges::Compiled { plan, .. } => {
                plan.neighbours().collect::<BTreeSet<Rank>>().into_iter().collect()
            }
            Edges::Weighted { sources, .. } => sources.iter().map(|(source, _)| *source).collect(),
        }
    }

    /// Destinations, sources: the numbers of the caller's lists.
    pub(super) fn list(&self) -> Vec<u32> {
        match &self.0 {
            Edges::Compiled { .. } => vec![],
            Edges::Weighted { sources, destinations, .. } => {
                destinations.iter().chain(sources).map(|(rank, _)| rank.0).collect()
            }
        }
    }

    pub(super) fn scale(&self, to: Rank) -> f64 {
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
