//! Exchanges in place: both ranks do them or neither does, and each element is old or new, in memory of any kind.

use super::Law;
use super::exchange::{LONG, Message, PATIENCE, SOON, assert_dead, hear, meet, receive, send};
use crate::transport::{Envelope, Fault, Memory, PairChunk, PairWeights, Tag, Transport, rounds};
use bfc_schedule::Rank;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const FIRST: Rank = Rank(0);
const SECOND: Rank = Rank(1);
const WEIGHTS: PairWeights = [0.25, 3.0, -1.0, 7.0];

/// Where the vectors lie.
#[derive(Clone, Copy, Debug)]
enum Lying {
    /// In memory of the transport.
    Allocated,
    /// In the caller's own.
    Ordinary,
    /// The first part in memory of the transport, the others not.
    Mixed,
}

/// One rank's part of a law, with vectors that lie somewhere.
type Body<X> = fn(X, Lying);

pub(super) fn laws<X: Transport + Send + 'static>() -> Vec<Law<X>> {
    let laws: [(&str, Body<X>); 5] = [
        ("two ranks exchange in place, or neither", exchanges),
        ("who asks a rank that sends to exchange in place is refused", meets_a_message),
        ("offers of different lengths are refused on both ranks", mismatch),
        ("who waits for a partner waits no longer than its deadline", late),
        ("each element is old or new after a panic", panics),
    ];
    let lyings = [Lying::Allocated, Lying::Ordinary, Lying::Mixed];
    let named = |(name, law): (&str, Body<X>)| {
        lyings.map(|lying| Law::new(format!("{name}: {lying:?}"), move |transport| law(transport, lying)))
    };
    laws.into_iter().flat_map(named).collect()
}

fn peer<X: Transport>(transport: &X) -> Option<Rank> {
    match transport.rank() {
        FIRST => Some(SECOND),
        SECOND => Some(FIRST),
        _ => None,
    }
}

/// The words of an exchange.
fn words(rank: Rank, exchange: u64, lengths: &[usize]) -> Message {
    Message::new(rank, rank, Tag { exchange, round: 0 }, lengths)
}

/// The words of an exchange, to be exchanged.
struct Vectors(Vec<Memory>);

impl Vectors {
    fn new<X: Transport>(transport: &mut X, lying: Lying, exchange: u64, lengths: &[usize]) -> Self {
        let words = words(transport.rank(), exchange, lengths);
        let lie = |(part, words): (usize, &[u8])| {
            let mut memory = match (lying, part) {
                (Lying::Allocated, _) | (Lying::Mixed, 0) => transport.allocate(words.len()).expect("memory"),
                _ => Memory::ordinary(words.len()),
            };
            memory.copy_from_slice(words);
            memory
        };
        Self(words.parts().into_iter().enumerate().map(lie).collect())
    }

    fn parts(&self) -> Vec<&[u8]> {
        self.0.iter().map(|part| &**part).collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut [u8]> {
        self.0.iter_mut().map(|part| &mut **part).collect()
    }
}

/// Exchanges the contents of both, plus 1, and looks at what it is given.
fn swap(chunk: PairChunk<'_>) {
    assert_eq!(chunk.their_weights, WEIGHTS, "the peer's weights");
    assert_eq!(chunk.mine.len(), chunk.theirs.len());
    let (mine, theirs) = (bytemuck::cast_slice_mut(chunk.mine), bytemuck::cast_slice_mut(chunk.theirs));
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        (*mine, *theirs) = (u64::wrapping_add(*theirs, 1), u64::wrapping_add(*mine, 1));
    }
}

/// Whether every word is the old one or the new one, and all are new where `all`.
fn assert_old_or_new(found: &mut Vectors, [mine, theirs]: [&mut Message; 2], all: bool) {
    let parts = found.parts_mut().into_iter().zip(mine.parts_mut()).zip(theirs.parts_mut());
    for ((found, old), new) in parts {
        let words = |bytes: &mut [u8]| bytemuck::cast_slice_mut::<_, u64>(bytes).to_vec();
        for ((found, old), new) in words(found).into_iter().zip(words(old)).zip(words(new)) {
            let is_new = found == new.wrapping_add(1);
            assert!(is_new || !all && found == old, "a word is neither old nor new");
        }
    }
}

fn exchanges<X: Transport>(mut transport: X, lying: Lying) {
    let Some(peer) = peer(&transport) else { return };
    let rank = transport.rank();
    let sizes: [&[usize]; 6] = [&[8], &[LONG], &[0, LONG, 0, 24], &[128 << 10; 3], &[72], &[(64 << 10) + 8]];
    for (lengths, exchange) in sizes.into_iter().zip(0..) {
        let tag = Tag { exchange, round: 2 };
        let mut memory = Vectors::new(&mut transport, lying, exchange, lengths);
        let done = transport.pair(tag, peer, &mut memory.parts_mut(), WEIGHTS, PATIENCE, &mut swap);
        let done = done.expect("a peer");
        if done {
            let others = [&mut words(rank, exchange, lengths), &mut words(peer, exchange, lengths)];
            assert_old_or_new(&mut memory, others, true);
        } else {
            assert!(memory.parts() == words(rank, exchange, lengths).parts(), "the memory has been touched");
        }
        // The two agree on the answer.
        let tag = Tag { exchange, round: u32::from(done) };
        let bytes = [0; 8];
        rounds(&mut transport, |rounds| {
            let ticket = rounds.begin(tag, Some((peer, &[&bytes])), Some((peer, &[8])), PATIENCE)?;
            rounds.finish(ticket, PATIENCE, &mut |_| ())?;
            rounds.wait_sent(PATIENCE)
        })
        .expect("the same answer");
    }
}

