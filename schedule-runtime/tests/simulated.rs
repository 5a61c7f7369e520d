//! What a simulated network does, and that it sees what ranks must not do.

use bfc_runtime::simulated::{Injected, Network, Outcome, Reads, Run, SimulatedTransport, run};
use bfc_runtime::transport::{Fault, Tag, Ticket, Transport, rounds};
use bfc_schedule::Rank;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);
const MILLISECOND: Duration = Duration::from_millis(1);

fn tag(exchange: u64) -> Tag {
    Tag { exchange, round: 0 }
}

fn hear(transport: &mut SimulatedTransport, from: Rank, exchange: u64) -> Result<(), Fault> {
    rounds(transport, |rounds| {
        let ticket = rounds.begin(tag(exchange), None, Some((from, &[8])), DEADLINE)?;
        rounds.finish(ticket, DEADLINE, &mut |_| ())
    })
}

fn say(transport: &mut SimulatedTransport, to: Rank, exchange: u64) -> Result<(), Fault> {
    let bytes = [7; 8];
    rounds(transport, |rounds| {
        let _nothing = rounds.begin(tag(exchange), Some((to, &[&bytes])), None, DEADLINE)?;
        rounds.wait_sent(DEADLINE)
    })
}

/// Messages around a ring, with a pause; who fails, and when each rank ends.
fn ring(network: Network, times: u64) -> Run<Result<(), Fault>> {
    run(4, network, |mut transport| {
        let rank = transport.rank().0;
        let (next, before) = (Rank((rank + 1) % 4), Rank((rank + 3) % 4));
        let clock = transport.clock();
        (0..times).try_for_each(|exchange| {
            clock.sleep(MILLISECOND);
            say(&mut transport, next, exchange)?;
            hear(&mut transport, before, exchange)
        })
    })
}

/// The delays of messages are at most those of the network, and small.
fn network(seed: u64) -> Network {
    Network { delay: Duration::from_micros(10), reads: Reads::Earliest, queues: true, ..Network::new(seed) }
}

#[test]
fn a_seed_is_a_run() {
    for seed in 0..20 {
        let fault = Injected::Kill { rank: Rank(1), at: 3 * MILLISECOND };
        let again = || ring(Network::new(seed).with(fault), 5);
        assert_eq!(again(), again(), "seed {seed}");
    }
    let digests = (0..20).map(|seed| ring(Network::new(seed), 5).digest);
    let different: std::collections::BTreeSet<u64> = digests.collect();
    assert_eq!(different.len(), 20);
}

#[test]
fn a_killed_rank_is_seen_to_leave() {
    let run = ring(network(1).with(Injected::Kill { rank: Rank(2), at: 3 * MILLISECOND }), 10);
    let failed =
        |peer| Outcome::Ended(Err(Fault::Failed { peer, reason: "it ended before its peers".into() }));
    assert_eq!(run.ranks[2], Outcome::Lost);
    assert_eq!(run.ranks[3], Outcome::Ended(Err(Fault::Left { peer: Rank(2) })));
    assert_eq!([&run.ranks[0], &run.ranks[1]], [&failed(Rank(2)); 2]);
    assert!(run.ended.iter().all(|ended| *ended < 6 * MILLISECOND), "{:?}", run.ended);
}

#[test]
fn a_stopped_rank_is_late_or_never_comes() {
    for (lasts, is_late) in [(Some(DEADLINE / 2), false), (Some(2 * DEADLINE), true), (None, true)] {
        let run = ring(network(2).with(Injected::Stop { rank: Rank(2), at: 3 * MILLISECOND, lasts }), 10);
        let late = Outcome::Ended(Err(Fault::Deadline { peer: Rank(2), waited: DEADLINE }));
        assert_eq!(run.ranks[3] == late, is_late, "{lasts:?}: {:?}", run.ranks[3]);
        assert_eq!(run.ranks.iter().all(|rank| *rank == Outcome::Ended(Ok(()))), !is_late, "{:?}", run.ranks);
        assert_eq!(run.ranks[2] == Outcome::Lost, lasts.is_none());
        // Virtual.
        assert!(run.ended[3] > DEADLINE / 2);
    }
}

