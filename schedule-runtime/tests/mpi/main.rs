//! The conformance suite on MPI. Started by itself, the program starts itself again under `mpirun`; `bfc mpi` has connected
//! it to an MPI before.

use bfc_runtime::Transport;
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::mpi::{MpiTransport, name};
use std::process::Command;
use std::time::Instant;

fn main() {
    let under_mpi = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].iter().any(|name| std::env::var_os(name).is_some());
    if under_mpi {
        return keep_all_laws();
    }
    for size in [1, 2, 4, 8] {
        let status = Command::new("mpirun")
            .args(["-n", &size.to_string()])
            .arg(std::env::current_exe().expect("this program"))
            .status()
            .expect("mpirun");
        assert!(status.success(), "{size} ranks: {status}");
    }
}

fn keep_all_laws() {
    let start = Instant::now();
    let world = MpiTransport::join().expect("MPI");
    let (rank, size) = (world.rank(), world.size());
    let laws = laws::<MpiTransport>(size, Leaving::IsNotSeen);
    for law in &laws {
        law.run(MpiTransport::join().expect("a transport"));
    }
    if rank.0 == 0 {
        let name = name().expect("MPI");
        let name = name.split([',', ' ']).take(3).collect::<Vec<_>>().join(" ");
        println!("{name}: {size} ranks, {} laws, all kept, {:.0?}", laws.len(), start.elapsed());
    }
}
