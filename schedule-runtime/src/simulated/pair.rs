//! A symmetric round in place: the two ranks share out the chunks of both memories by chance.

use super::SimulatedTransport;
use super::run::Guard;
use super::world::World;
use crate::transport::{Envelope, Fault, PairChunk, PairWeights, Tag};
use bfc_schedule::Rank;
use std::time::Duration;

/// Two ranks that exchange in place; one of them may not have come yet.
#[derive(Default)]
pub(super) struct Meeting {
    /// The lower rank's, the higher's.
    offers: [Option<Offer>; 2],
    /// Chunks that have been claimed.
    claimed: usize,
    /// Ranks that have left.
    pub(super) left: usize,
    /// One of them failed: memory of its offer is not touched any more.
    pub(super) is_broken: bool,
}

#[derive(Clone)]
struct Offer {
    tag: Tag,
    parts: Vec<(*mut u8, usize)>,
    weights: PairWeights,
}

// SAFETY: the addresses are followed while the offer stands in a meeting that is not broken, by the one thread that runs.
unsafe impl Send for Offer {}

impl Offer {
    fn envelope(&self) -> Envelope {
        Envelope { tag: self.tag, bytes: self.parts.iter().map(|part| part.1 as u64).sum() }
    }

    fn matches(&self, other: &Self) -> bool {
        let lengths = |offer: &Self| offer.parts.iter().map(|part| part.1).collect::<Vec<_>>();
        self.tag == other.tag && lengths(self) == lengths(other)
    }

    /// Part, offset and length of every chunk.
    fn chunks(&self, longest: usize) -> Vec<(usize, usize, usize)> {
        let parts = self.parts.iter().enumerate();
        let chunks = parts.flat_map(|(part, &(_, bytes))| {
            (0..bytes).step_by(longest).map(move |offset| (part, offset, longest.min(bytes - offset)))
        });
        chunks.collect()
    }

    /// # Safety
    /// The range is inside the part, valid, and nobody else's for `'a`.
    unsafe fn bytes<'a>(&self, (part, offset, length): (usize, usize, usize)) -> &'a mut [u8] {
        // SAFETY: see above.
        unsafe { std::slice::from_raw_parts_mut(self.parts[part].0.add(offset), length) }
    }
}

/// [`Transport::pair`](crate::transport::Transport::pair) on a network that does this.
pub(super) fn pair(
    transport: &SimulatedTransport,
    tag: Tag,
    peer: Rank,
    parts: &mut [&mut [u8]],
    weights: PairWeights,
    deadline: Duration,
    kernel: &mut dyn FnMut(PairChunk<'_>),
) -> Result<bool, Fault> {
    let mine =
        Offer { tag, parts: parts.iter_mut().map(|part| (part.as_mut_ptr(), part.len())).collect(), weights };
    let rank = transport.rank;
    // Whatever happens below, the peer touches nothing after this call.
    let seat =
        Seat { transport, peer, key: (rank.min(peer), rank.max(peer)), side: usize::from(rank > peer) };
    let Some(theirs) = seat.join(&mine, deadline)? else {
        std::mem::forget(seat);
        return Ok(false);
    };
    let bytes = mine.envelope().bytes as usize;
    let chunks = mine.chunks(transport.shared.lock().network.piece(bytes));
    loop {
        let mut world = transport.pause(transport.shared.lock());
        let meeting = world.meetings.entry(seat.key).or_default();
        if meeting.is_broken {
            return Err(seat.broken(world, deadline));
        }
        let Some(&chunk) = chunks.get(meeting.claimed) else { break };
        meeting.claimed += 1;
        world.in_kernel = true;
        drop(world);
        // SAFETY: the meeting is not broken, so both ranks are in this call and lend the chunk, which nobody else has had.
        let (mine, theirs_bytes) = unsafe { (mine.bytes(chunk), theirs.bytes(chunk)) };
        kernel(PairChunk { part: chunk.0, mine, theirs: theirs_bytes, their_weights: theirs.weights });
        transport.shared.lock().in_kernel = false;
    }
    seat.leave();
    Ok(true)
}

/// A rank's part in a meeting, which is broken where this is dropped before it has left.
struct Seat<'a> {
    transport: &'a SimulatedTransport,
    peer: Rank,
    key: (Rank, Rank),
    side: usize,
}

impl Seat<'_> {
    /// Offers `mine` and returns the peer's offer; `None` where the peer exchanges by messages.
    fn join(&self, mine: &Offer, deadline: Duration) -> Result<Option<Offer>, Fault> {
        let (transport, key, side, peer) = (self.transport, self.key, self.side, self.peer);
        // The peer may have yet to leave the last time.
        let is_free = |world: &World| {
            world.meetings.get(&key).is_none_or(|meeting| meeting.left == 0 && meeting.offers[side].is_none())
        };
        let mut world = transport.wait(transport.shared.lock(), peer, deadline, is_free)?;
        let meeting = world.meetings.entry(key).or_default();
        if meeting.is_broken {
            return Err(self.broken(world, deadline));
        }
        meeting.offers[side] = Some(mine.clone());
        world.wake(peer);
        let link = (peer, transport.rank);
        let theirs = |world: &World| world.meetings[&key].offers[1 - side].is_some();
        let writes = |world: &World| world.links.get(&link).is_some_and(|link| link.next().is_some());
        let mut world = transport.wait(world, peer, deadline, |world| theirs(world) || writes(world))?;
        let meeting = world.meetings.entry(key).or_default();
        let Some(theirs) = meeting.offers[1 - side].clone() else {
            meeting.offers[side] = None;
            return Ok(None);
        };
        match theirs.matches(mine) {
            true => Ok(Some(theirs)),
            false => Err(Fault::Mismatch { peer, expected: mine.envelope(), found: theirs.envelope() }),
        }
    }

    /// Why the meeting was broken, which this rank may have yet to learn.
    fn broken(&self, world: Guard<'_>, deadline: Duration) -> Fault {
        let waited = self.transport.wait(world, self.peer, deadline, |_| false);
        waited.err().unwrap_or(Fault::Left { peer: self.peer })
    }

    /// Leaves after the last chunk.
    fn leave(self) {
        let mut world = self.transport.shared.lock();
        let meeting = world.meetings.entry(self.key).or_default();
        meeting.left += 1;
        if meeting.left == 2 {
            world.meetings.remove(&self.key);
        }
        world.wake(self.peer);
        drop(world);
        std::mem::forget(self);
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut world = self.transport.shared.lock();
        world.in_kernel = false;
        world.meetings.entry(self.key).or_default().is_broken = true;
        world.wake(self.peer);
    }
}
