//! How a round of a schedule moves between ranks: a round begins on every rank that takes part in it and finishes
//! where its message has been delivered.
//!
//! What a transport offers, and a caller may rely on:
//!
//! * A message is a list of parts (byte slices). Sender and receiver name the same [`Tag`] and the same lengths; where
//!   tags or sums of lengths differ, the receiver gets [`Fault::Mismatch`] and no byte. No rank sends to itself.
//! * Messages from one rank to another arrive in the order in which they were begun, unchanged and exactly once.
//! * Many rounds may be pending; they are finished in the order in which they were begun. Between two `wait_sent`s at most
//!   one message travels from one rank to the same other.
//! * [`Transport::finish`] delivers chunk by chunk: parts in order, each from its beginning to its end, every chunk in one
//!   part, at a multiple of 64 bytes from the part's beginning, and aligned to 8 bytes or like the sender's memory.
//!   The bytes may lie in the sender's own memory; they are valid during the call of the sink only.
//! * **Nothing waits forever.** A wait without progress for longer than its deadline is [`Fault::Deadline`], and names
//!   the rank that was waited for. A failure of one rank reaches all that wait for it, directly or not.
//! * **Memory exposed to peers is leased.** What is sent stays exposed until [`Transport::wait_sent`] returns well or
//!   [`Transport::revoke`] returns. A peer claims a bounded chunk before it touches it; `revoke` waits for claims.
//! * After a fault the transport is dead: the peers learn of it, and every further call fails.
//!
//! [`conformance`](crate::conformance) has each of these as a law to run, [`simulated`](crate::simulated) a transport that
//! uses all the freedom that they leave.
//!
//! [`rounds`] is the safe way in: when it returns or unwinds, no memory is exposed.

pub use crate::memory::Memory;
use bfc_schedule::Rank;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// Moves messages between this rank and its peers; see the [module](self) for the contract.
///
/// # Safety
/// An implementation touches the memory of `send` only until `wait_sent` has returned `Ok` or `revoke` has returned, and
/// that of [`pair`](Self::pair) only until it has returned or unwound; nor do its peers.
pub unsafe trait Transport {
    /// This rank.
    fn rank(&self) -> Rank;

    /// The number of ranks.
    fn size(&self) -> u32;

    /// Whether another thread of this process may use it while this one works, one at a time.
    fn may_overlap(&self) -> bool {
        true
    }

    /// Begins a round: offers `send` to its receiver and prepares to receive parts of the lengths of `receive`.
    ///
    /// # Safety
    /// The memory of `send` stays valid and unchanged until `wait_sent` has returned `Ok` or `revoke` has returned.
    ///
    /// # Errors
    /// See the [module](self).
    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        deadline: Duration,
    ) -> Result<Ticket, Fault>;

    /// Waits for what the round receives and gives it to `sink`; at once where it receives nothing.
    ///
    /// # Errors
    /// See the [module](self). The sink may have seen a part of the message; if its sender has failed, not always as it was sent.
    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault>;

    /// Waits until nothing sent is exposed any more: read by its receivers, or copied.
    ///
    /// # Errors
    /// See the [module](self); then memory may still be exposed, until `revoke`.
    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault>;

    /// Ends all exposure, waiting for no more than the chunks that peers have claimed. Where something was exposed, the
    /// transport is dead afterwards.
    fn revoke(&mut self);

    /// Fails for a reason of this rank's own, which the peers learn.
    fn abandon(&mut self, reason: &str);

    /// Looks, without waiting, whether the failure of a peer has reached this rank: for ranks that wait for something else. A
    /// peer that has left has not failed.
    ///
    /// # Errors
    /// The failure; then the transport is dead.
    fn listen(&mut self) -> Result<(), Fault>;

    /// Memory that peers may be shown where it lies: what is sent from it, or exchanged in place in it, is not copied on its way
    /// where the transport can share memory. Any other memory may be sent, too.
    ///
    /// # Errors
    /// Where there is no memory.
    fn allocate(&mut self, bytes: usize) -> Result<Memory, Fault> {
        Ok(Memory::ordinary(bytes))
    }

    /// One symmetric round in place: `self` and `peer` call this with parts of equal lengths, and each chunk is given to
    /// the kernel of one of the two, with both ranks' memory at once. Returns `false`, with nothing touched, where the
    /// transport does not do this or the peer exchanges by [`begin`](Self::begin) and [`finish`](Self::finish); both
    /// ranks get the same answer.
    ///
    /// # Errors
    /// See the [module](self). The parts may have been changed in part.
    fn pair(
        &mut self,
        _tag: Tag,
        _peer: Rank,
        _parts: &mut [&mut [u8]],
        _weights: PairWeights,
        _deadline: Duration,
        _kernel: &mut dyn FnMut(PairChunk<'_>),
    ) -> Result<bool, Fault> {
        Ok(false)
    }

    /// `values ←` their reduction over all ranks, element by element, by a collective of the library beneath: in an order of
    /// its own, so that bits may differ from those of other transports. All ranks call it with equal types, lengths and
    /// operations. Returns `false`, with nothing touched, where the transport has none; all ranks get the same answer.
    ///
    /// # Errors
    /// See the [module](self); a library that does not name the rank that it waits for gives [`Fault::Collective`]. The values are
    /// then unspecified, and the library does not touch them any more.
    fn allreduce(
        &mut self,
        _values: FloatsMut<'_>,
        _operation: ReduceOp,
        _deadline: Duration,
    ) -> Result<bool, Fault> {
        Ok(false)
    }
}

