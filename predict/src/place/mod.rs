//! Ranks of a schedule get the places of a cluster on which the exchanges of a period take the least time.
//!
//! Which ranks share a machine decides how many messages pass its NIC. A placement is a permutation: the schedule is
//! relabelled, so that its rank r still runs on place r and nothing else has to know. Relabelling turns W into P W Pᵀ,
//! which has the same spectrum, the same products and the same sums of rows and columns: what was proved holds.
//!
//! The time of a period is the sum over its rounds of the busiest port's time. Swaps of two ranks lessen first the squares
//! of all loads, which lead downhill where the largest load alone is flat, then the time itself (Kernighan and Lin, "An
//! efficient heuristic procedure for partitioning graphs", 1970; here with loads in place of cuts). They start from the
//! ranks as they are, dealt to the machines one by one, grown along the messages, in blocks of a grid, and shuffled; where
//! the partitions are few, all are tried. The same schedule and cluster always give the same placement, never a slower one than none.

mod board;
pub(crate) mod relabel;
mod search;
mod starts;

use crate::cluster::{Cluster, ClusterError};
use crate::cost::Prediction;
use crate::links::Wiring;
use crate::sharing::{Sharing, arrange};
use crate::traffic::Traffic;
use bfc_compiler::certificate;
use bfc_schedule::schedule::Phase;
use bfc_schedule::{Rank, RoundPlan, Schedule, VerifyError};
use board::Board;
use serde::Serialize;

/// The most ranks that are placed.
pub const MOST_RANKS: u32 = 4096;

/// How a schedule was fitted to a cluster.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// How the rounds of each phase share links.
    pub sharing: Vec<Sharing>,
    /// Where its ranks stand, where other places were sought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placing>,
}

/// What a search for better places led to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Placing {
    /// The best places that were found, which may be those that the ranks had.
    Best(Placement),
    /// The places that the ranks had.
    Kept {
        /// The claim of the certificate that would not be decided on better ones.
        unproved: String,
    },
}

/// Where ranks went, and what that is good for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Placement {
    /// The rank of the source that each rank of the schedule is.
    pub ranks: Vec<u32>,
    /// How thoroughly placements were searched.
    pub search: Search,
    /// The schedule with its ranks as they were.
    pub before: Travel,
    /// The schedule as it is placed.
    pub after: Travel,
}

/// How thoroughly placements were searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// All were tried.
    All,
    /// By swaps from several starts.
    Swaps,
    /// Not at all: too many ranks or messages.
    None,
}

/// What the exchanges of a step take on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Travel {
    /// A step, with exchanges beside gradients where the program allows it.
    pub step_seconds: f64,
    /// The exchanges of a step.
    pub communication_seconds: f64,
    /// Messages of all ranks from machine to machine, in a step.
    pub messages_between_machines: f64,
    /// Their bytes.
    pub bytes_between_machines: f64,
}

/// Why a schedule is not fitted to a cluster.
#[derive(Clone, Debug)]
pub enum FitError {
    /// The cluster has too few machines.
    Cluster(ClusterError),
    /// What was made of the schedule is none: a defect of this library.
    Verify(Vec<VerifyError>),
}

impl From<ClusterError> for FitError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}

/// `schedule` with rounds that respect the shared links of `cluster`, for a model of this size in bytes. Phases that are no
/// longer symbolic for that have to be proved again; where that does not succeed, nothing changes.
///
/// # Errors
/// The cluster has too few machines.
pub fn fit(schedule: Schedule, cluster: &Cluster, model_bytes: f64) -> Result<(Schedule, Fit), FitError> {
    let wiring = Wiring::new(cluster, schedule.size())?;
    let traffic = Traffic::new(&schedule, model_bytes);
    let unchanged = schedule.clone();
    let (draft, sharing) = arrange(schedule, &wiring, &traffic);
    let fit = Fit { sharing, placement: None };
    let Some(mut draft) = draft else { return Ok((unchanged, fit)) };
    draft.metadata["cluster"] = cluster.name().into();
    let fitted = Schedule::new(draft).map_err(FitError::Verify)?;
    if symbolic_phases(&fitted) < symbolic_phases(&unchanged) && unproved(&fitted).is_some() {
        return Ok((unchanged, Fit { sharing: fit.sharing.into_iter().map(Sharing::kept).collect(), ..fit }));
    }
    Ok((fitted, fit))
}

