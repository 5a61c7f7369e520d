//! From one symmetric matrix whose rows sum to 1 to its numbers: from all of its eigenvalues, or from the extreme ones.
//!
//! Iteration finds vectors, whose Rayleigh quotients bound the extreme eigenvalues from inside; an elimination that counts
//! eigenvalues bounds them from outside, and its factors are what the next iteration inverts with (shift and invert).

use super::dense::{Rows, gamma};
use super::elimination::{Elimination, Refusal};
use super::interchangeable::Eigenvalues;
use super::noise::Noise;
use super::{Enclosure, Spectrum, UNIT};
use bfc_algebra::krylov::leading_vector;
use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::{center, dot};
use bfc_schedule::MixingMatrix;

/// Steps of Lanczos' recurrence for a first guess.
const GUESS: usize = 128;

/// Steps of the inverse iteration.
const INVERSE: usize = 24;

/// A width, absolute or relative to the distance from 1, at which bounds are good enough.
const GOOD: (f64, f64) = (2e-9, 1e-3);

/// Eliminations for one bound.
const TRIES: usize = 30;

/// Ranks above which it is tried first whether elimination fits at all.
const LARGE: usize = 1 << 12;

/// The numbers of a matrix of `size` ranks with these eigenvalues.
pub(crate) fn by_eigenvalues(eigenvalues: &Eigenvalues, size: u32) -> Spectrum {
    let error = eigenvalues.error;
    let mut noise = Noise::default();
    eigenvalues.others().for_each(|(value, count)| noise.add(value * value, f64::from(count)));
    let number = Enclosure::around(noise.largest.sqrt(), 3.0 * error).within(0.0, f64::INFINITY);
    let least = eigenvalues.values.first().map_or(1.0, |(value, _)| *value);
    let mut spectrum = Spectrum::normal(number, Enclosure::around(least, error));
    spectrum.numbers.effective_neighbours = noise.effective_neighbours(size, 3.0 * error);
    spectrum
}

/// The numbers of a matrix from its extreme eigenvalues; `None` where elimination fills too much, or does not decide.
pub(crate) fn by_elimination(matrix: &MixingMatrix) -> Option<Spectrum> {
    let rows = Rows::new(matrix);
    let n = rows.rows.len();
    if n > LARGE {
        Elimination::new(&rows, 1.0, 2.0, false).ok()?;
    }
    let (least, greatest) = extreme_eigenvalues(n, GUESS, |x| rows.apply(x), center);
    let top = extreme(&rows, 1.0, greatest)?;
    let bottom = extreme(&rows, -1.0, -least)?;
    let lambda_min = Enclosure { value: -bottom.value, low: -bottom.high, high: -bottom.low, ..bottom };
    Some(Spectrum::normal(top.max(bottom), lambda_min))
}

/// The largest eigenvalue of `sign` W besides an eigenvalue 1 of W, from a guess.
fn extreme(rows: &Rows, sign: f64, guess: f64) -> Option<Enclosure> {
    let mut found =
        Enclosure { value: guess, low: f64::NEG_INFINITY, ..Enclosure::around(guess, f64::INFINITY) };
    let (mut inside, mut margin) = (guess, 1e-12 * rows.rows.len() as f64);
    for _ in 0..TRIES {
        let bound = inside + margin;
        let elimination = match Elimination::new(rows, sign, sign * bound, sign > 0.0) {
            Ok(elimination) => elimination,
            Err(Refusal::Indefinite) if margin < 1.0 => {
                margin *= 16.0;
                continue;
            }
            Err(_) => return None,
        };
        let width = found.high - found.low;
        found.high = found.high.min(bound + elimination.error);
        let vector = leading_vector(rows.rows.len(), INVERSE, |x| elimination.solve(x), center)?;
        let (value, error) = rayleigh(rows, sign, vector);
        if value - error > found.low {
            (found.value, found.low) = (value, value - error);
        }
        let left = found.high - found.low;
        if left <= GOOD.0 && left <= GOOD.1 * (1.0 - found.high).abs() || left > 0.5 * width {
            break;
        }
        inside = found.value;
        margin = (1e-3 * left).max(4.0 * elimination.error);
    }
    // Past 1, one eigenvalue beyond the bound need not be the 1 that is left out.
    (found.low <= found.high && found.high < 1.0).then(|| found.within(f64::NEG_INFINITY, 1.0))
}

/// xᵀ(±W)x / xᵀx for x less its mean, and a bound on its error.
///
/// With mean m, (x − m)ᵀW(x − m) = xᵀWx − n m² and |x − m|² = |x|² − n m², for W symmetric and rows that sum to 1.
fn rayleigh(rows: &Rows, sign: f64, mut x: Vec<f64>) -> (f64, f64) {
    center(&mut x);
    let n = x.len() as f64;
    let rounding = gamma(x.len() + rows.width + 8);
    let square = dot(&x, &x);
    let mean = x.iter().sum::<f64>().abs() / n + rounding * (square / n).sqrt();
    let value = sign * dot(&x, &rows.apply(&x)) / square;
    let off = (2.0 * rounding + UNIT) * (rows.norm + value.abs())
        + 2.0 * n * mean * mean / square * (1.0 + value.abs());
    (value, 1.01 * off)
}
