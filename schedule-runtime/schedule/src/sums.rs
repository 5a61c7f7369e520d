//! Which sums of a topology's matrices must survive when weights are rounded to the element type.
//!
//! The self weight takes up what the other weights lose. Where rows sum to 1, it keeps the sum of its row, and equal
//! values stay equal. Where only columns do (push-sum), it keeps that of its column, and the sum over all ranks stays:
//! with the row's remainder every step would add the same bias to it.

use crate::{MixingMatrix, Rank, Rational};
use std::collections::HashMap;

/// Sums of weights from files and optimisers are 1 within this.
const TOLERANCE: (i64, i64) = (1, 1_000_000_000);

/// Whether all columns of these phases sum to 1, and not all rows do.
pub(crate) fn only_columns<'a>(phases: impl Iterator<Item = &'a MixingMatrix> + Clone) -> bool {
    !phases.clone().all(rows_sum_to_one) && phases.clone().all(columns_sum_to_one)
}

fn rows_sum_to_one(phase: &MixingMatrix) -> bool {
    match phase {
        MixingMatrix::Cayley(matrix) => {
            let hops = matrix.hops().iter().map(|(_, weight)| weight.clone());
            is_one(hops.sum::<Rational>() + matrix.self_weight().clone())
        }
        MixingMatrix::Sparse(matrix) => {
            let row = |rank| {
                let edges = matrix.in_edges(rank).iter().map(|(_, weight)| *weight);
                edges.chain([matrix.self_weight(rank)]).collect()
            };
            all_one((0..matrix.size()).map(Rank).map(row), matrix.weights())
        }
    }
}

fn columns_sum_to_one(phase: &MixingMatrix) -> bool {
    // Every hop stands once in each row and once in each column.
    let MixingMatrix::Sparse(matrix) = phase else { return rows_sum_to_one(phase) };
    let ranks = || (0..matrix.size()).map(Rank);
    let mut columns: Vec<Vec<u32>> = ranks().map(|rank| vec![matrix.self_weight(rank)]).collect();
    for (source, weight) in ranks().flat_map(|rank| matrix.in_edges(rank)) {
        columns[source.index()].push(*weight);
    }
    all_one(columns.into_iter(), matrix.weights())
}

/// Whether each line of weights, given by index, sums to 1. Few lines differ, and each kind is added up once.
fn all_one(mut lines: impl Iterator<Item = Vec<u32>>, weights: &[Rational]) -> bool {
    let mut known: HashMap<Vec<u32>, bool> = HashMap::new();
    lines.all(|mut line| {
        line.sort_unstable();
        let sum = |line: &[u32]| line.iter().map(|id| weights[*id as usize].clone()).sum();
        *known.entry(line).or_insert_with_key(|line| is_one(sum(line)))
    })
}

fn is_one(sum: Rational) -> bool {
    (sum - Rational::one()).abs() <= Rational::new(TOLERANCE.0, TOLERANCE.1)
}
