//! Ranks on better places, against counts by hand, other orders of the same ranks, and the schedule as it was.

use crate::common::{close, cluster, compile, library, setting};
use bfc_predict::place::Placement;
use bfc_predict::{Cluster, Placing, Prediction, Search, place, simulate};
use bfc_schedule::{Rank, Rational, Schedule};

/// A permutation of this number of ranks, selected by a seed.
fn shuffled(size: u32, seed: u32) -> Vec<u32> {
    let mut ranks: Vec<u32> = (0..size).collect();
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    for place in (1..size as usize).rev() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ranks.swap(place, (state >> 8) as usize % (place + 1));
    }
    ranks
}

/// Averaging over undirected edges whose ends have other numbers.
fn graph(edges: &[(u32, u32)], numbers: &[u32]) -> Schedule {
    let size = numbers.len() as u32;
    let edge = |(a, b): &(u32, u32)| format!(" {} -- {}\n", numbers[*a as usize], numbers[*b as usize]);
    let lines: String = edges.iter().map(edge).collect();
    compile(&format!("topology t {{\n{lines} weights metropolis\n}}"), size, 1)
}

fn ring(size: u32) -> Vec<(u32, u32)> {
    (0..size).map(|rank| (rank, (rank + 1) % size)).collect()
}

fn placed(schedule: &Schedule, cluster: &Cluster) -> (Schedule, Placement) {
    let (schedule, fit) = place(schedule.clone(), cluster, 1e8).expect("machines");
    match fit.placement {
        Some(Placing::Best(placement)) => (schedule, placement),
        other => panic!("{other:?}"),
    }
}

/// Entry by entry, W'[p][q] = W[σ(p)][σ(q)].
fn assert_relabelled(before: &Schedule, after: &Schedule, ranks: &[u32]) {
    let number = |rank: &Rank| ranks.iter().position(|known| *known == rank.0).expect("a permutation") as u32;
    for (old, new) in before.topologies().iter().zip(after.topologies()) {
        assert_eq!(old.phases.len(), new.phases.len());
        for (old, new) in old.phases.iter().zip(&new.phases) {
            for (place, rank) in ranks.iter().enumerate() {
                let (old, new) = (old.matrix.row(Rank(*rank)), new.matrix.row(Rank(place as u32)));
                assert_eq!(old.self_weight, new.self_weight);
                let mut moved: Vec<(u32, Rational)> =
                    old.in_weights.iter().map(|(source, weight)| (number(source), weight.clone())).collect();
                moved.sort_by_key(|(source, _)| *source);
                let found: Vec<(u32, Rational)> =
                    new.in_weights.into_iter().map(|(source, weight)| (source.0, weight)).collect();
                assert_eq!(found, moved);
            }
        }
    }
}

#[test]
fn a_shuffled_ring_leaves_each_machine_twice() {
    let cluster = cluster(4, "", "");
    for seed in 0..6 {
        let schedule = graph(&ring(16), &shuffled(16, seed));
        let (after, placement) = placed(&schedule, &cluster);
        assert_eq!(placement.after.messages_between_machines, 8.0, "seed {seed}: {placement:?}");
        assert_relabelled(&schedule, &after, &placement.ranks);
    }
}

/// Machines of 2 × 4 ranks of a torus of 8 × 8 are left by four messages up, four down, two to the left and two to the right.
#[test]
fn a_torus_is_cut_into_blocks() {
    let (schedule, cluster) = (library("torus2d", "neighbor_averaging", 64), cluster(8, "", ""));
    let placement = placed(&schedule, &cluster).1;
    assert_eq!(placement.before.messages_between_machines, 8.0 * 16.0, "{placement:?}");
    assert_eq!(placement.after.messages_between_machines, 8.0 * 12.0, "{placement:?}");
    // Latencies hide behind what others send.
    let seconds = placement.after.communication_seconds;
    assert!((1.2..=1.2 + 4.0 * 10e-6).contains(&seconds), "{placement:?}");
}

/// Ranks that are equal modulo 8 share a machine: hops 8, 16 and 32 stay inside, and all messages of 1, 2 and 4 leave.
#[test]
fn an_exponential_graph_is_dealt() {
    let (schedule, cluster) = (library("exponential", "neighbor_averaging", 64), cluster(8, "", ""));
    let placement = placed(&schedule, &cluster).1;
    assert!(placement.before.communication_seconds > 3.1, "(1 + 2 + 4 + 8 + 8 + 8) · 0.1 s");
    assert!(placement.after.communication_seconds < 2.4 + 0.031, "{placement:?}");
}

