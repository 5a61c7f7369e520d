//! Ranks as MPI processes.
//!
//! | file | what it is |
//! |---|---|
//! | `bridge.c` | the functions of MPI that are used, the same for every MPI |
//! | `library` | how the bridge is built by the compiler of this machine's MPI, and loaded |
//! | `regions` | memory that MPI reads where it lies |
//! | `message` | messages as frames on their way |
//! | `collective` | reductions by MPI itself |
//! | `device` | messages between GPUs |
//!
//! All frames from one rank to another have one MPI tag, which keeps their order. A message begins with its head: the names of
//! exchange and round and its length; a short one is in the same frame. The parts of a long one follow in frames of bounded
//! size, several of which are pending, so that the receiver works on one while the next ones arrive. An empty frame ends it: MPI
//! has read all parts before the sender got its memory back, which one that fails does at once.
//!
//! ```text
//! exchange: u64   round: u64   bytes: u64   the parts, each at a multiple of 8 bytes     if short
//! a piece of a part                                                                       … if long
//! nothing                                                                                 if long
//! ```
//!
//! MPI sends what lies in [allocated](Transport::allocate) memory from where it lies, and copies of all else. Nothing that has
//! been sent is ever cancelled; after a failure, memory that MPI may still use is kept for ever. A rank that fails notifies
//! every other with a second tag, for which each rank always listens.

mod collective;
mod device;
mod library;
mod message;
mod regions;

pub(crate) use library::place_by;
pub use library::{MpiError, VARIABLE, connect, place, usual_place};

use crate::transport::{
    Chunk, Envelope, Fault, FloatsMut, Memory, ReduceOp, Tag, Ticket, Transport, revoked,
};
use bfc_schedule::{Rank, visible};
use library::{FAILED, Library};
use message::{Incoming, Outgoing, Staging};
use regions::Regions;
use std::collections::VecDeque;
use std::ffi::c_int;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The tag of frames.
const FRAME: c_int = 1;
/// The tag of failures: the rank that failed first, the length of the reason, and the reason.
const FAILURE: c_int = 2;
/// The longest reason of a failure, in bytes.
const REASON: usize = 1024;

/// One rank of the group of all MPI processes; made by [`join`](Self::join).
pub struct MpiTransport {
    endpoint: Endpoint,
    size: u32,
    regions: Regions,
    outgoing: VecDeque<Outgoing>,
    incoming: VecDeque<Incoming>,
    staging: Staging,
    /// Receives a failure of any rank.
    alarm: message::Receive,
    /// What was pending when the transport failed, and its message to its peers.
    last: Vec<message::Send>,
    failed: Option<Fault>,
}

/// How this rank reaches the others.
#[derive(Clone, Copy)]
struct Endpoint {
    library: &'static Library,
    communicator: u64,
    rank: Rank,
}

/// The name and version of this machine's MPI, which is started where it has not been.
///
/// # Errors
/// bfc is not connected to one, or it cannot be started.
pub fn name() -> Result<String, MpiError> {
    Ok(Library::get()?.name())
}

impl MpiTransport {
    /// Joins the group of all processes that `mpirun` or `srun` has started; collective. Starts MPI where nobody has, and ends it
    /// with the process.
    ///
    /// # Errors
    /// bfc is not connected to an MPI, or it cannot be started.
    pub fn join() -> Result<Self, MpiError> {
        let library = Library::get()?;
        let (communicator, rank, size) = library.join()?;
        let endpoint = Endpoint { library, communicator, rank };
        let mut staging = Staging::default();
        let alarm = endpoint
            .receive(staging.take(16 + REASON), None, FAILURE)
            .map_err(|fault| MpiError::Start { reason: fault.to_string() })?;
        Ok(Self {
            endpoint,
            size,
            regions: Regions::default(),
            outgoing: VecDeque::new(),
            incoming: VecDeque::new(),
            staging,
            alarm,
            last: vec![],
            failed: None,
        })
    }

    /// Moves what is being sent; says whether anything moved.
    fn push(&mut self) -> Result<bool, Fault> {
        let mut progress = false;
        for message in &mut self.outgoing {
            progress |= message.push(&self.endpoint, &mut self.staging)?;
        }
        self.outgoing.retain(|message| !message.has_gone());
        Ok(progress)
    }

