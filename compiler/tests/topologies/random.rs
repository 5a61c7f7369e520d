//! Seeded topologies: the draws that their documentation promises, by an independent generator, and what holds on average.

use super::dense::{
    Matrix, ask, is_doubly_stochastic, is_symmetric, matrix, mean_gram, messages, metropolis, phases,
    second_eigenvalue, source,
};
use bfc_compiler::{NoFiles, compile};
use bfc_schedule::Rational;
use std::collections::BTreeSet;

/// Output k of SplitMix64 from a seed.
fn output(seed: u64, k: u64) -> u64 {
    let mut z = seed.wrapping_add((k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn below(n: usize, seed: u64, k: usize) -> usize {
    (output(seed, k as u64) % n as u64) as usize
}

fn unit(seed: u64, k: usize) -> f64 {
    (output(seed, k as u64) >> 11) as f64 / (1u64 << 53) as f64
}

fn shuffled(n: usize, seed: u64, k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for (draw, i) in (1..n).rev().enumerate() {
        order.swap(i, below(i + 1, seed, k + draw));
    }
    order
}

fn is_connected(n: usize, edges: &BTreeSet<(usize, usize)>) -> bool {
    let mut seen = BTreeSet::from([0]);
    let mut next = vec![0];
    while let Some(i) = next.pop() {
        let reached = (0..n).filter(|&j| edges.contains(&(i.min(j), i.max(j))));
        next.extend(reached.filter(|&j| seen.insert(j)));
    }
    seen.len() == n
}

/// Draws from a position on until the edges connect all ranks; `draw` gives the edges and where it stopped.
fn until_connected(n: usize, draw: impl Fn(usize) -> (BTreeSet<(usize, usize)>, usize)) -> Matrix {
    let mut position = 0;
    loop {
        let (edges, next) = draw(position);
        if is_connected(n, &edges) {
            return metropolis(n, |i, j| edges.contains(&(i.min(j), i.max(j))));
        }
        position = next;
    }
}

const SEEDS: [u64; 3] = [1, 2, 77];

#[test]
fn erdos_renyi_draws_pair_by_pair() {
    for (n, p, chance) in [(6usize, "1/4", 0.25), (9, "1/3", 1.0 / 3.0), (24, "1/5", 0.2), (5, "1", 1.0)] {
        for seed in SEEDS {
            let expected = until_connected(n, |first| {
                let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
                let drawn = pairs.zip(first..).filter(|(_, k)| unit(seed, *k) < chance).map(|(pair, _)| pair);
                (drawn.collect(), first + n * (n - 1) / 2)
            });
            let text = seed.to_string();
            let found = ask("erdos_renyi", n as u32).with(&[("p", p), ("seed", &text)]).phases();
            assert!(found == [expected], "{n} {p} {seed}");
        }
    }
}

#[test]
fn geometric_graphs_draw_rank_by_rank() {
    for (n, radius, reach) in [(7usize, "1/2", 0.5), (20, "2/5", 0.4), (30, "1/3", 1.0 / 3.0)] {
        for seed in SEEDS {
            let expected = until_connected(n, |first| {
                let cut = |k| (unit(seed, k) * f64::from(1 << 26)).floor() / f64::from(1 << 26);
                let place = |i: usize| (cut(first + 2 * i), cut(first + 2 * i + 1));
                let near = |i, j| {
                    let ((a, b), (c, d)) = (place(i), place(j));
                    (a - c).powi(2) + (b - d).powi(2) <= reach * reach
                };
                let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
                (pairs.filter(|&(i, j)| near(i, j)).collect(), first + 2 * n)
            });
            let text = seed.to_string();
            let found = ask("geometric", n as u32).with(&[("radius", radius), ("seed", &text)]).phases();
            assert!(found == [expected], "{n} {radius} {seed}");
        }
    }
}

/// Edges of the rewired ring, and the position after the last draw.
fn small_world(
    n: usize,
    neighbors: usize,
    p: f64,
    seed: u64,
    mut k: usize,
) -> (BTreeSet<(usize, usize)>, usize) {
    let sorted = |i: usize, j: usize| (i.min(j), i.max(j));
    let ring = |hop: usize| (0..n).map(move |i| (i, (i + hop) % n));
    let lattice: Vec<_> = (1..=neighbors / 2).flat_map(ring).collect();
    let mut edges: BTreeSet<_> = lattice.iter().map(|&(i, j)| sorted(i, j)).collect();
    for (i, j) in lattice {
        k += 1;
        let degree = edges.iter().filter(|edge| edge.0 == i || edge.1 == i).count();
        if unit(seed, k - 1) >= p || degree == n - 1 {
            continue;
        }
        let mut end = below(n, seed, k);
        while end == i || edges.contains(&sorted(i, end)) {
            k += 1;
            end = below(n, seed, k);
        }
        k += 1;
        edges.remove(&sorted(i, j));
        edges.insert(sorted(i, end));
    }
    (edges, k)
}

#[test]
fn watts_strogatz_rewires_edge_by_edge() {
    for (n, neighbors, p, chance) in
        [(6usize, "2", "1/2", 0.5), (5, "4", "1", 1.0), (20, "4", "3/10", 0.3), (21, "6", "1", 1.0)]
    {
        let expected = |seed| {
            until_connected(n, |first| small_world(n, neighbors.parse().unwrap(), chance, seed, first))
        };
        for seed in SEEDS {
            let text = seed.to_string();
            let given = [("neighbors", neighbors), ("p", p), ("seed", &text)];
            assert!(
                ask("watts_strogatz", n as u32).with(&given).phases() == [expected(seed)],
                "{n} {p} {seed}"
            );
        }
    }
    let ring = ask("watts_strogatz", 9).with(&[("neighbors", "2"), ("p", "0")]).phases();
    assert!(ring == [metropolis(9, |i, j| (i + 1) % 9 == j)]);
}

fn edges_of(seed: u64, n: usize, steps: usize, name: &str, expected: impl Fn(usize) -> Matrix) {
    let (text, horizon) = (seed.to_string(), steps.to_string());
    let found = ask(name, n as u32).with(&[("seed", &text), ("horizon", &horizon)]).phases();
    assert_eq!(found.len(), steps, "{name}");
    for (t, phase) in found.iter().enumerate() {
        assert!(*phase == expected(t), "{name} at {n}, seed {seed}, step {t}");
    }
}

/// Going round from `start`, who is free takes the free rank `shift` ahead.
fn scan(n: usize, shift: usize, start: usize) -> Vec<(usize, usize)> {
    let mut free = vec![true; n];
    let mut pairs = vec![];
    for i in (0..n).map(|p| (start + p) % n) {
        let j = (i + shift) % n;
        if free[i] && free[j] {
            (free[i], free[j]) = (false, false);
            pairs.push((i, j));
        }
    }
    pairs
}

fn paired(n: usize, pairs: &[(usize, usize)], weight: &Rational) -> Matrix {
    matrix(n, pairs.iter().flat_map(|&(i, j)| [(i, j, weight.clone()), (j, i, weight.clone())]))
}

#[test]
fn one_partner_schedules_draw_as_documented() {
    let half = Rational::new(1, 2);
    for n in [2usize, 5, 8, 13] {
        let share = Rational::new(n - 1, 2 * n);
        for seed in SEEDS {
            edges_of(seed, n, 40, "od_equidyn", |t| {
                let shift = 1 + below(n - 1, seed, t);
                matrix(n, (0..n).map(|i| (i, (i + shift) % n, share.clone())))
            });
            edges_of(seed, n, 40, "ou_equidyn", |t| {
                paired(n, &scan(n, 1 + below(n - 1, seed, 2 * t), below(n, seed, 2 * t + 1)), &share)
            });
            edges_of(seed, n, 60, "pairwise_gossip", |t| {
                let i = below(n, seed, 2 * t);
                paired(n, &[(i, (i + 1 + below(n - 1, seed, 2 * t + 1)) % n)], &half)
            });
            if n % 2 == 0 {
                edges_of(seed, n, 30, "random_matching", |t| {
                    let order = shuffled(n, seed, t * (n - 1));
                    let pairs: Vec<_> = order.chunks(2).map(|pair| (pair[0], pair[1])).collect();
                    paired(n, &pairs, &half)
                });
            }
        }
    }
}

/// All shifts and starts of U-EquiDyn in one period.
const EVERY_PAIRING: &str = "use topology::ou_equidyn::{equidyn_pairs}
topology all {
    for shift in 1..size, start in ranks {
        phase { for [i, j] in equidyn_pairs(size, shift, start) { i -- j weight (size - 1) / (2 * size) } }
    }
}
schedule { topology all }";

const EVERY_SHIFT: &str = "use topology::d_equistatic
topology all {
    for shift in 1..size { phase { for i in ranks { (i + shift) mod size -> i weight (size - 1) / (2 * size) } } }
}
schedule { topology all }";

#[test]
fn equidyn_contracts_on_average_as_published() {
    let all = |text: &str, n: u32| {
        phases(&compile(&source(text, n), &NoFiles).unwrap_or_else(|error| panic!("{error}")))
    };
    for (n, expected) in [(8, 0.507813), (16, 0.541139), (32, 0.559518), (33, 0.562959)] {
        let phases = all(EVERY_PAIRING, n);
        let steps = (0..n as usize).flat_map(|start| (1..n as usize).map(move |shift| (shift, start)));
        let steps: BTreeSet<_> = steps.collect();
        assert_eq!(phases.len(), steps.len());
        let found = second_eigenvalue(&mean_gram(&phases));
        assert!((found - expected).abs() < 6e-7, "{n}: {found}");
    }
    for (n, expected) in [(8, 0.4375), (33, 0.5 * (1.0 - 1.0 / 33.0))] {
        let found = second_eigenvalue(&mean_gram(&all(EVERY_SHIFT, n)));
        assert!((found - expected).abs() < 1e-9, "{n}: {found}");
    }
}

/// Of 20 intervals of 95 % at least 16 hold what is true; fewer have a chance of 3 in 1,000.
#[test]
fn means_over_draws_are_near_what_is_published() {
    let gossip = |n: f64| 1.0 - 1.0 / (n - 1.0);
    let matching = |n: f64| (n - 2.0) / (2.0 * (n - 1.0));
    for (name, size, horizon, expected) in [
        ("pairwise_gossip", 8, "120", gossip(8.0)),
        ("pairwise_gossip", 33, "150", gossip(33.0)),
        ("random_matching", 12, "60", matching(12.0)),
        ("ou_equidyn", 8, "400", 0.507813),
        ("od_equidyn", 16, "250", 0.5 * (1.0 - 1.0 / 16.0)),
        ("matcha", 8, "100", 0.783905),
    ] {
        let seeds: Vec<String> = (1..=20).map(|seed: u32| seed.to_string()).collect();
        let of = |seed: &String| {
            let given = [("seed", seed.as_str()), ("horizon", horizon)];
            ask(name, size).with(&given).analyze_with_curves().expected_contraction.expect("phases are draws")
        };
        let found: Vec<_> = seeds.iter().map(of).collect();
        let holds =
            found.iter().filter(|found| (found.interval[0]..=found.interval[1]).contains(&expected)).count();
        let mean = found.iter().map(|found| found.mean).sum::<f64>() / 20.0;
        assert!(
            holds >= 16 && (mean - expected).abs() < 0.02,
            "{name}: {holds} of 20, mean {mean}, true {expected}"
        );
    }
    for fixed in ["ring", "one_peer_exp2", "random_regular", "base"] {
        assert!(ask(fixed, 12).analyze_with_curves().expected_contraction.is_none(), "{fixed}");
    }
}

#[test]
fn every_matching_of_equidyn_is_the_scan() {
    for n in 2..=14usize {
        let found = phases(&compile(&source(EVERY_PAIRING, n as u32), &NoFiles).unwrap());
        let steps = (1..n).flat_map(|shift| (0..n).map(move |start| (shift, start)));
        let share = Rational::new(n - 1, 2 * n);
        for ((shift, start), phase) in steps.zip(&found) {
            assert!(*phase == paired(n, &scan(n, shift, start), &share), "{n}: shift {shift}, start {start}");
        }
    }
}

#[test]
fn epidemic_learning_sends_to_as_many_as_it_says() {
    for (n, peers) in [(2usize, "1"), (9, "3"), (16, "4"), (16, "15")] {
        let count: usize = peers.parse().unwrap();
        let given = [("peers", peers), ("seed", "5"), ("horizon", "6")];
        let local = ask("el_local", n as u32).with(&given).phases();
        let oracle = ask("el_oracle", n as u32).with(&given).phases();
        for phase in local.iter().chain(&oracle) {
            let messages = messages(phase);
            let sent = |i: usize| messages.iter().filter(|(from, _)| *from == i).count();
            assert!((0..n).all(|i| sent(i) == count), "{n} {peers}");
            // Whoever receives k messages gives each 1/(k + 1).
            for row in phase {
                let given: Vec<_> = row.iter().filter(|weight| !weight.is_zero()).collect();
                assert!(given.iter().all(|weight| **weight == Rational::new(1, given.len())));
            }
        }
        assert!(oracle.iter().all(is_doubly_stochastic), "{n} {peers}");
    }
    let varied = ask("el_local", 16).with(&[("horizon", "2")]).phases();
    assert!(varied[0] != varied[1] && !is_doubly_stochastic(&varied[0]));
}

#[test]
fn seeds_make_the_same_graph_again_and_others_another() {
    let names = [
        "erdos_renyi",
        "geometric",
        "watts_strogatz",
        "d_equistatic",
        "u_equistatic",
        "od_equidyn",
        "ou_equidyn",
        "random_matching",
        "pairwise_gossip",
        "el_local",
        "el_oracle",
        "random_regular",
    ];
    for name in names {
        let of = |seed: &str| ask(name, 24).with(&[("seed", seed)]).phases();
        let first = of("1");
        assert!(first == of("1") && first != of("2"), "{name}");
        assert!(name == "el_local" || first.iter().all(is_doubly_stochastic), "{name}");
        let undirected = !["d_equistatic", "od_equidyn", "el_local", "el_oracle"].contains(&name);
        assert!(!undirected || first.iter().all(is_symmetric), "{name}");
    }
}
