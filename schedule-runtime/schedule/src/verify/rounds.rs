//! The rounds of a phase compute its matrix, and every send meets its receive.

use super::{MOST_WEIGHT_BITS, Party, Report, Share, Site, VerifyError};
use crate::matrix::Row;
use crate::{
    Action, CayleyMatrix, Group, MixingMatrix, Phase, Rank, RankPlan, Rational, RoundPlan, RoundTable,
    SparseMatrix,
};
use std::collections::BTreeMap;

pub(super) fn phase(at: Site, phase: &Phase, size: u32, report: &mut Report) {
    if phase.matrix.size() != size {
        return report.push(VerifyError::PhaseSize { at, found: phase.matrix.size(), size });
    }
    match (&phase.matrix, &phase.plan) {
        (MixingMatrix::Cayley(matrix), RoundPlan::Cayley { group, self_weight, rounds }) => {
            symbolic(at, matrix, group, self_weight, rounds, report);
        }
        (MixingMatrix::Sparse(matrix), RoundPlan::Table(table)) => tabular(at, matrix, table, report),
        _ => report.push(VerifyError::Form { at }),
    }
}

/// The checks of [`tabular`] that one rank can make.
pub(super) fn part(
    at: &Site,
    (rank, size, rounds): (Rank, u32, u32),
    row: &Row,
    plan: &RankPlan,
    report: &mut Report,
) {
    weight_bits(at, row.in_weights.iter().map(|entry| &entry.1).chain([&row.self_weight]), report);
    let actions = plan.actions.iter().map(|action| RankAction {
        round: action.round,
        send_to: action.send_to,
        receive: action.receive.as_ref().map(|(source, weight)| (*source, weight)),
    });
    let in_weights = row.in_weights.iter().map(|(source, weight)| (*source, weight));
    let mut check = RankCheck { at, rank, size, rounds, report };
    check.weight(rank, Some(&plan.self_weight), Some(&row.self_weight));
    check.actions(actions.clone());
    check.row(actions, in_weights);
}

fn weight_bits<'a>(at: &Site, weights: impl Iterator<Item = &'a Rational>, report: &mut Report) {
    if let Some(bits) = weights.map(Rational::bits).max().filter(|bits| *bits > MOST_WEIGHT_BITS) {
        report.push(VerifyError::WeightBits { at: at.clone(), bits });
    }
}

/// By invariance it is enough to look at what rank 0 sends: its message along a hop is the one that rank `hop` gets.
fn symbolic(
    at: Site,
    matrix: &CayleyMatrix,
    group: &Group,
    self_weight: &Rational,
    rounds: &[(Rank, Rational)],
    report: &mut Report,
) {
    if group != matrix.group() {
        return report.push(VerifyError::Form { at });
    }
    let stored = matrix.hops().iter().map(|(_, weight)| weight);
    weight_bits(&at, stored.chain([matrix.self_weight()]), report);
    let (rank, size) = (Rank(0), group.order());
    let mut plan = BTreeMap::new();
    for ((hop, weight), round) in rounds.iter().zip(0..) {
        if hop.0 >= size {
            report.push(VerifyError::PeerRange { at: at.clone(), rank, round, peer: *hop, size });
        } else if hop.0 == 0 {
            report.push(VerifyError::SelfMessage { at: at.clone(), rank, round });
        } else if plan.insert(*hop, weight).is_some() {
            report.push(VerifyError::RepeatedReceive { at: at.clone(), rank: *hop, round, peer: rank });
        }
    }
    let expected: BTreeMap<Rank, &Rational> =
        matrix.hops().iter().map(|(hop, weight)| (*hop, weight)).collect();
    let mut check = RankCheck { at: &at, rank, size, rounds: rounds.len() as u32, report };
    check.weight(rank, Some(self_weight), Some(matrix.self_weight()));
    let only_planned = plan.keys().filter(|hop| !expected.contains_key(hop));
    for hop in expected.keys().chain(only_planned) {
        check.rank = *hop;
        check.weight(rank, plan.get(hop).copied(), expected.get(hop).copied());
    }
}

fn tabular(at: Site, matrix: &SparseMatrix, table: &RoundTable, report: &mut Report) {
    if let Some(what) = inconsistency(matrix.size(), table) {
        return report.push(VerifyError::Table { at, what });
    }
    weight_bits(&at, matrix.weights().iter().chain(&table.weights), report);
    let mut sound = true;
    for rank in (0..matrix.size()).map(Rank) {
        if report.is_full() {
            return;
        }
        let own = table.actions_of(rank);
        let actions = own.iter().map(|action| RankAction {
            round: action.round,
            send_to: action.send_to,
            receive: action.receive.map(|(source, id)| (source, &table.weights[id as usize])),
        });
        let weight = |id: u32| &matrix.weights()[id as usize];
        let row = matrix.in_edges(rank).iter().map(|&(source, id)| (source, weight(id)));
        let self_weight = &table.weights[table.self_weights[rank.index()] as usize];
        let mut check = RankCheck { at: &at, rank, size: matrix.size(), rounds: table.rounds, report };
        check.weight(rank, Some(self_weight), Some(weight(matrix.self_weight(rank))));
        sound &= check.actions(actions.clone());
        check.row(actions, row);
    }
    if sound {
        matching(&at, table, matrix.size(), report);
        idle_rounds(&at, table, report);
    }
}

