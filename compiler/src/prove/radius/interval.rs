//! One symmetric matrix, whatever its eigenvalues are: whether a block is stable at every real eigenvalue of an interval
//! that contains them, exactly.
//!
//! The conditions of Schur and Cohn on the s × s matrix are polynomials in the eigenvalue λ with rational
//! coefficients; Sturm's theorem counts their zeros in the interval. They may vanish at 1 (agreement is kept) and at
//! −1, where no eigenvalue of a contracting matrix lies.

use super::Block;
use bfc_schedule::Rational;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

/// The highest degree of a polynomial that is followed.
const DEGREE: usize = 48;

/// Bits of all coefficients of a polynomial together that are followed.
const BITS: u64 = 1 << 16;

/// A polynomial in λ over ℚ, constant term first, without leading zeros.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Poly(Vec<BigRational>);

impl Poly {
    pub(super) fn new(mut coefficients: Vec<BigRational>) -> Self {
        while coefficients.last().is_some_and(Zero::is_zero) {
            coefficients.pop();
        }
        Self(coefficients)
    }

    fn constant(value: BigRational) -> Self {
        Self::new(vec![value])
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn plus(&self, other: &Self, factor: &BigRational) -> Self {
        let length = self.0.len().max(other.0.len());
        let at = |p: &Self, k: usize| p.0.get(k).cloned().unwrap_or_else(BigRational::zero);
        Self::new((0..length).map(|k| at(self, k) + at(other, k) * factor).collect())
    }

    fn minus(&self, other: &Self) -> Self {
        self.plus(other, &-BigRational::one())
    }

    fn times(&self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Self(vec![]);
        }
        let mut product = vec![BigRational::zero(); self.0.len() + other.0.len() - 1];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[i + j] += a * b;
            }
        }
        Self::new(product)
    }

    fn at(&self, x: &BigRational) -> BigRational {
        self.0.iter().rev().fold(BigRational::zero(), |sum, c| sum * x + c)
    }

    pub(super) fn derivative(&self) -> Self {
        Self::new((1..self.0.len()).map(|k| &self.0[k] * BigRational::from_integer(k.into())).collect())
    }

    /// Quotient and remainder; the divisor is not zero.
    fn divide(&self, divisor: &Self) -> (Self, Self) {
        let mut rest = self.0.clone();
        let mut quotient = vec![BigRational::zero(); self.0.len().saturating_sub(divisor.0.len() - 1)];
        for shift in (0..quotient.len()).rev() {
            let factor = &rest[shift + divisor.0.len() - 1] / &divisor.0[divisor.0.len() - 1];
            divisor.0.iter().enumerate().for_each(|(k, c)| rest[shift + k] -= &factor * c);
            quotient[shift] = factor;
        }
        (Self::new(quotient), Self::new(rest))
    }

    /// Constant term first.
    pub(super) fn coefficients(&self) -> &[BigRational] {
        &self.0
    }

    /// The monic polynomial of the roots that both have, as often as both have them.
    pub(super) fn gcd(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.clone(), other.clone());
        while !b.is_zero() {
            (a, b) = (b.clone(), a.divide(&b).1);
        }
        match a.0.last().map(BigRational::recip) {
            Some(scale) => Self::new(a.0.iter().map(|c| c * &scale).collect()),
            None => a,
        }
    }

    /// Without its zeros at `x`, and how many there were.
    fn without_root(&self, x: &BigRational) -> (Self, u32) {
        let linear = Self::new(vec![-x.clone(), BigRational::one()]);
        let (mut reduced, mut multiplicity) = (self.clone(), 0);
        while !reduced.is_zero() && reduced.at(x).is_zero() {
            reduced = reduced.divide(&linear).0;
            multiplicity += 1;
        }
        (reduced, multiplicity)
    }

    /// Changes of sign along Sturm's chain at `x`.
    fn sign_changes(chain: &[Self], x: &BigRational) -> usize {
        let signs: Vec<bool> = chain
            .iter()
            .map(|p| p.at(x))
            .filter(|value| !value.is_zero())
            .map(|value| value.is_positive())
            .collect();
        signs.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    /// Whether it is moderate to go on with.
    fn is_moderate(&self) -> bool {
        let bits = self.0.iter().map(|c| c.numer().bits() + c.denom().bits()).sum::<u64>();
        self.0.len() <= DEGREE && bits <= BITS
    }

    /// Whether the polynomial is positive at every x with low < x < high; `None` where Sturm's chain grows too large.
    fn is_positive_between(&self, low: &BigRational, high: &BigRational) -> Option<bool> {
        let (inner, _) = self.without_root(low);
        let (inner, odd) = inner.without_root(high);
        if inner.is_zero() {
            return Some(false);
        }
        let mut chain = vec![inner.clone(), inner.derivative()];
        while let [.., before, last] = chain.as_slice()
            && !last.is_zero()
        {
            let remainder = before.divide(last).1;
            if !remainder.is_moderate() {
                return None;
            }
            chain.push(Self(vec![]).minus(&remainder));
        }
        chain.pop();
        let roots = Self::sign_changes(&chain, low) - Self::sign_changes(&chain, high);
        // A factor (x − high) is negative inside, (x − low) positive.
        let positive = inner.at(low).is_positive() != (odd % 2 == 1);
        Some(roots == 0 && positive)
    }
}

