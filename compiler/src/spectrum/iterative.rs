//! From phases too large for anything else to estimates of their numbers, without forming a product: Lanczos' recurrence
//! where maps are symmetric, restarted Arnoldi's where not.

use super::dense::Rows;
use super::maps::Maps;
use super::symmetric::rayleigh;
use super::{Enclosure, Known, Source, Spectrum, TABLE_LIMIT, edges};
use bfc_algebra::lanczos::extreme_eigenvectors;
use bfc_algebra::reproducible::center;
use bfc_schedule::MixingMatrix;

/// Operations for one number.
const BUDGET: usize = 1 << 31;

/// The numbers of the phases and of their product.
pub(crate) fn spectrum<'m>(
    phases: &[MixingMatrix],
    known: &Known,
    maps: impl FnOnce() -> Option<&'m Maps>,
) -> Spectrum {
    let unknown = Enclosure::estimate(f64::NAN);
    let entries = edges(phases);
    if let ([phase], true) = (phases, known.symmetric && known.row_stochastic && entries <= TABLE_LIMIT) {
        return of_symmetric(&Rows::new(phase), entries as usize);
    }
    let Some(maps) = maps() else {
        return Spectrum::new(unknown, unknown, unknown, Source::Krylov { residual: None });
    };
    let norm = maps.norm(phases.len() as u64).unwrap_or(f64::NAN);
    let found = maps.dominant();
    let radius = found.values.first().map_or(0.0, |value| value.norm());
    let radius = meaningful(radius, found.residual).min(norm);
    Spectrum::new(
        Enclosure::estimate(norm),
        Enclosure::estimate(radius),
        Enclosure::estimate(f64::NAN),
        Source::Krylov { residual: Some(found.residual) },
    )
}

/// An eigenvalue in as many digits as its residual leaves.
fn meaningful(value: f64, residual: f64) -> f64 {
    let digits = (value / residual).log10();
    if !digits.is_finite() || digits > 15.0 {
        return value;
    }
    let digits = digits.max(0.0) as usize;
    format!("{value:.digits$e}").parse().unwrap_or(value)
}

/// Quotients of Rayleigh bound the extreme eigenvalues from inside.
fn of_symmetric(rows: &Rows, entries: usize) -> Spectrum {
    let n = rows.len();
    let steps = (BUDGET / (4 * entries + 24 * n)).clamp(64, 2 * n);
    let [least, greatest] = extreme_eigenvectors(n, steps, |x| rows.apply(x), center);
    let [below, above] =
        [(-1.0, least), (1.0, greatest)].map(|(sign, vector)| rayleigh(rows, sign, vector).1);
    let rho = Enclosure::at_least(below.max(above), rows.norm);
    Spectrum::normal(rho, Enclosure::at_least(below, rows.norm).negated())
}
