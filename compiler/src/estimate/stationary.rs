//! From averaging that is not doubly stochastic to the weights of its limit: where rows sum to 1 values converge to Σ π_i x_i
//! with π = π P, where columns do the sum ends up in parts p = P p.
//!
//! By powers, or where these are slow by elimination without subtraction (Grassmann, Taksar, Heyman, 1985).

use crate::prove::facts::Facts;
use crate::spectrum::dense;
use crate::spectrum::dense::Rows;
use crate::spectrum::support::Orientation;
use bfc_algebra::Mat;
use serde::Serialize;

/// Ranks above which the weights are not computed.
const LIMIT: u32 = 1 << 16;

/// Periods of the power iteration, and entries that they may read.
const POWERS: (u64, u64) = (2000, 1 << 30);

/// Ranks for elimination.
const ELIMINATION: usize = 512;

/// What repeated averaging converges to; estimated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stationary {
    /// The rank with the least weight, and that weight; the first of several.
    pub least: (u32, f64),
    /// The same for the greatest weight.
    pub greatest: (u32, f64),
    /// By how much the weights change in a period, at most.
    pub residual: f64,
    /// The weight of every rank; they sum to 1.
    pub weights: Vec<f64>,
}

/// The weights of the limit, where it is not the average and there is one.
pub(crate) fn stationary(facts: &Facts) -> Option<Stationary> {
    let orientation = match (facts.row_stochastic(), facts.column_stochastic()) {
        (Ok(()), Err(_)) => Orientation::Rows,
        (Err(_), Ok(())) => Orientation::Columns,
        _ => return None,
    };
    if facts.size() > LIMIT || !facts.contracting().holds() {
        return None;
    }
    let period: Vec<Rows> = match orientation {
        Orientation::Rows => facts.phases.iter().rev().map(|phase| Rows::new(phase).transpose()).collect(),
        Orientation::Columns => facts.phases.iter().map(Rows::new).collect(),
    };
    let advance =
        |weights: &[f64]| period.iter().fold(weights.to_vec(), |weights, phase| phase.apply(&weights));
    let (mut weights, mut residual) = by_powers(&period, advance);
    if residual > 1e-13 && weights.len() <= ELIMINATION && facts.nonnegative().is_ok() {
        weights = by_elimination(&period, &weights)?;
        residual = distance(&advance(&weights), &weights);
    }
    if residual > 1e-9 {
        return None;
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    let ranked = || (0..).zip(weights.iter().copied());
    let least = ranked().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let greatest = ranked().reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    Some(Stationary { least, greatest, residual, weights })
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Weights, and by how much the last period changed them.
fn by_powers(period: &[Rows], advance: impl Fn(&[f64]) -> Vec<f64>) -> (Vec<f64>, f64) {
    let n = period[0].len();
    let entries: usize = period.iter().map(Rows::work).sum();
    let most = POWERS.0.min(POWERS.1 / entries.max(1) as u64).max(1);
    let mut weights = vec![1.0 / n as f64; n];
    let mut change = f64::INFINITY;
    for _ in 0..most {
        let next = advance(&weights);
        change = distance(&next, &weights);
        weights = next;
        if change < 1e-15 {
            break;
        }
    }
    (weights, change)
}

/// The stationary weights of the chain whose steps are the periods; `near` is a rank that the chain returns to.
fn by_elimination(period: &[Rows], near: &[f64]) -> Option<Vec<f64>> {
    let n = near.len();
    let (columns, _) = dense::product(period, Mat::identity(n, n), 0.0);
    let root = (0..n).max_by(|a, b| near[*a].total_cmp(&near[*b]))?;
    let place = |k: usize| if k == 0 { root } else { k - usize::from(k <= root) };
    // Row-stochastic: the transpose of what moves weights.
    let mut chain = Mat::from_fn(n, n, |i, j| columns[(place(j), place(i))]);
    for k in (1..n).rev() {
        let leaving: f64 = (0..k).map(|j| chain[(k, j)]).sum();
        if leaving <= 0.0 {
            return None;
        }
        (0..k).for_each(|i| chain[(i, k)] /= leaving);
        for j in 0..k {
            let onward = chain[(k, j)];
            (0..k).for_each(|i| chain[(i, j)] += chain[(i, k)] * onward);
        }
    }
    let mut weights = vec![0.0; n];
    weights[root] = 1.0;
    for k in 1..n {
        weights[place(k)] = (0..k).map(|i| weights[place(i)] * chain[(i, k)]).sum();
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    Some(weights)
}

/// What repeated averaging converges to where only rows sum to 1, in words.
pub(crate) fn limit(facts: &Facts) -> &'static str {
    match facts.contracting().holds() {
        true => "values converge to a weighted average, not the average",
        false => "agreement is kept, but values need not converge to one",
    }
}
