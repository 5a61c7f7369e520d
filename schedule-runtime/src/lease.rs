//! Leases: how one thread lets another touch its memory, and takes the permission back.
//!
//! The owner of a lease opens it; a reader claims it for one bounded chunk at a time, releases it, and closes it when it
//! has read everything. The owner may revoke at any time: from then on no claim succeeds, and when `revoke` returns none
//! is held. So the owner never frees or writes memory that another thread looks at, however it leaves.
//!
//! ```text
//!            open (owner)            claim              
//!   CLOSED ───────────────► OPEN ◄────────► CLAIMED     REVOKED is a bit that is added to any state, for good
//!      ▲                     │    release
//!      └─────────────────────┘
//!            close (reader)
//! ```
//!
//! A [`Seat`] is the symmetric form: two owners open their memory to each other and share out the chunks of both, each
//! chunk to be changed in both memories by one of the two.

use crate::sync::{Arc, AtomicU32, AtomicU64, Ordering, UnsafeCell, yield_now};
use Ordering::{AcqRel, Acquire, Release};
use std::marker::PhantomData;

const CLOSED: u32 = 0;
const OPEN: u32 = 1;
const CLAIMED: u32 = 2;
const REVOKED: u32 = 4;

struct Lease<M> {
    state: AtomicU32,
    message: UnsafeCell<M>,
}

// SAFETY: the message is written by the owner in state CLOSED only, and read by the reader in state CLAIMED only; there is
// one of each, and they move between the states by atomic operations that order these accesses.
unsafe impl<M: Send> Sync for Lease<M> {}
// SAFETY: as above; what is sent is an M.
unsafe impl<M: Send> Send for Lease<M> {}

/// The side of a lease that opens and revokes.
pub struct Owner<M>(Arc<Lease<M>>);

/// The side of a lease that claims and closes.
pub struct Reader<M>(Arc<Lease<M>>);

/// A new lease, closed.
pub fn lease<M>(message: M) -> (Owner<M>, Reader<M>) {
    let lease = Arc::new(Lease { state: AtomicU32::new(CLOSED), message: UnsafeCell::new(message) });
    (Owner(lease.clone()), Reader(lease))
}

impl<M> Owner<M> {
    /// Writes the message and opens the lease, if it is closed; says whether it was.
    pub fn open(&mut self, write: impl FnOnce(&mut M)) -> bool {
        if self.0.state.load(Acquire) != CLOSED {
            return false;
        }
        // SAFETY: only the owner leaves CLOSED, and it is borrowed here, so the reader makes no access meanwhile.
        self.0.message.with_mut(|message| write(unsafe { &mut *message }));
        self.0.state.fetch_or(OPEN, Release);
        true
    }

    /// Whether the reader has closed the lease, or it was never opened.
    pub fn is_closed(&self) -> bool {
        self.0.state.load(Acquire) & !REVOKED == CLOSED
    }

    /// Revokes: when this returns, no claim is held and none will succeed.
    pub fn revoke(&mut self) {
        while self.0.state.fetch_or(REVOKED, AcqRel) & CLAIMED != 0 {
            yield_now();
        }
    }
}

impl<M> Reader<M> {
    /// Whether a claim would succeed now.
    pub fn is_open(&self) -> bool {
        self.0.state.load(Acquire) == OPEN
    }

    /// Claims the lease for one chunk, if it is open and not revoked.
    pub fn claim(&mut self) -> Option<Claim<'_, M>> {
        self.0
            .state
            .compare_exchange(OPEN, CLAIMED, Acquire, Acquire)
            .is_ok()
            .then(|| Claim(&self.0, PhantomData))
    }

    /// Closes an open lease: everything has been read.
    pub fn close(&mut self) {
        self.0.state.fetch_and(!OPEN, Release);
    }
}

/// A held claim; dropping it releases.
///
/// It is a `&M`: threads may share it only where they may share the message.
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<bfc_runtime::lease::Claim<'static, std::cell::Cell<u8>>>();
/// ```
pub struct Claim<'a, M>(&'a Lease<M>, PhantomData<&'a M>);

