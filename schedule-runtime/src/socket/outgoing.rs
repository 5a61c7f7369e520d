//! Messages on their way out, and the header that precedes each.

use super::{Attempt, number};
use crate::transport::{Envelope, Tag};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::io;
use std::os::fd::AsFd;

pub(super) const HEADER: usize = Tag::BYTES + 8;

/// A message and how much of it has been written.
pub(super) struct Outgoing {
    header: [u8; HEADER],
    parts: Vec<Part>,
    /// The piece being written (0 is the header), and the bytes of it that have been.
    piece: usize,
    written: usize,
}

struct Part {
    address: *const u8,
    bytes: usize,
}

// SAFETY: the memory is read while the message is in `outgoing` only, and stays valid so long (the contract of
// `Transport::begin`), whichever thread that is on.
unsafe impl Send for Part {}

impl Outgoing {
    pub(super) fn new(tag: Tag, parts: &[&[u8]]) -> Self {
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        let parts = parts.iter().map(|part| Part { address: part.as_ptr(), bytes: part.len() }).collect();
        Self { header: header(tag, bytes), parts, piece: 0, written: 0 }
    }

    /// Writes once.
    pub(super) fn write(&mut self, stream: impl AsFd) -> io::Result<Attempt> {
        let bytes = match self.piece.checked_sub(1).map(|part| &self.parts[part]) {
            None => &self.header[..],
            // SAFETY: the memory is valid while the message is in `outgoing`, see `Part`.
            Some(part) => unsafe { std::slice::from_raw_parts(part.address, part.bytes) },
        };
        if self.written < bytes.len() {
            match send(stream, &bytes[self.written..], SendFlags::NOSIGNAL) {
                Ok(written) => self.written += written,
                Err(Errno::AGAIN) => return Ok(Attempt::Stuck),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.written == bytes.len() {
            (self.piece, self.written) = (self.piece + 1, 0);
        }
        Ok(if self.piece > self.parts.len() { Attempt::Done } else { Attempt::Progress })
    }
}

fn header(tag: Tag, bytes: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..Tag::BYTES].copy_from_slice(&tag.to_bytes());
    header[Tag::BYTES..].copy_from_slice(&bytes.to_le_bytes());
    header
}

/// What a header names.
pub(super) fn envelope(header: &[u8; HEADER]) -> Envelope {
    let mut tag = [0; Tag::BYTES];
    tag.copy_from_slice(&header[..Tag::BYTES]);
    Envelope { tag: Tag::from_bytes(tag), bytes: number(&header[Tag::BYTES..]) }
}
