//! Every interleaving of the lock-free parts. Run with
//! `cargo test -p bfc-runtime --features loom --test loom`.

use bfc_runtime::bell::Bell;
use bfc_runtime::lease::{Seat, Taken, lease, seats};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::{spawn, yield_now};
use std::time::Duration;

/// Memory whose unordered accesses loom refuses.
struct Memory(UnsafeCell<u32>);

// SAFETY: loom checks that accesses are ordered; that they are is what is tested.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Memory {
    fn new(value: u32) -> Arc<Self> {
        Arc::new(Self(UnsafeCell::new(value)))
    }

    fn get(&self) -> u32 {
        // SAFETY: see above.
        self.0.with(|value| unsafe { *value })
    }

    fn change(&self, change: impl FnOnce(u32) -> u32) {
        // SAFETY: see above.
        self.0.with_mut(|value| unsafe { *value = change(*value) });
    }
}

/// Two preemptions at the wrong moment show most of what there is to see (Musuvathi and Qadeer, 2007); without a bound
/// there is no end.
fn model(body: impl Fn() + Sync + Send + 'static) {
    bounded(2, body);
}

fn bounded(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

fn wait(ready: impl Fn() -> bool) {
    while !ready() {
        yield_now();
    }
}

#[test]
fn a_closed_lease_returns_the_memory() {
    model(|| {
        let memory = Memory::new(1);
        let (mut owner, mut reader) = lease(None::<Arc<Memory>>);
        let peer = spawn(move || {
            for expected in [1, 2] {
                wait(|| reader.is_open());
                let claim = reader.claim().expect("open");
                assert_eq!(claim.with(|memory| memory.as_ref().expect("a message").get()), expected);
                drop(claim);
                reader.close();
            }
        });
        for _ in 0..2 {
            assert!(owner.open(|message| *message = Some(memory.clone())));
            wait(|| owner.is_closed());
            memory.change(|value| value + 1);
        }
        peer.join().expect("no panic");
    });
}

#[test]
fn a_revoked_lease_returns_the_memory() {
    model(|| {
        let memory = Memory::new(1);
        let (mut owner, mut reader) = lease(None::<Arc<Memory>>);
        let peer = spawn(move || {
            for _ in 0..2 {
                if let Some(claim) = reader.claim() {
                    assert_eq!(claim.with(|memory| memory.as_ref().expect("a message").get()), 1);
                }
            }
        });
        assert!(owner.open(|message| *message = Some(memory.clone())));
        owner.revoke();
        memory.change(|_| 2);
        assert!(!owner.open(|_| ()));
        peer.join().expect("no panic");
    });
}

type Pair = [Arc<Memory>; 2];

/// Two chunks of both memories.
fn chunks() -> [Pair; 2] {
    [[Memory::new(0), Memory::new(0)], [Memory::new(0), Memory::new(0)]]
}

fn exchange(seat: &mut Seat<()>, total: u32, chunks: &[Pair]) -> bool {
    wait(|| seat.is_joined() || seat.is_revoked());
    if !seat.is_joined() {
        return false;
    }
    loop {
        match seat.take(total) {
            Taken::Chunk(index, work) => {
                chunks[index as usize].iter().for_each(|memory| memory.change(|value| value + 1));
                drop(work);
            }
            Taken::Exhausted => break,
            Taken::Revoked => return false,
        }
    }
    wait(|| seat.is_complete(total) || seat.is_revoked());
    seat.is_complete(total)
}

#[test]
fn a_pair_shares_out_all_chunks_and_parts() {
    model(|| {
        let memory = chunks();
        let [mut mine, mut theirs] = seats([(), ()]);
        let shared = memory.clone();
        let peer = spawn(move || {
            assert!(theirs.arrive(|_| ()));
            assert!(exchange(&mut theirs, 2, &shared));
            theirs.leave();
            // Its own memory is its own again.
            shared.iter().for_each(|chunk| chunk[1].change(|value| value + 10));
        });
        assert!(mine.arrive(|_| ()));
        assert!(exchange(&mut mine, 2, &memory));
        mine.leave();
        assert!(memory.iter().all(|chunk| chunk[0].get() == 1));
        peer.join().expect("no panic");
        assert!(memory.iter().all(|chunk| chunk[1].get() == 11));
    });
}

#[test]
fn a_pair_meets_again() {
    bounded(1, || {
        let memory = chunks();
        let [mut mine, mut theirs] = seats([(), ()]);
        let shared = memory.clone();
        let twice = |seat: &mut Seat<()>, own: usize, memory: &[Pair; 2]| {
            for round in 1..=2 {
                while !seat.arrive(|_| ()) {
                    yield_now();
                }
                assert!(exchange(seat, 1, memory));
                seat.leave();
                assert_eq!(memory[0][own].get(), round);
            }
        };
        let peer = spawn(move || twice(&mut theirs, 1, &shared));
        twice(&mut mine, 0, &memory);
        peer.join().expect("no panic");
    });
}

#[test]
fn a_side_that_has_left_does_not_see_what_the_peer_offers_next() {
    model(|| {
        let [mut mine, mut theirs] = seats([0, 0]);
        let peer = spawn(move || {
            assert!(theirs.arrive(|offer| *offer = 1));
            wait(|| theirs.is_joined());
            theirs.leave();
            wait(|| theirs.is_free());
            assert!(theirs.arrive(|offer| *offer = 2));
        });
        assert!(mine.arrive(|offer| *offer = 1));
        wait(|| mine.is_joined());
        assert_eq!(mine.peer(|offer| *offer), 1);
        mine.leave();
        if mine.is_joined() {
            mine.peer(|offer| *offer);
        }
        peer.join().expect("no panic");
    });
}

#[test]
fn a_revoked_pair_returns_the_memory() {
    model(|| {
        let memory = chunks();
        let [mut mine, mut theirs] = seats([(), ()]);
        let shared = memory.clone();
        let peer = spawn(move || {
            if theirs.arrive(|_| ()) {
                exchange(&mut theirs, 2, &shared);
                theirs.revoke();
                shared.iter().for_each(|chunk| chunk[1].change(|value| value + 10));
            }
        });
        assert!(mine.arrive(|_| ()));
        mine.revoke();
        memory.iter().for_each(|chunk| chunk[0].change(|value| value + 10));
        peer.join().expect("no panic");
    });
}

#[test]
fn one_of_two_withdraws_before_the_other_comes() {
    model(|| {
        let [mut mine, mut theirs] = seats([(), ()]);
        let peer = spawn(move || {
            assert!(theirs.arrive(|_| ()));
            theirs.is_joined()
        });
        assert!(mine.arrive(|_| ()));
        let withdrew = mine.withdraw();
        let met = peer.join().expect("no panic");
        assert!(!(withdrew && mine.is_joined()));
        assert!(withdrew || mine.is_joined());
        assert!(!met || !withdrew || !mine.is_joined());
    });
}

#[test]
fn a_bell_is_not_missed() {
    model(|| {
        let bell = Arc::new(Bell::default());
        let flag = Arc::new(AtomicBool::new(false));
        let (its_bell, its_flag) = (bell.clone(), flag.clone());
        let peer = spawn(move || {
            its_flag.store(true, Ordering::Release);
            its_bell.ring();
        });
        assert!(bell.wait(Duration::from_secs(1000), || flag.load(Ordering::Acquire)));
        peer.join().expect("no panic");
    });
}