#[test]
fn no_placement_is_slower_than_none() {
    for (topology, size) in [
        ("exponential", 16),
        ("one_peer_exp2", 32),
        ("torus2d", 36),
        ("random_regular", 24),
        ("binary_tree", 31),
        ("star", 12),
        ("complete", 12),
        ("base", 20),
        ("hypercube", 32),
        ("inner_outer_ring", 16),
    ] {
        for cluster in [cluster(4, "", ""), cluster(8, "nics = 2\noversubscription = 2", ""), sites()] {
            let schedule = library(topology, "dgd", size);
            let (after, placement) = placed(&schedule, &cluster);
            let (fitted, _) = bfc_predict::fit(schedule.clone(), &cluster, 1e8).expect("machines");
            let seconds = |schedule: &Schedule| {
                Prediction::new(schedule, &cluster, 1e8).expect("machines").communication_seconds
            };
            assert_eq!(placement.before.communication_seconds, seconds(&fitted), "{topology}");
            assert_eq!(placement.after.communication_seconds, seconds(&after), "{topology}");
            assert!(seconds(&after) <= seconds(&fitted) * (1.0 + 1e-9), "{topology}: {placement:?}");
            assert!(seconds(&after) <= seconds(&schedule) * (1.0 + 1e-9), "{topology}: {placement:?}");
            assert_relabelled(&schedule, &after, &placement.ranks);
        }
    }
}

/// Two sites of two machines.
fn sites() -> Cluster {
    let wide = "[wide]\nmachines_per_site = 2\nlatency = \"1 ms\"\nbandwidth = \"100 MB/s\"";
    cluster(4, "", wide)
}

/// Where all placements are tried, the numbers that ranks had do not matter.
#[test]
fn the_best_of_all_is_the_best_of_any_order() {
    let (cluster, tree) = (cluster(4, "", ""), [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6), (6, 7)]);
    let mut seconds = vec![];
    for seed in 0..5 {
        let (_, placement) = placed(&graph(&tree, &shuffled(8, seed)), &cluster);
        assert_eq!(placement.search, Search::All);
        seconds.push(placement.after.communication_seconds);
    }
    assert!(seconds.iter().all(|own| close(*own, seconds[0])), "{seconds:?}");
    // One edge of a tree between two halves: a round of 1e8 bytes both ways at 1 GB/s, and rounds at 10 GB/s.
    assert!(seconds[0] < 0.1 + 10e-6 + 3.0 * 0.0101, "{seconds:?}");
}

#[test]
fn a_simulation_takes_less_time_too() {
    let (cluster, schedule) = (cluster(8, "", ""), library("random_regular", "atc_diffusion", 64));
    let (after, placement) = placed(&schedule, &cluster);
    let step = |schedule| simulate(schedule, &cluster, &setting(30)).expect("machines").step_seconds;
    let (old, new) = (step(&schedule), step(&after));
    let gain = placement.after.step_seconds / placement.before.step_seconds;
    assert!(gain < 0.75 && new < 0.8 * old, "{old} {new} {placement:?}");
}

#[test]
fn a_placement_is_recorded_and_repeats() {
    let (cluster, schedule) = (cluster(4, "", ""), graph(&ring(16), &shuffled(16, 9)));
    let (after, placement) = placed(&schedule, &cluster);
    assert_eq!(placed(&schedule, &cluster).0.digest(), after.digest());
    assert_eq!(after.metadata()["placement"], serde_json::json!(placement.ranks));
    assert_eq!(after.metadata()["cluster"], "test");
    assert_eq!(Schedule::decode(&after.encode()).expect("a schedule"), after);
    let again = placed(&after, &cluster).1;
    assert_eq!(again.ranks, (0..16).collect::<Vec<u32>>(), "a placed schedule stays");
}

#[test]
fn what_is_too_large_stays() {
    let (schedule, cluster) = (library("exponential", "dgd", 8192), cluster(8, "", ""));
    let (after, placement) = placed(&schedule, &cluster);
    assert_eq!((after.digest(), placement.search), (schedule.digest(), Search::None));
    assert_eq!(placement.before, placement.after);
}
