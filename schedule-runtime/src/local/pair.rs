//! A symmetric round in place: two threads share out the chunks of both memories, and each chunk is read and written in
//! both by one of the two.

use super::{CHUNK, LocalTransport};
use crate::lease::{Seat, Taken, Work, seats};
use crate::transport::{Envelope, Fault, PairChunk, PairWeights, Tag};
use bfc_schedule::Rank;
use std::time::Duration;

/// A seat at the table of two ranks.
pub(super) type PairSeat = Seat<Offer>;

/// What a rank offers its partner.
#[derive(Default)]
pub(super) struct Offer {
    tag: Tag,
    parts: Vec<Part>,
    weights: PairWeights,
}

struct Part {
    address: *mut u8,
    bytes: usize,
}

// SAFETY: the addresses are followed by one rank for each chunk, while it works on that chunk under the lease.
unsafe impl Send for Part {}
// SAFETY: as above; a shared offer gives addresses only.
unsafe impl Sync for Part {}

impl Offer {
    fn envelope(&self) -> Envelope {
        Envelope { tag: self.tag, bytes: self.parts.iter().map(|part| part.bytes as u64).sum() }
    }

    fn matches(&self, other: &Self) -> bool {
        let lengths = |offer: &Self| offer.parts.iter().map(|part| part.bytes).collect::<Vec<_>>();
        self.tag == other.tag && lengths(self) == lengths(other)
    }

    /// The number of chunks.
    fn chunks(&self) -> u32 {
        self.parts.iter().map(|part| part.bytes.div_ceil(CHUNK) as u32).sum()
    }

    /// The part, offset and length of a chunk.
    fn chunk(&self, index: u32) -> (usize, usize, usize) {
        let mut before = index as usize;
        for (part, Part { bytes, .. }) in self.parts.iter().enumerate() {
            let chunks = bytes.div_ceil(CHUNK);
            if before < chunks {
                return (part, before * CHUNK, CHUNK.min(bytes - before * CHUNK));
            }
            before -= chunks;
        }
        unreachable!("chunk {index} of {}", self.chunks())
    }

    /// # Safety
    /// The range is inside the part, valid, and nobody else's for `'a`.
    unsafe fn bytes<'a>(&self, part: usize, offset: usize, length: usize) -> &'a mut [u8] {
        // SAFETY: see above.
        unsafe { std::slice::from_raw_parts_mut(self.parts[part].address.add(offset), length) }
    }
}

pub(super) fn new_seats() -> [PairSeat; 2] {
    seats([Offer::default(), Offer::default()])
}

/// [`Transport::pair`](crate::transport::Transport::pair) of long messages.
pub(super) fn pair(
    transport: &mut LocalTransport,
    tag: Tag,
    peer: Rank,
    parts: &mut [&mut [u8]],
    weights: PairWeights,
    deadline: Duration,
    kernel: &mut dyn FnMut(PairChunk<'_>),
) -> Result<bool, Fault> {
    let (hub, rank) = (transport.hub.clone(), transport.rank);
    let seat = transport.seats.remove(&peer).unwrap_or_else(|| hub.seat(rank, peer));
    // Whatever happens below, no access of the peer outlives this.
    let mut seated = Seated { seat: Some(seat), transport, peer };
    let parts = parts.iter_mut().map(|part| Part { address: part.as_mut_ptr(), bytes: part.len() }).collect();
    let mine = Offer { tag, parts, weights };
    if !seated.join(&mine, deadline)? {
        return Ok(false);
    }
    let total = mine.chunks();
    let chunk = |index, work: &Work<'_, Offer>, kernel: &mut dyn FnMut(PairChunk<'_>)| {
        let (part, offset, length) = mine.chunk(index);
        // SAFETY: the chunk is this rank's alone, in both memories, while `work` lives; this rank's memory is borrowed by
        // this call, the peer's by the peer's, which ends after `work` does.
        let mine = unsafe { mine.bytes(part, offset, length) };
        // SAFETY: as above.
        let theirs = unsafe { work.peer(|offer| offer.bytes(part, offset, length)) };
        kernel(PairChunk { part, mine, theirs, their_weights: work.peer(|offer| offer.weights) });
    };
    loop {
        match seated.seat().take(total) {
            Taken::Chunk(index, work) => chunk(index, &work, kernel),
            Taken::Exhausted => break,
            Taken::Revoked => return Err(hub.why(rank, peer, deadline)),
        }
    }
    seated.complete(total, deadline)?;
    Ok(true)
}

/// A seat that is revoked when it is dropped without having been left.
struct Seated<'a> {
    seat: Option<PairSeat>,
    transport: &'a mut LocalTransport,
    peer: Rank,
}

impl Seated<'_> {
    fn seat(&mut self) -> &mut PairSeat {
        self.seat.as_mut().expect("a seat until it is left")
    }

    /// Offers `mine` and waits for the peer; `false` where the peer exchanges by messages.
    fn join(&mut self, mine: &Offer, deadline: Duration) -> Result<bool, Fault> {
        let (hub, rank, peer) = (self.transport.hub.clone(), self.transport.rank, self.peer);
        // The peer may have yet to leave the last round.
        let copy = |offer: &mut Offer| {
            offer.tag = mine.tag;
            offer.weights = mine.weights;
            offer.parts.clear();
            offer
                .parts
                .extend(mine.parts.iter().map(|part| Part { address: part.address, bytes: part.bytes }));
        };
        let seat = self.seat.as_mut().expect("a seat until it is left");
        while !seat.arrive(copy) {
            self.transport.wait(peer, deadline, || seat.is_free() || seat.is_revoked())?;
            if seat.is_revoked() {
                return Err(hub.why(rank, peer, deadline));
            }
        }
        hub.ring(peer);
        let reader = self.transport.incoming.remove(&peer).unwrap_or_else(|| hub.reader(peer, rank));
        let waited = self.transport.wait(peer, deadline, || seat.is_joined() || reader.is_open());
        self.transport.incoming.insert(peer, reader);
        waited?;
        if !seat.is_joined() && seat.withdraw() {
            self.keep();
            return Ok(false);
        }
        match seat.peer(|theirs| (!theirs.matches(mine)).then(|| theirs.envelope())) {
            Some(found) => Err(Fault::Mismatch { peer, expected: mine.envelope(), found }),
            None => Ok(true),
        }
    }

    /// Waits for the peer's last chunk and leaves.
    fn complete(mut self, total: u32, deadline: Duration) -> Result<(), Fault> {
        self.transport.hub.ring(self.peer);
        let seat = self.seat.as_ref().expect("a seat until it is left");
        self.transport.wait(self.peer, deadline, || seat.is_complete(total))?;
        self.seat().leave();
        self.transport.hub.ring(self.peer);
        self.keep();
        Ok(())
    }

    fn keep(&mut self) {
        self.transport.seats.extend(self.seat.take().map(|seat| (self.peer, seat)));
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if let Some(seat) = &mut self.seat {
            seat.revoke();
            if std::thread::panicking() {
                self.transport.hub.fail_because(self.transport.rank, "it panicked");
            }
        }
    }
}
