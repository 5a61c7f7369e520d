//! Whoever waits for what will not come learns why, in time, and from then on the transport is dead.
//!
//! First all ranks meet. Then the ranks from 2 on wait for the one before, so that they learn of what happens between the
//! first two through others.

use super::exchange::{LONG, Message, PATIENCE, Received, SOON, assert_dead, hear, meet, send};
use super::{Law, Leaving};
use crate::transport::{Chunk, Envelope, Fault, Tag, Transport, rounds};
use bfc_schedule::Rank;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

const FIRST: Rank = Rank(0);
const SECOND: Rank = Rank(1);

pub(super) fn laws<X: Transport + Send + 'static>(leaving: Leaving) -> Vec<Law<X>> {
    vec![
        Law::new("a wait ends at its deadline, and names the peer", deadline),
        Law::new("a wait for a rank that has left ends", move |transport| left(transport, leaving)),
        Law::new("a rank that abandons says why", |transport| abandon(transport)),
        Law::new("a rank that only listens learns of a failure", listens),
        Law::new("a panic is a failure", |transport| panics(transport, 0)),
        Law::new("a panic while a message is pending is a failure", |transport| panics(transport, LONG)),
        Law::new("a message of another round is refused", |transport| mismatch(transport, 1, &[8], &[8])),
        Law::new("a message of another length is refused", |transport| mismatch(transport, 0, &[8], &[16])),
        Law::new("a long message of another length is refused", |transport| {
            mismatch(transport, 0, &[LONG], &[LONG, 1]);
        }),
        Law::new("of a message that is abandoned, no wrong byte arrives", abandons_a_message),
        Law::new("what arrives of abandoned memory of the transport is whole or a failure", abandons_memory),
        Law::new("a panic over a piece of a message is a failure", stops_listening),
        Law::new("of a message sent before a failure, no wrong byte arrives", sends_and_abandons),
    ]
}

/// The others wait for the rank before, and learn of a failure that is not theirs.
fn assert_learns<X: Transport>(transport: &mut X, origin: Rank, reason: &str) {
    let before = Rank(transport.rank().0 - 1);
    let met = meet(transport);
    let fault = met.and_then(|()| hear(transport, before, 1, PATIENCE)).expect_err("a failure");
    assert_eq!(fault, Fault::Failed { peer: origin, reason: reason.to_owned() });
    assert_dead(transport);
}

fn deadline<X: Transport>(mut transport: X) {
    if transport.rank() == FIRST {
        meet(&mut transport).expect("all are there");
        let fault = hear(&mut transport, SECOND, 1, SOON).expect_err("a deadline");
        assert_eq!(fault, Fault::Deadline { peer: SECOND, waited: SOON });
        assert_dead(&mut transport);
    } else {
        assert_learns(&mut transport, FIRST, &format!("waited {SOON:?} for rank 1"));
    }
}

fn left<X: Transport>(mut transport: X, leaving: Leaving) {
    match (transport.rank(), leaving) {
        (FIRST, _) => meet(&mut transport).expect("all are there"),
        (SECOND, Leaving::IsSeen) => {
            meet(&mut transport).expect("all are there");
            transport.listen().expect("to leave is not to fail");
            let fault = hear(&mut transport, FIRST, 1, PATIENCE).expect_err("a rank that has left");
            assert_eq!(fault, Fault::Left { peer: FIRST });
            assert_dead(&mut transport);
        }
        (SECOND, Leaving::IsNotSeen) => {
            meet(&mut transport).expect("all are there");
            transport.listen().expect("to leave is not to fail");
            let fault = hear(&mut transport, FIRST, 1, SOON).expect_err("a rank that has left");
            assert_eq!(fault, Fault::Deadline { peer: FIRST, waited: SOON });
            assert_dead(&mut transport);
        }
        (_, Leaving::IsSeen) => assert_learns(&mut transport, FIRST, "it ended before its peers"),
        (_, Leaving::IsNotSeen) => {
            assert_learns(&mut transport, SECOND, &format!("waited {SOON:?} for rank 0"));
        }
    }
}

fn abandon<X: Transport>(mut transport: X) {
    if transport.rank() == FIRST {
        meet(&mut transport).expect("all are there");
        transport.abandon("it ran out of data");
        assert_dead(&mut transport);
        transport.abandon("a second reason");
    } else {
        assert_learns(&mut transport, FIRST, "it ran out of data");
    }
}

