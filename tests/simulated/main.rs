//! Machines on simulated networks. A seed decides everything: the schedule, of the library or of random weights, how its
//! trainer drives it, the network, and what goes wrong. Without a fault, all ranks have the bits that threads give; with
//! faults, each rank ends with the right error, in time, and whatever it has completed has the right bits.
//!
//! A failure prints its seed, and `BFC_SEED=17` runs that one alone. `BFC_SEARCH=10000` runs more seeds than the tests do.

mod check;
mod schedules;
mod trainer;

use bfc_runtime::Element;
use bfc_runtime::simulated::{Injected, Network, run};
use bfc_schedule::program::Instruction;
use bfc_schedule::{Rank, Schedule, random};
use check::{ENDS, Faulty, check_faulty, check_sound};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;
use trainer::{Drive, Failure, Task, train};

/// Seeds of each test unless the environment asks for more.
const SEEDS: u64 = 500;
/// The deadline of machines.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a seed has yet to decide.
struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        random::output(self.seed, self.drawn) % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn rank(&mut self, size: u32) -> Rank {
        Rank(self.below(size.into()) as u32)
    }
}

/// Runs a test's seeds on all cores.
fn seeds(test: u64, schedule: impl Fn(&mut Draws) -> (String, Schedule) + Sync) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let alone = number("BFC_SEED");
    let seeds: Vec<u64> = match alone {
        Some(seed) => vec![seed],
        None => (0..number("BFC_SEARCH").map_or(SEEDS, |all| all / 2)).collect(),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (seeds, schedule) = (&seeds, &schedule);
                scope.spawn(move || {
                    let mut ends = vec![];
                    for &seed in seeds.iter().skip(thread).step_by(threads) {
                        let mut draws = Draws { seed: random::substream(test, &[seed]), drawn: 0 };
                        let (what, schedule) = schedule(&mut draws);
                        let run = || one(seed, &what, schedule, &mut draws);
                        ends.extend(catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
                            eprintln!("BFC_SEED={seed} fails: {what}");
                            resume_unwind(panic)
                        }));
                    }
                    ends
                })
            })
            .collect();
        for worker in workers {
            for end in worker.join().unwrap_or_else(|panic| resume_unwind(panic)) {
                *ends.entry(end).or_default() += 1;
            }
        }
    });
    println!("{ends:?}");
    // Faults that are injected in vain would check nothing: among many seeds, runs come to every end.
    let missing: Vec<_> = ENDS.iter().filter(|end| !ends.contains_key(*end)).collect();
    assert!(alone.is_some() || missing.is_empty(), "no rank of {} seeds ends so: {missing:?}", seeds.len());
}

/// What one seed decides, on a sound network and on a faulty one.
fn one(seed: u64, what: &str, schedule: Schedule, draws: &mut Draws) -> Vec<&'static str> {
    // A trainer that gives one answer a call is not told the direction of a step of its optimizer, only its point.
    let adapts = |instruction: &Instruction| matches!(instruction, Instruction::Adapt { .. });
    let program = schedule.program();
    let drive = match draws.pick(&[Drive::Closure, Drive::Lent, Drive::Answers]) {
        Drive::Answers if program.steps.iter().flatten().any(adapts) => Drive::Closure,
        drive => drive,
    };
    let task = Task {
        schedule,
        length: draws.pick(&[0, 1, 3, 17, 200, 2000, 9000]),
        steps: 2 + draws.below(5),
        drive,
        failure: None,
    };
    let what = format!("BFC_SEED={seed}: {what}, {} elements, {:?}", task.length, task.drive);
    let network = Network::new(draws.below(u64::MAX));
    if draws.below(2) == 0 {
        both::<f32>(&what, task, &network, draws)
    } else {
        both::<f64>(&what, task, &network, draws)
    }
}

fn both<T: Element>(what: &str, mut task: Task, network: &Network, draws: &mut Draws) -> Vec<&'static str> {
    let size = task.schedule.size();
    let reference = trainer::on_threads::<T>(&task);
    let sound =
        run(size, network.clone(), |transport| train::<T, _>(&task, Some(transport.clock()), transport));
    let length = sound.ended.iter().copied().max().unwrap_or_default();
    check_sound(what, &reference, sound);

    let (network, until) = faults(network.clone(), size, length, draws);
    if draws.below(4) == 0 {
        let kind = draws.pick(&[Failure::Error, Failure::Panic]);
        task.failure = Some((draws.rank(size), draws.below(task.steps), kind));
    }
    let what = format!("{what}, {:?}, {:?}", network.faults, task.failure);
    let again =
        || run(size, network.clone(), |transport| train::<T, _>(&task, Some(transport.clock()), transport));
    let found = again();
    if draws.below(8) == 0 {
        assert_eq!(found, again(), "{what}: a second run differs");
    }
    let faulty = Faulty { network: &network, task: &task, latest: until + 2 * length };
    check_faulty(&what, &reference, &found, &faulty)
}

/// One fault or two within a run of this length, and when the last has passed.
fn faults(mut network: Network, size: u32, length: Duration, draws: &mut Draws) -> (Network, Duration) {
    let mut until = Duration::ZERO;
    for _ in 0..1 + draws.below(2) {
        let at = Duration::from_nanos(draws.below(length.as_nanos() as u64 + 1));
        let rank = draws.rank(size);
        let lasts = draws.pick(&[None, Some(DEADLINE / 10), Some(3 * DEADLINE)]);
        until += at + lasts.unwrap_or_default();
        network = network.with(match draws.below(3) {
            0 => Injected::Kill { rank, at },
            1 => Injected::Stop { rank, at, lasts },
            _ => {
                let other = 1 + draws.rank(size.max(2) - 1).0;
                Injected::Lose { from: rank, to: Rank((rank.0 + other) % size), message: draws.below(6) }
            }
        });
    }
    (network, until)
}

#[test]
fn schedules_of_random_weights() {
    seeds(1, schedules::random);
}

#[test]
fn schedules_of_the_library() {
    let library = schedules::Library::default();
    seeds(2, |draws| library.draw(draws));
}
