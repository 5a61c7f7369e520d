//! Why a topology of the library is not in the ranking.

use crate::units::shown_seconds;
use bfc_compiler::Diagnostics;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Letters of a refusal that are shown.
const LONGEST: usize = 100;

/// What a topology was left out for, in a line of words.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Reason {
    /// What it requires of the number of ranks does not hold.
    #[error("{requires}")]
    OtherSize {
        /// Such as `requires is_power(size, 2)`.
        requires: String,
    },
    /// The compiler refuses it.
    #[error("does not compile: {message}")]
    Refused {
        /// The first reason, without its evidence.
        message: String,
    },
    /// It is evaluated for as long as a search waits.
    #[error("takes too long to evaluate")]
    LongEvaluation,
    /// Its spectrum takes more operations than a search spends.
    #[error("takes too long to analyze: about {operations:.0e} operations")]
    LongAnalysis {
        /// These.
        operations: f64,
    },
    /// Another is ahead whatever its spectrum.
    #[error("takes at least {steps} steps of {}, and {by} no more and no longer ones", shown_seconds(*step_seconds))]
    Beaten {
        /// The fewest steps to the target.
        steps: f64,
        /// Seconds of one.
        step_seconds: f64,
        /// The other.
        by: String,
    },
    /// Averaging would end elsewhere.
    #[error("does not keep the average")]
    LosesAverage,
    /// The target is not reached in a number of steps that is counted.
    #[error("does not reach the target within 10⁷ steps")]
    TooSlow,
    /// Nothing is trained.
    #[error("the algorithm asks for no gradient")]
    NoGradient,
    /// How the algorithm converges was not found.
    #[error("{note}")]
    Unknown {
        /// Why.
        note: String,
    },
    /// The algorithm ends too far from the optimum.
    #[error("ends {distance:.1e} away, above the target")]
    Biased {
        /// Relative to the initial error.
        distance: f64,
    },
    /// The algorithm diverges.
    #[error("does not converge with its step size: rate {rate:.4}")]
    Diverges {
        /// By what factor errors grow in a step.
        rate: f64,
    },
}

impl Reason {
    /// Why a source is refused.
    pub(super) fn refused(refused: &Diagnostics) -> Self {
        let Some(first) = refused.errors().first() else {
            return Self::Refused { message: "for a reason that is not known".to_string() };
        };
        let message = statement(&first.message);
        match first.code.as_str() {
            "bfc::evaluate::precondition" => Self::OtherSize { requires: message },
            "bfc::evaluate::too_many_steps" | "bfc::evaluate::too_many_cells" => Self::LongEvaluation,
            _ => Self::Refused { message },
        }
    }
}

/// What a message states, without the evidence that follows it.
fn statement(message: &str) -> String {
    let stated = message.split(": ").next().unwrap_or(message);
    match stated.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &stated[..end]),
        None => stated.to_string(),
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
