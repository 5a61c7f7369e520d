//! Rounds are minimal and compute the matrix; averages sum every rank's block once.

use bfc_compiler::lower::rounds;
use bfc_schedule::matrix::Row;
use bfc_schedule::{Average, MixingMatrix, Rank, Rational, RoundPlan, SparseMatrix};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Instant;

type Edges = BTreeSet<(u32, u32)>;

/// A matrix whose weights tell its edges apart.
fn matrix(size: u32, edges: &Edges) -> MixingMatrix {
    let row = |target: u32| Row {
        self_weight: Rational::new(1, 7),
        in_weights: edges
            .iter()
            .filter(|edge| edge.1 == target)
            .map(|edge| (Rank(edge.0), Rational::new(edge.0 + 1, target + 2)))
            .collect(),
    };
    MixingMatrix::Sparse(SparseMatrix::from_rows((0..size).map(row)).unwrap())
}

fn max_degree(size: u32, edges: &Edges) -> usize {
    let degree = |rank| {
        let out = edges.iter().filter(|edge| edge.0 == rank).count();
        out.max(edges.iter().filter(|edge| edge.1 == rank).count())
    };
    (0..size).map(degree).max().unwrap()
}

/// Checks every rule of a plan; returns the number of pairs that exchange within one round.
fn check(size: u32, matrix: &MixingMatrix, plan: &RoundPlan) -> usize {
    let plans: Vec<_> = (0..size).map(|rank| plan.rank(Rank(rank))).collect();
    let mut paired = 0;
    for (rank, plan) in (0..).map(Rank).zip(&plans) {
        let row = matrix.row(rank);
        let mut received: Vec<_> = plan.actions.iter().filter_map(|action| action.receive.clone()).collect();
        received.sort();
        assert_eq!((&row.self_weight, &row.in_weights), (&plan.self_weight, &received));
        assert!(plan.actions.windows(2).all(|pair| pair[0].round < pair[1].round));
        for action in &plan.actions {
            if let Some(target) = action.send_to {
                let peer =
                    plans[target.index()].actions.iter().find(|peer| peer.round == action.round).unwrap();
                assert_eq!(peer.receive.as_ref().map(|receive| receive.0), Some(rank));
                paired += usize::from(peer.send_to == Some(rank) && rank < target);
            }
        }
    }
    paired
}

fn edges(size: u32, edge: impl Fn(u32, u32) -> bool) -> Edges {
    let pairs = (0..size).flat_map(|a| (0..size).map(move |b| (a, b)));
    pairs.filter(|&(a, b)| a != b && edge(a, b)).collect()
}

fn digraph() -> impl Strategy<Value = (u32, Edges)> {
    (1u32..40, any::<bool>()).prop_flat_map(|(size, symmetric)| {
        let rank = 0..size;
        prop::collection::btree_set((rank.clone(), rank), 0..(size as usize * 6)).prop_map(move |pairs| {
            let both = pairs
                .iter()
                .flat_map(|&(a, b)| [(a, b), (if symmetric { b } else { a }, if symmetric { a } else { b })]);
            (size, both.filter(|(a, b)| a != b).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rounds_are_valid_and_as_many_as_the_largest_degree((size, edges) in digraph()) {
        let matrix = matrix(size, &edges);
        let plan = rounds::plan(&matrix);
        check(size, &matrix, &plan);
        prop_assert_eq!(plan.rounds() as usize, max_degree(size, &edges));
        prop_assert_eq!(plan, rounds::plan(&matrix));
    }
}

#[test]
fn pairs_of_a_grid_exchange_within_one_round() {
    let (columns, size) = (7, 42u32);
    let grid = edges(size, |a, b| {
        let (rows, cols) = ((a / columns).abs_diff(b / columns), (a % columns).abs_diff(b % columns));
        rows + cols == 1
    });
    let matrix = matrix(size, &grid);
    let plan = rounds::plan(&matrix);
    assert_eq!(plan.rounds(), 4);
    assert_eq!(check(size, &matrix, &plan), grid.len() / 2);
}

#[test]
fn a_matching_takes_one_round() {
    let matrix = matrix(10, &edges(10, |a, b| a ^ b == 1));
    assert_eq!(rounds::plan(&matrix).rounds(), 1);
}

#[test]
fn large_graphs_are_coloured_fast() {
    let graphs = [
        ("complete", 256, edges(256, |_, _| true), 255),
        ("star", 256, edges(256, |a, b| a == 0 || b == 0), 255),
        (
            "circulant",
            1024,
            edges(1024, |a, b| [1, 10, 77, 200].contains(&(a.abs_diff(b).min(1024 - a.abs_diff(b))))),
            8,
        ),
    ];
    for (name, size, edges, expected) in graphs {
        let matrix = matrix(size, &edges);
        let start = Instant::now();
        let plan = rounds::plan(&matrix);
        let elapsed = start.elapsed();
        println!("{name}: {elapsed:?}, {} of {} pairs", check(size, &matrix, &plan), edges.len() / 2);
        assert_eq!(plan.rounds(), expected, "{name}");
        assert!(elapsed.as_millis() < 2000, "{name} took {elapsed:?}");
    }
}

#[test]
fn a_star_of_many_ranks_takes_little_memory() {
    let size = 200_000;
    let row = |rank: u32| Row {
        self_weight: Rational::zero(),
        in_weights: if rank == 0 {
            (1..size).map(|leaf| (Rank(leaf), Rational::one())).collect()
        } else {
            vec![(Rank(0), Rational::one())]
        },
    };
    let star = MixingMatrix::Sparse(SparseMatrix::from_rows((0..size).map(row)).unwrap());
    assert_eq!(rounds::plan(&star).rounds(), size - 1);
}

/// Who has contributed to each block of each rank, by carrying out the rounds.
#[test]
fn an_average_sums_every_block_once() {
    for size in 1..40usize {
        let plan = Average::circulant(size as u32);
        let rounds = (size as f64).log2().ceil() as usize;
        assert_eq!((plan.reduce.len(), plan.gather.len()), (rounds, rounds));
        let mut blocks: Vec<Vec<Vec<usize>>> = (0..size).map(|rank| vec![vec![rank]; size]).collect();
        for (rounds, adds) in [(&plan.reduce, true), (&plan.gather, false)] {
            for round in rounds {
                let before = blocks.clone();
                for (rank, own) in before.iter().enumerate() {
                    let target = (rank + round.hop as usize) % size;
                    for block in (round.first..round.first + round.count).map(|b| (rank + b as usize) % size)
                    {
                        let kept = if adds { before[target][block].clone() } else { vec![] };
                        blocks[target][block] = [kept, own[block].clone()].concat();
                    }
                }
            }
        }
        for block in blocks.iter_mut().flatten() {
            block.sort();
            assert_eq!(*block, (0..size).collect::<Vec<_>>());
        }
    }
}
