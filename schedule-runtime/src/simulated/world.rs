//! The state of a simulation and the events that change it, in the order of their times.

use super::link::{Exposed, Flight, Link, Memory};
use super::network::{Injected, Network, Reads};
use super::pair::Meeting;
use crate::transport::Tag;
use bfc_schedule::{Rank, random};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

/// Nanoseconds since the start.
pub(super) type Time = u64;

/// Waits that end by events only.
pub(super) const NEVER: Time = Time::MAX;

pub(super) struct World {
    pub(super) network: Network,
    pub(super) now: Time,
    /// The rank whose thread may run; `None` where all have ended.
    pub(super) running: Option<Rank>,
    /// Whether that rank is in a kernel of `pair`.
    pub(super) in_kernel: bool,
    pub(super) ranks: Vec<Member>,
    /// Directed; keys are (from, to).
    pub(super) links: BTreeMap<(Rank, Rank), Link>,
    /// Exchanges in place; the keys' first rank is the lower.
    pub(super) meetings: BTreeMap<(Rank, Rank), Meeting>,
    /// Equal where two runs were the same, event for event.
    pub(super) digest: u64,
    /// What ranks did that the contract forbids.
    pub(super) violations: Vec<String>,
    events: BinaryHeap<Reverse<Scheduled>>,
    scheduled: u64,
    draws: u64,
    notices: Vec<(Rank, String)>,
}

/// An event's time; what decides between events of one time, by chance and then by order; and the event.
type Scheduled = (Time, u64, u64, Event);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A rank goes on, if it still waits as it did when this was scheduled.
    Run(Rank, u64),
    /// The next message from one rank to another is there.
    Arrive(Rank, Rank),
    /// The memory of a message is read.
    Read(Rank, Rank, u64),
    /// The sender learns that a message has been taken.
    Taken(Rank, Rank, u64),
    /// A rank learns of a failure, by its place in `notices`.
    Notice(Rank, usize),
    /// The second rank sees that the first has left.
    Leave(Rank, Rank),
    /// A fault of the network, by its place there.
    Fault(usize),
}

/// A rank.
#[derive(Default)]
pub(super) struct Member {
    /// Counts its turns: an event of an earlier one is stale.
    turn: u64,
    /// Whether events wake it before its time.
    wakeable: bool,
    /// Until when it is stopped; [`NEVER`] for ever.
    stopped: Time,
    pub(super) killed: bool,
    pub(super) left: bool,
    /// When its body ended.
    pub(super) ended: Option<Time>,
    /// The failure that it knows of: the rank that failed first, and what it said.
    pub(super) failure: Option<(Rank, String)>,
    /// Whom it has seen leave.
    pub(super) gone: BTreeSet<Rank>,
    /// What it has sent since its last `wait_sent`.
    pub(super) exposed: Vec<Exposed>,
}

impl World {
    pub(super) fn new(size: u32, network: Network) -> Self {
        let mut world = Self {
            now: 0,
            running: None,
            in_kernel: false,
            ranks: (0..size).map(|_| Member::default()).collect(),
            links: BTreeMap::new(),
            meetings: BTreeMap::new(),
            digest: network.seed,
            violations: vec![],
            events: BinaryHeap::new(),
            scheduled: 0,
            draws: 0,
            notices: vec![],
            network,
        };
        for fault in 0..world.network.faults.len() {
            let at = match world.network.faults[fault] {
                Injected::Kill { at, .. } | Injected::Stop { at, .. } => nanoseconds(at),
                Injected::Lose { .. } => continue,
            };
            world.schedule(at, Event::Fault(fault));
        }
        for rank in (0..size).map(Rank) {
            let at = world.delay();
            world.park(rank, at, false);
        }
        world
    }

