//! Exact verdicts: whether all eigenvalues of a small matrix over ℚ(i) lie inside the unit circle.

use num_rational::BigRational;
use num_traits::{One, Zero};
use std::ops::{Add, Mul, Sub};

/// a + b i, a and b rational.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gaussian {
    pub(super) re: BigRational,
    pub(super) im: BigRational,
}

impl Gaussian {
    pub(super) fn real(re: BigRational) -> Self {
        Self { re, im: BigRational::zero() }
    }

    pub(super) fn zero() -> Self {
        Self::real(BigRational::zero())
    }

    pub(super) fn one() -> Self {
        Self::real(BigRational::one())
    }

    fn conjugate(&self) -> Self {
        Self { re: self.re.clone(), im: -self.im.clone() }
    }

    fn square_modulus(&self) -> BigRational {
        &self.re * &self.re + &self.im * &self.im
    }

    pub(super) fn scaled(&self, factor: &BigRational) -> Self {
        match () {
            _ if factor.is_zero() => Self::zero(),
            _ if factor.is_one() => self.clone(),
            _ if self.is_real() => Self::real(&self.re * factor),
            _ => Self { re: &self.re * factor, im: &self.im * factor },
        }
    }

    fn is_real(&self) -> bool {
        self.im.is_zero()
    }

    fn is_zero(&self) -> bool {
        self.re.is_zero() && self.im.is_zero()
    }

    fn bits(&self) -> u64 {
        [&self.re, &self.im].iter().map(|x| x.numer().bits() + x.denom().bits()).sum()
    }
}

impl Add for &Gaussian {
    type Output = Gaussian;
    fn add(self, other: Self) -> Gaussian {
        Gaussian { re: &self.re + &other.re, im: &self.im + &other.im }
    }
}

impl Sub for &Gaussian {
    type Output = Gaussian;
    fn sub(self, other: Self) -> Gaussian {
        Gaussian { re: &self.re - &other.re, im: &self.im - &other.im }
    }
}

impl Mul for &Gaussian {
    type Output = Gaussian;
    /// Most entries of the matrices here are 0, 1 or real: products reduce to lowest terms, which takes time.
    fn mul(self, other: Self) -> Gaussian {
        match (self.is_real(), other.is_real()) {
            (true, _) if self.re.is_zero() || self.re.is_one() => other.scaled(&self.re),
            (_, true) => self.scaled(&other.re),
            (true, _) => other.scaled(&self.re),
            _ => Gaussian {
                re: &self.re * &other.re - &self.im * &other.im,
                im: &self.re * &other.im + &self.im * &other.re,
            },
        }
    }
}

/// A square matrix, by rows.
#[derive(Clone, Debug)]
pub(super) struct ExactMatrix {
    pub(super) size: usize,
    pub(super) entries: Vec<Gaussian>,
}

impl ExactMatrix {
    pub(super) fn identity(size: usize) -> Self {
        let entry = |k: usize| if k.is_multiple_of(size + 1) { Gaussian::one() } else { Gaussian::zero() };
        Self { size, entries: (0..size * size).map(entry).collect() }
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let n = self.size;
        let entry = |k: usize| {
            let products = (0..n).map(|m| &self.entries[k / n * n + m] * &other.entries[m * n + k % n]);
            let products = products.filter(|product| !product.is_zero());
            products.reduce(|sum, product| &sum + &product).unwrap_or_else(Gaussian::zero)
        };
        Self { size: n, entries: (0..n * n).map(entry).collect() }
    }

    /// The size of the largest entry, in bits.
    pub(super) fn bits(&self) -> u64 {
        self.entries.iter().map(Gaussian::bits).max().unwrap_or(0)
    }

    /// Coefficients of det(z − M), constant term first (Faddeev and LeVerrier).
    fn characteristic_polynomial(&self) -> Vec<Gaussian> {
        let n = self.size;
        let mut coefficients = vec![Gaussian::zero(); n + 1];
        coefficients[n] = Gaussian::one();
        let mut auxiliary = Self { size: n, entries: vec![Gaussian::zero(); n * n] };
        for k in 1..=n {
            auxiliary = self.times(&auxiliary);
            (0..n).for_each(|i| {
                auxiliary.entries[i * n + i] = &auxiliary.entries[i * n + i] + &coefficients[n - k + 1]
            });
            let product = self.times(&auxiliary);
            let trace = (0..n).fold(Gaussian::zero(), |sum, i| &sum + &product.entries[i * n + i]);
            coefficients[n - k] = trace.scaled(&-BigRational::new(1.into(), (k as u64).into()));
        }
        coefficients
    }

    /// Whether all eigenvalues lie inside the unit circle.
    pub(super) fn is_contraction(&self) -> bool {
        is_inside(self.characteristic_polynomial())
    }
}

/// Whether all roots of a monic polynomial, constant term first, lie inside the unit circle (Schur, 1917; Cohn, 1922): p
/// has all its roots inside if and only if |p₀| < 1 and (p − p₀ p*) / z has, p* being p reversed and conjugated. Made monic
/// at each step, its coefficients are quotients of determinants of the first, and do not double in length.
pub(super) fn is_inside(mut p: Vec<Gaussian>) -> bool {
    let one = BigRational::one();
    while p.len() > 1 {
        let first = p[0].clone();
        let lead = &one - first.square_modulus();
        if lead <= BigRational::zero() {
            return false;
        }
        let scale = lead.recip();
        let reversed = p.iter().rev().map(Gaussian::conjugate);
        let reduced = p.iter().zip(reversed).skip(1);
        p = reduced.map(|(a, b)| (a - &(&first * &b)).scaled(&scale)).collect();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(size: usize, entries: &[(i64, i64)]) -> ExactMatrix {
        let entry = |&(p, q): &(i64, i64)| Gaussian::real(BigRational::new(p.into(), q.into()));
        ExactMatrix { size, entries: entries.iter().map(entry).collect() }
    }

    #[test]
    fn the_margin_is_outside() {
        assert!(matrix(1, &[(99, 100)]).is_contraction());
        assert!(!matrix(1, &[(-1, 1)]).is_contraction());
        // z² − 2λz + λ is marginal at λ = −1/3 and stable above.
        let companion = |p: i64, q: i64| matrix(2, &[(2 * p, q), (-p, q), (1, 1), (0, 1)]);
        assert!(!companion(-1, 3).is_contraction());
        assert!(companion(-333, 1000).is_contraction());
        assert!(!companion(-334, 1000).is_contraction());
        assert!(companion(99, 100).is_contraction());
        // A nilpotent matrix, and a rotation by a quarter turn.
        assert!(
            matrix(3, &[(0, 1), (5, 1), (7, 1), (0, 1), (0, 1), (9, 1), (0, 1), (0, 1), (0, 1)])
                .is_contraction()
        );
        assert!(!matrix(2, &[(0, 1), (-1, 1), (1, 1), (0, 1)]).is_contraction());
    }
}
