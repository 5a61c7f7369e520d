//! Combinations that keep weights: Wᵀ, θI + (1 − θ)W, PWPᵀ and A ⊗ B.

use super::Workshop;
use crate::evaluate::error::Result;
use crate::evaluate::topology::phase::entries;
use crate::evaluate::topology::structure::is_universal;
use crate::evaluate::topology::weights::{MAX_EDGES, MAX_TABLE, Problem};
use crate::evaluate::value::number::MAX_BITS;
use bfc_schedule::matrix::Interner;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational, SparseMatrix};
use std::collections::HashMap;

/// Rows of a matrix that name weights by number.
struct Numbered<'m> {
    matrix: &'m MixingMatrix,
    weights: Vec<Rational>,
}

impl<'m> Numbered<'m> {
    fn new(matrix: &'m MixingMatrix) -> Self {
        let weights = match matrix {
            MixingMatrix::Sparse(matrix) => matrix.weights().to_vec(),
            MixingMatrix::Cayley(matrix) => {
                let hops = matrix.hops().iter().map(|(_, weight)| weight.clone());
                [matrix.self_weight().clone()].into_iter().chain(hops).collect()
            }
        };
        Self { matrix, weights }
    }

    /// The number of the weight that a rank gives itself.
    fn own(&self, rank: Rank) -> u32 {
        match self.matrix {
            MixingMatrix::Sparse(matrix) => matrix.self_weight(rank),
            MixingMatrix::Cayley(_) => 0,
        }
    }

    /// In-neighbours, ascending, with the numbers of their weights.
    fn row(&self, rank: Rank) -> Vec<(Rank, u32)> {
        match self.matrix {
            MixingMatrix::Sparse(matrix) => matrix.in_edges(rank).to_vec(),
            MixingMatrix::Cayley(matrix) => {
                let hops = matrix.hops().iter().zip(1..);
                let mut row: Vec<_> =
                    hops.map(|((hop, _), id)| (matrix.group().subtract(rank, *hop), id)).collect();
                row.sort_unstable();
                row
            }
        }
    }

    /// The row with the rank itself where it gives itself a weight.
    fn whole_row(&self, rank: Rank) -> Vec<(Rank, u32)> {
        let mut row = self.row(rank);
        let own = self.own(rank);
        if !self.weights[own as usize].is_zero() {
            let at = row.partition_point(|(source, _)| *source < rank);
            row.insert(at, (rank, own));
        }
        row
    }

    /// The cost in steps of arithmetic on this number of weights.
    fn arithmetic(&self, count: u64) -> u64 {
        let words = self.weights.iter().map(Rational::bits).max().unwrap_or(0) / 64;
        count.saturating_mul(1 + words * words)
    }
}

fn table(weights: Vec<Rational>, own: Vec<u32>, rows: Vec<Vec<(Rank, u32)>>) -> MixingMatrix {
    let mut offsets = vec![0];
    let mut edges = Vec::with_capacity(rows.iter().map(Vec::len).sum());
    for row in rows {
        edges.extend(row);
        offsets.push(edges.len());
    }
    let matrix = SparseMatrix::from_parts(weights, own, offsets, edges);
    MixingMatrix::Sparse(matrix.expect("rows are sorted, distinct and in range"))
}

fn cayley(group: Group, own: Rational, hops: Vec<(Rank, Rational)>) -> MixingMatrix {
    let matrix = CayleyMatrix::new(group, own, hops);
    MixingMatrix::Cayley(matrix.expect("hops are distinct elements of the group"))
}

