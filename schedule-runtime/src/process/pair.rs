//! A symmetric round in place between two processes; see [`undo`](crate::undo) for how it survives that either is stopped or killed.
//!
//! Parts that are not shared are exchanged in a staging area of the edge, as far as they fit, and copied back.

use super::ProcessTransport;
use super::board::{BLOCK, Board, ELSEWHERE, Edge, Offer, PARTS, Place, STAGING};
use crate::local::CHUNK;
use crate::transport::{Envelope, Fault, PairChunk, PairWeights, Tag};
use crate::undo::{MOST_CHUNKS, Place as Undone, Taken};
use bfc_schedule::Rank;
use std::sync::Arc;
use std::time::Duration;

/// What a round exchanges, and how.
pub(super) struct Round<'a> {
    pub(super) tag: Tag,
    pub(super) peer: Rank,
    pub(super) weights: PairWeights,
    pub(super) deadline: Duration,
    pub(super) kernel: &'a mut dyn FnMut(PairChunk<'_>),
}

/// A part, in this rank's memory and where both ranks reach it.
struct Part {
    own: *mut u8,
    shared: *mut u8,
    theirs: *mut u8,
    bytes: usize,
}

/// A chunk: where it begins in its part, and its length.
struct Chunk {
    part: usize,
    offset: usize,
    bytes: usize,
}

/// A seat at the table of two ranks, which is revoked where it is dropped without having been left.
struct Seated<'t> {
    transport: &'t mut ProcessTransport,
    board: Arc<Board>,
    peer: Rank,
    parts: Vec<Part>,
    /// The regions of this rank that the peer may reach.
    regions: Vec<usize>,
    total: u32,
    has_left: bool,
}

impl Round<'_> {
    /// [`Transport::pair`](crate::transport::Transport::pair) of long messages.
    pub(super) fn run(
        &mut self,
        transport: &mut ProcessTransport,
        parts: &mut [&mut [u8]],
    ) -> Result<bool, Fault> {
        let board = transport.board.clone();
        let mut seated = Seated::new(transport, board.clone(), self.peer, parts);
        let mine = seated.offer(self.tag, self.weights, parts);
        let edge = board.edge(seated.transport.rank, self.peer);
        if !seated.join(edge, &mine, self.deadline)? {
            return Ok(false);
        }
        // SAFETY: joined, the peer writes its offer only after this side has left; any bytes are one.
        let theirs = unsafe { board.edge(self.peer, seated.transport.rank).offer.get().read_volatile() };
        if !mine.matches(&theirs) {
            let (expected, found) = (mine.envelope(), theirs.envelope());
            return Err(Fault::Mismatch { peer: self.peer, expected, found });
        }
        if mine.is_elsewhere() || theirs.is_elsewhere() {
            seated.leave();
            return Ok(false);
        }
        seated.reach(&theirs)?;
        self.work(&mut seated, theirs.weights)?;
        seated.leave();
        seated.copy_back();
        Ok(true)
    }

    fn work(&mut self, seated: &mut Seated<'_>, their_weights: PairWeights) -> Result<(), Fault> {
        let (board, total) = (seated.board.clone(), seated.total);
        let side = board.side(seated.transport.rank, self.peer);
        loop {
            let chunk = match side.take(total) {
                Taken::Chunk(index) => seated.chunk(index),
                Taken::Exhausted => break,
                Taken::Revoked => return Err(seated.why(self.deadline)),
            };
            let blocks = chunk.blocks();
            for block in 0..blocks {
                seated.save(&chunk, block);
                if !side.save() {
                    return Err(seated.why(self.deadline));
                }
                seated.compute(&chunk, block, their_weights, self.kernel);
                if !side.advance(block + 1 == blocks) {
                    return Err(seated.why(self.deadline));
                }
            }
        }
        let peer = self.peer;
        board.bell(peer).ring();
        let is_complete = || side.is_complete(total) || side.is_revoked();
        seated.transport.wait(peer, self.deadline, |transport| is_complete() || transport.is_gone(peer))?;
        if side.is_complete(total) {
            return Ok(());
        }
        if side.is_revoked() {
            return Err(seated.why(self.deadline));
        }
        // The peer is dead; its memory is still there.
        if let Some(place) = side.take_over(total) {
            if place.is_saved {
                seated.undo(place, peer);
            }
            let chunk = seated.chunk(place.chunk);
            for block in place.block..chunk.blocks() {
                seated.compute(&chunk, block, their_weights, self.kernel);
            }
        }
        Ok(())
    }
}

impl Chunk {
    fn blocks(&self) -> u32 {
        self.bytes.div_ceil(BLOCK) as u32
    }

