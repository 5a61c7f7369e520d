//! From phases of moderate size to the numbers of their product, formed as a dense matrix with measured errors.

use super::dense;
use super::dense::Rows;
use super::properties;
use super::{Enclosure, Known, Source, Spectrum, UNIT};
use bfc_schedule::MixingMatrix;

/// The numbers of the product; `None` where a factorization does not converge.
pub(crate) fn by_product(phases: &[MixingMatrix], known: &Known) -> Option<Spectrum> {
    let rows: Vec<Rows> = phases.iter().map(Rows::new).collect();
    let (product, error) = product_minus_average(&rows, known.row_stochastic);
    let (norm, norm_error) = dense::norm(&product, error)?;
    let contraction = Enclosure::around(norm, norm_error).within(0.0, f64::INFINITY);
    let normal = phases.len() == 1 && properties::normal(&phases[0]) == Some(true);
    let radius = if normal && known.row_stochastic {
        contraction
    } else {
        let values = dense::eigenvalues(&product)?;
        let largest = values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max);
        Enclosure::estimate(largest.min(contraction.high))
    };
    let lambda_min = Enclosure::estimate(least_eigenvalue(&rows[0])?);
    let source = if normal && known.averaging() { Source::Normal } else { Source::Dense };
    Some(Spectrum::new(contraction, radius, lambda_min, source))
}

/// P − J and a bound on its error. Where rows sum to 1, P − J = P (1 − J): no digits cancel.
fn product_minus_average(rows: &[Rows], row_stochastic: bool) -> (bfc_algebra::Mat<f64>, f64) {
    let n = rows[0].rows.len();
    if row_stochastic {
        let (start, error) = dense::disagreement(n);
        return dense::product(rows, start, error);
    }
    let (product, error) = dense::product(rows, bfc_algebra::Mat::identity(n, n), 0.0);
    let mean = 1.0 / n as f64;
    let error = error + 4.0 * UNIT * (product.norm_l2() + 1.0);
    (bfc_algebra::Mat::from_fn(n, n, |i, j| product[(i, j)] - mean), error)
}

fn least_eigenvalue(rows: &Rows) -> Option<f64> {
    let values = dense::eigenvalues(&rows.dense())?;
    values.iter().map(|value| value.re).min_by(f64::total_cmp)
}
