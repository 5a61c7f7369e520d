//! What algorithms keep of their neighbours, and what is on its way: sums that are kept, sums that are exact, and messages
//! no longer than their codes.

use crate::problem::{Vector, least_squares};
use crate::run::{Run, compiled, observed, source};
use bfc_runtime::{RuntimeError, State};
use bfc_schedule::Schedule;

fn schedule(topology: &str, own: &str, algorithm: &str, size: usize) -> Schedule {
    compiled(&source(topology, algorithm, own), size, &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .schedule
}

/// States of all ranks by name.
type States = Vec<Vec<Vector>>;

/// The named states of every rank after every step, from rank r at r + 1, r + 2, …, and the bytes that rank 0 has sent.
fn states(schedule: &Schedule, names: &[&str], dimension: usize, steps: usize) -> (Vec<States>, u64) {
    let start = |rank: usize| (1..=dimension).map(|k| (rank + k) as f64).collect();
    let state = |machine: &mut Run, name: &str| {
        Ok(match machine.state(name)? {
            State::Vector(values) | State::EdgeVector(values) | State::EdgeFactor(values) => values.to_vec(),
            State::Scalar(value) => vec![value],
            State::EdgeScalar(values) => values.to_vec(),
        })
    };
    let by_rank =
        observed(schedule, &least_squares(schedule.size() as usize), 0.1, steps, start, |_, machine| {
            let states = names.iter().map(|name| state(machine, name));
            Ok((states.collect::<Result<Vec<Vector>, RuntimeError>>()?, machine.bytes_sent()))
        });
    let bytes = by_rank[0].last().map_or(0, |(_, bytes)| *bytes);
    let after = |step: usize| by_rank.iter().map(|seen| seen[step].0.clone()).collect();
    ((0..steps).map(after).collect(), bytes)
}

const SPREAD: &str = "
algorithm spread(k: int) {
    requires column_stochastic
    state u = params
    state w: scalar = 1
    step {
        u <- mix(u, delay = k)
        w <- if every(3) { mix(w, delay = k) } else { w }
    }
}";

/// What ranks hold and what is on its way to them sum to the same after every step, whatever the phase.
#[test]
fn what_is_late_is_not_lost() {
    for (topology, size) in [("one_peer_exp2", 8), ("hub_push", 9), ("exponential", 6)] {
        for delay in 1..=3 {
            let schedule = schedule(topology, SPREAD, &format!("spread(k = {delay})"), size);
            for (state, total) in [("u", (size * (size + 1) / 2) as f64), ("w", size as f64)] {
                let late = (1..=delay).map(|ago| format!("mix({state}, delay = k) sent {ago} ago"));
                let names: Vec<String> = std::iter::once(state.to_string()).chain(late).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                for (step, ranks) in states(&schedule, &names, 1, 20).0.iter().enumerate() {
                    let sum: f64 = ranks.iter().flatten().flatten().sum();
                    assert!((sum - total).abs() < 1e-12 * total, "{topology}, {state} after {step}: {sum}");
                }
            }
        }
    }
}

/// A step of its own for what is late: x_i' = D x_i + Σ_j W[i][j] x_j of `delay` steps ago.
#[test]
fn what_is_late_arrives_as_it_was_sent() {
    let own = "algorithm late(k: int) {\nstate x = params\nstep { x <- mix(x, delay = k) }\n}";
    for delay in [1usize, 2, 4] {
        let schedule = schedule("one_peer_exp2", own, &format!("late(k = {delay})"), 8);
        let phases = &schedule.topologies()[0].phases;
        let mut sent: Vec<Vector> = vec![(0..8).map(|rank| (rank + 1) as f64).collect()];
        for (step, found) in states(&schedule, &["x"], 1, 12).0.iter().enumerate() {
            let row =
                |step: usize, rank: u32| phases[step % phases.len()].matrix.row(bfc_schedule::Rank(rank));
            let next = |rank: u32| {
                let own = row(step, rank).self_weight.to_f64() * sent[step][rank as usize];
                let late = step.checked_sub(delay).map_or(0.0, |then| {
                    let weights = row(then, rank).in_weights;
                    weights.iter().map(|(from, weight)| weight.to_f64() * sent[then][from.index()]).sum()
                });
                own + late
            };
            sent.push((0..8).map(next).collect());
            for (rank, expected) in sent[step + 1].iter().enumerate() {
                assert!((found[rank][0][0] - expected).abs() < 1e-12, "rank {rank} after {step}");
            }
        }
    }
}

const RELAY: &str = "
algorithm relay {
    requires tree
    state x = params
    state total = 0
    state count: scalar = 0
    edge m = 0
    edge k: scalar = 0
    step {
        m <- x + incoming(m) - back(m)
        k <- 1 + incoming(k) - back(k)
        total <- x + incoming(m')
        count <- 1 + incoming(k')
    }
}";

/// After as many steps as the tree is wide, and not before.
#[test]
fn what_is_relayed_is_counted_once() {
    for (topology, size, diameter) in [("binary_tree", 7, 4), ("star", 6, 2), ("binary_tree_relay", 8, 4)] {
        let schedule = schedule(topology, RELAY, "relay", size);
        let total = (size * (size + 1) / 2) as f64;
        let mut complete = vec![];
        for ranks in states(&schedule, &["total", "count"], 1, diameter + 3).0 {
            let all = ranks.iter().all(|rank| rank[1][0] == size as f64);
            let sum = ranks.iter().all(|rank| rank[0][0] == total);
            assert_eq!(all, sum, "{topology}");
            complete.push(all);
        }
        let first = complete.iter().position(|complete| *complete);
        assert_eq!(first, Some(diameter - 1), "{topology} is {diameter} wide: {complete:?}");
        assert!(complete[diameter..].iter().all(|complete| *complete), "{topology}");
    }
}

const RARE: &str = "
algorithm rare(H: int) {
    requires tree
    state x = params
    state total = 0
    edge m = x
    step {
        m <- if every(H) { x + incoming(m) - back(m) } else { m }
        total <- if every(H) { x + incoming(m') } else { total }
    }
}";

/// What has come back stays until the next relay, and what neighbours start from is sent before the first.
#[test]
fn a_relay_that_rests_takes_up_where_it_was() {
    let relayed = |period: usize, steps: usize| {
        let schedule = schedule("binary_tree", RARE, &format!("rare(H = {period})"), 7);
        states(&schedule, &["total", "m"], 1, steps)
    };
    let (every, bytes) = relayed(1, 6);
    let (rare, same) = relayed(3, 18);
    assert_eq!(rare.into_iter().skip(2).step_by(3).collect::<Vec<_>>(), every);
    // Rank 0 has two neighbours.
    assert_eq!((bytes, same), (2 * 8 * (1 + 6), bytes));
}

/// What comes back at the end of a step is not sent again in the next.
#[test]
fn relays_and_multipliers_take_one_message_a_step() {
    for (algorithm, topology, before, each) in [
        ("relay_sgd", "binary_tree", 0, 2 * (3 * 8 + 8)),
        ("relay_sgd_gradient", "binary_tree", 0, 2 * 3 * 8),
        ("d_admm", "ring", 1, 2 * 3 * 8),
    ] {
        let schedule = schedule(topology, "", algorithm, 7);
        assert_eq!(states(&schedule, &[], 3, 10).1, each * (before + 10), "{algorithm}");
    }
}

#[test]
fn multipliers_sum_to_zero() {
    let schedule = schedule("grid2d", "", "d_admm", 6);
    for ranks in states(&schedule, &["a"], 3, 30).0 {
        for k in 0..3 {
            let sum: f64 = ranks.iter().map(|rank| rank[0][k]).sum();
            let size: f64 = ranks.iter().map(|rank| rank[0][k].abs()).sum();
            assert!(sum.abs() <= 1e-12 * (1.0 + size), "{sum}");
        }
    }
}

/// The messages of compressed methods have the length of their codes: an index and a number, or two.
#[test]
fn what_travels_is_the_code() {
    for (algorithm, vectors, start) in [("choco_sgd", 1, 0), ("deep_squeeze", 1, 0), ("beer", 2, 2)] {
        let schedule = schedule("ring", "", &format!("{algorithm}(q = top_k(1))"), 8);
        let (_, bytes) = states(&schedule, &[], 3, 10);
        assert_eq!(bytes, 2 * (4 + 8) * (10 * vectors + start), "{algorithm}");
    }
    let schedule = schedule("ring", "", "dcd(q = quantize(8, 1))", 8);
    assert_eq!(states(&schedule, &[], 3, 10).1, 2 * (3 * 8 + 10 * (8 + 3)));
}

const COMPARED: &str = "
algorithm compared(rank: int) {
    requires symmetric, doubly_stochastic
    state x = params
    state y = params
    state z = params
    step {
        x <- mix(x, via = low_rank(rank))
        y <- mix(x)
        z <- x
    }
}";

/// Along as many directions as there are, what two ranks know of their difference is all of it.
#[test]
fn along_all_directions_a_difference_is_known() {
    for topology in ["ring", "grid2d", "star"] {
        let schedule = schedule(topology, COMPARED, "compared(rank = 3)", 6);
        for ranks in states(&schedule, &["x", "y"], 12, 4).0 {
            for rank in ranks {
                rank[0].iter().zip(&rank[1]).for_each(|(x, y)| assert!((x - y).abs() < 1e-12, "{x} {y}"));
            }
        }
    }
}

/// Along one direction at a time ranks agree more slowly, on the same mean.
#[test]
fn along_one_direction_ranks_agree_in_the_end() {
    let own = "algorithm gossip {\nstate x = params\nstep { x <- mix(x, via = low_rank(1, 3)) }\n}";
    let schedule = schedule("ring", own, "gossip", 5);
    // Matrices of full rank, different on every rank.
    let start = |rank: usize, k: usize| ((rank * 7 + k * k * 3) % 11) as f64;
    let mean = |k: usize| (0..5).map(|rank| start(rank, k)).sum::<f64>() / 5.0;
    let models = crate::run::run(&schedule, &least_squares(5), 0.0, 60, 1, |rank| {
        (0..12).map(|k| start(rank, k)).collect()
    });
    let distance = |models: &Vec<Vector>| {
        let square = |(k, x): (usize, &f64)| (x - mean(k)).powi(2);
        models.iter().flat_map(|x| x.iter().enumerate().map(square)).sum::<f64>().sqrt()
    };
    for models in &models {
        for k in 0..12 {
            assert!((models.iter().map(|x| x[k]).sum::<f64>() / 5.0 - mean(k)).abs() < 1e-12);
        }
    }
    let distances: Vec<f64> = models.iter().map(distance).collect();
    assert!(distances.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-12)), "{distances:?}");
    assert!(distances[59] < 1e-3 * distances[0], "{distances:?}");
}

const TWICE: &str = "
algorithm twice(q: codec) {
    state x = params
    state c = 0
    state coded = 0
    state before = 0
    state plain = 0
    step {
        x <- mix(x) + 1/7
        c <- compress(x, q)
        coded <- mix(compress(x, q))
        before <- coded
        plain <- mix(c)
    }
}";

/// To the bit what the same vectors give uncompressed.
#[test]
fn codes_mix_as_what_they_say() {
    let codecs =
        ["top_k(2)", "quantize(3)", "quantize(3, 9)", "random_k(2, 4)", "sign", "low_rank(1)", "cast(bf16)"];
    for q in codecs {
        let schedule = schedule("ring", TWICE, &format!("twice(q = {q})"), 5);
        for ranks in states(&schedule, &["before", "plain"], 5, 6).0 {
            for rank in ranks {
                let bits = |values: &Vector| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&rank[0]), bits(&rank[1]), "{q}");
            }
        }
    }
}