fn inconsistency(size: u32, table: &RoundTable) -> Option<&'static str> {
    let (ranks, weights) = (size as usize, table.weights.len());
    let known = |id: u32| (id as usize) < weights;
    if table.self_weights.len() != ranks || table.offsets.len() != ranks + 1 {
        Some("it is not for every rank")
    } else if table.offsets[0] != 0
        || table.offsets[ranks] != table.actions.len()
        || table.offsets.windows(2).any(|pair| pair[0] > pair[1])
    {
        Some("its offsets do not cover its actions")
    } else if !table.self_weights.iter().all(|&id| known(id))
        || !table.actions.iter().filter_map(|action| action.receive).all(|(_, id)| known(id))
    {
        Some("it names a weight that it does not have")
    } else {
        None
    }
}

/// Sends and receives of a round name each other. Every rank's actions are in order.
fn matching(at: &Site, table: &RoundTable, size: u32, report: &mut Report) {
    let action = |rank: Rank, round: u32| -> Option<&Action> {
        let actions = table.actions_of(rank);
        actions.binary_search_by_key(&round, |action| action.round).ok().map(|found| &actions[found])
    };
    for rank in (0..size).map(Rank) {
        for &Action { round, send_to, receive } in table.actions_of(rank) {
            let at = || at.clone();
            if let Some(peer) = send_to {
                let instead = action(peer, round).and_then(|action| action.receive).map(|receive| receive.0);
                if instead != Some(rank) {
                    report.push(VerifyError::UnmatchedSend {
                        at: at(),
                        rank,
                        round,
                        peer,
                        instead: Party(instead),
                    });
                }
            }
            if let Some((peer, _)) = receive {
                let instead = action(peer, round).and_then(|action| action.send_to);
                if instead != Some(rank) {
                    let instead = Party(instead);
                    report.push(VerifyError::UnmatchedReceive { at: at(), rank, round, peer, instead });
                }
            }
        }
    }
}

fn idle_rounds(at: &Site, table: &RoundTable, report: &mut Report) {
    let mut used: Vec<u32> =
        table.actions.iter().filter(|action| action.send_to.is_some()).map(|action| action.round).collect();
    used.sort_unstable();
    used.dedup();
    if let Some(round) = (0..table.rounds).find(|&round| used.get(round as usize) != Some(&round)) {
        report.push(VerifyError::IdleRound { at: at.clone(), round });
    }
}

/// What a rank does in a round.
struct RankAction<'a> {
    round: u32,
    send_to: Option<Rank>,
    receive: Option<(Rank, &'a Rational)>,
}

struct RankCheck<'a> {
    at: &'a Site,
    rank: Rank,
    size: u32,
    rounds: u32,
    report: &'a mut Report,
}

impl RankCheck<'_> {
    /// Order and range of the actions; whether they hold.
    fn actions<'a>(&mut self, actions: impl Iterator<Item = RankAction<'a>>) -> bool {
        let (at, rank, size) = (|| self.at.clone(), self.rank, self.size);
        let (mut next, mut sound) = (0u64, true);
        for RankAction { round, send_to, receive } in actions {
            let mut fault = |error| {
                sound = false;
                self.report.push(error);
            };
            if (round as u64) < next || round >= self.rounds {
                fault(VerifyError::RoundOrder { at: at(), rank, round });
            }
            next = round as u64 + 1;
            for peer in send_to.into_iter().chain(receive.map(|receive| receive.0)) {
                if peer.0 >= size {
                    fault(VerifyError::PeerRange { at: at(), rank, round, peer, size });
                } else if peer == rank {
                    fault(VerifyError::SelfMessage { at: at(), rank, round });
                }
            }
        }
        sound
    }

    /// What is received is the row of the matrix.
    fn row<'a>(
        &mut self,
        actions: impl Iterator<Item = RankAction<'a>>,
        row: impl Iterator<Item = (Rank, &'a Rational)>,
    ) {
        let mut received: Vec<_> = actions
            .filter_map(|action| action.receive.map(|(source, weight)| (source, action.round, weight)))
            .collect();
        received.sort_unstable_by_key(|&(source, round, _)| (source, round));
        received.dedup_by(|again, first| {
            let repeated = again.0 == first.0;
            if repeated {
                let (at, rank) = (self.at.clone(), self.rank);
                self.report.push(VerifyError::RepeatedReceive { at, rank, round: again.1, peer: again.0 });
            }
            repeated
        });
        let (mut received, mut row) = (received.into_iter().peekable(), row.peekable());
        loop {
            let sources =
                received.peek().map(|entry| entry.0).into_iter().chain(row.peek().map(|entry| entry.0));
            let Some(source) = sources.min() else { return };
            let found = received.next_if(|entry| entry.0 == source).map(|entry| entry.2);
            let expected = row.next_if(|entry| entry.0 == source).map(|entry| entry.1);
            self.weight(source, found, expected);
        }
    }

    fn weight(&mut self, source_rank: Rank, found: Option<&Rational>, expected: Option<&Rational>) {
        if found != expected {
            let (found, expected) = (Share(found.cloned()), Share(expected.cloned()));
            let (at, rank) = (self.at.clone(), self.rank);
            self.report.push(VerifyError::Weight { at, rank, source_rank, found, expected });
        }
    }
}
