//! Ranks as processes of one machine: what lies in [shared memory](Transport::allocate) is read where it lies.
//!
//! | file | what it is |
//! |---|---|
//! | `join` | how ranks meet in a directory |
//! | `board` | what all of them see, in mapped memory |
//! | `regions`, `link` | the memory that a rank shares, and how a peer gets it |
//! | `ring` | messages: a short one, or one of memory that is not shared, is copied through a ring |
//! | `pair` | symmetric rounds in place, in blocks that can be undone ([`undo`](crate::undo)) |
//! | `bell`, `watch` | how a rank waits, and sees at once that a peer's process has ended |
//!
//! A rank may be stopped or killed anywhere, and nobody waits for it longer than the deadline: what a rank takes back by
//! [`Transport::revoke`] it copies to other memory at the same address, so that a peer that goes on later reaches what nobody
//! looks at any more. Other processes' memory is reached by raw pointers; a slice of it lives during the call of a sink or a
//! kernel, while the protocol keeps its owner from writing.

mod bell;
mod board;
mod join;
mod link;
mod pair;
mod regions;
mod ring;
#[cfg(test)]
mod tests;
mod watch;

use crate::local::SHORT;
use crate::secret::Secret;
use crate::socket::user;
use crate::transport::{
    Chunk, Envelope, Fault, Memory, PairChunk, PairWeights, Tag, Ticket, Transport, revoked,
};
use bfc_schedule::Rank;
use board::{Board, Place};
use join::{Join, Joined};
use regions::Regions;
use ring::{HEAD, Outgoing, PLACE};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use watch::Watch;

/// One rank of a group of processes that share memory; made by [`join`](Self::join).
pub struct ProcessTransport {
    rank: Rank,
    board: Arc<Board>,
    links: BTreeMap<Rank, OwnedFd>,
    watch: Watch,
    regions: Regions,
    outgoing: BTreeMap<Rank, Outgoing>,
    /// The number of messages that have been begun.
    sent: BTreeMap<Rank, u64>,
    exposed: Vec<Exposed>,
    /// What waiting is like.
    spins: AtomicU32,
    /// The fault, or the end, after which every call fails.
    dead: Option<Fault>,
}

/// A message whose receiver reads it in this rank's memory.
struct Exposed {
    to: Rank,
    /// The messages to this receiver up to this one.
    number: u64,
    regions: Vec<usize>,
}

impl ProcessTransport {
    /// Joins the group that meets in `directory`, which exists, and which other users cannot write to. Returns when all ranks
    /// are there, up to 1024; they have the same secret.
    ///
    /// # Errors
    /// [`TimedOut`](io::ErrorKind::TimedOut) where a rank does not come, [`PermissionDenied`](io::ErrorKind::PermissionDenied)
    /// where it belongs to another user, and what the system says where sockets and memory cannot be made.
    pub fn join(
        directory: &Path,
        rank: Rank,
        size: u32,
        secret: &Secret,
        deadline: Duration,
    ) -> io::Result<Self> {
        Self::join_as(Join { directory, rank, size, secret, user: user::own() }, deadline)
    }

    fn join_as(join: Join<'_>, deadline: Duration) -> io::Result<Self> {
        let Joined { board, links } = join.join(deadline)?;
        let (rank, board) = (join.rank, Arc::new(board));
        Ok(Self {
            rank,
            watch: Watch::new(rank, board.clone(), &links)?,
            board,
            links,
            regions: Regions::default(),
            outgoing: BTreeMap::new(),
            sent: BTreeMap::new(),
            exposed: vec![],
            spins: AtomicU32::new(0),
            dead: None,
        })
    }

    fn is_gone(&self, peer: Rank) -> bool {
        self.watch.is_gone(peer)
    }

    fn is_vain(&self, peer: Rank) -> bool {
        self.board.has_failed() || self.board.has_left(peer) || self.is_gone(peer)
    }

    /// Why waiting for `peer` is vain.
    fn failure(&self, peer: Rank) -> Fault {
        self.board.failure().unwrap_or(Fault::Left { peer })
    }

    /// Writes whatever there is room for; says whether it wrote anything.
    fn write(&mut self) -> bool {
        let (rank, board) = (self.rank, &self.board);
        let mut progress = false;
        self.outgoing.retain(|&to, outgoing| {
            if outgoing.write(board.edge(rank, to)) {
                progress = true;
                board.bell(to).ring();
            }
            !outgoing.is_empty()
        });
        progress
    }

