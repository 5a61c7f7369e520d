//! Communicators: messages, deadlines, aborts, and a new start.

use super::stand_in::{Fault, StandIn};
use bfc_runtime::gpu::{Communicator, DeviceMemory, Gpu, GpuError, Id, Link, Nccl, Piece};
use bfc_runtime::{Transport, local};
use bfc_schedule::Rank;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs threads as ranks, each with an end of a communicator.
fn ranks<R: Send>(
    stand_in: &StandIn,
    size: u32,
    deadline: Duration,
    body: impl Fn(u32, &Gpu, &mut Communicator) -> R + Sync,
) -> Vec<R> {
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    let id = nccl.id().expect("an id");
    let rank = |rank| {
        let mut communicator =
            Communicator::new(&nccl, &gpu, id, (Rank(rank), size), deadline).expect("a communicator");
        body(rank, &gpu, &mut communicator)
    };
    thread::scope(|scope| {
        let rank = &rank;
        let threads: Vec<_> = (0..size).map(|one| scope.spawn(move || rank(one))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    })
}

const BYTES: usize = 1000;

/// Each rank sends its number to the next, in memory for two messages. It is allocated once: freeing waits for all streams, and
/// those of peers may wait for this rank.
fn ring(rank: u32, memory: &DeviceMemory, communicator: &mut Communicator) -> Result<(), GpuError> {
    let size = communicator.size();
    let (next, before) = (Rank((rank + 1) % size), Rank((rank + size - 1) % size));
    communicator.stream().write(memory, 0, &[[rank as u8; BYTES], [0xff; BYTES]].concat())?;
    let piece = |peer, at: usize| [Piece { peer, address: memory.part(at..at + BYTES), bytes: BYTES }];
    // SAFETY: the memory is freed after the stream has ended; an abort ends what was queued.
    unsafe { communicator.exchange(&piece(next, 0), &piece(before, BYTES)) }?;
    Link::wait(communicator)?;
    let mut bytes = [0; BYTES];
    communicator.stream().read(memory, BYTES, &mut bytes)?;
    assert_eq!(bytes, [before.0 as u8; BYTES]);
    Ok(())
}

fn room(gpu: &Gpu) -> DeviceMemory {
    gpu.allocate(2 * BYTES).expect("memory")
}

#[test]
fn messages_of_a_group_go_on_at_once() {
    let stand_in = StandIn::new();
    for size in [2, 3, 5] {
        for result in ranks(&stand_in, size, PATIENCE, |rank, gpu, communicator| {
            let memory = room(gpu);
            (0..20).try_for_each(|_| ring(rank, &memory, communicator))
        }) {
            result.expect("a ring");
        }
    }
}

#[test]
fn a_transport_brings_the_ranks_together_and_again_after_an_abort() {
    let stand_in = StandIn::new();
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    local::spmd(3, |mut transport| {
        let memory = room(&gpu);
        for _ in 0..2 {
            let mut own = Communicator::over(&nccl, &gpu, &mut transport, PATIENCE)?;
            ring(transport.rank().0, &memory, &mut own)?;
            own.abort();
        }
        Ok::<_, GpuError>(())
    })
    .expect("two rings");
}

#[test]
fn a_slow_stream_is_not_a_failure() {
    let stand_in = StandIn::new();
    stand_in.fault(Fault::Slow, 20_000);
    for result in ranks(&stand_in, 2, PATIENCE, |rank, gpu, own| ring(rank, &room(gpu), own)) {
        result.expect("a ring");
    }
}

#[test]
fn a_send_that_never_ends_is_a_deadline_on_both_ranks() {
    let stand_in = StandIn::new();
    let deadline = Duration::from_millis(100);
    let start = Instant::now();
    let results = ranks(&stand_in, 2, deadline, |rank, gpu, communicator| {
        stand_in.fault(Fault::LostSend, 1);
        let result = ring(rank, &room(gpu), communicator);
        assert!(communicator.is_aborted());
        result
    });
    for result in results {
        let error = result.expect_err("a deadline").to_string();
        assert_eq!(error, "`cuEventQuery` failed: a peer did not come within 100ms");
    }
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn a_peer_that_never_joins_is_a_deadline() {
    let stand_in = StandIn::new();
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    let id = nccl.id().expect("an id");
    let alone = Communicator::new(&nccl, &gpu, id, (Rank(0), 2), Duration::from_millis(50));
    let error = alone.err().expect("a deadline").to_string();
    assert_eq!(error, "`ncclCommInitRankConfig` failed: a peer did not come within 50ms");
}

#[test]
fn an_error_that_comes_later_ends_the_wait() {
    let stand_in = StandIn::new();
    let results = ranks(&stand_in, 2, Duration::from_secs(2), |rank, gpu, communicator| {
        stand_in.fault(Fault::AsyncError, 2);
        ring(rank, &room(gpu), communicator)
    });
    for result in results {
        let error = result.expect_err("an error").to_string();
        assert!(error.contains("remote process exited"), "{error}");
    }
}

#[test]
fn an_abort_that_hangs_is_left_behind() {
    let stand_in = StandIn::new();
    let deadline = Duration::from_millis(50);
    ranks(&stand_in, 2, deadline, |_, _, communicator| {
        stand_in.fault(Fault::StuckAbort, 3_000_000);
        let start = Instant::now();
        assert!(!communicator.abort(), "it does not end in time");
        assert!(start.elapsed() < Duration::from_secs(2));
        assert!(communicator.is_aborted());
        assert!(!communicator.abort(), "a GPU may still use the memory");
    });
}

/// A thousand times a message is lost, and both ranks go on with a new communicator.
#[test]
fn a_thousand_aborts_and_new_starts() {
    const ABORTS: usize = 1000;
    let stand_in = StandIn::new();
    let (gpu, nccl) = (stand_in.gpu(), Nccl::open(&stand_in.libraries()).expect("NCCL"));
    let deadline = Duration::from_secs(20);
    let ((give, take), (send, receive)) = (mpsc::channel::<Id>(), mpsc::channel::<()>());
    thread::scope(|scope| {
        let (gpu, nccl, stand_in) = (&gpu, &nccl, &stand_in);
        scope.spawn(move || {
            let memory = room(gpu);
            for _ in 0..ABORTS {
                let id = nccl.id().expect("an id");
                give.send(id).expect("a peer");
                let mut own =
                    Communicator::new(nccl, gpu, id, (Rank(0), 2), deadline).expect("a communicator");
                ring(0, &memory, &mut own).expect("the first exchange");
                receive.recv().expect("a peer");
                let piece = [Piece { peer: Rank(1), address: memory.address(), bytes: 8 }];
                stand_in.fault(Fault::LostSend, 1);
                // SAFETY: the abort ends what is queued before the memory goes.
                unsafe { own.exchange(&piece, &[]) }.expect("it is queued");
                assert!(!own.stream().is_done().expect("no failure"), "nobody receives it");
                assert!(own.abort(), "it ends");
            }
        });
        scope.spawn(move || {
            let memory = room(gpu);
            for id in take {
                let mut own =
                    Communicator::new(nccl, gpu, id, (Rank(1), 2), deadline).expect("a communicator");
                ring(1, &memory, &mut own).expect("the first exchange");
                assert!(own.abort(), "it ends");
                send.send(()).expect("a peer");
            }
        });
    });
}

#[test]
fn an_nccl_whose_calls_block_is_refused() {
    let stand_in = StandIn::with(&["-DOLD_NCCL"]);
    let error = Nccl::open(&stand_in.libraries()).err().expect("too old");
    let text = "NCCL is version 2.13.5, and 2.14.0 is needed for calls that do not block";
    assert_eq!(error.to_string(), text);
}
