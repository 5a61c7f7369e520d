//! The distinct eigenvalues of a symmetric matrix, the same on every machine: only sums, products, quotients and square
//! roots of `f64`, in a fixed order.
//!
//! Under a group they are the character sums Σ w_h cos(2πχ·h); otherwise the matrix is made tridiagonal by reflections
//! (Householder 1958) and its eigenvalues are counted below points that halve intervals (Givens 1954). A rational
//! eigenvalue of W is a multiple of 1/D, D being the common denominator of the weights: what lies within the rounding
//! error of one with a small denominator is taken to be it. Nothing that is proved rests on that.

use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Zero};

/// Ranks of a table for which it is made tridiagonal.
pub const MAX_DENSE: u32 = 2048;

/// The largest denominator of an eigenvalue that is told from its digits.
const MAX_DENOMINATOR: i64 = 1 << 16;

/// Distance below which numbers are the same eigenvalue.
const SAME: f64 = 1e-11;

/// Distance below which an eigenvalue is a rational number with a small denominator.
const EXACT: f64 = 1e-13;

/// Steps that [`distinct`] takes.
pub fn cost(matrix: &MixingMatrix) -> u64 {
    let size = u64::from(matrix.size());
    match matrix {
        MixingMatrix::Cayley(matrix) => size * (matrix.hops().len() as u64 + 8) / 8,
        MixingMatrix::Sparse(_) => size.pow(3) / 64,
    }
}

/// The distinct eigenvalues, ascending by modulus. The matrix is symmetric; a table has at most [`MAX_DENSE`] ranks.
pub fn distinct(matrix: &MixingMatrix) -> Vec<Rational> {
    let mut values = match matrix {
        MixingMatrix::Cayley(matrix) => character_sums(matrix),
        MixingMatrix::Sparse(_) => tridiagonal(dense(matrix)).eigenvalues(),
    };
    values.sort_by(f64::total_cmp);
    let mut clusters: Vec<(f64, f64)> = Vec::new();
    for value in values {
        match clusters.last_mut() {
            Some((_, last)) if value - *last <= SAME => *last = value,
            _ => clusters.push((value, value)),
        }
    }
    let middles: Vec<f64> = clusters.iter().map(|(low, high)| low + (high - low) / 2.0).collect();
    let mut distinct = exact(&middles, matrix);
    distinct.sort_by_key(|value| (value.abs(), value.clone()));
    distinct
}

/// Computed values as exact numbers.
fn exact(values: &[f64], matrix: &MixingMatrix) -> Vec<Rational> {
    let denominator = common_denominator(matrix);
    let scale = values.iter().fold(1.0f64, |most, value| most.max(value.abs()));
    let of = |value: f64| {
        simple(value, EXACT * scale)
            .filter(|simple| denominator.is_multiple_of(simple.denominator()))
            .or_else(|| Rational::from_f64(value))
            .unwrap_or_else(Rational::zero)
    };
    let mut exact: Vec<Rational> = values.iter().copied().map(of).collect();
    if let Some(sum) = row_sum(matrix) {
        // The vector of ones belongs to it.
        let distance = |value: f64| (value - sum.to_f64()).abs();
        let nearest = (0..values.len()).min_by(|&a, &b| distance(values[a]).total_cmp(&distance(values[b])));
        nearest.into_iter().for_each(|at| exact[at] = sum.clone());
    }
    exact
}

/// The number with the least denominator, by continued fractions, that is as near as this.
fn simple(value: f64, error: f64) -> Option<Rational> {
    let (mut p, mut q) = ((1i64, 0i64), (0i64, 1i64));
    let mut rest = value;
    while rest.abs() < 1e9 {
        let whole = rest.floor();
        p = ((whole as i64).checked_mul(p.0)?.checked_add(p.1)?, p.0);
        q = ((whole as i64).checked_mul(q.0)?.checked_add(q.1)?, q.0);
        if q.0 > MAX_DENOMINATOR {
            return None;
        }
        if (value - p.0 as f64 / q.0 as f64).abs() <= error {
            return Some(Rational::new(p.0, q.0));
        }
        rest = 1.0 / (rest - whole);
    }
    None
}