    /// Where a block begins in its part, and its length.
    fn block(&self, block: u32) -> (usize, usize) {
        let offset = block as usize * BLOCK;
        (self.offset + offset, BLOCK.min(self.bytes - offset))
    }
}

impl<'t> Seated<'t> {
    fn new(
        transport: &'t mut ProcessTransport,
        board: Arc<Board>,
        peer: Rank,
        parts: &mut [&mut [u8]],
    ) -> Self {
        let parts: Vec<Part> = parts
            .iter_mut()
            .map(|part| {
                let own = part.as_mut_ptr();
                Part { own, shared: own, theirs: std::ptr::null_mut(), bytes: part.len() }
            })
            .collect();
        let total: usize = parts.iter().map(|part| part.bytes.div_ceil(CHUNK)).sum();
        let total = u32::try_from(total).unwrap_or(u32::MAX);
        Self { transport, board, peer, parts, regions: vec![], total, has_left: false }
    }

    /// What this rank offers; what is not shared is to be staged.
    fn offer(&mut self, tag: Tag, weights: PairWeights, parts: &[&mut [u8]]) -> Offer {
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        let mut places = [Place::default(); PARTS];
        let mut staged = 0;
        let staging = self.board.edge(self.transport.rank, self.peer).staging.get().cast::<u8>();
        let fits = parts.len() <= PARTS && self.total as usize <= MOST_CHUNKS;
        for (place, part) in places.iter_mut().zip(&mut self.parts) {
            let bytes = part.bytes as u64;
            *place = match self.transport.place(part.own, part.bytes, self.peer) {
                Some((place, region)) if fits => {
                    self.regions.push(region);
                    place
                }
                _ if fits && staged + part.bytes <= STAGING => {
                    // SAFETY: it is inside of the staging.
                    part.shared = unsafe { staging.add(staged) };
                    let place = Place { region: 0, offset: staged as u64, bytes };
                    staged = (staged + part.bytes).next_multiple_of(64);
                    place
                }
                _ => Place { region: ELSEWHERE, offset: 0, bytes },
            };
        }
        if !fits {
            places.iter_mut().for_each(|place| place.region = ELSEWHERE);
        }
        Offer { weights, bytes, parts: parts.len() as u64, places, tag: tag.to_bytes() }
    }

    /// Offers and waits for the peer; `false` where the peer exchanges by messages.
    fn join(&mut self, edge: &Edge, offer: &Offer, deadline: Duration) -> Result<bool, Fault> {
        let (board, rank, peer) = (self.board.clone(), self.transport.rank, self.peer);
        let side = board.side(rank, peer);
        let parts = &self.parts;
        let write = || {
            // SAFETY: the peer has left the last time, and reads this only when this side has sat down.
            unsafe { edge.offer.get().write_volatile(*offer) };
            parts.iter().filter(|part| part.shared != part.own).for_each(|part| {
                // SAFETY: as above; the staging has room for the part.
                unsafe { std::ptr::copy_nonoverlapping(part.own, part.shared, part.bytes) };
            });
        };
        while !side.arrive(write) {
            // The peer may have yet to leave the last round.
            self.transport.wait(peer, deadline, |_| side.is_free() || side.is_revoked())?;
            if side.is_revoked() {
                return Err(self.why(deadline));
            }
        }
        board.bell(peer).ring();
        let messages = board.edge(peer, rank);
        self.transport.wait(peer, deadline, |_| side.is_joined() || super::ring::is_readable(messages))?;
        if !side.is_joined() && side.withdraw() {
            self.has_left = true;
            return Ok(false);
        }
        Ok(true)
    }

    /// Finds the peer's memory.
    fn reach(&mut self, theirs: &Offer) -> Result<(), Fault> {
        let staging = self.board.edge(self.peer, self.transport.rank).staging.get().cast::<u8>();
        for (part, &place) in self.parts.iter_mut().zip(&theirs.places) {
            part.theirs = match place.region {
                0 if place.offset.checked_add(place.bytes).is_some_and(|end| end <= STAGING as u64) => {
                    // SAFETY: it is inside of the staging.
                    unsafe { staging.add(place.offset as usize) }
                }
                _ => self.transport.of_peer(self.peer, place)?,
            };
        }
        Ok(())
    }

    /// The part, offset and length of a chunk.
    fn chunk(&self, index: u32) -> Chunk {
        let mut before = index as usize;
        for (part, Part { bytes, .. }) in self.parts.iter().enumerate() {
            let chunks = bytes.div_ceil(CHUNK);
            if before < chunks {
                return Chunk { part, offset: before * CHUNK, bytes: CHUNK.min(bytes - before * CHUNK) };
            }
            before -= chunks;
        }
        unreachable!("chunk {index} of {}", self.total)
    }

