//! Eigenvalues that are rational or Gaussian rational numbers, where an enclosure would leave a margin open.

use super::gaussian::Gaussian;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank};
use num_rational::BigRational;
use num_traits::Zero;

/// Ranks up to which a rational number is tested for being an eigenvalue of a table.
const ELIMINATION_LIMIT: u32 = 32;

/// The eigenvalue of a character where it is a rational or Gaussian rational number: where all its roots of unity are
/// of order 1, 2 or 4, or 3 and 6 with their imaginary parts cancelling.
pub(super) fn exact_eigenvalue(cayley: &CayleyMatrix, digits: &[u32]) -> Option<Gaussian> {
    let mut sum = Gaussian::real(cayley.self_weight().to_big());
    let mut half_roots_of_three = BigRational::zero();
    for (hop, weight) in cayley.hops() {
        let weight = &weight.to_big();
        // The angle in twelfths of a turn.
        let mut twelfths = BigRational::zero();
        for ((digit, element), radix) in
            digits.iter().zip(cayley.group().digits(*hop)).zip(cayley.group().radices())
        {
            twelfths += BigRational::new((12 * *digit as u64 * element as u64).into(), (*radix).into());
        }
        if !twelfths.is_integer() {
            return None;
        }
        let twelfth = num_integer::Integer::mod_floor(twelfths.numer(), &12.into());
        let half = || BigRational::new(1.into(), 2.into());
        let (cosine, sine, irrational) = match u8::try_from(twelfth).ok()? {
            0 => (1, 0, 0),
            3 => (0, 1, 0),
            6 => (-1, 0, 0),
            9 => (0, -1, 0),
            at @ (2 | 10) => {
                sum.re += weight * half();
                (0, 0, if at == 2 { 1 } else { -1 })
            }
            at @ (4 | 8) => {
                sum.re -= weight * half();
                (0, 0, if at == 4 { 1 } else { -1 })
            }
            _ => return None,
        };
        let times = |k: i32| weight * BigRational::from_integer(k.into());
        sum.re += times(cosine);
        sum.im += times(sine);
        half_roots_of_three += times(irrational);
    }
    half_roots_of_three.is_zero().then_some(sum)
}

/// A rational number of small denominator near `value` that is exactly an eigenvalue.
pub(super) fn exact_eigenvalue_near(phase: &MixingMatrix, value: f64) -> Option<BigRational> {
    if phase.size() > ELIMINATION_LIMIT {
        return None;
    }
    let denominator = (1u64..=256).find(|&q| (value * q as f64 - (value * q as f64).round()).abs() < 1e-9)?;
    let candidate =
        BigRational::new(((value * denominator as f64).round() as i64).into(), denominator.into());
    is_eigenvalue(phase, &candidate).then_some(candidate)
}

/// Whether W − λ is singular, by elimination.
fn is_eigenvalue(phase: &MixingMatrix, value: &BigRational) -> bool {
    let n = phase.size() as usize;
    let mut rows = vec![vec![BigRational::zero(); n]; n];
    for (i, line) in rows.iter_mut().enumerate() {
        let row = phase.row(Rank(i as u32));
        line[i] = row.self_weight.to_big() - value;
        row.in_weights.iter().for_each(|(j, weight)| line[j.index()] = weight.to_big());
    }
    for column in 0..n {
        let Some(pivot) = (column..n).find(|&i| !rows[i][column].is_zero()) else { return true };
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let pivot = &above[column];
        for row in below.iter_mut().filter(|row| !row[column].is_zero()) {
            let factor = &row[column] / &pivot[column];
            (column..n).for_each(|j| row[j] -= &factor * &pivot[j]);
        }
    }
    false
}
