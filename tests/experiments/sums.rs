//! What rounding does to the sums that push-sum relies on.

use crate::run::{compiled, source};
use bfc_compiler::Compiled;
use bfc_runtime::local::spmd;
use bfc_runtime::{Ask, Flat, RuntimeError, State, Transport};
use bfc_schedule::{RankSchedule, random};

/// Rank 0 divides what it has unevenly, the others hand back a half. 7/23 is not exact in any binary format.
const HUB: &str = "
topology uneven_hub {
    for i in 1..size {
        0 -> i weight 7/23
        i -> 0 weight 1/2
        self i weight 1/2
    }
    self 0 weight 9/23
}
";
const RANKS: u32 = 3;
const LENGTH: usize = 64;
const STEPS: u64 = 50_000;

fn hub() -> Compiled {
    let text = source("uneven_hub", "push_sum_sgd", HUB);
    compiled(&text, RANKS as usize, &[]).unwrap_or_else(|errors| panic!("{:?}", errors.errors()))
}

/// An element between 1 and 2.
fn start(rank: u32, element: usize) -> f32 {
    1.0 + random::unit(rank.into(), element as u64) as f32
}

/// Gradients of the ranks 0 and 1 that cancel exactly, so that nothing but rounding changes the sum; and no model comes
/// to rest, where rounding would do nothing either.
fn gradient(rank: u32, step: u64, into: &mut [f32]) {
    let sign = [1.0, -1.0, 0.0][rank as usize];
    for (element, value) in (0..).zip(into) {
        *value = sign * (random::unit(step, element) as f32 - 0.5);
    }
}

/// u, element by element, and w at the end.
fn train(
    schedule: RankSchedule,
    transport: impl Transport + Send + 'static,
) -> Result<(Vec<f64>, f64), RuntimeError> {
    let rank = schedule.rank.0;
    let initial: Vec<f32> = (0..LENGTH).map(|element| start(rank, element)).collect();
    let mut machine = Flat::<f32, _>::new(schedule, transport, &initial)?;
    for step in 0..STEPS {
        machine.step(&mut |ask| {
            if let Ask::Gradient { gradient: into, .. } = ask {
                gradient(rank, step, into);
            }
        })?;
    }
    let State::Scalar(w) = machine.state("w")? else { unreachable!("w is a scalar") };
    let State::Vector(u) = machine.state("u")? else { unreachable!("u is a vector") };
    Ok((u.iter().map(|u| f64::from(*u)).collect(), w))
}

/// The weights 7/23, 7/23 and 9/23 that rank 0 divides by do not sum to 1 if each is rounded by itself: every step would
/// take the same part of the sum, 7e-4 in the end. What is left is the random walk of rounded products and sums.
#[test]
fn push_sum_in_single_precision_keeps_its_sum() {
    let schedule = hub().schedule;
    let ranks = spmd(RANKS, |transport| train(schedule.rank(transport.rank()), transport))
        .unwrap_or_else(|error| panic!("{error}"));
    let drift = |element: usize| {
        let before: f64 = (0..RANKS).map(|rank| f64::from(start(rank, element))).sum();
        ranks.iter().map(|(u, _)| u[element]).sum::<f64>() / before - 1.0
    };
    let drifts: Vec<f64> = (0..LENGTH).map(drift).collect();
    let mean = drifts.iter().sum::<f64>() / LENGTH as f64;
    let worst = drifts.iter().fold(0.0, |worst, drift| drift.abs().max(worst));
    assert!(
        mean.abs() < 5e-6 && worst < 5e-5,
        "the sum of u is off by {mean:.1e} in the mean, {worst:.1e} at most"
    );
    let w: f64 = ranks.iter().map(|(_, w)| w).sum();
    assert!((w - f64::from(RANKS)).abs() < 1e-12, "the sum of w is {w}");
}
