//! `allreduce_fast` on a transport with a collective of its own, which sums from the last rank to the first.

use bfc_runtime::local::{LocalTransport, spmd};
use bfc_runtime::transport::{
    Chunk, Fault, FloatsMut, Memory, PairChunk, PairWeights, ReduceOp, Tag, Ticket, rounds,
};
use bfc_runtime::{CommunicateError, Communicator, Numeric, Reduction, RuntimeError, Transport};
use bfc_schedule::{Rank, random};
use half::bf16;
use miette::Diagnostic;
use std::convert::Infallible;
use std::time::Duration;

/// Threads, with a collective that may be late.
struct WithCollective {
    threads: LocalTransport,
    is_late: bool,
    calls: u64,
}

// SAFETY: it passes on what the transport below it promises; a collective exposes memory of its own inside of `rounds`.
unsafe impl Transport for WithCollective {
    fn rank(&self) -> Rank {
        self.threads.rank()
    }

    fn size(&self) -> u32 {
        self.threads.size()
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        deadline: Duration,
    ) -> Result<Ticket, Fault> {
        // SAFETY: the caller's.
        unsafe { self.threads.begin(tag, send, receive, deadline) }
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.threads.finish(ticket, deadline, sink)
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.threads.wait_sent(deadline)
    }

    fn revoke(&mut self) {
        self.threads.revoke();
    }

