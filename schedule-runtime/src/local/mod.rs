//! Ranks as threads of one process: a message is read where it lies, in the sender's memory.
//!
//! Each directed pair of ranks that communicates has a [lease](crate::lease). A short message is copied into the lease,
//! and the sender goes on; a long one is read by its receiver chunk by chunk, without a copy, and the sender waits for
//! that in `wait_sent`. Symmetric rounds of long messages are done [in place](pair): 2 instead of 4 passes over memory.

mod hub;
mod launch;
mod pair;

pub(crate) use launch::panic_message;
pub use launch::{SpmdError, spmd};

use crate::lease::{Owner, Reader};
use crate::transport::{Chunk, Envelope, Fault, PairChunk, PairWeights, Tag, Ticket, Transport, revoked};
use bfc_schedule::Rank;
use hub::Hub;
use pair::PairSeat;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Messages up to this many bytes are copied, so that the sender need not wait.
pub(crate) const SHORT: usize = 64 << 10;
/// What a reader claims at a time; a multiple of 64.
pub(crate) const CHUNK: usize = 256 << 10;

/// One rank of a group of threads; made by [`group`].
pub struct LocalTransport {
    rank: Rank,
    hub: Arc<Hub>,
    outgoing: BTreeMap<Rank, Owner<Message>>,
    incoming: BTreeMap<Rank, Reader<Message>>,
    seats: BTreeMap<Rank, PairSeat>,
    /// Receivers of messages that lie in the caller's memory.
    exposed: Vec<Rank>,
    /// The fault, or the end, after which every call fails.
    dead: Option<Fault>,
}

/// A message on its way.
#[derive(Default)]
pub(crate) struct Message {
    tag: Tag,
    parts: Vec<Part>,
    /// Holds a short message, part after part, each at a multiple of eight bytes.
    copy: Vec<u64>,
}

/// A part of a message, wherever it lies.
struct Part {
    address: *const u8,
    bytes: usize,
}

// SAFETY: the addresses are followed under a claim only; until it can no longer be claimed, the memory is valid and
// unchanged (the contract of `Transport::begin`), or it is the message's own copy.
unsafe impl Send for Part {}

/// The transports of `size` ranks, in order of rank; each is to be moved to a thread of its own.
pub fn group(size: u32) -> Vec<LocalTransport> {
    let hub = Arc::new(Hub::new(size));
    (0..size)
        .map(|rank| LocalTransport {
            rank: Rank(rank),
            hub: hub.clone(),
            outgoing: BTreeMap::new(),
            incoming: BTreeMap::new(),
            seats: BTreeMap::new(),
            exposed: vec![],
            dead: None,
        })
        .collect()
}

impl Message {
    fn write(&mut self, tag: Tag, parts: &[&[u8]], short: bool) {
        self.tag = tag;
        self.parts.clear();
        self.copy.clear();
        if short {
            self.copy.resize(parts.iter().map(|part| part.len().div_ceil(8)).sum(), 0);
        }
        let mut words = self.copy.as_mut_slice();
        for part in parts {
            let mut address = part.as_ptr();
            if short {
                let (own, rest) = words.split_at_mut(part.len().div_ceil(8));
                bytemuck::cast_slice_mut(own)[..part.len()].copy_from_slice(part);
                address = own.as_ptr().cast();
                words = rest;
            }
            self.parts.push(Part { address, bytes: part.len() });
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope { tag: self.tag, bytes: self.parts.iter().map(|part| part.bytes as u64).sum() }
    }

    fn matches(&self, tag: Tag, lengths: &[usize]) -> bool {
        self.tag == tag && self.parts.iter().map(|part| part.bytes).eq(lengths.iter().copied())
    }
}

/// Ends a rank from outside of its thread, which may be at work or wait.
#[derive(Clone)]
pub struct Alarm {
    rank: Rank,
    hub: Arc<Hub>,
}

impl Alarm {
    /// Tells all ranks of the group that this one has failed, unless one has before: every wait ends, and each later one.
    pub fn fail(&self, reason: &str) {
        self.hub.fail_because(self.rank, reason);
    }
}

impl LocalTransport {
    /// A way to end this rank from another thread.
    pub fn alarm(&self) -> Alarm {
        Alarm { rank: self.rank, hub: self.hub.clone() }
    }

    /// Waits until `ready`; past the deadline, or where `peer` or any rank has failed, the fault.
    fn wait(&self, peer: Rank, deadline: Duration, ready: impl Fn() -> bool) -> Result<(), Fault> {
        let result = self.hub.wait(self.rank, peer, deadline, &ready);
        // What is there counts, even where a rank has failed since.
        if ready() { Ok(()) } else { result }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        self.hub.fail(self.rank, &fault);
        let fault = self.dead.get_or_insert(fault).clone();
        self.revoke();
        fault
    }