/// The others wait for nothing that the transport knows of.
fn listens<X: Transport>(mut transport: X) {
    if transport.rank() == FIRST {
        meet(&mut transport).expect("all are there");
        transport.abandon("it ran out of data");
    } else {
        let end = Instant::now() + PATIENCE;
        let met = meet(&mut transport);
        let heard = met.and_then(|()| {
            while Instant::now() < end {
                transport.listen()?;
                std::thread::sleep(Duration::from_micros(100));
            }
            Ok(())
        });
        let fault = heard.expect_err("a failure");
        assert_eq!(fault, Fault::Failed { peer: FIRST, reason: "it ran out of data".to_owned() });
    }
    transport.listen().expect_err("a dead transport goes on");
    assert_dead(&mut transport);
}

/// Alone, or with a message of `bytes` pending.
fn panics<X: Transport>(mut transport: X, bytes: usize) {
    let tag = Tag { exchange: 1, round: 0 };
    if transport.rank() == FIRST {
        meet(&mut transport).expect("all are there");
        let message = Message::new(FIRST, SECOND, tag, &[bytes]);
        let unwound = catch_unwind(AssertUnwindSafe(move || {
            rounds(&mut transport, |rounds| {
                if bytes > 0 {
                    let send = Some((SECOND, &message.parts()[..]));
                    let _pending = rounds.begin(tag, send, None, PATIENCE).expect("begun");
                }
                // Without a message on the terminal.
                resume_unwind(Box::new("a bug"))
            })
        }));
        let unwound: Result<(), _> = unwound;
        unwound.expect_err("a panic");
    } else if transport.rank() == SECOND && bytes > 0 {
        assert_whole_or_failed(&mut transport, tag, &[bytes], "it panicked");
    } else {
        assert_learns(&mut transport, FIRST, "it panicked");
    }
}

/// The first rank sends in this round, the second waits for round 0.
fn mismatch<X: Transport>(mut transport: X, round: u32, sent: &[usize], wanted: &[usize]) {
    let envelope = |round, lengths: &[usize]| {
        let bytes = lengths.iter().map(|&bytes| bytes as u64).sum();
        Envelope { tag: Tag { exchange: 1, round }, bytes }
    };
    let (expected, found) = (envelope(0, wanted), envelope(round, sent));
    let reason = Fault::Mismatch { peer: FIRST, expected, found }.to_string();
    match transport.rank() {
        FIRST => {
            meet(&mut transport).expect("all are there");
            let sent = send(&mut transport, SECOND, found.tag, sent);
            let fault = sent.and_then(|()| hear(&mut transport, SECOND, 2, PATIENCE)).expect_err("a failure");
            assert_eq!(fault, Fault::Failed { peer: SECOND, reason });
            assert_dead(&mut transport);
        }
        SECOND => {
            meet(&mut transport).expect("all are there");
            let fault = rounds(&mut transport, |rounds| {
                let ticket = rounds.begin(expected.tag, None, Some((FIRST, wanted)), PATIENCE)?;
                rounds.finish(ticket, PATIENCE, &mut |_| panic!("a piece of another message"))
            });
            assert_eq!(fault, Err(Fault::Mismatch { peer: FIRST, expected, found }));
            assert_dead(&mut transport);
        }
        _ => assert_learns(&mut transport, SECOND, &reason),
    }
}

/// The first rank begins a message, and writes over it as soon as it may.
fn abandons_a_message<X: Transport>(mut transport: X) {
    let (tag, lengths) = (Tag { exchange: 1, round: 0 }, [5, LONG]);
    match transport.rank() {
        FIRST => {
            meet(&mut transport).expect("all are there");
            let mut message = Message::new(FIRST, SECOND, tag, &lengths);
            rounds(&mut transport, |rounds| {
                let send = Some((SECOND, &message.parts()[..]));
                let _pending = rounds.begin(tag, send, None, PATIENCE).expect("begun");
            });
            message.parts_mut().into_iter().for_each(|part| part.fill(0));
            // It may have been sent whole.
            transport.abandon("it abandoned an exchange");
            assert_dead(&mut transport);
        }
        SECOND => {
            assert_whole_or_failed(&mut transport, tag, &lengths, "it abandoned an exchange");
        }
        _ => assert_learns(&mut transport, FIRST, "it abandoned an exchange"),
    }
}

