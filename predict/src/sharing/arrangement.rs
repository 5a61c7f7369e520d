//! The messages of a phase become rounds in which shared ports carry what they can.

use super::flow::QUICK;
use super::ports::Ports;
use super::{WORTHWHILE, flow};
use crate::links::{CLASSES, Wiring};
use crate::simulate::steady;
use crate::traffic::seconds;
use bfc_schedule::{Action, Rank, RoundPlan, RoundTable};
use std::collections::BTreeMap;

/// What it takes to run rounds rank by rank, for each of their messages.
const RUN: usize = 20;

/// A message, with the index of the weight that its receiver applies.
#[derive(Clone, Copy)]
struct Message {
    from: Rank,
    to: Rank,
    weight: u32,
}

/// Messages that travel in one round: one, or both directions between two ranks.
struct Unit {
    messages: Vec<Message>,
    /// The ports that they pass, one entry for each message and port.
    ports: Vec<usize>,
}

/// The messages of a phase and the ports that they pass.
pub(super) struct Arrangement<'a> {
    table: RoundTable,
    wiring: &'a Wiring,
    sizes: &'a [(f64, f64)],
    ports: Ports,
    /// With pairs together, where there are some, and with every message alone.
    units: Vec<Vec<Unit>>,
    seconds: f64,
}

impl<'a> Arrangement<'a> {
    /// The messages of a phase; `None` where `work` is not enough to count them often.
    pub(super) fn new(
        table: RoundTable,
        wiring: &'a Wiring,
        sizes: &'a [(f64, f64)],
        work: &mut usize,
    ) -> Option<Self> {
        *work = work.checked_sub(RUN * sizes.len() * table.actions.len())?;
        let ports = Ports::new(wiring);
        let unit = |messages: Vec<Message>| {
            let passed = |message: &Message| ports.passed(wiring, message.from, message.to);
            Unit { ports: messages.iter().flat_map(passed).collect(), messages }
        };
        // By receiver and sender, so that rounds found for the same messages are the same whatever their rounds are.
        let mut messages: BTreeMap<(Rank, Rank), u32> = BTreeMap::new();
        for to in (0..wiring.size()).map(Rank) {
            let received = table.actions_of(to).iter().filter_map(|action| action.receive);
            messages.extend(received.map(|(from, weight)| ((to, from), weight)));
        }
        let (mut alone, mut together) = (vec![], vec![]);
        for (&(to, from), &weight) in &messages {
            let message = Message { from, to, weight };
            alone.push(unit(vec![message]));
            match messages.get(&(from, to)) {
                Some(&weight) if from < to => {
                    together.push(unit(vec![message, Message { from: to, to: from, weight }]));
                }
                Some(_) => {}
                None => together.push(unit(vec![message])),
            }
        }
        let units = if together.len() == alone.len() { vec![alone] } else { vec![together, alone] };
        let seconds = flow_seconds(&table, wiring, sizes, steady::STEPS as usize);
        Some(Self { table, wiring, sizes, ports, units, seconds })
    }

    /// The seconds of a step's exchanges over the rounds as they are.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// The fastest of these rounds and of those found for several capacities of ports, with their seconds, if they are faster
    /// than those that there are. Ends without `work`.
    pub(super) fn faster(
        &self,
        others: Vec<RoundTable>,
        bound: f64,
        work: &mut usize,
    ) -> Option<(RoundTable, f64)> {
        let by_rounds = |table: &RoundTable| {
            seconds(self.sizes, &self.wiring.rounds(&RoundPlan::Table(table.clone())), self.wiring)
        };
        let now = by_rounds(&self.table);
        let quick = |table: &RoundTable| flow_seconds(table, self.wiring, self.sizes, QUICK);
        let enough = bound * (1.0 + WORTHWHILE);
        let mut best = (None, quick(&self.table) * (1.0 - WORTHWHILE));
        let found = self.units.iter().flat_map(|units| self.slopes().map(move |slope| (units, slope)));
        let found = found.filter_map(|(units, slope)| {
            let rounds = self.rounds(units, slope, work)?;
            Some(self.table_of(units, &rounds))
        });
        for table in others.into_iter().chain(found) {
            if best.1 <= enough {
                break;
            }
            let taken = quick(&table);
            if taken < best.1 && by_rounds(&table) <= now {
                best = (Some(table), taken);
            }
        }
        let table = best.0?;
        let taken = flow_seconds(&table, self.wiring, self.sizes, steady::STEPS as usize);
        (taken < self.seconds * (1.0 - WORTHWHILE)).then_some((table, taken))
    }