// SAFETY: it passes every call on to a transport.
unsafe impl<X: Transport + ?Sized> Transport for Box<X> {
    fn rank(&self) -> Rank {
        (**self).rank()
    }

    fn size(&self) -> u32 {
        (**self).size()
    }

    fn may_overlap(&self) -> bool {
        (**self).may_overlap()
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        deadline: Duration,
    ) -> Result<Ticket, Fault> {
        // SAFETY: the caller keeps this method's contract, which is the same.
        unsafe { (**self).begin(tag, send, receive, deadline) }
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        (**self).finish(ticket, deadline, sink)
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        (**self).wait_sent(deadline)
    }

    fn revoke(&mut self) {
        (**self).revoke();
    }

    fn abandon(&mut self, reason: &str) {
        (**self).abandon(reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        (**self).listen()
    }

    fn allocate(&mut self, bytes: usize) -> Result<Memory, Fault> {
        (**self).allocate(bytes)
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
        (**self).pair(tag, peer, parts, weights, deadline, kernel)
    }

    fn allreduce(
        &mut self,
        values: FloatsMut<'_>,
        operation: ReduceOp,
        deadline: Duration,
    ) -> Result<bool, Fault> {
        (**self).allreduce(values, operation, deadline)
    }
}

/// Names a round; the same on sender and receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    /// The number of exchanges before this one.
    pub exchange: u64,
    /// The round within it.
    pub round: u32,
}

impl Tag {
    /// The length of its encoding.
    pub const BYTES: usize = 12;

    /// Its encoding on a wire: exchange and round, little-endian. Equal tags have equal bytes, and only they.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.exchange.to_le_bytes());
        bytes[8..].copy_from_slice(&self.round.to_le_bytes());
        bytes
    }

    /// The tag that has these bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, round @ ..] = bytes;
        Self { exchange: u64::from_le_bytes([a, b, c, d, e, f, g, h]), round: u32::from_le_bytes(round) }
    }
}

/// A round that has begun.
#[must_use = "a round that has begun is to be finished"]
#[derive(Debug)]
pub struct Ticket {
    /// Its name.
    pub tag: Tag,
    /// From whom it receives.
    pub from: Option<Rank>,
    /// The lengths of the parts, in bytes.
    pub lengths: Vec<usize>,
}

impl Ticket {
    /// Of a round that receives parts of these lengths from a rank, or nothing.
    pub fn new(tag: Tag, receive: Option<(Rank, &[usize])>) -> Self {
        let (from, lengths) = receive.unzip();
        Self { tag, from, lengths: lengths.map_or(vec![], <[usize]>::to_vec) }
    }
}

/// A piece of a message.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The index of its part.
    pub part: usize,
    /// Where in the part it begins, in bytes.
    pub offset: usize,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What a rank sends its partner in [`Transport::pair`], for the partner's kernel: four numbers of the caller's choice.
pub type PairWeights = [f64; 4];

/// A piece of both ranks' memory.
#[derive(Debug)]
pub struct PairChunk<'a> {
    /// The index of the part.
    pub part: usize,
    /// This rank's bytes.
    pub mine: &'a mut [u8],
    /// The peer's bytes.
    pub theirs: &'a mut [u8],
    /// What the peer passed.
    pub their_weights: PairWeights,
}

/// Numbers that a [collective](Transport::allreduce) reduces.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum FloatsMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
}

/// What a [collective](Transport::allreduce) makes of the numbers of all ranks. Where one is NaN, minimum and maximum are
/// the library's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReduceOp {
    Sum,
    Min,
    Max,
}

