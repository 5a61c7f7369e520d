//! Messages on their way out, and the header that precedes each.

use super::{Attempt, number};
use crate::transport::{Envelope, Tag};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::io;
use std::os::unix::net::UnixStream;

pub(super) const HEADER: usize = 24;

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
    pub(super) fn write(&mut self, stream: &UnixStream) -> io::Result<Attempt> {
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
    for (at, number) in [(0, tag.round as u64), (8, tag.exchange), (16, bytes)] {
        header[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    header
}

/// What a header names. A round past 32 bits becomes the last one, which no schedule has, so that it matches none.
pub(super) fn envelope(header: &[u8; HEADER]) -> Envelope {
    let [round, exchange, bytes] = [0, 8, 16].map(|at| number(&header[at..at + 8]));
    Envelope { tag: Tag { exchange, round: u32::try_from(round).unwrap_or(u32::MAX) }, bytes }
}
