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
//! No rounds take less time than a port needs for all its messages: the result includes that bound. Symbolic phases keep
//! their rounds, one for each hop, in which all machines are equally busy wherever they are aligned with the group.

mod arrangement;
mod flow;
mod ports;

use crate::links::Wiring;
use crate::traffic::{Traffic, seconds};
use arrangement::{Arrangement, bound};
use bfc_schedule::{Draft, RoundPlan, Schedule};
use serde::Serialize;

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
    /// No rounds take less; absent for symbolic phases, which keep theirs.
    pub bound_seconds: Option<f64>,
}

/// The draft of `schedule` with rounds for a cluster, and the change of each phase that communicates.
pub(crate) fn arrange(schedule: Schedule, wiring: &Wiring, traffic: &Traffic) -> (Draft, Vec<Sharing>) {
    let mut draft = schedule.into_draft();
    let (mut found, mut work) = (vec![], MOST_WORK);
    for (index, topology) in draft.topologies.iter_mut().enumerate() {
        for (number, phase) in topology.phases.iter_mut().enumerate() {
            let sizes = traffic.sizes(index, number);
            let loads = wiring.rounds(&phase.plan);
            if sizes.is_empty() || loads.is_empty() {
                continue;
            }
            let by_rounds = seconds(sizes, &loads, wiring);
            let bound = match &phase.plan {
                RoundPlan::Table(table) => Some(bound(table, wiring, sizes)),
                RoundPlan::Cayley { .. } => None,
            };
            let improvable = bound.is_some_and(|bound| by_rounds > bound * (1.0 + WORTHWHILE));
            let arrangement = match &phase.plan {
                RoundPlan::Table(table) if improvable => Arrangement::new(table, wiring, sizes, &mut work),
                _ => None,
            };
            let least_rounds_seconds = arrangement.as_ref().map_or(by_rounds, Arrangement::seconds);
            let mut sharing = Sharing {
                topology: topology.name.clone(),
                phase: number,
                share: loads.iter().map(|load| load.share(wiring)).fold(1.0, f64::max),
                least_rounds: phase.plan.rounds(),
                least_rounds_seconds,
                rounds: phase.plan.rounds(),
                seconds: least_rounds_seconds,
                bound_seconds: bound,
            };
            let faster = arrangement.and_then(|arrangement| arrangement.faster(bound?, &mut work));
            if let Some((plan, seconds)) = faster {
                (sharing.rounds, sharing.seconds) = (plan.rounds(), seconds);
                phase.plan = plan;
            }
            found.push(sharing);
        }
    }
    (draft, found)
}
