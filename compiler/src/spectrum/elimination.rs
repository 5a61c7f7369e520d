//! From a sparse symmetric matrix to how many of its eigenvalues lie beyond a number: none, or at most one.
//!
//! Vertices of least degree are eliminated first (Tinney, Walker, 1967), as long as that is sparse and leaves a positive
//! diagonal; what is left is a dense core. By Sylvester's law of inertia M = LDLᵀ with positive pivots has as many negative
//! eigenvalues as its core C, and C has at most one if C + c zzᵀ is positive definite for some z and c > 0.
//!
//! Rounding: the computed factors are those of M + E with |E| ≤ γ (Σ d |l||l|ᵀ + |C|), entry by entry, k + 4 roundings
//! where an entry was changed k times. The norm of the first part is at most the largest sum of a row, and as it is positive
//! semidefinite, its trace.

use super::UNIT;
use super::dense::{Rows, gamma, positive_definite};
use bfc_algebra::reproducible::dot;
use bfc_algebra::{Cholesky, Mat};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Entries that sparse elimination may change.
const BUDGET: usize = 1 << 26;

/// Rows of a dense core.
const CORE: usize = 2048;

/// A vertex with more neighbours than this, among ten times as many vertices, is left to the core: dense algebra is faster.
const DENSE: usize = 10;

/// Why there is no answer.
pub(crate) enum Refusal {
    /// Factors have too many entries.
    TooLarge,
    /// More eigenvalues lie beyond the number, or too near to decide.
    Indefinite,
}

/// The factors of M = ±(bound − W), of which none, or at most one eigenvalue is negative.
pub(crate) struct Elimination {
    pivots: Vec<Pivot>,
    core: Vec<u32>,
    /// Of C + c zzᵀ.
    factor: Cholesky,
    /// Where C alone may not be positive definite: z, and what takes c zzᵀ away again, c (C + c zzᵀ)⁻¹z / (1 − c zᵀ(C + c zzᵀ)⁻¹z)
    /// (Sherman, Morrison, 1950).
    update: Option<(Vec<f64>, Vec<f64>)>,
    /// No other eigenvalue of W lies beyond the bound by more than this.
    pub(crate) error: f64,
}

/// An eliminated vertex: its diagonal entry and the row beside it at that time.
struct Pivot {
    vertex: u32,
    value: f64,
    row: Vec<(u32, f64)>,
}

impl Elimination {
    /// Of `bound` − W for a positive sign, else of W − `bound`; W is symmetric.
    pub(crate) fn new(matrix: &Rows, sign: f64, bound: f64, but_one: bool) -> Result<Self, Refusal> {
        let mut sparse = Sparse::new(matrix, sign, bound);
        let (pivots, factors) = sparse.eliminate()?;
        let core: Vec<u32> = (0..).zip(&sparse.alive).filter(|(_, alive)| **alive).map(|(v, _)| v).collect();
        let mut dense = sparse.core(&core);
        let norm = dense.norm_l2();
        let most = sparse.changes.iter().copied().max().unwrap_or(0);
        let of_elimination = gamma(most + 4) * (factors + norm);
        let of_entries = 4.0 * UNIT * (bound.abs() + matrix.norm);
        let update = if but_one { against_agreement(&dense) } else { None };
        let mut of_update = 0.0;
        if let Some((factor, z)) = &update {
            of_update = gamma(4) * (norm + factor * z.iter().map(|x| x * x).sum::<f64>());
            for j in 0..core.len() {
                let column = dense.col_as_slice_mut(j);
                column.iter_mut().zip(z).for_each(|(x, zi)| *x += factor * (zi * z[j]));
            }
        }
        let factor = positive_definite(dense).ok_or(Refusal::Indefinite)?;
        let update = update.map(|(c, z)| {
            let mut back = factor.solve(&z);
            let scale = c / (1.0 - c * dot(&z, &back));
            back.iter_mut().for_each(|x| *x *= scale);
            (z, back)
        });
        let error = (of_elimination + of_entries + of_update) * (1.0 + 1e-12);
        Ok(Self { pivots, core, factor, update, error })
    }

    /// M⁻¹ b.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for Pivot { vertex, value, row } in &self.pivots {
            let part = x[*vertex as usize] / value;
            row.iter().for_each(|(u, a)| x[*u as usize] -= a * part);
        }
        let right: Vec<f64> = self.core.iter().map(|v| x[*v as usize]).collect();
        let mut solution = self.factor.solve(&right);
        if let Some((z, back)) = &self.update {
            let along = dot(z, &solution);
            solution.iter_mut().zip(back).for_each(|(x, w)| *x += along * w);
        }
        self.core.iter().zip(solution).for_each(|(v, value)| x[*v as usize] = value);
        for Pivot { vertex, value, row } in self.pivots.iter().rev() {
            let rest: f64 = row.iter().map(|(u, a)| a * x[*u as usize]).sum();
            x[*vertex as usize] = (x[*vertex as usize] - rest) / value;
        }
        x
    }
}

