//! From one symmetric matrix whose rows sum to 1 to its numbers: from all of its eigenvalues, or from the extreme ones.
//!
//! Iteration finds vectors, whose Rayleigh quotients bound the extreme eigenvalues from inside; an elimination that counts
//! eigenvalues bounds them from outside, and its factors are what the next iteration inverts with (shift and invert).

use super::dense::{Rows, gamma};
use super::elimination::{Elimination, Refusal};
use super::interchangeable::Eigenvalues;
use super::{Enclosure, Spectrum, UNIT};
use bfc_algebra::krylov::leading_vector;
use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::{center, dot};
use bfc_schedule::MixingMatrix;

/// Steps of Lanczos' recurrence for a first guess.
const GUESS: usize = 128;

/// Steps of the inverse iteration, and where their vectors are long.
const INVERSE: usize = 24;
const INVERSE_OF_LONG: usize = 10;

/// A width, absolute or relative to the distance from 1, at which bounds are good enough.
const GOOD: (f64, f64) = (2e-9, 1e-3);

/// Eliminations for one bound.
const TRIES: usize = 30;

/// Ranks above which elimination starts from what no eigenvalue exceeds: whether it fits at all shows at once, and a guess
/// would be far off.
const LARGE: usize = 1 << 12;

/// How far above what no eigenvalue exceeds the first bound is.
const ABOVE: f64 = 1e-13;

/// The numbers of a matrix with these eigenvalues.
pub(crate) fn by_eigenvalues(eigenvalues: &Eigenvalues) -> Spectrum {
    let error = eigenvalues.error;
    let largest = eigenvalues.others().fold(0.0f64, |largest, (value, _)| largest.max(value.abs()));
    let number = Enclosure::around(largest, 3.0 * error).within(0.0, f64::INFINITY);
    let least = eigenvalues.values.first().map_or(1.0, |(value, _)| *value);
    Spectrum::normal(number, Enclosure::around(least, error))
}

/// The numbers of a matrix from its extreme eigenvalues; `None` where elimination fills too much, or does not decide.
pub(crate) fn by_elimination(matrix: &MixingMatrix) -> Option<Spectrum> {
    let rows = Rows::new(matrix);
    let n = rows.len();
    let guesses = (n <= LARGE).then(|| extreme_eigenvalues(n, GUESS, |x| rows.apply(x), center));
    let top = extreme(&rows, 1.0, guesses.map(|(_, greatest)| greatest))?;
    let bottom = extreme(&rows, -1.0, guesses.map(|(least, _)| -least))?;
    Some(Spectrum::normal(top.max(bottom), bottom.negated()))
}

/// The largest eigenvalue of `sign` W besides an eigenvalue 1 of W.
fn extreme(rows: &Rows, sign: f64, guess: Option<f64>) -> Option<Enclosure> {
    let steps = if rows.len() > LARGE { INVERSE_OF_LONG } else { INVERSE };
    let ceiling = rows.norm + ABOVE;
    let guess = guess.filter(|guess| *guess < ceiling);
    let mut found = Enclosure {
        value: guess.unwrap_or(ceiling),
        low: f64::NEG_INFINITY,
        ..Enclosure::around(ceiling, f64::INFINITY)
    };
    let mut bound = guess.map_or(ceiling, |guess| guess + 1e-12 * rows.len() as f64);
    let mut margin = bound - found.value;
    for _ in 0..TRIES {
        let elimination = match Elimination::new(rows, sign, sign * bound, sign > 0.0) {
            Ok(elimination) => elimination,
            // Too near to an eigenvalue, or below one.
            Err(Refusal::Indefinite) if bound < ceiling => {
                margin *= 16.0;
                bound = (found.value + margin).min(ceiling);
                continue;
            }
            Err(_) => return None,
        };
        let width = found.high - found.low;
        found.high = found.high.min(bound + elimination.error);
        let vector = leading_vector(rows.len(), steps, |x| elimination.solve(x), center)?;
        let (value, low) = rayleigh(rows, sign, vector);
        if low > found.low {
            (found.value, found.low) = (value, low);
        }
        let left = found.high - found.low;
        if left <= GOOD.0 && left <= GOOD.1 * (1.0 - found.high).abs() || left > 0.5 * width {
            break;
        }
        margin = (1e-3 * left).max(4.0 * elimination.error);
        bound = (found.value + margin).min(ceiling);
    }
    // Past 1, a single eigenvalue beyond the bound need not be the omitted 1.
    (found.low <= found.high && found.high < 1.0).then(|| found.within(f64::NEG_INFINITY, 1.0))
}

/// xᵀ(±W)x / xᵀx for x less its mean, and what it is at least, all rounding allowed for: no more than the largest
/// eigenvalue.
pub(crate) fn rayleigh(rows: &Rows, sign: f64, mut x: Vec<f64>) -> (f64, f64) {
    center(&mut x);
    let n = x.len() as f64;
    let rounding = gamma(x.len() + rows.width + 8);
    let square = dot(&x, &x);
    let mean = x.iter().sum::<f64>().abs() / n + rounding * (square / n).sqrt();
    // With mean m, |x − m|² = |x|² − n m².
    let off_center = n * mean * mean / square;
    if sign > 0.0 && rows.is_nonnegative() {
        // 1 less a sum without negative terms, accurate however near to 1 this is.
        let gap = 0.5 * rows.differences(&x) / square;
        return (1.0 - gap, (1.0 - gap * (1.0 + 4.0 * rounding) / (1.0 - 1.01 * off_center)).next_down());
    }
    // (x − m)ᵀW(x − m) = xᵀWx − n m², for W symmetric and rows that sum to 1.
    let value = sign * dot(&x, &rows.apply(&x)) / square;
    let off = (2.0 * rounding + UNIT) * (rows.norm + value.abs()) + 2.0 * off_center * (1.0 + value.abs());
    (value, value - 1.01 * off)
}
