//! The conformance suite on threads, on simulated networks, and on sockets and shared memory, the latter two between threads
//! and between processes. On MPI it is `tests/mpi.rs`.

use bfc_runtime::conformance::schedules::{averaging, dgd, ring, schedule};
use bfc_runtime::conformance::{Law, Leaving, laws};
use bfc_runtime::local::{self, LocalTransport};
use bfc_runtime::process::ProcessTransport;
use bfc_runtime::secret::Secret;
use bfc_runtime::simulated::{self, Network, Outcome, SimulatedTransport};
use bfc_runtime::socket::SocketTransport;
use bfc_runtime::{Flat, Transport};
use bfc_schedule::Rank;
use std::convert::Infallible;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::tempdir;

const SIZES: [u32; 4] = [1, 2, 3, 5];

/// Runs `body` on threads that are joined by sockets.
fn on_sockets<R: Send>(
    directory: &Path,
    size: u32,
    body: impl Fn(SocketTransport) -> R + Sync,
) -> Vec<std::thread::Result<R>> {
    std::thread::scope(|scope| {
        let body = &body;
        let start = |rank| {
            scope.spawn(move || body(SocketTransport::join(directory, Rank(rank), size).expect("a socket")))
        };
        let threads: Vec<_> = (0..size).map(start).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    })
}

#[test]
fn threads() {
    for size in SIZES {
        for law in laws::<LocalTransport>(size, Leaving::IsSeen) {
            // Who is first decides what a panic meets.
            for _ in 0..if law.name().contains("panic") { 20 } else { 1 } {
                let result = local::spmd(size, |transport| {
                    law.run(transport);
                    Ok::<_, Infallible>(())
                });
                result.unwrap_or_else(|error| panic!("{size} ranks, {}: {error}", law.name()));
            }
        }
    }
}

#[test]
fn simulated_networks() {
    for size in SIZES {
        for law in laws::<SimulatedTransport>(size, Leaving::IsSeen) {
            // Laws of machines are long, and those of communicators many.
            let is_of = |what| law.name().starts_with(what);
            for seed in 0..if is_of("a machine") {
                1
            } else if is_of("a communicator") {
                4
            } else {
                20
            } {
                let run = simulated::run(size, Network::new(seed), |transport| law.run(transport));
                for (outcome, rank) in run.ranks.into_iter().zip(0..) {
                    let name = law.name();
                    assert_eq!(outcome, Outcome::Ended(()), "{size} ranks, {name}, seed {seed}, rank {rank}");
                }
            }
        }
    }
}

#[test]
fn sockets_between_threads() {
    for size in SIZES {
        for (index, law) in laws::<SocketTransport>(size, Leaving::IsSeen).iter().enumerate() {
            let directory = tempdir().expect("a directory");
            // One of them meets under a path that is longer than the address of a socket may be.
            let path = directory.path().join(if index == 0 { "x".repeat(150) } else { "x".into() });
            std::fs::create_dir(&path).expect("a directory");
            let ranks = on_sockets(&path, size, |transport| law.run(transport));
            let broken = ranks.iter().position(|rank| rank.is_err());
            assert_eq!(broken, None, "{size} ranks, {}", law.name());
        }
    }
}

fn share_memory(directory: &Path, rank: Rank, size: u32) -> ProcessTransport {
    ProcessTransport::join(directory, rank, size, &Secret::default(), Duration::from_secs(30))
        .expect("a group")
}

