//! Dense factorizations and products in `f64`. Nothing here bounds an error: whoever proves something measures residuals.
//!
//! A crate of its own because the generic code beneath takes a minute to compile, and what stands on it changes often.

mod descent;
pub mod krylov;
pub mod lanczos;
pub mod lowrank;
pub mod reproducible;
pub mod semidefinite;
mod tridiagonal;

pub use faer::{Mat, c64};

use faer::linalg::solvers::{Llt, Solve};
use faer::{ColRef, MatRef, Side};

/// Eigenvalues, ascending, and the matrix of eigenvectors of a symmetric matrix, of which the lower half is read;
/// `None` if the iteration does not converge.
pub fn symmetric_eigen(matrix: &Mat<f64>) -> Option<(Vec<f64>, Mat<f64>)> {
    let eigen = matrix.self_adjoint_eigen(Side::Lower).ok()?;
    Some((eigen.S().column_vector().iter().copied().collect(), eigen.U().to_owned()))
}

/// (U, S, V) with matrix ≈ U diag(S) Vᵀ; `None` if the iteration does not converge.
pub fn singular_values(matrix: &Mat<f64>) -> Option<(Mat<f64>, Vec<f64>, Mat<f64>)> {
    let svd = matrix.svd().ok()?;
    Some((svd.U().to_owned(), svd.S().column_vector().iter().copied().collect(), svd.V().to_owned()))
}

/// The eigenvalues of any real matrix; `None` if the iteration does not converge.
pub fn eigenvalues(matrix: &Mat<f64>) -> Option<Vec<c64>> {
    matrix.eigenvalues().ok()
}

/// The eigenvalues of a complex matrix; `None` if the iteration does not converge.
pub fn complex_eigenvalues(matrix: &Mat<c64>) -> Option<Vec<c64>> {
    matrix.eigenvalues().ok()
}

/// Eigenvalues and the matrix of eigenvectors of any real matrix; `None` if the iteration does not converge.
pub fn eigen(matrix: &Mat<f64>) -> Option<(Vec<c64>, Mat<c64>)> {
    let eigen = matrix.eigen().ok()?;
    Some((eigen.S().column_vector().iter().copied().collect(), eigen.U().to_owned()))
}

/// A Cholesky factorization L Lᵀ.
pub struct Cholesky(Llt<f64>);

impl Cholesky {
    /// That of a symmetric matrix, of which the lower half is read; `None` where it does not run to its end.
    pub fn new(matrix: &Mat<f64>) -> Option<Self> {
        matrix.llt(Side::Lower).ok().map(Self)
    }

    /// (L Lᵀ)⁻¹ b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        self.0.solve(ColRef::from_slice(b)).iter().copied().collect()
    }
}

/// A B.
pub fn multiply(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    a * b
}

/// A x.
pub fn apply(a: MatRef<'_, f64>, x: &[f64]) -> Vec<f64> {
    (a * ColRef::from_slice(x)).iter().copied().collect()
}