fn meets_a_message<X: Transport>(mut transport: X, lying: Lying) {
    let Some(peer) = peer(&transport) else { return };
    for (exchange, length) in [(0, LONG), (1, 40), (2, LONG)] {
        let (tag, lengths) = (Tag { exchange, round: 0 }, [length]);
        if transport.rank() == FIRST {
            let mut memory = Vectors::new(&mut transport, lying, exchange, &lengths);
            let mut kernel = |_: PairChunk<'_>| panic!("an exchange in place with a message");
            let done = transport.pair(tag, peer, &mut memory.parts_mut(), WEIGHTS, PATIENCE, &mut kernel);
            assert_eq!(done, Ok(false));
            let ends = (SECOND, FIRST);
            rounds(&mut transport, |rounds| receive(rounds, ends, tag, &lengths, PATIENCE))
                .expect("the message");
        } else {
            send(&mut transport, FIRST, tag, &lengths).expect("a message that is taken");
        }
    }
}

fn mismatch<X: Transport>(mut transport: X, lying: Lying) {
    let Some(peer) = peer(&transport) else { return };
    let rank = transport.rank();
    let lengths = |rank: Rank| [LONG + 8 * rank.index()];
    let mut memory = Vectors::new(&mut transport, lying, 0, &lengths(rank));
    let tag = Tag { exchange: 0, round: 0 };
    let mut kernel = |_: PairChunk<'_>| panic!("offers of different lengths");
    let done = transport.pair(tag, peer, &mut memory.parts_mut(), WEIGHTS, PATIENCE, &mut kernel);
    let envelope = |rank| Envelope { tag, bytes: lengths(rank)[0] as u64 };
    match done {
        Ok(false) => return,
        Ok(true) => panic!("an exchange of different lengths"),
        Err(fault) => {
            assert_eq!(fault, Fault::Mismatch { peer, expected: envelope(rank), found: envelope(peer) });
        }
    }
    assert!(memory.parts() == words(rank, 0, &lengths(rank)).parts(), "the memory has been touched");
    assert_dead(&mut transport);
}

/// The second rank does not come.
fn late<X: Transport>(mut transport: X, lying: Lying) {
    let met = meet(&mut transport);
    match transport.rank() {
        FIRST => {
            met.expect("all are there");
            let mut memory = Vectors::new(&mut transport, lying, 0, &[LONG]);
            let tag = Tag { exchange: 0, round: 0 };
            let mut kernel = |_: PairChunk<'_>| panic!("an exchange with nobody");
            let done = transport.pair(tag, SECOND, &mut memory.parts_mut(), WEIGHTS, SOON, &mut kernel);
            // Where nothing is done in place, a message does not come either.
            let fault = done.and_then(|_| hear(&mut transport, SECOND, 0, SOON)).expect_err("a deadline");
            assert_eq!(fault, Fault::Deadline { peer: SECOND, waited: SOON });
            assert!(memory.parts() == words(FIRST, 0, &[LONG]).parts(), "the memory has been touched");
            assert_dead(&mut transport);
        }
        SECOND => {
            let fault = met.and_then(|()| hear(&mut transport, FIRST, 1, PATIENCE)).expect_err("a failure");
            let reason = format!("waited {SOON:?} for rank 1");
            assert_eq!(fault, Fault::Failed { peer: FIRST, reason });
        }
        _ => {}
    }
}

/// The second rank panics over its third chunk.
fn panics<X: Transport>(mut transport: X, lying: Lying) {
    let Some(peer) = peer(&transport) else { return };
    let rank = transport.rank();
    let (tag, lengths) = (Tag { exchange: 1, round: 0 }, [LONG, 16, LONG]);
    let mut memory = Vectors::new(&mut transport, lying, 1, &lengths);
    let mut chunks = 0;
    let done = catch_unwind(AssertUnwindSafe(|| {
        let mut parts = memory.parts_mut();
        let done = transport.pair(tag, peer, &mut parts, WEIGHTS, PATIENCE, &mut |chunk| {
            chunks += 1;
            if (rank, chunks) == (SECOND, 3) {
                resume_unwind(Box::new("a bug"));
            }
            swap(chunk);
        });
        // The others learn of a panic when the transport goes.
        (done, transport)
    }));
    let mut both = [words(rank, 1, &lengths), words(peer, 1, &lengths)];
    let [mine, theirs] = &mut both;
    match done {
        Ok((Ok(done), mut transport)) => {
            if done {
                assert_old_or_new(&mut memory, [mine, theirs], true);
            }
            // Nobody panicked: it had fewer chunks.
            send_and_hear(&mut transport, peer);
        }
        Ok((Err(fault), mut transport)) => {
            assert_eq!(fault, Fault::Failed { peer: SECOND, reason: "it panicked".into() });
            assert_old_or_new(&mut memory, [mine, theirs], false);
            assert_dead(&mut transport);
        }
        Err(_) => {
            assert_eq!(rank, SECOND);
            assert_old_or_new(&mut memory, [mine, theirs], false);
        }
    }
}

fn send_and_hear<X: Transport>(transport: &mut X, peer: Rank) {
    let tag = Tag { exchange: 2, round: 0 };
    if transport.rank() == FIRST {
        send(transport, peer, tag, &[8]).expect("a message that is taken");
    } else {
        hear(transport, peer, 2, PATIENCE).expect("a message");
    }
}
