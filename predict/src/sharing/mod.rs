//! Rounds of a phase become rounds for a cluster: messages that pass one port are conflicts, as far as it is slow.
//!
//! Ports of ranks alone allow max(in-degree, out-degree) rounds. On a cluster all messages of a round that leave through
//! one NIC share it: where one machine is busy in this round and another in the next, each waits for the other. So rounds
//! are built again with at most k messages through a NIC, for several k (and in proportion through what sites and machines
//! share): a round takes what fits, the most urgent first, where a message is as urgent as the fullest of its ports (list
//! scheduling; Graham, "Bounds on multiprocessing timing anomalies", 1969). All of them are run rank by rank, as a
//! simulation without jitter does it, and the fastest are taken. Sending the messages of a NIC one after the other is no gain
//! by itself, since sharing wastes nothing: the rounds with the fewest stay unless others are faster by both counts, rank
//! by rank and round by round.
//!
//! No rounds take less time than a port needs for all its messages: the result includes that bound. Symbolic phases have a
//! round for each hop; where ports are busy in one and idle in another, as on a ring, the same messages as a table may take
//! less time. Up to [`MOST_RANKS`] ranks they are tried like any other, and stay symbolic unless that is faster.

mod arrangement;
mod flow;
mod ports;

use crate::links::Wiring;
use crate::place::MOST_RANKS;
use crate::place::relabel::as_table;
use crate::traffic::{Traffic, seconds};
use arrangement::{Arrangement, bound};
use bfc_compiler::lower;
use bfc_schedule::schedule::Phase;
use bfc_schedule::{Action, Draft, MixingMatrix, Rank, RoundPlan, RoundTable, Schedule, SparseMatrix};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Messages that are moved and counted for all phases, at most: some seconds.
const MOST_WORK: usize = 30_000_000;

/// Rounds are changed for a gain of this share of their time: what is not in the model makes many rounds dearer than few.
const WORTHWHILE: f64 = 0.01;

/// How the rounds of a phase share links.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sharing {
    /// The topology.
    pub topology: String,
    /// Which of its phases.
    pub phase: usize,
    /// How many times as long as alone a message takes at most, in the rounds that ports of ranks allow.
    pub share: f64,
    /// These rounds.
    pub least_rounds: u32,
    /// The seconds that exchanges over them take of a step, as a mean over the period: rank by rank, and round by round
    /// where rounds keep their order.
    pub least_rounds_seconds: f64,
    /// The rounds for the cluster.
    pub rounds: u32,
    /// Their seconds.
    pub seconds: f64,
    /// No rounds take less; absent for symbolic phases of many ranks, which keep theirs.
    pub bound_seconds: Option<f64>,
}

impl Sharing {
    /// With the rounds that there were.
    pub(crate) fn kept(self) -> Self {
        Self { rounds: self.least_rounds, seconds: self.least_rounds_seconds, ..self }
    }
}

