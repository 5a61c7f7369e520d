//! From a topology to how much of the disagreement the worst initial values keep after 1, 2, … steps.
//!
//! That is ‖(1 − J) W⁽ᵏ⁻¹⁾…W⁽⁰⁾ (1 − J)‖₂: powers of one number where the matrix is normal, products of eigenvalues where
//! phases commute, else the norm of a map by Lanczos' recurrence.

use crate::prove::facts::Facts;
use crate::spectrum::dense::Rows;
use crate::spectrum::{Enclosure, Method, Source, TABLE_LIMIT, edges};
use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::center;

/// The error at which the curve ends.
const ENOUGH: f64 = 1e-6;

/// Points, at most.
const POINTS: usize = 64;

/// Steps after which the curve ends in any case.
const LONGEST: u64 = 10_000_000;

/// Entries that norms of maps may read, and steps of their recurrence.
const MAPS: (u64, usize) = (1 << 28, 64);

/// Steps and the part of the disagreement that is left after them at worst, and how far to trust that; `None` where agreement
/// is not kept.
pub(crate) fn curve(facts: &Facts) -> Option<(Vec<(u64, f64)>, Method)> {
    facts.row_stochastic().as_ref().ok()?;
    if facts.size() == 1 {
        return None;
    }
    let contraction = facts.numbers().period_contraction;
    let period = facts.phases.len() as u64;
    let trusted = |number: Enclosure| {
        if number.method == Method::Estimate { Method::Estimate } else { Method::Enclosed }
    };
    match &facts.spectrum().source {
        Source::Normal => Some((powers(vec![], contraction.value, 1), trusted(contraction))),
        Source::Characters { prefixes, .. } => {
            let places = spread(prefixes.len(), POINTS / 2);
            let first = places.into_iter().map(|at| (at as u64, prefixes[at - 1]));
            Some((powers(first.collect(), contraction.value, period), trusted(contraction)))
        }
        _ if edges(facts.phases) > TABLE_LIMIT => None,
        _ => Some((by_maps(facts), Method::Estimate)),
    }
}

/// `count` numbers of 1..=last, evenly spread, the last among them; all where they are no more.
fn spread(last: usize, count: usize) -> Vec<usize> {
    let count = count.min(last);
    (1..=count).map(|k| (k * last).div_ceil(count)).collect()
}

/// Adds the powers of a number, each a whole period, until they are small enough, further and further apart.
fn powers(mut points: Vec<(u64, f64)>, number: f64, period: u64) -> Vec<(u64, f64)> {
    let mut periods = if points.is_empty() { 1 } else { 2 };
    let is_over =
        |points: &[(u64, f64)]| points.last().is_some_and(|(_, error)| *error <= ENOUGH || error.is_nan());
    while !is_over(&points) && points.len() < POINTS && periods * period <= LONGEST {
        points.push((periods * period, number.powf(periods as f64)));
        periods = further(periods);
    }
    points
}

/// 1, 2, 3, 4, 6, 8, 12, 16, …
fn further(steps: u64) -> u64 {
    match steps {
        1 | 2 => steps + 1,
        _ if steps.is_power_of_two() => steps / 2 * 3,
        _ => steps / 3 * 4,
    }
}

/// The norms of the products, never forming them.
fn by_maps(facts: &Facts) -> Vec<(u64, f64)> {
    let rows: Vec<Rows> = facts.phases.iter().map(Rows::new).collect();
    let transposes: Vec<Rows> = rows.iter().map(Rows::transpose).collect();
    let n = facts.size() as usize;
    let entries: usize = rows.iter().flat_map(|phase| &phase.rows).map(Vec::len).sum();
    let per_step = (2 * MAPS.1.min(2 * n) * (entries / rows.len() + n)) as u64;
    let (mut points, mut steps, mut left) = (vec![], 1u64, MAPS.0);
    while points.len() < POINTS && steps <= LONGEST {
        let Some(rest) = left.checked_sub(steps.saturating_mul(per_step)) else { break };
        left = rest;
        let at = |step: u64| (step % rows.len() as u64) as usize;
        let gram = |x: &[f64]| {
            let mut image = (0..steps).fold(x.to_vec(), |x, step| rows[at(step)].apply(&x));
            center(&mut image);
            (0..steps).rev().fold(image, |x, step| transposes[at(step)].apply(&x))
        };
        let norm = extreme_eigenvalues(n, MAPS.1.min(2 * n), gram, center).1.max(0.0).sqrt();
        points.push((steps, norm));
        if norm <= ENOUGH {
            break;
        }
        steps = further(steps);
    }
    points
}