/// [`fit`], with the ranks on better places where there are some on which all that was proved is proved again.
///
/// # Errors
/// As there.
pub fn place(schedule: Schedule, cluster: &Cluster, model_bytes: f64) -> Result<(Schedule, Fit), FitError> {
    let wiring = Wiring::new(cluster, schedule.size())?;
    let travel = |schedule: &Schedule| Travel::new(schedule, cluster, &wiring, model_bytes);
    let (ranks, search) = best_ranks(&schedule, &wiring, model_bytes);
    let (kept, fit_of_kept) = fit(schedule.clone(), cluster, model_bytes)?;
    let before = travel(&kept)?;
    let keep = |kept, placing| Ok((kept, Fit { placement: Some(placing), ..fit_of_kept }));
    let identity: Vec<u32> = (0..schedule.size()).collect();
    let unmoved = Placing::Best(Placement { ranks: identity.clone(), search, before, after: before });
    if ranks == identity {
        return keep(kept, unmoved);
    }
    let (moved, fit_of_moved) = fit(relabelled(schedule, &ranks, cluster)?, cluster, model_bytes)?;
    let after = travel(&moved)?;
    if !after.improves(&before) {
        return keep(kept, unmoved);
    }
    if let Some(unproved) = unproved(&moved) {
        return keep(kept, Placing::Kept { unproved });
    }
    let placement = Some(Placing::Best(Placement { ranks, search, before, after }));
    Ok((moved, Fit { placement, ..fit_of_moved }))
}

/// The rank of the source for each rank of the schedule on the best places, and how thoroughly these were sought.
fn best_ranks(schedule: &Schedule, wiring: &Wiring, model_bytes: f64) -> (Vec<u32>, Search) {
    let board = (schedule.size() <= MOST_RANKS)
        .then(|| Board::new(schedule, wiring, &Traffic::new(schedule, model_bytes)))
        .flatten();
    match board.map(|mut board| search::search(&mut board, wiring, &groups(schedule))) {
        Some((ranks, true)) => (ranks, Search::All),
        Some((ranks, false)) => (ranks, Search::Swaps),
        None => ((0..schedule.size()).collect(), Search::None),
    }
}

fn relabelled(schedule: Schedule, ranks: &[u32], cluster: &Cluster) -> Result<Schedule, FitError> {
    let mut draft = relabel::relabel(schedule.into_draft(), ranks);
    draft.metadata["cluster"] = cluster.name().into();
    draft.metadata["placement"] = ranks.to_vec().into();
    Schedule::new(draft).map_err(FitError::Verify)
}

/// A claim of the certificate that is not found again.
fn unproved(schedule: &Schedule) -> Option<String> {
    let rechecks = certificate::recheck(schedule).ok()?;
    rechecks.into_iter().find(|recheck| !recheck.confirmed).map(|recheck| recheck.claim)
}

impl Travel {
    fn new(
        schedule: &Schedule,
        cluster: &Cluster,
        wiring: &Wiring,
        model_bytes: f64,
    ) -> Result<Self, ClusterError> {
        let Prediction { step_seconds, communication_seconds, .. } =
            Prediction::new(schedule, cluster, model_bytes)?;
        let traffic = Traffic::new(schedule, model_bytes);
        let (mut messages, mut bytes) = (0.0, 0.0);
        for (index, topology) in schedule.topologies().iter().enumerate() {
            for (number, phase) in topology.phases.iter().enumerate() {
                let sizes = traffic.sizes(index, number);
                let crossing = if sizes.is_empty() { 0.0 } else { crossing(&phase.plan, wiring) as f64 };
                messages += crossing * sizes.iter().map(|(_, times)| times).sum::<f64>();
                bytes += crossing * sizes.iter().map(|(bytes, times)| bytes * times).sum::<f64>();
            }
        }
        Ok(Self {
            step_seconds,
            communication_seconds,
            messages_between_machines: messages,
            bytes_between_machines: bytes,
        })
    }

    /// Whether it takes less time, or as much with fewer bytes between machines.
    fn improves(&self, other: &Self) -> bool {
        const NEAR: f64 = 1.0 + 1e-9;
        let less = self.communication_seconds * NEAR < other.communication_seconds;
        let no_more = self.communication_seconds <= other.communication_seconds * NEAR;
        let fewer = self.bytes_between_machines * NEAR < other.bytes_between_machines;
        self.step_seconds <= other.step_seconds * NEAR && (less || no_more && fewer)
    }
}

/// The radices of groups under which phases are symmetric.
fn groups(schedule: &Schedule) -> Vec<Vec<u32>> {
    let phases = schedule.topologies().iter().flat_map(|topology| &topology.phases);
    let radices = |phase: &Phase| match &phase.plan {
        RoundPlan::Cayley { group, .. } => Some(group.radices().to_vec()),
        RoundPlan::Table(_) => None,
    };
    let mut groups: Vec<Vec<u32>> = phases.filter_map(radices).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn symbolic_phases(schedule: &Schedule) -> usize {
    let phases = schedule.topologies().iter().flat_map(|topology| &topology.phases);
    phases.filter(|phase| matches!(phase.plan, RoundPlan::Cayley { .. })).count()
}

/// The messages of a phase from machine to machine.
fn crossing(plan: &RoundPlan, wiring: &Wiring) -> usize {
    let sent = |rank: Rank| (0..plan.rounds()).filter_map(move |round| plan.peers(rank, round).0);
    let crosses = |rank: Rank| sent(rank).filter(move |to| wiring.class(rank, *to) > 0).count();
    (0..wiring.size()).map(|rank| crosses(Rank(rank))).sum()
}