fn weights(matrix: &MixingMatrix) -> Vec<&Rational> {
    match matrix {
        MixingMatrix::Sparse(matrix) => matrix.weights().iter().collect(),
        MixingMatrix::Cayley(matrix) => {
            [matrix.self_weight()].into_iter().chain(matrix.hops().iter().map(|(_, weight)| weight)).collect()
        }
    }
}

/// The common denominator, or 0, which everything divides, where it is very large.
fn common_denominator(matrix: &MixingMatrix) -> BigInt {
    let mut common = BigInt::one();
    for weight in weights(matrix) {
        common = common.lcm(weight.denominator());
        if common.bits() > 1 << 12 {
            return BigInt::zero();
        }
    }
    common
}

/// The sum of every row, if it is the same for all.
fn row_sum(matrix: &MixingMatrix) -> Option<Rational> {
    let sum = |rank: u32| {
        let row = matrix.row(Rank(rank));
        row.in_weights.into_iter().map(|(_, weight)| weight).sum::<Rational>() + row.self_weight
    };
    let first = sum(0);
    let others = if let MixingMatrix::Cayley(_) = matrix { 1..1 } else { 1..matrix.size() };
    others.into_iter().all(|rank| sum(rank) == first).then_some(first)
}

/// Σ w_h cos(2πχ·h) for every character χ.
fn character_sums(matrix: &CayleyMatrix) -> Vec<f64> {
    let group = matrix.group();
    let exponent = group.radices().iter().fold(1u64, |all, &radix| all.lcm(&u64::from(radix)));
    let stretch: Vec<u64> = group.radices().iter().map(|&radix| exponent / u64::from(radix)).collect();
    let hops: Vec<(Vec<u64>, f64)> = matrix
        .hops()
        .iter()
        .map(|(hop, weight)| {
            let digits = group.digits(*hop).into_iter().zip(&stretch);
            (digits.map(|(digit, stretch)| u64::from(digit) * stretch % exponent).collect(), weight.to_f64())
        })
        .collect();
    let own = matrix.self_weight().to_f64();
    let sum = |character: u32| {
        let digits = group.digits(Rank(character));
        let turns = |steps: &[u64]| {
            let parts = digits.iter().zip(steps).map(|(digit, step)| u64::from(*digit) * step % exponent);
            parts.sum::<u64>() % exponent
        };
        hops.iter().fold(own, |sum, (steps, weight)| sum + weight * cosine(turns(steps), exponent))
    };
    (0..group.order()).map(sum).collect()
}

/// cos(2π p/q), for p < q < 2⁵⁹.
fn cosine(p: u64, q: u64) -> f64 {
    // In fourths of the unit, so that a half and a quarter of a turn are whole numbers.
    let (p, q) = (4 * p.min(q - p), 4 * q);
    let (p, sign) = if 4 * p > q { (q / 2 - p, -1.0) } else { (p, 1.0) };
    let angle = |p: u64| 2.0 * std::f64::consts::PI * (p as f64 / q as f64);
    let (first, x, from) =
        if 8 * p > q { (angle(q / 4 - p), angle(q / 4 - p), 1) } else { (1.0, angle(p), 0) };
    let (mut term, mut sum) = (first, 0.0);
    for k in 0..12 {
        sum += term;
        let next = (2 * k + from) as f64;
        term *= -x * x / ((next + 1.0) * (next + 2.0));
    }
    sign * sum
}

fn dense(matrix: &MixingMatrix) -> Vec<Vec<f64>> {
    let size = matrix.size() as usize;
    let row = |rank: u32| {
        let row = matrix.row(Rank(rank));
        let mut entries = vec![0.0; size];
        row.in_weights.iter().for_each(|(source, weight)| entries[source.index()] = weight.to_f64());
        entries[rank as usize] = row.self_weight.to_f64();
        entries
    };
    (0..matrix.size()).map(row).collect()
}

/// A symmetric matrix with entries on the diagonal and beside it only.
struct Tridiagonal {
    diagonal: Vec<f64>,
    /// Squares of the entries beside it.
    squares: Vec<f64>,
}

