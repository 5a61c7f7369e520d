//! The contract between compiler and runtime: what a schedule is, when it is valid, and how it is stored.
//!
//! Orientation everywhere: `x_i ← Σ_j W[i][j] x_j`; an edge `a → b` means that `a` sends to `b` and gives `W[b][a]`.

pub mod average;
pub mod compression;
pub mod digits;
pub mod format;
pub mod group;
pub mod inspect;
pub mod matrix;
pub mod program;
pub mod random;
pub mod rational;
pub mod rounds;
pub mod schedule;
mod sums;
pub mod text;
pub mod verify;
pub mod visible;

pub use average::{Average, SliceRound};
pub use compression::Codec;
pub use format::{FormatError, ScheduleError};
pub use group::Group;
pub use inspect::inspect;
pub use matrix::{CayleyMatrix, MixingMatrix, SparseMatrix};
pub use program::Program;
pub use rational::Rational;
pub use rounds::{Action, RankAction, RankPlan, RoundPlan, RoundTable};
pub use schedule::{Digest, Draft, Phase, RankSchedule, Schedule, Topology};
pub use verify::VerifyError;

/// A participant, `0..size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub u32);

impl Rank {
    /// The rank as an index of a table.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for Rank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