/// The same from memory of the transport, which is then written over and freed.
fn abandons_memory<X: Transport>(mut transport: X) {
    let (tag, lengths) = (Tag { exchange: 1, round: 0 }, [LONG]);
    match transport.rank() {
        FIRST => {
            let message = Message::new(FIRST, SECOND, tag, &lengths);
            let mut memory = transport.allocate(LONG).expect("memory");
            memory.copy_from_slice(message.parts()[0]);
            meet(&mut transport).expect("all are there");
            rounds(&mut transport, |rounds| {
                let _pending = rounds.begin(tag, Some((SECOND, &[&memory])), None, PATIENCE).expect("begun");
            });
            memory.fill(0);
            drop(memory);
            // It may have been sent whole.
            transport.abandon("it abandoned an exchange");
            assert_dead(&mut transport);
        }
        SECOND => {
            let received = receive_from_first(&mut transport, tag, &lengths, |_| {});
            assert_fails(&mut transport, received, "it abandoned an exchange");
        }
        _ => assert_learns(&mut transport, FIRST, "it abandoned an exchange"),
    }
}

/// The second rank receives what comes of a message, right bytes only, and learns that the first has failed.
fn assert_whole_or_failed<X: Transport>(transport: &mut X, tag: Tag, lengths: &[usize], reason: &str) {
    let sent = Message::new(FIRST, SECOND, tag, lengths);
    let received = receive_from_first(transport, tag, lengths, |chunk| {
        let sent = &sent.parts()[chunk.part][chunk.offset..][..chunk.bytes.len()];
        assert!(chunk.bytes == sent, "a piece at byte {} is wrong", chunk.offset);
    });
    assert_fails(transport, received, reason);
}

/// Receives a message of the first rank, and looks whether it is the one that was sent, if it comes.
fn receive_from_first<X: Transport>(
    transport: &mut X,
    tag: Tag,
    lengths: &[usize],
    look: impl Fn(&Chunk<'_>),
) -> Result<(), Fault> {
    let mut received = Received::new(lengths);
    meet(transport)?;
    rounds(transport, |rounds| {
        let ticket = rounds.begin(tag, None, Some((FIRST, lengths)), PATIENCE)?;
        rounds.finish(ticket, PATIENCE, &mut |chunk| {
            look(&chunk);
            received.take(chunk);
        })
    })?;
    received.check(&Message::new(FIRST, SECOND, tag, lengths));
    Ok(())
}

/// The first rank has failed, if not yet, then in the next exchange.
fn assert_fails<X: Transport>(transport: &mut X, result: Result<(), Fault>, reason: &str) {
    let fault = result.and_then(|()| hear(transport, FIRST, 2, PATIENCE)).expect_err("a failure");
    assert_eq!(fault, Fault::Failed { peer: FIRST, reason: reason.to_owned() });
    assert_dead(transport);
}

/// The receiver panics over the first piece of a message; its sender's memory is the sender's again.
fn stops_listening<X: Transport>(mut transport: X) {
    let (tag, lengths) = (Tag { exchange: 1, round: 0 }, [LONG, LONG]);
    match transport.rank() {
        FIRST => {
            meet(&mut transport).expect("all are there");
            let mut message = Message::new(FIRST, SECOND, tag, &lengths);
            let sent = rounds(&mut transport, |rounds| {
                let send = Some((SECOND, &message.parts()[..]));
                let _pending = rounds.begin(tag, send, None, PATIENCE)?;
                rounds.wait_sent(PATIENCE)
            });
            message.parts_mut().into_iter().for_each(|part| part.fill(0));
            let fault = sent.and_then(|()| hear(&mut transport, SECOND, 2, PATIENCE)).expect_err("a failure");
            assert_eq!(fault, Fault::Failed { peer: SECOND, reason: "it panicked".into() });
            assert_dead(&mut transport);
        }
        SECOND => {
            meet(&mut transport).expect("all are there");
            let unwound: Result<(), _> = catch_unwind(AssertUnwindSafe(move || {
                rounds(&mut transport, |rounds| {
                    let ticket = rounds.begin(tag, None, Some((FIRST, &lengths)), PATIENCE).expect("begun");
                    rounds
                        .finish(ticket, PATIENCE, &mut |_| resume_unwind(Box::new("a bug")))
                        .expect("a panic");
                });
            }));
            unwound.expect_err("a panic");
        }
        _ => assert_learns(&mut transport, SECOND, "it panicked"),
    }
}

/// The first rank sends and abandons the run; the second may have read all, a part or nothing of the message.
fn sends_and_abandons<X: Transport>(mut transport: X) {
    let tag = Tag { exchange: 1, round: 0 };
    match transport.rank() {
        FIRST => {
            meet(&mut transport).expect("all are there");
            send(&mut transport, SECOND, tag, &[LONG]).expect("a message that is taken");
            transport.abandon("it ran out of data");
        }
        SECOND => {
            assert_whole_or_failed(&mut transport, tag, &[LONG], "it ran out of data");
        }
        _ => assert_learns(&mut transport, FIRST, "it ran out of data"),
    }
}
