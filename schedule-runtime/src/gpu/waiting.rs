//! Waits for a GPU, or for other threads of its ranks, that end at a deadline.

use std::time::{Duration, Instant};

/// A wait that has an end: turns, then naps.
pub(super) struct Waiting {
    since: Instant,
    deadline: Duration,
    turns: u32,
}

impl Waiting {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { since: Instant::now(), deadline, turns: 0 }
    }

    /// Waits a little; whether there is time left.
    pub(super) fn goes_on(&mut self) -> bool {
        self.turns = self.turns.saturating_add(1);
        match self.turns {
            0..200 => std::hint::spin_loop(),
            200..2000 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
        self.turns < 200 || self.since.elapsed() < self.deadline
    }
}