#[test]
fn shared_memory_between_threads() {
    for size in SIZES {
        let directory = tempdir().expect("a directory");
        for law in laws::<ProcessTransport>(size, Leaving::IsSeen) {
            for _ in 0..if law.name().contains("panic") { 20 } else { 1 } {
                let broken = std::thread::scope(|scope| {
                    let (law, directory) = (&law, directory.path());
                    let start =
                        |rank| scope.spawn(move || law.run(share_memory(directory, Rank(rank), size)));
                    let threads: Vec<_> = (0..size).map(start).collect();
                    threads.into_iter().map(|thread| thread.join()).position(|rank| rank.is_err())
                });
                assert_eq!(broken, None, "{size} ranks, {}", law.name());
            }
        }
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn meet_at(port: u16, rank: Rank, size: u32) -> SocketTransport {
    let secret = "5f".repeat(32).parse().expect("digits");
    let patience = Duration::from_secs(30);
    SocketTransport::join_at(("127.0.0.1", port), rank, size, &secret, patience).expect("a group")
}

#[test]
fn tcp_between_threads() {
    for size in SIZES {
        for law in laws::<SocketTransport>(size, Leaving::IsSeen) {
            let port = free_port();
            let ranks: Vec<_> = std::thread::scope(|scope| {
                let law = &law;
                let start = |rank| scope.spawn(move || law.run(meet_at(port, Rank(rank), size)));
                let threads: Vec<_> = (0..size).map(start).collect();
                threads.into_iter().map(|thread| thread.join()).collect()
            });
            let broken = ranks.iter().position(|rank| rank.is_err());
            assert_eq!(broken, None, "{size} ranks, {}", law.name());
        }
    }
}

#[test]
fn sockets_between_processes() {
    between_processes("one_process_of_sockets");
}

#[test]
fn shared_memory_between_processes() {
    between_processes("one_process_of_shared_memory");
}

/// The test binary runs itself once for each rank.
fn between_processes(test: &str) {
    let directory = tempdir().expect("a directory");
    let size = 3;
    let children: Vec<_> = (0..size)
        .map(|rank: u32| {
            Command::new(std::env::current_exe().expect("this binary"))
                .args(["--exact", test, "--ignored", "--quiet"])
                .env("BFC_TEST_DIRECTORY", directory.path())
                .env("BFC_TEST_RANK", rank.to_string())
                .env("BFC_TEST_SIZE", size.to_string())
                .spawn()
                .expect("a process")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a child").success());
    }
}

#[test]
#[ignore = "one of the processes of a test above"]
fn one_process_of_sockets() {
    one_process(|directory, rank, size| SocketTransport::join(directory, rank, size).expect("a socket"));
}

#[test]
#[ignore = "one of the processes of a test above"]
fn one_process_of_shared_memory() {
    one_process(share_memory);
}

fn one_process<X: Transport + Send + 'static>(join: impl Fn(&Path, Rank, u32) -> X) {
    let Some(directory) = std::env::var_os("BFC_TEST_DIRECTORY") else { return };
    let number = |name| -> u32 { std::env::var(name).expect("a number").parse().expect("a number") };
    let (rank, size) = (Rank(number("BFC_TEST_RANK")), number("BFC_TEST_SIZE"));
    let laws: Vec<Law<X>> = laws(size, Leaving::IsSeen);
    for (law, number) in laws.iter().zip(0..) {
        let directory = Path::new(&directory).join(number.to_string());
        std::fs::create_dir_all(&directory).expect("a directory");
        println!("{}", law.name());
        law.run(join(&directory, rank, size));
    }
}

#[test]
fn sockets_name_a_missing_peer() {
    let directory = tempdir().expect("a directory");
    let schedule = schedule(averaging(), 3, vec![vec![ring(3)]]);
    let errors = on_sockets(directory.path(), 3, |transport| {
        let rank = transport.rank();
        if rank == Rank(2) {
            // It comes, and does nothing.
            std::thread::sleep(Duration::from_millis(300));
            return None;
        }
        // Rank 0 hears from the missing one first.
        let deadline = Duration::from_millis(if rank.0 == 0 { 100 } else { 30_000 });
        Flat::with_deadline(schedule.rank(rank), transport, &[0.0; 50_000], deadline).err()
    });
    let texts: Vec<String> = errors
        .into_iter()
        .filter_map(|error| error.expect("no panic"))
        .map(|error| error.to_string())
        .collect();
    assert_eq!(texts[0], "rank 0, start, comparison of schedules, round 0: waited 100ms for rank 2");
    assert_eq!(texts.len(), 2);
    // Rank 1 learns it from rank 0, or sees rank 2 leave.
    assert!(texts[1].contains("rank 2"), "{}", texts[1]);
}

#[test]
fn sockets_pass_on_a_panic() {
    let directory = tempdir().expect("a directory");
    let schedule = schedule(dgd(), 4, vec![vec![ring(4)]]);
    for length in [3, 100_000] {
        let results = on_sockets(directory.path(), 4, |transport| {
            let rank = transport.rank();
            let initial = vec![0.0; length];
            let mut machine =
                Flat::with_deadline(schedule.rank(rank), transport, &initial, Duration::from_secs(10))?;
            (0..5).try_for_each(|step| machine.step(&mut |_| assert!((rank, step) != (Rank(2), 1), "a bug")))
        });
        for (result, rank) in results.into_iter().zip(0..) {
            match result {
                Err(_) => assert_eq!(rank, 2),
                Ok(result) => {
                    let error = result.expect_err("an error on every rank");
                    assert!(error.to_string().ends_with("rank 2 failed: it panicked"), "{error}");
                }
            }
        }
    }
}
