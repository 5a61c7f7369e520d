//! Averages between processes that share memory, beside the same between threads.
//!
//! `cargo bench -p bfc-runtime --bench processes` starts itself as the other ranks. Times are the median and the least on rank 0.
//! 4 KB are rounds of a transport and the average of two vectors of `f32`; 100 MB, 25 million elements on each rank, are steps
//! of a machine. `benches/peers/averages.py` does the same by hand over MPI and gloo.

use bfc_runtime::conformance::schedules;
use bfc_runtime::process::ProcessTransport;
use bfc_runtime::secret::Secret;
use bfc_runtime::transport::{Fault, Memory, Tag, rounds};
use bfc_runtime::{Dtype, Layout, Machine, Tensor, Transport, World, kernel, local};
use bfc_schedule::matrix::Row;
use bfc_schedule::program::Program;
use bfc_schedule::{Phase, Rank, Rational};
use bytemuck::{cast_slice, cast_slice_mut};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
/// Elements, and how many rounds are timed at a time, how often.
const SMALL: (usize, usize, usize) = (1024, 1000, 41);
const LARGE: (usize, usize) = (25_000_000, 31);

/// One rank's vector, and room for what it becomes.
struct Vectors {
    x: Memory,
    sum: Memory,
    exchange: u64,
}

type Round<X> = fn(&mut X, &mut Vectors) -> Result<(), Fault>;

/// The average with the partner of a rank.
fn symmetric<X: Transport>(transport: &mut X, vectors: &mut Vectors) -> Result<(), Fault> {
    let peer = Rank(transport.rank().0 ^ 1);
    average(transport, vectors, peer, peer)
}

/// The average with the rank before.
fn directed<X: Transport>(transport: &mut X, vectors: &mut Vectors) -> Result<(), Fault> {
    let (rank, size) = (transport.rank().0, transport.size());
    average(transport, vectors, Rank((rank + 1) % size), Rank((rank + size - 1) % size))
}

fn average<X: Transport>(
    transport: &mut X,
    Vectors { x, sum, exchange }: &mut Vectors,
    to: Rank,
    from: Rank,
) -> Result<(), Fault> {
    *exchange += 1;
    let tag = Tag { exchange: *exchange, round: 0 };
    rounds(transport, |rounds| {
        let ticket = rounds.begin(tag, Some((to, &[x])), Some((from, &[x.len()])), DEADLINE)?;
        let (own, sum): (&[f32], &mut [f32]) = (cast_slice(x), cast_slice_mut(sum));
        rounds.finish(ticket, DEADLINE, &mut |chunk| {
            let received: &[f32] = cast_slice(chunk.bytes);
            let range = chunk.offset / 4..chunk.offset / 4 + received.len();
            kernel::first(&mut sum[range.clone()], 0.5, &own[range], 0.5, received);
        })?;
        rounds.wait_sent(DEADLINE)
    })?;
    std::mem::swap(x, sum);
    Ok(())
}

/// The median and the least time of a round.
type Times = [Duration; 2];

fn times<E>(samples: usize, batch: usize, mut step: impl FnMut() -> Result<(), E>) -> Result<Times, E> {
    let mut times = vec![];
    for _ in 0..=samples {
        let start = Instant::now();
        (0..batch).try_for_each(|_| step())?;
        times.push(start.elapsed() / batch as u32);
    }
    // The first touches the memory.
    times.remove(0);
    times.sort_unstable();
    Ok([times[samples / 2], times[0]])
}

fn small<X: Transport>(transport: &mut X, exchange: &mut u64, round: Round<X>) -> Result<Times, Fault> {
    let (length, batch, samples) = SMALL;
    let mut vector = || transport.allocate(4 * length);
    let mut vectors = Vectors { x: vector()?, sum: vector()?, exchange: *exchange };
    let times = times(samples, batch, || round(transport, &mut vectors))?;
    *exchange = vectors.exchange;
    Ok(times)
}

fn large<X: Transport + Send + 'static>(transport: X, program: Program, phase: Phase) -> (Times, X) {
    let (length, samples) = LARGE;
    let layout = Layout::new(vec![Tensor { name: "x".into(), shape: vec![length], dtype: Dtype::F32 }]);
    let schedule = schedules::schedule(program, transport.size(), vec![vec![phase]]);
    let rank = schedule.rank(transport.rank());
    let mut machine = Machine::new(rank, transport, layout, |_| ()).expect("a machine");
    let times = times(samples, 1, || machine.step(&mut |_| ()).map(drop)).expect("steps");
    (times, machine.into_transport())
}