/// Wᵀ.
pub(super) fn transposed(matrix: &MixingMatrix) -> MixingMatrix {
    match matrix {
        MixingMatrix::Cayley(matrix) => {
            let group = matrix.group();
            let hops = matrix.hops().iter().map(|(hop, weight)| (group.negate(*hop), weight.clone()));
            cayley(group.clone(), matrix.self_weight().clone(), hops.collect())
        }
        MixingMatrix::Sparse(sparse) => {
            let ranks = || (0..sparse.size()).map(Rank);
            let mut rows = vec![vec![]; sparse.size() as usize];
            for rank in ranks() {
                for (source, id) in sparse.in_edges(rank) {
                    rows[source.index()].push((rank, *id));
                }
            }
            table(sparse.weights().to_vec(), ranks().map(|rank| sparse.self_weight(rank)).collect(), rows)
        }
    }
}

impl Workshop<'_, '_> {
    /// θI + (1 − θ)W.
    pub(super) fn lazy(&mut self, matrix: &MixingMatrix, theta: &Rational) -> Result<MixingMatrix> {
        let numbered = Numbered::new(matrix);
        let words = theta.bits() / 64;
        let distinct = numbered.weights.len() as u64;
        self.spend(entries(matrix) + numbered.arithmetic(distinct) + distinct * words * words)?;
        let moved = &Rational::one() - theta;
        let edge = |weight: &Rational| self.small(&moved * weight);
        let own = |weight: &Rational| self.small(theta + &(&moved * weight));
        match matrix {
            MixingMatrix::Cayley(matrix) => {
                let hops = matrix.hops().iter().map(|(hop, weight)| Ok((*hop, edge(weight)?)));
                let hops = hops.collect::<Result<_>>()?;
                Ok(cayley(matrix.group().clone(), own(matrix.self_weight())?, hops))
            }
            MixingMatrix::Sparse(sparse) => {
                let mut weights = Interner::default();
                let mut of_edge = Vec::with_capacity(numbered.weights.len());
                for weight in &numbered.weights {
                    of_edge.push(weights.id(&edge(weight)?));
                }
                let mut of_self = HashMap::new();
                let (mut selves, mut rows) = (Vec::new(), Vec::new());
                for rank in (0..sparse.size()).map(Rank) {
                    let id = sparse.self_weight(rank);
                    if let std::collections::hash_map::Entry::Vacant(place) = of_self.entry(id) {
                        place.insert(weights.id(&own(&numbered.weights[id as usize])?));
                    }
                    selves.push(of_self[&id]);
                    let row = sparse.in_edges(rank).iter();
                    rows.push(row.map(|(source, id)| (*source, of_edge[*id as usize])).collect());
                }
                Ok(table(weights.values, selves, rows))
            }
        }
    }

    /// The matrix in which the rank `places[i]` does what rank i does in this one.
    pub(super) fn permuted(&mut self, matrix: &MixingMatrix, places: &[u32]) -> Result<MixingMatrix> {
        self.spend(places.len() as u64)?;
        if let MixingMatrix::Cayley(cayley) = matrix {
            let group = cayley.group();
            let first = Rank(places[0]);
            let shifts = (0..).zip(places).all(|(rank, place)| group.add(Rank(rank), first).0 == *place);
            if shifts || is_universal(cayley) {
                return Ok(matrix.clone());
            }
        }
        let numbered = Numbered::new(matrix);
        self.check_table(matrix.size(), entries_written(matrix))?;
        self.spend(entries_written(matrix))?;
        let mut rows = vec![vec![]; places.len()];
        let mut selves = vec![0; places.len()];
        for (rank, place) in (0..).map(Rank).zip(places) {
            let row = numbered.row(rank).into_iter();
            let mut row: Vec<_> = row.map(|(source, id)| (Rank(places[source.index()]), id)).collect();
            row.sort_unstable();
            rows[*place as usize] = row;
            selves[*place as usize] = numbered.own(rank);
        }
        Ok(table(numbered.weights, selves, rows))
    }

