//! Ranks as MPI processes: a message is copied through frames of bounded size, several of which may be pending.
//!
//! A frame is a header of three `u64` and a chunk of a part: round, exchange, length of the whole message. MPI sees
//! copies only, so that it never touches the caller's memory, not even in requests that outlive a failure. All frames
//! from one rank to another have one tag, which keeps their order. A rank that fails notifies every other with a second
//! tag, for which each rank always listens.

use crate::transport::{Chunk, Envelope, Fault, Tag, Ticket, Transport, revoked};
use ::mpi::ffi;
use ::mpi::raw::AsRaw;
use ::mpi::topology::{Communicator, SimpleCommunicator};
use bfc_schedule::{Rank, visible};
use std::collections::VecDeque;
use std::ffi::c_int;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::time::{Duration, Instant};

/// The length of a header in words.
const HEADER: usize = 3;
/// What a frame carries, in bytes; a multiple of 64.
const CHUNK: usize = 256 << 10;
/// The most pending frames of a message.
const WINDOW: usize = 3;
/// The longest reason of a failure, in bytes.
const REASON: usize = 1024;
/// The tag of frames.
const FRAME: c_int = 1;
/// The tag of failures: the rank that failed first, the length of the reason, and the reason.
const FAILURE: c_int = 2;

/// One rank of a group of MPI processes; made by [`join`](Self::join). To be dropped before MPI is finalized.
pub struct MpiTransport {
    /// Freed if all went well; otherwise frames of this group may be pending, which a new one must not receive.
    communicator: ManuallyDrop<SimpleCommunicator>,
    rank: Rank,
    size: u32,
    outgoing: Vec<Outgoing>,
    incoming: VecDeque<Incoming>,
    /// Receives a failure of any rank.
    alarm: Flight,
    /// Frames that were pending when the transport failed, and its message to its peers.
    last: Vec<Flight>,
    failed: Option<Fault>,
}

/// A message being sent.
struct Outgoing {
    to: Rank,
    header: [u64; HEADER],
    parts: Vec<Part>,
    frames: Frames,
    flights: VecDeque<Flight>,
}

struct Part {
    address: *const u8,
    bytes: usize,
}

/// A message being received.
struct Incoming {
    from: Rank,
    lengths: Vec<usize>,
    frames: Frames,
    flights: VecDeque<(Frame, Flight)>,
}

/// A chunk of a part: its index, where it begins, and its length.
type Frame = (usize, usize, usize);

/// The frames of a message in order; at least one.
#[derive(Default)]
struct Frames {
    part: usize,
    offset: usize,
    any: bool,
}

impl Frames {
    fn next(&mut self, lengths: impl ExactSizeIterator<Item = usize>) -> Option<Frame> {
        for (part, bytes) in lengths.enumerate().skip(self.part) {
            if self.offset < bytes {
                let frame = (part, self.offset, CHUNK.min(bytes - self.offset));
                (self.part, self.offset, self.any) = (part, self.offset + frame.2, true);
                return Some(frame);
            }
            (self.part, self.offset) = (part + 1, 0);
        }
        (!std::mem::replace(&mut self.any, true)).then_some((0, 0, 0))
    }
}

/// A request and the buffer that it uses.
struct Flight {
    request: ffi::MPI_Request,
    buffer: Vec<u64>,
    receives: bool,
    done: bool,
}

impl Flight {
    fn send(
        communicator: &SimpleCommunicator,
        to: Rank,
        tag: c_int,
        buffer: Vec<u64>,
    ) -> Result<Self, Fault> {
        let mut request = MaybeUninit::uninit();
        // SAFETY: the buffer is as long as said, and lives until the request is complete, or forever (see `drop`).
        let request = unsafe {
            let words = (buffer.as_ptr().cast(), buffer.len() as c_int);
            let (peer, raw) = (to.0 as c_int, communicator.as_raw());
            check(
                to,
                ffi::MPI_Isend(words.0, words.1, ffi::RSMPI_UINT64_T, peer, tag, raw, request.as_mut_ptr()),
            )?;
            request.assume_init()
        };
        Ok(Self { request, buffer, receives: false, done: false })
    }

