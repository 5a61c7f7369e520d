//! From an estimate of the largest eigenvalue of a symmetric map to an upper bound on it.

use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::{Square, center};
use bfc_algebra::{Cholesky, Mat};

/// Ranks up to which all eigenvalues are computed.
const DENSE: usize = 512;

/// Ranks up to which a bound is proved.
const PROVED: usize = 2048;

/// Operations for the extreme eigenvalues of larger maps.
const KRYLOV: usize = 1 << 32;

/// A symmetric map on n numbers that takes 1 to a multiple of 1.
pub(super) struct Map<F> {
    /// n.
    pub size: usize,
    /// Operations that it takes.
    pub cost: usize,
    /// The map.
    pub image: F,
}

impl<F: Fn(&[f64]) -> Vec<f64>> Map<F> {
    /// Estimates of the least and the greatest eigenvalue on the vectors that sum to 0.
    pub(super) fn extremes(&self) -> (f64, f64) {
        let n = self.size;
        if n > DENSE {
            return extreme_eigenvalues(n, self.steps(), &self.image, center);
        }
        // What belongs to 1 is put above all others.
        let mut rows = self.rows();
        let above = 2.0 * largest_row(&rows) + 1.0;
        rows.add(above / n as f64, &Square::from_fn(n, |_, _| 1.0));
        let found = rows.eigenvalues(&[0, n.saturating_sub(2)]);
        (found[0], found[1])
    }

    /// Steps of Lanczos' recurrence.
    pub(super) fn steps(&self) -> usize {
        (KRYLOV / (self.cost + 12 * self.size)).clamp(64, 2 * self.size.max(32))
    }

    /// The matrix of the map, less what it does along 1.
    fn rows(&self) -> Square {
        let n = self.size;
        let mut rows = Square::zeros(n);
        for j in 0..n {
            let mut unit = vec![0.0; n];
            unit[j] = 1.0;
            center(&mut unit);
            (0..n).zip((self.image)(&unit)).for_each(|(i, x)| *rows.at_mut(i, j) = x);
        }
        rows
    }

    /// An upper bound on the greatest eigenvalue, or where both ends matter on all moduli, on the vectors that sum to 0: the
    /// first above an estimate for which bound ± map pass the test of Rump (Verification of positive definiteness, 2006),
    /// Cholesky's factorization after a shift that exceeds all rounding errors. `None` where that is too much work.
    pub(super) fn upper_bound(&self, estimate: f64, both_ends: bool) -> Option<f64> {
        let n = self.size;
        if n > PROVED {
            return None;
        }
        let rows = self.rows();
        let scale = largest_row(&rows).max(1.0);
        let rounding = 16.0 * (n + 8) as f64 * f64::EPSILON * n as f64 * (scale + estimate.abs());
        // What belongs to 1 is put below all bounds.
        let along = 2.0 * (scale + estimate.abs()) / n as f64;
        let passes = |bound: f64, sign: f64| {
            Cholesky::new(&Mat::from_fn(n, n, |i, j| {
                let shift = if i == j { bound - rounding } else { 0.0 };
                shift + along - sign * 0.5 * (rows.row(i)[j] + rows.row(j)[i])
            }))
            .is_some()
        };
        let tried = std::iter::successors(Some(2.0 * rounding), |margin| Some(4.0 * margin));
        let mut bounds = tried.take_while(|margin| *margin < scale + 1.0).map(|margin| estimate + margin);
        bounds.find(|bound| passes(*bound, 1.0) && (!both_ends || passes(*bound, -1.0)))
    }
}

/// The largest sum of moduli of a row, which no eigenvalue exceeds.
fn largest_row(rows: &Square) -> f64 {
    (0..rows.size()).map(|i| rows.row(i).iter().map(|x| x.abs()).sum()).fold(0.0, f64::max)
}
