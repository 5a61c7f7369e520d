//! Random phases of all kinds that mislead.

use crate::prove::tests::*;
use bfc_schedule::random;
use std::cell::Cell;

/// Numbers from a position of the fixed stream on.
pub(super) struct Draws(Cell<u64>);

impl Draws {
    /// Those of an instance.
    pub(super) fn new(instance: u64) -> Self {
        Self(Cell::new(instance << 20))
    }

    fn below(&self, n: u64) -> u64 {
        let position = self.0.get();
        self.0.set(position + 1);
        random::output(0, position) % n
    }

    fn rank(&self, size: u32) -> u32 {
        self.below(size.into()) as u32
    }

    fn permutation(&self, size: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..size).collect();
        (1..order.len()).rev().for_each(|i| order.swap(i, self.below(i as u64 + 1) as usize));
        order
    }
}

/// Kinds of phases, by number.
const KINDS: u64 = 12;

fn phase(draws: &Draws, kind: u64, size: u32) -> MixingMatrix {
    let third = Rational::new(1, 3);
    match kind {
        0 => {
            // Any edges, rows that sum to 1.
            let edges = (0..draws.below(3 * u64::from(size))).map(|_| (draws.rank(size), draws.rank(size)));
            matrix(
                size,
                &edges.map(|(i, j)| (i, j, Rational::new(1, 2 + draws.below(9)))).collect::<Vec<_>>(),
            )
        }
        1 => {
            // A mean of permutations.
            let count = 1 + draws.below(3);
            let mut rows = vec![BTreeMap::new(); size as usize];
            for _ in 0..count {
                for (i, j) in (0..).zip(draws.permutation(size)) {
                    let entry: &mut Rational = rows[i as usize].entry(j).or_insert_with(Rational::zero);
                    *entry = entry.clone() + Rational::new(1, count);
                }
            }
            explicit_of(rows)
        }
        2 => cayley(&[size], (0..1 + draws.below(3)).map(|_| draws.rank(size)).collect::<Vec<_>>()),
        3 => {
            let pairs: std::collections::BTreeSet<_> = (0..draws.below(2 * u64::from(size)))
                .map(|_| (draws.rank(size), draws.rank(size)))
                .filter(|(i, j)| i != j)
                .map(|(i, j)| (i.min(j), i.max(j)))
                .collect();
            metropolis(size, &pairs.into_iter().collect::<Vec<_>>())
        }
        4 => de_bruijn(2 + draws.rank(2), size),
        5 => {
            // Nearly disconnected.
            let thin = Rational::new(1, 10u64.pow(6 + draws.below(12) as u32));
            let edges = (1..size).flat_map(|i| {
                let weight = if i == size / 2 { thin.clone() } else { third.clone() };
                [(i - 1, i, weight.clone()), (i, i - 1, weight)]
            });
            matrix(size, &edges.collect::<Vec<_>>())
        }
        6 => {
            // Signed, at and beside the margin of stability: a ring of weight a has 1 − 2a (1 − cos φ).
            let a = [(1, 2), (2, 5), (3, 5), (1, 2), (11, 20), (5, 11)][draws.below(6) as usize];
            let off = Rational::new(draws.below(3), 1_000_000_000_000_000u64);
            let weight = Rational::new(a.0, a.1) + off;
            let edges = (0..size)
                .flat_map(|i| [(i, (i + 1) % size, weight.clone()), ((i + 1) % size, i, weight.clone())]);
            matrix(size, &edges.collect::<Vec<_>>())
        }
        7 => {
            // Clustered: all alike except for one edge.
            let mut all = edges(&complete(size));
            let at = draws.below(all.len() as u64) as usize;
            let (i, j) = (all[at].0, all[at].1);
            let off = Rational::new(1, 10u64.pow(3 + draws.below(14) as u32));
            all.iter_mut()
                .filter(|(a, b, _)| (*a, *b) == (i, j) || (*a, *b) == (j, i))
                .for_each(|(_, _, w)| *w = w.clone() - off.clone());
            matrix(size, &all)
        }
        8 => {
            // Defective: a chain that ends at the first rank.
            let keep = Rational::new(draws.below(3), 3u64);
            let taken = Rational::one() - keep;
            let after = |i: u32| if draws.below(3) == 0 { draws.rank(i) } else { i - 1 };
            matrix(size, &(1..size).map(|i| (i, after(i), taken.clone())).collect::<Vec<_>>())
        }
        9 => {
            // One weight of a doubly stochastic matrix is off.
            let mut all = edges(&metropolis(size, &(1..size).map(|i| (i - 1, i)).collect::<Vec<_>>()));
            let at = draws.below(all.len() as u64) as usize;
            all[at].2 = all[at].2.clone() + Rational::new(1, 1_000_000_000_000_000u64);
            matrix(size, &all)
        }
        10 => {
            // Ranks that are alike two or three apart, as far as that divides their number.
            let width = [2, 3].into_iter().find(|width| size.is_multiple_of(*width)).unwrap_or(1);
            let edges: Vec<_> = (0..2 * width)
                .flat_map(|_| {
                    let (to, from) = (draws.rank(width), draws.rank(size));
                    let weight = Rational::new([1, 1, 1, -1][draws.below(4) as usize], 2 + draws.below(3));
                    let moves = (0..size / width).map(move |k| k * width);
                    moves.map(move |by| ((to + by) % size, (from + by) % size, weight.clone()))
                })
                .collect();
            matrix(size, &edges)
        }
        _ => transposed_of(&phase(draws, [0, 4, 8][draws.below(3) as usize], size)),
    }
}

fn explicit_of(rows: Vec<BTreeMap<u32, Rational>>) -> MixingMatrix {
    explicit(
        rows.into_iter()
            .map(|row| row.into_iter().filter(|(_, weight)| !weight.is_zero()).collect())
            .collect(),
    )
}

fn transposed_of(matrix: &MixingMatrix) -> MixingMatrix {
    let mut rows = vec![BTreeMap::new(); matrix.size() as usize];
    for i in 0..matrix.size() {
        let row = matrix.row(Rank(i));
        rows[i as usize].insert(i, row.self_weight.clone());
        row.in_weights.into_iter().for_each(|(j, weight)| drop(rows[j.index()].insert(i, weight)));
    }
    explicit_of(rows)
}

/// Phases of one kind or several, sometimes a period that averages exactly.
pub(super) fn instance(draws: &Draws) -> Vec<MixingMatrix> {
    let size = 2 + draws.rank(6);
    match draws.below(8) {
        0 => one_peer_exp2(size),
        1 => tables(&one_peer_exp2(size)),
        _ => {
            let kind = draws.below(KINDS);
            let mixed = draws.below(4) == 0;
            let kind = || if mixed { draws.below(KINDS) } else { kind };
            (0..1 + draws.below(3)).map(|_| phase(draws, kind(), size)).collect()
        }
    }
}