/// A symmetric matrix with the same eigenvalues.
fn tridiagonal(mut a: Vec<Vec<f64>>) -> Tridiagonal {
    let n = a.len();
    let mut squares = Vec::with_capacity(n);
    for k in 0..n.saturating_sub(1) {
        // The reflection that takes column k below the diagonal to its first entry.
        let mut v: Vec<f64> = a[k + 1..].iter().map(|row| row[k]).collect();
        let square: f64 = v.iter().map(|x| x * x).sum();
        squares.push(square);
        v[0] += if v[0] < 0.0 { -square.sqrt() } else { square.sqrt() };
        let norm: f64 = v.iter().map(|x| x * x).sum();
        if norm > 0.0 {
            reflect(&mut a, k + 1, &v, 2.0 / norm);
        }
    }
    Tridiagonal { diagonal: (0..n).map(|k| a[k][k]).collect(), squares }
}

/// A ← H A H on the rows and columns from `start` on, H = 1 − factor · v vᵀ.
fn reflect(a: &mut [Vec<f64>], start: usize, v: &[f64], factor: f64) {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let mut p: Vec<f64> = a[start..].iter().map(|row| factor * dot(&row[start..], v)).collect();
    let shift = factor / 2.0 * dot(&p, v);
    p.iter_mut().zip(v).for_each(|(p, v)| *p -= shift * v);
    for (i, row) in a[start..].iter_mut().enumerate() {
        let entries = row[start..].iter_mut().zip(v.iter().zip(&p));
        entries.for_each(|(entry, (vj, pj))| *entry -= v[i] * pj + p[i] * vj);
    }
}

impl Tridiagonal {
    /// The eigenvalues, those nearer than the last bits only once.
    fn eigenvalues(&self) -> Vec<f64> {
        let bound = |k: usize| {
            let beside = |k: usize| self.squares.get(k).map_or(0.0, |square| square.sqrt());
            self.diagonal[k].abs() + beside(k) + if k > 0 { beside(k - 1) } else { 0.0 }
        };
        let most = (0..self.diagonal.len()).map(bound).fold(0.0, f64::max) * 1.000001 + 1e-300;
        let mut found = Vec::new();
        let mut open = vec![(-most, 0, most, self.diagonal.len())];
        while let Some((low, below, high, until)) = open.pop() {
            let middle = low + (high - low) / 2.0;
            if below == until {
            } else if high - low <= most * 1e-15 || middle <= low || middle >= high {
                found.push(middle);
            } else {
                let count = self.count_below(middle).clamp(below, until);
                open.extend([(low, below, middle, count), (middle, count, high, until)]);
            }
        }
        found
    }

    /// The number of eigenvalues below x: of negative pivots of T − x.
    fn count_below(&self, x: f64) -> usize {
        let (mut count, mut pivot) = (0, 1.0f64);
        for (k, diagonal) in self.diagonal.iter().enumerate() {
            let square = if k > 0 { self.squares[k - 1] } else { 0.0 };
            pivot = diagonal - x - square / pivot;
            if pivot.abs() < 1e-290 {
                pivot = -1e-290;
            }
            count += usize::from(pivot < 0.0);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_agree_with_the_machine() {
        for q in [1u64, 2, 3, 5, 8, 12, 97, 1000] {
            for p in 0..q {
                let expected = (2.0 * std::f64::consts::PI * p as f64 / q as f64).cos();
                assert!((cosine(p, q) - expected).abs() < 1e-15, "{p}/{q}");
            }
        }
    }

    #[test]
    fn a_path_has_cosines() {
        let n = 40;
        let entry = |i: usize, j: usize| if i.abs_diff(j) == 1 { 1.0 } else { 0.0 };
        let path = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        let mut values = tridiagonal(path).eigenvalues();
        values.sort_by(f64::total_cmp);
        assert_eq!(values.len(), n);
        for (k, value) in (1..).zip(values.iter().rev()) {
            let expected = 2.0 * (std::f64::consts::PI * k as f64 / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-14, "{k}: {value}");
        }
    }
}
