//! Exchanges between two ranks of one process: what the runtime adds to its kernels, and these beside memcpy.
//!
//! `cargo bench -p bfc-runtime`. A time is one step of both ranks; 100 MB are 25 million `f32` on each.

use bfc_runtime::conformance::schedules::*;
use bfc_runtime::{Flat, Transport, kernel, local};
use criterion::{Criterion, criterion_group, criterion_main};
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const LARGE: usize = 25_000_000;
const SMALL: usize = 1024;

/// The time that `steps` repetitions of `work` take on two threads, each with its own state from `make`.
fn on_two_threads<S>(steps: u64, make: impl Fn(usize) -> S + Sync, work: impl Fn(&mut S) + Sync) -> Duration {
    let barrier = Barrier::new(2);
    let run = |thread| {
        let mut state = make(thread);
        work(&mut state);
        barrier.wait();
        let start = Instant::now();
        (0..steps).for_each(|_| work(&mut state));
        barrier.wait();
        start.elapsed()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        let time = run(0);
        other.join().expect("no panic");
        time
    })
}

/// The time of `steps` steps of two machines whose rounds go both ways (`pairs`) or around three ranks.
fn machines(steps: u64, size: u32, length: usize) -> Duration {
    let schedule = schedule(averaging(), size, vec![vec![shifts(size, &[1])]]);
    let barrier = Barrier::new(size as usize);
    let times = local::spmd(size, |transport| {
        let rank = transport.rank();
        let mut x = vec![rank.0 as f32; length];
        let mut machine = Flat::new(schedule.rank(rank), transport, &x).expect("a machine");
        machine.step_on(&mut x, &mut |_| ()).expect("a step");
        barrier.wait();
        let start = Instant::now();
        for _ in 0..steps {
            machine.step_on(&mut x, &mut |_| ()).expect("a step");
        }
        barrier.wait();
        Ok::<_, Infallible>(start.elapsed())
    });
    times.expect("a run")[0]
}

/// Two threads, each with one half of both vectors.
fn kernel_alone(steps: u64) -> Duration {
    let (mut x, mut y) = (vec![1f32; LARGE], vec![2f32; LARGE]);
    let (x, y) = (x.split_at_mut(LARGE / 2), y.split_at_mut(LARGE / 2));
    let halves = [(x.0, y.0), (x.1, y.1)].map(|half| std::sync::Mutex::new(Some(half)));
    let make = |thread: usize| halves[thread].lock().expect("no panic").take().expect("a half");
    on_two_threads(steps, make, |(x, y)| kernel::pair(x, y, [0.5, 0.5], [0.5, 0.5]))
}

fn memcpy(steps: u64) -> Duration {
    let make = |_| (vec![1f32; LARGE], vec![0f32; LARGE]);
    on_two_threads(steps, make, |(from, to)| black_box(to).copy_from_slice(black_box(from)))
}

fn benches(criterion: &mut Criterion) {
    let mut large = criterion.benchmark_group("100 MB");
    large.sample_size(10).measurement_time(Duration::from_secs(3));
    large.bench_function("memcpy", |bencher| bencher.iter_custom(memcpy));
    large.bench_function("pair kernel alone", |bencher| bencher.iter_custom(kernel_alone));
    large.bench_function("one-peer averaging", |bencher| {
        bencher.iter_custom(|steps| machines(steps, 2, LARGE))
    });
    large.bench_function("3 ranks, direct read", |bencher| {
        bencher.iter_custom(|steps| machines(steps, 3, LARGE))
    });
    large.finish();
    let mut small = criterion.benchmark_group("4 KB");
    small.measurement_time(Duration::from_secs(3));
    small.bench_function("one-peer averaging", |bencher| {
        bencher.iter_custom(|steps| machines(steps, 2, SMALL))
    });
    small.bench_function("8 ranks", |bencher| bencher.iter_custom(|steps| machines(steps, 8, SMALL)));
    small.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
