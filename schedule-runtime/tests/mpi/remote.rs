//! Four ranks on two hosts: who is where, all laws, sockets beside MPI, and a rank of the other host that is lost.

use crate::hosts::{Hosts, NAMES};
use crate::{PATIENCE, keep_all_laws};
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::{Communicator, Reduction, Transport, World};
use bfc_schedule::Rank;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The arguments of the ranks.
pub const LAWS: &str = "laws-on-two-hosts";
pub const LOST: &str = "lost";

const LOST_RANK: Rank = Rank(3);
const DEADLINE: Duration = Duration::from_secs(3);
/// How a line begins in which a rank prints its error.
const SEES: &str = "error of rank ";

/// Starts them, where there can be hosts.
pub fn start() {
    let hosts = match Hosts::new() {
        Ok(hosts) => hosts,
        Err(reason) => return println!("two hosts: skipped, there can be no namespaces here: {reason}"),
    };
    let run = |arguments: &[&str]| {
        let mut command = hosts.mpirun();
        command.arg(std::env::current_exe().expect("this program")).args(arguments);
        command.envs([("BFC_RENDEZVOUS", format!("{}:29577", NAMES[0])), ("BFC_SECRET", "5c".repeat(32))]);
        command
    };
    let status = run(&[LAWS]).status().expect("mpirun");
    assert!(status.success(), "two hosts: {status}");
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        assert_lost(&mut run(&[LOST, &signal.to_string()]));
    }
}

/// A rank's part: MPI and the launcher agree on who is where, and all laws hold, on sockets between the hosts, too.
pub fn keep_laws() {
    let world = World::from_environment().expect("a launcher");
    let (rank, host) = (world.rank().0, world.rank().0 / 2);
    assert_eq!((world.size(), world.local_rank(), world.local_size()), (4, rank % 2, 2));
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    assert_eq!(name.trim(), NAMES[host as usize]);
    keep_all_laws(&format!("on {}", NAMES.join(" and ")));
    let without_place = |name: &str| (name != "BFC_RENDEZVOUS").then(|| std::env::var(name).ok()).flatten();
    let in_mpi = World::from_variables(&without_place).expect("a launcher").join(PATIENCE).expect("MPI");
    let mut ones = [1f32];
    Communicator::with_deadline(in_mpi, PATIENCE).allreduce(&mut ones, Reduction::Sum).expect("a sum");
    assert_eq!(ones, [4.0]);
    for law in laws::<Box<dyn Transport + Send>>(4, Leaving::IsSeen) {
        if law.name().starts_with("a machine") {
            law.run(world.join(PATIENCE).expect("sockets between hosts"));
        }
    }
}

/// A rank's part: the last one is lost in the middle of a run, and the others say what they see.
pub fn lose(signal: &str) {
    let signal: i32 = signal.parse().expect("a signal");
    let transport = bfc_runtime::mpi::MpiTransport::join().expect("MPI");
    let mut comm = Communicator::with_deadline(transport, DEADLINE);
    for call in 0.. {
        let start = Instant::now();
        if comm.rank() == LOST_RANK && call == 10 {
            end_later();
            // SAFETY: it stops or ends this process.
            unsafe { libc::kill(libc::getpid(), signal) };
        }
        if let Err(error) = comm.allreduce(&mut [1f32; 5_000], Reduction::Sum) {
            assert!(start.elapsed() < 3 * DEADLINE, "{:?}: {error}", start.elapsed());
            // In one piece: others print, too.
            let line = format!("{SEES}{}: {error}\n", comm.rank());
            std::io::stderr().write_all(line.as_bytes()).expect("standard error");
            std::process::exit(1);
        }
    }
}

/// Ends this process when the others must have seen that it is lost, also if it is stopped: `mpirun` waits for it.
fn end_later() {
    let ends = format!("sleep {}; kill -KILL $0", 4 * DEADLINE.as_secs());
    let pid = std::process::id().to_string();
    let mut shell = Command::new("sh");
    // `mpirun` waits for whoever holds a pipe of a rank.
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.args(["-c", &ends, &pid]).spawn().expect("a shell");
}

/// The other ranks have printed what they see. `mpirun` may wait for the lost one: it is ended.
fn assert_lost(command: &mut Command) {
    let mut mpirun = command.stderr(Stdio::piped()).spawn().expect("mpirun");
    let (mut seen, mut text) = (BTreeSet::new(), String::new());
    let mut lines = BufReader::new(mpirun.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    for line in &mut lines {
        if let Some((rank, error)) = line.strip_prefix(SEES).and_then(|line| line.split_once(": ")) {
            assert!(error.contains("rank 3"), "{line}");
            seen.insert(rank.to_owned());
        }
        text += &line;
        text += "\n";
        if seen.len() == LOST_RANK.index() {
            break;
        }
    }
    // SAFETY: the process has not been waited for.
    unsafe { libc::kill(mpirun.id() as libc::pid_t, libc::SIGTERM) };
    mpirun.wait().expect("its end");
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["0", "1", "2"], "{text}");
}