    fn receive(
        communicator: &SimpleCommunicator,
        from: Option<Rank>,
        tag: c_int,
        words: usize,
    ) -> Result<Self, Fault> {
        let (mut buffer, mut request) = (vec![0u64; words], MaybeUninit::uninit());
        // SAFETY: as in `send`; nothing else uses the buffer before the request is complete.
        let request = unsafe {
            let words = (buffer.as_mut_ptr().cast(), buffer.len() as c_int);
            let peer = from.map_or(ffi::RSMPI_ANY_SOURCE, |from| from.0 as c_int);
            let raw = communicator.as_raw();
            check(
                from.unwrap_or(Rank(0)),
                ffi::MPI_Irecv(words.0, words.1, ffi::RSMPI_UINT64_T, peer, tag, raw, request.as_mut_ptr()),
            )?;
            request.assume_init()
        };
        Ok(Self { request, buffer, receives: true, done: false })
    }

    /// Whether the request is complete.
    fn test(&mut self, peer: Rank) -> Result<bool, Fault> {
        if !self.done {
            let (mut flag, mut status) = (0, MaybeUninit::uninit());
            // SAFETY: the request is active; its buffer is here.
            check(peer, unsafe { ffi::MPI_Test(&mut self.request, &mut flag, status.as_mut_ptr()) })?;
            self.done = flag != 0;
        }
        Ok(self.done)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.receives && !self.done {
            // SAFETY: the request is active. Where it cannot be cancelled, it stays.
            unsafe { ffi::MPI_Cancel(&mut self.request) };
        }
        // MPI needs several calls to make progress; a peer that is gone gets no more than these.
        if !(0..1000).any(|_| self.test(Rank(0)).unwrap_or(false)) {
            std::mem::forget(std::mem::take(&mut self.buffer));
        }
    }
}

/// An MPI return code as a result.
fn check(peer: Rank, code: c_int) -> Result<(), Fault> {
    if code == ffi::MPI_SUCCESS as c_int {
        return Ok(());
    }
    let (mut text, mut length) = ([0u8; ffi::MPI_MAX_ERROR_STRING as usize], 0);
    // SAFETY: MPI writes at most MPI_MAX_ERROR_STRING bytes, and the number of them.
    unsafe { ffi::MPI_Error_string(code, text.as_mut_ptr().cast(), &mut length) };
    let text = &text[..text.len().min(length.max(0) as usize)];
    Err(Fault::System { peer, reason: String::from_utf8_lossy(text).into() })
}

impl MpiTransport {
    /// Joins the group of a communicator's processes; collective over them. Their ranks are those of the communicator.
    ///
    /// # Errors
    /// Where MPI refuses.
    pub fn join(communicator: &impl Communicator) -> Result<Self, Fault> {
        let communicator = ManuallyDrop::new(communicator.duplicate());
        let (rank, size) = (Rank(communicator.rank() as u32), communicator.size() as u32);
        // SAFETY: the communicator is this transport's own.
        check(rank, unsafe {
            ffi::MPI_Comm_set_errhandler(communicator.as_raw(), ffi::RSMPI_ERRORS_RETURN)
        })?;
        let alarm = Flight::receive(&communicator, None, FAILURE, 2 + REASON.div_ceil(8))?;
        let (outgoing, incoming, last) = (vec![], VecDeque::new(), vec![]);
        Ok(Self { communicator, rank, size, outgoing, incoming, alarm, last, failed: None })
    }

    /// Moves what is being sent; says whether anything moved.
    fn push(&mut self) -> Result<bool, Fault> {
        let mut progress = false;
        let mut index = 0;
        while let Some(message) = self.outgoing.get_mut(index) {
            progress |= message.push(&self.communicator)?;
            match message.flights.is_empty() {
                true => drop(self.outgoing.swap_remove(index)),
                false => index += 1,
            }
        }
        Ok(progress)
    }

