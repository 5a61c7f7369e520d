//! Calls of a communicator between four ranks: threads, and the shared memory of processes between threads.
//!
//! `cargo bench -p bfc-runtime --bench communicate`. A time is one call of all ranks; 100 MB are 25 million `f32` on each,
//! 4 KB are 1,024.

use bfc_runtime::communicator::Array;
use bfc_runtime::process::ProcessTransport;
use bfc_runtime::secret::Secret;
use bfc_runtime::{Communicator, Reduction, Transport, local};
use bfc_schedule::Rank;
use criterion::{Criterion, criterion_group, criterion_main};
use std::convert::Infallible;
use std::sync::Barrier;
use std::time::{Duration, Instant};

const SIZE: u32 = 4;
const LARGE: usize = 25_000_000;
const SMALL: usize = 1024;

type Call<X> = fn(&mut Communicator<X>, &mut Array<f32>);

fn allreduce<X: Transport + Send + 'static>(comm: &mut Communicator<X>, x: &mut Array<f32>) {
    comm.allreduce(&mut **x, Reduction::Mean).expect("a mean");
}

fn broadcast<X: Transport + Send + 'static>(comm: &mut Communicator<X>, x: &mut Array<f32>) {
    comm.broadcast(x, Rank(0)).expect("a broadcast");
}

fn barrier<X: Transport + Send + 'static>(comm: &mut Communicator<X>, _: &mut Array<f32>) {
    comm.barrier().expect("a barrier");
}

/// The time of `times` calls of a rank.
fn timed<X: Transport + Send + 'static>(
    transport: X,
    (times, length, call): (u64, usize, Call<X>),
    barrier: &Barrier,
) -> Duration {
    let mut comm = Communicator::new(transport);
    let mut x = comm.allocate::<f32>(length).expect("memory");
    x.fill(comm.rank().0 as f32);
    call(&mut comm, &mut x);
    barrier.wait();
    let start = Instant::now();
    (0..times).for_each(|_| call(&mut comm, &mut x));
    barrier.wait();
    start.elapsed()
}

fn on_threads(times: u64, length: usize, call: Call<local::LocalTransport>) -> Duration {
    let barrier = Barrier::new(SIZE as usize);
    let run = |transport| Ok::<_, Infallible>(timed(transport, (times, length, call), &barrier));
    local::spmd(SIZE, run).expect("a run")[0]
}

fn in_shared_memory(times: u64, length: usize, call: Call<ProcessTransport>) -> Duration {
    let directory = std::env::temp_dir().join(format!("bfc-communicate-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let barrier = Barrier::new(SIZE as usize);
    let time = std::thread::scope(|scope| {
        let start = |rank| {
            let (directory, barrier) = (&directory, &barrier);
            scope.spawn(move || {
                let (secret, patience) = (Secret::default(), Duration::from_secs(30));
                let transport = ProcessTransport::join(directory, Rank(rank), SIZE, &secret, patience);
                timed(transport.expect("a group"), (times, length, call), barrier)
            })
        };
        let threads: Vec<_> = (0..SIZE).map(start).collect();
        let times = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        times.max().expect("a rank")
    });
    std::fs::remove_dir_all(&directory).expect("the directory");
    time
}

fn benches(criterion: &mut Criterion) {
    for (name, length) in [("100 MB", LARGE), ("4 KB", SMALL)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        group.bench_function("allreduce, threads", |bencher| {
            bencher.iter_custom(|times| on_threads(times, length, allreduce))
        });
        group.bench_function("allreduce, shared memory", |bencher| {
            bencher.iter_custom(|times| in_shared_memory(times, length, allreduce))
        });
        group.bench_function("broadcast, threads", |bencher| {
            bencher.iter_custom(|times| on_threads(times, length, broadcast))
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("nothing");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("barrier, threads", |bencher| {
        bencher.iter_custom(|times| on_threads(times, 0, barrier))
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
