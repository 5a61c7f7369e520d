//! Products of moderate size, formed as dense matrices with measured errors.

use super::UNIT;
use super::dense::{self, Rows, gamma, positive_definite};
use super::ladder::Ladder;
use bfc_algebra::lanczos::{greatest_eigenpair, greatest_eigenvalue};
use bfc_algebra::reproducible::{center, dot};
use bfc_algebra::{Mat, apply, multiply};
use bfc_schedule::MixingMatrix;
use std::ops::Range;

/// Steps of the recurrence that finds a norm, at most.
const STEPS: usize = 128;

/// Phases that are multiplied.
pub(crate) struct Formed {
    pub(crate) rows: Vec<Rows>,
    row_stochastic: bool,
}

/// A matrix, and a bound on its error in the Frobenius norm.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) matrix: Mat<f64>,
    pub(crate) error: f64,
}

impl Formed {
    pub(crate) fn new(phases: &[MixingMatrix], row_stochastic: bool) -> Self {
        Self { rows: phases.iter().map(Rows::new).collect(), row_stochastic }
    }

    /// P − J. Where rows sum to 1, P − J = P (1 − J): no digits cancel.
    pub(crate) fn period_less_average(&self) -> Measured {
        if self.row_stochastic {
            return self.extended(&self.start(), 0..self.rows.len());
        }
        let n = self.rows[0].len();
        let (product, error) = dense::product(&self.rows, Mat::identity(n, n), 0.0);
        let mean = 1.0 / n as f64;
        let error = error + 4.0 * UNIT * (product.norm_l2() + 1.0);
        Measured { matrix: Mat::from_fn(n, n, |i, j| product[(i, j)] - mean), error }
    }

    /// The product of the first `steps` phases, one after the other.
    pub(crate) fn after(&self, steps: u64) -> Measured {
        let period = self.rows.len();
        let whole = (0..steps / period as u64).fold(self.start(), |done, _| self.extended(&done, 0..period));
        self.extended(&whole, 0..(steps % period as u64) as usize)
    }
}

impl Ladder for Formed {
    type Product = Measured;

    fn period(&self) -> u64 {
        self.rows.len() as u64
    }

    fn start(&self) -> Measured {
        let (matrix, error) = dense::disagreement(self.rows[0].len());
        Measured { matrix, error }
    }

    fn extended(&self, done: &Measured, phases: Range<usize>) -> Measured {
        let (matrix, error) = dense::product(&self.rows[phases], done.matrix.clone(), done.error);
        Measured { matrix, error }
    }

    fn joined(&self, done: &Measured, then: &Measured) -> Measured {
        let matrix = multiply(then.matrix.as_ref(), done.matrix.as_ref());
        let [a, b] = [then, done].map(|factor| factor.matrix.norm_l2() * (1.0 + 1e-12));
        // A norm that is at most 1 after all errors is a better bound than Frobenius'.
        let [long, short] = [(then, a), (done, b)].map(|(factor, norm)| norm.min(1.0 + factor.error));
        let rounding = gamma(matrix.nrows() + 1) * a * b;
        let error =
            (long * done.error + short * then.error + then.error * done.error + rounding) * (1.0 + 1e-12);
        Measured { matrix, error }
    }

    /// From ‖A‖_F where that decides.
    fn is_below(&self, product: &Measured, epsilon: f64) -> bool {
        let n = product.matrix.nrows();
        let frobenius = product.matrix.norm_l2();
        if frobenius <= epsilon {
            return true;
        }
        if frobenius > epsilon * (n as f64).sqrt() {
            return false;
        }
        let square = greatest_eigenvalue(n, STEPS, 1e-13, |x| product.gram(x), center);
        square.max(0.0).sqrt() <= epsilon
    }

    /// A vector that the product leaves longer than ε shows that the norm is; a Cholesky factorization of ε² − AᵀA that it is
    /// not.
    fn certainly(&self, product: &Measured, epsilon: f64) -> Option<bool> {
        let (n, error) = (product.matrix.nrows(), product.error * (1.0 + 1e-12));
        let frobenius = product.matrix.norm_l2() * (1.0 + 1e-12);
        if frobenius + error <= epsilon {
            return Some(true);
        }
        let (_, vector) = greatest_eigenpair(n, STEPS, |x| product.gram(x), center);
        let [length, image] = [&vector, &apply(product.matrix.as_ref(), &vector)].map(|x| dot(x, x).sqrt());
        let rounding = gamma(n + 8) * (frobenius + image / length);
        if image / length - rounding - error > epsilon {
            return Some(false);
        }
        let square = (epsilon - error).powi(2) * (1.0 - 1e-12) - gamma(n + 1) * frobenius * frobenius;
        let mut room = multiply(product.matrix.transpose(), product.matrix.as_ref());
        for j in 0..n {
            room.col_as_slice_mut(j).iter_mut().for_each(|x| *x = -*x);
            room[(j, j)] += square;
        }
        (error < epsilon && positive_definite(room).is_some()).then_some(true)
    }
}

impl Measured {
    fn gram(&self, x: &[f64]) -> Vec<f64> {
        apply(self.matrix.transpose(), &apply(self.matrix.as_ref(), x))
    }
}
