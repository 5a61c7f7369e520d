//! PowerGossip (Vogels, Karimireddy and Jaggi, "Practical low-rank communication compression in decentralized deep
//! learning", 2020): the difference of two neighbours' matrices along directions that both know.
//!
//! The ends i > j of an edge keep the same factor P. Each projects its matrix on it, q_i = X_iᵀ orth(P), and sends that; both
//! take Q = q_i − q_j, move by ∓ w orth(P) Qᵀ, and keep Q as the next factor, for projections from the other side: a power
//! iteration on the difference. Where the ends agree, orth(P) is filled up with directions that are drawn alike.
//!
//! A factor is its side (0 for the rows of the matrix, 1 for its columns), then its columns, each with room for the longer
//! side.

use super::thin::{Columns, Matrix, each_of_product, orthonormal};
use crate::element::Element;
use bfc_schedule::compression::Sizes;
use bfc_schedule::random::unit;

/// The first factor of an edge: directions of the rows, drawn alike at both ends.
pub(crate) fn start<T: Element>(factor: &mut [T]) {
    factor[0] = T::default();
    for (key, value) in factor[1..].iter_mut().enumerate() {
        *value = T::from_f64(unit(0, key as u64) - 0.5);
    }
}

/// The matrix times the factor, from its side.
pub(crate) fn project<T: Element>(sizes: Sizes, x: &[T], factor: &[T], into: &mut [T]) {
    let matrix = Matrix { sizes, x };
    let across = is_across(factor);
    let basis = basis(factor, sizes);
    let products = if across { matrix.times(&basis) } else { matrix.transposed_times(&basis) };
    into.fill(T::default());
    into[0] = if across { T::default() } else { T::from_f64(1.0) };
    for (product, into) in products.iter().zip(into[1..].chunks_exact_mut(sizes.longer_side())) {
        into.iter_mut().zip(product).for_each(|(into, value)| *into = T::from_f64(*value));
    }
}

/// What the end with the higher rank has found less what the other has.
pub(crate) fn difference<T: Element>(mine_is_higher: bool, [mine, theirs]: [&[T]; 2], into: &mut [T]) {
    let (high, low) = if mine_is_higher { (mine, theirs) } else { (theirs, mine) };
    for ((into, high), low) in into.iter_mut().zip(high).zip(low) {
        *into = *high - *low;
    }
    into[0] = mine[0];
}

/// `x` less the weighted difference along the factor.
pub(crate) fn correct<T: Element>(sizes: Sizes, weight: f64, [factor, difference]: [&[T]; 2], x: &mut [T]) {
    let basis = basis(factor, sizes);
    let difference = columns(difference, sizes);
    let (left, right) = if is_across(factor) { (&difference, &basis) } else { (&basis, &difference) };
    each_of_product(x, sizes, left, right, |x, along| *x = *x - T::from_f64(weight * along));
}

/// Whether the factor is one of the matrix's columns.
fn is_across<T: Element>(factor: &[T]) -> bool {
    factor[0] != T::default()
}

/// A factor's columns, as high as its side is.
fn columns<T: Element>(factor: &[T], sizes: Sizes) -> Columns {
    let height = if is_across(factor) { sizes.columns } else { sizes.rows };
    let columns = factor[1..].chunks_exact(sizes.longer_side());
    columns.map(|column| column[..height].iter().map(|p| p.to_f64()).collect()).collect()
}

/// The orthonormal directions of a factor, filled up with drawn ones.
fn basis<T: Element>(factor: &[T], sizes: Sizes) -> Columns {
    let mut basis = Columns::new();
    for (k, own) in columns(factor, sizes).into_iter().enumerate() {
        let height = own.len();
        let drawn = |attempt: usize| {
            let key = |index: usize| (((attempt * sizes.rank + k) as u64) << 32) + index as u64;
            (0..height).map(|index| unit(1, key(index)) - 0.5).collect()
        };
        let mut candidates = std::iter::once(own).chain((0..4).map(drawn));
        basis.extend(candidates.find_map(|candidate| orthonormal(candidate, &basis)));
    }
    basis
}
