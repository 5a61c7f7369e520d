//! Rounds between processes that share memory, beside the same rounds between threads.
//!
//! `cargo bench -p bfc-runtime --bench processes` starts itself as the other ranks. Times are the median and the least of a round
//! on rank 0: the average of two vectors of `f32`, and what it takes to exchange them. 100 MB are 25 million elements on each
//! rank.

use bfc_runtime::process::ProcessTransport;
use bfc_runtime::secret::Secret;
use bfc_runtime::transport::{Fault, Memory, Tag, rounds};
use bfc_runtime::{Transport, World, kernel, local};
use bfc_schedule::Rank;
use bytemuck::{cast_slice, cast_slice_mut};
use rustix::thread::{CpuSet, sched_setaffinity};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
/// Elements, and how many rounds are timed at a time, how often.
const SMALL: (usize, usize, usize) = (1024, 1000, 41);
const LARGE: (usize, usize, usize) = (25_000_000, 1, 31);

/// One rank's vector, and room for what it becomes.
struct Vectors {
    x: Memory,
    sum: Memory,
    exchange: u64,
}

type Round<X> = fn(&mut X, &mut Vectors) -> Result<(), Fault>;

/// The partner of a rank, with which it averages in both directions: in place where the transport does that.
fn symmetric<X: Transport>(transport: &mut X, vectors: &mut Vectors) -> Result<(), Fault> {
    let peer = Rank(transport.rank().0 ^ 1);
    let tag = vectors.tag();
    let done = transport.pair(tag, peer, &mut [&mut vectors.x], [0.5; 4], DEADLINE, &mut |chunk| {
        kernel::pair::<f32>(cast_slice_mut(chunk.mine), cast_slice_mut(chunk.theirs), [0.5; 2], [0.5; 2]);
    })?;
    if done { Ok(()) } else { directed(transport, vectors, tag, peer, peer) }
}

/// The average with the rank before.
fn ring<X: Transport>(transport: &mut X, vectors: &mut Vectors) -> Result<(), Fault> {
    let (rank, size) = (transport.rank().0, transport.size());
    let tag = vectors.tag();
    directed(transport, vectors, tag, Rank((rank + 1) % size), Rank((rank + size - 1) % size))
}

fn directed<X: Transport>(
    transport: &mut X,
    Vectors { x, sum, .. }: &mut Vectors,
    tag: Tag,
    to: Rank,
    from: Rank,
) -> Result<(), Fault> {
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

impl Vectors {
    fn tag(&mut self) -> Tag {
        self.exchange += 1;
        Tag { exchange: self.exchange, round: 0 }
    }
}

/// The median and the least time of a round.
type Times = [Duration; 2];

fn times<X: Transport>(
    transport: &mut X,
    (length, batch, samples): (usize, usize, usize),
    round: Round<X>,
    exchange: &mut u64,
) -> Result<Times, Fault> {
    let vector = |transport: &mut X| {
        let mut memory = transport.allocate(4 * length)?;
        cast_slice_mut(&mut memory).fill(transport.rank().0 as f32);
        Ok(memory)
    };
    let (x, sum) = (vector(transport)?, vector(transport)?);
    let mut vectors = Vectors { x, sum, exchange: *exchange };
    let mut times = vec![];
    for _ in 0..=samples {
        let start = Instant::now();
        (0..batch).try_for_each(|_| round(transport, &mut vectors))?;
        times.push(start.elapsed() / batch as u32);
    }
    *exchange = vectors.exchange;
    // The first touches the memory.
    times.remove(0);
    times.sort_unstable();
    Ok([times[samples / 2], times[0]])
}

/// A core of its own for each rank, as far as there are enough: else the system may leave two on one.
fn bind(rank: Rank) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut core = CpuSet::new();
    core.set(rank.index() % cores);
    sched_setaffinity(None, &core).expect("a core");
}

/// Of all rounds, in the order of the table.
fn all<X: Transport>(mut transport: X) -> Result<Vec<Times>, Fault> {
    bind(transport.rank());
    let mut exchange = 0;
    let rounds: [(_, Round<X>); 4] = [(SMALL, symmetric), (SMALL, ring), (LARGE, symmetric), (LARGE, ring)];
    rounds.into_iter().map(|(size, round)| times(&mut transport, size, round, &mut exchange)).collect()
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

fn on_processes(size: u32) -> Vec<Times> {
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

fn on_threads(size: u32) -> Vec<Times> {
    local::spmd(size, all).expect("all ranks are there").swap_remove(0)
}

fn main() {
    if let (Ok(world), Some(directory)) = (World::from_environment(), std::env::var_os("BFC_RENDEZVOUS")) {
        // Rank 0 reports.
        let _ = all(join(&PathBuf::from(directory), world.rank(), world.size()));
        return;
    }
    println!("{:24}{:>24}{:>24}", "median, least", "processes", "threads");
    for size in [2, 4] {
        let names = ["4 KB symmetric", "4 KB ring", "100 MB symmetric", "100 MB ring"];
        for (name, (processes, threads)) in names.iter().zip(on_processes(size).iter().zip(on_threads(size)))
        {
            println!("{:24}{:>24}{:>24}", format!("{size} ranks, {name}"), shown(*processes), shown(threads));
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
