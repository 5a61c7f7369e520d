//! Where the threads of a group meet: their bells, the leases between them, and who has failed or left.

use super::Message;
use super::pair::{PairSeat, new_seats};
use crate::bell::Bell;
use crate::lease::{Owner, Reader, lease};
use crate::transport::Fault;
use bfc_schedule::Rank;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

/// What a group of threads shares.
pub(super) struct Hub {
    members: Vec<Member>,
    failure: OnceLock<(Rank, String)>,
    unclaimed: Mutex<Unclaimed>,
}

#[derive(Default)]
struct Member {
    bell: Bell,
    left: AtomicBool,
}

/// Halves of leases whose other half has been fetched; keys are (from, to).
#[derive(Default)]
struct Unclaimed {
    owners: BTreeMap<(Rank, Rank), Owner<Message>>,
    readers: BTreeMap<(Rank, Rank), Reader<Message>>,
    seats: BTreeMap<(Rank, Rank), PairSeat>,
}

impl Hub {
    pub(super) fn new(size: u32) -> Self {
        Self {
            members: (0..size).map(|_| Member::default()).collect(),
            failure: OnceLock::new(),
            unclaimed: Mutex::default(),
        }
    }

    pub(super) fn size(&self) -> u32 {
        self.members.len() as u32
    }

    fn unclaimed(&self) -> MutexGuard<'_, Unclaimed> {
        self.unclaimed.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn owner(&self, from: Rank, to: Rank) -> Owner<Message> {
        let mut unclaimed = self.unclaimed();
        unclaimed.owners.remove(&(from, to)).unwrap_or_else(|| {
            let (owner, reader) = lease(Message::default());
            unclaimed.readers.insert((from, to), reader);
            owner
        })
    }

    pub(super) fn reader(&self, from: Rank, to: Rank) -> Reader<Message> {
        let mut unclaimed = self.unclaimed();
        unclaimed.readers.remove(&(from, to)).unwrap_or_else(|| {
            let (owner, reader) = lease(Message::default());
            unclaimed.owners.insert((from, to), owner);
            reader
        })
    }

    /// The seat of `rank` at the table that it shares with `peer`.
    pub(super) fn seat(&self, rank: Rank, peer: Rank) -> PairSeat {
        let mut unclaimed = self.unclaimed();
        unclaimed.seats.remove(&(rank, peer)).unwrap_or_else(|| {
            let [mine, theirs] = new_seats();
            unclaimed.seats.insert((peer, rank), theirs);
            mine
        })
    }

    /// Waits at the bell of `rank` until `ready`, or until something makes waiting for `peer` vain.
    pub(super) fn wait(
        &self,
        rank: Rank,
        peer: Rank,
        deadline: Duration,
        ready: impl Fn() -> bool,
    ) -> Result<(), Fault> {
        let vain = || self.failure.get().is_some() || self.members[peer.index()].left.load(Ordering::Acquire);
        let bell = &self.members[rank.index()].bell;
        match bell.wait(deadline, || ready() || vain()) {
            false => Err(Fault::Deadline { peer, waited: deadline }),
            true if vain() => Err(self.failure(peer)),
            true => Ok(()),
        }
    }

    pub(super) fn ring(&self, rank: Rank) {
        self.members[rank.index()].bell.ring();
    }

    /// Why waiting for `peer` is vain.
    pub(super) fn failure(&self, peer: Rank) -> Fault {
        match self.failure.get() {
            Some((peer, reason)) => Fault::Failed { peer: *peer, reason: reason.clone() },
            None => Fault::Left { peer },
        }
    }

    /// Why `peer` has revoked an exchange in place, which it may be about to say.
    pub(super) fn why(&self, rank: Rank, peer: Rank, deadline: Duration) -> Fault {
        self.wait(rank, peer, deadline, || false).err().unwrap_or(Fault::Left { peer })
    }

    /// The first rank that failed.
    pub(super) fn first_failure(&self) -> Option<Rank> {
        self.failure.get().map(|(rank, _)| *rank)
    }

    /// Tells all ranks that `rank` has failed, or whom its fault blames.
    pub(super) fn fail(&self, rank: Rank, fault: &Fault) {
        match fault {
            Fault::Left { peer } => self.fail_because(*peer, "it ended before its peers"),
            _ => self.fail_because(rank, &fault.to_string()),
        }
    }

    /// Tells all ranks that `rank` has failed, unless one has before.
    pub(super) fn fail_because(&self, rank: Rank, reason: &str) {
        if self.failure.set((rank, reason.to_owned())).is_ok() {
            self.ring_all();
        }
    }

    /// `rank` is there no more.
    pub(super) fn leave(&self, rank: Rank) {
        self.members[rank.index()].left.store(true, Ordering::Release);
        self.ring_all();
    }

    fn ring_all(&self) {
        self.members.iter().for_each(|member| member.bell.ring());
    }
}
