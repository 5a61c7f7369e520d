//! Averages with the rank before over MPI, as `benches/peers/neighbours.c` makes them by hand.
//!
//! `bfc mpi`, then `cargo bench -p bfc-runtime --bench mpi --no-run`, and the program that it names with `mpirun -n 2`. Times
//! are the median and the least of a step on rank 0.

use bfc_runtime::conformance::schedules;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::{Dtype, Layout, Machine, Tensor, Transport};
use std::time::{Duration, Instant};

const TURNS: usize = 31;

fn main() {
    let lengths = [(1024, 1000), (16_384, 1000), (262_144, 50), (2_621_440, 1), (25_000_000, 1)];
    for (length, times) in lengths {
        let transport = MpiTransport::join().expect("MPI");
        let (rank, size) = (transport.rank(), transport.size());
        let layout = Layout::new(vec![Tensor { name: "x".into(), shape: vec![length], dtype: Dtype::F32 }]);
        let phase = schedules::shifts(size, &[1]);
        let schedule = schedules::schedule(schedules::averaging(), size, vec![vec![phase]]);
        let mut machine = Machine::new(schedule.rank(rank), transport, layout, |_| ()).expect("a machine");
        let mut turns: Vec<Duration> = (0..=TURNS)
            .map(|_| {
                let start = Instant::now();
                (0..times).for_each(|_| machine.step(&mut |_| ()).expect("a step"));
                start.elapsed() / times
            })
            .collect();
        // The first touches the memory.
        turns.remove(0);
        turns.sort_unstable();
        if rank.0 == 0 {
            let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
            println!(
                "{length:10} floats {:12.2} us {:12.2} us",
                microseconds(turns[TURNS / 2]),
                microseconds(turns[0])
            );
        }
    }
}