    /// Waits until `ready`, and meanwhile sends what is left of messages. A wait that names no `peer` is for all ranks. It does not ask whether what has been sent has
    /// gone: each question to MPI takes time.
    fn drive(
        &mut self,
        peer: impl Fn(&Self) -> Option<Rank>,
        deadline: Duration,
        mut ready: impl FnMut(&mut Self) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let (mut since, mut turns) = (None, 0u32);
        loop {
            let progress = self.outgoing.iter().any(Outgoing::has_more) && self.push()?;
            if ready(self)? {
                return Ok(());
            }
            if turns % 16 == 15 {
                self.hear()?;
            }
            if progress {
                (since, turns) = (None, 0);
            }
            turns = turns.saturating_add(1);
            match turns {
                0..100 => std::hint::spin_loop(),
                100..10_000 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            if turns >= 100 && since.get_or_insert_with(Instant::now).elapsed() >= deadline {
                let waited = deadline;
                let late = |peer| Fault::Deadline { peer, waited };
                return Err(peer(self).map_or(Fault::Collective { waited }, late));
            }
        }
    }

    /// The failure of another rank, if one has failed.
    fn hear(&mut self) -> Result<(), Fault> {
        if !self.alarm.is_done(&self.endpoint)? {
            return Ok(());
        }
        let (head, text) = self.alarm.bytes().split_at(16);
        let [rank, length] = [0, 8].map(|at| message::word(head, at));
        let text = &text[..REASON.min(length as usize)];
        let reason = visible::line(&String::from_utf8_lossy(text)).into_owned();
        Err(Fault::Failed { peer: Rank(rank as u32), reason })
    }

    fn receive(
        &mut self,
        tag: Tag,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let Some(mut message) = self.incoming.pop_front() else { return Ok(()) };
        let received = self.read(&mut message, tag, deadline, sink);
        message.give_back(&mut self.staging);
        received
    }

    fn read(
        &mut self,
        message: &mut Incoming,
        tag: Tag,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let from = message.from;
        let expected = Envelope { tag, bytes: message.bytes() };
        let endpoint = self.endpoint;
        self.drive(|_| Some(from), deadline, |_| message.head.is_done(&endpoint))?;
        let found = message::envelope(message.head.bytes());
        if found != expected {
            return Err(Fault::Mismatch { peer: from, expected, found });
        }
        message.short(sink);
        while !message.pieces.is_empty() {
            self.drive(|_| Some(from), deadline, |_| message.pieces[0].1.is_done(&endpoint))?;
            let (piece, receive) = message.pieces.pop_front().expect("there is one");
            sink(Chunk { part: piece.part, offset: piece.offset, bytes: receive.bytes() });
            self.staging.give_back(receive.into_staging());
            message.post(&endpoint, &mut self.staging)?;
        }
        if let Some(mut end) = message.end.take() {
            self.drive(|_| Some(from), deadline, |_| end.is_done(&endpoint))?;
            self.staging.give_back(end.into_staging());
        }
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (rank, reason) = fault.origin(self.endpoint.rank);
        let fault = self.failed.get_or_insert(fault).clone();
        self.die(rank, &reason);
        fault
    }

    /// Notifies every rank, and abandons what is pending.
    fn die(&mut self, rank: Rank, reason: &str) {
        FAILED.store(true, Ordering::Relaxed);
        self.failed.get_or_insert(Fault::Failed { peer: rank, reason: reason.to_owned() });
        self.last.extend(self.outgoing.drain(..).flat_map(Outgoing::into_pending));
        self.incoming.clear();
        let reason = &reason.as_bytes()[..reason.len().min(REASON)];
        let head = [u64::from(rank.0), reason.len() as u64].map(u64::to_le_bytes);
        let words = [head.as_flattened(), reason].concat();
        for peer in (0..self.size).map(Rank).filter(|peer| *peer != self.endpoint.rank) {
            let mut copy = self.staging.take(words.len());
            copy.bytes_mut().copy_from_slice(&words);
            self.last.extend(self.endpoint.send_copy(copy, peer, FAILURE));
        }
    }

    fn alive(&self) -> Result<(), Fault> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

// SAFETY: `Outgoing::push` alone reads the memory of what is sent, as long as the message is in `outgoing`; `wait_sent` returns
// when that is empty, `revoke` empties it. MPI reads copies, and allocated memory, which it may do after a failure, too: that
// memory is then kept for ever, and what MPI reads of it reaches nobody who has not failed.
unsafe impl Transport for MpiTransport {
    fn rank(&self) -> Rank {
        self.endpoint.rank
    }

    fn may_overlap(&self) -> bool {
        self.endpoint.library.any_thread
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
            let message = Incoming::begin(&self.endpoint, &mut self.staging, from, ticket.lengths.clone());
            let message = message.map_err(|fault| self.fail(fault))?;
            self.incoming.push_back(message);
        }
        if let Some((to, parts)) = send {
            let places = parts.iter().map(|part| self.regions.place(part)).collect();
            self.outgoing.push_back(Outgoing::new(tag, to, places));
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
        let peer = |transport: &Self| {
            Some(transport.outgoing.front().map_or(transport.rank(), |message| message.to))
        };
        let has_gone = |transport: &mut Self| {
            transport.push()?;
            Ok(transport.outgoing.is_empty())
        };
        self.drive(peer, deadline, has_gone).map_err(|fault| self.fail(fault))
    }

    fn revoke(&mut self) {
        if !self.outgoing.is_empty() || !self.incoming.is_empty() {
            self.die(self.endpoint.rank, revoked());
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(self.endpoint.rank, reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.alive()?;
        self.hear().map_err(|fault| self.fail(fault))
    }

    fn allocate(&mut self, bytes: usize) -> Result<Memory, Fault> {
        Ok(self.regions.allocate(bytes))
    }

    fn allreduce(
        &mut self,
        values: FloatsMut<'_>,
        operation: ReduceOp,
        deadline: Duration,
    ) -> Result<bool, Fault> {
        self.alive()?;
        self.reduce(values, operation, deadline).map_err(|fault| self.fail(fault))?;
        Ok(true)
    }
}

impl Drop for MpiTransport {
    fn drop(&mut self) {
        if std::thread::panicking() && self.failed.is_none() {
            self.die(self.endpoint.rank, "it panicked");
        }
        self.alarm.cancel(&self.endpoint);
        // Peers may still have to take what was said last.
        for send in &mut self.last {
            let _ = (0..1000).any(|_| send.is_done(&self.endpoint).unwrap_or(true));
        }
        // Frames of a group that has failed may be pending, which a new one must not receive.
        if self.failed.is_none() {
            self.endpoint.library.leave(self.endpoint.communicator);
        }
    }
}