#[test]
fn a_lost_message_is_a_deadline() {
    let run = ring(network(3).with(Injected::Lose { from: Rank(0), to: Rank(1), message: 4 }), 10);
    assert_eq!(run.ranks[1], Outcome::Ended(Err(Fault::Deadline { peer: Rank(0), waited: DEADLINE })));
    assert!(run.ended.iter().all(|ended| *ended >= DEADLINE && *ended < DEADLINE + 20 * MILLISECOND));
}

/// Messages of one pair keep their order, those of different pairs do not.
#[test]
fn messages_of_different_ranks_overtake_each_other() {
    let order = |seed| {
        let arrivals = std::sync::Mutex::new(vec![]);
        let network = Network { delay: MILLISECOND, ..network(seed) };
        run(5, network, |mut transport| match transport.rank() {
            Rank(0) => {}
            rank => {
                let next = Rank(rank.0 % 4 + 1);
                say(&mut transport, next, 0).expect("sent");
                hear(&mut transport, Rank((rank.0 + 2) % 4 + 1), 0).expect("heard");
                arrivals.lock().expect("no panic").push(rank.0);
            }
        });
        arrivals.into_inner().expect("no panic")
    };
    let orders: std::collections::BTreeSet<Vec<u32>> = (0..200).map(order).collect();
    assert!(orders.len() > 12, "{orders:?}");
}

/// Two ranks, of which the first does what `body` does and the second receives a message, in networks of all kinds; each
/// panics with `message`.
fn assert_is_seen(message: &str, body: impl Fn(&mut SimulatedTransport) + Sync) {
    for seed in 0..30 {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(2, Network::new(seed), |mut transport| match transport.rank() {
                Rank(0) => body(&mut transport),
                _ => drop(hear(&mut transport, Rank(0), 0)),
            })
        }));
        let text = panic.expect_err("a panic").downcast::<String>().expect("a message");
        assert!(text.contains(message) && text.contains(&format!("seed {seed}:")), "{text}");
    }
}

/// Begins to send `bytes` to rank 1.
fn begin(transport: &mut SimulatedTransport, exchange: u64, bytes: *const [u8]) -> Result<Ticket, Fault> {
    // SAFETY: what the tests do to the memory is what they are about; it is there until the end.
    unsafe { transport.begin(tag(exchange), Some((Rank(1), &[&*bytes])), None, DEADLINE) }
}

#[test]
fn writing_to_memory_in_flight_is_seen() {
    assert_is_seen("rank 0 wrote to memory in flight to rank 1: exchange 0, round 0, part 0, byte 3", |x| {
        let mut bytes = [0; 8];
        let address: *mut [u8] = &raw mut bytes;
        let _pending = begin(x, 0, address).expect("begun");
        // SAFETY: the memory is there; that it is in flight is what is to be seen.
        unsafe { (&mut *address)[3] = 1 };
        if x.wait_sent(DEADLINE).is_err() {
            x.revoke();
        }
    });
}

#[test]
fn leaving_with_memory_in_flight_is_seen() {
    assert_is_seen("rank 0 leaves without `wait_sent` or `revoke`", |x| {
        static BYTES: [u8; 8] = [0; 8];
        let _pending = begin(x, 0, &raw const BYTES).expect("begun");
    });
}

#[test]
fn sending_twice_is_seen() {
    assert_is_seen("rank 0 sends to rank 1 twice without `wait_sent`", |x| {
        let bytes = [0; 8];
        let _first = begin(x, 0, &raw const bytes).expect("begun");
        let _second = begin(x, 1, &raw const bytes);
        x.revoke();
    });
}

#[test]
fn finishing_out_of_order_is_seen() {
    assert_is_seen("rank 0 finishes exchange 1, round 0 out of order", |x| {
        rounds(x, |rounds| {
            let from = Some((Rank(1), &[8][..]));
            let _first = rounds.begin(tag(0), None, from, DEADLINE).expect("begun");
            let second = rounds.begin(tag(1), None, from, DEADLINE).expect("begun");
            rounds.finish(second, MILLISECOND, &mut |_| ()).expect_err("nothing comes");
        });
    });
}

#[test]
#[should_panic(expected = "simulated network of seed 5: rank 0 waits for ever")]
fn waiting_for_ever_is_seen() {
    run(2, Network::new(5), |mut transport| {
        let peer = Rank(1 - transport.rank().0);
        rounds(&mut transport, |rounds| {
            let ticket = rounds.begin(tag(0), None, Some((peer, &[8])), Duration::MAX)?;
            rounds.finish(ticket, Duration::MAX, &mut |_| ())
        })
    });
}
