//! Base-(k + 1) graphs: entry for entry against another construction of them, lengths, and exactness at every size.

use super::dense::{Matrix, ask, is_average, matrix, product};
use bfc_schedule::Rational;

type Pair = (usize, usize, Rational);

/// The factors of n, at most k + 1 each, the largest first and then ascending; `None` where a prime is too large.
fn factors(mut n: usize, k: usize) -> Option<Vec<usize>> {
    let mut found = vec![];
    for f in (2..=k + 1).rev() {
        while n.is_multiple_of(f) {
            found.push(f);
            n /= f;
        }
    }
    found.reverse();
    (n == 1).then_some(found)
}

/// Pairs whose numbers differ in one digit alone, digit by digit.
fn hyper(v: &[usize], k: usize) -> Option<Vec<Vec<Pair>>> {
    let mut stride = 1;
    let mut rounds = vec![];
    for f in factors(v.len(), k)? {
        let same_but_one =
            |a: usize, b: usize| a % stride == b % stride && a / (stride * f) == b / (stride * f);
        let pairs = (0..v.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        rounds.push(
            pairs
                .filter(|&(a, b)| same_but_one(a, b))
                .map(|(a, b)| (v[a], v[b], Rational::new(1, f)))
                .collect(),
        );
        stride *= f;
    }
    Some(rounds)
}

/// The blocks of V, each as its pieces of (k + 1)^p nodes.
fn blocks(v: &[usize], k: usize) -> Vec<Vec<Vec<usize>>> {
    let (mut blocks, mut rest) = (vec![], v);
    while !rest.is_empty() {
        let mut piece = 1;
        while piece * (k + 1) <= rest.len() {
            piece *= k + 1;
        }
        let (block, after) = rest.split_at(rest.len() / piece * piece);
        blocks.push(block.chunks(piece).map(<[usize]>::to_vec).collect());
        rest = after;
    }
    blocks
}

/// The published procedure, as a machine with a counter for each block and free nodes for each piece.
fn simple(v: &[usize], k: usize) -> Vec<Vec<Pair>> {
    if let Some(rounds) = hyper(v, k) {
        return rounds;
    }
    let blocks = blocks(v, k);
    let sizes: Vec<usize> = blocks.iter().map(|block| block.iter().map(Vec::len).sum()).collect();
    let whole = |l: usize| hyper(&blocks[l].concat(), k).unwrap();
    let (first, goal) = (whole(0).len(), hyper(&blocks[0][0], k).unwrap().len());
    let mut turns = vec![0; blocks.len()];
    let mut rounds = vec![];
    while turns[0] < goal {
        let m = rounds.len();
        let mut free = blocks.clone();
        let mut round: Vec<Pair> = vec![];
        for l in (0..blocks.len()).rev() {
            let mut run = |rounds: Vec<Vec<Pair>>, turn: usize| {
                if !rounds.is_empty() {
                    round.extend(rounds[turn % rounds.len()].clone());
                }
            };
            if m < first {
                run(whole(l), m);
            } else if m < first + l {
                let s = m - first;
                let share = Rational::new(sizes[s], sizes[s..].iter().sum::<usize>() * blocks[s].len());
                for &node in blocks[l].iter().flatten() {
                    round.extend(free[s].iter_mut().map(|piece| (node, piece.pop().unwrap(), share.clone())));
                }
            } else if m == first + l && l + 1 < blocks.len() {
                for group in free[l].concat().chunks(k + 1) {
                    let pairs = (0..group.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
                    round.extend(pairs.map(|(a, b)| (group[a], group[b], Rational::new(1, group.len()))));
                }
            } else {
                let parts = if sizes[l] < k + 1 { vec![blocks[l].concat()] } else { blocks[l].clone() };
                parts.iter().for_each(|part| run(hyper(part, k).unwrap(), turns[l]));
                turns[l] += 1;
            }
        }
        rounds.push(round);
    }
    rounds
}

fn base(n: usize, k: usize) -> Vec<Vec<Pair>> {
    let mut p = n;
    while factors(p, k).is_none() || !n.is_multiple_of(p) {
        p -= 1;
    }
    let q = n / p;
    let within: Vec<Vec<Vec<Pair>>> =
        (0..p).map(|g| simple(&(g * q..(g + 1) * q).collect::<Vec<_>>(), k)).collect();
    let across: Vec<Vec<Vec<Pair>>> =
        (0..q).map(|j| hyper(&(0..p).map(|g| g * q + j).collect::<Vec<_>>(), k).unwrap()).collect();
    let together = |many: Vec<Vec<Vec<Pair>>>| -> Vec<Vec<Pair>> {
        (0..many[0].len()).map(|r| many.iter().flat_map(|rounds| rounds[r].clone()).collect()).collect()
    };
    let both = [together(within), together(across)].concat();
    let plain = simple(&(0..n).collect::<Vec<_>>(), k);
    if plain.len() < both.len() { plain } else { both }
}

fn dense(n: usize, rounds: Vec<Vec<Pair>>) -> Vec<Matrix> {
    let both = |(i, j, w): Pair| [(i, j, w.clone()), (j, i, w)];
    rounds.into_iter().map(|round| matrix(n, round.into_iter().flat_map(both))).collect()
}

#[test]
fn every_entry_is_that_of_the_published_procedure() {
    for k in 1..=4usize {
        let degree = k.to_string();
        let degree = [("k", degree.as_str())];
        for n in 2..=26usize {
            let found = ask("base", n as u32).with(&degree).phases();
            assert!(found == dense(n, base(n, k)), "base({k}) at {n}");
            assert!(is_average(&product(&found)), "base({k}) at {n}");
            let found = ask("simple_base", n as u32).with(&degree).phases();
            assert!(found == dense(n, simple(&(0..n).collect::<Vec<_>>(), k)), "simple_base({k}) at {n}");
            let hyper_hypercube = ask("hyper_hypercube", n as u32).with(&degree);
            match hyper(&(0..n).collect::<Vec<_>>(), k) {
                Some(rounds) => {
                    assert!(hyper_hypercube.phases() == dense(n, rounds), "hyper_hypercube({k}) at {n}")
                }
                None => assert!(hyper_hypercube.is_refused()),
            }
        }
    }
}

/// Published lengths (Takezawa et al., NeurIPS 2023), as (size, length) for k = 1, 2, 3, 4.
const LENGTHS: [&[(usize, usize)]; 4] = [
    &[
        (3, 3),
        (5, 5),
        (6, 4),
        (7, 5),
        (9, 7),
        (10, 6),
        (11, 7),
        (12, 5),
        (13, 7),
        (14, 6),
        (15, 7),
        (17, 9),
        (18, 8),
        (20, 7),
        (21, 9),
        (22, 8),
        (23, 9),
        (24, 6),
        (25, 9),
        (28, 7),
        (33, 11),
        (36, 9),
        (40, 8),
        (64, 6),
        (100, 11),
    ],
    &[
        (5, 3),
        (7, 4),
        (10, 4),
        (11, 5),
        (14, 5),
        (17, 5),
        (20, 5),
        (21, 5),
        (22, 6),
        (25, 6),
        (33, 6),
        (100, 8),
    ],
    &[(5, 3), (7, 3), (10, 4), (14, 4), (17, 5), (21, 4), (22, 5), (25, 5), (33, 5), (100, 6)],
    &[(7, 3), (11, 4), (13, 4), (17, 4), (21, 4), (25, 2), (33, 5), (100, 3)],
];

#[test]
fn every_size_averages_exactly_within_the_bound() {
    for k in 1..=4usize {
        let degree = k.to_string();
        let degree = [("k", degree.as_str())];
        for n in 2..=130usize {
            let compiled = ask("base", n as u32).with(&degree).compile();
            let exact = compiled.report.checks.iter().find(|check| check.text() == "exact_average").unwrap();
            assert_eq!(exact.verdict.word(), "proved", "base({k}) at {n}");
            let length = compiled.schedule.topologies()[0].phases.len();
            assert!(
                length as f64 <= 2.0 * (n as f64).ln() / ((k + 1) as f64).ln() + 2.0,
                "base({k}) at {n}: {length}"
            );
            if let Some((_, expected)) = LENGTHS[k - 1].iter().find(|(size, _)| *size == n) {
                assert_eq!(length, *expected, "base({k}) at {n}");
            }
            assert!(compiled.report.phases.iter().all(|phase| phase.rounds as usize <= k));
        }
    }
}

#[test]
fn simple_base_graphs_have_the_length_of_their_formula() {
    for (k, n) in (1..=4usize).flat_map(|k| [5usize, 7, 11, 23, 58, 89].map(|n| (k, n))) {
        if factors(n, k).is_some() {
            continue;
        }
        let degree = k.to_string();
        let analysis = ask("simple_base", n as u32).with(&[("k", &degree)]).analyze();
        let (mut p, mut unit) = (0, 1);
        while unit * (k + 1) <= n {
            (p, unit) = (p + 1, unit * (k + 1));
        }
        let expected = 2 * p + 1 + usize::from(n / unit > 1);
        assert_eq!((analysis.period, analysis.exact_average), (expected, Some(true)), "k {k}, size {n}");
    }
}

#[test]
fn five_and_six_ranks_by_hand() {
    let weights = |n: u32| {
        let mut found: Vec<Rational> =
            ask("base", n).phases().into_iter().flatten().flatten().filter(|w| !w.is_zero()).collect();
        found.sort();
        found.dedup();
        found.iter().map(Rational::to_string).collect::<Vec<_>>()
    };
    assert_eq!(weights(5), ["1/5", "1/2", "4/5", "1"]);
    assert_eq!(weights(6), ["1/3", "1/2", "2/3", "1"]);
}
