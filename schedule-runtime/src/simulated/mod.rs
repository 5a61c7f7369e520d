//! Ranks on a simulated network: virtual time, and delays, reorderings and faults that a seed decides.
//!
//! Each rank is a thread, of which one runs at a time; in every call a rank may be made to wait while others go on. Time is
//! virtual: it passes only while all ranks wait, so a deadline of 30 seconds takes microseconds. What happens, and when, follows
//! from the [`Network`] and from what the ranks do: a run can be repeated, event for event, from its seed.
//!
//! The network uses all the freedom that the [contract](crate::transport) leaves: messages of one pair of ranks keep their
//! order, those of different pairs do not; memory that is sent is read at the first or the last moment allowed; `begin`
//! waits for room or does not; pieces of messages have any length, and are overwritten after the sink has seen them. It also
//! watches the ranks: [`run`] panics if one wrote to memory in flight, sent to itself, sent twice to one rank without
//! `wait_sent`, finished rounds out of order, left with memory in flight, or waits for ever.
//!
//! ```
//! use bfc_runtime::simulated::{Injected, Network, run};
//! use bfc_runtime::transport::{Fault, Tag, rounds};
//! use bfc_schedule::Rank;
//! use std::time::Duration;
//!
//! let (day, hour) = (Duration::from_secs(86_400), Duration::from_secs(3600));
//! let stop = Injected::Stop { rank: Rank(1), at: hour, lasts: None };
//! let run = run(2, Network::new(7).with(stop), |mut transport| {
//!     let clock = transport.clock();
//!     clock.sleep(2 * hour);
//!     let from = Some((Rank(1), &[8][..]));
//!     rounds(&mut transport, |rounds| {
//!         let ticket = rounds.begin(Tag::default(), None, from, day)?;
//!         rounds.finish(ticket, day, &mut |_| ())
//!     })
//! });
//! let fault = Fault::Deadline { peer: Rank(1), waited: day };
//! assert_eq!(run.ranks[0].clone().ended(), Some(Err(fault)));
//! assert_eq!(run.ranks[1].clone().ended(), None);
//! ```

mod link;
mod network;
mod pair;
mod run;
mod world;

pub use network::{Injected, Network, Reads};
pub use run::{Outcome, Run, run};

use crate::transport::{Chunk, Envelope, Fault, PairChunk, PairWeights, Tag, Ticket, Transport, revoked};
use bfc_schedule::Rank;
use link::Memory;
use run::{Guard, Shared};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use world::{World, nanoseconds};

/// One rank of a simulated group; made by [`run`].
pub struct SimulatedTransport {
    rank: Rank,
    size: u32,
    shared: Arc<Shared>,
    /// The fault or the end after which every call fails.
    dead: Option<Fault>,
    /// Rounds that receive something and have not been finished.
    pending: VecDeque<Tag>,
    piece: Vec<u64>,
}

/// The virtual clock, as one rank sees it.
#[derive(Clone)]
pub struct Clock {
    rank: Rank,
    shared: Arc<Shared>,
    /// One thread runs at a time: a clock stays on that of its rank.
    _here: PhantomData<*const ()>,
}

impl Clock {
    /// The time since the start.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.shared.lock().now)
    }

    /// Lets time pass: what computes something takes that long.
    pub fn sleep(&self, time: Duration) {
        let world = self.shared.lock();
        let until = world.now.saturating_add(nanoseconds(time));
        drop(self.shared.park(world, self.rank, until, false));
    }
}

impl SimulatedTransport {
    fn new(rank: Rank, size: u32, shared: Arc<Shared>) -> Self {
        Self { rank, size, shared, dead: None, pending: VecDeque::new(), piece: vec![] }
    }

    /// The clock, for code that does not have the transport.
    pub fn clock(&self) -> Clock {
        Clock { rank: self.rank, shared: self.shared.clone(), _here: PhantomData }
    }

