//! A program that keeps registers per edge has edges: one phase in which whoever sends to a rank receives from it.

use super::{PhasePart, Report, VerifyError, error::EdgeFault};
use crate::{MixingMatrix, Phase, Program, Rank, RankPlan};
use std::collections::BTreeSet;

/// Whether a program has registers per edge, or exchanges them.
fn needed(program: &Program) -> bool {
    program.registers.iter().any(|shape| shape.is_per_edge())
}

pub(super) fn check(program: &Program, first: Option<&[Phase]>, report: &mut Report) {
    if needed(program) {
        let checked = single(first).and_then(|phase| undirected(&phase.matrix));
        file(checked, report);
    }
}

pub(super) fn check_part(program: &Program, rank: Rank, first: Option<&[PhasePart]>, report: &mut Report) {
    if needed(program) {
        let checked = single(first).and_then(|phase| match phase {
            PhasePart::Symbolic(phase) => undirected(&phase.matrix),
            PhasePart::Table { plan, .. } => returned(rank, plan),
        });
        file(checked, report);
    }
}

fn file(checked: Result<(), EdgeFault>, report: &mut Report) {
    if let Err(fault) = checked {
        report.push(VerifyError::Edges { fault });
    }
}

fn single<T>(phases: Option<&[T]>) -> Result<&T, EdgeFault> {
    match phases {
        Some([phase]) => Ok(phase),
        Some(phases) => Err(EdgeFault::Phases(phases.len())),
        None => Err(EdgeFault::NoTopology),
    }
}

fn undirected(matrix: &MixingMatrix) -> Result<(), EdgeFault> {
    let one_way = match matrix {
        MixingMatrix::Cayley(matrix) => {
            let hops: BTreeSet<Rank> = matrix.hops().iter().map(|(hop, _)| *hop).collect();
            let lonely = hops.iter().find(|hop| !hops.contains(&matrix.group().negate(**hop)));
            lonely.map(|hop| (Rank(0), *hop))
        }
        MixingMatrix::Sparse(matrix) => {
            let receives = |rank: Rank, from: Rank| {
                matrix.in_edges(rank).binary_search_by_key(&from, |edge| edge.0).is_ok()
            };
            (0..matrix.size()).map(Rank).find_map(|to| {
                let lonely = matrix.in_edges(to).iter().find(|(from, _)| !receives(*from, to));
                lonely.map(|(from, _)| (*from, to))
            })
        }
    };
    one_way.map_or(Ok(()), |(from, to)| Err(EdgeFault::OneWay { from, to }))
}

/// The same, seen by one rank.
fn returned(rank: Rank, plan: &RankPlan) -> Result<(), EdgeFault> {
    let sends: BTreeSet<Rank> = plan.actions.iter().filter_map(|action| action.send_to).collect();
    let receives: BTreeSet<Rank> =
        plan.actions.iter().filter_map(|action| Some(action.receive.as_ref()?.0)).collect();
    if let Some(to) = sends.difference(&receives).next() {
        return Err(EdgeFault::OneWay { from: rank, to: *to });
    }
    match receives.difference(&sends).next() {
        Some(from) => Err(EdgeFault::OneWay { from: *from, to: rank }),
        None => Ok(()),
    }
}
