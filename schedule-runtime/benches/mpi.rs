//! Averages with the rank before over MPI, as `benches/peers/neighbours.c` makes them by hand, and reductions over all ranks, as
//! MPI makes them in `benches/peers/allreduce.c`.
//!
//! `bfc mpi`, then `cargo bench -p bfc-runtime --bench mpi --no-run`, and the program that it names with `mpirun -n 2`. Times
//! are the median and the least of a step or call on rank 0.

use bfc_runtime::conformance::schedules;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::{Communicator, Dtype, Layout, Machine, Reduction, Tensor, Transport};
use std::time::{Duration, Instant};

const TURNS: usize = 31;
/// Elements, and how often in a turn.
const LENGTHS: [(usize, u32); 5] =
    [(1024, 1000), (16_384, 1000), (262_144, 50), (2_621_440, 1), (25_000_000, 1)];

fn main() {
    for (length, times) in LENGTHS {
        average(length, times);
    }
    for (length, times) in LENGTHS {
        reduce(length, times.min(100));
    }
}

fn join() -> MpiTransport {
    MpiTransport::join().expect("MPI")
}

fn average(length: usize, times: u32) {
    let transport = join();
    let (rank, size) = (transport.rank(), transport.size());
    let layout = Layout::new(vec![Tensor { name: "x".into(), shape: vec![length], dtype: Dtype::F32 }]);
    let phase = schedules::shifts(size, &[1]);
    let schedule = schedules::schedule(schedules::averaging(), size, vec![vec![phase]]);
    let mut machine = Machine::new(schedule.rank(rank), transport, layout, |_| ()).expect("a machine");
    let turns = (0..=TURNS).map(|_| {
        timed(times, || {
            machine.step(&mut |_| ()).expect("a step");
        })
    });
    let turns = turns.collect();
    if rank.0 == 0 {
        print("average", length, turns);
    }
}

/// Ours and MPI's by turns.
fn reduce(length: usize, times: u32) {
    let mut comm = Communicator::new(join());
    let mut x = comm.allocate::<f32>(length).expect("memory");
    let (mut ours, mut fast) = (vec![], vec![]);
    for _ in 0..=TURNS / 2 {
        comm.barrier().expect("a barrier");
        ours.push(timed(times, || comm.allreduce(&mut *x, Reduction::Sum).expect("a sum")));
        comm.barrier().expect("a barrier");
        fast.push(timed(times, || comm.allreduce_fast(&mut *x, Reduction::Sum).expect("a sum")));
    }
    if comm.rank().0 == 0 {
        print("allreduce", length, ours);
        print("allreduce_fast", length, fast);
    }
}

/// The time of one of so many calls.
fn timed(times: u32, mut call: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..times).for_each(|_| call());
    start.elapsed() / times
}

fn print(what: &str, length: usize, mut turns: Vec<Duration>) {
    // The first touches the memory.
    turns.remove(0);
    turns.sort_unstable();
    let [median, least] = [turns[turns.len() / 2], turns[0]].map(|time| time.as_secs_f64() * 1e6);
    println!("{what:14} {length:10} floats {median:12.2} us {least:12.2} us");
}