    /// Seconds for a byte that rounds may take: as long as 1, 2, 4, … messages on the links that share, up to all of a
    /// machine.
    fn slopes(&self) -> impl Iterator<Item = f64> + use<> {
        let most = self.wiring.ranks_per_machine().next_power_of_two().ilog2();
        let mut slopes: Vec<f64> = (1..CLASSES)
            .flat_map(|class| {
                (0..=most).map(move |k| f64::from(1u32 << k) / self.wiring.links[class].bandwidth)
            })
            .collect();
        slopes.sort_by(f64::total_cmp);
        slopes.dedup();
        slopes.into_iter()
    }

    /// A round for each unit, where a shared port carries what it can within `slope` seconds for a byte.
    fn rounds(&self, units: &[Unit], slope: f64, work: &mut usize) -> Option<Vec<u32>> {
        *work = work.checked_sub(RUN * self.sizes.len() * self.table.actions.len())?;
        let capacity = self.ports.capacities(self.wiring, slope);
        let mut remaining = vec![0u32; self.ports.count()];
        units.iter().flat_map(|unit| &unit.ports).for_each(|&port| remaining[port] += 1);
        let mut left: Vec<usize> = (0..units.len()).collect();
        let mut rounds = vec![0; units.len()];
        for round in 0.. {
            if left.is_empty() {
                break;
            }
            *work = work.checked_sub(left.len())?;
            let urgency = |unit: &usize| {
                let full = |port: &usize| f64::from(remaining[*port]) / f64::from(capacity[*port]);
                units[*unit].ports.iter().map(full).fold(0.0, f64::max)
            };
            left.sort_by_cached_key(|unit| (std::cmp::Reverse(urgency(unit).to_bits()), *unit));
            let mut free = capacity.clone();
            let mut first = true;
            left.retain(|&unit| {
                let ports = &units[unit].ports;
                let enough = |port: &usize| {
                    free[*port] as usize >= ports.iter().filter(|other| *other == port).count()
                };
                if !std::mem::take(&mut first) && !ports.iter().all(enough) {
                    return true;
                }
                for &port in ports {
                    free[port] = free[port].saturating_sub(1);
                    remaining[port] -= 1;
                }
                rounds[unit] = round;
                false
            });
        }
        Some(rounds)
    }

    /// The table with the units in these rounds.
    fn table_of(&self, units: &[Unit], rounds: &[u32]) -> RoundTable {
        let size = self.wiring.size() as usize;
        let mut halves: Vec<(Rank, Action)> = vec![];
        for (unit, &round) in units.iter().zip(rounds) {
            for &Message { from, to, weight } in &unit.messages {
                halves.push((from, Action { round, send_to: Some(to), receive: None }));
                halves.push((to, Action { round, send_to: None, receive: Some((from, weight)) }));
            }
        }
        halves.sort_unstable_by_key(|(rank, action)| (*rank, action.round));
        let (mut actions, mut offsets) = (vec![], vec![0; size + 1]);
        for both in halves.chunk_by(|a, b| (a.0, a.1.round) == (b.0, b.1.round)) {
            let merged = both.iter().fold(both[0].1, |merged, (_, action)| Action {
                send_to: merged.send_to.or(action.send_to),
                receive: merged.receive.or(action.receive),
                ..merged
            });
            actions.push(merged);
            offsets[both[0].0.index() + 1] = actions.len();
        }
        for rank in 0..size {
            offsets[rank + 1] = offsets[rank + 1].max(offsets[rank]);
        }
        RoundTable {
            rounds: rounds.iter().max().map_or(0, |last| last + 1),
            weights: self.table.weights.clone(),
            self_weights: self.table.self_weights.clone(),
            offsets,
            actions,
        }
    }
}

/// The seconds of a step's exchanges of these sizes, rank by rank.
fn flow_seconds(table: &RoundTable, wiring: &Wiring, sizes: &[(f64, f64)], exchanges: usize) -> f64 {
    sizes.iter().map(|(bytes, times)| times * flow::seconds(table, wiring, *bytes, exchanges)).sum()
}

/// The seconds of a step that no rounds undercut: what all bytes through a port take at its bandwidth.
pub(super) fn bound(table: &RoundTable, wiring: &Wiring, sizes: &[(f64, f64)]) -> f64 {
    let ports = Ports::new(wiring);
    let mut seconds_per_byte = vec![0.0f64; ports.count()];
    for to in (0..wiring.size()).map(Rank) {
        let received = table.actions_of(to).iter().filter_map(|action| action.receive);
        for (from, _) in received {
            let own = wiring.links[wiring.class(from, to)].bandwidth;
            for port in ports.passed(wiring, from, to) {
                seconds_per_byte[port] += ports.shared_bandwidth(port, wiring).unwrap_or(own).recip();
            }
        }
    }
    let busiest = seconds_per_byte.into_iter().fold(0.0, f64::max);
    sizes.iter().map(|(bytes, times)| times * bytes * busiest).sum()
}
