//! What all ranks of a group see: who has failed or left, their bells, and for each ordered pair of ranks the ring of its
//! messages and its half of what [exchanges in place](super::pair) need.
//!
//! One file for the group, which rank 0 makes: so the first failure is the first for all. Pages that no pair of ranks uses
//! take no memory.

use super::bell::Bell;
use crate::mapping::{Mapping, Pages, file};
use crate::transport::{Fault, PairWeights, Tag};
use crate::undo;
use bfc_schedule::{Rank, visible};
use std::cell::UnsafeCell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The longest reason of a failure, in bytes.
const REASON: usize = 1024;
/// The bytes of messages that are on their way from one rank to another; a multiple of 64.
pub(super) const RING: usize = 256 << 10;
/// What is exchanged in place at a time, and can be undone. Larger blocks fall out of the first cache.
pub(super) const BLOCK: usize = 2 << 10;
/// The bytes of an exchange in place that may lie in memory that is not shared.
pub(super) const STAGING: usize = 64 << 10;
/// The most parts of an exchange in place.
pub(super) const PARTS: usize = 32;

/// The length of what ranks map first; different where they are different programs.
pub(super) const LAYOUT: u32 = (size_of::<Head>() + size_of::<Member>() + size_of::<Edge>()) as u32;

pub(super) struct Board {
    mapping: Mapping,
    size: u32,
}

#[repr(C, align(128))]
struct Head {
    /// The first rank that failed, plus 1.
    first: AtomicU32,
}

/// What a rank shows all others.
#[repr(C)]
struct Member {
    bell: Bell,
    left: AtomicU32,
    /// Written once, before this rank tries to be the first that failed.
    failure: UnsafeCell<Failure>,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Failure {
    origin: u32,
    length: u32,
    reason: [u8; REASON],
}

/// From one rank to another.
#[repr(C, align(4096))]
pub(super) struct Edge {
    /// The bytes that have been written into the ring, and read from it, since the beginning.
    pub(super) written: Line<AtomicU64>,
    pub(super) read: Line<AtomicU64>,
    /// The messages that have been received.
    pub(super) received: Line<AtomicU64>,
    /// Of both directions; that of the edge from the lower rank to the higher one is used.
    pub(super) table: undo::Table,
    pub(super) offer: UnsafeCell<Offer>,
    /// The old values of a block of the sending rank's memory, and of the peer's.
    pub(super) scratch: UnsafeCell<[[u8; BLOCK]; 2]>,
    pub(super) staging: UnsafeCell<[u8; STAGING]>,
    pub(super) ring: UnsafeCell<[u8; RING]>,
}

/// On cache lines of its own; the adjacent one is fetched, too.
#[repr(C, align(128))]
pub(super) struct Line<T>(pub(super) T);

/// What a rank offers in an exchange in place. Any bytes are an offer, if not one that can be accepted.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Offer {
    pub(super) weights: PairWeights,
    /// How many bytes in how many parts.
    pub(super) bytes: u64,
    pub(super) parts: u64,
    pub(super) places: [Place; PARTS],
    pub(super) tag: [u8; Tag::BYTES],
}

/// Where a part lies: in a region that its rank shares, or in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Place {
    /// Its number; 0 is the staging of the edge, or the ring.
    pub(super) region: u64,
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

/// A place that no rank can reach: the memory is not shared.
pub(super) const ELSEWHERE: u64 = u64::MAX;

impl Board {
    /// A new board for so many ranks, and its file.
    pub(super) fn new(size: u32) -> io::Result<(Self, OwnedFd)> {
        let file = file(length(size))?;
        Ok((Self { mapping: Mapping::new(&file, length(size), Pages::WhenTouched)?, size }, file))
    }

    /// The board that another rank has made.
    pub(super) fn of_peer(file: impl AsFd, size: u32) -> io::Result<Self> {
        Ok(Self { mapping: Mapping::of_peer(file, length(size), Pages::WhenTouched)?, size })
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: the callers below ask for offsets inside of the mapping.
        unsafe { self.mapping.address().as_ptr().add(offset) }
    }

    fn head(&self) -> &Head {
        // SAFETY: a head lies there, aligned, as long as the mapping; all bytes are one, and it is changed atomically.
        unsafe { &*self.at(0).cast() }
    }

    fn member(&self, rank: Rank) -> &Member {
        assert!(rank.0 < self.size, "rank {rank} of {}", self.size);
        // SAFETY: as in `head`; what is not atomic is in a cell.
        unsafe { &*self.at(members() + rank.index() * size_of::<Member>()).cast() }
    }

    pub(super) fn edge(&self, from: Rank, to: Rank) -> &Edge {
        assert!(from.0 < self.size && to.0 < self.size, "ranks {from} and {to} of {}", self.size);
        let index = from.index() * self.size as usize + to.index();
        // SAFETY: as in `head`; what is not atomic is in a cell.
        unsafe { &*self.at(edges(self.size) + index * size_of::<Edge>()).cast() }
    }

    /// This rank's side of the table that it shares with a peer.
    pub(super) fn side(&self, rank: Rank, peer: Rank) -> undo::Side<'_> {
        self.edge(rank.min(peer), rank.max(peer)).table.side(usize::from(rank > peer))
    }

    pub(super) fn bell(&self, rank: Rank) -> &Bell {
        &self.member(rank).bell
    }

    fn ring_all(&self) {
        (0..self.size).for_each(|rank| self.bell(Rank(rank)).ring());
    }

    pub(super) fn has_left(&self, rank: Rank) -> bool {
        self.member(rank).left.load(Ordering::Acquire) != 0
    }

    /// `rank` is there no more.
    pub(super) fn leave(&self, rank: Rank) {
        self.member(rank).left.store(1, Ordering::Release);
        self.ring_all();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.head().first.load(Ordering::Acquire) != 0
    }

    /// The failure that came first.
    pub(super) fn failure(&self) -> Option<Fault> {
        let first = self.head().first.load(Ordering::Acquire).checked_sub(1)?;
        let rank = Rank(first).min(Rank(self.size - 1));
        // SAFETY: it was written before its rank became the first, and never again; any bytes are one.
        let Failure { origin, length, reason } = unsafe { self.member(rank).failure.get().read_volatile() };
        let text = String::from_utf8_lossy(&reason[..REASON.min(length as usize)]).into_owned();
        Some(Fault::Failed { peer: Rank(origin), reason: visible::line(&text).into_owned() })
    }

    /// Tells all ranks that `rank` has failed because of `origin`, unless one has before. A rank says so once.
    pub(super) fn fail(&self, rank: Rank, origin: Rank, reason: &str) {
        let length = reason.len().min(REASON);
        let mut failure = Failure { origin: origin.0, length: length as u32, reason: [0; REASON] };
        failure.reason[..length].copy_from_slice(&reason.as_bytes()[..length]);
        let first = &self.head().first;
        if first.load(Ordering::Acquire) == 0 {
            // SAFETY: nobody reads it before the exchange below, and this rank is here once before that succeeds for some rank.
            unsafe { self.member(rank).failure.get().write(failure) };
            if first.compare_exchange(0, rank.0 + 1, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                self.ring_all();
            }
        }
    }
}

fn members() -> usize {
    size_of::<Head>()
}

fn edges(size: u32) -> usize {
    (members() + size as usize * size_of::<Member>()).next_multiple_of(align_of::<Edge>())
}

fn length(size: u32) -> usize {
    edges(size) + (size as usize).pow(2) * size_of::<Edge>()
}
