//! The conformance suite on MPI, on one host and on two, and what becomes of memory after a fault. Started by itself, the program starts itself again
//! under `mpirun`; `bfc mpi` has connected it to an MPI before.

mod gpus;
mod hosts;
mod late;
mod quarantine;
mod remote;
#[path = "../gpu/stand_in.rs"]
#[allow(dead_code, reason = "the faults of GPUs are tried elsewhere")]
mod stand_in;

use bfc_runtime::Transport;
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::mpi::{MpiTransport, name};
use std::process::Command;
use std::time::{Duration, Instant};

/// Longer than what must come takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// An argument of the ranks.
const LATE: &str = "late";

fn main() {
    let under_mpi = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].iter().any(|name| std::env::var_os(name).is_some());
    if under_mpi {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        return match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [LATE] => late::nobody_writes_where_memory_was_freed(),
            [gpus::LAWS, reached] => gpus::keep_laws(reached),
            [remote::LAWS] => remote::keep_laws(),
            [remote::LOST, signal] => remote::lose(signal),
            _ => keep_all_laws("on one host"),
        };
    }
    for size in [1, 2, 4, 8] {
        start(size, &[]);
    }
    start(3, &[LATE]);
    gpus::start_all();
    remote::start();
}

fn start(size: u32, arguments: &[&str]) {
    start_with(&mut Command::new("mpirun"), size, arguments);
}

fn start_with(mpirun: &mut Command, size: u32, arguments: &[&str]) {
    let status = mpirun
        .args(["-n", &size.to_string()])
        .arg(std::env::current_exe().expect("this program"))
        .args(arguments)
        .status()
        .expect("mpirun");
    assert!(status.success(), "{size} ranks {arguments:?}: {status}");
}

fn keep_all_laws(place: &str) {
    let start = Instant::now();
    let world = MpiTransport::join().expect("MPI");
    let size = world.size();
    let laws = laws::<MpiTransport>(size, Leaving::IsNotSeen);
    for law in &laws {
        law.run(MpiTransport::join().expect("a transport"));
    }
    report(&world, &format!("{size} ranks {place}, {} laws, all kept", laws.len()), start);
}

/// Prints what all ranks have done.
fn report(world: &MpiTransport, what: &str, start: Instant) {
    if world.rank().0 == 0 {
        let name = name().expect("MPI");
        let name = name.split([',', ' ']).take(3).collect::<Vec<_>>().join(" ");
        println!("{name}: {what}, {:.0?}", start.elapsed());
    }
}
