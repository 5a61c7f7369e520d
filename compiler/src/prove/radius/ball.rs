//! Verdicts on small complex matrices that are known up to an error: whether their spectral radius is below 1.
//!
//! The test of Schur and Cohn on the characteristic polynomial, every number with a bound on its error. Powers of the
//! matrix would do where it is nearly normal; near a defective matrix of radius almost 1, as corrections make them on
//! long rings, powers grow before they shrink and lose all digits.

use crate::spectrum::dense::gamma;
use bfc_algebra::{Mat, c64};

/// Products and quotients below the range of `f64` lose at most this, far less.
pub(super) const UNDERFLOW: f64 = 1e-300;

/// Norms lose at most this, since squares of entries below it vanish.
const NORM_UNDERFLOW: f64 = 1e-150;

/// A number and a bound on its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BallNumber {
    pub(super) value: c64,
    pub(super) error: f64,
}

impl BallNumber {
    pub(super) fn exact(value: f64) -> Self {
        Self { value: c64::new(value, 0.0), error: 0.0 }
    }

    pub(super) fn times(self, other: Self) -> Self {
        let (a, b) = (modulus(self.value), modulus(other.value));
        let error =
            a * other.error + b * self.error + self.error * other.error + gamma(4) * a * b + UNDERFLOW;
        Self { value: self.value * other.value, error: error * (1.0 + 1e-14) }
    }

    fn conjugate(self) -> Self {
        Self { value: c64::new(self.value.re, -self.value.im), error: self.error }
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self { value: -other.value, error: other.error })
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let value = self.value + other.value;
        Self { value, error: (self.error + other.error + gamma(1) * modulus(value)) * (1.0 + 1e-14) }
    }

    /// Times a rational that was rounded to `factor`.
    pub(super) fn scaled(self, factor: f64) -> Self {
        self.times(Self { value: c64::new(factor, 0.0), error: gamma(1) * factor.abs() + UNDERFLOW })
    }
}

/// |z|.
pub(super) fn modulus(z: c64) -> f64 {
    z.re.hypot(z.im)
}

/// A small square matrix, by rows, and a bound on its error in the Frobenius norm.
#[derive(Clone, Debug)]
pub(super) struct Ball {
    size: usize,
    entries: Vec<c64>,
    error: f64,
}

/// What was found of a spectral radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finding {
    /// Below 1.
    Below,
    /// 1 or above.
    NotBelow,
    /// Too close to 1.
    Open,
}

impl Ball {
    pub(super) fn identity(size: usize) -> Self {
        let one = |k: usize| c64::new(if k.is_multiple_of(size + 1) { 1.0 } else { 0.0 }, 0.0);
        Self { size, entries: (0..size * size).map(one).collect(), error: 0.0 }
    }

    pub(super) fn new(size: usize, entries: &[BallNumber]) -> Self {
        let error = entries.iter().map(|entry| entry.error * entry.error).sum::<f64>().sqrt() * (1.0 + 1e-14)
            + NORM_UNDERFLOW;
        Self { size, entries: entries.iter().map(|entry| entry.value).collect(), error }
    }

    /// An upper bound on the Frobenius norm of the computed matrix.
    fn norm(&self) -> f64 {
        self.entries.iter().map(|z| z.re * z.re + z.im * z.im).sum::<f64>().sqrt() * (1.0 + 1e-14)
            + NORM_UNDERFLOW
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let n = self.size;
        let mut entries = vec![c64::new(0.0, 0.0); n * n];
        for (k, entry) in entries.iter_mut().enumerate() {
            for m in 0..n {
                *entry += self.entries[k / n * n + m] * other.entries[m * n + k % n];
            }
        }
        let (a, b) = (self.norm(), other.norm());
        let error = a * other.error
            + b * self.error
            + self.error * other.error
            + gamma(2 * n + 4) * a * b
            + UNDERFLOW;
        Self { size: n, entries, error: error * (1.0 + 1e-14) }
    }

    /// The quotient of groups of `width` coordinates by what is the same in each group, where the matrix keeps that: rows less
    /// the last row of their group, without the last column of each.
    pub(super) fn differences(&self, width: usize) -> Self {
        let kept: Vec<usize> = (0..self.size).filter(|at| at % width != width - 1).collect();
        let number =
            |i: usize, j: usize| BallNumber { value: self.entries[i * self.size + j], error: self.error };
        let last = |i: usize| i / width * width + width - 1;
        let entry = |i: usize, j: usize| number(i, j).minus(number(last(i), j));
        let entries: Vec<BallNumber> =
            kept.iter().flat_map(|&i| kept.iter().map(move |&j| entry(i, j))).collect();
        Self::new(kept.len(), &entries)
    }