impl<M> Claim<'_, M> {
    /// Looks at the message.
    pub fn with<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        // SAFETY: the state is CLAIMED, in which the owner makes no access.
        self.0.message.with(|message| look(unsafe { &*message }))
    }
}

impl<M> Drop for Claim<'_, M> {
    fn drop(&mut self) {
        // CLAIMED to OPEN, whatever the revoked bit.
        self.0.state.fetch_xor(CLAIMED | OPEN, Release);
    }
}

const SEATED: [u64; 2] = [1, 2];
const WORKING: [u64; 2] = [4, 8];
/// One of the two has left; the other has yet to.
const LEAVING: u64 = 16;
pub(crate) const PAIR_REVOKED: u64 = 32;
/// The next chunk to share out stands above the flags.
const CHUNK: u64 = 1 << 32;

/// Whether two sides sit at a table, each of which is 0 or 1. Bits above the lowest 16 count what the two share out; they
/// are 0 when the first of them sits down.
#[repr(transparent)]
pub(crate) struct Meeting(pub(crate) AtomicU64);

impl Meeting {
    fn state(&self) -> u64 {
        self.0.load(Acquire)
    }

    /// Whether `side` may sit down: not where the peer has yet to leave the last time, or one side has revoked.
    pub(crate) fn can_arrive(&self, side: usize) -> bool {
        self.state() & (LEAVING | PAIR_REVOKED | SEATED[side]) == 0
    }

    /// `side`, which may, sits down.
    pub(crate) fn arrive(&self, side: usize) {
        self.0.fetch_or(SEATED[side], AcqRel);
    }

    /// Whether the peer has left the last time.
    pub(crate) fn is_free(&self) -> bool {
        self.state() & LEAVING == 0
    }

