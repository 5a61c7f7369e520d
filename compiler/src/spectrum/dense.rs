//! From matrices of moderate size to enclosed eigenvalues and norms, by dense factorizations whose residuals are
//! measured.
//!
//! A factorization is only a guess: what is proved follows from its residual and from how far its bases are from
//! orthogonal, both computed here with bounds on the rounding. γ_k = k u / (1 − k u), u = 2⁻⁵³ (Higham, Accuracy and
//! Stability of Numerical Algorithms, 2002, section 3.1); γ is doubled for the rounding of the bounds themselves.

use super::UNIT;
use bfc_algebra::{Cholesky, Mat, c64, multiply};
use bfc_schedule::{MixingMatrix, Rank};

/// Twice γ_k.
pub(crate) fn gamma(k: usize) -> f64 {
    2.0 * k as f64 * UNIT / (1.0 - k as f64 * UNIT)
}

/// A mixing matrix in `f64`: rows of (column, weight); every weight is within u of its exact value, relatively.
pub(crate) struct Rows {
    /// Where the entries of each row begin, and where the last ones end.
    starts: Vec<usize>,
    entries: Vec<(usize, f64)>,
    /// The rows that differ from those of the identity.
    moved: Vec<usize>,
    /// A bound on the spectral norm of the matrix of absolute values.
    pub(crate) norm: f64,
    /// The most entries of a row.
    pub(crate) width: usize,
}

impl Rows {
    /// The rows of `matrix`.
    pub(crate) fn new(matrix: &MixingMatrix) -> Self {
        let rows: Vec<Vec<(usize, f64)>> = match matrix {
            MixingMatrix::Sparse(sparse) => {
                let weights: Vec<f64> = sparse.weights().iter().map(|weight| weight.to_f64()).collect();
                (0..matrix.size())
                    .map(|rank| {
                        let own = (rank as usize, weights[sparse.self_weight(Rank(rank)) as usize]);
                        let edges = sparse.in_edges(Rank(rank)).iter();
                        std::iter::once(own)
                            .chain(edges.map(|(j, id)| (j.index(), weights[*id as usize])))
                            .collect()
                    })
                    .collect()
            }
            MixingMatrix::Cayley(cayley) => {
                let own = (Rank(0), cayley.self_weight().to_f64());
                let hops: Vec<(Rank, f64)> =
                    cayley.hops().iter().map(|(hop, weight)| (*hop, weight.to_f64())).collect();
                (0..matrix.size())
                    .map(|rank| {
                        let all = std::iter::once(&own).chain(&hops);
                        all.map(|(hop, w)| (cayley.group().subtract(Rank(rank), *hop).index(), *w)).collect()
                    })
                    .collect()
            }
        };
        Self::from_rows(rows)
    }

    pub(crate) fn from_rows(rows: Vec<Vec<(usize, f64)>>) -> Self {
        let mut columns = vec![0.0; rows.len()];
        let mut widest = 0.0f64;
        for row in &rows {
            widest = widest.max(row.iter().map(|(_, w)| w.abs()).sum());
            row.iter().for_each(|(j, w)| columns[*j] += w.abs());
        }
        let tallest = columns.into_iter().fold(0.0, f64::max);
        // ‖A‖₂² ≤ ‖A‖₁ ‖A‖_∞.
        let norm = (widest * tallest).sqrt() * (1.0 + 1e-12);
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let ends = rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        let moved = (0..rows.len()).filter(|i| rows[*i] != [(*i, 1.0)]).collect();
        Self { starts, entries: rows.into_iter().flatten().collect(), moved, norm, width }
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The entries of a row.
    pub(crate) fn row(&self, i: usize) -> &[(usize, f64)] {
        &self.entries[self.starts[i]..self.starts[i + 1]]
    }

    /// The entries of each row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[(usize, f64)]> {
        self.starts.windows(2).map(|ends| &self.entries[ends[0]..ends[1]])
    }

    /// The operations of a product with a vector, with what it takes to begin it and each row.
    pub(crate) fn work(&self) -> usize {
        const BEGIN: usize = 16;
        BEGIN + self.moved.iter().map(|i| 1 + self.row(*i).len()).sum::<usize>()
    }