    /// Whether the spectral radius of every matrix within the error is below 1, or of every one is not.
    ///
    /// A polynomial p of degree d has all its roots inside the unit circle if and only if |p₀| < |p_d| and
    /// (p̄_d p − p₀ p*) / z has, p* being p reversed and conjugated (Schur, 1917; Cohn, 1922).
    pub(super) fn decide(&self) -> Finding {
        let mut p = self.characteristic_polynomial();
        if exceeds_binomials(&p) {
            return Finding::NotBelow;
        }
        while let [first, .., last] = p[..] {
            let (below, above) = (modulus(first.value), modulus(last.value));
            let inside = below + first.error < (above - last.error) * (1.0 - 1e-14);
            if !inside {
                let outside = below - first.error >= (above + last.error) * (1.0 + 1e-14);
                return if outside { Finding::NotBelow } else { Finding::Open };
            }
            let reduced = p.iter().zip(p.iter().rev()).skip(1);
            p = reduced.map(|(a, b)| last.conjugate().times(*a).minus(first.times(b.conjugate()))).collect();
        }
        Finding::Below
    }

    /// Coefficients of det(z − M), constant term first (Faddeev and LeVerrier).
    fn characteristic_polynomial(&self) -> Vec<BallNumber> {
        let n = self.size;
        let entry = |i: usize, m: usize| BallNumber { value: self.entries[i * n + m], error: self.error };
        let mut coefficients = vec![BallNumber::exact(1.0); n + 1];
        let mut auxiliary = vec![BallNumber::exact(0.0); n * n];
        // The product of M and the auxiliary matrix of the step before.
        let mut product = auxiliary.clone();
        for k in 1..=n {
            auxiliary.clone_from(&product);
            (0..n).for_each(|i| auxiliary[i * n + i] = auxiliary[i * n + i].plus(coefficients[n - k + 1]));
            for (at, to) in product.iter_mut().enumerate() {
                let terms = (0..n).map(|m| entry(at / n, m).times(auxiliary[m * n + at % n]));
                *to = terms.fold(BallNumber::exact(0.0), BallNumber::plus);
            }
            let trace = (0..n).map(|i| product[i * n + i]).fold(BallNumber::exact(0.0), BallNumber::plus);
            coefficients[n - k] = trace.scaled(-1.0 / k as f64);
        }
        coefficients
    }

    /// The spectral radius, as an estimate.
    pub(super) fn radius(&self) -> f64 {
        match self.entries.as_slice() {
            [only] => modulus(*only),
            [a, b, c, d] => {
                let half = (a + d) * 0.5;
                let root = (half * half - (a * d - b * c)).sqrt();
                modulus(half + root).max(modulus(half - root))
            }
            _ => {
                let n = self.size;
                let matrix = Mat::from_fn(n, n, |i, j| self.entries[i * n + j]);
                let values = bfc_algebra::complex_eigenvalues(&matrix).unwrap_or_default();
                values.into_iter().map(modulus).fold(0.0, f64::max)
            }
        }
    }
}

/// Whether some coefficient of a monic polynomial is larger than that of (z + 1)ᵈ, which bounds those of all polynomials
/// with roots inside the unit circle.
fn exceeds_binomials(p: &[BallNumber]) -> bool {
    let degree = p.len() - 1;
    let mut binomial = 1.0;
    (0..degree).any(|k| {
        let exceeds = modulus(p[k].value) - p[k].error > binomial * (1.0 + 1e-12);
        binomial *= (degree - k) as f64 / (k + 1) as f64;
        exceeds
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ball(size: usize, entries: &[f64], error: f64) -> Ball {
        let entry = |value: &f64| BallNumber { value: c64::new(*value, 0.0), error };
        Ball::new(size, &entries.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn nearly_defective_matrices_are_decided() {
        let companion = |lambda: f64| ball(2, &[2.0 * lambda, -lambda, 1.0, 0.0], 1e-15);
        assert_eq!(companion(1.0 - 1e-6).decide(), Finding::Below);
        assert_eq!(companion(1.0 + 1e-6).decide(), Finding::NotBelow);
        assert_eq!(companion(1.0).decide(), Finding::Open);
        assert_eq!(companion(-1.0 / 3.0).decide(), Finding::Open);
        assert_eq!(companion(-0.33).decide(), Finding::Below);
    }

    proptest! {
        #[test]
        fn agrees_with_eigenvalues(size in 1usize..5, entries in prop::collection::vec(-1.2f64..1.2, 16)) {
            let ball = ball(size, &entries[..size * size], 1e-14);
            let radius = ball.radius();
            prop_assume!((radius - 1.0).abs() > 1e-6);
            prop_assert_eq!(ball.decide(), if radius < 1.0 { Finding::Below } else { Finding::NotBelow });
        }
    }
}
