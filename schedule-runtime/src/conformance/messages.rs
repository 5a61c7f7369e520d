//! Messages arrive unchanged, in order and once.

use super::Law;
use super::exchange::{LONG, Message, PATIENCE, Received, receive, ring, send};
use crate::transport::{Tag, Transport, rounds};
use bfc_schedule::Rank;

pub(super) fn laws<X: Transport + Send + 'static>() -> Vec<Law<X>> {
    vec![
        Law::new("messages have any number of parts of any size", sizes),
        Law::new("many rounds may be pending", pending),
        Law::new("a round may go one way", one_way),
        Law::new("a round without messages ends at once", empty),
        Law::new("messages stay in order, and stay when their sender leaves", chain),
        Law::new("revoking where nothing is exposed does no harm", revoked),
    ]
}

fn sizes<X: Transport>(mut transport: X) {
    let sizes: [&[usize]; 16] = [
        &[],
        &[0],
        &[0, 0, 0],
        &[1],
        &[8],
        &[7, 0, 9],
        &[63, 64, 65],
        &[0, 4096],
        &[1000, 0, 0],
        &[65_535],
        &[65_536],
        &[65_537],
        &[262_144, 1],
        &[262_143, 262_145],
        &[1, LONG, 2],
        &[3],
    ];
    for (lengths, exchange) in sizes.into_iter().zip(0..) {
        ring(&mut transport, Tag { exchange, round: 0 }, lengths).expect("an exchange");
    }
}

/// To every other rank at once, with messages of different lengths.
fn pending<X: Transport>(mut transport: X) {
    let (rank, size) = (transport.rank(), transport.size());
    let ahead = |hop: u32| Rank((rank.0 + hop) % size);
    for exchange in 0..6 {
        let lengths = |from: Rank| vec![from.index() * 8, exchange as usize * 40_000 + from.index(), 5];
        let tag = |hop| Tag { exchange, round: hop };
        let sent: Vec<Message> =
            (1..size).map(|hop| Message::new(rank, ahead(hop), tag(hop), &lengths(rank))).collect();
        rounds(&mut transport, |rounds| {
            let parts: Vec<_> = sent.iter().map(Message::parts).collect();
            let mut tickets = vec![];
            for (hop, parts) in (1..size).zip(&parts) {
                let from = ahead(size - hop);
                let receive = Some((from, &lengths(from)[..]));
                tickets.push(
                    rounds.begin(tag(hop), Some((ahead(hop), parts)), receive, PATIENCE).expect("a round"),
                );
            }
            for (hop, ticket) in (1..size).zip(tickets) {
                let from = ahead(size - hop);
                let mut received = Received::new(&lengths(from));
                rounds.finish(ticket, PATIENCE, &mut |chunk| received.take(chunk)).expect("a message");
                received.check(&Message::new(from, rank, tag(hop), &lengths(from)));
            }
            rounds.wait_sent(PATIENCE).expect("all is sent");
        });
    }
}

/// From rank 0 to all others, and back.
fn one_way<X: Transport>(mut transport: X) {
    let (rank, size) = (transport.rank(), transport.size());
    for (exchange, length) in [(0, 9), (2, 100_000), (4, 0)] {
        for (exchange, inwards) in [(exchange, false), (exchange + 1, true)] {
            for leaf in (1..size).map(Rank) {
                let tag = Tag { exchange, round: leaf.0 };
                let (from, to) = if inwards { (leaf, Rank(0)) } else { (Rank(0), leaf) };
                if rank == from {
                    send(&mut transport, to, tag, &[length]).expect("a message that is taken");
                } else if rank == to {
                    rounds(&mut transport, |rounds| receive(rounds, (from, to), tag, &[length], PATIENCE))
                        .expect("a message");
                }
            }
        }
    }
}

fn empty<X: Transport>(mut transport: X) {
    for exchange in [0, 2] {
        rounds(&mut transport, |rounds| {
            let ticket = rounds.begin(Tag { exchange, round: 3 }, None, None, PATIENCE).expect("a round");
            rounds.finish(ticket, PATIENCE, &mut |_| panic!("a piece of nothing")).expect("its end");
            rounds.wait_sent(PATIENCE).expect("nothing to wait for");
        });
        ring(&mut transport, Tag { exchange: exchange + 1, round: 0 }, &[16]).expect("an exchange");
    }
}

/// Each rank sends the next one two messages more than it gets, and leaves.
fn chain<X: Transport>(mut transport: X) {
    let (rank, last) = (transport.rank(), transport.size() - 1);
    let lengths = |message: u32| [[24, 5000, LONG][message as usize % 3]];
    let tag = |message| Tag { exchange: message as u64, round: message };
    for message in 0..2 * rank.0 {
        let ends = (Rank(rank.0 - 1), rank);
        rounds(&mut transport, |rounds| receive(rounds, ends, tag(message), &lengths(message), PATIENCE))
            .expect("a message");
    }
    for message in 0..2 * (rank.0 + 1) {
        if rank.0 < last {
            send(&mut transport, Rank(rank.0 + 1), tag(message), &lengths(message))
                .expect("a message that is taken");
        }
    }
}

fn revoked<X: Transport>(mut transport: X) {
    for exchange in 0..3 {
        transport.revoke();
        transport.revoke();
        ring(&mut transport, Tag { exchange, round: 0 }, &[64, 8]).expect("an exchange");
    }
}