    /// The transpose.
    pub(crate) fn transpose(&self) -> Self {
        let mut rows = vec![vec![]; self.len()];
        for (i, row) in self.iter().enumerate() {
            row.iter().for_each(|&(j, w)| rows[j].push((i, w)));
        }
        Self::from_rows(rows)
    }

    /// A x.
    pub(crate) fn apply(&self, x: &[f64]) -> Vec<f64> {
        self.iter().map(|row| times(row, x)).collect()
    }

    /// A x in place of x; what was in `scratch` is lost.
    pub(crate) fn apply_to(&self, x: &mut [f64], scratch: &mut Vec<f64>) {
        scratch.clear();
        if self.moved.len() == self.len() {
            scratch.extend(self.iter().map(|row| times(row, x)));
            x.copy_from_slice(scratch);
            return;
        }
        scratch.extend(self.moved.iter().map(|i| times(self.row(*i), x)));
        self.moved.iter().zip(scratch).for_each(|(i, y)| x[*i] = *y);
    }

    /// No entry is negative.
    pub(crate) fn is_nonnegative(&self) -> bool {
        self.entries.iter().all(|(_, weight)| *weight >= 0.0)
    }

    /// Σ A[i][j] (x_i − x_j)².
    pub(crate) fn differences(&self, x: &[f64]) -> f64 {
        let of_row = |(own, row): (&f64, &[(usize, f64)])| -> f64 {
            row.iter().map(|(j, weight)| weight * (own - x[*j]).powi(2)).sum()
        };
        x.iter().zip(self.iter()).map(of_row).sum()
    }

    /// A M.
    pub(crate) fn times(&self, m: &Mat<f64>) -> Mat<f64> {
        let mut product = m.clone();
        for c in 0..m.ncols() {
            let from = m.col_as_slice(c);
            let to = product.col_as_slice_mut(c);
            self.moved.iter().for_each(|i| to[*i] = times(self.row(*i), from));
        }
        product
    }

    /// The error of [`times`](Self::times) by rounding, of products and weights, in the Frobenius norm.
    pub(crate) fn times_error(&self, m: &Mat<f64>) -> f64 {
        gamma(self.width + 2) * self.norm * m.norm_l2()
    }

    /// A bound on the spectral norm: `norm`, or where signs make that exceed 1, the largest singular value.
    pub(crate) fn spectral_norm(&self) -> f64 {
        if self.norm <= 1.0 + 1e-9 {
            return self.norm;
        }
        let dense = self.dense();
        let rounding = gamma(2) * dense.norm_l2();
        norm(&dense, rounding).map_or(self.norm, |(value, error)| self.norm.min(value + error))
    }

    /// The matrix as a dense one.
    pub(crate) fn dense(&self) -> Mat<f64> {
        let mut dense = Mat::zeros(self.len(), self.len());
        for (i, row) in self.iter().enumerate() {
            row.iter().for_each(|&(j, w)| dense[(i, j)] += w);
        }
        dense
    }
}

/// The product of a row with a vector.
fn times(row: &[(usize, f64)], x: &[f64]) -> f64 {
    row.iter().map(|(j, w)| w * x[*j]).sum()
}

/// How far the columns of `v` are from orthonormal: a bound on ‖VᵀV − 1‖₂.
fn orthogonality_defect(v: &Mat<f64>) -> f64 {
    let mut gram = multiply(v.transpose(), v.as_ref());
    (0..v.ncols()).for_each(|i| gram[(i, i)] -= 1.0);
    let frobenius = v.norm_l2();
    gram.norm_l2() * (1.0 + 1e-12) + gamma(v.nrows() + 1) * frobenius * frobenius
}

