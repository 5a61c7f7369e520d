//! Many short runs of random sizes, tensors, types, programs and drives, with ranks that are late: no wrong bit, and no growth
//! of memory. `BFC_SOAK=1000000` does so many steps instead of some thousands.

use super::draws::{Draws, layout, program, topology};
use super::{Drive, trained};
use bfc_runtime::conformance::schedules::schedule;
use std::time::Duration;

const STEPS: u64 = 8_000;
/// What memory may differ by between two moments of a run, in bytes: allocators keep what threads have freed.
const SLACK: usize = 64 << 20;

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
        let mut draws = Draws::new(seed);
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
