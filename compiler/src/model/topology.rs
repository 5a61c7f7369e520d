//! What evaluation makes of a topology: exact mixing matrices for one size, and what must hold of them.

use super::claim::Claim;
use bfc_dsl::tree::Span;
use bfc_schedule::MixingMatrix;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// A topology at one size: its phases, which repeat.
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
    pub ensures: Vec<Claim>,
    /// What was optimised for its weights.
    pub optimised: Vec<Optimised>,
    /// What ranks are called in messages, by rank.
    pub names: Option<Arc<[String]>>,
    /// Where each phase stands in the source; empty where an expression makes them.
    pub places: Arc<[Place]>,
}

/// Where a phase stands in the source.
#[derive(Clone, Debug)]
pub struct Place {
    /// The whole phase.
    pub span: Span,
    /// What each of its statements says, on up to [`Place::MOST_RANKS`] ranks; else empty.
    pub statements: Vec<(Span, Vec<MatrixEntry>)>,
}

/// An entry of a matrix: its row, the receiver, and its column, the sender.
pub type MatrixEntry = (u32, u32);

impl Place {
    /// The most ranks of a phase whose statements are told apart.
    pub const MOST_RANKS: u32 = 64;
}

/// What was optimised, and how near to the optimum it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Optimised {
    /// The rule or the function that asked for it.
    pub what: &'static str,
    /// What is as small or as large as it can be.
    pub number: Number,
    /// What it came to; of several, where the gap is largest.
    pub value: f64,
    /// No choice comes to a number that is better by more than this.
    pub gap: f64,
    /// Whether value and gap are certified bounds; otherwise both are estimates.
    #[serde(rename = "method", serialize_with = "method")]
    pub is_enclosed: bool,
    /// How many phases or matchings were optimised so.
    pub times: usize,
}

/// What is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Number {
    /// ‖W − J‖₂ of a phase, to be small.
    #[serde(rename = "sigma2")]
    Norm,
    /// The same of the slowest part of a phase that is not connected, within itself.
    #[serde(rename = "sigma2_of_part")]
    NormOfPart,
    /// λ₂ of the mean Laplacian, to be large.
    #[serde(rename = "lambda_2")]
    Connectivity,
    /// The mean of ‖WᵀW − J‖₂, to be small.
    #[serde(rename = "rho")]
    Contraction,
}

fn method<S: Serializer>(is_enclosed: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *is_enclosed { "enclosed" } else { "estimate" })
}

impl Optimised {
    /// One for each `what`, in order of first mention: with the largest gap.
    pub fn summary(all: &[Self]) -> Vec<Self> {
        let mut summary: Vec<Self> = vec![];
        for one in all {
            match summary.iter_mut().find(|known| known.what == one.what) {
                Some(known) => {
                    let times = known.times + one.times;
                    if one.gap > known.gap {
                        *known = one.clone();
                    }
                    known.times = times;
                }
                None => summary.push(one.clone()),
            }
        }
        summary
    }
}