    fn can_write(&self) -> bool {
        let mut outgoing = self.outgoing.iter();
        outgoing.any(|(&to, outgoing)| outgoing.can_write(self.board.edge(self.rank, to)))
    }

    /// Waits until `ready`, writing meanwhile; past the deadline, or where `peer` or any rank has failed, the fault.
    fn wait(&mut self, peer: Rank, deadline: Duration, ready: impl Fn(&Self) -> bool) -> Result<(), Fault> {
        let mut since = None;
        loop {
            if self.write() {
                since = Some(Instant::now());
            }
            // What is there counts, even where a rank has failed since.
            if ready(self) {
                return Ok(());
            }
            if self.is_vain(peer) {
                return Err(self.failure(peer));
            }
            let left = since.map_or(deadline, |since: Instant| deadline.saturating_sub(since.elapsed()));
            let stirs = || ready(self) || self.is_vain(peer) || self.can_write();
            if !self.board.bell(self.rank).wait(&self.spins, left, stirs) {
                return Err(Fault::Deadline { peer, waited: deadline });
            }
        }
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (origin, reason) = fault.origin(self.rank);
        let fault = self.dead.get_or_insert(fault).clone();
        self.board.fail(self.rank, origin, &reason);
        self.revoke();
        fault
    }

    /// Fails for a reason of this rank's own.
    fn die(&mut self, reason: &str) {
        self.board.fail(self.rank, self.rank, reason);
        self.dead.get_or_insert(Fault::Failed { peer: self.rank, reason: reason.to_owned() });
    }

    fn alive(&self) -> Result<(), Fault> {
        self.dead.clone().map_or(Ok(()), Err)
    }

    fn place(&mut self, address: *const u8, bytes: usize, peer: Rank) -> Option<(Place, usize)> {
        self.regions.place(address, bytes, peer, self.links.get(&peer)?)
    }

    fn of_peer(&mut self, peer: Rank, place: Place) -> Result<*mut u8, Fault> {
        let link = self.links.get(&peer).ok_or_else(|| ring::malformed(peer))?;
        self.regions.of_peer(peer, place, link)
    }

    fn take_back(&mut self, region: usize) {
        self.regions.take_back(region);
    }

    fn has_received(&self, exposed: &Exposed) -> bool {
        self.board.edge(self.rank, exposed.to).received.0.load(Ordering::Acquire) >= exposed.number
    }

    fn send(&mut self, tag: Tag, to: Rank, parts: &[&[u8]]) {
        let is_short = parts.iter().map(|part| part.len()).sum::<usize>() <= SHORT;
        let mut regions = vec![];
        let places: Vec<Place> = parts
            .iter()
            .map(|part| {
                let shared = if is_short { None } else { self.place(part.as_ptr(), part.len(), to) };
                let (place, region) = shared.unzip();
                regions.extend(region);
                place.unwrap_or(Place { region: 0, offset: 0, bytes: part.len() as u64 })
            })
            .collect();
        let number = self.sent.entry(to).or_default();
        *number += 1;
        if !regions.is_empty() {
            self.exposed.push(Exposed { to, number: *number, regions });
        }
        self.outgoing.entry(to).or_default().push(tag, parts, &places);
        self.write();
    }

