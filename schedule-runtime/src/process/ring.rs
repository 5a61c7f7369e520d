//! Messages on their way through the ring of an edge.
//!
//! A message is a head, where its parts lie, and those parts that do not lie in shared memory; each piece begins at a multiple
//! of 64 bytes:
//!
//! ```text
//! tag (40 bytes)   bytes: u64   parts: u64   0: u64      for each part: region: u64   offset: u64   bytes: u64
//! ```

use super::board::{Edge, Place, RING};
use crate::transport::{Envelope, Fault, Tag};
use bfc_schedule::Rank;
use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const LINE: usize = 64;
pub(super) const HEAD: usize = LINE;
pub(super) const PLACE: usize = size_of::<Place>();
const BYTES_AT: usize = 40;
/// What is given to a sink at a time, so that the sender fills the rest of the ring meanwhile.
const CHUNK: usize = RING / 4;

/// Messages to one rank, in order.
#[derive(Default)]
pub(super) struct Outgoing {
    pieces: VecDeque<Piece>,
    /// The bytes of the first piece that have been written.
    done: usize,
}

enum Piece {
    /// Of the message itself.
    Own(Vec<u8>),
    /// Of the caller's memory.
    Lent(*const u8, usize),
}

// SAFETY: lent memory is read while the piece is here only, and stays valid so long (the contract of `Transport::begin`),
// whichever thread that is on.
unsafe impl Send for Piece {}

impl Outgoing {
    /// Adds a message; the parts without a region travel in the ring.
    pub(super) fn push(&mut self, tag: Tag, parts: &[&[u8]], places: &[Place]) {
        let mut head = vec![0; HEAD];
        head[..Tag::BYTES].copy_from_slice(&tag.to_bytes());
        let bytes: u64 = places.iter().map(|place| place.bytes).sum();
        head[BYTES_AT..][..16].copy_from_slice(&[bytes, places.len() as u64].map(u64::to_le_bytes).concat());
        for place in places {
            head.extend([place.region, place.offset, place.bytes].map(u64::to_le_bytes).as_flattened());
        }
        self.pieces.push_back(Piece::Own(head));
        let lent = parts.iter().zip(places).filter(|(part, place)| place.region == 0 && !part.is_empty());
        self.pieces.extend(lent.map(|(part, _)| Piece::Lent(part.as_ptr(), part.len())));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Writes whatever there is room for; says whether it wrote anything.
    pub(super) fn write(&mut self, edge: &Edge) -> bool {
        let start = edge.written.0.load(Relaxed);
        let mut written = start;
        while let Some(piece) = self.pieces.front() {
            let (address, bytes) = match piece {
                Piece::Own(bytes) => (bytes.as_ptr(), bytes.len()),
                Piece::Lent(address, bytes) => (*address, *bytes),
            };
            let (at, room) = (written as usize % RING, room(edge, written));
            let length = room.min(RING - at).min(bytes - self.done);
            if length == 0 {
                break;
            }
            // SAFETY: the piece has so many bytes, see `Piece`; the ring has room for them, which its reader does not touch.
            unsafe {
                let to = edge.ring.get().cast::<u8>().add(at);
                std::ptr::copy_nonoverlapping(address.add(self.done), to, length);
            }
            self.done += length;
            written += length.next_multiple_of(LINE) as u64;
            if self.done == bytes {
                self.pieces.pop_front();
                self.done = 0;
            }
        }
        edge.written.0.store(written, Release);
        written > start
    }

    pub(super) fn can_write(&self, edge: &Edge) -> bool {
        room(edge, edge.written.0.load(Relaxed)) > 0
    }
}

/// A reader that claims to have read what was not written gets nothing.
fn room(edge: &Edge, written: u64) -> usize {
    let pending = written.wrapping_sub(edge.read.0.load(Acquire));
    RING.saturating_sub(usize::try_from(pending).unwrap_or(RING))
}

/// Whether there is something to read.
pub(super) fn is_readable(edge: &Edge) -> bool {
    edge.written.0.load(Acquire) != edge.read.0.load(Relaxed)
}

/// The bytes that can be read, of a piece of which `left` are to come.
pub(super) fn readable(edge: &Edge, from: Rank, left: usize) -> Result<(*const u8, usize), Fault> {
    let read = edge.read.0.load(Relaxed);
    let pending = edge.written.0.load(Acquire).wrapping_sub(read);
    let at = read as usize % RING;
    if pending > RING as u64 || !pending.is_multiple_of(LINE as u64) || !at.is_multiple_of(LINE) {
        return Err(malformed(from));
    }
    // SAFETY: it is inside of the ring.
    let address = unsafe { edge.ring.get().cast::<u8>().cast_const().add(at) };
    Ok((address, left.min(pending as usize).min(RING - at).min(CHUNK)))
}

/// Gives room back to the sender.
pub(super) fn consume(edge: &Edge, bytes: usize) {
    let read = edge.read.0.load(Relaxed);
    edge.read.0.store(read + bytes.next_multiple_of(LINE) as u64, Release);
}

/// What a head says: the message, and the number of its parts.
pub(super) fn envelope(head: &[u8; HEAD]) -> (Envelope, u64) {
    let mut tag = [0; Tag::BYTES];
    tag.copy_from_slice(&head[..Tag::BYTES]);
    let [bytes, parts] = [0, 8].map(|at| word(&head[BYTES_AT + at..]));
    (Envelope { tag: Tag::from_bytes(tag), bytes }, parts)
}

pub(super) fn places(bytes: &[u8]) -> Vec<Place> {
    let place =
        |bytes: &[u8]| Place { region: word(bytes), offset: word(&bytes[8..]), bytes: word(&bytes[16..]) };
    bytes.chunks_exact(PLACE).map(place).collect()
}

fn word(bytes: &[u8]) -> u64 {
    bytes[..8].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

pub(super) fn malformed(peer: Rank) -> Fault {
    Fault::System { peer, reason: "what it has written is no message".to_owned() }
}
