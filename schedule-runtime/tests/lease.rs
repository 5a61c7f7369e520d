//! What a seat refuses, and a pair over plain memory. Small enough for Miri:
//! `cargo +nightly miri test -p bfc-runtime --test lease`.
#![cfg(not(feature = "loom"))]

use bfc_runtime::lease::{Seat, Taken, seats};
use std::thread::{scope, yield_now};

fn seated() -> [Seat<u8>; 2] {
    let mut seats = seats([0, 0]);
    for seat in &mut seats {
        assert!(seat.arrive(|offer| *offer = 1));
    }
    seats
}

#[test]
fn the_first_to_leave_is_not_joined_and_the_second_is() {
    let [mut first, mut second] = seated();
    first.leave();
    assert!(!first.is_joined() && second.is_joined());
    assert_eq!(second.peer(|offer| *offer), 1);
    assert!(!first.arrive(|_| ()), "the second may still look");
    second.leave();
    assert!(!first.is_joined() && !second.is_joined());
    assert!(first.arrive(|_| ()));
}

#[test]
#[should_panic(expected = "no peer to look at")]
fn the_first_to_leave_sees_nothing() {
    let [mut first, _second] = seated();
    first.leave();
    first.peer(|offer| *offer);
}

#[test]
#[should_panic(expected = "no peer to share chunks with")]
fn an_empty_table_has_no_chunks() {
    let [mut alone, _] = seats([0, 0]);
    alone.take(1);
}

#[test]
#[should_panic(expected = "no peer to share chunks with")]
fn the_first_to_leave_gets_no_more_chunks() {
    let [mut first, _second] = seated();
    first.leave();
    first.take(1);
}

#[test]
#[should_panic(expected = "no peer to leave")]
fn nobody_leaves_for_the_peer() {
    let [mut first, _second] = seated();
    first.leave();
    first.leave();
}

/// An address that may cross threads.
#[derive(Clone, Copy)]
struct Memory(*mut u64);

// SAFETY: followed for chunks that the lease gives to one thread only.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

const CHUNKS: usize = 5;

/// Adds 1 to every chunk of both memories, together with the peer; then owns its own again.
fn meet(seat: &mut Seat<Memory>, own: &mut [u64; CHUNKS]) {
    let mine = Memory(own.as_mut_ptr());
    while !seat.arrive(|offer| *offer = mine) {
        yield_now();
    }
    while !seat.is_joined() {
        yield_now();
    }
    while let Taken::Chunk(index, work) = seat.take(CHUNKS as u32) {
        let theirs = work.peer(|offer| *offer);
        for Memory(memory) in [mine, theirs] {
            // SAFETY: the chunk is this thread's in both memories while `work` lives, and both outlive the meeting.
            unsafe { *memory.add(index as usize) += 1 };
        }
    }
    while !seat.is_complete(CHUNKS as u32) {
        yield_now();
    }
    seat.leave();
}

#[test]
fn two_threads_meet_again_and_again() {
    const TIMES: u64 = 20;
    let [mut mine, mut theirs] = seats([Memory(std::ptr::null_mut()); 2]);
    let run = |seat: &mut Seat<Memory>| {
        let mut own = [0; CHUNKS];
        for times in 1..=TIMES {
            meet(seat, &mut own);
            assert_eq!(own, [times; CHUNKS]);
        }
    };
    scope(|scope| {
        scope.spawn(|| run(&mut mine));
        run(&mut theirs);
    });
}
