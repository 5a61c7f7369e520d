//! Memory after a fault: what MPI may still use is kept, and stays untouched by others; all else is freed. The peer comes when
//! the first rank has given up and dropped everything.

use crate::{PATIENCE, quarantine, report};
use bfc_runtime::Transport;
use bfc_runtime::mpi::MpiTransport;
use bfc_runtime::transport::{Fault, FloatsMut, ReduceOp, Tag, rounds};
use bfc_schedule::Rank;
use std::thread::sleep;
use std::time::{Duration, Instant};

const FIRST: Rank = Rank(0);
const SECOND: Rank = Rank(1);
const SOON: Duration = Duration::from_millis(300);
const TAG: Tag = Tag { exchange: 1, round: 0 };
/// Bytes of a message of which more pieces are left than are pending.
const LONG: usize = 4 << 20;
/// The least that is pending of it, and the most that may be kept for it.
const PENDING: isize = 1 << 20;
const KEPT: isize = 3 << 20;
/// Memory that nothing uses when the fault comes.
const OTHER: usize = 16 << 20;

pub fn nobody_writes_where_memory_was_freed() {
    let start = Instant::now();
    let mut witness = MpiTransport::join().expect("MPI");
    quarantine::watch();
    let (few, many) = (0..PENDING / 16, PENDING..KEPT);
    for (name, body, kept) in [
        ("a fault with nothing pending", nothing_pending as fn(MpiTransport), few),
        ("a message that is sent after its receiver has given up", late_sender, many.clone()),
        ("a message whose sender has given up", late_receiver, many.clone()),
        ("a reduction that a rank has given up", late_reduction, many),
    ] {
        let before = quarantine::live();
        body(MpiTransport::join().expect("a transport"));
        let found = quarantine::live() - before;
        if witness.rank() == FIRST {
            assert!(kept.contains(&found), "{name}: {found} bytes are kept, not {kept:?}");
        }
        // MPI goes on with what is pending while ranks talk.
        for exchange in 0..20 {
            meet(&mut witness, exchange);
            sleep(Duration::from_millis(10));
        }
        quarantine::check();
    }
    report(&witness, "3 ranks, nobody writes where memory was freed", start);
}

/// A message around the ring.
fn meet(transport: &mut MpiTransport, exchange: u64) {
    let (rank, size, tag) = (transport.rank().0, transport.size(), Tag { exchange, round: 0 });
    let (next, before) = (Rank((rank + 1) % size), Rank((rank + size - 1) % size));
    let result = rounds(transport, |rounds| {
        let ticket = rounds.begin(tag, Some((next, &[&[1; 64]])), Some((before, &[64])), PATIENCE)?;
        rounds.finish(ticket, PATIENCE, &mut |_| {})?;
        rounds.wait_sent(PATIENCE)
    });
    result.expect("a message around the ring");
}

fn nothing_pending(mut transport: MpiTransport) {
    let mut other = transport.allocate(OTHER).expect("memory");
    other.fill(1);
    transport.abandon("it ran out of data");
}

fn late_sender(mut transport: MpiTransport) {
    let other = transport.allocate(OTHER).expect("memory");
    match transport.rank() {
        FIRST => {
            let fault = rounds(&mut transport, |rounds| {
                let ticket = rounds.begin(TAG, None, Some((SECOND, &[LONG])), SOON)?;
                rounds.finish(ticket, SOON, &mut |_| panic!("nobody sends"))
            });
            assert_eq!(fault, Err(Fault::Deadline { peer: SECOND, waited: SOON }));
        }
        SECOND => {
            sleep(3 * SOON);
            let fault = rounds(&mut transport, |rounds| {
                let _nothing = rounds.begin(TAG, Some((FIRST, &[&other[..LONG]])), None, PATIENCE)?;
                rounds.wait_sent(PATIENCE)
            });
            let reason = format!("waited {SOON:?} for rank 1");
            assert_eq!(fault, Err(Fault::Failed { peer: FIRST, reason }));
        }
        _ => {}
    }
}

fn late_receiver(mut transport: MpiTransport) {
    let _other = transport.allocate(OTHER).expect("memory");
    match transport.rank() {
        FIRST => {
            let mut memory = transport.allocate(LONG / 2).expect("memory");
            memory.fill(1);
            rounds(&mut transport, |rounds| {
                let _pending = rounds.begin(TAG, Some((SECOND, &[&memory])), None, PATIENCE).expect("begun");
            });
            memory.fill(2);
        }
        SECOND => {
            sleep(3 * SOON);
            let fault = rounds(&mut transport, |rounds| {
                let ticket = rounds.begin(TAG, None, Some((FIRST, &[LONG / 2])), PATIENCE)?;
                // What comes has been written over: it is not taken for the message.
                rounds.finish(ticket, PATIENCE, &mut |_| {})
            });
            let reason = "it abandoned an exchange".to_owned();
            assert_eq!(fault, Err(Fault::Failed { peer: FIRST, reason }));
        }
        _ => {}
    }
}

fn late_reduction(mut transport: MpiTransport) {
    let _other = transport.allocate(OTHER).expect("memory");
    let mut values = vec![1f32; LONG / 4];
    let is_first = transport.rank() == FIRST;
    if !is_first {
        sleep(3 * SOON);
    }
    let deadline = if is_first { SOON } else { PATIENCE };
    let fault = transport.allreduce(FloatsMut::F32(&mut values), ReduceOp::Sum, deadline);
    let late = Fault::Collective { waited: SOON };
    let expected = if is_first { late } else { Fault::Failed { peer: FIRST, reason: late.to_string() } };
    assert_eq!(fault, Err(expected));
}