    /// Fails for a reason of this rank's own.
    fn die(&mut self, reason: &str) {
        self.hub.fail_because(self.rank, reason);
        self.dead.get_or_insert(Fault::Failed { peer: self.rank, reason: reason.to_owned() });
    }

    fn alive(&self) -> Result<(), Fault> {
        self.dead.clone().map_or(Ok(()), Err)
    }

    fn offer(&mut self, tag: Tag, to: Rank, parts: &[&[u8]], deadline: Duration) -> Result<(), Fault> {
        let (hub, from) = (&self.hub, self.rank);
        let mut owner = self.outgoing.remove(&to).unwrap_or_else(|| hub.owner(from, to));
        let room = self.wait(to, deadline, || owner.is_closed());
        let short = parts.iter().map(|part| part.len()).sum::<usize>() <= SHORT;
        let opened = room.is_ok() && owner.open(|message| message.write(tag, parts, short));
        self.outgoing.insert(to, owner);
        room?;
        if !opened {
            return Err(self.hub.failure(to));
        }
        if !short {
            self.exposed.push(to);
        }
        self.hub.ring(to);
        Ok(())
    }

    fn receive(
        &mut self,
        ticket: &Ticket,
        from: Rank,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let (hub, to) = (&self.hub, self.rank);
        let mut reader = self.incoming.remove(&from).unwrap_or_else(|| hub.reader(from, to));
        let result = self
            .wait(from, deadline, || reader.is_open())
            .and_then(|()| deliver(&mut reader, ticket, sink).unwrap_or_else(|| Err(self.hub.failure(from))));
        if result.is_ok() {
            reader.close();
            self.hub.ring(from);
        }
        self.incoming.insert(from, reader);
        result
    }
}

/// Gives the open message to `sink`; `None` if the sender revokes it.
fn deliver(
    reader: &mut Reader<Message>,
    ticket: &Ticket,
    sink: &mut dyn FnMut(Chunk<'_>),
) -> Option<Result<(), Fault>> {
    let Ticket { tag, lengths, .. } = ticket;
    let found = reader.claim()?.with(|message| (!message.matches(*tag, lengths)).then(|| message.envelope()));
    if let (Some(found), Some(peer)) = (found, ticket.from) {
        let expected = Envelope { tag: *tag, bytes: lengths.iter().map(|&bytes| bytes as u64).sum() };
        return Some(Err(Fault::Mismatch { peer, expected, found }));
    }
    for (part, &bytes) in lengths.iter().enumerate() {
        for offset in (0..bytes).step_by(CHUNK) {
            reader.claim()?.with(|message| {
                let length = CHUNK.min(bytes - offset);
                // SAFETY: claimed, so the part is exposed, and the claim is held while the slice lives; the lengths match,
                // so the range is inside the part.
                let bytes =
                    unsafe { std::slice::from_raw_parts(message.parts[part].address.add(offset), length) };
                sink(Chunk { part, offset, bytes });
            });
        }
    }
    Some(Ok(()))
}

// SAFETY: memory is exposed under leases only, `wait_sent` waits until they are closed, `revoke` revokes those that are not.
unsafe impl Transport for LocalTransport {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn size(&self) -> u32 {
        self.hub.size()
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.alive()?;
        if let Some((to, parts)) = send {
            self.offer(tag, to, parts, deadline).map_err(|fault| self.fail(fault))?;
        }
        Ok(Ticket::new(tag, receive))
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        self.alive()?;
        match ticket.from {
            Some(from) => self.receive(&ticket, from, deadline, sink).map_err(|fault| self.fail(fault)),
            None => Ok(()),
        }
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.alive()?;
        while let Some(&to) = self.exposed.last() {
            let owner = &self.outgoing[&to];
            self.wait(to, deadline, || owner.is_closed()).map_err(|fault| self.fail(fault))?;
            self.exposed.pop();
        }
        Ok(())
    }

    fn revoke(&mut self) {
        if self.exposed.is_empty() {
            return;
        }
        self.die(revoked());
        for to in std::mem::take(&mut self.exposed) {
            if let Some(owner) = self.outgoing.get_mut(&to) {
                owner.revoke();
            }
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(reason);
        self.revoke();
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.alive()?;
        match self.hub.first_failure() {
            Some(peer) => Err(self.fail(self.hub.failure(peer))),
            None => Ok(()),
        }
    }

    fn pair(
        &mut self,
        tag: Tag,
        peer: Rank,
        parts: &mut [&mut [u8]],
        weights: PairWeights,
        deadline: Duration,
        kernel: &mut dyn FnMut(PairChunk<'_>),
    ) -> Result<bool, Fault> {
        self.alive()?;
        if parts.iter().map(|part| part.len()).sum::<usize>() <= SHORT {
            return Ok(false);
        }
        pair::pair(self, tag, peer, parts, weights, deadline, kernel).map_err(|fault| self.fail(fault))
    }
}

impl Drop for LocalTransport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hub.fail_because(self.rank, "it panicked");
        }
        self.revoke();
        self.hub.leave(self.rank);
    }
}