/// Whether the radius of the block is below 1 at every eigenvalue λ with low < λ < 1, or low ≤ λ < 1 where `closed`.
/// `None` where the polynomials grow too large.
pub(super) fn is_stable_between(block: &Block, low: &Rational, closed: bool) -> Option<bool> {
    let (low, one) = (&low.to_big(), BigRational::one());
    for condition in conditions(block)? {
        let inside = condition.is_positive_between(low, &one)?;
        if !inside || closed && !condition.at(low).is_positive() {
            return Some(false);
        }
    }
    Some(true)
}

/// Polynomials in λ that are all positive exactly where all eigenvalues lie inside the unit circle.
fn conditions(block: &Block) -> Option<Vec<Poly>> {
    let mut p = characteristic_polynomial(&period(block)?, block.size())?;
    let mut conditions = vec![];
    while p.len() > 1 {
        let (first, last) = (p[0].clone(), p[p.len() - 1].clone());
        conditions.push(last.times(&last).minus(&first.times(&first)));
        let reduced = p.iter().zip(p.iter().rev()).skip(1);
        p = reduced.map(|(a, b)| last.times(a).minus(&first.times(b))).collect();
        if !p.iter().all(Poly::is_moderate) {
            return None;
        }
    }
    Some(conditions)
}

/// The product over the joint period, λ in place of the one matrix.
fn period(block: &Block) -> Option<Vec<Poly>> {
    let s = block.size();
    let mut product: Option<Vec<Poly>> = None;
    for &(variant, _) in &block.steps {
        let step: Vec<Poly> = block.variants[variant]
            .iter()
            .map(|polynomial| {
                polynomial.terms.iter().fold(Poly(vec![]), |sum, (word, coefficient)| {
                    let mut power = vec![BigRational::zero(); word.len()];
                    power.push(BigRational::one());
                    sum.plus(&Poly(power), &coefficient.to_big())
                })
            })
            .collect();
        let next = product.map_or_else(|| step.clone(), |product| times(&step, &product, s));
        if !next.iter().all(Poly::is_moderate) {
            return None;
        }
        product = Some(next);
    }
    product
}

fn times(a: &[Poly], b: &[Poly], s: usize) -> Vec<Poly> {
    let entry = |k: usize| {
        (0..s).fold(Poly(vec![]), |sum, m| {
            sum.plus(&a[k / s * s + m].times(&b[m * s + k % s]), &BigRational::one())
        })
    };
    (0..s * s).map(entry).collect()
}

/// Coefficients of det(z − M) (Faddeev and LeVerrier).
fn characteristic_polynomial(m: &[Poly], s: usize) -> Option<Vec<Poly>> {
    let mut coefficients = vec![Poly::constant(BigRational::one()); s + 1];
    let mut product = vec![Poly(vec![]); s * s];
    for k in 1..=s {
        (0..s).for_each(|i| {
            product[i * s + i] = product[i * s + i].plus(&coefficients[s - k + 1], &BigRational::one())
        });
        product = times(m, &product, s);
        if !product.iter().all(Poly::is_moderate) {
            return None;
        }
        let trace = (0..s).fold(Poly(vec![]), |sum, i| sum.plus(&product[i * s + i], &BigRational::one()));
        coefficients[s - k] = Poly(vec![]).plus(&trace, &-BigRational::new(1.into(), k.into()));
    }
    Some(coefficients)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(p: i64, q: i64) -> BigRational {
        BigRational::new(p.into(), q.into())
    }

    fn roots(list: &[(i64, i64)]) -> Poly {
        let factor = |&(p, q): &(i64, i64)| Poly(vec![number(-p, q), number(1, 1)]);
        list.iter().map(factor).fold(Poly::constant(number(1, 1)), |product, f| product.times(&f))
    }

    #[test]
    fn zeros_inside_are_found() {
        let (low, high) = (number(-1, 1), number(1, 1));
        let positive = |roots: Poly| roots.is_positive_between(&low, &high).expect("is moderate");
        assert!(positive(roots(&[(-1, 1), (-1, 1), (2, 1), (3, 1)])));
        assert!(!positive(roots(&[(2, 1)])));
        assert!(positive(roots(&[(1, 1), (2, 1)])));
        assert!(!positive(roots(&[(1, 1)])));
        assert!(!positive(roots(&[(1, 3), (1, 3)])));
        assert!(!positive(roots(&[(999, 1000), (1, 1)])));
        assert!(!positive(Poly(vec![])));
    }
}