/// c and z = C 1 such that C + c zzᵀ is positive along 1, where C is negative there.
fn against_agreement(core: &Mat<f64>) -> Option<(f64, Vec<f64>)> {
    let n = core.nrows();
    let mut z = vec![0.0; n];
    (0..n).for_each(|j| z.iter_mut().zip(core.col_as_slice(j)).for_each(|(z, x)| *z += x));
    let along: f64 = z.iter().sum();
    (along < 0.0).then(|| (-2.0 / along, z))
}

/// A symmetric matrix under elimination: the diagonal, and for every vertex the entries beside it, ascending.
struct Sparse {
    diagonal: Vec<f64>,
    rows: Vec<Vec<(u32, f64)>>,
    alive: Vec<bool>,
    /// How often entries of a row were changed, at most.
    changes: Vec<usize>,
}

impl Sparse {
    fn new(matrix: &Rows, sign: f64, bound: f64) -> Self {
        let n = matrix.len();
        let mut diagonal = vec![sign * bound; n];
        let mut rows = vec![vec![]; n];
        for (i, row) in matrix.iter().enumerate() {
            for &(j, weight) in row {
                if i == j {
                    diagonal[i] -= sign * weight;
                } else if weight != 0.0 {
                    rows[i].push((j as u32, -sign * weight));
                }
            }
            rows[i].sort_unstable_by_key(|(j, _)| *j);
        }
        Self { diagonal, rows, alive: vec![true; n], changes: vec![0; n] }
    }

    /// The pivots in their order, and a bound on the norm of Σ d |l||l|ᵀ over them.
    fn eliminate(&mut self) -> Result<(Vec<Pivot>, f64), Refusal> {
        let entry = |(v, row): (u32, &Vec<(u32, f64)>)| Reverse((row.len(), v));
        let mut queue: BinaryHeap<_> = (0..).zip(&self.rows).map(entry).collect();
        let (mut pivots, mut work, mut left) = (vec![], 0, self.rows.len());
        let (mut trace, mut sums) = (0.0, vec![0.0f64; self.rows.len()]);
        let mut merged = vec![];
        while let Some(Reverse((degree, vertex))) = queue.pop() {
            let v = vertex as usize;
            if !self.alive[v] || self.rows[v].len() != degree {
                continue;
            }
            if left == 1 || degree * DENSE >= left && left <= CORE {
                break;
            }
            let value = self.diagonal[v];
            let keeps_positive = |(u, a): &(u32, f64)| self.diagonal[*u as usize] > a * a / value;
            if value <= 0.0 || !self.rows[v].iter().all(keeps_positive) {
                continue;
            }
            work += self.rows[v].iter().map(|(u, _)| self.rows[*u as usize].len() + degree).sum::<usize>();
            if work > BUDGET {
                return Err(Refusal::TooLarge);
            }
            let row = std::mem::take(&mut self.rows[v]);
            self.alive[v] = false;
            left -= 1;
            let inverse = 1.0 / value;
            let sum = value + row.iter().map(|(_, a)| a.abs()).sum::<f64>();
            sums[v] += sum;
            trace += value;
            for &(u, a) in &row {
                trace += a * a * inverse;
                sums[u as usize] += a.abs() * inverse * sum;
                self.update(u, a, vertex, &row, inverse, &mut merged);
                queue.push(Reverse((self.rows[u as usize].len(), u)));
            }
            pivots.push(Pivot { vertex, value, row });
        }
        // The sums' own rounding.
        let largest = sums.into_iter().fold(0.0, f64::max) * (1.0 + 1e-9);
        if left > CORE { Err(Refusal::TooLarge) } else { Ok((pivots, largest.min(trace))) }
    }

    /// Subtracts a rowᵀ / d from row u, of which `gone` leaves. Products are rounded alike on both sides of the diagonal.
    fn update(
        &mut self,
        u: u32,
        a: f64,
        gone: u32,
        row: &[(u32, f64)],
        inverse: f64,
        merged: &mut Vec<(u32, f64)>,
    ) {
        let at = u as usize;
        merged.clear();
        let mut old = self.rows[at].iter().copied().filter(|(w, _)| *w != gone).peekable();
        for &(w, b) in row {
            let change = a * b * inverse;
            if w == u {
                self.diagonal[at] -= change;
                continue;
            }
            while let Some(entry) = old.next_if(|(x, _)| *x < w) {
                merged.push(entry);
            }
            let before = old.next_if(|(x, _)| *x == w).map_or(0.0, |(_, value)| value);
            merged.push((w, before - change));
        }
        merged.extend(old);
        self.rows[at].clear();
        self.rows[at].extend_from_slice(merged);
        self.changes[at] += 1;
    }

    /// What is left of the matrix, on these vertices.
    fn core(&self, vertices: &[u32]) -> Mat<f64> {
        let mut place = vec![0; self.rows.len()];
        vertices.iter().enumerate().for_each(|(at, v)| place[*v as usize] = at);
        let mut dense = Mat::zeros(vertices.len(), vertices.len());
        for (at, v) in vertices.iter().enumerate() {
            dense[(at, at)] = self.diagonal[*v as usize];
            self.rows[*v as usize].iter().for_each(|(u, a)| dense[(place[*u as usize], at)] = *a);
        }
        dense
    }
}
