//! From phases too large for anything else to estimates of their numbers, without forming a product: Lanczos' recurrence
//! where maps are symmetric, restarted Arnoldi's where not.

use super::dense::Rows;
use super::{Enclosure, Known, Source, Spectrum, TABLE_LIMIT, edges};
use bfc_algebra::krylov::dominant;
use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::center;
use bfc_schedule::MixingMatrix;

/// Operations for one number.
const BUDGET: usize = 1 << 32;

/// Applications of the period that look for its dominant eigenvalue, at most.
const RESTARTED: usize = 4000;

/// The numbers of the phases and of their product.
pub(crate) fn spectrum(phases: &[MixingMatrix], known: &Known) -> Spectrum {
    let unknown = Enclosure::estimate(f64::NAN);
    let entries = edges(phases);
    if entries > TABLE_LIMIT {
        return Spectrum::new(unknown, unknown, unknown, Source::Krylov { residual: None });
    }
    let n = phases[0].size() as usize;
    let rows: Vec<Rows> = phases.iter().map(Rows::new).collect();
    let steps = |maps: usize| (BUDGET / (2 * maps * entries as usize + 12 * n)).clamp(64, 2 * n);
    if let ([rows], true) = (&rows[..], known.symmetric && known.row_stochastic) {
        let (least, greatest) = extreme_eigenvalues(n, steps(1), |x| rows.apply(x), center);
        let rho = Enclosure::estimate(least.abs().max(greatest.abs()));
        return Spectrum::normal(rho, Enclosure::estimate(least.min(1.0)));
    }
    let forward = |x: &[f64]| {
        rows.iter().fold(x.to_vec(), |x, phase| {
            let mut next = phase.apply(&x);
            center(&mut next);
            next
        })
    };
    let transposes: Vec<Rows> = rows.iter().map(Rows::transpose).collect();
    let gram = |x: &[f64]| transposes.iter().rev().fold(forward(x), |x, phase| phase.apply(&x));
    let norm = extreme_eigenvalues(n, steps(2), gram, center).1.max(0.0).sqrt();
    let found = dominant(n, steps(1).min(RESTARTED), forward, center);
    let radius = found.values.first().map_or(0.0, |value| value.norm()).min(norm);
    let least = found.values.iter().map(|value| value.re).fold(1.0, f64::min);
    Spectrum::new(
        Enclosure::estimate(norm),
        Enclosure::estimate(radius),
        Enclosure::estimate(least),
        Source::Krylov { residual: Some(found.residual) },
    )
}
