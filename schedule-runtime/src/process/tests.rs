//! What peers write that belong to another user, or that are not what they should be.

use super::board::{ELSEWHERE, Place};
use super::*;
use crate::mapping::{Mapping, Pages, file};
use crate::transport::rounds;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use std::io::ErrorKind;
use std::os::fd::AsFd;

const SOON: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(30);

/// Both ranks of a group, as `user` says of each who it takes itself for.
fn join(
    name: &str,
    secrets: [&Secret; 2],
    users: [u32; 2],
    deadline: Duration,
) -> [io::Result<ProcessTransport>; 2] {
    let directory = std::env::temp_dir().join(format!("bfc-process-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let ranks = std::thread::scope(|scope| {
        let start = |rank: usize| {
            let (directory, secret, user) = (&directory, secrets[rank], users[rank]);
            let rank = Rank(rank as u32);
            scope.spawn(move || {
                ProcessTransport::join_as(Join { directory, rank, size: 2, secret, user }, deadline)
            })
        };
        [0, 1].map(start).map(|rank| rank.join().expect("no panic"))
    });
    std::fs::remove_dir_all(&directory).expect("the directory is there");
    ranks
}

fn two(name: &str) -> [ProcessTransport; 2] {
    let secret = Secret::default();
    join(name, [&secret; 2], [user::own(); 2], PATIENCE).map(|rank| rank.expect("a group"))
}

#[test]
fn ranks_of_another_user_are_neither_sought_nor_let_in() {
    let (secret, mine) = (Secret::default(), user::own());
    let [first, second] = join("seeks", [&secret; 2], [mine, mine + 1], SOON);
    let error = second.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.to_string(), format!("rank 0 belongs to user {mine}, this rank to user {}", mine + 1));
    assert_eq!(first.err().expect("an error").to_string(), "rank 1 did not come within 200ms");
    let [first, second] = join("lets", [&secret; 2], [mine + 1, mine], SOON);
    assert_eq!(first.err().expect("an error").kind(), ErrorKind::TimedOut);
    assert_eq!(second.err().expect("an error").kind(), ErrorKind::TimedOut);
}

#[test]
fn who_does_not_know_the_secret_is_turned_away() {
    let (first, second) = (Secret::random().expect("bytes"), Secret::random().expect("bytes"));
    let errors =
        join("secret", [&first, &second], [user::own(); 2], SOON).map(|rank| rank.err().expect("an error"));
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::TimedOut));
    let [first, second] = errors.map(|error| error.to_string());
    assert_eq!(first, "rank 1 did not join within 200ms: it does not know the secret");
    assert!(second.contains("it turned this rank away"), "{second}");
}

/// What rank 1 gets where rank 0 sends one part of 8 bytes and says that it lies at `place`.
fn received(name: &str, place: Place) -> Result<(), Fault> {
    let [mut sender, mut receiver] = two(name);
    let tag = Tag { exchange: 0, round: 0 };
    let mut outgoing = Outgoing::default();
    outgoing.push(tag, &[&[0; 8]], &[place]);
    outgoing.write(sender.board.edge(Rank(0), Rank(1)));
    sender.outgoing.clear();
    rounds(&mut receiver, |rounds| {
        let ticket = rounds.begin(tag, None, Some((Rank(0), &[place.bytes as usize])), SOON)?;
        rounds.finish(ticket, SOON, &mut |_| panic!("a piece of what is not there"))
    })
}

#[test]
fn places_outside_of_shared_memory_are_refused() {
    for (region, offset, bytes) in
        [(7, 0, 8), (ELSEWHERE, 0, 8), (1, u64::MAX - 3, 8), (u64::MAX - 1, 5, 1 << 60)]
    {
        let fault = received("places", Place { region, offset, bytes }).expect_err("a fault");
        assert!(matches!(fault, Fault::System { peer: Rank(0), .. }), "{fault}");
    }
    let [mut owner, mut reader] = two("bounds");
    let memory = owner.allocate(4096).expect("memory");
    let (place, _) = owner.place(memory.as_ptr(), 4096, Rank(1)).expect("it is shared");
    reader.of_peer(Rank(0), place).expect("inside");
    for (offset, bytes) in [(4096, 1), (0, 4097), (u64::MAX, 1), (1, u64::MAX)] {
        let fault = reader.of_peer(Rank(0), Place { offset, bytes, ..place }).expect_err("outside");
        assert!(fault.to_string().contains("outside of what it has shared"), "{fault}");
    }
}

#[test]
fn a_ring_that_is_too_full_is_refused() {
    let [sender, mut receiver] = two("ring");
    for written in [1, 63, u64::MAX, 1 << 40] {
        sender.board.edge(Rank(0), Rank(1)).written.0.store(written, Ordering::Release);
        let fault = receiver.read(Rank(0), HEAD, SOON, &mut |_, _| panic!("a piece of nothing"));
        assert_eq!(fault, Err(ring::malformed(Rank(0))), "{written}");
    }
}

/// Reading past the end of a file kills.
#[test]
fn memory_that_could_shrink_is_refused() {
    let open = memfd_create("open", MemfdFlags::CLOEXEC).expect("a file");
    ftruncate(&open, 8192).expect("room");
    let sealed = file(8192).expect("a file");
    for (file, bytes) in [(&open, 8192), (&sealed, 16384), (&sealed, 4096), (&sealed, 0)] {
        let error = Mapping::of_peer(file.as_fd(), bytes, Pages::Now).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
    Mapping::of_peer(&sealed, 8192, Pages::Now).expect("as long as it says");
}

#[test]
fn freed_memory_is_freed_by_peers() {
    let [mut owner, mut reader] = two("freed");
    let mut numbers = vec![];
    for _ in 0..3 {
        let memory = owner.allocate(1 << 16).expect("memory");
        let (place, _) = owner.place(memory.as_ptr(), 8, Rank(1)).expect("it is shared");
        reader.of_peer(Rank(0), place).expect("it is there");
        numbers.push(place);
    }
    for place in &numbers[..2] {
        reader.of_peer(Rank(0), *place).expect_err("it was freed");
    }
    reader.of_peer(Rank(0), numbers[2]).expect("it may be used still");
}
