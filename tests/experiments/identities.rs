//! Algorithms that are the same algorithm under some parameters, and algorithms that end at the same place.

use crate::problem::{Vector, least_squares, scalar};
use crate::run::{compiled, difference, models, run, schedule, source};

/// Static and time-varying, directed and not.
const TOPOLOGIES: [(&str, usize); 5] =
    [("ring", 8), ("exponential", 8), ("one_peer_exp2", 8), ("grid2d", 6), ("bipartite_exponential", 6)];

fn steps(topology: &str, algorithm: &str, ranks: usize, samples: usize, every: usize) -> Vec<Vec<Vector>> {
    models(&schedule(topology, algorithm, ranks), &least_squares(ranks), 0.1, samples, every)
}

fn assert_same(a: (&str, &str), b: (&str, &str), ranks: usize) {
    let worst = difference(&steps(a.0, a.1, ranks, 60, 1), &steps(b.0, b.1, ranks, 60, 1));
    assert!(worst < 1e-12, "{} and {} over {}: {worst:e}", a.1, b.1, a.0);
}

#[test]
fn special_cases_are_the_general_algorithm() {
    for (topology, ranks) in TOPOLOGIES {
        for (special, general) in [
            ("gossip_pga(H = 1)", "parallel_sgd"),
            ("local_sgd(H = 1)", "parallel_sgd"),
            ("scaffnew(H = 1)", "parallel_sgd"),
            ("decentralized_proxskip(H = 1)", "exact_diffusion"),
            ("dmsgd(beta = 0)", "atc_diffusion"),
            ("dmsgd_awc(beta = 0)", "dgd"),
            ("decentlam(beta = 0)", "atc_diffusion"),
            ("qg_dmsgd(beta = 0)", "atc_diffusion"),
            ("push_sum_sgd", "atc_diffusion"),
            ("local_dsgd(H = 1)", "atc_diffusion"),
            ("slowmo(beta = 0, H = 3)", "gossip_pga(H = 3)"),
            ("k_gt(K = 1, warm = false)", "gradient_tracking_semi"),
            ("momentum_tracking(beta = 0)", "gradient_tracking_awc"),
            ("push_diging", "gradient_tracking_semi"),
            ("gradient_tracking_rotated", "gradient_tracking_awc"),
            ("overlap_push_sum_sgd(delay = 0)", "push_sum_sgd"),
        ] {
            assert_same((topology, special), (topology, general), ranks);
        }
        let both = format!("R = {topology}, C = {topology}");
        assert_same((&both, "ab"), (topology, "gradient_tracking_awc"), ranks);
        assert_same((&both, "push_pull"), (topology, "gradient_tracking_semi"), ranks);
    }
}

/// What loses nothing: a codec that keeps all, and a delay of nothing.
#[test]
fn compression_without_loss_is_none() {
    for (topology, ranks) in [("ring", 8), ("hypercube", 8), ("grid2d", 6)] {
        for q in ["top_fraction(1)", "cast(f64)"] {
            let with = |algorithm: &str| format!("{algorithm}(gamma = 1, q = {q})");
            assert_same((topology, &with("choco_sgd")), (topology, "atc_diffusion"), ranks);
            assert_same((topology, &with("deep_squeeze")), (topology, "atc_diffusion"), ranks);
            assert_same((topology, &with("beer")), (topology, "gradient_tracking_awc"), ranks);
            assert_same((topology, &format!("dcd(q = {q})")), (topology, "dgd"), ranks);
            assert_same((topology, &format!("ecd(q = {q})")), (topology, "dgd"), ranks);
        }
    }
}

#[test]
fn relayed_between_two_ranks_nothing_is_late() {
    for algorithm in ["relay_sgd", "relay_sgd_gradient"] {
        assert_same(("ring", algorithm), ("ring", "parallel_sgd"), 2);
    }
}

#[test]
fn on_the_complete_graph_there_is_nothing_to_track() {
    for algorithm in ["gradient_tracking", "gradient_tracking_semi", "atc_diffusion"] {
        assert_same(("complete", algorithm), ("complete", "parallel_sgd"), 8);
    }
}

#[test]
fn an_outer_loop_without_momentum_is_local_sgd() {
    let outer = steps("ring", "diloco(mu = 0, outer = 1, H = 4)", 8, 60, 4);
    assert!(difference(&outer, &steps("ring", "local_sgd(H = 4)", 8, 60, 4)) < 1e-12);
}

#[test]
fn combining_first_is_adapting_first_half_a_step_later() {
    let problem = least_squares(8);
    let (adapting, combining) =
        (steps("ring", "atc_diffusion", 8, 60, 1), steps("ring", "cta_diffusion", 8, 61, 1));
    // What combining has mixed, and where it takes the gradient, is what adapting first has.
    for (step, models) in adapting.iter().enumerate() {
        for (rank, z) in models.iter().enumerate() {
            let mut gradient = vec![0.0; 3];
            problem.gradient(rank, z, &mut gradient);
            let next = z.iter().zip(gradient).map(|(z, g)| z - 0.1 * g);
            let found = &combining[step + 1][rank];
            next.zip(found).for_each(|(next, found)| assert!((next - found).abs() < 1e-13));
        }
    }
}

#[test]
fn some_end_at_the_same_place() {
    let end = |topology: &str, algorithm: &str, lr, steps| {
        let (one, other) = (scalar(8), least_squares(8));
        let schedule = schedule(topology, algorithm, 8);
        let mut ends = models(&schedule, &one, lr, 1, steps / 3);
        ends.extend(models(&schedule, &other, lr, 1, steps));
        ends
    };
    for topology in ["ring", "exponential", "star"] {
        for (a, lr_a, b, lr_b, steps) in [
            ("dmsgd(beta = 1/2)", 0.05, "atc_diffusion", 0.1, 2400),
            ("decentlam(beta = 1/2)", 0.1, "atc_diffusion", 0.1, 2400),
            ("qg_dmsgd(beta = 1/2, mu = 1/2)", 0.1, "atc_diffusion", 0.1, 2400),
            ("slowmo(beta = 1/2, H = 4)", 0.1, "gossip_pga(H = 4)", 0.1, 2400),
            ("diloco(mu = 0.5, H = 4)", 0.1, "local_sgd(H = 4)", 0.1, 2400),
        ] {
            let worst = difference(&end(topology, a, lr_a, steps), &end(topology, b, lr_b, steps));
            assert!(worst < 1e-12, "{a} and {b} over {topology}: {worst:e}");
        }
    }
}

#[test]
fn rounds_within_a_step_are_steps() {
    let averaging = |topology: &str, ranks: usize, times: usize, samples: usize, every: usize| {
        let own = format!(
            "algorithm gossip {{\n state x = params\n state w: scalar = 1\n step {{\n x <- mix(x, times = {times})\n \
             w <- mix(w, times = {times})\n }}\n model w * x\n}}"
        );
        let schedule = compiled(&source(topology, "gossip", &own), ranks, &[]).unwrap().schedule;
        let start = |rank: usize| vec![(rank * rank) as f64, 1.0 / (1.0 + rank as f64), -1.0];
        run(&schedule, &least_squares(ranks), 0.1, samples, every, start)
    };
    for (topology, ranks) in TOPOLOGIES {
        for times in [2, 3, 4, 5] {
            let (within, steps) =
                (averaging(topology, ranks, times, 6, 1), averaging(topology, ranks, 1, 6, times));
            assert!(within == steps, "{times} rounds over {topology}");
        }
    }
}
