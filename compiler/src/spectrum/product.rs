//! From phases of moderate size to the numbers of their product, formed as a dense matrix with measured errors.

use super::dense::{self, Rows};
use super::formed::Formed;
use super::ladder::Powers;
use super::properties;
use super::{Enclosure, Known, Source, Spectrum};
use bfc_schedule::MixingMatrix;

/// The numbers of the product; `None` where a factorization does not converge.
pub(crate) fn by_product(phases: &[MixingMatrix], known: &Known) -> Option<Spectrum> {
    let formed = Formed::new(phases, known.row_stochastic);
    let product = formed.period_less_average();
    let (norm, norm_error) = dense::norm(&product.matrix, product.error)?;
    let contraction = Enclosure::around(norm, norm_error).within(0.0, f64::INFINITY);
    let normal = phases.len() == 1 && properties::normal(&phases[0]) == Some(true);
    let radius = if normal && known.row_stochastic {
        contraction
    } else {
        let values = dense::eigenvalues(&product.matrix)?;
        let largest = values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max);
        Enclosure::estimate(largest.min(contraction.high))
    };
    let lambda_min = Enclosure::estimate(least_eigenvalue(&formed.rows[0])?);
    let source = match normal && known.averaging() {
        true => Source::Normal,
        false => Source::Dense(Powers::new(formed)),
    };
    Some(Spectrum::new(contraction, radius, lambda_min, source))
}

fn least_eigenvalue(rows: &Rows) -> Option<f64> {
    let values = dense::eigenvalues(&rows.dense())?;
    values.iter().map(|value| value.re).min_by(f64::total_cmp)
}
