//! Every interleaving of the lock-free parts. Run with
//! `cargo test -p bfc-runtime --features loom --test loom`.

use bfc_runtime::bell::Bell;
use bfc_runtime::lease::{Seat, Taken, lease, seats};
use bfc_runtime::undo;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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

/// Blocks of a chunk.
const BLOCKS: u32 = 2;

/// What two processes share: each memory, and each side's scratch, which holds a block of both memories.
#[derive(Default)]
struct Shared {
    table: undo::Table,
    memories: [[AtomicU32; 2 * BLOCKS as usize]; 2],
    scratch: [[AtomicU32; 2]; 2],
}

impl Shared {
    /// Works on chunks until none is left or the other side revokes, or `steps` steps are done.
    fn work(&self, side: usize, total: u32, mut steps: u32) {
        let seat = self.table.side(side);
        let mut stops = || {
            steps = steps.saturating_sub(1);
            steps == 0
        };
        while let undo::Taken::Chunk(chunk) = seat.take(total) {
            for block in 0..BLOCKS {
                let word = (chunk * BLOCKS + block) as usize;
                if stops() {
                    return;
                }
                for (memory, scratch) in self.memories.iter().zip(&self.scratch[side]) {
                    scratch.store(memory[word].load(Ordering::Relaxed), Ordering::Relaxed);
                }
                if stops() || !seat.save() {
                    return;
                }
                for memory in &self.memories {
                    if stops() {
                        return;
                    }
                    memory[word].store(memory[word].load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
                if stops() || !seat.advance(block + 1 == BLOCKS) {
                    return;
                }
            }
        }
    }

    /// What the memory of `side` is after it has revoked: a copy, with the old values of blocks that are not complete.
    fn revoked(&self, side: usize, total: u32) -> Vec<u32> {
        let undone = self.table.side(side).revoke(total);
        let mut copy: Vec<u32> =
            self.memories[side].iter().map(|word| word.load(Ordering::Relaxed)).collect();
        for (place, saved_by) in undone.into_iter().zip([side, 1 - side]) {
            if let Some(place) = place {
                let word = (place.chunk * BLOCKS + place.block) as usize;
                copy[word] = self.scratch[saved_by][side].load(Ordering::Relaxed);
            }
        }
        copy
    }

    fn sit_down(&self) {
        (0..2).for_each(|side| assert!(self.table.side(side).arrive(|| ())));
    }
}

#[test]
fn blocks_in_place_are_shared_out_once() {
    bounded(2, || {
        let shared = Arc::new(Shared::default());
        shared.sit_down();
        let peer = spawn({
            let shared = shared.clone();
            move || {
                shared.work(1, 2, u32::MAX);
                wait(|| shared.table.side(1).is_complete(2));
                shared.memories[1].iter().all(|word| word.load(Ordering::Relaxed) == 1)
            }
        });
        shared.work(0, 2, u32::MAX);
        wait(|| shared.table.side(0).is_complete(2));
        assert!(shared.memories[0].iter().all(|word| word.load(Ordering::Relaxed) == 1));
        assert!(peer.join().expect("no panic"));
    });
}

#[test]
fn a_revoked_block_is_in_both_memories_or_in_neither() {
    bounded(3, || {
        let shared = Arc::new(Shared::default());
        shared.sit_down();
        let peer = spawn({
            let shared = shared.clone();
            move || {
                shared.work(1, 1, u32::MAX);
                shared.revoked(1, 1)
            }
        });
        let mine = shared.revoked(0, 1);
        let theirs = peer.join().expect("no panic");
        assert_eq!(mine[..BLOCKS as usize], theirs[..BLOCKS as usize]);
    });
}

#[test]
fn the_survivor_completes_what_the_dead_has_begun() {
    // Past all steps of a side that works alone.
    for steps in 1..=2 * (BLOCKS * 5) + 1 {
        bounded(1, move || {
            let shared = Shared::default();
            shared.sit_down();
            shared.work(1, 2, steps);
            shared.work(0, 2, u32::MAX);
            if let Some(place) = shared.table.side(0).take_over(2) {
                let first = place.chunk * BLOCKS;
                if place.is_saved {
                    let copy = shared.scratch[1][0].load(Ordering::Relaxed);
                    shared.memories[0][(first + place.block) as usize].store(copy, Ordering::Relaxed);
                }
                for word in first + place.block..first + BLOCKS {
                    let word = &shared.memories[0][word as usize];
                    word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
            }
            assert!(shared.memories[0].iter().all(|word| word.load(Ordering::Relaxed) == 1), "{steps} steps");
        });
    }
}
