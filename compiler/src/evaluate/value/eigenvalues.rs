//! The distinct eigenvalues of a symmetric matrix, the same on every machine: under a group the character sums
//! Σ w_h cos(2πχ·h), otherwise from dense algebra.
//!
//! A rational eigenvalue of W is a multiple of 1/D, D being the common denominator of the weights: what lies within the
//! rounding error of one with a small denominator is taken to be it. Nothing that is proved rests on that.

use crate::fraction::simple;
use bfc_algebra::reproducible::{Square, root_of_unity};
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

/// Ranks of a table for dense algebra.
pub const MAX_DENSE: u32 = 2048;

/// The largest denominator of an eigenvalue that is recognised from its digits.
const MAX_DENOMINATOR: i64 = 1 << 16;

/// Distance below which numbers are the same eigenvalue.
const SAME: f64 = 1e-11;

/// Distance below which an eigenvalue is a rational number with a small denominator.
const EXACT: f64 = 1e-13;

/// Steps that [`distinct`] takes.
pub fn cost(matrix: &MixingMatrix) -> u64 {
    let size = u64::from(matrix.size());
    match matrix {
        MixingMatrix::Cayley(matrix) => size * (matrix.hops().len() as u64 + 8) / 8,
        MixingMatrix::Sparse(_) => size.pow(3) / 64,
    }
}

/// The distinct eigenvalues, ascending by modulus. The matrix is symmetric; a table has at most [`MAX_DENSE`] ranks.
pub fn distinct(matrix: &MixingMatrix) -> Vec<Rational> {
    let mut values = match matrix {
        MixingMatrix::Cayley(matrix) => character_sums(matrix),
        MixingMatrix::Sparse(_) => dense(matrix).distinct_eigenvalues(),
    };
    values.sort_by(f64::total_cmp);
    let mut clusters: Vec<(f64, f64)> = Vec::new();
    for value in values {
        match clusters.last_mut() {
            Some((_, last)) if value - *last <= SAME => *last = value,
            _ => clusters.push((value, value)),
        }
    }
    let middles: Vec<f64> = clusters.iter().map(|(low, high)| low + (high - low) / 2.0).collect();
    let mut distinct = exact(&middles, matrix);
    distinct.sort_by_key(|value| (value.abs(), value.clone()));
    distinct
}

/// Computed values as exact numbers.
fn exact(values: &[f64], matrix: &MixingMatrix) -> Vec<Rational> {
    let denominator = common_denominator(matrix);
    let scale = values.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    let of = |value: f64| {
        simple(value, EXACT * scale, MAX_DENOMINATOR)
            .filter(|simple| denominator.is_multiple_of(&simple.denominator()))
            .or_else(|| Rational::from_f64(value))
            .unwrap_or_else(Rational::zero)
    };
    let mut exact: Vec<Rational> = values.iter().copied().map(of).collect();
    if let Some(sum) = row_sum(matrix) {
        // The vector of ones belongs to it.
        let distance = |value: f64| (value - sum.to_f64()).abs();
        let nearest = (0..values.len()).min_by(|&a, &b| distance(values[a]).total_cmp(&distance(values[b])));
        nearest.into_iter().for_each(|at| exact[at] = sum.clone());
    }
    exact
}

fn weights(matrix: &MixingMatrix) -> Vec<&Rational> {
    match matrix {
        MixingMatrix::Sparse(matrix) => matrix.weights().iter().collect(),
        MixingMatrix::Cayley(matrix) => {
            [matrix.self_weight()].into_iter().chain(matrix.hops().iter().map(|(_, weight)| weight)).collect()
        }
    }
}

/// The common denominator, or 0, which everything divides, where it is very large.
fn common_denominator(matrix: &MixingMatrix) -> BigInt {
    let mut common = BigInt::one();
    for weight in weights(matrix) {
        common = common.lcm(&weight.denominator());
        if common.bits() > 1 << 12 {
            return BigInt::zero();
        }
    }
    common
}

/// The sum of every row, if it is the same for all.
fn row_sum(matrix: &MixingMatrix) -> Option<Rational> {
    let sum = |rank: u32| {
        let row = matrix.row(Rank(rank));
        row.in_weights.into_iter().map(|(_, weight)| weight).sum::<Rational>() + row.self_weight
    };
    let first = sum(0);
    let others = if let MixingMatrix::Cayley(_) = matrix { 1..1 } else { 1..matrix.size() };
    others.into_iter().all(|rank| sum(rank) == first).then_some(first)
}

/// Σ w_h cos(2πχ·h) for every character χ.
fn character_sums(matrix: &CayleyMatrix) -> Vec<f64> {
    let group = matrix.group();
    let exponent = group.exponent();
    let stretch: Vec<u64> = group.radices().iter().map(|&radix| exponent / u64::from(radix)).collect();
    let hops: Vec<(Vec<u64>, f64)> = matrix
        .hops()
        .iter()
        .map(|(hop, weight)| {
            let digits = group.digits(*hop).into_iter().zip(&stretch);
            (digits.map(|(digit, stretch)| u64::from(digit) * stretch % exponent).collect(), weight.to_f64())
        })
        .collect();
    let own = matrix.self_weight().to_f64();
    let sum = |character: u32| {
        let digits = group.digits(Rank(character));
        let turns = |steps: &[u64]| {
            let parts = digits.iter().zip(steps).map(|(digit, step)| u64::from(*digit) * step % exponent);
            parts.sum::<u64>() % exponent
        };
        hops.iter().fold(own, |sum, (steps, weight)| sum + weight * root_of_unity(turns(steps), exponent).0)
    };
    (0..group.order()).map(sum).collect()
}

fn dense(matrix: &MixingMatrix) -> Square {
    let mut dense = Square::zeros(matrix.size() as usize);
    for rank in 0..matrix.size() {
        let row = matrix.row(Rank(rank));
        *dense.at_mut(rank as usize, rank as usize) = row.self_weight.to_f64();
        for (source, weight) in row.in_weights {
            *dense.at_mut(rank as usize, source.index()) = weight.to_f64();
        }
    }
    dense
}
