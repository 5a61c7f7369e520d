//! How long a rank waits for a peer where its program does not say.

use std::time::{Duration, Instant};

/// In the first steps, which may load data and compile kernels.
const AT_FIRST: Duration = Duration::from_secs(60);
const FIRST_STEPS: u64 = 2;
/// A peer that takes this many times as long as any step so far has taken is not slow any more.
const FACTOR: u32 = 100;
/// What a busy machine may take away from steps of milliseconds.
const LEAST: Duration = Duration::from_secs(10);

/// The deadline of waits: as set, or from what steps have taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) set: Option<Duration>,
    steps: u64,
    longest: Duration,
    /// When the last step ended.
    last: Instant,
}

impl Deadline {
    pub(super) fn new(set: Option<Duration>) -> Self {
        Self { set, steps: 0, longest: Duration::ZERO, last: Instant::now() }
    }

    /// A step has ended; what the program did since the one before counts, too, as peers wait for that as well.
    pub(super) fn step_ended(&mut self) {
        let now = Instant::now();
        self.longest = self.longest.max(now - self.last);
        self.last = now;
        self.steps += 1;
    }

    pub(super) fn get(&self) -> Duration {
        match self.set {
            Some(set) => set,
            None if self.steps < FIRST_STEPS => AT_FIRST,
            None => LEAST.max(self.longest.saturating_mul(FACTOR)),
        }
    }
}
