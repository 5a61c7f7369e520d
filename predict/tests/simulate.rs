//! Simulations against predictions, bounds and each other.

use crate::common::{close, cluster, compile, library, setting};
use bfc_predict::{Prediction, Setting, simulate};
use bfc_schedule::Rank;

#[test]
fn without_jitter_a_simulation_is_the_prediction() {
    for (topology, algorithm) in [
        ("ring", "dgd"),
        ("exponential", "atc_diffusion"),
        ("one_peer_exp2", "gradient_tracking"),
        ("ring", "parallel_sgd"),
    ] {
        let (schedule, cluster) = (library(topology, algorithm, 16), cluster(1, "", ""));
        let simulated = simulate(&schedule, &cluster, &setting(400)).expect("machines");
        let predicted = Prediction::new(&schedule, &cluster, 1e8).expect("machines");
        let error = simulated.step_seconds / predicted.step_seconds - 1.0;
        assert!(error.abs() < 0.01, "{topology} {algorithm}: {simulated:?} {predicted:?}");
        assert_eq!((simulated.done, simulated.lost), (400, None));
    }
}

/// The prediction ends its simulation early, but not where steps repeat for a while only.
#[test]
fn a_warm_up_is_not_what_repeats() {
    for condition in ["t < 300", "t >= 300 and t mod 3 == 0", "t == 0"] {
        let source = format!(
            "use topology::one_peer_exp2\nalgorithm warm(lr: scalar = 0.1) {{\n    state x = params\n    step {{\n        \
             let y = x - lr * grad(x)\n        x <- if {condition} {{ y }} else {{ mix(y) }}\n    }}\n}}\nschedule {{\n    \
             topology one_peer_exp2\n    algorithm warm\n}}\n"
        );
        let (schedule, cluster) = (compile(&source, 16, 1), cluster(1, "", ""));
        let simulated = simulate(&schedule, &cluster, &setting(4096)).expect("machines");
        let predicted = Prediction::new(&schedule, &cluster, 1e8).expect("machines");
        let error = simulated.step_seconds / predicted.step_seconds - 1.0;
        assert!(error.abs() < 1e-3, "{condition}: {simulated:?} {predicted:?}");
    }
}

#[test]
fn shared_nics_serve_all() {
    let (schedule, cluster) = (library("hypercube", "neighbor_averaging", 64), cluster(8, "", ""));
    let simulated = simulate(&schedule, &cluster, &setting(20)).expect("machines");
    let predicted = Prediction::new(&schedule, &cluster, 1e8).expect("machines");
    // Round by round, of which a part hides behind what others send.
    let by_rounds = 3.0 * 0.010001 + 3.0 * 0.80001;
    assert!((2.4..=by_rounds).contains(&predicted.step_seconds), "{predicted:?}");
    assert!((simulated.step_seconds / predicted.step_seconds - 1.0).abs() < 0.01, "{simulated:?}");
}

#[test]
fn the_seed_decides() {
    let (schedule, cluster) = (library("ring", "dgd", 24), cluster(4, "", "jitter = 0.2"));
    let run = |seed| {
        simulate(&schedule, &cluster, &Setting { seed, model_bytes: 1e3, ..setting(50) }).expect("machines")
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).seconds, run(4).seconds);
}

/// Waiting for one neighbour loses less than waiting for all.
#[test]
fn jitter_costs_all_reduce_more() {
    let (schedule, cluster) = (library("one_peer_exp2", "dgd", 64), cluster(1, "", "jitter = 0.2"));
    let fast = Setting { model_bytes: 1e3, ..setting(300) };
    let run = simulate(&schedule, &cluster, &fast).expect("machines");
    assert!((run.compute_seconds / 0.1 - 1.0).abs() < 0.01, "{run:?}");
    assert!(run.step_seconds > run.compute_seconds, "{run:?}");
    assert!(run.ring_step_seconds > 1.1 * run.step_seconds, "{run:?}");
    assert!(run.step_p50 <= run.step_p99);
}

#[test]
fn a_straggler_sets_the_pace_of_those_that_wait_for_it() {
    let (schedule, cluster) = (library("ring", "dgd", 16), cluster(1, "", ""));
    let slow = Setting { model_bytes: 1e3, stragglers: Some((1, 3.0)), ..setting(200) };
    let run = simulate(&schedule, &cluster, &slow).expect("machines");
    assert!((run.step_seconds / 0.3 - 1.0).abs() < 0.05, "{run:?}");
    assert!((run.ring_step_seconds / 0.3 - 1.0).abs() < 0.01, "{run:?}");
}

/// On a directed ring both who sends to a lost rank and who receives from it wait, and a step later their neighbours.
#[test]
fn a_loss_spreads_along_edges() {
    let (schedule, cluster) = (library("ring_directed", "dgd", 16), cluster(1, "", ""));
    let loses = Setting { lost: vec![(Rank(5), 20)], ..setting(100) };
    let run = simulate(&schedule, &cluster, &loses).expect("machines");
    let lost = run.lost.expect("a rank is lost");
    assert_eq!((run.done, &lost.ranks, lost.stalled), (20, &vec![5], 15));
    assert_eq!(lost.first_steps, 20);
    assert_eq!(lost.last_steps, 20 + 7, "the rank opposite is 8 away: {lost:?}");
    let late = Setting { lost: vec![(Rank(5), 100)], ..setting(100) };
    assert_eq!(simulate(&schedule, &cluster, &late).expect("machines").lost, None);
}

#[test]
fn one_rank_and_no_exchange_are_no_trouble() {
    let cluster = cluster(4, "", "");
    let alone = simulate(&library("ring", "dgd", 1), &cluster, &setting(30)).expect("machines");
    assert!(close(alone.step_seconds, 0.1) && close(alone.efficiency, 1.0), "{alone:?}");
    let idle =
        simulate(&library("ring", "neighbor_averaging", 1), &cluster, &setting(100_000)).expect("machines");
    assert_eq!((idle.done, idle.seconds), (100_000, 0.0));
}