    /// A ⊗ B.
    pub(super) fn kronecker(&mut self, a: &MixingMatrix, b: &MixingMatrix) -> Result<MixingMatrix> {
        let (left, right) = (Numbered::new(a), Numbered::new(b));
        let symbolic = matches!((a, b), (MixingMatrix::Cayley(_), MixingMatrix::Cayley(_)));
        let count = if symbolic { entries } else { entries_written };
        let written = count(a).saturating_mul(count(b));
        let distinct = written.min(left.weights.len() as u64 * right.weights.len() as u64);
        self.spend(left.arithmetic(distinct).saturating_add(right.arithmetic(distinct)))?;
        self.spend(written)?;
        if let (MixingMatrix::Cayley(a), MixingMatrix::Cayley(b)) = (a, b) {
            return self.kronecker_of_groups(a, b);
        }
        let size = a.size().saturating_mul(b.size());
        self.check_table(size, written)?;
        let mut weights = Interner::default();
        let mut products: HashMap<(u32, u32), u32> = HashMap::new();
        let mut product = |x: u32, y: u32| -> Result<u32> {
            match products.get(&(x, y)) {
                Some(id) => Ok(*id),
                None => {
                    let id = weights.id(&self.small(&left.weights[x as usize] * &right.weights[y as usize])?);
                    products.insert((x, y), id);
                    Ok(id)
                }
            }
        };
        let (mut selves, mut rows) = (Vec::new(), Vec::new());
        for (rank_a, rank_b) in (0..a.size()).flat_map(|x| (0..b.size()).map(move |y| (Rank(x), Rank(y)))) {
            let own = product(left.own(rank_a), right.own(rank_b))?;
            let sources_b = right.whole_row(rank_b);
            let mut row = Vec::new();
            for (source_a, x) in left.whole_row(rank_a) {
                for (source_b, y) in &sources_b {
                    if (source_a, *source_b) != (rank_a, rank_b) {
                        let id = product(x, *y)?;
                        row.push((Rank(source_a.0 * b.size() + source_b.0), id));
                    }
                }
            }
            selves.push(own);
            rows.push(row);
        }
        Ok(table(weights.values, selves, rows))
    }

    /// The hops of A ⊗ B are pairs of hops, in the product of the groups.
    fn kronecker_of_groups(&mut self, a: &CayleyMatrix, b: &CayleyMatrix) -> Result<MixingMatrix> {
        let radices = [a.group().radices(), b.group().radices()].concat();
        let Some(group) = Group::new(radices) else { return Err(self.explain(Problem::TooManyRanks)) };
        let whole = |matrix: &CayleyMatrix| {
            let own = Some((Rank(0), matrix.self_weight().clone())).filter(|(_, weight)| !weight.is_zero());
            own.into_iter().chain(matrix.hops().to_vec()).collect::<Vec<_>>()
        };
        let order = b.group().order();
        let right = whole(b);
        let mut hops = Vec::new();
        for (x, weight) in whole(a) {
            for (y, other) in right.iter().filter(|(y, _)| (x, *y) != (Rank(0), Rank(0))) {
                let product = self.small(&weight * other)?;
                hops.push((Rank(x.0 * order + y.0), product));
            }
        }
        Ok(cayley(group, a.self_weight() * b.self_weight(), hops))
    }

    fn small(&self, weight: Rational) -> Result<Rational> {
        if weight.bits() > MAX_BITS { Err(self.explain(Problem::NumberTooLarge)) } else { Ok(weight) }
    }

    /// Whether a table with this number of entries is allowed.
    pub(super) fn check_table(&self, size: u32, entries: u64) -> Result<()> {
        match () {
            () if size > MAX_TABLE => Err(self.explain(Problem::TooManyRanks)),
            () if entries > MAX_EDGES + u64::from(size) => Err(self.explain(Problem::TooManyEdges)),
            () => Ok(()),
        }
    }
}

/// The entries of a matrix as a table.
pub(super) fn entries_written(matrix: &MixingMatrix) -> u64 {
    match matrix {
        MixingMatrix::Cayley(cayley) => entries(matrix) * u64::from(cayley.group().order()),
        MixingMatrix::Sparse(_) => entries(matrix),
    }
}