    fn draw(&mut self) -> u64 {
        self.draws += 1;
        random::output(self.network.seed, self.draws)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// The delay of a message or a rank.
    pub(super) fn delay(&mut self) -> Time {
        let longest = nanoseconds(self.network.delay);
        let longest = if self.below(16) == 0 { longest.saturating_mul(10) } else { longest };
        self.below(longest.saturating_add(1))
    }

    fn schedule(&mut self, at: Time, event: Event) {
        let chance = self.draw();
        self.scheduled += 1;
        self.events.push(Reverse((at.max(self.now), chance, self.scheduled, event)));
    }

    /// The rank waits until a time, or, if it is wakeable, until something concerns it.
    pub(super) fn park(&mut self, rank: Rank, until: Time, wakeable: bool) {
        let member = &mut self.ranks[rank.index()];
        (member.turn, member.wakeable) = (member.turn + 1, wakeable);
        if until != NEVER {
            let turn = member.turn;
            self.schedule(until, Event::Run(rank, turn));
        }
    }

    /// Something concerns the rank.
    pub(super) fn wake(&mut self, rank: Rank) {
        if self.ranks[rank.index()].wakeable {
            let turn = self.ranks[rank.index()].turn;
            self.schedule(self.now, Event::Run(rank, turn));
        }
    }

    /// Lets events happen until it is a rank's turn.
    pub(super) fn dispatch(&mut self) {
        loop {
            let Some(Reverse((at, _, _, event))) = self.events.pop() else {
                return self.running = self.last();
            };
            if let Event::Run(rank, turn) = event {
                let member = &self.ranks[rank.index()];
                if member.turn != turn || member.ended.is_some() || member.stopped == NEVER && !member.killed
                {
                    continue;
                }
                if member.stopped > at && !member.killed {
                    let until = member.stopped;
                    self.schedule(until, event);
                    continue;
                }
            }
            self.now = at;
            self.note(event);
            match event {
                Event::Run(rank, _) => {
                    let member = &mut self.ranks[rank.index()];
                    (member.turn, member.wakeable) = (member.turn + 1, false);
                    return self.running = Some(rank);
                }
                event => self.apply(event),
            }
        }
    }

    /// Where nothing happens any more, ranks that have not ended are stopped for ever, or wait for ever; their threads
    /// are ended.
    fn last(&mut self) -> Option<Rank> {
        let rank =
            (0..self.ranks.len() as u32).map(Rank).find(|rank| self.ranks[rank.index()].ended.is_none())?;
        if self.ranks[rank.index()].stopped != NEVER {
            self.violations.push(format!("rank {rank} waits for ever"));
        }
        self.kill(rank);
        Some(rank)
    }

    fn note(&mut self, event: Event) {
        let words = match event {
            Event::Run(rank, _) => [0, rank.0.into(), 0, 0],
            Event::Arrive(from, to) => [1, from.0.into(), to.0.into(), 0],
            Event::Read(from, to, index) => [2, from.0.into(), to.0.into(), index],
            Event::Taken(from, to, index) => [3, from.0.into(), to.0.into(), index],
            Event::Notice(to, notice) => [4, to.0.into(), notice as u64, 0],
            Event::Leave(from, to) => [5, from.0.into(), to.0.into(), 0],
            Event::Fault(fault) => [6, fault as u64, 0, 0],
        };
        self.digest = random::substream(self.digest ^ self.now, &words);
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Run(..) => {}
            Event::Arrive(from, to) => {
                self.link(from, to).arrived += 1;
                self.wake(to);
            }
            Event::Read(from, to, index) => self.read(from, to, index),
            Event::Taken(from, to, index) => {
                self.link(from, to).acknowledged += 1;
                self.release(from, to, index);
            }
            Event::Notice(to, notice) => {
                let notice = self.notices[notice].clone();
                self.ranks[to.index()].failure.get_or_insert(notice);
                self.wake(to);
            }
            Event::Leave(from, to) => {
                self.ranks[to.index()].gone.insert(from);
                self.wake(to);
            }
            Event::Fault(fault) => match self.network.faults[fault] {
                Injected::Kill { rank, .. } => self.kill(rank),
                Injected::Stop { rank, lasts, .. } => {
                    let until = lasts.map_or(NEVER, |lasts| self.now.saturating_add(nanoseconds(lasts)));
                    let member = &mut self.ranks[rank.index()];
                    member.stopped = member.stopped.max(until);
                }
                Injected::Lose { .. } => {}
            },
        }
    }

    pub(super) fn link(&mut self, from: Rank, to: Rank) -> &mut Link {
        self.links.entry((from, to)).or_default()
    }

    /// Sends a message.
    pub(super) fn send(&mut self, from: Rank, to: Rank, tag: Tag, memory: Memory) {
        let moment = match self.network.reads {
            Reads::Earliest => 0,
            Reads::Latest => 2,
            Reads::Drawn => self.below(3),
        };
        let (departure, arrival) = (self.now + self.delay(), self.now + self.delay());
        let memory = Arc::new(memory);
        let arriving = self.network.arriving(from, to);
        let link = self.link(from, to);
        let index = link.begun;
        let read = moment == 0;
        link.begun += 1;
        link.queue.push_back(Flight { tag, memory: memory.clone(), index, read, torn: false });
        let earliest = if moment == 1 { arrival.max(departure + 1) } else { arrival };
        let arrival = link.order(earliest);
        self.ranks[from.index()].exposed.push(Exposed { to, released: read, tag, index, memory });
        if moment == 1 {
            self.schedule(departure, Event::Read(from, to, index));
        }
        if index < arriving {
            self.schedule(arrival, Event::Arrive(from, to));
        }
    }

