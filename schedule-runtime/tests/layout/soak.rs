//! Many short runs of random sizes, tensors, types, programs and drives, with ranks that are late: no wrong bit, and no growth
//! of memory. `BFC_SOAK=1000000` does so many steps instead of some thousands.

use super::{Drive, trained};
use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Dtype, Layout, Tensor};
use bfc_schedule::{Phase, Program, random};
use std::time::Duration;

const STEPS: u64 = 8_000;
/// What memory may differ by between two moments of a run, in bytes: allocators keep what threads have freed.
const SLACK: usize = 64 << 20;

/// Numbers that a seed decides.
struct Draws(u64, u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.1 += 1;
        (random::output(self.0, self.1) % bound as u64) as usize
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

fn layout(draws: &mut Draws) -> Layout {
    let tensor = |index: usize, draws: &mut Draws| {
        let rows = [0, 1, 3, 64, 1500];
        let shape = (0..draws.below(3)).map(|_| draws.pick(&rows)).collect::<Vec<_>>();
        // A product of sizes stays small.
        let shape = if shape.iter().product::<usize>() > 100_000 { vec![1500] } else { shape };
        Tensor { name: format!("t{index}"), shape, dtype: draws.pick(&Dtype::ALL) }
    };
    let tensors = (0..1 + draws.below(6)).map(|index| tensor(index, draws)).collect();
    Layout::with_buckets(tensors, draws.pick(&[1, 4096, 1 << 20]))
}

fn topology(draws: &mut Draws, size: u32) -> Vec<Phase> {
    match draws.below(4) {
        0 => one_peer(size),
        1 => vec![ring(size)],
        2 => vec![path(size)],
        _ => vec![hub(size)],
    }
}

fn program(draws: &mut Draws) -> Program {
    let programs = [averaging, global_averaging, dgd, atc, awc, late, push_sum, coded, travelling, still];
    draws.pick(&programs.map(|program| program as fn() -> Program))()
}

/// The memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells of memory");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the number of resident pages") * 4096
}

#[test]
fn runs_have_the_right_bits_and_no_leaks() {
    soak(std::env::var("BFC_SOAK").ok().and_then(|steps| steps.parse().ok()).unwrap_or(STEPS));
}

fn soak(wanted: u64) {
    let (mut done, mut seed, mut early) = (0, 0, None);
    while done < wanted {
        seed += 1;
        let mut draws = Draws(seed, 0);
        let size = 1 + draws.below(8) as u32;
        let program = program(&mut draws);
        let what = format!("seed {seed}: {}, {size} ranks", program.name);
        let topology = topology(&mut draws, size);
        let schedule = schedule(program, size, vec![topology]);
        let (layout, steps) = (layout(&mut draws), 20 + draws.below(40) as u64);
        let drives = [Drive::Answers, Drive::Buckets { reversed: false }, Drive::Buckets { reversed: true }];
        let (drive, late) = (draws.pick(&drives), draws.below(8) as u32);
        let pause = |rank: bfc_schedule::Rank, step: u64| {
            if rank.0 == late && step % 16 == 3 {
                std::thread::sleep(Duration::from_micros(300));
            }
        };
        let reference = trained(&schedule, &layout, Drive::Closure, steps, &|_, _| ());
        assert_eq!(
            trained(&schedule, &layout, drive, steps, &pause),
            reference,
            "{what}, {drive:?}, {layout:?}"
        );
        done += 2 * steps;
        if early.is_none() && done > wanted / 4 {
            early = Some(resident());
        }
    }
    let (early, late) = (early.expect("a quarter has passed"), resident());
    assert!(late < early + SLACK, "{early} bytes grew to {late}");
}

mod long {
    #[test]
    #[ignore = "takes many minutes"]
    fn a_million_steps() {
        super::soak(1_000_000);
    }
}