    /// Begins a call: the rank may take its time.
    fn enter(&self) -> Result<Guard<'_>, Fault> {
        match &self.dead {
            Some(fault) => Err(fault.clone()),
            None => Ok(self.pause(self.shared.lock())),
        }
    }

    /// Lets the others go on for a while, or not.
    fn pause<'s>(&'s self, mut world: Guard<'s>) -> Guard<'s> {
        if world.below(2) == 0 {
            return world;
        }
        let until = world.now.saturating_add(world.delay());
        self.shared.park(world, self.rank, until, false)
    }

    /// Waits until `ready`; past the deadline, or where `peer` or any rank is known to have failed, the fault.
    fn wait<'s>(
        &'s self,
        mut world: Guard<'s>,
        peer: Rank,
        deadline: Duration,
        ready: impl Fn(&World) -> bool,
    ) -> Result<Guard<'s>, Fault> {
        let until = world.now.saturating_add(nanoseconds(deadline));
        loop {
            if ready(&world) {
                return Ok(world);
            }
            let member = &world.ranks[self.rank.index()];
            if let Some((peer, reason)) = member.failure.clone() {
                return Err(Fault::Failed { peer, reason });
            }
            if member.gone.contains(&peer) {
                return Err(Fault::Left { peer });
            }
            if world.now >= until {
                return Err(Fault::Deadline { peer, waited: deadline });
            }
            world = self.shared.park(world, self.rank, until, true);
        }
    }

    fn violation(&self, world: &mut World, what: std::fmt::Arguments<'_>) {
        world.violations.push(format!("rank {} {what}", self.rank));
    }

    fn offer(&self, tag: Tag, to: Rank, parts: &[&[u8]], deadline: Duration) -> Result<(), Fault> {
        let mut world = self.enter()?;
        if to == self.rank || to.0 >= self.size {
            self.violation(&mut world, format_args!("sends to rank {to} of {}", self.size));
            return Ok(());
        }
        if world.ranks[self.rank.index()].exposed.iter().any(|message| message.to == to) {
            self.violation(&mut world, format_args!("sends to rank {to} twice without `wait_sent`"));
        }
        if !world.network.queues {
            let link = (self.rank, to);
            world = self.wait(world, to, deadline, |world| {
                world.links.get(&link).is_none_or(|link| link.is_empty())
            })?;
        }
        world.send(self.rank, to, tag, Memory::new(parts));
        Ok(())
    }

    fn receive(
        &mut self,
        ticket: &Ticket,
        from: Rank,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let mut piece = std::mem::take(&mut self.piece);
        let world = self.enter()?;
        let link = (from, self.rank);
        let next = |world: &World| world.links.get(&link).and_then(|link| link.next()).is_some();
        let world = self.wait(world, from, deadline, next)?;
        let bytes = ticket.lengths.iter().map(|&bytes| bytes as u64).sum();
        let expected = Envelope { tag: ticket.tag, bytes };
        let flight = world.links[&link].next().expect("a message that is there");
        let found = flight.envelope();
        if found != expected || !flight.memory.lengths().eq(ticket.lengths.iter().copied()) {
            return Err(Fault::Mismatch { peer: from, expected, found });
        }
        let chunk = world.network.piece(bytes as usize);
        drop(world);
        for (part, &length) in ticket.lengths.iter().enumerate() {
            for offset in (0..length).step_by(chunk) {
                let bytes = chunk.min(length - offset);
                // Aligned to 8 bytes and to no more.
                let skip = 1 + piece.as_ptr().addr() / 8 % 2;
                piece.resize(skip + bytes.div_ceil(8), 0);
                let into = &mut bytemuck::cast_slice_mut(&mut piece[skip..])[..bytes];
                let whole = |world: &World| world.links[&link].next().is_some_and(|flight| !flight.torn);
                let world = self.wait(self.pause(self.shared.lock()), from, deadline, whole)?;
                world.links[&link].next().expect("a message that is there").deliver(part, offset, into);
                drop(world);
                sink(Chunk { part, offset, bytes: into });
                into.fill(0xff);
            }
        }
        self.shared.lock().take(from, self.rank);
        self.piece = piece;
        Ok(())
    }

    /// Waits until the memory of every message has been read.
    fn released(&self, deadline: Duration) -> Result<(), Fault> {
        let first = |world: &World| {
            let exposed = world.ranks[self.rank.index()].exposed.iter();
            exposed.filter(|message| !message.released).map(|message| message.to).next()
        };
        let mut world = self.shared.lock();
        while let Some(to) = first(&world) {
            world = self.wait(world, to, deadline, |world| first(world) != Some(to))?;
        }
        world.withdraw(self.rank);
        Ok(())
    }

    fn fail(&mut self, fault: Fault) -> Fault {
        let (origin, reason) = fault.origin(self.rank);
        if self.dead.is_none() {
            self.shared.lock().notify(self.rank, origin, &reason);
        }
        self.dead.get_or_insert(fault).clone()
    }

    /// Fails for a reason of this rank's own.
    fn die(&mut self, reason: &str) {
        self.fail(Fault::Failed { peer: self.rank, reason: reason.to_owned() });
    }
}

