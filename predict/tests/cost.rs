//! What schedules send and how long their steps take, against numbers by hand.

use crate::common::{close, cluster, compile, library};
use bfc_predict::{AllReduce, Cluster, Cost, Prediction, links::Wiring};

const STAR: &str = "topology star {\n for i in 1..size { 0 -- i }\n weights metropolis\n}";

fn step(schedule: &bfc_schedule::Schedule, cluster: &Cluster) -> Prediction {
    Prediction::new(schedule, cluster, 1e8).expect("as many machines as needed")
}

#[test]
fn messages_are_counted() {
    let cost = Cost::new(&library("exponential", "dgd", 16));
    assert_eq!((cost.steps, cost.rounds.max, cost.models.mean, cost.models.max), (1, 4.0, 4.0, 4.0));
    let cost = Cost::new(&library("one_peer_exp2", "gradient_tracking", 16));
    assert_eq!((cost.steps, cost.rounds.mean, cost.models.mean), (4, 2.0, 2.0));
    let cost = Cost::new(&compile(STAR, 8, 1));
    assert_eq!((cost.models.mean, cost.models.max), (14.0 / 8.0, 7.0));
}

#[test]
fn an_average_sends_what_an_all_reduce_must() {
    let cost = Cost::new(&library("ring", "parallel_sgd", 12));
    assert!(close(cost.models.mean, 2.0 * 11.0 / 12.0));
    assert_eq!(cost.rounds.mean, 8.0, "two times the logarithm of 12");
}

#[test]
fn steps_without_exchange_cost_nothing() {
    let cost = Cost::new(&compile(include_str!("../../examples/local_steps.bf"), 8, 1));
    assert!(close(cost.models.mean, 0.25) && cost.models.max == 1.0, "{cost:?}");
}

#[test]
fn push_sum_sends_a_number_beside_the_model() {
    let cost = Cost::new(&library("ring_directed", "push_sum_sgd", 8));
    assert_eq!((cost.models.mean, cost.scalars.mean), (1.0, 1.0));
    assert_eq!(cost.bytes(100.0).mean, 108.0);
}

/// 100 MB over a NIC of 1 GB/s that one of the ranks of a machine uses take 100 ms and a latency.
#[test]
fn an_exchange_that_needs_no_gradient_hides_behind_it() {
    let cluster = cluster(1, "", "").with_compute(Some(0.08), None);
    let adapt_while_communicating = step(&library("ring_directed", "dgd", 8), &cluster);
    assert!(close(adapt_while_communicating.step_seconds, 0.10001), "{adapt_while_communicating:?}");
    assert!(close(adapt_while_communicating.exposed_seconds, 0.02001));
    let adapt_then_communicate = step(&library("ring_directed", "atc_diffusion", 8), &cluster);
    assert!(close(adapt_then_communicate.step_seconds, 0.18001), "{adapt_then_communicate:?}");
    assert!(close(adapt_then_communicate.communication_seconds, 0.10001));
}

#[test]
fn all_reduce_by_hand() {
    let cluster = cluster(8, "", "");
    let wiring = Wiring::new(&cluster, 32).expect("machines");
    let all = AllReduce::new(&wiring, 1e8);
    let chunk = 1e8 / 32.0;
    assert!(close(all.ring, 62.0 * (10e-6 + chunk / 1e9)));
    assert!(close(all.tree, 2.0 * (0.1 + 3.0 * 1e-6 + 2.0 * 10e-6)));
    assert!(close(all.hierarchical, 14.0 * (1e-6 + 1e8 / 8.0 / 1e10) + 6.0 * (10e-6 + 1e8 / 4.0 / 1e9)));
    let alone = AllReduce::new(&Wiring::new(&cluster, 1).expect("a machine"), 1e8);
    assert_eq!((alone.ring, alone.tree, alone.hierarchical), (0.0, 0.0, 0.0));
}

#[test]
fn a_schedule_that_loses_is_warned_of() {
    let slow = cluster(1, "", "");
    let loses = step(&library("complete", "dgd", 8), &slow);
    assert!(loses.warnings.iter().any(|warning| warning.contains("loses")), "{loses:?}");
    let wins = step(&library("one_peer_exp2", "dgd", 8), &slow.clone());
    assert!(wins.warnings.is_empty() && wins.step_seconds < wins.ring_step_seconds, "{wins:?}");
    let other = compile(
        "use topology::ring\nuse algorithm::dgd\nschedule {\n topology ring\n algorithm dgd\n}",
        8,
        4,
    );
    let there = cluster(8, "", "");
    assert!(step(&other, &there).warnings.iter().any(|warning| warning.contains("machines of 4 ranks")));
}
