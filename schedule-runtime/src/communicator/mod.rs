//! Calls that need no compiled schedule: what ranks say in a program of their own, over any transport.
//!
//! | file | what |
//! |---|---|
//! | `collective` | broadcast, allgather, all_to_all, barrier |
//! | `reduce` | allreduce, reduce_scatter |
//! | `neighbours` | neighbor_allreduce, neighbor_allgather, pair_average |
//! | `hierarchical` | hierarchical_neighbor_allreduce |
//! | `edges` | whom a rank hears from and sends to, as a call or a compiled schedule says |
//! | `descriptor` | what a rank says of a call, so that ranks that disagree learn it |
//! | `operand`, `number` | memory that calls work on, and the types of numbers in it |
//!
//! All ranks make the same calls in the same order. Each call begins with a comparison of what all ranks say of it; where
//! they disagree, or the arguments of one are wrong, all of them get an error that names it, nothing has moved, and the next
//! call goes on. What moves then moves in rounds, with the deadlines and the traces of those of a schedule.
//!
//! Results are the same bits on all ranks and transports: the order of a reduction follows from the number of ranks and the
//! length of the vector. `f16` and `bf16` are reduced in `f32` and rounded once; sums of integers wrap; the minimum or
//! maximum of numbers of which one is NaN is NaN.
//!
//! Algorithms: messages that are short together go from all to all, and every rank reduces them in the order of the ranks.
//! Longer vectors are reduced and gathered block by block, (n−1)/n of the vector each way, which is the least possible (Chan
//! et al., "Collective communication: theory, practice, and experience", 2007; Träff, "Optimal, non-pipelined reduce-scatter
//! and allreduce algorithms", 2024).
//!
//! ```
//! use bfc_runtime::{CommunicateError, Communicator, Reduction, local};
//!
//! let sums = local::spmd(4, |transport| {
//!     let mut comm = Communicator::new(transport);
//!     let mut x = [comm.rank().0 as f32, 1.0];
//!     comm.allreduce(&mut x, Reduction::Sum)?;
//!     // The same beside other work.
//!     let pending = comm.begin(move |comm| {
//!         comm.allreduce(&mut x, Reduction::Mean)?;
//!         Ok::<_, CommunicateError>(x)
//!     });
//!     pending.finish()
//! });
//! assert_eq!(sums.unwrap(), [[6.0, 4.0]; 4]);
//! ```

mod array;
mod collective;
mod descriptor;
mod edges;
mod error;
mod hierarchical;
mod neighbours;
mod number;
mod operand;
mod reduce;

pub use array::Array;
pub use collective::Gathered;
pub use descriptor::Operation;
pub use edges::Neighbours;
pub use error::CommunicateError;
pub use number::{NumberType, Numeric};
pub use operand::Operand;
pub use reduce::Reduction;

use crate::error::{ExchangeKind, Place, RuntimeError};
use crate::exchange::{Begun, Cut, Lane, Members, Message, Target, Wire};
use crate::transport::Transport;
use bfc_schedule::{Rank, SliceRound};
use descriptor::Descriptor;
use std::time::Duration;

/// Bytes up to which vectors of all ranks together are short: what a rank waits for counts more than what it moves.
const SHORT: usize = 64 << 10;

/// One rank of a group that communicates; see the [module](self).
///
/// Every call is collective: all ranks make the same calls in the same order.
pub struct Communicator<X> {
    lane: Lane<X>,
    rank: Rank,
    size: u32,
}

/// A call, or several, that may go on beside other work.
#[must_use = "what has begun is to be finished"]
#[derive(Debug)]
pub struct Pending<R>(Begun<R>);

impl<R> Pending<R> {
    /// Whether it is over; does not wait.
    pub fn is_over(&mut self) -> bool {
        self.0.is_over()
    }

    /// Waits until it is over, and gives what the closure has returned; unwinds where that has.
    pub fn finish(self) -> R {
        self.0.finish()
    }
}