    /// The scratch of a rank of the two: a block of its memory, and of the other's.
    fn scratch(&self, rank: Rank) -> [*mut u8; 2] {
        let other = if rank == self.peer { self.transport.rank } else { self.peer };
        let scratch = self.board.edge(rank, other).scratch.get().cast::<[u8; BLOCK]>();
        // SAFETY: there are two blocks.
        [scratch, unsafe { scratch.add(1) }].map(<*mut _>::cast)
    }

    /// Copies the old values of a block into this rank's scratch.
    fn save(&self, chunk: &Chunk, block: u32) {
        let (part, (offset, bytes)) = (&self.parts[chunk.part], chunk.block(block));
        for (memory, scratch) in [part.shared, part.theirs].into_iter().zip(self.scratch(self.transport.rank))
        {
            // SAFETY: the chunk is this side's in both memories, and the scratch is; the ranges are inside of the parts, which
            // `reach` has looked at, and a block long at most.
            unsafe { std::ptr::copy_nonoverlapping(memory.add(offset), scratch, bytes) };
        }
    }

    /// Writes the new values of a block, in both memories.
    fn compute(
        &self,
        chunk: &Chunk,
        block: u32,
        their_weights: PairWeights,
        kernel: &mut dyn FnMut(PairChunk<'_>),
    ) {
        let (part, (offset, bytes)) = (&self.parts[chunk.part], chunk.block(block));
        // SAFETY: as in `save`; and the peer writes to a chunk of this side's no more.
        let [mine, theirs] = [part.shared, part.theirs]
            .map(|memory| unsafe { std::slice::from_raw_parts_mut(memory.add(offset), bytes) });
        kernel(PairChunk { part: chunk.part, mine, theirs, their_weights });
    }

    /// Puts the old values of a block back that a rank of the two has saved, in this rank's memory, and in that of a dead peer.
    fn undo(&self, Undone { chunk, block, .. }: Undone, saved_by: Rank) {
        let chunk = self.chunk(chunk);
        let (part, (offset, bytes)) = (&self.parts[chunk.part], chunk.block(block.min(chunk.blocks() - 1)));
        let [first, second] = self.scratch(saved_by);
        let (mine, theirs) = if saved_by == self.peer { (second, first) } else { (first, second) };
        let memories = [(mine, part.shared), (theirs, part.theirs)];
        for (scratch, memory) in memories.into_iter().filter(|(_, memory)| !memory.is_null()) {
            // SAFETY: who has saved changes neither scratch nor memory any more: it is dead, or revoked and without a way to this
            // rank's memory. The range is inside of the part.
            unsafe { std::ptr::copy_nonoverlapping(scratch, memory.add(offset), bytes) };
        }
    }

    /// Why the peer has revoked, which it may be about to say.
    fn why(&mut self, deadline: Duration) -> Fault {
        let peer = self.peer;
        self.transport.wait(peer, deadline, |_| false).err().unwrap_or(Fault::Left { peer })
    }

    fn leave(&mut self) {
        self.board.side(self.transport.rank, self.peer).leave();
        self.board.bell(self.peer).ring();
        self.has_left = true;
    }

    fn copy_back(&self) {
        for part in self.parts.iter().filter(|part| part.shared != part.own) {
            // SAFETY: the part is borrowed by the caller of `run`, and as long as what was staged.
            unsafe { std::ptr::copy_nonoverlapping(part.shared, part.own, part.bytes) };
        }
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let board = self.board.clone();
        let (rank, peer) = (self.transport.rank, self.peer);
        let undone = board.side(rank, peer).revoke(self.total);
        std::mem::take(&mut self.regions).into_iter().for_each(|region| self.transport.take_back(region));
        // From here on a peer that is stopped reaches nothing of the caller's, and this rank nothing of the peer's.
        self.copy_back();
        for part in &mut self.parts {
            (part.shared, part.theirs) = (part.own, std::ptr::null_mut());
        }
        for (undone, saved_by) in undone.into_iter().zip([rank, peer]) {
            undone.into_iter().for_each(|place| self.undo(place, saved_by));
        }
        if std::thread::panicking() {
            board.fail(rank, rank, "it panicked");
        }
    }
}

impl Offer {
    fn envelope(&self) -> Envelope {
        Envelope { tag: Tag::from_bytes(self.tag), bytes: self.bytes }
    }

    fn matches(&self, other: &Self) -> bool {
        let lengths = |offer: &Self| offer.places.map(|place| place.bytes);
        (self.tag, self.bytes, self.parts) == (other.tag, other.bytes, other.parts)
            && lengths(self) == lengths(other)
    }

    fn is_elsewhere(&self) -> bool {
        self.places.iter().any(|place| place.region == ELSEWHERE)
    }
}
