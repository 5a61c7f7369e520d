//! Messages as frames on their way.

use super::library::Request;
use super::regions::Place;
use super::{Endpoint, FRAME};
use crate::storage::Dtype;
use crate::transport::{Chunk, Envelope, Fault, Memory, ReduceOp, Tag};
use bfc_schedule::Rank;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::mem::ManuallyDrop;
use std::sync::Arc;

/// Bytes of a head.
const HEAD: usize = 24;
/// Messages of up to this number of bytes travel in one frame with their head.
const SHORT: usize = 64 << 10;
/// Bytes of a piece of a long message, a multiple of 64.
pub(super) const PIECE: usize = 512 << 10;
/// The most pending pieces of a message.
pub(super) const WINDOW: usize = 4;

/// Memory for frames, which is used again.
#[derive(Default)]
pub(super) struct Staging(Vec<Vec<u64>>);

/// A piece of it.
pub(super) struct Staged {
    words: Vec<u64>,
    bytes: usize,
}

impl Staging {
    pub(super) fn take(&mut self, bytes: usize) -> Staged {
        let words = bytes.div_ceil(8);
        let found = self.0.iter().position(|spare| spare.len() >= words && spare.len() <= 2 * words + 64);
        let words = found.map_or_else(|| vec![0; words], |index| self.0.swap_remove(index));
        Staged { words, bytes }
    }

    pub(super) fn give_back(&mut self, staged: Staged) {
        const KEPT: usize = 32;
        if self.0.len() < KEPT {
            self.0.push(staged.words);
        }
    }
}

impl Staged {
    pub(super) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.bytes]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.bytes]
    }
}

/// What MPI reads.
enum Sent {
    Copy(Staged),
    InPlace(#[allow(dead_code, reason = "it keeps the memory")] Arc<Memory>),
}

/// A frame being sent. Where it is dropped before it is done, its memory is kept for ever.
pub(super) struct Send {
    to: Rank,
    request: Request,
    sent: ManuallyDrop<Sent>,
    is_done: bool,
}

/// A frame being received, or numbers being reduced; as above.
pub(super) struct Receive {
    from: Option<Rank>,
    request: Request,
    staged: ManuallyDrop<Staged>,
    is_done: bool,
}

impl Endpoint {
    pub(super) fn send_copy(&self, copy: Staged, to: Rank, tag: c_int) -> Result<Send, Fault> {
        let bytes = copy.bytes();
        // SAFETY: the bytes stay where they are until the request is done, or for ever.
        let request =
            unsafe { self.library.send(self.communicator, (bytes.as_ptr(), bytes.len()), to, tag)? };
        Ok(Send { to, request, sent: ManuallyDrop::new(Sent::Copy(copy)), is_done: false })
    }

    /// # Safety
    /// The bytes lie in the memory.
    unsafe fn send_in_place(
        &self,
        bytes: (*const u8, usize),
        memory: Arc<Memory>,
        to: Rank,
    ) -> Result<Send, Fault> {
        // SAFETY: the memory is kept until the request is done, or for ever.
        let request = unsafe { self.library.send(self.communicator, bytes, to, FRAME)? };
        Ok(Send { to, request, sent: ManuallyDrop::new(Sent::InPlace(memory)), is_done: false })
    }

    pub(super) fn receive(
        &self,
        mut staged: Staged,
        from: Option<Rank>,
        tag: c_int,
    ) -> Result<Receive, Fault> {
        let bytes = staged.bytes_mut();
        // SAFETY: as in `send_copy`; nobody looks at the bytes before.
        let request =
            unsafe { self.library.receive(self.communicator, (bytes.as_mut_ptr(), bytes.len()), from, tag)? };
        Ok(Receive { from, request, staged: ManuallyDrop::new(staged), is_done: false })
    }

    /// Begins to reduce numbers over all ranks. Collective.
    pub(super) fn allreduce(
        &self,
        mut staged: Staged,
        dtype: Dtype,
        operation: ReduceOp,
    ) -> Result<Receive, Fault> {
        let bytes = staged.bytes_mut();
        let bytes = (bytes.as_mut_ptr(), bytes.len());
        // SAFETY: as in `receive`; what is staged is aligned to every number.
        let request =
            unsafe { self.library.allreduce(self.communicator, bytes, dtype, operation, self.rank)? };
        Ok(Receive { from: None, request, staged: ManuallyDrop::new(staged), is_done: false })
    }
}

impl Send {
    pub(super) fn is_done(&mut self, endpoint: &Endpoint) -> Result<bool, Fault> {
        if !self.is_done {
            self.is_done = endpoint.library.test(self.to, &mut self.request)?;
        }
        Ok(self.is_done)
    }