/// The name and length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its round.
    pub tag: Tag,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Why a round failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing came from, or was taken by, a peer for too long.
    Deadline {
        /// The peer waited for.
        peer: Rank,
        /// The deadline.
        waited: Duration,
    },
    /// A peer ended before this round.
    Left {
        /// The peer.
        peer: Rank,
    },
    /// A rank failed, and the failure reached this one.
    Failed {
        /// The rank that failed first, as far as is known.
        peer: Rank,
        /// What it said.
        reason: String,
    },
    /// A peer is in another round, or its message has another length.
    Mismatch {
        /// The peer.
        peer: Rank,
        /// What this rank waits for.
        expected: Envelope,
        /// What the peer sent.
        found: Envelope,
    },
    /// The operating system or the message library refused.
    System {
        /// The peer concerned.
        peer: Rank,
        /// Its words.
        reason: String,
    },
    /// A collective of the message library took too long. It does not say which rank it waits for.
    Collective {
        /// The deadline.
        waited: Duration,
    },
    /// The process that stands for a peer belongs to another user.
    OtherUser {
        /// The peer.
        peer: Rank,
        /// The number of its user.
        theirs: u32,
        /// The number of this rank's user.
        mine: u32,
    },
}

impl Fault {
    /// The rank that failed first, as `rank`, which has this fault, tells its peers; and why.
    pub(crate) fn origin(&self, rank: Rank) -> (Rank, String) {
        match self {
            Self::Failed { peer, reason } => (*peer, reason.clone()),
            Self::Left { peer } => (*peer, "it ended before its peers".to_owned()),
            fault => (rank, fault.to_string()),
        }
    }

    /// The peer that the fault is about, if it is known.
    pub fn peer(&self) -> Option<Rank> {
        match *self {
            Self::Collective { .. } => None,
            Self::Deadline { peer, .. }
            | Self::Left { peer }
            | Self::Failed { peer, .. }
            | Self::Mismatch { peer, .. }
            | Self::System { peer, .. }
            | Self::OtherUser { peer, .. } => Some(peer),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline { peer, waited } => write!(f, "waited {waited:?} for rank {peer}"),
            Self::Left { peer } => write!(f, "rank {peer} ended before its peers"),
            Self::Failed { peer, reason } => write!(f, "rank {peer} failed: {reason}"),
            Self::Mismatch { peer, expected, found } => {
                write!(f, "expected {expected} from rank {peer}, found {found}")
            }
            Self::System { peer, reason } => write!(f, "cannot reach rank {peer}: {reason}"),
            Self::Collective { waited } => {
                write!(f, "a collective of the message library took longer than {waited:?}")
            }
            Self::OtherUser { peer, theirs, mine } => {
                write!(f, "rank {peer} belongs to user {theirs}, this rank to user {mine}")
            }
        }
    }
}

impl fmt::Display for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tag: Tag { exchange, round }, bytes } = self;
        write!(f, "{bytes} bytes of exchange {exchange}, round {round}")
    }
}

/// Why a rank fails that revokes what it has sent.
#[cfg(not(feature = "loom"))]
pub(crate) fn revoked() -> &'static str {
    if std::thread::panicking() { "it panicked" } else { "it abandoned an exchange" }
}

/// Runs `body`, which may begin rounds that send memory of lifetime `'env`. When this returns or unwinds, no memory is
/// exposed: what is still sent is revoked, and the transport is dead.
pub fn rounds<'env, X: Transport + ?Sized, R>(
    transport: &mut X,
    body: impl FnOnce(&mut Rounds<'_, 'env, X>) -> R,
) -> R {
    body(&mut Rounds { transport, exposed: false, env: PhantomData })
}

/// Access to a transport inside [`rounds`].
pub struct Rounds<'x, 'env, X: Transport + ?Sized> {
    transport: &'x mut X,
    exposed: bool,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'env, X: Transport + ?Sized> Rounds<'_, 'env, X> {
    /// [`Transport::begin`].
    ///
    /// # Errors
    /// As there.
    pub fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&'env [u8]])>,
        receive: Option<(Rank, &[usize])>,
        deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.exposed = true;
        // SAFETY: the memory is borrowed for 'env, which outlives the call of `rounds`; that call ends with the drop of
        // `self`, which revokes unless `wait_sent` has returned well since.
        unsafe { self.transport.begin(tag, send, receive, deadline) }
    }

    /// [`Transport::finish`].
    ///
    /// # Errors
    /// As there.
    pub fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.transport.finish(ticket, deadline, sink)
    }

    /// [`Transport::wait_sent`].
    ///
    /// # Errors
    /// As there.
    pub fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.transport.wait_sent(deadline)?;
        self.exposed = false;
        Ok(())
    }
}

impl<X: Transport + ?Sized> Drop for Rounds<'_, '_, X> {
    fn drop(&mut self) {
        if self.exposed {
            self.transport.revoke();
        }
    }
}
