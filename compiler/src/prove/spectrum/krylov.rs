//! Estimates for matrices too large for dense algebra: Lanczos and Arnoldi with full orthogonalization, from a fixed
//! start.

use bfc_algebra::Mat;
use bfc_schedule::random;

/// Dimension of the Krylov space.
const DIMENSION: usize = 80;

/// Numbers that its basis may hold.
const BASIS: usize = 1 << 25;

/// A linear map on vectors whose entries sum to 0.
pub(super) type Map<'a> = &'a dyn Fn(&[f64]) -> Vec<f64>;

/// Ritz values (modulus, real part) of a map on the disagreement space of n ranks.
pub(super) fn ritz_values(n: usize, map: Map) -> Vec<(f64, f64)> {
    let hessenberg = arnoldi(n, map);
    match bfc_algebra::eigenvalues(&hessenberg) {
        Some(values) => values.into_iter().map(|value| (value.re.hypot(value.im), value.re)).collect(),
        None => vec![],
    }
}

/// The Hessenberg matrix of a map on its Krylov space.
fn arnoldi(n: usize, map: Map) -> Mat<f64> {
    let mut basis = vec![start(n)];
    let mut columns: Vec<Vec<f64>> = vec![];
    let mut scale = 0.0f64;
    let dimension = DIMENSION.min(n.saturating_sub(1)).min((BASIS / n).max(12));
    while basis.len() <= dimension {
        let mut next = map(basis.last().expect("never empty"));
        center(&mut next);
        let mut coefficients = vec![0.0; basis.len()];
        for _ in 0..2 {
            for (vector, coefficient) in basis.iter().zip(&mut coefficients) {
                let along = dot(vector, &next);
                *coefficient += along;
                next.iter_mut().zip(vector).for_each(|(x, v)| *x -= along * v);
            }
        }
        let norm = dot(&next, &next).sqrt();
        coefficients.push(norm);
        scale = coefficients.iter().fold(scale, |scale, c| scale.max(c.abs()));
        columns.push(coefficients);
        if norm <= 1e-14 * scale {
            break;
        }
        next.iter_mut().for_each(|x| *x /= norm);
        basis.push(next);
    }
    let m = columns.len();
    Mat::from_fn(m, m, |i, j| columns[j].get(i).copied().unwrap_or(0.0))
}

fn start(n: usize) -> Vec<f64> {
    // Any fixed start with a part along every eigenvector.
    let mut vector: Vec<f64> = (0..n as u64).map(|key| random::unit(0, key) - 0.5).collect();
    center(&mut vector);
    let norm = dot(&vector, &vector).sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    vector
}

/// Takes the mean away.
pub(super) fn center(vector: &mut [f64]) {
    let mean = vector.iter().sum::<f64>() / vector.len() as f64;
    vector.iter_mut().for_each(|x| *x -= mean);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}