    /// Its copy, if it was one; it is done.
    fn into_staging(mut self) -> Option<Staged> {
        self.is_done = false;
        // SAFETY: `drop` does not touch it where `is_done` is false.
        match unsafe { ManuallyDrop::take(&mut self.sent) } {
            Sent::Copy(staged) => Some(staged),
            Sent::InPlace(_) => None,
        }
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        if self.is_done {
            // SAFETY: MPI has done with it, and nobody uses it again.
            unsafe { ManuallyDrop::drop(&mut self.sent) };
        }
    }
}

impl Receive {
    pub(super) fn is_done(&mut self, endpoint: &Endpoint) -> Result<bool, Fault> {
        if !self.is_done {
            self.is_done = endpoint.library.test(self.from.unwrap_or(endpoint.rank), &mut self.request)?;
        }
        Ok(self.is_done)
    }

    /// What has come; it is done.
    pub(super) fn bytes(&self) -> &[u8] {
        assert!(self.is_done, "what is on its way is MPI's");
        self.staged.bytes()
    }

    pub(super) fn into_staging(mut self) -> Staged {
        assert!(self.is_done, "what is on its way is MPI's");
        self.is_done = false;
        // SAFETY: `drop` does not touch it where `is_done` is false.
        unsafe { ManuallyDrop::take(&mut self.staged) }
    }

    /// Asks it to end, and waits a little for that.
    pub(super) fn cancel(&mut self, endpoint: &Endpoint) {
        if !self.is_done {
            endpoint.library.cancel(&mut self.request);
            let _ = (0..1000).any(|_| self.is_done(endpoint).unwrap_or(true));
        }
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        if self.is_done {
            // SAFETY: MPI has done with it, and nobody uses it again.
            unsafe { ManuallyDrop::drop(&mut self.staged) };
        }
    }
}

/// A piece of a part.
#[derive(Clone, Copy)]
pub(super) struct Piece {
    pub(super) part: usize,
    pub(super) offset: usize,
    bytes: usize,
}

/// The next piece of a long message.
#[derive(Default)]
struct Pieces {
    part: usize,
    offset: usize,
}

impl Pieces {
    fn next(&mut self, lengths: impl Iterator<Item = usize>) -> Option<Piece> {
        for (part, bytes) in lengths.enumerate().skip(self.part) {
            if self.offset < bytes {
                let piece = Piece { part, offset: self.offset, bytes: PIECE.min(bytes - self.offset) };
                (self.part, self.offset) = (part, self.offset + piece.bytes);
                return Some(piece);
            }
            (self.part, self.offset) = (part + 1, 0);
        }
        None
    }
}

/// A message being sent.
pub(super) struct Outgoing {
    pub(super) to: Rank,
    tag: Tag,
    parts: Vec<Place>,
    has_begun: bool,
    pieces: Pieces,
    /// Whether the end of a long message has been sent.
    has_ended: bool,
    pending: VecDeque<Send>,
}

impl Outgoing {
    pub(super) fn new(tag: Tag, to: Rank, parts: Vec<Place>) -> Self {
        let (pieces, pending) = (Pieces::default(), VecDeque::new());
        Self { to, tag, parts, has_begun: false, pieces, has_ended: false, pending }
    }

    pub(super) fn has_gone(&self) -> bool {
        !self.has_more() && self.pending.is_empty()
    }

    /// Whether frames are left to be sent.
    pub(super) fn has_more(&self) -> bool {
        !self.has_begun || self.is_long() && !self.has_ended
    }

    pub(super) fn into_pending(self) -> VecDeque<Send> {
        self.pending
    }

    /// Retires frames that have gone and sends others; says whether it did.
    pub(super) fn push(&mut self, endpoint: &Endpoint, staging: &mut Staging) -> Result<bool, Fault> {
        let mut progress = false;
        while let Some(send) = self.pending.front_mut() {
            if !send.is_done(endpoint)? {
                break;
            }
            let gone = self.pending.pop_front().and_then(Send::into_staging);
            gone.into_iter().for_each(|staged| staging.give_back(staged));
            progress = true;
        }
        if !self.has_begun {
            self.pending.push_back(endpoint.send_copy(self.first(staging), self.to, FRAME)?);
            (self.has_begun, progress) = (true, true);
        }
        while self.pending.len() < WINDOW && self.is_long() {
            let Some(piece) = self.pieces.next(self.parts.iter().map(|part| part.bytes)) else { break };
            let part = &self.parts[piece.part];
            // SAFETY: the piece is inside of the part, which is valid while the message is in `outgoing` (the contract of
            // `Transport::begin`).
            let (address, bytes) = (unsafe { part.address.add(piece.offset) }, piece.bytes);
            let send = match &part.memory {
                // SAFETY: the part lies in its memory.
                Some(memory) => unsafe { endpoint.send_in_place((address, bytes), memory.clone(), self.to)? },
                None => {
                    let mut copy = staging.take(bytes);
                    // SAFETY: as above.
                    copy.bytes_mut().copy_from_slice(unsafe { std::slice::from_raw_parts(address, bytes) });
                    endpoint.send_copy(copy, self.to, FRAME)?
                }
            };
            self.pending.push_back(send);
            progress = true;
        }
        if self.has_more() && self.pending.is_empty() {
            self.pending.push_back(endpoint.send_copy(staging.take(0), self.to, FRAME)?);
            (self.has_ended, progress) = (true, true);
        }
        Ok(progress)
    }

    fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes as u64).sum()
    }

    fn is_long(&self) -> bool {
        self.bytes() > SHORT as u64
    }

    /// The head, and what follows it in one frame.
    fn first(&self, staging: &mut Staging) -> Staged {
        let bytes = self.bytes();
        let room = |part: &Place| part.bytes.next_multiple_of(8);
        let is_short = bytes <= SHORT as u64;
        let rest: usize = if is_short { self.parts.iter().map(room).sum() } else { 0 };
        let mut frame = staging.take(HEAD + rest);
        let head = [self.tag.exchange, self.tag.round.into(), bytes].map(u64::to_le_bytes);
        let (start, mut rest) = frame.bytes_mut().split_at_mut(HEAD);
        start.copy_from_slice(head.as_flattened());
        for part in self.parts.iter().filter(|part| is_short && part.bytes > 0) {
            let (place, after) = rest.split_at_mut(room(part));
            // SAFETY: the part is valid while the message is in `outgoing` (the contract of `Transport::begin`).
            place[..part.bytes]
                .copy_from_slice(unsafe { std::slice::from_raw_parts(part.address, part.bytes) });
            rest = after;
        }
        frame
    }
}

/// A message being received.
pub(super) struct Incoming {
    pub(super) from: Rank,
    lengths: Vec<usize>,
    pub(super) head: Receive,
    next: Pieces,
    pub(super) pieces: VecDeque<(Piece, Receive)>,
    /// The end of a long message, when all pieces are posted.
    pub(super) end: Option<Receive>,
}

impl Incoming {
    pub(super) fn begin(
        endpoint: &Endpoint,
        staging: &mut Staging,
        from: Rank,
        lengths: Vec<usize>,
    ) -> Result<Self, Fault> {
        // A peer that is elsewhere may send any short message.
        let room = HEAD + SHORT + 8 * lengths.len().max(64);
        let head = endpoint.receive(staging.take(room), Some(from), FRAME)?;
        let (next, pieces) = (Pieces::default(), VecDeque::new());
        let mut message = Self { from, lengths, head, next, pieces, end: None };
        if message.is_long() {
            (0..WINDOW).try_for_each(|_| message.post(endpoint, staging))?;
        }
        Ok(message)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.lengths.iter().map(|&bytes| bytes as u64).sum()
    }

    fn is_long(&self) -> bool {
        self.bytes() > SHORT as u64
    }

    /// Posts the next receive, if there is one.
    pub(super) fn post(&mut self, endpoint: &Endpoint, staging: &mut Staging) -> Result<(), Fault> {
        if let Some(piece) = self.next.next(self.lengths.iter().copied()) {
            let receive = endpoint.receive(staging.take(piece.bytes), Some(self.from), FRAME)?;
            self.pieces.push_back((piece, receive));
        } else if self.end.is_none() {
            self.end = Some(endpoint.receive(staging.take(0), Some(self.from), FRAME)?);
        }
        Ok(())
    }

    /// Gives what has come with the head to `sink`.
    pub(super) fn short(&self, sink: &mut dyn FnMut(Chunk<'_>)) {
        if self.is_long() {
            return;
        }
        let mut rest = &self.head.bytes()[HEAD..];
        for (part, &bytes) in self.lengths.iter().enumerate().filter(|(_, bytes)| **bytes > 0) {
            sink(Chunk { part, offset: 0, bytes: &rest[..bytes] });
            rest = &rest[bytes.next_multiple_of(8)..];
        }
    }

    /// What has been received is used again.
    pub(super) fn give_back(self, staging: &mut Staging) {
        if self.head.is_done {
            staging.give_back(self.head.into_staging());
        }
    }
}

pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

/// What a head says.
pub(super) fn envelope(head: &[u8]) -> Envelope {
    let [exchange, round, bytes] = [0, 8, 16].map(|at| word(head, at));
    Envelope { tag: Tag { exchange, round: round as u32 }, bytes }
}
