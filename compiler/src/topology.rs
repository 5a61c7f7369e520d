//! What evaluation makes of a topology: exact mixing matrices for one size, and what must hold of them.

use crate::claim::Stated;
use bfc_schedule::MixingMatrix;

/// A topology at one size: its phases, repeated for ever.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The name in the source, or of the schedule's entry.
    pub name: String,
    /// The number of ranks.
    pub size: u32,
    /// At least one; all of `size` ranks.
    pub phases: Vec<MixingMatrix>,
    /// Whether every phase was drawn at random by itself, so that together they are a sample.
    pub is_drawn: bool,
    /// Its `ensure` statements whose condition holds at this size; topology index 0 is itself.
    pub ensures: Vec<Stated>,
}