/// The draft of `schedule` with rounds for a cluster, where they change, and how the rounds of each phase that communicates
/// share links.
pub(crate) fn arrange(
    schedule: Schedule,
    wiring: &Wiring,
    traffic: &Traffic,
) -> (Option<Draft>, Vec<Sharing>) {
    let mut draft = schedule.into_draft();
    let (mut found, mut work, mut changed) = (vec![], MOST_WORK, false);
    for (index, topology) in draft.topologies.iter_mut().enumerate() {
        for (number, phase) in topology.phases.iter_mut().enumerate() {
            let sizes = traffic.sizes(index, number);
            let tabular = Tabular::new(phase);
            let loads = match &tabular {
                Some(tabular) => wiring.rounds(&RoundPlan::Table(tabular.table.clone())),
                None => wiring.rounds(&phase.plan),
            };
            if sizes.is_empty() || loads.is_empty() {
                continue;
            }
            let by_rounds = seconds(sizes, &loads, wiring);
            let bound = tabular.as_ref().map(|tabular| bound(&tabular.table, wiring, sizes));
            let mut sharing = Sharing {
                topology: topology.name.clone(),
                phase: number,
                share: loads.iter().map(|load| load.share(wiring)).fold(1.0, f64::max),
                least_rounds: phase.plan.rounds(),
                least_rounds_seconds: by_rounds,
                rounds: phase.plan.rounds(),
                seconds: by_rounds,
                bound_seconds: bound,
            };
            let Some((tabular, bound)) = tabular.zip(bound) else {
                found.push(sharing);
                continue;
            };
            let is_symbolic = matches!(phase.plan, RoundPlan::Cayley { .. });
            let mut table = (!is_symbolic).then(|| tabular.table.clone());
            if by_rounds > bound * (1.0 + WORTHWHILE)
                && let Some(arrangement) = Arrangement::new(tabular.table, wiring, sizes, &mut work)
            {
                sharing.least_rounds_seconds = arrangement.seconds();
                sharing.seconds = sharing.least_rounds_seconds;
                if let Some((faster, seconds)) = arrangement.faster(tabular.others, bound, &mut work) {
                    (sharing.rounds, sharing.seconds) = (faster.rounds, seconds);
                    table = Some(faster);
                }
            }
            if let Some(plan) = table.map(RoundPlan::Table).filter(|plan| *plan != phase.plan) {
                *phase = Phase { matrix: MixingMatrix::Sparse(tabular.matrix), plan };
                changed = true;
            }
            found.push(sharing);
        }
    }
    (changed.then_some(draft), found)
}

/// A phase as a table. A graph of a cyclic group has one round for each hop, whether it is a rule or a list, and those of a
/// table beside: so it takes the same time.
struct Tabular {
    matrix: SparseMatrix,
    /// Its rounds.
    table: RoundTable,
    /// Other rounds of the same messages.
    others: Vec<RoundTable>,
}

impl Tabular {
    /// `None` for symbolic phases of many ranks.
    fn new(phase: &Phase) -> Option<Self> {
        match (&phase.matrix, &phase.plan) {
            (MixingMatrix::Sparse(matrix), RoundPlan::Table(table)) => {
                let (matrix, table) = (matrix.clone(), table.clone());
                Some(match by_hops(&table) {
                    Some(hops) => Self { matrix, table: hops, others: vec![table] },
                    None => Self { matrix, table, others: vec![] },
                })
            }
            _ if phase.matrix.size() > MOST_RANKS => None,
            _ => {
                let (matrix, table) = as_table(phase)?;
                let coloured = lower::rounds::plan(&MixingMatrix::Sparse(matrix.clone()));
                let others = if let RoundPlan::Table(table) = coloured { vec![table] } else { vec![] };
                Some(Self { matrix, table, others })
            }
        }
    }
}

/// A round for each hop, where all ranks send along the same ones around the circle of ranks.
fn by_hops(table: &RoundTable) -> Option<RoundTable> {
    let size = table.self_weights.len() as u32;
    let sends = |rank: u32| table.actions_of(Rank(rank)).iter().filter_map(|action| action.send_to);
    let hops = |rank: u32| -> BTreeSet<u32> { sends(rank).map(|to| (to.0 + size - rank) % size).collect() };
    let common = hops(0);
    if common.is_empty() || (1..size).any(|rank| hops(rank) != common) {
        return None;
    }
    let mut by_hops = RoundTable { rounds: common.len() as u32, actions: vec![], ..table.clone() };
    by_hops.offsets = vec![0];
    for rank in 0..size {
        let received = table.actions_of(Rank(rank)).iter().filter_map(|action| action.receive);
        let weights: BTreeMap<Rank, u32> = received.collect();
        for (hop, round) in common.iter().zip(0..) {
            let from = Rank((rank + size - hop) % size);
            let receive = Some((from, *weights.get(&from)?));
            by_hops.actions.push(Action { round, send_to: Some(Rank((rank + hop) % size)), receive });
        }
        by_hops.offsets.push(by_hops.actions.len());
    }
    Some(by_hops)
}
