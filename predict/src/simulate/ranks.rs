//! Where a rank is, and what happens next.

use crate::tasks::Progress;
use bfc_schedule::Rank;

/// Where a rank is.
#[derive(Clone, Copy)]
pub(super) struct RankState {
    /// Tasks that are over.
    pub(super) progress: Progress,
    /// Steps that are over.
    pub(super) steps: u32,
    /// When the last of them was.
    pub(super) last_step_at: f64,
    /// From which step on the rank is gone.
    pub(super) lost_from: u32,
    /// Whether a gradient is being computed.
    pub(super) computing: bool,
    /// Whether an exchange has begun.
    pub(super) exchanging: bool,
    /// Its next action in that exchange.
    pub(super) action: u32,
    /// The exchange and the round that it has reached and not left.
    pub(super) round: Option<(u32, u32)>,
    /// Messages of that round that have not begun.
    pub(super) waiting_for: u8,
    /// When those that have begun are over.
    pub(super) over_at: f64,
}

impl Default for RankState {
    fn default() -> Self {
        Self {
            progress: Progress::default(),
            steps: 0,
            last_step_at: 0.0,
            lost_from: u32::MAX,
            computing: false,
            exchanging: false,
            action: 0,
            round: None,
            waiting_for: 0,
            over_at: 0.0,
        }
    }
}

/// A gradient or a round is over. Events are ordered by time, then by rank, gradients first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    /// The bits of a time, which for times from 0 on have the order of the times.
    time: u64,
    /// Twice the rank, and 1 more for a round.
    what: u64,
}

impl Event {
    pub(super) fn gradient(at: f64, rank: Rank) -> Self {
        Self { time: at.to_bits(), what: 2 * u64::from(rank.0) }
    }

    pub(super) fn round(at: f64, rank: Rank) -> Self {
        Self { time: at.to_bits(), what: 2 * u64::from(rank.0) + 1 }
    }

    pub(super) fn at(self) -> f64 {
        f64::from_bits(self.time)
    }

    pub(super) fn rank(self) -> Rank {
        Rank((self.what / 2) as u32)
    }

    pub(super) fn is_gradient(self) -> bool {
        self.what.is_multiple_of(2)
    }
}
