//! Mixing matrices: one phase of a topology, exact, in the form in which its symmetry is kept.

use crate::{Group, Rank, Rational};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// The matrix W of one phase: `x_i ← Σ_j W[i][j] x_j`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MixingMatrix {
    /// Every rank does the same relative to itself.
    Cayley(CayleyMatrix),
    /// A table of rows.
    Sparse(SparseMatrix),
}

/// A matrix invariant under a group: rank `i` receives from `i - h` with the weight of hop `h`, for every hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CayleyMatrix {
    group: Group,
    self_weight: Rational,
    hops: Vec<(Rank, Rational)>,
}

/// A matrix as rows of incoming edges; weights are interned, since few differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseMatrix {
    weights: Vec<Rational>,
    self_weights: Vec<u32>,
    offsets: Vec<usize>,
    edges: Vec<(Rank, u32)>,
}

/// One row of a mixing matrix: the rank's own weight and its in-neighbours, ascending, without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `W[i][i]`.
    pub self_weight: Rational,
    /// (j, `W[i][j]`) for every in-neighbour j ≠ i. A weight may be zero: the edge still carries a message.
    pub in_weights: Vec<(Rank, Rational)>,
}

impl MixingMatrix {
    /// The identity on `size` ranks.
    pub fn identity(size: u32) -> Self {
        Self::Cayley(CayleyMatrix { group: Group::cyclic(size), self_weight: Rational::one(), hops: vec![] })
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        match self {
            Self::Cayley(matrix) => matrix.group.order(),
            Self::Sparse(matrix) => matrix.size(),
        }
    }

    /// The row of one rank.
    pub fn row(&self, rank: Rank) -> Row {
        match self {
            Self::Cayley(matrix) => matrix.row(rank),
            Self::Sparse(matrix) => matrix.row(rank),
        }
    }
}

impl CayleyMatrix {
    /// The matrix with these hops (sender `i` sends to `i + hop`), or `None` if a hop is zero, repeated or not an
    /// element of the group. The hops are kept in ascending order.
    pub fn new(group: Group, self_weight: Rational, mut hops: Vec<(Rank, Rational)>) -> Option<Self> {
        hops.sort_by_key(|(hop, _)| *hop);
        let distinct = hops.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let inside = hops.iter().all(|(hop, _)| hop.0 > 0 && hop.0 < group.order());
        (distinct && inside).then_some(Self { group, self_weight, hops })
    }

    /// The group under which the matrix is invariant.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The weight that every rank gives itself.
    pub fn self_weight(&self) -> &Rational {
        &self.self_weight
    }

    /// The hops with their weights, ascending.
    pub fn hops(&self) -> &[(Rank, Rational)] {
        &self.hops
    }

    fn row(&self, rank: Rank) -> Row {
        let mut in_weights: Vec<_> =
            self.hops.iter().map(|(hop, weight)| (self.group.subtract(rank, *hop), weight.clone())).collect();
        in_weights.sort_by_key(|(source, _)| *source);
        Row { self_weight: self.self_weight.clone(), in_weights }
    }
}

impl SparseMatrix {
    /// The matrix with these rows, or `None` if a source is out of range, repeated, unsorted or the rank itself.
    pub fn from_rows(rows: impl IntoIterator<Item = Row>) -> Option<Self> {
        let mut interned = Interner::default();
        let mut matrix = Self { weights: vec![], self_weights: vec![], offsets: vec![0], edges: vec![] };
        for row in rows {
            matrix.self_weights.push(interned.id(&row.self_weight));
            for (source, weight) in row.in_weights {
                matrix.edges.push((source, interned.id(&weight)));
            }
            matrix.offsets.push(matrix.edges.len());
        }
        matrix.weights = interned.values;
        matrix.is_well_formed().then_some(matrix)
    }

    /// The matrix from its parts as stored, or `None` if they do not form one (see [`SparseMatrix::from_rows`]).
    pub fn from_parts(
        weights: Vec<Rational>,
        self_weights: Vec<u32>,
        offsets: Vec<usize>,
        edges: Vec<(Rank, u32)>,
    ) -> Option<Self> {
        let matrix = Self { weights, self_weights, offsets, edges };
        matrix.is_well_formed().then_some(matrix)
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.self_weights.len() as u32
    }

    /// The distinct weights; edges name them by index.
    pub fn weights(&self) -> &[Rational] {
        &self.weights
    }

    /// Index into [`weights`](Self::weights) of `W[i][i]`.
    pub fn self_weight(&self, rank: Rank) -> u32 {
        self.self_weights[rank.index()]
    }

    /// The in-neighbours of a rank, ascending, each with the index of its weight.
    pub fn in_edges(&self, rank: Rank) -> &[(Rank, u32)] {
        &self.edges[self.offsets[rank.index()]..self.offsets[rank.index() + 1]]
    }

    fn row(&self, rank: Rank) -> Row {
        let weight = |id: u32| self.weights[id as usize].clone();
        Row {
            self_weight: weight(self.self_weight(rank)),
            in_weights: self.in_edges(rank).iter().map(|&(source, id)| (source, weight(id))).collect(),
        }
    }

    fn is_well_formed(&self) -> bool {
        let size = self.self_weights.len();
        let known = |id: u32| (id as usize) < self.weights.len();
        size <= u32::MAX as usize
            && self.offsets.len() == size + 1
            && self.offsets[0] == 0
            && self.offsets.windows(2).all(|pair| pair[0] <= pair[1])
            && self.offsets[size] == self.edges.len()
            && self.self_weights.iter().all(|&id| known(id))
            && (0..size as u32).all(|rank| {
                let edges = self.in_edges(Rank(rank));
                edges.windows(2).all(|pair| pair[0].0 < pair[1].0)
                    && edges
                        .iter()
                        .all(|&(source, id)| source.index() < size && source != Rank(rank) && known(id))
            })
    }
}

/// Gives equal weights one number, in order of first use.
#[derive(Clone, Default)]
pub struct Interner {
    /// Hashes with the numbers of their weights, of which a file may have millions: no weight is kept or hashed twice.
    ids: HashTable<(u64, u32)>,
    hasher: RandomState,
    /// The distinct weights so far.
    pub values: Vec<Rational>,
}

impl Interner {
    /// The number of `weight`.
    pub fn id(&mut self, weight: &Rational) -> u32 {
        let hash = self.hasher.hash_one(weight);
        let is_equal = |known: &(u64, u32)| known.0 == hash && self.values[known.1 as usize] == *weight;
        match self.ids.entry(hash, is_equal, |known| known.0) {
            Entry::Occupied(known) => known.get().1,
            Entry::Vacant(place) => {
                let id = self.values.len() as u32;
                place.insert((hash, id));
                self.values.push(weight.clone());
                id
            }
        }
    }
}
