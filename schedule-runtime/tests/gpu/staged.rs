//! Machines on GPUs whose messages travel through the memory of the host.

use super::stand_in::StandIn;
use bfc_runtime::conformance::gpu::laws;
use bfc_runtime::conformance::schedules::{averaging, ring, schedule};
use bfc_runtime::gpu::{GpuAsk, GpuError, GpuMachine, Staged, Stream};
use bfc_runtime::simulated::{self, Network};
use bfc_runtime::socket::SocketTransport;
use bfc_runtime::{Layout, Transport, local};
use bfc_schedule::Rank;
use std::convert::Infallible;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn threads_keep_all_laws() {
    let stand_in = StandIn::new();
    for size in [1, 2, 5] {
        for law in laws(size) {
            let run = |transport| {
                law.run(Staged::new(&stand_in.gpu(), transport, PATIENCE)?);
                Ok::<_, GpuError>(())
            };
            local::spmd(size, run).unwrap_or_else(|error| panic!("{size} ranks, {}: {error}", law.name()));
        }
    }
}

#[test]
fn sockets_and_simulated_networks_keep_all_laws() {
    let (stand_in, directory) = (StandIn::new(), tempfile::tempdir().expect("a directory"));
    for (number, law) in laws(3).into_iter().enumerate() {
        let place = directory.path().join(number.to_string());
        std::fs::create_dir(&place).expect("a directory");
        thread::scope(|scope| {
            for rank in 0..3 {
                let (law, place, gpu) = (&law, &place, stand_in.gpu());
                scope.spawn(move || {
                    let transport = SocketTransport::join(place, Rank(rank), 3).expect("a socket");
                    law.run(Staged::new(&gpu, transport, PATIENCE).expect("a link"));
                });
            }
        });
    }
    for (seed, law) in (0..).zip(laws(3)) {
        let run = simulated::run(3, Network::new(seed), |transport| {
            law.run(Staged::new(&stand_in.gpu(), transport, PATIENCE).expect("a link"));
        });
        run.ranks.into_iter().for_each(|rank| rank.ended().expect("a rank that ends"));
    }
}

#[test]
fn a_rank_that_does_not_come_is_named_on_all_ranks() {
    let stand_in = StandIn::new();
    let schedule = schedule(averaging(), 3, vec![vec![ring(3)]]);
    let errors = local::spmd(3, |transport| {
        let rank = transport.rank();
        let deadline = Duration::from_millis(if rank == Rank(0) { 200 } else { 20_000 });
        let link = Staged::new(&stand_in.gpu(), transport, deadline).expect("a link");
        let (layout, initial) = (Layout::flat::<f32>(1000), [vec![0; 4000]]);
        let mut machine = GpuMachine::new(schedule.rank(rank), link, layout, &initial).expect("a machine");
        let nothing = &mut |_: GpuAsk<'_>, _: &Stream| Ok::<_, Infallible>(());
        machine.step(nothing).expect("a step");
        if rank == Rank(1) {
            thread::sleep(Duration::from_millis(800));
        }
        // The one that comes late finds the messages of the others, and then nobody.
        let failed = (0..2).find_map(|_| machine.step(nothing).err());
        Ok::<_, Infallible>(failed.expect("rank 1 does not come").to_string())
    });
    let errors = errors.expect("errors");
    assert_eq!(errors[0], "rank 0, step 1: `exchange` failed: waited 200ms for rank 1");
    let learns = "`exchange` failed: rank 0 failed: waited 200ms for rank 1";
    assert_eq!(errors[2], format!("rank 2, step 1: {learns}"));
    assert!(errors[1].starts_with("rank 1, step ") && errors[1].ends_with(learns), "{}", errors[1]);
}
