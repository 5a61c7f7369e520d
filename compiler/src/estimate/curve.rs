//! From a topology to how much of the disagreement the worst initial values keep after 1, 2, … steps.
//!
//! That is ‖(1 − J) W⁽ᵏ⁻¹⁾…W⁽⁰⁾ (1 − J)‖₂: powers of one number where the matrix is normal, products of eigenvalues where
//! phases commute or permute characters, else the norm of a map by Lanczos' recurrence.

use crate::prove::facts::Facts;
use crate::spectrum::exact::ExactAfter;
use crate::spectrum::{Method, Source};

/// The errors at which the curve ends: ranks agree, or drift apart.
const ENOUGH: f64 = 1e-6;
const TOO_MUCH: f64 = 1e6;

/// Points, at most.
const POINTS: usize = 64;

/// Steps after which the curve ends in any case.
const LONGEST: u64 = 10_000_000;

/// Steps and the part of the disagreement that is left after them at worst, and how far to trust that; `None` where agreement
/// is not kept.
pub(crate) fn curve(facts: &Facts) -> Option<(Vec<(u64, f64)>, Method)> {
    facts.row_stochastic().as_ref().ok()?;
    if facts.size() == 1 {
        return None;
    }
    let contraction = facts.numbers().period_contraction;
    let period = facts.phases.len() as u64;
    let is_enclosed = matches!(contraction.method, Method::Exact | Method::Enclosed);
    let trusted = if is_enclosed { Method::Enclosed } else { contraction.method };
    let power = |periods: u64| Some(contraction.value.powf(periods as f64));
    match &facts.spectrum().source {
        Source::Normal => Some((points(facts, power), trusted)),
        Source::Characters { prefixes, .. } | Source::Fourier { prefixes, .. } => {
            let places = spread(prefixes.len(), POINTS / 2);
            let first = places.into_iter().map(|at| (at as u64, prefixes[at - 1]));
            let later = std::iter::successors(Some(2), |periods| Some(further(*periods)))
                .map(|periods| (periods * period, power(periods)));
            Some((until_over(facts, first.map(|(steps, error)| (steps, Some(error))).chain(later)), trusted))
        }
        Source::Permuted(powers) => {
            let error = |steps| Some(powers.ladder.norm(&powers.after(steps)).value);
            Some((points(facts, error), Method::Enclosed))
        }
        Source::Dense(_) | Source::Krylov { .. } => {
            let maps = facts.maps()?;
            maps.allow_a_curve();
            Some((points(facts, |steps| maps.disagreement(steps)), Method::Estimate))
        }
    }
}

/// `count` numbers of 1..=last, evenly spread and including the last; all of them if there are fewer.
fn spread(last: usize, count: usize) -> Vec<usize> {
    let count = count.min(last);
    (1..=count).map(|k| (k * last).div_ceil(count)).collect()
}

/// The errors after 1, 2, 3, 4, 6, … steps.
fn points(facts: &Facts, error: impl Fn(u64) -> Option<f64>) -> Vec<(u64, f64)> {
    let steps = std::iter::successors(Some(1), |steps| Some(further(*steps)));
    until_over(facts, steps.map(|steps| (steps, error(steps))))
}

/// The points up to the first that is small enough, too large or not known.
fn until_over(facts: &Facts, points: impl Iterator<Item = (u64, Option<f64>)>) -> Vec<(u64, f64)> {
    let exact_from = match facts.exact_after() {
        ExactAfter::Steps(steps) => steps,
        _ => u64::MAX,
    };
    let most = if facts.known().averaging() { 1.0 } else { f64::INFINITY };
    let mut shown = vec![];
    for (steps, error) in points.take(POINTS).take_while(|(steps, _)| *steps <= LONGEST) {
        // Where rows sum to 1, what agrees exactly stays so.
        let error = if steps >= exact_from { Some(0.0) } else { error };
        let Some(error) = error.filter(|error| error.is_finite()).map(|error| error.min(most)) else { break };
        shown.push((steps, error));
        if error <= ENOUGH || error >= TOO_MUCH {
            break;
        }
    }
    shown
}

/// 1, 2, 3, 4, 6, 8, 12, 16, …
fn further(steps: u64) -> u64 {
    match steps {
        1 | 2 => steps + 1,
        _ if steps.is_power_of_two() => steps / 2 * 3,
        _ => steps / 3 * 4,
    }
}