    /// Waits until `ready`, pushing meanwhile.
    fn drive(
        &mut self,
        peer: impl Fn(&Self) -> Rank,
        deadline: Duration,
        mut ready: impl FnMut(&mut Self) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let (mut since, mut turns) = (Instant::now(), 0u32);
        loop {
            let progress = self.push()?;
            if ready(self)? {
                return Ok(());
            }
            self.listen()?;
            (since, turns) = if progress { (Instant::now(), 0) } else { (since, turns.saturating_add(1)) };
            match turns {
                0..100 => std::hint::spin_loop(),
                100..10_000 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            if turns > 100 && since.elapsed() >= deadline {
                return Err(Fault::Deadline { peer: peer(self), waited: deadline });
            }
        }
    }

    /// The failure of another rank, if one has failed.
    fn listen(&mut self) -> Result<(), Fault> {
        if !self.alarm.test(self.rank)? {
            return Ok(());
        }
        let (head, text) = self.alarm.buffer.split_at(2);
        let text = &bytemuck::cast_slice(text)[..REASON.min(head[1] as usize)];
        let reason = visible::line(&String::from_utf8_lossy(text)).into_owned();
        Err(Fault::Failed { peer: Rank(head[0] as u32), reason })
    }

    fn receive(
        &mut self,
        tag: Tag,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let Some(mut message) = self.incoming.pop_front() else { return Ok(()) };
        let from = message.from;
        let total = message.lengths.iter().map(|&bytes| bytes as u64).sum();
        let expected = Envelope { tag, bytes: total };
        while let Some((frame, mut flight)) = message.flights.pop_front() {
            self.drive(|_| from, deadline, |_| flight.test(from))?;
            let (header, body) = flight.buffer.split_at(HEADER);
            let found =
                Envelope { tag: Tag { round: header[0] as u32, exchange: header[1] }, bytes: header[2] };
            if found != expected {
                return Err(Fault::Mismatch { peer: from, expected, found });
            }
            let body: &[u8] = bytemuck::cast_slice(body);
            let (part, offset, bytes) = frame;
            if bytes > 0 {
                sink(Chunk { part, offset, bytes: &body[..bytes] });
            }
            message.post(&self.communicator)?;
        }
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (rank, reason) = fault.origin(self.rank);
        let fault = self.failed.get_or_insert(fault).clone();
        self.die(rank, &reason);
        fault
    }

    /// Notifies every rank, and abandons what is pending.
    fn die(&mut self, rank: Rank, reason: &str) {
        self.failed.get_or_insert(Fault::Failed { peer: rank, reason: reason.to_owned() });
        self.last.extend(self.outgoing.drain(..).flat_map(|message| message.flights));
        self.incoming.clear();
        let reason = &reason.as_bytes()[..reason.len().min(REASON)];
        let mut words = vec![0; 2 + reason.len().div_ceil(8)];
        words[..2].copy_from_slice(&[rank.0 as u64, reason.len() as u64]);
        bytemuck::cast_slice_mut(&mut words[2..])[..reason.len()].copy_from_slice(reason);
        for peer in (0..self.size).map(Rank).filter(|peer| *peer != self.rank) {
            self.last.extend(Flight::send(&self.communicator, peer, FAILURE, words.clone()));
        }
    }

    fn alive(&self) -> Result<(), Fault> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

impl Outgoing {
    /// Retires frames that have gone and launches others.
    fn push(&mut self, communicator: &SimpleCommunicator) -> Result<bool, Fault> {
        let mut progress = false;
        while let Some(flight) = self.flights.front_mut() {
            if !flight.test(self.to)? {
                break;
            }
            self.flights.pop_front();
            progress = true;
        }
        while self.flights.len() < WINDOW {
            let Some((part, offset, bytes)) = self.frames.next(self.parts.iter().map(|part| part.bytes))
            else {
                break;
            };
            let mut words = vec![0; HEADER + bytes.div_ceil(8)];
            words[..HEADER].copy_from_slice(&self.header);
            if bytes > 0 {
                // SAFETY: the range is inside the part, which is valid while the message is in `outgoing` (the contract
                // of `Transport::begin`).
                let chunk =
                    unsafe { std::slice::from_raw_parts(self.parts[part].address.add(offset), bytes) };
                bytemuck::cast_slice_mut(&mut words[HEADER..])[..bytes].copy_from_slice(chunk);
            }
            self.flights.push_back(Flight::send(communicator, self.to, FRAME, words)?);
            progress = true;
        }
        Ok(progress)
    }
}

impl Incoming {
    /// Posts the next receive, if there is one.
    fn post(&mut self, communicator: &SimpleCommunicator) -> Result<(), Fault> {
        if let Some(frame) = self.frames.next(self.lengths.iter().copied()) {
            let words = HEADER + frame.2.div_ceil(8);
            let flight = Flight::receive(communicator, Some(self.from), FRAME, words)?;
            self.flights.push_back((frame, flight));
        }
        Ok(())
    }
}

// SAFETY: addresses are followed while the caller keeps what is sent, on whichever thread that is. MPI itself asks for one
// thread at a time, and below `SERIALIZED` for the one that initialized it, where whoever joined stays.
unsafe impl Send for MpiTransport {}

// SAFETY: only `Outgoing::push` reads the memory of what is sent, as long as the message is in `outgoing`; `wait_sent` returns
// when that is empty, `revoke` empties it. MPI sees copies only.
unsafe impl Transport for MpiTransport {
    fn rank(&self) -> Rank {
        self.rank
    }

    /// MPI is initialized for one thread.
    fn may_overlap(&self) -> bool {
        false
    }

    fn size(&self) -> u32 {
        self.size
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        _deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.alive()?;
        let ticket = Ticket::new(tag, receive);
        if let Some(from) = ticket.from {
            let (frames, flights) = (Frames::default(), VecDeque::new());
            let mut message = Incoming { from, lengths: ticket.lengths.clone(), frames, flights };
            (0..WINDOW)
                .try_for_each(|_| message.post(&self.communicator))
                .map_err(|fault| self.fail(fault))?;
            self.incoming.push_back(message);
        }
        if let Some((to, parts)) = send {
            let bytes = parts.iter().map(|part| part.len() as u64).sum();
            let header = [tag.round as u64, tag.exchange, bytes];
            let parts = parts.iter().map(|part| Part { address: part.as_ptr(), bytes: part.len() }).collect();
            let (frames, flights) = (Frames::default(), VecDeque::new());
            self.outgoing.push(Outgoing { to, header, parts, frames, flights });
            self.push().map_err(|fault| self.fail(fault))?;
        }
        Ok(ticket)
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.alive()?;
        match ticket.from {
            Some(_) => self.receive(ticket.tag, deadline, sink).map_err(|fault| self.fail(fault)),
            None => Ok(()),
        }
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.alive()?;
        let peer = |transport: &Self| transport.outgoing.first().map_or(transport.rank, |message| message.to);
        self.drive(peer, deadline, |transport| Ok(transport.outgoing.is_empty()))
            .map_err(|fault| self.fail(fault))
    }

    fn revoke(&mut self) {
        if !self.outgoing.is_empty() || !self.incoming.is_empty() {
            self.die(self.rank, revoked());
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(self.rank, reason);
    }
}

impl Drop for MpiTransport {
    fn drop(&mut self) {
        if std::thread::panicking() && self.failed.is_none() {
            self.die(self.rank, "it panicked");
        }
        if self.failed.is_none() {
            // SAFETY: nothing uses the communicator after this.
            unsafe { ManuallyDrop::drop(&mut self.communicator) };
        }
    }
}
