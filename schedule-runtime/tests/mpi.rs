//! The conformance suite on MPI. Started by itself, the program starts itself again under `mpirun -np 4`.

use ::mpi::Threading;
use ::mpi::topology::Communicator;
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::mpi::MpiTransport;
use std::process::Command;

fn main() {
    let under_mpi = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].iter().any(|name| std::env::var_os(name).is_some());
    if !under_mpi {
        let status = Command::new("mpirun")
            .args(["--allow-run-as-root", "--oversubscribe", "-np", "4"])
            .arg(std::env::current_exe().expect("this program"))
            .status()
            .expect("mpirun");
        assert!(status.success(), "{status}");
        return;
    }
    let (universe, _) = ::mpi::initialize_with_threading(Threading::Funneled).expect("MPI");
    let world = universe.world();
    let laws = laws::<MpiTransport>(world.size() as u32, Leaving::IsNotSeen);
    for law in &laws {
        if world.rank() == 0 {
            println!("{}", law.name());
        }
        law.run(MpiTransport::join(&world).expect("a transport"));
    }
    if world.rank() == 0 {
        println!("mpi: {} ranks, {} laws, all kept", world.size(), laws.len());
    }
}
