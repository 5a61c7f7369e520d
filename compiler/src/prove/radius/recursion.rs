//! A small linear recursion of numbers: its radius over a period, and whether it grows from where it starts.

use super::ball::{Ball, BallNumber};
use super::gaussian::{ExactMatrix, Gaussian, is_inside};
use super::interval::Poly;
use super::{BITS, BUDGET};
use bfc_schedule::Rational;
use num_rational::BigRational;
use num_traits::{One, Zero};

/// States whose orbit is followed exactly.
const ORBIT: usize = 16;

/// The product of the matrices of a period, exact.
pub(in crate::prove) struct Recursion(ExactMatrix);

impl Recursion {
    /// The product of matrices by rows, the first applied first; `None` where it grows too large to follow.
    pub(in crate::prove) fn new(size: usize, steps: impl Iterator<Item = Vec<Rational>>) -> Option<Self> {
        let mut product = ExactMatrix::identity(size);
        for (count, step) in (1..).zip(steps) {
            let entries = step.iter().map(|entry| Gaussian::real(entry.to_big())).collect();
            product = ExactMatrix { size, entries }.times(&product);
            if product.bits() > BITS || count * (size as u64).pow(3) > BUDGET {
                return None;
            }
        }
        Some(Self(product))
    }

    /// The radius, as an estimate.
    pub(in crate::prove) fn radius(&self) -> f64 {
        let number = |entry: &Gaussian| BallNumber::exact(Rational::from(entry.re.clone()).to_f64());
        let entries: Vec<BallNumber> = self.0.entries.iter().map(number).collect();
        if entries.is_empty() { 0.0 } else { Ball::new(self.0.size, &entries).radius() }
    }

    /// Whether what starts at one of these vectors grows without bound, the radius being at most 1.
    ///
    /// The polynomial of least degree that the recursion fulfils from there on has the eigenvalues that take part as its
    /// roots. On the unit circle a root of its own only turns what it belongs to; a repeated one makes it grow.
    pub(in crate::prove) fn grows_from(&self, starts: &[Vec<Rational>]) -> bool {
        let repeated = |start: &Vec<Rational>| {
            let polynomial = self.minimal_polynomial(start.iter().map(|x| x.to_big()).collect());
            let common = polynomial.gcd(&polynomial.derivative());
            !is_inside(common.coefficients().iter().map(|c| Gaussian::real(c.clone())).collect())
        };
        self.0.size <= ORBIT && starts.iter().any(repeated)
    }

    /// The monic polynomial p of least degree with p(M) v = 0.
    fn minimal_polynomial(&self, start: Vec<BigRational>) -> Poly {
        // Vectors of the orbit, reduced, each with its pivot and the polynomial p that makes it p(M) v.
        let mut basis: Vec<(usize, Vec<BigRational>, Poly)> = vec![];
        let mut orbit = start;
        for power in 0.. {
            let mut coefficients = vec![BigRational::zero(); power];
            coefficients.push(BigRational::one());
            let (mut vector, mut polynomial) = (orbit.clone(), Poly::new(coefficients));
            for (pivot, known, of_known) in &basis {
                let factor = -(&vector[*pivot] / &known[*pivot]);
                vector.iter_mut().zip(known).for_each(|(x, y)| *x += &factor * y);
                polynomial = polynomial.plus(of_known, &factor);
            }
            match vector.iter().position(|x| !x.is_zero()) {
                Some(pivot) => basis.push((pivot, vector, polynomial)),
                None => return polynomial,
            }
            orbit = self.times(&orbit);
        }
        Poly::new(vec![])
    }

    fn times(&self, vector: &[BigRational]) -> Vec<BigRational> {
        let rows = self.0.entries.chunks(self.0.size.max(1));
        rows.map(|row| {
            row.iter().zip(vector).fold(BigRational::zero(), |sum, (entry, x)| sum + &entry.re * x)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grows(size: usize, matrix: &[i64], start: &[i64]) -> bool {
        let numbers = |list: &[i64]| list.iter().map(|x| Rational::integer(*x)).collect::<Vec<_>>();
        let recursion = Recursion::new(size, std::iter::once(numbers(matrix))).expect("small");
        recursion.grows_from(&[numbers(start)])
    }

    #[test]
    fn a_repeated_eigenvalue_grows_only_where_the_start_takes_part() {
        // x' = 2x − past, past' = x: a line through the first two values.
        assert!(!grows(2, &[2, -1, 1, 0], &[1, 1]));
        assert!(grows(2, &[2, -1, 1, 0], &[1, 0]));
        // The identity, a swap of signs, a count that adds up, and nothing at all.
        assert!(!grows(2, &[1, 0, 0, 1], &[3, 4]));
        assert!(!grows(2, &[0, -1, 1, 0], &[3, 4]));
        assert!(grows(2, &[-1, 1, 0, -1], &[0, 1]));
        assert!(!grows(2, &[-1, 1, 0, -1], &[1, 0]));
        assert!(!grows(2, &[0, 1, 0, 0], &[0, 1]));
        assert!(!grows(0, &[], &[]));
    }
}
