//! The conformance suite on MPI. Started by itself, the program starts itself again under `mpirun -np 4`.

mod support;

use ::mpi::Threading;
use ::mpi::topology::{Communicator, SimpleCommunicator};
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::{Element, Machine, RuntimeError, Transport};
use bfc_schedule::Rank;
use std::process::Command;
use std::time::Duration;
use support::conformance::*;
use support::*;

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
    conformance::<f64>(&world);
    conformance::<f32>(&world);
    a_trainers_error_reaches_all(&world);
    a_missing_peer_is_named(&world);
    if world.rank() == 0 {
        println!("mpi: {} ranks, all passed", world.size());
    }
}

fn conformance<T: Element>(world: &SimpleCommunicator) {
    for case in cases(world.size() as u32) {
        let transport = MpiTransport::join(world).expect("a transport");
        let rank = transport.rank();
        let found = drive::<T, _>(&case, transport).expect("a run");
        assert_conforms::<T>(&case, rank, &found);
    }
}

fn a_trainers_error_reaches_all(world: &SimpleCommunicator) {
    for length in [3, 500_000] {
        let transport = MpiTransport::join(world).expect("a transport");
        let (rank, size) = (transport.rank(), transport.size());
        let schedule = schedule(dgd(), size, vec![vec![ring(size)]]);
        let deadline = Duration::from_secs(30);
        let initial = vec![0.0; length];
        let mut machine =
            Machine::with_deadline(schedule.rank(rank), transport, &initial, deadline).expect("a machine");
        let error = (0..5).try_for_each(|step| {
            machine.step(&mut |_| if (rank, step) == (Rank(1), 2) { Err("no more data") } else { Ok(()) })
        });
        match error.expect_err("an error on every rank") {
            RuntimeError::Trainer { .. } => assert_eq!(rank, Rank(1)),
            RuntimeError::PeerFailed { peer: Rank(1), reason, .. } => {
                assert_eq!(reason, "its trainer failed in step 2: no more data");
            }
            error => panic!("{error}"),
        }
    }
}

fn a_missing_peer_is_named(world: &SimpleCommunicator) {
    let transport = MpiTransport::join(world).expect("a transport");
    let (rank, size) = (transport.rank(), transport.size());
    let schedule = schedule(averaging(), size, vec![vec![ring(size)]]);
    if rank.0 == size - 1 {
        // It comes, and does nothing.
        std::thread::sleep(Duration::from_millis(500));
        return;
    }
    // Rank 0 hears from the missing one first.
    let deadline = Duration::from_millis(if rank.0 == 0 { 200 } else { 30_000 });
    let error = Machine::with_deadline(schedule.rank(rank), transport, &[0.0; 8], deadline)
        .and_then(|mut machine| machine.step(&mut |_| ()));
    let error = error.expect_err("a failure").to_string();
    assert!(error.contains(&format!("waited 200ms for rank {}", size - 1)), "{error}");
}
