//! Machines on simulated networks, most of which do harm: a rank has the right bits or an error, and nobody waits for ever.

use super::draws::{Draws, layout, program, topology};
use super::{DEADLINE, Drive, train, trained};
use bfc_runtime::conformance::schedules::schedule;
use bfc_runtime::simulated::{Injected, Network, Outcome, run};
use bfc_schedule::Rank;
use std::time::Duration;

const STEPS: u64 = 6;

/// What goes wrong, if anything does.
fn fault(draws: &mut Draws, size: u32) -> Option<Injected> {
    let rank = Rank(draws.below(size as usize) as u32);
    let at = Duration::from_micros([1, 100, 10_000, 1_000_000][draws.below(4)] * draws.below(100) as u64);
    match draws.below(5) {
        0 => None,
        1 => Some(Injected::Kill { rank, at }),
        2 => Some(Injected::Stop { rank, at, lasts: None }),
        3 => Some(Injected::Stop { rank, at, lasts: Some(DEADLINE / 2) }),
        _ => {
            let to = Rank((rank.0 + 1 + draws.below(size as usize) as u32) % size);
            Some(Injected::Lose { from: rank, to, message: draws.below(20) as u64 })
        }
    }
}

fn check(seed: u64) {
    let mut draws = Draws::new(seed);
    let size = 1 + draws.below(8) as u32;
    let program = program(&mut draws);
    let what = format!("seed {seed}: {}, {size} ranks", program.name);
    let topology = topology(&mut draws, size);
    let schedule = schedule(program, size, vec![topology]);
    let layout = layout(&mut draws);
    let fault = fault(&mut draws, size);
    let reference = trained(&schedule, &layout, Drive::Closure, STEPS, &|_, _| ());
    let mut network = Network::new(seed);
    network.faults.extend(fault);
    let run = run(size, network, |transport| {
        train(transport, &schedule, &layout, Drive::Closure, STEPS, &|_, _| ())
            .map_err(|error| error.to_string())
    });
    let may_fail = !matches!(fault, None | Some(Injected::Stop { lasts: Some(_), .. }));
    for (rank, (outcome, right)) in run.ranks.into_iter().zip(reference).enumerate() {
        match outcome {
            Outcome::Ended(Ok(model)) => assert_eq!(model, right, "{what}, {fault:?}, rank {rank}"),
            Outcome::Ended(Err(_)) | Outcome::Lost if may_fail => {}
            other => panic!("{what}, {fault:?}, rank {rank}: {other:?}"),
        }
    }
}

#[test]
fn right_bits_or_an_error() {
    (0..300).for_each(check);
}

/// A rank dies in the first of several exchanges that begin together: it does not begin the others.
#[test]
fn who_dies_begins_nothing_more() {
    check(2546);
}

mod long {
    #[test]
    #[ignore = "takes many minutes"]
    fn ten_thousand_seeds() {
        (0..10_000).for_each(super::check);
    }
}
