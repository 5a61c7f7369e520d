//! How two processes exchange in place, although either may be stopped or killed between any two instructions.
//!
//! As at the [table of a lease](crate::lease::Seat) two sides sit down and share out chunks: side 0 takes them from the front,
//! side 1 from the back, and the numbers of both stand in one word. But nobody waits for a side that may never go on. Who
//! works on a chunk takes one small block after the other. It saves the old values of both memories in a scratch that both
//! see, and only then writes the new ones:
//!
//! ```text
//!                     save                     advance
//! copy the old values ────► write the new ones ───────► the next block
//! ```
//!
//! [`Side::revoke`] decides with the same word as `save` and `advance`: of each block, either both sides get the new values
//! or both keep the old ones. Who has revoked copies its memory elsewhere, and there puts back the old values of a block that
//! was not completed; the other side does so when it goes on and sees that it cannot advance. Where the peer is dead,
//! [`Side::take_over`] says what it left to do.

use crate::lease::{Meeting, PAIR_REVOKED, joins};
use crate::sync::{AtomicU64, Ordering};
use Ordering::{AcqRel, Acquire, Relaxed};

/// The chunks that each side has taken, in the word of the meeting: 24 bits each.
const TAKEN: [u32; 2] = [16, 40];
/// The most chunks.
pub const MOST_CHUNKS: usize = (1 << 24) - 1;

const SAVED: u64 = 1;
const REVOKED: u64 = 2;
const BLOCK: u32 = 8;
const CHUNKS: u32 = 32;

/// What two sides share. Zeroed memory is a table where nobody sits.
#[repr(C)]
pub struct Table {
    meeting: Line<Meeting>,
    logs: [Line<AtomicU64>; 2],
}

/// On its own cache lines; the adjacent one is fetched, too.
#[repr(C, align(128))]
struct Line<T>(T);

/// One side of a table.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    table: &'a Table,
    side: usize,
}

/// What [`Side::take`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The chunk of this index.
    Chunk(u32),
    /// All chunks have been taken.
    Exhausted,
    /// One side has revoked.
    Revoked,
}

/// Where a side was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of its chunk.
    pub chunk: u32,
    /// The first block of it that is not complete.
    pub block: u32,
    /// Whether its old values are in the scratch of that side: it may be written.
    pub is_saved: bool,
}

impl Default for Table {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self { meeting: Line(Meeting(zero())), logs: [Line(zero()), Line(zero())] }
    }
}

impl Table {
    /// Side 0 or 1.
    pub fn side(&self, side: usize) -> Side<'_> {
        Side { table: self, side }
    }
}

/// The index of the chunk that a side takes as its `number`th.
fn index(side: usize, number: u32, total: u32) -> u32 {
    if side == 0 { number } else { total.saturating_sub(number + 1) }
}

fn taken(state: u64) -> [u32; 2] {
    TAKEN.map(|shift| (state >> shift) as u32 & MOST_CHUNKS as u32)
}

impl Side<'_> {
    fn meeting(&self) -> &Meeting {
        &self.table.meeting.0
    }

    fn log(&self) -> &AtomicU64 {
        &self.table.logs[self.side].0
    }

    /// Sits down after `write` has written an offer. `false`, and nothing done, where the peer has yet to leave the last
    /// time, or one side has revoked.
    pub fn arrive(&self, write: impl FnOnce()) -> bool {
        if !self.meeting().can_arrive(self.side) {
            return false;
        }
        write();
        self.log().store(0, Relaxed);
        self.meeting().arrive(self.side);
        true
    }

    /// Whether the peer has left the last time.
    pub fn is_free(&self) -> bool {
        self.meeting().is_free()
    }

    /// Gets up again if the peer is not there; says whether it was not.
    pub fn withdraw(&self) -> bool {
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

    /// Takes the next of `total` chunks.
    ///
    /// # Panics
    /// Where the two are not [joined](Self::is_joined), and neither has revoked.
    pub fn take(&self, total: u32) -> Taken {
        let mut state = self.meeting().0.load(Acquire);
        loop {
            if state & PAIR_REVOKED != 0 {
                return Taken::Revoked;
            }
            assert!(joins(self.side, state), "no peer to share chunks with");
            let numbers = taken(state);
            if numbers[0] + numbers[1] >= total {
                return Taken::Exhausted;
            }
            let more = state + (1 << TAKEN[self.side]);
            match self.meeting().0.compare_exchange_weak(state, more, AcqRel, Acquire) {
                Ok(_) => return Taken::Chunk(index(self.side, numbers[self.side], total)),
                Err(now) => state = now,
            }
        }
    }

    /// The old values of the block are in the scratch: from here on this side may write it in both memories. `false` where a
    /// side has revoked.
    pub fn save(&self) -> bool {
        self.change(|log| log | SAVED)
    }

    /// The new values of the block are in both memories; the next one is the next of the chunk, or the first of another chunk.
    /// `false` where a side has revoked, and both put the old values back.
    pub fn advance(&self, is_last: bool) -> bool {
        self.change(|log| match is_last {
            false => (log & !SAVED) + (1 << BLOCK),
            true => ((log >> CHUNKS) + 1) << CHUNKS,
        })
    }

    /// Only this side changes its log, but for revoking it.
    fn change(&self, change: impl FnOnce(u64) -> u64) -> bool {
        let log = self.log().load(Relaxed);
        log & REVOKED == 0 && self.log().compare_exchange(log, change(log), AcqRel, Relaxed).is_ok()
    }

    /// Whether all of `total` chunks are in both memories, and nobody has revoked.
    pub fn is_complete(&self, total: u32) -> bool {
        let done = [0, 1].map(|side| self.table.logs[side].0.load(Acquire));
        let state = self.meeting().0.load(Acquire);
        let numbers = taken(state);
        state & PAIR_REVOKED == 0
            && numbers[0] + numbers[1] >= total
            && (0..2).all(|side| (done[side] >> CHUNKS) as u32 == numbers[side])
    }

    /// Leaves after completion: from here on the peer touches nothing.
    ///
    /// # Panics
    /// Where the two are not [joined](Self::is_joined): who leaves twice would leave for the peer.
    pub fn leave(&self) {
        self.meeting().leave(self.side);
    }

    /// Revokes, waiting for nobody: from here on no side takes a chunk or completes a block. Returns the blocks whose old values
    /// are to be put back, of `total` chunks: this side's and the peer's.
    pub fn revoke(&self, total: u32) -> [Option<Place>; 2] {
        self.meeting().revoke();
        [self.side, 1 - self.side].map(|side| self.stop(side, total).filter(|place| place.is_saved))
    }

    /// What the peer, which is dead, has taken of `total` chunks and not completed.
    pub fn take_over(&self, total: u32) -> Option<Place> {
        self.stop(1 - self.side, total)
    }

    fn stop(&self, side: usize, total: u32) -> Option<Place> {
        let log = self.table.logs[side].0.fetch_or(REVOKED, AcqRel);
        let chunks = (log >> CHUNKS) as u32;
        let taken = taken(self.meeting().0.load(Acquire));
        let chunk = index(side, chunks, total);
        (chunks < taken[side] && chunk < total).then_some(Place {
            chunk,
            block: (log >> BLOCK) as u32 & (u32::MAX >> BLOCK),
            is_saved: log & SAVED != 0,
        })
    }
}
