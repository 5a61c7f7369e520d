//! Messages between two ranks: their memory, and where they are on their way.

use super::world::Time;
use crate::transport::{Envelope, Tag};
use bfc_schedule::Rank;
use std::collections::VecDeque;
use std::sync::Arc;

/// The messages from one rank to another.
#[derive(Default)]
pub(super) struct Link {
    /// Those that have not been taken.
    pub(super) queue: VecDeque<Flight>,
    pub(super) begun: u64,
    pub(super) arrived: u64,
    pub(super) taken: u64,
    /// Those of which the sender knows that they have been taken.
    pub(super) acknowledged: u64,
    /// When the last of all that was sent arrives.
    last: Time,
}

/// A message on its way.
pub(super) struct Flight {
    pub(super) tag: Tag,
    pub(super) memory: Arc<Memory>,
    pub(super) index: u64,
    /// Its memory has been read, and is not needed any more.
    pub(super) read: bool,
    /// Its memory went away before it was read.
    pub(super) torn: bool,
}

/// A message as its sender sees it.
pub(super) struct Exposed {
    pub(super) to: Rank,
    pub(super) released: bool,
    pub(super) tag: Tag,
    pub(super) index: u64,
    pub(super) memory: Arc<Memory>,
}

/// The parts of a message: where they lie, and what was there when it began.
pub(super) struct Memory {
    parts: Vec<(*const u8, usize)>,
    copy: Vec<Vec<u8>>,
}

// SAFETY: the addresses are followed only while the memory is exposed, by the one thread that runs.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    pub(super) fn new(parts: &[&[u8]]) -> Self {
        Self {
            parts: parts.iter().map(|part| (part.as_ptr(), part.len())).collect(),
            copy: parts.iter().map(|part| part.to_vec()).collect(),
        }
    }

    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.1)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lengths().map(|bytes| bytes as u64).sum()
    }

    /// What lies there now.
    ///
    /// # Safety
    /// The memory is exposed.
    unsafe fn part(&self, part: usize) -> &[u8] {
        let (address, bytes) = self.parts[part];
        // SAFETY: exposed memory is valid, and no other thread runs.
        unsafe { std::slice::from_raw_parts(address, bytes) }
    }

    /// The first part and byte that are not what they were in `begin`.
    ///
    /// # Safety
    /// The memory is exposed.
    pub(super) unsafe fn changed(&self) -> Option<(usize, usize)> {
        self.copy.iter().enumerate().find_map(|(index, copy)| {
            // SAFETY: as here.
            let part = unsafe { self.part(index) };
            // Most are equal, which is found out fastest as a whole.
            let byte =
                (part != copy).then(|| part.iter().zip(copy).position(|(now, then)| now != then))??;
            Some((index, byte))
        })
    }
}

impl Flight {
    pub(super) fn envelope(&self) -> Envelope {
        Envelope { tag: self.tag, bytes: self.memory.bytes() }
    }

    /// Copies a piece of a part to `into`, from the sender's memory if it has not been read.
    pub(super) fn deliver(&self, part: usize, offset: usize, into: &mut [u8]) {
        let bytes = match self.read {
            true => &self.memory.copy[part],
            // SAFETY: what is neither read nor torn is exposed.
            false => unsafe { self.memory.part(part) },
        };
        into.copy_from_slice(&bytes[offset..offset + into.len()]);
    }
}

impl Link {
    /// The next message, if it is there.
    pub(super) fn next(&self) -> Option<&Flight> {
        self.queue.front().filter(|_| self.taken < self.arrived)
    }

    /// When something arrives that is sent now: not before `earliest`, and after all that was sent earlier.
    pub(super) fn order(&mut self, earliest: Time) -> Time {
        self.last = earliest.max(self.last + 1);
        self.last
    }

    /// Whether the sender knows that all that it sent has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.acknowledged == self.begun
    }
}
