//! Messages whose bytes follow from who sends what to whom, and their receivers.

use crate::transport::{Chunk, Fault, Rounds, Tag, Transport, rounds};
use bfc_schedule::{Rank, random};
use std::time::Duration;

/// For what must come: longer than any healthy transport takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// A deadline that passes.
pub(super) const SOON: Duration = Duration::from_millis(300);
/// More bytes than any transport copies on its own account.
pub(super) const LONG: usize = 1 << 20;

/// A message: its parts begin at multiples of 8 bytes.
pub(super) struct Message {
    words: Vec<Vec<u64>>,
    lengths: Vec<usize>,
}

impl Message {
    /// What `from` sends `to` in an exchange.
    pub(super) fn new(from: Rank, to: Rank, tag: Tag, lengths: &[usize]) -> Self {
        let part = |(part, &bytes): (usize, &usize)| {
            let keys = [from.0.into(), to.0.into(), tag.exchange, tag.round.into(), part as u64];
            let seed = random::substream(0, &keys);
            (0..bytes.div_ceil(8) as u64).map(|word| random::output(seed, word)).collect()
        };
        Self { words: lengths.iter().enumerate().map(part).collect(), lengths: lengths.to_vec() }
    }

    pub(super) fn parts(&self) -> Vec<&[u8]> {
        let parts = self.words.iter().zip(&self.lengths);
        parts.map(|(words, &bytes)| &bytemuck::cast_slice(words)[..bytes]).collect()
    }

    pub(super) fn parts_mut(&mut self) -> Vec<&mut [u8]> {
        let parts = self.words.iter_mut().zip(&self.lengths);
        parts.map(|(words, &bytes)| &mut bytemuck::cast_slice_mut(words)[..bytes]).collect()
    }
}

/// Receives a message and looks that its pieces come as promised.
pub(super) struct Received {
    parts: Vec<Vec<u8>>,
    lengths: Vec<usize>,
    /// The part that is being received.
    part: usize,
}

impl Received {
    pub(super) fn new(lengths: &[usize]) -> Self {
        Self { parts: vec![vec![]; lengths.len()], lengths: lengths.to_vec(), part: 0 }
    }

    pub(super) fn take(&mut self, chunk: Chunk<'_>) {
        while self.part < chunk.part {
            assert_eq!(
                self.parts[self.part].len(),
                self.lengths[self.part],
                "part {} is cut short",
                self.part
            );
            self.part += 1;
        }
        assert_eq!(chunk.part, self.part, "a part comes before another is complete");
        let part = &mut self.parts[chunk.part];
        assert_eq!(chunk.offset, part.len(), "pieces of part {} come in another order", self.part);
        assert!(chunk.offset.is_multiple_of(64), "a piece begins at byte {} of its part", chunk.offset);
        assert!(chunk.bytes.as_ptr().addr().is_multiple_of(8), "a piece is not aligned to 8 bytes");
        part.extend(chunk.bytes);
        assert!(part.len() <= self.lengths[self.part], "part {} is too long", self.part);
    }

    /// Looks whether everything has come, unchanged.
    pub(super) fn check(&self, sent: &Message) {
        let sent = sent.parts();
        assert_eq!(self.parts.len(), sent.len());
        for (part, (found, sent)) in self.parts.iter().zip(sent).enumerate() {
            assert!(found == sent, "part {part} of {} bytes arrives changed", sent.len());
        }
    }
}

/// The next rank of the ring, and the one before.
pub(super) fn neighbours<X: Transport>(transport: &X) -> (Rank, Rank) {
    let (rank, size) = (transport.rank().0, transport.size());
    (Rank((rank + 1) % size), Rank((rank + size - 1) % size))
}

/// One message around the ring, from each rank to the next.
pub(super) fn ring<X: Transport>(transport: &mut X, tag: Tag, lengths: &[usize]) -> Result<(), Fault> {
    let (rank, (next, before)) = (transport.rank(), neighbours(transport));
    let sent = Message::new(rank, next, tag, lengths);
    rounds(transport, |rounds| {
        let parts = sent.parts();
        let ticket = rounds.begin(tag, Some((next, &parts)), Some((before, lengths)), PATIENCE)?;
        let mut received = Received::new(lengths);
        rounds.finish(ticket, PATIENCE, &mut |chunk| received.take(chunk))?;
        received.check(&Message::new(before, rank, tag, lengths));
        rounds.wait_sent(PATIENCE)
    })
}

/// Returns when all ranks are there.
pub(super) fn meet<X: Transport>(transport: &mut X) -> Result<(), Fault> {
    (0..transport.size()).try_for_each(|round| ring(transport, Tag { exchange: 1 << 50, round }, &[8]))
}

/// Receives a message and checks it.
pub(super) fn receive<X: Transport>(
    rounds: &mut Rounds<'_, '_, X>,
    (from, rank): (Rank, Rank),
    tag: Tag,
    lengths: &[usize],
    deadline: Duration,
) -> Result<(), Fault> {
    let ticket = rounds.begin(tag, None, Some((from, lengths)), deadline)?;
    let mut received = Received::new(lengths);
    rounds.finish(ticket, deadline, &mut |chunk| received.take(chunk))?;
    received.check(&Message::new(from, rank, tag, lengths));
    Ok(())
}

/// Waits for a message of `from`.
pub(super) fn hear<X: Transport>(
    transport: &mut X,
    from: Rank,
    exchange: u64,
    deadline: Duration,
) -> Result<(), Fault> {
    let ends = (from, transport.rank());
    rounds(transport, |rounds| receive(rounds, ends, Tag { exchange, round: 0 }, &[8], deadline))
}

/// Sends a message to `to`.
pub(super) fn send<X: Transport>(
    transport: &mut X,
    to: Rank,
    tag: Tag,
    lengths: &[usize],
) -> Result<(), Fault> {
    let sent = Message::new(transport.rank(), to, tag, lengths);
    rounds(transport, |rounds| {
        let _nothing = rounds.begin(tag, Some((to, &sent.parts())), None, PATIENCE)?;
        rounds.wait_sent(PATIENCE)
    })
}

/// After a fault every further call fails, and revoking does no harm.
pub(super) fn assert_dead<X: Transport>(transport: &mut X) {
    let (next, before) = neighbours(transport);
    let (tag, bytes) = (Tag { exchange: 1 << 40, round: 0 }, [0; 8]);
    for _ in 0..2 {
        transport.revoke();
        rounds(transport, |rounds| {
            let dead = "a dead transport goes on";
            rounds.begin(tag, None, None, PATIENCE).expect_err(dead);
            rounds.begin(tag, Some((next, &[&bytes])), Some((before, &[8])), PATIENCE).expect_err(dead);
            rounds.wait_sent(PATIENCE).expect_err(dead);
        });
    }
}
