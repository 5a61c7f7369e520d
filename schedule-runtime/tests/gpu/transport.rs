//! The conformance suite over NCCL: messages of the host that travel between GPUs.

use super::stand_in::{Fault, StandIn};
use bfc_runtime::Reduction;
use bfc_runtime::conformance::{Leaving, laws};
use bfc_runtime::gpu::{Communicator, GpuError, GpuTransport, Nccl, Threads};
use bfc_runtime::local::{self, LocalTransport};
use bfc_schedule::Rank;
use miette::Diagnostic;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

type OverNccl = GpuTransport<Communicator, LocalTransport>;

/// Runs threads as ranks that meet over memory, with a transport over the NCCL of a stand-in.
fn ranks<R: Send>(
    stand_in: &StandIn,
    size: u32,
    body: impl Fn(OverNccl) -> Result<R, GpuError> + Sync,
) -> Vec<R> {
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    local::spmd(size, |mut meeting| {
        let link = Communicator::over(&nccl, &gpu, &mut meeting, PATIENCE)?;
        body(GpuTransport::new(link, meeting)?)
    })
    .expect("no error")
}

#[test]
fn nccl_keeps_all_laws() {
    let stand_in = StandIn::new();
    for size in [1, 2, 3, 5] {
        for law in laws::<OverNccl>(size, Leaving::IsNotSeen) {
            let start = Instant::now();
            ranks(&stand_in, size, |transport| {
                law.run(transport);
                Ok(())
            });
            println!("{size} ranks, {}: {:.0?}", law.name(), start.elapsed());
        }
    }
}

/// A rank of a group that waits for what does not come learns who and why.
#[test]
fn a_message_that_nccl_loses_is_a_deadline_that_all_learn() {
    let stand_in = StandIn::new();
    let deadline = Duration::from_millis(300);
    let errors = ranks(&stand_in, 3, |transport| {
        let mut comm = bfc_runtime::Communicator::with_deadline(transport, PATIENCE);
        comm.barrier().expect("all are there");
        if comm.rank() == Rank(0) {
            comm.set_deadline(deadline);
            stand_in.fault(Fault::LostSend, 1);
        }
        let mut x = [1f32; 6];
        Ok((0..3).find_map(|_| comm.allreduce(&mut x, Reduction::Sum).err()).expect("a failure"))
    });
    for error in errors {
        assert!(error.to_string().contains("waited 300ms for rank"), "{error}");
    }
}

/// NCCL reports an error of its own on every rank; the first one that says so is named.
#[test]
fn an_error_of_nccl_reaches_all_with_its_words() {
    let stand_in = StandIn::new();
    let errors = ranks(&stand_in, 3, |transport| {
        let mut comm = bfc_runtime::Communicator::with_deadline(transport, PATIENCE);
        comm.barrier().expect("all are there");
        if comm.rank() == Rank(0) {
            stand_in.fault(Fault::AsyncError, 1);
        }
        Ok((0..3).find_map(|_| comm.barrier().err()).expect("a failure"))
    });
    for error in errors {
        assert!(error.to_string().contains("remote process exited"), "{error}");
    }
}

#[test]
fn another_number_of_ranks_is_refused() {
    let stand_in = StandIn::new();
    let link = Threads::group(&stand_in.gpu(), 1, PATIENCE).expect("links").remove(0);
    let side = local::group(2).remove(0);
    let error = GpuTransport::new(link, side).err().expect("another group");
    assert_eq!(error.code().expect("a code").to_string(), "bfc::gpu::different");
}
