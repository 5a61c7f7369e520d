//! Topologies by hand, and what is known of them from reference values and from independent dense algebra.

mod adversarial;
pub(crate) mod build;
mod golden;
mod search;
mod spectra;
mod stability;

use bfc_schedule::matrix::Row;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational, SparseMatrix};
use std::collections::BTreeMap;

/// W of its entries (i, j, W[i][j]), i ≠ j, added up; the diagonal is what rows leave.
pub(crate) fn matrix(size: u32, entries: &[(u32, u32, Rational)]) -> MixingMatrix {
    let mut rows = vec![BTreeMap::new(); size as usize];
    for (i, j, weight) in entries.iter().filter(|(i, j, _)| i != j) {
        let entry = rows[*i as usize].entry(*j).or_insert_with(Rational::zero);
        *entry = entry.clone() + weight.clone();
    }
    let rows = rows.into_iter().map(|row| Row {
        self_weight: Rational::one() - row.values().cloned().sum(),
        in_weights: row.into_iter().map(|(j, weight)| (Rank(j), weight)).collect(),
    });
    MixingMatrix::Sparse(SparseMatrix::from_rows(rows).expect("well formed"))
}

/// The entries off the diagonal.
pub(crate) fn edges(matrix: &MixingMatrix) -> Vec<(u32, u32, Rational)> {
    (0..matrix.size())
        .flat_map(|i| matrix.row(Rank(i)).in_weights.into_iter().map(move |(j, weight)| (i, j.0, weight)))
        .collect()
}

/// The same matrices as tables, without their symmetry.
pub(crate) fn tables(phases: &[MixingMatrix]) -> Vec<MixingMatrix> {
    phases
        .iter()
        .map(|phase| {
            let rows = (0..phase.size()).map(|rank| phase.row(Rank(rank)));
            MixingMatrix::Sparse(SparseMatrix::from_rows(rows).expect("rows of a matrix"))
        })
        .collect()
}

/// Uniform weights on the hops, those that are 0 or repeated dropped.
pub(crate) fn cayley(radices: &[u32], hops: impl IntoIterator<Item = u32>) -> MixingMatrix {
    let group = Group::new(radices.to_vec()).expect("radices");
    let mut hops: Vec<u32> = hops.into_iter().filter(|&hop| hop > 0).collect();
    hops.sort_unstable();
    hops.dedup();
    let weight = Rational::new(1, hops.len() as u64 + 1);
    let hops = hops.into_iter().map(|hop| (Rank(hop), weight.clone())).collect();
    MixingMatrix::Cayley(CayleyMatrix::new(group, weight, hops).expect("hops of the group"))
}

/// Metropolis weights on undirected edges.
pub(crate) fn metropolis(size: u32, pairs: &[(u32, u32)]) -> MixingMatrix {
    let mut degree = vec![0u64; size as usize];
    pairs.iter().for_each(|&(i, j)| {
        degree[i as usize] += 1;
        degree[j as usize] += 1;
    });
    let weight = |i: u32, j: u32| Rational::new(1, 1 + degree[i as usize].max(degree[j as usize]));
    let both = pairs.iter().flat_map(|&(i, j)| [(i, j, weight(i, j)), (j, i, weight(i, j))]);
    matrix(size, &both.collect::<Vec<_>>())
}

pub(crate) fn ring(size: u32) -> MixingMatrix {
    cayley(&[size], [1, size - 1])
}

pub(crate) fn ring_directed(size: u32) -> MixingMatrix {
    cayley(&[size], [1])
}

pub(crate) fn path(size: u32) -> MixingMatrix {
    metropolis(size, &(1..size).map(|i| (i - 1, i)).collect::<Vec<_>>())
}

pub(crate) fn star(size: u32) -> MixingMatrix {
    metropolis(size, &(1..size).map(|i| (0, i)).collect::<Vec<_>>())
}

pub(crate) fn complete(size: u32) -> MixingMatrix {
    cayley(&[size], 1..size)
}

fn sides(size: u32) -> (u32, u32) {
    let rows = (1..=size).filter(|r| size.is_multiple_of(*r) && r * r <= size).max().expect("1 divides");
    (rows, size / rows)
}

pub(crate) fn grid2d(size: u32) -> MixingMatrix {
    let (rows, columns) = sides(size);
    let mut pairs = vec![];
    for i in 0..size {
        if i % columns + 1 < columns {
            pairs.push((i, i + 1));
        }
        if i / columns + 1 < rows {
            pairs.push((i, i + columns));
        }
    }
    metropolis(size, &pairs)
}

pub(crate) fn torus2d(size: u32) -> MixingMatrix {
    let (rows, columns) = sides(size);
    cayley(&[rows, columns], [1, columns - 1, columns, (rows - 1) * columns])
}

pub(crate) fn hypercube(size: u32) -> MixingMatrix {
    let digits = size.ilog2();
    cayley(&vec![2; digits as usize], (0..digits).map(|bit| 1 << bit))
}

pub(crate) fn exponential(base: u32, size: u32) -> MixingMatrix {
    cayley(&[size], std::iter::successors(Some(1), |hop| Some(hop * base)).take_while(|hop| *hop < size))
}

pub(crate) fn one_peer_exp2(size: u32) -> Vec<MixingMatrix> {
    let steps = size.next_power_of_two().ilog2();
    (0..steps).map(|step| cayley(&[size], [1 << step])).collect()
}

pub(crate) fn de_bruijn(degree: u32, size: u32) -> MixingMatrix {
    let weight = Rational::new(1, degree);
    let edges = (0..size).flat_map(|i| (0..degree).map(move |a| (i, (degree * i + a) % size)));
    let mut rows = vec![BTreeMap::<u32, Rational>::new(); size as usize];
    for (from, to) in edges {
        let entry = rows[to as usize].entry(from).or_insert_with(Rational::zero);
        *entry = entry.clone() + weight.clone();
    }
    explicit(rows)
}

/// W of all its entries, the diagonal included.
pub(crate) fn explicit(rows: Vec<BTreeMap<u32, Rational>>) -> MixingMatrix {
    let rows = (0..).zip(rows).map(|(rank, mut row)| Row {
        self_weight: row.remove(&rank).unwrap_or_else(Rational::zero),
        in_weights: row.into_iter().map(|(j, weight)| (Rank(j), weight)).collect(),
    });
    MixingMatrix::Sparse(SparseMatrix::from_rows(rows).expect("well formed"))
}

/// A topology of these phases.
pub(crate) fn topology(phases: Vec<MixingMatrix>) -> crate::model::topology::Topology {
    crate::model::topology::Topology {
        name: "t".into(),
        size: phases[0].size(),
        phases,
        is_drawn: false,
        ensures: vec![],
        names: None,
        places: [].into(),
        optimised: vec![],
    }
}