    /// `side` gets up again if the peer is not there; says whether it was not.
    pub(crate) fn withdraw(&self, side: usize) -> bool {
        let mut state = self.state();
        while state & (LEAVING | SEATED[1 - side]) == 0 {
            match self.0.compare_exchange_weak(state, state & !SEATED[side], AcqRel, Acquire) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// Whether `side` is seated, and the peer is too, or was and has left.
    pub(crate) fn is_joined(&self, side: usize) -> bool {
        joins(side, self.state())
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.state() & PAIR_REVOKED != 0
    }

    /// `side` leaves.
    pub(crate) fn leave(&self, side: usize) {
        let mut state = self.state();
        loop {
            assert!(joins(side, state), "no peer to leave");
            let left = match state & LEAVING {
                0 => (state & !SEATED[side]) | LEAVING,
                _ => state & PAIR_REVOKED,
            };
            match self.0.compare_exchange_weak(state, left, AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    /// From here on nobody sits down any more, or takes a share.
    pub(crate) fn revoke(&self) -> u64 {
        self.0.fetch_or(PAIR_REVOKED, AcqRel)
    }
}

/// LEAVING does not say which side has left: a side that does not sit any more looks at an offer that the peer may be
/// writing.
pub(crate) fn joins(side: usize, state: u64) -> bool {
    state & SEATED[side] != 0 && state & (SEATED[1 - side] | LEAVING) != 0
}

struct Table<M> {
    meeting: Meeting,
    offers: [UnsafeCell<M>; 2],
}

// SAFETY: an offer is written by its owner only while it is not seated and nobody is LEAVING, and read by the peer only
// while the peer is seated and the owner is seated or LEAVING. Nobody but the peer ends its being seated, by leaving.
unsafe impl<M: Send + Sync> Sync for Table<M> {}
// SAFETY: as above; what is sent is two Ms.
unsafe impl<M: Send + Sync> Send for Table<M> {}

/// One side of a symmetric lease.
pub struct Seat<M> {
    table: Arc<Table<M>>,
    side: usize,
}

/// What [`Seat::take`] gives.
pub enum Taken<'a, M> {
    /// The chunk of this index, to be worked on while the value lives.
    Chunk(u32, Work<'a, M>),
    /// All chunks have been taken.
    Exhausted,
    /// One side has revoked.
    Revoked,
}

/// A chunk being worked on: both sides' memory is this side's for the chunk.
pub struct Work<'a, M> {
    seat: &'a Seat<M>,
}

/// Two seats at a new table.
pub fn seats<M>(offers: [M; 2]) -> [Seat<M>; 2] {
    let table = Arc::new(Table { meeting: Meeting(AtomicU64::new(0)), offers: offers.map(UnsafeCell::new) });
    [Seat { table: table.clone(), side: 0 }, Seat { table, side: 1 }]
}

impl<M> Seat<M> {
    fn meeting(&self) -> &Meeting {
        &self.table.meeting
    }

    /// Sits down with an offer. `false`, and nothing done, where the peer has yet to leave the last time, or one side has
    /// revoked.
    pub fn arrive(&mut self, write: impl FnOnce(&mut M)) -> bool {
        if !self.meeting().can_arrive(self.side) {
            return false;
        }
        // SAFETY: this side is not seated and the peer has left the last time, so the peer makes no access.
        self.table.offers[self.side].with_mut(|offer| write(unsafe { &mut *offer }));
        self.meeting().arrive(self.side);
        true
    }

    /// Whether the peer has left the last time.
    pub fn is_free(&self) -> bool {
        self.meeting().is_free()
    }

    /// Gets up again if the peer is not there; says whether it was not.
    pub fn withdraw(&mut self) -> bool {
        self.meeting().withdraw(self.side)
    }

    /// Whether this side is seated, and the peer is too, or was and has left.
    pub fn is_joined(&self) -> bool {
        self.meeting().is_joined(self.side)
    }

    /// Whether a side has revoked.
    pub fn is_revoked(&self) -> bool {
        self.meeting().is_revoked()
    }

    /// Looks at the peer's offer.
    ///
    /// # Panics
    /// Where the two are not [joined](Self::is_joined).
    pub fn peer<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        assert!(self.is_joined(), "no peer to look at");
        // SAFETY: joined, the peer writes its offer only after this side has left, which takes `&mut self`.
        self.table.offers[1 - self.side].with(|offer| look(unsafe { &*offer }))
    }

    /// Takes the next of `total` chunks.
    ///
    /// # Panics
    /// Where the two are not [joined](Self::is_joined), and neither has revoked.
    pub fn take(&mut self, total: u32) -> Taken<'_, M> {
        let mut state = self.meeting().state();
        loop {
            if state & PAIR_REVOKED != 0 {
                return Taken::Revoked;
            }
            assert!(joins(self.side, state), "no peer to share chunks with");
            let chunk = (state / CHUNK) as u32;
            if chunk >= total {
                return Taken::Exhausted;
            }
            let taken = (state + CHUNK) | WORKING[self.side];
            match self.meeting().0.compare_exchange_weak(state, taken, AcqRel, Acquire) {
                Ok(_) => return Taken::Chunk(chunk, Work { seat: self }),
                Err(now) => state = now,
            }
        }
    }

    /// Whether all of `total` chunks have been taken and worked on, and nobody has revoked.
    pub fn is_complete(&self, total: u32) -> bool {
        let state = self.meeting().state();
        (state / CHUNK) as u32 >= total && state & (WORKING[0] | WORKING[1] | PAIR_REVOKED) == 0
    }

    /// Leaves after completion: from here on the peer touches nothing.
    ///
    /// # Panics
    /// Where the two are not [joined](Self::is_joined): who leaves twice would leave for the peer.
    pub fn leave(&mut self) {
        self.meeting().leave(self.side);
    }

    /// Revokes: when this returns, the peer works on no chunk and will take none.
    pub fn revoke(&mut self) {
        while self.meeting().revoke() & WORKING[1 - self.side] != 0 {
            yield_now();
        }
    }
}

impl<M> Work<'_, M> {
    /// Looks at the peer's offer.
    pub fn peer<R>(&self, look: impl FnOnce(&M) -> R) -> R {
        self.seat.peer(look)
    }
}

impl<M> Drop for Work<'_, M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The chunk is half done: nobody may take it for complete.
            self.seat.meeting().revoke();
        }
        self.seat.meeting().0.fetch_and(!WORKING[self.seat.side], Release);
    }
}