impl<X: Transport + Send + 'static> Communicator<X> {
    /// A communicator over a transport that nothing else uses, which waits five minutes for a peer.
    pub fn new(transport: X) -> Self {
        Self::with_deadline(transport, Duration::from_secs(300))
    }

    /// [`new`](Self::new) with the deadline of every wait for a peer.
    pub fn with_deadline(transport: X, deadline: Duration) -> Self {
        let (rank, size) = (transport.rank(), transport.size());
        Self { lane: Lane::new(Wire::new(transport, deadline)), rank, size }
    }

    /// This rank.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// Bytes of messages sent so far, without headers and what ranks compare; what is exchanged in place counts as sent.
    /// Waits for what is pending.
    pub fn bytes_sent(&mut self) -> u64 {
        self.lane.idle_wire().bytes_sent
    }

    /// Sets how long a wait for a peer may take, from the next call on. Waits for what is pending.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.lane.idle_wire().deadline = deadline;
    }

    /// Takes part in the next call of the other ranks without making it: all get an error, and the next call goes on. For what is
    /// found wrong before a call is made.
    ///
    /// # Errors
    /// Always: that this rank refuses its arguments, or that a peer fails.
    pub fn refuse(&mut self, operation: Operation) -> Result<(), CommunicateError> {
        let (rank, call) = (self.rank, self.lane.idle_wire().calls);
        let refused = CommunicateError::Refused { rank, call, peer: rank, operation };
        let silent = Descriptor { is_silent: true, ..Descriptor::new(operation, NumberType::F64, 0) };
        self.call(silent, Err(refused), |_, _| Ok(()))
    }

    /// The transport, once what is pending is over.
    pub fn into_transport(self) -> X {
        self.lane.into_wire().transport
    }

    /// Begins calls that go on beside other work, on a thread of the communicator, or at once where the transport does not
    /// allow that. What is called meanwhile comes after them. The closure owns the memory that it works on, and returns it.
    pub fn begin<R: Send + 'static>(
        &mut self,
        calls: impl FnOnce(&mut Self) -> R + Send + 'static,
    ) -> Pending<R> {
        let (rank, size) = (self.rank, self.size);
        Pending(self.lane.begin(move |wire| calls(&mut Self { lane: Lane::within(wire), rank, size })))
    }

    /// Makes a call after those that are pending: compares what ranks say of it, and goes on with what all have said.
    fn call<R>(
        &mut self,
        mine: Descriptor,
        valid: Result<(), CommunicateError>,
        body: impl FnOnce(&mut Call<'_, X>, &[Descriptor]) -> Result<R, CommunicateError>,
    ) -> Result<R, CommunicateError> {
        let rank = self.rank;
        let wire = &mut *self.lane.idle_wire();
        let number = wire.calls;
        wire.calls += 1;
        let exchange = ExchangeKind::Call { number, operation: mine.operation };
        let place = Place { rank, step: None, exchange, bucket: None, round: 0 };
        let mut call = Call { wire, place, number };
        let said = call.agree(mine, valid)?;
        let result = body(&mut call, &said);
        call.wire.spares.trim();
        result
    }
}

/// A call that goes on.
struct Call<'w, X> {
    wire: &'w mut Wire<X>,
    place: Place,
    number: u64,
}

impl<X: Transport> Call<'_, X> {
    fn everyone(&self) -> Members<'static> {
        Members::all(self.place.rank, self.wire.transport.size())
    }

    fn messages(&mut self, messages: &[Message<'_>], targets: &mut [Target<'_>]) -> Result<(), RuntimeError> {
        let exchange = self.wire.start();
        self.wire.messages((exchange, &self.place), messages, targets)
    }

    fn slices(
        &mut self,
        members: Members<'_>,
        rounds: &[Vec<SliceRound>],
        cut: Cut<'_>,
        complete: Option<u32>,
    ) -> Result<(), RuntimeError> {
        let exchange = self.wire.start();
        self.wire.slices((exchange, &self.place), members, (rounds, 0), &mut [cut], complete)
    }
}
