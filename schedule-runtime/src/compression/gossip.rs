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
use crate::plan::Plan;
use bfc_schedule::Rank;
use bfc_schedule::compression::{LowRank, Sizes};
use bfc_schedule::random::unit;

/// The first factors: directions of the rows, drawn alike at both ends.
pub(crate) fn start<T: Element>(low_rank: LowRank, length: usize, into: &mut [T]) {
    for factor in into.chunks_exact_mut(low_rank.sizes(length).factor()) {
        factor[0] = T::default();
        for (key, value) in factor[1..].iter_mut().enumerate() {
            *value = T::from_f64(unit(0, key as u64) - 0.5);
        }
    }
}

/// For each edge the matrix times the factor, from its side.
pub(crate) fn project<T: Element>(low_rank: LowRank, x: &[T], factors: &[T], into: &mut [T]) {
    let sizes = low_rank.sizes(x.len());
    let matrix = Matrix { sizes, x };
    let factors = factors.chunks_exact(sizes.factor());
    for (factor, into) in factors.zip(into.chunks_exact_mut(sizes.factor())) {
        let across = is_across(factor);
        let basis = basis(factor, sizes);
        let products = if across { matrix.times(&basis) } else { matrix.transposed_times(&basis) };
        into.fill(T::default());
        into[0] = if across { T::default() } else { T::from_f64(1.0) };
        for (product, into) in products.iter().zip(into[1..].chunks_exact_mut(sizes.longer_side())) {
            into.iter_mut().zip(product).for_each(|(into, value)| *into = T::from_f64(*value));
        }
    }
}

/// What the end with the higher rank has found less what the other has.
pub(crate) fn difference<T: Element>(
    low_rank: LowRank,
    length: usize,
    ends: (Rank, &Plan<T>),
    [mine, theirs]: [&[T]; 2],
    into: &mut [T],
) {
    let factor = low_rank.sizes(length).factor();
    let pairs = mine.chunks_exact(factor).zip(theirs.chunks_exact(factor));
    for ((peer, into), (mine, theirs)) in ends.1.neighbours().zip(into.chunks_exact_mut(factor)).zip(pairs) {
        let (high, low) = if ends.0 > peer { (mine, theirs) } else { (theirs, mine) };
        for ((into, high), low) in into.iter_mut().zip(high).zip(low) {
            *into = *high - *low;
        }
        into[0] = mine[0];
    }
}

/// `x` less the weighted differences, as far as the factors contain them.
pub(crate) fn correct<T: Element>(
    low_rank: LowRank,
    x: &[T],
    ends: (Rank, &Plan<T>),
    [factors, differences]: [&[T]; 2],
    into: &mut [T],
) {
    let sizes = low_rank.sizes(x.len());
    into.copy_from_slice(x);
    let factors = factors.chunks_exact(sizes.factor()).zip(differences.chunks_exact(sizes.factor()));
    let received = ends.1.actions.iter().filter_map(|action| action.receive);
    for ((peer, weight), (factor, difference)) in received.zip(factors) {
        let basis = basis(factor, sizes);
        let difference = columns(difference, sizes);
        let (left, right) = if is_across(factor) { (&difference, &basis) } else { (&basis, &difference) };
        let weight = weight.vector.to_f64() * if ends.0 > peer { 1.0 } else { -1.0 };
        each_of_product(into, sizes, left, right, |x, along| *x = *x - T::from_f64(weight * along));
    }
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