// SAFETY: the memory of `send` is read while it is exposed and neither read nor torn: `wait_sent` waits until it is read,
// `revoke` tears it. That of `pair` is touched while the rank's offer stands, which ends with the call.
unsafe impl Transport for SimulatedTransport {
    fn rank(&self) -> Rank {
        self.rank
    }

    /// One thread of a simulation runs at a time.
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
        deadline: Duration,
    ) -> Result<Ticket, Fault> {
        drop(self.enter()?);
        if let Some((to, parts)) = send {
            self.offer(tag, to, parts, deadline).map_err(|fault| self.fail(fault))?;
        }
        self.pending.extend(receive.map(|_| tag));
        Ok(Ticket::new(tag, receive))
    }

    fn finish(
        &mut self,
        ticket: Ticket,
        deadline: Duration,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Result<(), Fault> {
        let mut world = self.enter()?;
        let Some(from) = ticket.from else { return Ok(()) };
        if self.pending.front() != Some(&ticket.tag) {
            let Tag { exchange, round } = ticket.tag;
            self.violation(
                &mut world,
                format_args!("finishes exchange {exchange}, round {round} out of order"),
            );
        }
        drop(world);
        self.pending.pop_front();
        self.receive(&ticket, from, deadline, sink).map_err(|fault| self.fail(fault))
    }

    fn wait_sent(&mut self, deadline: Duration) -> Result<(), Fault> {
        drop(self.enter()?);
        self.released(deadline).map_err(|fault| self.fail(fault))
    }

    fn revoke(&mut self) {
        let mut world = self.shared.lock();
        if world.ranks[self.rank.index()].killed {
            return;
        }
        let exposes = world.ranks[self.rank.index()].exposed.iter().any(|message| !message.released);
        world.withdraw(self.rank);
        drop(world);
        if exposes {
            self.die(revoked());
        }
    }

    fn abandon(&mut self, reason: &str) {
        self.die(reason);
    }

    fn listen(&mut self) -> Result<(), Fault> {
        let mut world = self.enter()?;
        // Who listens again and again waits: time passes.
        let until = world.now.saturating_add(world.delay().max(1));
        let heard = self.shared.park(world, self.rank, until, true).ranks[self.rank.index()].failure.clone();
        match heard {
            Some((peer, reason)) => Err(self.fail(Fault::Failed { peer, reason })),
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
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let world = self.enter()?;
        if world.network.in_place.is_none_or(|most| bytes <= most) {
            return Ok(false);
        }
        drop(world);
        pair::pair(self, tag, peer, parts, weights, deadline, kernel).map_err(|fault| self.fail(fault))
    }
}

impl Drop for SimulatedTransport {
    fn drop(&mut self) {
        let mut world = self.shared.lock();
        if world.ranks[self.rank.index()].killed {
            return;
        }
        if !world.ranks[self.rank.index()].exposed.is_empty() {
            self.violation(&mut world, format_args!("leaves without `wait_sent` or `revoke`"));
            world.tear(self.rank);
        }
        drop(world);
        if std::thread::panicking() {
            self.die("it panicked");
        }
        self.shared.lock().leave(self.rank);
    }
}
