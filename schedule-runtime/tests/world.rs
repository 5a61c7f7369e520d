//! Which rank a process is, under each launcher, and what is said where its variables are wrong.

use bfc_runtime::World;
use bfc_runtime::world::{Rendezvous, WorldError};
use bfc_schedule::Rank;
use miette::Diagnostic;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// What variables say: `RANK=1 WORLD_SIZE=2`.
fn world(variables: &str) -> Result<World, WorldError> {
    let get = |name: &str| {
        let mut variables = variables.split_whitespace().filter_map(|variable| variable.split_once('='));
        variables.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    World::from_variables(&get)
}

fn numbers(variables: &str) -> [u32; 4] {
    let world = world(variables).unwrap_or_else(|error| panic!("{variables}: {error}"));
    [world.rank().0, world.size(), world.local_rank(), world.local_size()]
}

fn code(error: &WorldError) -> String {
    error.code().expect("a code").to_string()
}

#[test]
fn launchers_say_who_a_process_is() {
    let bfc = "BFC_RANK=5 BFC_SIZE=8 BFC_LOCAL_RANK=1 BFC_LOCAL_SIZE=4";
    let torchrun = "RANK=5 WORLD_SIZE=8 LOCAL_RANK=1 LOCAL_WORLD_SIZE=4";
    let open_mpi = "OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8 OMPI_COMM_WORLD_LOCAL_RANK=1 \
                    OMPI_COMM_WORLD_LOCAL_SIZE=4";
    let mpich = "PMI_RANK=5 PMI_SIZE=8 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=4";
    let slurm =
        "SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_LOCALID=1 SLURM_NODEID=1 SLURM_STEP_TASKS_PER_NODE=4(x2)";
    let slurm_pmi = &format!("PMI_RANK=5 PMI_SIZE=8 PMI_FD=13 {slurm}");
    for variables in [bfc, torchrun, open_mpi, mpich, slurm, slurm_pmi] {
        assert_eq!(numbers(variables), [5, 8, 1, 4], "{variables}");
    }
    // One launcher inside of another.
    let other = torchrun.replace("=5", "=0");
    assert_eq!(numbers(&format!("{bfc} {other}")), [5, 8, 1, 4]);
    assert_eq!(numbers(&format!("{torchrun} {open_mpi}")), [5, 8, 1, 4]);
    assert_eq!(numbers(&format!("SLURM_PROCID=0 SLURM_NTASKS=2 {torchrun}")), [5, 8, 1, 4]);
    for (node, tasks) in [(0, 3), (1, 3), (2, 2), (3, 4)] {
        let variables = slurm.replace("NODEID=1", &format!("NODEID={node}")).replace("4(x2)", "3(x2),2,4");
        assert_eq!(numbers(&variables)[3], tasks);
    }
}

#[test]
fn wrong_variables_are_named() {
    let group = "LOCAL_RANK=0 LOCAL_WORLD_SIZE=1";
    for (variables, expected, message) in [
        ("", "no_launcher", "no launcher has started this process"),
        ("RANK= WORLD_SIZE=", "no_launcher", "no launcher"),
        ("BFC_ENGINE=gloo", "malformed", "`BFC_ENGINE` is `gloo`, expected `mpi`"),
        ("RANK=0", "incomplete", "torchrun has set `RANK` and not `WORLD_SIZE`"),
        ("PMI_SIZE=3", "incomplete", "mpirun of MPICH has set `PMI_SIZE` and not `PMI_RANK`"),
        ("BFC_RANK=0 BFC_SIZE=1", "incomplete", "bfc launch has set `BFC_RANK` and not `BFC_LOCAL_RANK`"),
        (
            "PMI_RANK=0 PMI_SIZE=1",
            "incomplete",
            "mpirun of MPICH has set `PMI_RANK` and not `MPI_LOCALRANKID`",
        ),
        ("SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_LOCALID=0", "incomplete", "not `SLURM_NODEID`"),
        (&format!("RANK=-1 WORLD_SIZE=2 {group}"), "malformed", "`RANK` is `-1`, expected a whole number"),
        (&format!("RANK=2 WORLD_SIZE=2 {group}"), "contradiction", "`RANK=2` and `WORLD_SIZE=2`"),
        ("RANK=0 WORLD_SIZE=2 LOCAL_RANK=3 LOCAL_WORLD_SIZE=2", "contradiction", "`LOCAL_RANK=3`"),
        ("RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=4", "contradiction", "`LOCAL_WORLD_SIZE=4`"),
        (&format!("RANK=0 WORLD_SIZE=2 {group} PMI_RANK=1 PMI_SIZE=2"), "contradiction", "`PMI_RANK=1`"),
        (
            &format!("RANK=0 WORLD_SIZE=1 {group} BFC_RENDEZVOUS=node"),
            "malformed",
            "`BFC_RENDEZVOUS` is `node`",
        ),
        (&format!("RANK=0 WORLD_SIZE=1 {group} BFC_RENDEZVOUS=node:0"), "malformed", "HOST:PORT"),
        (&format!("RANK=0 WORLD_SIZE=1 {group} BFC_SECRET=+f5f"), "malformed", "`BFC_SECRET` is `…`"),
    ] {
        let error = world(variables).expect_err(variables);
        assert_eq!(code(&error), format!("bfc::world::{expected}"), "{variables}: {error}");
        assert!(error.to_string().contains(message), "{variables}: {error}");
        assert!(error.help().is_some(), "{variables}");
    }
}

#[test]
fn ranks_know_where_to_meet() {
    let one = "RANK=0 WORLD_SIZE=1 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1";
    let two = "RANK=0 WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1";
    let meet = |variables: &str| world(variables).expect(variables).rendezvous().cloned();
    let address = |host: &str, port| Some(Rendezvous::Address { host: host.into(), port });
    assert_eq!(meet(&format!("{one} BFC_RENDEZVOUS=/run/x")), Some(Rendezvous::Directory("/run/x".into())));
    assert_eq!(meet(&format!("{two} BFC_RENDEZVOUS=node0:29500")), address("node0", 29500));
    assert_eq!(meet(&format!("{two} BFC_RENDEZVOUS=[fd00::1]:29500")), address("fd00::1", 29500));
    assert_eq!(meet(&format!("{two} MASTER_ADDR=node0 MASTER_PORT=29500")), address("node0", 29500));
    assert_eq!(meet(two), None);
    let runs = ["1234", "1235"].map(|port| meet(&format!("{one} MASTER_ADDR=localhost MASTER_PORT={port}")));
    assert!(matches!(&runs, [Some(Rendezvous::Directory(_)), Some(Rendezvous::Directory(_))]));
    assert_ne!(runs[0], runs[1], "two runs of one machine");
    let unnumbered = "PMI_RANK=0 PMI_SIZE=1 MPI_LOCALRANKID=0 MPI_LOCALNRANKS=1";
    assert_eq!(meet(unnumbered), None);
    let error = world(unnumbered).expect("a rank").join(Duration::ZERO).err().expect("nowhere to meet");
    assert_eq!(code(&error), "bfc::world::no_rendezvous");
}

#[test]
fn ranks_join_where_they_meet() {
    // Longer than the address of a socket may be.
    let name = format!("bfc-world-{}-{}", std::process::id(), "x".repeat(150));
    let directory = std::env::temp_dir().join(name);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let secret = "5f".repeat(32);
    let at = format!("BFC_RENDEZVOUS=127.0.0.1:{port}");
    let of = |rank: u32, place: &str| {
        world(&format!("BFC_RANK={rank} BFC_SIZE=2 BFC_LOCAL_RANK={rank} BFC_LOCAL_SIZE=2 {place}"))
            .expect("a rank")
    };
    let soon = Duration::from_millis(200);
    let refused = |place: &str| of(0, place).join(soon).err().expect("an error");
    assert_eq!(code(&refused(&at)), "bfc::world::no_secret");
    let error = refused(&format!("{at} BFC_SECRET={secret}"));
    assert!(error.help().expect("help").to_string().contains("another process listens"), "{error}");
    drop(listener);
    let place = directory.to_str().expect("a plain path");
    for place in [&format!("BFC_RENDEZVOUS={place}"), &format!("{at} BFC_SECRET={secret}")] {
        let ranks = std::thread::scope(|scope| {
            let join = |rank| scope.spawn(move || of(rank, place).join(Duration::from_secs(30)));
            [0, 1].map(join).map(|rank| rank.join().expect("no panic").expect("a transport"))
        });
        assert_eq!(ranks.map(|transport| (transport.rank(), transport.size())), [(Rank(0), 2), (Rank(1), 2)]);
    }
    let mode =
        |mode| std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(mode)).expect("mine");
    assert_eq!(std::fs::metadata(&directory).expect("made").permissions().mode() & 0o777, 0o700);
    mode(0o777);
    let error = refused(&format!("BFC_RENDEZVOUS={place}"));
    assert!(error.to_string().contains("others can write to it: its mode is 777"), "{error}");
    std::fs::remove_dir(&directory).expect("no socket is left in it");
}
