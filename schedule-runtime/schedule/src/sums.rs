//! Which sums of a topology's matrices must survive when weights are rounded to the element type.
//!
//! The self weight takes up what the other weights lose. Where rows sum to 1, it keeps the sum of its row, and equal
//! values stay equal. Where only columns do (push-sum), it keeps that of its column, and the sum over all ranks stays:
//! with the row's remainder every step would add the same bias to it.

use crate::{MixingMatrix, Rank, Rational};

/// Sums of weights from files and optimisers are 1 within one over this.
const TOLERANCE: u32 = 1_000_000_000;

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

/// Whether each line of weights, given by index, sums to 1. Floating-point numbers decide all sums that are not at the very
/// edge of the tolerance: exact sums of a million different fractions take seconds.
fn all_one(mut lines: impl Iterator<Item = Vec<u32>>, weights: &[Rational]) -> bool {
    let values: Vec<f64> = weights.iter().map(Rational::to_f64).collect();
    lines.all(|line| {
        let terms = || line.iter().map(|id| values[*id as usize]);
        let miss = (terms().sum::<f64>() - 1.0).abs();
        let rounding = (line.len() + 1) as f64 * f64::EPSILON * (terms().map(f64::abs).sum::<f64>() + 1.0);
        let beyond = miss - 1.0 / f64::from(TOLERANCE);
        match beyond.abs() > rounding {
            true => beyond < 0.0,
            false => is_one(line.iter().map(|id| weights[*id as usize].clone()).sum()),
        }
    })
}

fn is_one(sum: Rational) -> bool {
    (sum - Rational::one()).abs() <= Rational::new(1, TOLERANCE)
}