/// All eigenvalues of a symmetric matrix, ascending, and a bound on the error of each. Weights may be within 5 u of what
/// they stand for, relatively.
///
/// If W V ≈ V Λ with residual R, V of full rank, then the eigenvalues pair with Λ within √2 ‖R‖ / σ_min(V) (Kahan, 1967).
pub(crate) fn symmetric_eigenvalues(rows: &Rows) -> Option<(Vec<f64>, f64)> {
    let (values, v) = bfc_algebra::symmetric_eigen(&rows.dense())?;
    let largest = values.iter().fold(0.0f64, |m, value| m.max(value.abs()));
    let mut residual = rows.times(&v);
    for (c, value) in values.iter().enumerate() {
        let column = v.col_as_slice(c);
        residual.col_as_slice_mut(c).iter_mut().zip(column).for_each(|(r, x)| *r -= value * x);
    }
    let norms: Vec<f64> =
        (0..v.nrows()).map(|i| (0..v.ncols()).map(|c| v[(i, c)] * v[(i, c)]).sum::<f64>().sqrt()).collect();
    let row_error = |(i, row): (usize, &[(usize, f64)])| {
        let magnitude = row.iter().map(|(j, w)| w.abs() * norms[*j]).sum::<f64>() + largest * norms[i];
        (gamma(row.len() + 8) * magnitude).powi(2)
    };
    let rounding = rows.iter().enumerate().map(row_error).sum::<f64>().sqrt();
    let defect = orthogonality_defect(&v);
    if !(defect < 0.5 && residual.norm_l2().is_finite()) {
        return None;
    }
    let error =
        std::f64::consts::SQRT_2 * (residual.norm_l2() + rounding) / (1.0 - defect).sqrt() * (1.0 + 1e-12);
    Some((values, error))
}

/// The spectral norm of a matrix that is known up to `error` in the Frobenius norm, and a bound on its error.
///
/// σ_max(U S Vᵀ) lies within (1 ± defect) of the largest of S, and singular values move by at most the residual.
pub(crate) fn norm(matrix: &Mat<f64>, error: f64) -> Option<(f64, f64)> {
    let n = matrix.nrows();
    if matrix.norm_l2() == 0.0 {
        return Some((0.0, error));
    }
    let (u, values, v) = bfc_algebra::singular_values(matrix)?;
    let largest = values.iter().copied().fold(0.0, f64::max);
    let defect = orthogonality_defect(&u).max(orthogonality_defect(&v));
    let scaled = Mat::from_fn(n, n, |i, j| u[(i, j)] * values[j]);
    let residual = (multiply(scaled.as_ref(), v.transpose()) - matrix).norm_l2();
    let rounding = gamma(n + 3) * (scaled.norm_l2() * v.norm_l2() + matrix.norm_l2());
    let bound = error + residual + rounding + 2.0 * defect * largest;
    (defect < 0.5 && bound.is_finite()).then_some((largest, bound * (1.0 + 1e-12)))
}

/// The eigenvalues of any real matrix, without a bound on their error.
pub(crate) fn eigenvalues(matrix: &Mat<f64>) -> Option<Vec<c64>> {
    bfc_algebra::eigenvalues(matrix)
}

/// The number of factors after which the norm of a product is measured again.
const MEASURED: usize = 16;

/// A product of phases (the last on the left) applied to `start`, and the bound on its error in the Frobenius norm.
pub(crate) fn product(phases: &[Rows], start: Mat<f64>, mut error: f64) -> (Mat<f64>, f64) {
    let mut product = start;
    let mut norm = f64::INFINITY;
    for (at, phase) in phases.iter().enumerate() {
        // Norms are measured now and then, and follow from those of the phases in between, where these do not exceed 1.
        if at.is_multiple_of(MEASURED) || phase.norm > 1.0 + 1e-9 {
            norm = product.norm_l2() * (1.0 + 1e-12);
        }
        let rounding = gamma(phase.width + 2) * phase.norm * norm;
        error = (phase.norm * error + rounding) * (1.0 + 1e-12);
        norm = (phase.norm * norm + rounding) * (1.0 + 1e-12);
        product = phase.times(&product);
    }
    (product, error)
}

/// 1 − J, and the bound on its rounding.
pub(crate) fn disagreement(n: usize) -> (Mat<f64>, f64) {
    let mean = 1.0 / n as f64;
    (Mat::from_fn(n, n, |i, j| if i == j { 1.0 - mean } else { -mean }), 4.0 * UNIT * (n as f64).sqrt())
}

/// A Cholesky factorization that shows a symmetric matrix to be positive definite: that of P − α runs to its end. Its
/// backward error is at most γ_{n+1} times the trace (Rump, 2006), and α is larger.
pub(crate) fn positive_definite(mut p: Mat<f64>) -> Option<Cholesky> {
    let n = p.nrows();
    let trace: f64 = (0..n).map(|i| p[(i, i)].abs()).sum();
    let shift = 4.0 * gamma(n + 3) * trace;
    (0..n).for_each(|i| p[(i, i)] -= shift);
    Cholesky::new(&p)
}
