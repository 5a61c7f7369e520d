//! The threads of a simulation: one runs at a time, and hands on to the one whose turn is next.

use super::SimulatedTransport;
use super::network::Network;
use super::world::{Time, World};
use crate::local::panic_message;
use bfc_schedule::Rank;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The results of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run<R> {
    /// By rank.
    pub ranks: Vec<Outcome<R>>,
    /// When each rank ended; for one that was stopped for ever, when nothing happened any more.
    pub ended: Vec<Duration>,
    /// Equal where two runs were the same, event for event.
    pub digest: u64,
}

/// How a rank ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<R> {
    /// Its body returned.
    Ended(R),
    /// Its body panicked and said this.
    Panicked(String),
    /// It was killed, or stopped for ever.
    Lost,
}

impl<R> Outcome<R> {
    /// What the body returned.
    pub fn ended(self) -> Option<R> {
        match self {
            Self::Ended(result) => Some(result),
            Self::Panicked(_) | Self::Lost => None,
        }
    }
}

pub(super) type Guard<'a> = MutexGuard<'a, World>;

pub(super) struct Shared {
    world: Mutex<World>,
    bells: Vec<Condvar>,
}

/// What the thread of a killed rank unwinds with.
struct Killed;

impl Shared {
    pub(super) fn lock(&self) -> Guard<'_> {
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets others run until a time, or, if it is wakeable, until something concerns the rank. Unwinds where the rank is
    /// killed meanwhile.
    pub(super) fn park<'s>(
        &'s self,
        mut world: Guard<'s>,
        rank: Rank,
        until: Time,
        wakeable: bool,
    ) -> Guard<'s> {
        // The peer could leave meanwhile, and free memory that the kernel still writes to.
        assert!(!world.in_kernel, "a kernel of `pair` lets time pass");
        world.park(rank, until, wakeable);
        self.hand_on(&mut world);
        let world = self.turn(world, rank);
        if world.ranks[rank.index()].killed {
            drop(world);
            resume_unwind(Box::new(Killed));
        }
        world
    }

    fn hand_on(&self, world: &mut Guard<'_>) {
        world.dispatch();
        if let Some(next) = world.running {
            self.bells[next.index()].notify_one();
        }
    }

    fn turn<'s>(&'s self, mut world: Guard<'s>, rank: Rank) -> Guard<'s> {
        while world.running != Some(rank) {
            let waited = self.bells[rank.index()].wait(world);
            world = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        world
    }

    /// Runs the body of a rank in its turns.
    fn rank<R>(
        self: &Arc<Self>,
        rank: Rank,
        size: u32,
        body: &impl Fn(SimulatedTransport) -> R,
    ) -> Outcome<R> {
        let world = self.turn(self.lock(), rank);
        let killed = world.ranks[rank.index()].killed;
        drop(world);
        let run = || body(SimulatedTransport::new(rank, size, self.clone()));
        let outcome = match killed {
            true => Outcome::Lost,
            false => match catch_unwind(AssertUnwindSafe(run)) {
                Ok(result) => Outcome::Ended(result),
                Err(panic) if panic.is::<Killed>() => Outcome::Lost,
                Err(panic) => Outcome::Panicked(panic_message(panic)),
            },
        };
        let mut world = self.lock();
        let now = world.now;
        world.ranks[rank.index()].ended = Some(now);
        self.hand_on(&mut world);
        outcome
    }
}

/// Runs `body` once for each of `size` ranks on a simulated network.
///
/// # Panics
/// Where a rank breaks the contract of [transports](crate::transport), or waits for ever; the message names the seed.
pub fn run<R: Send>(size: u32, network: Network, body: impl Fn(SimulatedTransport) -> R + Sync) -> Run<R> {
    let seed = network.seed;
    assert!(network.chunk > 0 && network.chunk.is_multiple_of(64), "`chunk` is a positive multiple of 64");
    let mut world = World::new(size, network);
    world.dispatch();
    let bells = (0..size).map(|_| Condvar::new()).collect();
    let shared = Arc::new(Shared { world: Mutex::new(world), bells });
    let ranks = std::thread::scope(|scope| {
        let (shared, body) = (&shared, &body);
        let threads: Vec<_> =
            (0..size).map(|rank| scope.spawn(move || shared.rank(Rank(rank), size, body))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|rank| rank.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let world = shared.lock();
    assert!(world.violations.is_empty(), "simulated network of seed {seed}: {}", world.violations.join("; "));
    let ended =
        world.ranks.iter().map(|rank| Duration::from_nanos(rank.ended.unwrap_or(world.now))).collect();
    Run { ranks, ended, digest: world.digest }
}
