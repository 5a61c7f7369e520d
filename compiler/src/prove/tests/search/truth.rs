//! What is true of phases, by rational arithmetic that shares nothing with the proofs.

use bfc_schedule::{MixingMatrix, Rank};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// A dense matrix of rationals.
pub(super) type Dense = Vec<Vec<BigRational>>;

pub(super) fn dense(matrix: &MixingMatrix) -> Dense {
    let n = matrix.size() as usize;
    let mut rows = vec![vec![BigRational::zero(); n]; n];
    for (i, row) in rows.iter_mut().enumerate() {
        let source = matrix.row(Rank(i as u32));
        row[i] = source.self_weight.to_big();
        source.in_weights.iter().for_each(|(j, weight)| row[j.index()] = weight.to_big());
    }
    rows
}

pub(super) fn times(a: &Dense, b: &Dense) -> Dense {
    let n = a.len();
    let entry = |i: usize, j: usize| {
        let mut sum = BigRational::zero();
        (0..n).filter(|k| !a[i][*k].is_zero()).for_each(|k| sum += &a[i][k] * &b[k][j]);
        sum
    };
    (0..n).map(|i| (0..b[0].len()).map(|j| entry(i, j)).collect()).collect()
}

fn transposed(a: &Dense) -> Dense {
    (0..a.len()).map(|i| (0..a.len()).map(|j| a[j][i].clone()).collect()).collect()
}

pub(super) fn fraction(p: i64, q: i64) -> BigRational {
    BigRational::new(p.into(), q.into())
}

/// Whether all roots of det(z − A) lie inside the unit circle: Faddeev–LeVerrier, then Schur–Cohn, in rationals.
fn is_inside(a: &Dense) -> bool {
    let n = a.len();
    let mut p = vec![BigRational::zero(); n + 1];
    p[n] = BigRational::one();
    let mut m = vec![vec![BigRational::zero(); n]; n];
    for k in 1..=n {
        m = times(a, &m);
        (0..n).for_each(|i| m[i][i] += p[n - k + 1].clone());
        let am = times(a, &m);
        let trace: BigRational = (0..n).map(|i| am[i][i].clone()).sum();
        p[n - k] = -trace / fraction(k as i64, 1);
    }
    while p.len() > 1 {
        let (first, last) = (p[0].clone(), p[p.len() - 1].clone());
        if first.abs() >= last.abs() {
            return false;
        }
        let ratio = first / last;
        p = (1..p.len()).map(|i| &p[i] - &ratio * &p[p.len() - 1 - i]).collect();
    }
    true
}

/// Whether a symmetric matrix is positive semidefinite, by elimination in rationals.
fn is_semidefinite(a: &Dense) -> bool {
    let mut a = a.clone();
    for k in 0..a.len() {
        if a[k][k].is_negative() || a[k][k].is_zero() && (k..a.len()).any(|j| !a[k][j].is_zero()) {
            return false;
        }
        if a[k][k].is_zero() {
            continue;
        }
        for i in k + 1..a.len() {
            let factor = &a[i][k] / &a[k][k];
            let row = a[k].clone();
            (k..row.len()).for_each(|j| a[i][j] -= &factor * &row[j]);
        }
    }
    true
}

/// What is true of phases.
pub(super) struct Truth {
    pub(super) phases: Vec<Dense>,
    pub(super) product: Dense,
    /// (P − J)ᵀ(P − J).
    pub(super) gram: Dense,
}

impl Truth {
    pub(super) fn new(phases: &[MixingMatrix]) -> Self {
        let phases: Vec<Dense> = phases.iter().map(dense).collect();
        let product = phases[1..].iter().fold(phases[0].clone(), |product, phase| times(phase, &product));
        let gram = Self::gram(&product);
        Self { phases, product, gram }
    }

    fn size(&self) -> usize {
        self.product.len()
    }

    fn rows_sum_to_one(matrix: &Dense) -> bool {
        matrix.iter().all(|row| row.iter().sum::<BigRational>().is_one())
    }

    pub(super) fn row(&self) -> bool {
        self.phases.iter().all(Self::rows_sum_to_one)
    }

    pub(super) fn column(&self) -> bool {
        self.phases.iter().all(|phase| Self::rows_sum_to_one(&transposed(phase)))
    }

    pub(super) fn nonnegative(&self) -> bool {
        self.phases.iter().flatten().flatten().all(|weight| !weight.is_negative())
    }

    pub(super) fn symmetric(&self) -> bool {
        self.phases.iter().all(|phase| *phase == transposed(phase))
    }

    /// Which ranks hear from which after any number of steps, self included.
    pub(super) fn connected(&self) -> bool {
        let n = self.size();
        let mut reach = vec![vec![false; n]; n];
        for phase in &self.phases {
            (0..n).for_each(|i| (0..n).for_each(|j| reach[i][j] |= i == j || !phase[i][j].is_zero()));
        }
        for k in 0..n {
            for i in 0..n {
                (0..n).for_each(|j| reach[i][j] |= reach[i][k] && reach[k][j]);
            }
        }
        reach.iter().flatten().all(|reached| *reached)
    }

    /// Some power of the support of the product is full; by Wielandt, the power (n − 1)² + 1.
    pub(super) fn primitive(&self) -> bool {
        let n = self.size();
        let support: Vec<Vec<bool>> =
            self.product.iter().map(|row| row.iter().map(|weight| !weight.is_zero()).collect()).collect();
        let mut power = support.clone();
        for _ in 0..(n - 1) * (n - 1) {
            let entry = |i: usize, j: usize| (0..n).any(|k| power[i][k] && support[k][j]);
            power = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        }
        power.iter().flatten().all(|full| *full)
    }

    /// The product on differences to the last rank, where rows sum to 1, else its transpose where columns do.
    fn on_differences(&self) -> Option<Dense> {
        let product = match (self.row(), self.column()) {
            (true, _) => self.product.clone(),
            (_, true) => transposed(&self.product),
            _ => return None,
        };
        let n = product.len() - 1;
        Some((0..n).map(|i| (0..n).map(|j| &product[i][j] - &product[n][j]).collect()).collect())
    }

    pub(super) fn contracting(&self) -> Option<bool> {
        self.on_differences().map(|matrix| is_inside(&matrix))
    }

    pub(super) fn is_average(product: &Dense) -> bool {
        let mean = fraction(1, product.len() as i64);
        product.iter().flatten().all(|weight| *weight == mean)
    }

    /// The first step after which all is averaged.
    pub(super) fn exact_after(&self, most: u64) -> Option<u64> {
        let mut product = self.phases[0].clone();
        for step in 1..=most {
            if Self::is_average(&product) {
                return Some(step);
            }
            product = times(&self.phases[(step % self.phases.len() as u64) as usize], &product);
        }
        None
    }

    pub(super) fn gram(matrix: &Dense) -> Dense {
        let mean = fraction(1, matrix.len() as i64);
        let off: Dense = matrix.iter().map(|row| row.iter().map(|weight| weight - &mean).collect()).collect();
        times(&transposed(&off), &off)
    }

    /// Whether ‖A − J‖₂ ≤ bound, by the sign of bound² − (A − J)ᵀ(A − J).
    pub(super) fn norm_at_most(gram: &Dense, bound: &BigRational) -> bool {
        let negated = |row: &Vec<BigRational>| row.iter().map(|x| -x.clone()).collect();
        let mut left: Dense = gram.iter().map(negated).collect();
        left.iter_mut().enumerate().for_each(|(i, row)| row[i] += bound * bound);
        !bound.is_negative() && is_semidefinite(&left)
    }
}
