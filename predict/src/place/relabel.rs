//! Ranks get other numbers: W becomes P W Pᵀ, phase by phase, and its rounds follow.

use bfc_schedule::matrix::{Interner, Row};
use bfc_schedule::schedule::Phase;
use bfc_schedule::{Action, Draft, MixingMatrix, Rank, RankPlan, RoundPlan, RoundTable, SparseMatrix};

/// The draft in which the rank `p` is what `ranks[p]` was; a phase that stays the same stays symbolic.
pub(super) fn relabel(mut draft: Draft, ranks: &[u32]) -> Draft {
    let mut numbers = vec![Rank(0); ranks.len()];
    for (&rank, number) in ranks.iter().zip(0..) {
        numbers[rank as usize] = Rank(number);
    }
    let phases = draft.topologies.iter_mut().flat_map(|topology| &mut topology.phases);
    for phase in phases {
        let row = |rank: &u32| renumbered(phase.matrix.row(Rank(*rank)), &numbers);
        let same = ranks.iter().zip(0..).all(|(rank, number)| row(rank) == phase.matrix.row(Rank(number)));
        if !same && let Some(matrix) = SparseMatrix::from_rows(ranks.iter().map(row)) {
            let plan = RoundPlan::Table(table(&phase.plan, ranks, &numbers));
            *phase = Phase { matrix: MixingMatrix::Sparse(matrix), plan };
        }
    }
    draft
}

/// A phase as a table, its ranks as they are.
pub(crate) fn as_table(phase: &Phase) -> Option<(SparseMatrix, RoundTable)> {
    let ranks: Vec<u32> = (0..phase.matrix.size()).collect();
    let numbers: Vec<Rank> = ranks.iter().copied().map(Rank).collect();
    let matrix = SparseMatrix::from_rows(numbers.iter().map(|rank| phase.matrix.row(*rank)))?;
    Some((matrix, table(&phase.plan, &ranks, &numbers)))
}

fn renumbered(row: Row, numbers: &[Rank]) -> Row {
    let Row { self_weight, mut in_weights } = row;
    in_weights.iter_mut().for_each(|(source, _)| *source = numbers[source.index()]);
    in_weights.sort_by_key(|(source, _)| *source);
    Row { self_weight, in_weights }
}

fn table(plan: &RoundPlan, ranks: &[u32], numbers: &[Rank]) -> RoundTable {
    let mut weights = Interner::default();
    let (mut self_weights, mut offsets, mut actions) = (vec![], vec![0], vec![]);
    for &rank in ranks {
        let RankPlan { self_weight, actions: own, .. } = plan.rank(Rank(rank));
        self_weights.push(weights.id(&self_weight));
        actions.extend(own.into_iter().map(|action| Action {
            round: action.round,
            send_to: action.send_to.map(|to| numbers[to.index()]),
            receive: action.receive.map(|(from, weight)| (numbers[from.index()], weights.id(&weight))),
        }));
        offsets.push(actions.len());
    }
    RoundTable { rounds: plan.rounds(), weights: weights.values, self_weights, offsets, actions }
}