    /// Copies a message that is on its way.
    fn read(&mut self, from: Rank, to: Rank, index: u64) {
        let flight = self.link(from, to).queue.iter_mut().find(|flight| flight.index == index);
        if let Some(flight) = flight.filter(|flight| !flight.torn) {
            flight.read = true;
            self.inspect(from, |message| (message.to, message.index) == (to, index));
            self.release(from, to, index);
        }
    }

    /// The receiver has all of the next message.
    pub(super) fn take(&mut self, from: Rank, to: Rank) {
        let link = self.link(from, to);
        link.taken += 1;
        if let Some(flight) = link.queue.pop_front() {
            if !flight.read && !flight.torn {
                self.inspect(from, |message| (message.to, message.index) == (to, flight.index));
            }
            let at = self.after(to, from);
            self.schedule(at, Event::Taken(from, to, flight.index));
        }
    }

    /// The memory of a message is not needed any more.
    fn release(&mut self, from: Rank, to: Rank, index: u64) {
        let exposed = self.ranks[from.index()].exposed.iter_mut();
        for message in exposed.filter(|message| (message.to, message.index) == (to, index)) {
            message.released = true;
        }
        self.wake(from);
    }

    /// Looks whether memory of the rank that is exposed, and chosen, has been written to.
    fn inspect(&mut self, rank: Rank, chosen: impl Fn(&Exposed) -> bool) {
        let exposed = self.ranks[rank.index()].exposed.iter().filter(|message| chosen(message));
        // SAFETY: it is in the list from `begin` until `wait_sent` or `revoke`.
        let changed = exposed.filter_map(|message| Some((message, unsafe { message.memory.changed() }?)));
        let found = changed.map(|(Exposed { to, tag: Tag { exchange, round }, .. }, (part, byte))| {
            format!(
                "rank {rank} wrote to memory in flight to rank {to}: exchange {exchange}, round {round}, part {part}, byte {byte}"
            )
        });
        let found: Vec<_> = found.collect();
        self.violations.extend(found);
    }

    /// The rank's memory is its own again.
    pub(super) fn withdraw(&mut self, rank: Rank) {
        self.inspect(rank, |_| true);
        self.tear(rank);
    }

    /// Of what the rank has sent, nothing is read any more.
    pub(super) fn tear(&mut self, rank: Rank) {
        self.ranks[rank.index()].exposed.clear();
        let links = self.links.iter_mut().filter(|((from, _), _)| *from == rank);
        for flight in links.flat_map(|(_, link)| &mut link.queue) {
            flight.torn |= !flight.read;
        }
    }

    /// All others learn that `origin` has failed; from `rank`, after what it sent before.
    pub(super) fn notify(&mut self, rank: Rank, origin: Rank, reason: &str) {
        self.notices.push((origin, reason.to_owned()));
        let notice = self.notices.len() - 1;
        for peer in self.peers(rank) {
            let at = self.after(rank, peer);
            self.schedule(at, Event::Notice(peer, notice));
        }
    }

    /// All others see that the rank has left, after what it sent before.
    pub(super) fn leave(&mut self, rank: Rank) {
        if std::mem::replace(&mut self.ranks[rank.index()].left, true) {
            return;
        }
        for peer in self.peers(rank) {
            let at = self.after(rank, peer);
            let arriving = self.network.arriving(rank, peer);
            if self.link(rank, peer).begun <= arriving {
                self.schedule(at, Event::Leave(rank, peer));
            }
        }
    }

    fn peers(&self, rank: Rank) -> impl Iterator<Item = Rank> + use<> {
        (0..self.ranks.len() as u32).map(Rank).filter(move |peer| *peer != rank)
    }

    /// When something reaches a peer that is sent to it now.
    fn after(&mut self, rank: Rank, peer: Rank) -> Time {
        let at = self.now + self.delay();
        self.link(rank, peer).order(at)
    }

    /// The rank does nothing any more: its thread runs once again, to unwind.
    fn kill(&mut self, rank: Rank) {
        if self.ranks[rank.index()].ended.is_some() {
            return;
        }
        self.withdraw(rank);
        for ((low, high), meeting) in &mut self.meetings {
            meeting.is_broken |= (*low == rank || *high == rank) && meeting.left == 0;
        }
        self.leave(rank);
        let member = &mut self.ranks[rank.index()];
        member.killed = true;
        let turn = member.turn;
        self.schedule(self.now, Event::Run(rank, turn));
    }
}

pub(super) fn nanoseconds(duration: Duration) -> Time {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}
