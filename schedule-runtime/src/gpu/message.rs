//! A message of the host as a frame and a rest: see [`GpuTransport`](super::GpuTransport).

use super::staging::Staged;
use super::{GpuError, Piece, Stream};
use crate::transport::{Envelope, Tag};
use bfc_schedule::Rank;

/// Bytes of a frame.
pub(super) const FRAME: usize = 4096;
/// Bytes of a head.
pub(super) const HEAD: usize = Tag::BYTES + size_of::<u64>();

/// A message in memory of its own.
pub(super) struct Message {
    pub(super) peer: Rank,
    /// Of one that is received, what it is to be.
    pub(super) envelope: Envelope,
    pub(super) staged: Staged,
}

/// This rank's part of a round.
pub(super) struct Round {
    pub(super) sent: Option<Message>,
    pub(super) received: Option<Message>,
}

impl Message {
    /// The bytes of memory that a message needs.
    pub(super) fn room(envelope: Envelope) -> usize {
        FRAME.max(HEAD + envelope.bytes as usize)
    }

    /// Its bytes, with the head.
    pub(super) fn end(&self) -> usize {
        HEAD + self.envelope.bytes as usize
    }

    pub(super) fn frame(&self) -> Piece {
        Piece { peer: self.peer, address: self.staged.address(0..FRAME), bytes: FRAME }
    }

    /// What does not fit in the frame.
    pub(super) fn rest(&self) -> Option<Piece> {
        let bytes = self.end().checked_sub(FRAME).filter(|bytes| *bytes > 0)?;
        Some(Piece { peer: self.peer, address: self.staged.address(FRAME..self.end()), bytes })
    }

    /// Writes the head and the parts, one after the other.
    pub(super) fn write(&mut self, parts: &[&[u8]]) {
        let Envelope { tag, bytes } = self.envelope;
        let (head, mut rest) = self.staged.host_mut().split_at_mut(HEAD);
        head[..Tag::BYTES].copy_from_slice(&tag.to_bytes());
        head[Tag::BYTES..].copy_from_slice(&bytes.to_le_bytes());
        for part in parts {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
    }

    /// What the head says that has come; waits for its copy.
    pub(super) fn head(&mut self, stream: &Stream) -> Result<Envelope, GpuError> {
        let (tag, bytes) = self.staged.download(stream, 0..HEAD)?.split_at(Tag::BYTES);
        let tag = Tag::from_bytes(std::array::from_fn(|index| tag[index]));
        Ok(Envelope { tag, bytes: u64::from_le_bytes(std::array::from_fn(|index| bytes[index])) })
    }
}

impl Round {
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.sent.iter().chain(&self.received)
    }
}