    fn abandon(&mut self, reason: &str) {
        self.threads.abandon(reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.threads.listen()
    }

    fn allocate(&mut self, bytes: usize) -> Result<Memory, Fault> {
        self.threads.allocate(bytes)
    }

    fn pair(
        &mut self,
        tag: Tag,
        peer: Rank,
        parts: &mut [&mut [u8]],
        weights: PairWeights,
        deadline: Duration,
        kernel: &mut dyn FnMut(PairChunk<'_>),
    ) -> Result<bool, Fault> {
        self.threads.pair(tag, peer, parts, weights, deadline, kernel)
    }

    fn allreduce(
        &mut self,
        values: FloatsMut<'_>,
        operation: ReduceOp,
        deadline: Duration,
    ) -> Result<bool, Fault> {
        if self.is_late {
            self.threads.abandon("its collective is late");
            return Err(Fault::Collective { waited: deadline });
        }
        self.calls += 1;
        let FloatsMut::F64(values) = values else { return Ok(false) };
        let (rank, size) = (self.rank().0, self.size());
        let mut all = vec![vec![0.0; values.len()]; size as usize];
        all[rank as usize].copy_from_slice(values);
        let mine: &[u8] = bytemuck::cast_slice(values);
        for hop in 1..size {
            let tag = Tag { exchange: u64::MAX - self.calls, round: hop };
            let (to, from) = ((rank + hop) % size, (rank + size - hop) % size);
            let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut all[from as usize]);
            let (sent, received) = (Some((Rank(to), &[mine][..])), Some((Rank(from), &[mine.len()][..])));
            rounds(&mut self.threads, |rounds| {
                let ticket = rounds.begin(tag, sent, received, deadline)?;
                rounds.finish(ticket, deadline, &mut |chunk| {
                    bytes[chunk.offset..][..chunk.bytes.len()].copy_from_slice(chunk.bytes);
                })?;
                rounds.wait_sent(deadline)
            })?;
        }
        let combine: fn(f64, f64) -> f64 = match operation {
            ReduceOp::Sum => |x, y| x + y,
            ReduceOp::Min => f64::min,
            ReduceOp::Max => f64::max,
        };
        for (index, value) in values.iter_mut().enumerate() {
            *value = all.iter().rev().map(|vector| vector[index]).reduce(combine).expect("a rank");
        }
        Ok(true)
    }
}

const SIZE: u32 = 5;

fn on_ranks<R: Send>(
    is_late: impl Fn(Rank) -> bool + Sync,
    body: impl Fn(Communicator<WithCollective>) -> R + Sync,
) -> Vec<R> {
    let run = |threads: LocalTransport| {
        let is_late = is_late(threads.rank());
        Ok::<_, Infallible>(body(Communicator::new(WithCollective { threads, is_late, calls: 0 })))
    };
    spmd(SIZE, run).unwrap_or_else(|error| panic!("{error}"))
}

fn noise(rank: Rank, index: u64) -> f64 {
    random::unit(rank.0.into(), index) - 0.5
}

/// Vectors of two lengths: those that ours gathers, and those that ours reduces block by block.
const LENGTHS: [u64; 2] = [40, 20_000];

#[test]
fn the_collective_reduces_where_it_is_asked_for() {
    for length in LENGTHS {
        let results = on_ranks(
            |_| false,
            |mut comm| {
                let x: Vec<f64> = (0..length).map(|index| noise(comm.rank(), index)).collect();
                let reduced = |comm: &mut Communicator<_>, fast: bool, reduction| {
                    let mut y = vec![0.0; x.len()];
                    match fast {
                        true => comm.allreduce_fast((&x, &mut y), reduction),
                        false => comm.allreduce((&x, &mut y), reduction),
                    }
                    .expect("a reduction");
                    y
                };
                let found = [Reduction::Sum, Reduction::Mean, Reduction::Min, Reduction::Max]
                    .map(|reduction| [true, false].map(|fast| reduced(&mut comm, fast, reduction)));
                assert_eq!(comm.into_transport().calls, 4);
                found
            },
        );
        assert!(results.iter().all(|rank| *rank == results[0]), "one result on all ranks");
        let [sum, mean, min, max] = &results[0];
        let backwards = |index| (0..SIZE).rev().map(|rank| noise(Rank(rank), index)).reduce(|x, y| x + y);
        let backwards: Vec<f64> = (0..length).map(|index| backwards(index).expect("a rank")).collect();
        assert_eq!(sum[0], backwards);
        assert_ne!(sum[1], backwards, "ours is another order");
        assert_eq!(mean[0], sum[0].iter().map(|x| x / f64::from(SIZE)).collect::<Vec<_>>());
        assert_eq!([&min[0], &max[0]], [&min[1], &max[1]]);
    }
}

/// Both results of numbers for which there is no collective.
fn both<T: Numeric>(value: fn(f64) -> T) -> Vec<[Vec<T>; 2]> {
    on_ranks(
        |_| false,
        |mut comm| {
            let x: Vec<T> = (0..30_000).map(|index| value(noise(comm.rank(), index))).collect();
            let [mut fast, mut ours] = [x.clone(), x];
            comm.allreduce_fast(&mut fast, Reduction::Sum).expect("a sum");
            comm.allreduce(&mut ours, Reduction::Sum).expect("a sum");
            [fast, ours]
        },
    )
}

#[test]
fn without_a_collective_the_bits_are_ours() {
    assert!(both(|x| x as f32).iter().all(|[fast, ours]| fast == ours), "the transport says no");
    assert!(both(bf16::from_f64).iter().all(|[fast, ours]| fast == ours));
    assert!(both(|x| (x * 1e9) as i64).iter().all(|[fast, ours]| fast == ours));
}

#[test]
fn a_late_collective_is_an_error_on_all_ranks_that_names_the_call() {
    let errors = on_ranks(
        |rank| rank == Rank(3),
        |mut comm| {
            comm.set_deadline(Duration::from_secs(20));
            let error = comm.allreduce_fast(&mut [1.0; 300], Reduction::Sum).expect_err("a late collective");
            comm.barrier().expect_err("a communicator that failed");
            error
        },
    );
    let code = |error: &CommunicateError| error.code().expect("a code").to_string();
    assert_eq!(code(&errors[3]), "bfc::execute::collective");
    assert_eq!(
        errors[3].to_string(),
        "rank 3, call 0, `allreduce`, round 0: a collective of the message library took longer than 20s"
    );
    for rank in [0, 1, 2, 4] {
        let CommunicateError::Exchange(RuntimeError::PeerFailed { peer, .. }) = &errors[rank] else {
            panic!("{:?}", errors[rank])
        };
        assert_eq!(*peer, Rank(3));
    }
}