    /// Reads a piece of a message from the ring, as it comes.
    fn read(
        &mut self,
        from: Rank,
        length: usize,
        deadline: Duration,
        each: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<(), Fault> {
        let board = self.board.clone();
        let edge = board.edge(from, self.rank);
        let mut done = 0;
        while done < length {
            self.wait(from, deadline, |_| ring::is_readable(edge))?;
            let (address, bytes) = ring::readable(edge, from, length - done)?;
            // SAFETY: so much of the ring is readable, and its sender does not write there before it is consumed.
            each(done, unsafe { std::slice::from_raw_parts(address, bytes) });
            ring::consume(edge, bytes);
            board.bell(from).ring();
            done += bytes;
        }
        Ok(())
    }

    fn receive(
        &mut self,
        ticket: &Ticket,
        from: Rank,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let mut head = [0; HEAD];
        self.read(from, HEAD, deadline, &mut |at, bytes| head[at..at + bytes.len()].copy_from_slice(bytes))?;
        let (found, parts) = ring::envelope(&head);
        let bytes = ticket.lengths.iter().map(|&bytes| bytes as u64).sum();
        let expected = Envelope { tag: ticket.tag, bytes };
        let mismatch = || Fault::Mismatch { peer: from, expected, found };
        if found != expected || parts != ticket.lengths.len() as u64 {
            return Err(mismatch());
        }
        let mut places = vec![0; ticket.lengths.len() * PLACE];
        self.read(from, places.len(), deadline, &mut |at, bytes| {
            places[at..at + bytes.len()].copy_from_slice(bytes);
        })?;
        for ((part, &bytes), place) in ticket.lengths.iter().enumerate().zip(ring::places(&places)) {
            if place.bytes != bytes as u64 {
                return Err(mismatch());
            }
            match place.region {
                0 => self
                    .read(from, bytes, deadline, &mut |offset, bytes| sink(Chunk { part, offset, bytes }))?,
                _ => self.read_in_place(from, part, place, sink)?,
            }
        }
        self.board.edge(from, self.rank).received.0.fetch_add(1, Ordering::Release);
        self.board.bell(from).ring();
        Ok(())
    }

    /// Gives a part that lies in the sender's memory to `sink`. The sender does not write there: it is told when the message has
    /// been received, and where it does not wait for that, it goes on elsewhere.
    fn read_in_place(
        &mut self,
        from: Rank,
        part: usize,
        place: Place,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let address = self.of_peer(from, place)?;
        let bytes = place.bytes as usize;
        for offset in (0..bytes).step_by(crate::local::CHUNK) {
            let length = crate::local::CHUNK.min(bytes - offset);
            // SAFETY: the place is inside of a mapping, which stays while `self` is borrowed.
            let bytes = unsafe { std::slice::from_raw_parts(address.add(offset), length) };
            sink(Chunk { part, offset, bytes });
        }
        Ok(())
    }
}

// SAFETY: lent memory is read by `write` only, as long as it is in `outgoing`, which `wait_sent` empties and `revoke` clears.
// Peers reach regions only, of which `wait_sent` waits until they have been read, and which are taken back by `revoke`, and
// by `pair` before it fails.
unsafe impl Transport for ProcessTransport {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn size(&self) -> u32 {
        self.board.size()
    }

    unsafe fn begin(
        &mut self,
        tag: Tag,
        send: Option<(Rank, &[&[u8]])>,
        receive: Option<(Rank, &[usize])>,
        _deadline: Duration,
    ) -> Result<Ticket, Fault> {
        self.alive()?;
        if let Some((to, parts)) = send {
            self.send(tag, to, parts);
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
        while let Some((&to, _)) = self.outgoing.first_key_value() {
            self.wait(to, deadline, |transport| !transport.outgoing.contains_key(&to))
                .map_err(|fault| self.fail(fault))?;
        }
        while let Some(exposed) = self.exposed.pop() {
            let received = self.wait(exposed.to, deadline, |transport| transport.has_received(&exposed));
            if let Err(fault) = received {
                self.exposed.push(exposed);
                return Err(self.fail(fault));
            }
        }
        Ok(())
    }

    fn revoke(&mut self) {
        let exposed = std::mem::take(&mut self.exposed);
        let unread: Vec<Exposed> =
            exposed.into_iter().filter(|exposed| !self.has_received(exposed)).collect();
        if unread.is_empty() && self.outgoing.is_empty() {
            return;
        }
        self.die(revoked());
        self.outgoing.clear();
        unread.into_iter().flat_map(|exposed| exposed.regions).for_each(|region| self.take_back(region));
    }

    fn abandon(&mut self, reason: &str) {
        self.die(reason);
        self.revoke();
    }

    fn listen(&mut self) -> Result<(), Fault> {
        self.alive()?;
        let has_died = |peer: &Rank| self.is_gone(*peer) && !self.board.has_left(*peer);
        let died = || self.links.keys().copied().find(has_died).map(|peer| Fault::Left { peer });
        self.board.failure().or_else(died).map_or(Ok(()), |fault| Err(self.fail(fault)))
    }

    fn allocate(&mut self, bytes: usize) -> Result<Memory, Fault> {
        let failed = |error: io::Error| Fault::System { peer: self.rank, reason: error.to_string() };
        self.regions.allocate(bytes, &self.links).map_err(failed)
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
        let mut round = pair::Round { tag, peer, weights, deadline, kernel };
        round.run(self, parts).map_err(|fault| self.fail(fault))
    }
}

impl Drop for ProcessTransport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.board.fail(self.rank, self.rank, "it panicked");
        }
        self.revoke();
        self.board.leave(self.rank);
    }
}
