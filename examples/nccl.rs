//! Calls without a schedule over the network of GPUs: vectors of the host are averaged by NCCL, a process and a GPU for each rank.
//!
//! ```console
//! cargo build --release --package bfc-runtime --example nccl
//! bfc launch -n 2 -- target/release/examples/nccl
//! ```
//!
//! Not yet run on a GPU.

use bfc_runtime::gpu::{self, Gpu, GpuTransport, Libraries, Nccl};
use bfc_runtime::{Communicator, Neighbours, Reduction, World};
use bfc_schedule::Rank;
use std::error::Error;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
const LENGTH: usize = 16 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let world = World::from_environment()?;
    let libraries = Libraries::default();
    let gpu = Gpu::open(&libraries, world.local_rank())?;
    let nccl = Nccl::open(&libraries)?;
    // The ranks meet in shared memory, over TCP or MPI, which from then on carries nothing but failures.
    let mut meeting = world.join(DEADLINE)?;
    let link = gpu::Communicator::over(&nccl, &gpu, &mut meeting, DEADLINE)?;
    let mut comm = Communicator::with_deadline(GpuTransport::new(link, meeting)?, DEADLINE);
    let (rank, size) = (comm.rank().0, comm.size());

    let mut x = vec![rank as f32; LENGTH];
    let start = Instant::now();
    comm.allreduce(&mut x, Reduction::Mean)?;
    let time = start.elapsed();
    if rank == 0 {
        println!("the mean of {size} ranks is {}: {} MB in {time:.1?}", x[0], 4 * LENGTH / 1_000_000);
    }

    // The mean of this rank and the one before.
    let [before, next] = [size - 1, 1].map(|hop| Rank((rank + hop) % size));
    x.fill(rank as f32);
    if size > 1 {
        comm.neighbor_allreduce(&mut x, &Neighbours::weighted(0.5, &[(before, 0.5)], &[(next, 1.0)]))?;
    }
    println!("rank {rank}: {}", x[0]);
    comm.barrier()?;
    Ok(())
}