/// A core of its own for each rank, as far as there are enough: else the system may leave two on one.
fn bind(rank: Rank) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut core = CpuSet::new();
    core.set(rank.index() % cores);
    sched_setaffinity(None, &core).expect("a core");
}

/// What is measured, by name.
fn all<X: Transport + Send + 'static>(mut transport: X) -> Result<Vec<(&'static str, Times)>, Fault> {
    bind(transport.rank());
    let (size, mut exchange) = (transport.size(), 0);
    let mut rows = vec![
        ("4 KB symmetric", small(&mut transport, &mut exchange, symmetric)?),
        ("4 KB directed", small(&mut transport, &mut exchange, directed)?),
    ];
    let pairs = schedules::table(pairs(size));
    let shifts = |hops: &[u32]| schedules::shifts(size, hops);
    let mut steps = vec![
        ("100 MB symmetric", schedules::averaging(), pairs),
        ("100 MB directed", schedules::averaging(), shifts(&[1])),
        ("100 MB all-reduce", schedules::global_averaging(), shifts(&[1])),
    ];
    if size > 2 {
        steps.push(("100 MB ring", schedules::averaging(), shifts(&[1, size - 1])));
        steps.push(("100 MB exponential", schedules::averaging(), shifts(&[1, 2])));
    } else {
        // Between two ranks, one to the next is symmetric.
        steps[1].1 = schedules::travelling();
    }
    for (name, program, phase) in steps {
        let (times, back) = large(transport, program, phase);
        transport = back;
        rows.push((name, times));
    }
    Ok(rows)
}

/// Averages of ranks 2k and 2k + 1.
fn pairs(size: u32) -> Vec<Row> {
    let half = || Rational::new(1, 2);
    let row = |rank: u32| Row { self_weight: half(), in_weights: vec![(Rank(rank ^ 1), half())] };
    (0..size).map(row).collect()
}

/// The other ranks, which end with this one.
struct Others(Vec<Child>);

impl Drop for Others {
    fn drop(&mut self) {
        for other in &mut self.0 {
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

fn on_processes(size: u32) -> Vec<(&'static str, Times)> {
    let directory = std::env::temp_dir().join(format!("bfc-bench-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let start = |rank: u32| {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        let numbers =
            [("BFC_RANK", rank), ("BFC_SIZE", size), ("BFC_LOCAL_RANK", rank), ("BFC_LOCAL_SIZE", size)];
        let numbers = numbers.map(|(name, number)| (name, number.to_string()));
        command.envs(numbers).env("BFC_RENDEZVOUS", &directory).spawn().expect("a process")
    };
    let _others = Others((1..size).map(start).collect());
    let rank = || all(join(&directory, Rank(0), size)).expect("all ranks are there");
    let times = std::thread::scope(|scope| scope.spawn(rank).join().expect("no panic"));
    std::fs::remove_dir_all(&directory).expect("the directory is there");
    times
}

fn join(directory: &Path, rank: Rank, size: u32) -> ProcessTransport {
    ProcessTransport::join(directory, rank, size, &Secret::default(), DEADLINE).expect("a group")
}

fn on_threads(size: u32) -> Vec<(&'static str, Times)> {
    local::spmd(size, all).expect("all ranks are there").swap_remove(0)
}

fn main() {
    if let (Ok(world), Some(directory)) = (World::from_environment(), std::env::var_os("BFC_RENDEZVOUS")) {
        // Rank 0 reports.
        let _ = all(join(&PathBuf::from(directory), world.rank(), world.size()));
        return;
    }
    println!("{:28}{:>24}{:>24}", "median, least", "processes", "threads");
    for size in [2, 4] {
        for ((name, processes), (_, threads)) in on_processes(size).into_iter().zip(on_threads(size)) {
            println!("{:28}{:>24}{:>24}", format!("{size} ranks, {name}"), shown(processes), shown(threads));
        }
    }
}

fn shown(times: Times) -> String {
    let shown = |time: Duration| match time < Duration::from_millis(1) {
        true => format!("{:.2} µs", time.as_secs_f64() * 1e6),
        false => format!("{:.2} ms", time.as_secs_f64() * 1e3),
    };
    times.map(shown).join(", ")
}
