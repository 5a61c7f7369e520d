//! From a symmetric matrix to its eigenvalues, each with its multiplicity and all with one bound on their error.
//!
//! Two ranks are twins if exchanging them leaves W as it is: their difference is an eigenvector, with a rational
//! eigenvalue. What is left acts on the classes of twins. A star has two classes, a complete graph one, whatever n is.

use super::UNIT;
use super::dense::{Rows, symmetric_eigenvalues};
use bfc_schedule::{MixingMatrix, Rank, Rational, SparseMatrix, random};
use std::collections::BTreeMap;

/// Classes of twins for dense algebra.
const LIMIT: usize = 2048;

/// Distinct weights of a row that are tried for being that between twins.
const TRIED: usize = 4;

/// How many classes of twins a symmetric matrix has.
pub(crate) fn classes(matrix: &MixingMatrix) -> usize {
    match matrix {
        MixingMatrix::Sparse(sparse) => Classes::new(sparse).members.len(),
        MixingMatrix::Cayley(_) => matrix.size() as usize,
    }
}

/// All eigenvalues of a symmetric matrix.
pub(crate) struct Eigenvalues {
    /// Computed values, each with how often it counts.
    pub(crate) values: Vec<(f64, u32)>,
    /// They pair with the eigenvalues within this.
    pub(crate) error: f64,
}

impl Eigenvalues {
    /// Those of a symmetric matrix; `None` if there are too many classes of twins.
    pub(crate) fn new(matrix: &MixingMatrix) -> Option<Self> {
        let MixingMatrix::Sparse(sparse) = matrix else {
            return if matrix.size() as usize <= LIMIT {
                Self::dense(&Rows::new(matrix), vec![])
            } else {
                None
            };
        };
        let classes = Classes::new(sparse);
        if classes.members.len() > LIMIT {
            return None;
        }
        let twins = classes.twins().map(|(value, count)| (value.to_f64(), count)).collect();
        Self::dense(&classes.quotient(), twins)
    }

    fn dense(rows: &Rows, mut values: Vec<(f64, u32)>) -> Option<Self> {
        let (of_classes, error) = symmetric_eigenvalues(rows)?;
        let rounding = values.iter().map(|(value, _)| UNIT * value.abs()).fold(0.0, f64::max);
        values.extend(of_classes.into_iter().map(|value| (value, 1)));
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(Self { values, error: error.max(rounding) })
    }

    /// All but one eigenvalue 1, within three errors: leaving out the computed value nearest to 1 pairs the others anew.
    pub(crate) fn others(&self) -> impl Iterator<Item = (f64, u32)> {
        let distance = |at: &usize| (self.values[*at].0 - 1.0).abs();
        let one = (0..self.values.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        let rest =
            move |(at, &(value, count)): (usize, &(f64, u32))| (value, count - u32::from(Some(at) == one));
        self.values.iter().enumerate().map(rest).filter(|(_, count)| *count > 0)
    }
}

/// Ranks by class of twins.
struct Classes<'m> {
    matrix: &'m SparseMatrix,
    class_of: Vec<u32>,
    /// The least rank of each class, and how many ranks it has.
    members: Vec<(u32, u32)>,
    /// For each class the weight between two of its ranks.
    between: Vec<Option<u32>>,
}

impl<'m> Classes<'m> {
    fn new(matrix: &'m SparseMatrix) -> Self {
        let size = matrix.size();
        let hashes: Vec<u64> = (0..size).map(|i| row_hash(matrix, Rank(i))).collect();
        let mut class_of = vec![u32::MAX; size as usize];
        let mut groups: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        (0..size).for_each(|i| groups.entry(hashes[i as usize]).or_default().push(i));
        let mut classes = Self { matrix, class_of: vec![], members: vec![], between: vec![] };
        for group in groups.into_values() {
            classes.found(&mut class_of, group, None);
        }
        let mut groups: BTreeMap<(u64, u32), Vec<u32>> = BTreeMap::new();
        for i in (0..size).filter(|i| class_of[*i as usize] == u32::MAX) {
            let mut weights: Vec<u32> = matrix.in_edges(Rank(i)).iter().map(|(_, id)| *id).collect();
            weights.sort_unstable();
            weights.dedup();
            for id in weights.into_iter().take(TRIED) {
                let closed = hashes[i as usize].wrapping_add(entry_hash(i, id));
                groups.entry((closed, id)).or_default().push(i);
            }
        }
        for ((_, id), group) in groups {
            classes.found(&mut class_of, group, Some(id));
        }
        for i in 0..size {
            if class_of[i as usize] == u32::MAX {
                class_of[i as usize] = classes.members.len() as u32;
                classes.members.push((i, 1));
                classes.between.push(None);
            }
        }
        classes.class_of = class_of;
        classes
    }

    /// Makes a class of those of a group, ascending, that are twins of its first.
    fn found(&mut self, class_of: &mut [u32], group: Vec<u32>, between: Option<u32>) {
        let free: Vec<u32> = group.into_iter().filter(|i| class_of[*i as usize] == u32::MAX).collect();
        let Some((&first, others)) = free.split_first() else { return };
        let twins: Vec<u32> =
            others.iter().copied().filter(|other| self.are_twins(first, *other, between)).collect();
        if twins.is_empty() {
            return;
        }
        let class = self.members.len() as u32;
        self.members.push((first, twins.len() as u32 + 1));
        self.between.push(between);
        twins.into_iter().chain([first]).for_each(|i| class_of[i as usize] = class);
    }

