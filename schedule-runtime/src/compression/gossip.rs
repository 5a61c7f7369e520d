//! PowerGossip (Vogels, Karimireddy and Jaggi, "Practical low-rank communication compression in decentralized deep
//! learning", 2020): the difference of two neighbours' matrices along directions that both know.
//!
//! The ends i > j of an edge keep the same factor P. Each projects its matrix on it, q_i = X_iᵀ orth(P), and sends that; both
//! take Q = q_i − q_j, move by ∓ w orth(P) Qᵀ, and keep Q as the next factor, for projections from the other side: a power
//! iteration on the difference. Where the ends agree, orth(P) is filled up with directions that are drawn alike.

use super::low_rank::{Matrix, dot};
use crate::element::Element;
use crate::plan::Plan;
use bfc_schedule::random::unit;
use bfc_schedule::{Codec, Rank};

/// The factors of a rank's edges; a factor is its side (0 for the rows of the matrix, 1 for its columns), then its columns,
/// each with room for the longer side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    rank: u32,
    rows: Option<u32>,
}

impl Factors {
    pub(crate) fn new(rank: u32, rows: Option<u32>) -> Self {
        Self { rank, rows }
    }

    /// Elements of one factor for a model of this length.
    pub(crate) fn block(self, length: usize) -> usize {
        let (rows, columns, rank) = self.size(length);
        1 + rows.max(columns) * rank
    }

    fn size(self, length: usize) -> (usize, usize, usize) {
        Codec::matrix(self.rank, self.rows, length)
    }

    /// The first factors: directions of the rows, drawn alike at both ends.
    pub(crate) fn start<T: Element>(self, length: usize, into: &mut [T]) {
        for block in into.chunks_exact_mut(self.block(length)) {
            block[0] = T::default();
            for (key, value) in block[1..].iter_mut().enumerate() {
                *value = T::from_f64(unit(0, key as u64) - 0.5);
            }
        }
    }

    /// For each edge the matrix times the factor, from its side.
    pub(crate) fn project<T: Element>(self, x: &[T], factors: &[T], into: &mut [T]) {
        let (rows, columns, _) = self.size(x.len());
        let (block, height) = (self.block(x.len()), rows.max(columns));
        let matrix = Matrix { rows, columns, x };
        for (factor, into) in factors.chunks_exact(block).zip(into.chunks_exact_mut(block)) {
            let (across, basis) = self.basis(factor, x.len());
            into.fill(T::default());
            into[0] = if across { T::default() } else { T::from_f64(1.0) };
            for (direction, into) in basis.iter().zip(into[1..].chunks_exact_mut(height)) {
                let product =
                    if across { matrix.times(direction) } else { matrix.transposed_times(direction) };
                into.iter_mut().zip(product).for_each(|(into, value)| *into = T::from_f64(value));
            }
        }
    }

    /// What the end with the higher rank has found less what the other has.
    pub(crate) fn difference<T: Element>(
        self,
        length: usize,
        ends: (Rank, &Plan<T>),
        [mine, theirs]: [&[T]; 2],
        into: &mut [T],
    ) {
        let block = self.block(length);
        for (at, (peer, into)) in ends.1.neighbours().zip(into.chunks_exact_mut(block)).enumerate() {
            let (mine, theirs) = (&mine[at * block..][..block], &theirs[at * block..][..block]);
            let (high, low) = if ends.0 > peer { (mine, theirs) } else { (theirs, mine) };
            for ((into, high), low) in into.iter_mut().zip(high).zip(low) {
                *into = *high - *low;
            }
            into[0] = mine[0];
        }
    }

    /// `x` less the weighted differences, as far as the factors tell them.
    pub(crate) fn correct<T: Element>(
        self,
        x: &[T],
        ends: (Rank, &Plan<T>),
        [factors, differences]: [&[T]; 2],
        into: &mut [T],
    ) {
        let (rows, columns, _) = self.size(x.len());
        let (block, height) = (self.block(x.len()), rows.max(columns));
        into.copy_from_slice(x);
        let received = ends.1.actions.iter().filter_map(|action| action.receive);
        for (at, (peer, weight)) in received.enumerate() {
            let (across, basis) = self.basis(&factors[at * block..][..block], x.len());
            let difference = &differences[at * block + 1..][..block - 1];
            let weight = weight.vector.to_f64() * if ends.0 > peer { 1.0 } else { -1.0 };
            for (index, x) in into.iter_mut().enumerate() {
                let (row, column) = (index / columns, index % columns);
                let (near, far) = if across { (column, row) } else { (row, column) };
                let term = |(k, direction): (usize, &Vec<f64>)| {
                    direction[near] * difference[k * height + far].to_f64()
                };
                let along: f64 = basis.iter().enumerate().map(term).sum();
                *x = *x - T::from_f64(weight * along);
            }
        }
    }

    /// Whether the factor is one of columns, and its orthonormal directions.
    fn basis<T: Element>(self, factor: &[T], length: usize) -> (bool, Vec<Vec<f64>>) {
        let (rows, columns, rank) = self.size(length);
        let across = factor[0] != T::default();
        let (height, used) = (rows.max(columns), if across { columns } else { rows });
        let mut basis: Vec<Vec<f64>> = vec![];
        for k in 0..rank {
            let own = factor[1 + k * height..][..used].iter().map(|p| p.to_f64()).collect();
            let drawn = |attempt: u64| {
                let key = |index: usize| ((attempt * rank as u64 + k as u64) << 32) + index as u64;
                (0..used).map(|index| unit(1, key(index)) - 0.5).collect()
            };
            let mut candidates = std::iter::once(own).chain((0..4).map(drawn));
            basis.extend(candidates.find_map(|candidate| orthogonal(candidate, &basis)));
        }
        (across, basis)
    }
}

/// What of a direction is new, with norm 1; `None` where nothing is.
fn orthogonal(mut direction: Vec<f64>, basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let norm = dot(&direction, &direction).sqrt();
    for other in basis.iter().chain(basis) {
        let along = dot(&direction, other);
        direction.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
    }
    let left = dot(&direction, &direction).sqrt();
    (left > norm * 1e-9).then(|| direction.iter().map(|x| x / left).collect())
}
