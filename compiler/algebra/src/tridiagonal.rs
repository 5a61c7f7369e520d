//! Eigenvalues of symmetric matrices through three diagonals, with the same bits on every machine: Householder's reduction
//! and Sturm counts (Golub, Van Loan, Matrix Computations, 2013, section 8).

use crate::reproducible::{Square, dot, scattered};

/// A symmetric matrix with entries on three diagonals.
pub(crate) struct Tridiagonal {
    pub(crate) diagonal: Vec<f64>,
    pub(crate) beside: Vec<f64>,
}

impl Tridiagonal {
    /// Similar to a symmetric matrix.
    pub(crate) fn new(mut a: Square) -> Self {
        let n = a.size();
        let mut beside = vec![];
        for k in 0..n.saturating_sub(1) {
            let mut v: Vec<f64> = (k + 1..n).map(|i| a.row(i)[k]).collect();
            let norm = dot(&v, &v).sqrt();
            let head = if v[0] > 0.0 { -norm } else { norm };
            beside.push(head);
            v[0] -= head;
            let square = dot(&v, &v);
            if square == 0.0 {
                continue;
            }
            let mut p: Vec<f64> = (k + 1..n).map(|i| dot(&a.row(i)[k + 1..], &v) * 2.0 / square).collect();
            let along = dot(&v, &p) / square;
            p.iter_mut().zip(&v).for_each(|(p, v)| *p -= along * v);
            for i in 0..v.len() {
                let row = &mut a.row_mut(k + 1 + i)[k + 1..];
                for j in 0..v.len() {
                    row[j] -= v[i] * p[j] + p[i] * v[j];
                }
            }
        }
        Self { diagonal: (0..n).map(|i| a.row(i)[i]).collect(), beside }
    }

    /// How many eigenvalues are below x.
    fn count_below(&self, x: f64) -> usize {
        let mut pivot = 1.0f64;
        let mut count = 0;
        for (i, d) in self.diagonal.iter().enumerate() {
            let square = if i > 0 { self.beside[i - 1] * self.beside[i - 1] } else { 0.0 };
            pivot = d - x - square / pivot;
            if pivot == 0.0 {
                pivot = 1e-300;
            }
            count += usize::from(pivot < 0.0);
        }
        count
    }

    /// The least and the greatest eigenvalue; 0 where there is none.
    pub(crate) fn extremes(&self) -> (f64, f64) {
        match self.diagonal.len() {
            0 => (0.0, 0.0),
            count => (self.eigenvalue(0), self.eigenvalue(count - 1)),
        }
    }

    /// A bound on the moduli of the eigenvalues (Gershgorin).
    fn bound(&self) -> f64 {
        let around = |i: usize| {
            let left = if i > 0 { self.beside[i - 1].abs() } else { 0.0 };
            left + self.beside.get(i).map_or(0.0, |b| b.abs())
        };
        let reach = |(i, d): (usize, &f64)| d.abs() + around(i);
        self.diagonal.iter().enumerate().map(reach).fold(0.0, f64::max)
    }

    /// All eigenvalues, ascending, by halving intervals until each holds none or is too short.
    pub(crate) fn distinct_eigenvalues(&self) -> Vec<f64> {
        let bound = self.bound() + f64::MIN_POSITIVE;
        let mut found = vec![];
        let mut open = vec![(-bound, 0, bound, self.diagonal.len())];
        while let Some((low, below, high, until)) = open.pop() {
            let middle = 0.5 * (low + high);
            if below < until && (high - low <= bound * 1e-15 || middle <= low || middle >= high) {
                found.push(middle);
            } else if below < until {
                let count = self.count_below(middle).clamp(below, until);
                open.extend([(middle, count, high, until), (low, below, middle, count)]);
            }
        }
        found
    }

    /// The eigenvalue of this index in ascending order, by bisection.
    pub(crate) fn eigenvalue(&self, index: usize) -> f64 {
        let bound = self.bound();
        let (mut low, mut high) = (-bound, bound);
        while high - low > bound * 1e-16 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.count_below(middle) > index { high = middle } else { low = middle }
        }
        0.5 * (low + high)
    }

    /// A vector that T − θ makes very short, for an eigenvalue θ: two steps of inverse iteration.
    pub(crate) fn eigenvector(&self, theta: f64) -> Vec<f64> {
        let n = self.diagonal.len();
        if n == 0 {
            return vec![];
        }
        let mut vector: Vec<f64> = (0..n as u64).map(|k| 1.0 + scattered(k)).collect();
        for _ in 0..2 {
            vector = self.solve(theta, vector);
            let most = vector.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            vector.iter_mut().for_each(|x| *x /= most);
        }
        vector
    }

    /// x with (T − θ) x = b, by elimination with exchanges of neighbouring rows.
    fn solve(&self, theta: f64, mut b: Vec<f64>) -> Vec<f64> {
        let n = b.len();
        let least = f64::EPSILON * (self.bound() + f64::MIN_POSITIVE);
        let beside = |i: usize| self.beside.get(i).copied().unwrap_or(0.0);
        // What is left of row i: its entries in columns i, i + 1 and i + 2.
        let mut rows: Vec<[f64; 3]> = vec![];
        let mut row = [self.diagonal[0] - theta, beside(0), 0.0];
        for i in 0..n - 1 {
            let mut below = [beside(i), self.diagonal[i + 1] - theta, beside(i + 1)];
            if below[0].abs() > row[0].abs() {
                (row, below) = (below, row);
                b.swap(i, i + 1);
            }
            let factor = below[0] / away_from_zero(row[0], least);
            b[i + 1] -= factor * b[i];
            rows.push(row);
            row = [below[1] - factor * row[1], below[2] - factor * row[2], 0.0];
        }
        rows.push(row);
        for (i, row) in rows.iter().enumerate().rev() {
            let after = |k: usize| b.get(i + k).copied().unwrap_or(0.0);
            b[i] = (b[i] - row[1] * after(1) - row[2] * after(2)) / away_from_zero(row[0], least);
        }
        b
    }
}

fn away_from_zero(x: f64, least: f64) -> f64 {
    if x.abs() < least { least } else { x }
}