    /// Whether the rows of two ranks agree, each with its own place taken by what is between them.
    fn are_twins(&self, i: u32, j: u32, between: Option<u32>) -> bool {
        let (a, b) = (self.matrix.in_edges(Rank(i)), self.matrix.in_edges(Rank(j)));
        let apart = |edges: &'m [(Rank, u32)]| edges.iter().filter(move |(k, _)| k.0 != i && k.0 != j);
        let joins =
            |edges: &[(Rank, u32)], to: u32| match edges.binary_search_by_key(&Rank(to), |edge| edge.0) {
                Ok(at) => Some(edges[at].1) == between,
                Err(_) => between.is_none(),
            };
        self.matrix.self_weight(Rank(i)) == self.matrix.self_weight(Rank(j))
            && a.len() == b.len()
            && joins(a, j)
            && joins(b, i)
            && apart(a).eq(apart(b))
    }

    fn weight(&self, id: u32) -> &Rational {
        &self.matrix.weights()[id as usize]
    }

    fn between(&self, class: usize) -> Rational {
        self.between[class].map_or_else(Rational::zero, |id| self.weight(id).clone())
    }

    /// The eigenvalues of differences of twins: their self weight minus what is between them.
    fn twins(&self) -> impl Iterator<Item = (Rational, u32)> {
        let shared = self.members.iter().enumerate().filter(|(_, (_, count))| *count > 1);
        shared.map(|(class, &(first, count))| {
            let own = self.weight(self.matrix.self_weight(Rank(first)));
            (own - &self.between(class), count - 1)
        })
    }

    /// The matrix on vectors that are constant on classes, in units of equal length: W[i][j] √(|a| |b|) between classes
    /// a ∋ i and b ∋ j, the row of the first rank of a within a.
    fn quotient(&self) -> Rows {
        let row = |(a, &(first, count)): (usize, &(u32, u32))| {
            let own = self.weight(self.matrix.self_weight(Rank(first)));
            let inside = own + &(&Rational::integer(count - 1) * &self.between(a));
            let mut row = vec![(a, inside.to_f64())];
            for (j, id) in self.matrix.in_edges(Rank(first)) {
                let b = self.class_of[j.index()] as usize;
                if b != a && self.members[b].0 == j.0 {
                    let scale = (f64::from(count) * f64::from(self.members[b].1)).sqrt();
                    row.push((b, self.weight(*id).to_f64() * scale));
                }
            }
            row
        };
        Rows::from_rows(self.members.iter().enumerate().map(row).collect())
    }
}

fn row_hash(matrix: &SparseMatrix, rank: Rank) -> u64 {
    let edges = matrix.in_edges(rank).iter();
    edges.fold(u64::from(matrix.self_weight(rank)), |sum, (j, id)| sum.wrapping_add(entry_hash(j.0, *id)))
}

fn entry_hash(column: u32, id: u32) -> u64 {
    random::output((u64::from(column) << 32) | u64::from(id), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::tests::*;
    use proptest::prelude::*;

    /// Each class of ranks is a clique or has no edges inside; between classes there are all edges or none.
    fn blown_up(sizes: &[u32], cliques: u32, joined: u32) -> MixingMatrix {
        let class_of: Vec<u32> =
            (0..).zip(sizes).flat_map(|(class, size)| vec![class; *size as usize]).collect();
        let n = class_of.len() as u32;
        let is_edge = |i: u32, j: u32| {
            let (a, b) = (class_of[i as usize], class_of[j as usize]);
            if a == b { cliques >> a & 1 == 1 } else { joined >> (a.min(b) * 5 + a.max(b)) & 1 == 1 }
        };
        let pairs: Vec<_> =
            (0..n).flat_map(|i| (0..i).map(move |j| (j, i))).filter(|&(j, i)| is_edge(j, i)).collect();
        metropolis(n, &pairs)
    }

    proptest! {
        #[test]
        fn the_spectrum_is_that_of_dense_algebra(
            sizes in prop::collection::vec(1u32..6, 1..6), cliques in 0u32..32, joined in any::<u32>()
        ) {
            let matrix = blown_up(&sizes, cliques, joined);
            let found = Eigenvalues::new(&matrix).expect("small");
            let values: Vec<f64> =
                found.values.iter().flat_map(|(value, count)| vec![*value; *count as usize]).collect();
            let (dense, error) = symmetric_eigenvalues(&Rows::new(&matrix)).expect("small");
            prop_assert_eq!(values.len(), dense.len());
            for (a, b) in values.iter().zip(&dense) {
                prop_assert!((a - b).abs() <= found.error + error, "{:?} {:?}", values, dense);
            }
            let MixingMatrix::Sparse(sparse) = &matrix else { unreachable!() };
            prop_assert!(Classes::new(sparse).members.len() <= sizes.len());
        }
    }

    #[test]
    fn exchanges_that_change_a_weight_are_no_twins() {
        let third = Rational::new(1, 3);
        let off = Rational::new(1, 3) - Rational::new(1, 1u64 << 50);
        let edges = [(0, 1, third.clone()), (0, 2, third), (0, 3, off)];
        let both: Vec<_> =
            edges.iter().flat_map(|(i, j, w)| [(*i, *j, w.clone()), (*j, *i, w.clone())]).collect();
        let MixingMatrix::Sparse(sparse) = matrix(4, &both) else { unreachable!() };
        assert_eq!(Classes::new(&sparse).members.len(), 3);
    }

    #[test]
    fn large_stars_and_complete_tables_are_exact_at_once() {
        let star = star(20_000);
        let found = crate::analysis::of_topology(&topology(vec![star]));
        let [low, high] = found.bounds["rho"];
        assert!(low <= 1.0 - 1.0 / 20_000.0 && 1.0 - 1.0 / 20_000.0 <= high && high - low < 1e-12);
        let complete = tables(&[complete(300)]).remove(0);
        let MixingMatrix::Sparse(sparse) = &complete else { unreachable!() };
        assert_eq!(Classes::new(sparse).members.len(), 1);
    }
}
