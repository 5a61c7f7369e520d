//! Rounds that respect shared links, against bounds, simulations, and the rounds that ports of ranks allow.

use crate::common::{close, cluster, compile, library, setting};
use bfc_predict::sharing::Sharing;
use bfc_predict::{Prediction, fit, simulate};

const BYTES: f64 = 1e8;

#[test]
fn rounds_for_a_cluster_lie_between_their_bound_and_the_fewest() {
    let mut faster = 0;
    for (topology, size) in [
        ("erdos_renyi", 32),
        ("erdos_renyi", 48),
        ("barbell", 16),
        ("grid", 24),
        ("random_regular", 40),
        ("binary_tree", 21),
        ("star", 17),
        ("el_oracle", 24),
        ("geometric", 48),
        ("watts_strogatz", 40),
        ("ring", 24),
        ("chordal_ring", 24),
    ] {
        for cluster in
            [cluster(4, "", ""), cluster(8, "", ""), cluster(8, "nics = 3\noversubscription = 3", "")]
        {
            let schedule = library(topology, "dgd", size);
            let (fitted, fit) = fit(schedule.clone(), &cluster, BYTES).expect("machines");
            for phase in &fit.sharing {
                let bound = phase.bound_seconds.expect("a table");
                assert!(bound <= phase.seconds * (1.0 + 1e-12), "{topology} {size}: {phase:?}");
                assert!(phase.seconds <= phase.least_rounds_seconds && phase.rounds >= phase.least_rounds);
            }
            let seconds = |schedule| {
                Prediction::new(schedule, &cluster, BYTES).expect("machines").communication_seconds
            };
            let (old, new) = (seconds(&schedule), seconds(&fitted));
            assert!(new <= old * (1.0 + 1e-12), "{topology} {size}: {old} {new}");
            let sum = |of: fn(&Sharing) -> f64| fit.sharing.iter().map(of).sum::<f64>();
            faster += u32::from(sum(|phase| phase.seconds) < 0.99 * sum(|phase| phase.least_rounds_seconds));
        }
    }
    assert!(faster >= 2, "{faster} are faster");
}

/// Ranks 0 and 1 share a machine, as 2 and 3 do, and every message crosses: four through each NIC each way.
#[test]
fn what_is_unavoidable_is_told() {
    let source = "topology t {\n 0 -- 2\n 1 -- 3\n 0 -- 3\n 1 -- 2\n weights metropolis\n}";
    let (_, fit) = fit(compile(source, 4, 1), &cluster(2, "", ""), BYTES).expect("machines");
    let [phase] = &fit.sharing[..] else { panic!("{:?}", fit.sharing) };
    assert!(close(phase.share, 2.0) && (0.4..0.4001).contains(&phase.seconds), "{phase:?}");
    assert!(close(phase.bound_seconds.expect("a table"), 0.4), "{phase:?}");
    assert_eq!((phase.rounds, phase.least_rounds), (2, 2), "serial rounds would only add latencies");
}

#[test]
fn nothing_changes_where_nothing_is_shared() {
    for (topology, size) in [("erdos_renyi", 32), ("exponential", 32), ("star", 8)] {
        let schedule = library(topology, "dgd", size);
        let (fitted, fit) = fit(schedule.clone(), &cluster(1, "", ""), BYTES).expect("machines");
        assert_eq!(fitted, schedule, "{topology}");
        assert!(fit.sharing.iter().all(|phase| close(phase.share, 1.0)), "{topology}");
    }
}

/// What is reported about rounds agrees with a simulation, and rounds that a simulation finds slower do not change.
#[test]
fn a_simulation_agrees() {
    let mut faster = 0;
    for (topology, size) in [("erdos_renyi", 48), ("geometric", 64), ("watts_strogatz", 64), ("barbell", 16)]
    {
        let (cluster, schedule) = (cluster(8, "", ""), library(topology, "neighbor_averaging", size));
        let (fitted, fit) = fit(schedule.clone(), &cluster, BYTES).expect("machines");
        let [phase] = &fit.sharing[..] else { panic!("{:?}", fit.sharing) };
        let step = |schedule| simulate(schedule, &cluster, &setting(20)).expect("machines").step_seconds;
        let (old, new) = (step(&schedule), step(&fitted));
        assert!((phase.least_rounds_seconds / old - 1.0).abs() < 0.05, "{topology}: {old} {phase:?}");
        assert!((phase.seconds / new - 1.0).abs() < 0.05, "{topology}: {new} {phase:?}");
        assert!(new < old * 1.005, "{topology}: {old} {new}");
        faster += u32::from(new < 0.95 * old);
    }
    assert!(faster > 0, "none is faster");
}
