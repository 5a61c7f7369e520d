//! Why a program is refused: what it requires does not hold, or could not be decided.

use crate::diagnostic::StageError;
use bfc_dsl::tree::Span;
use miette::Diagnostic;
use thiserror::Error;

/// A claim of the program that does not hold, or that could not be decided.
#[derive(Clone, Debug, Error, Diagnostic)]
pub enum Error {
    /// An algorithm or a topology requires what its input does not have.
    #[error("`{claim}` is required and does not hold: {evidence}")]
    #[diagnostic(code(bfc::prove::requirement_refuted))]
    RequirementRefuted {
        /// The text of the claim.
        claim: String,
        /// What speaks against it.
        evidence: String,
        /// Where it is required.
        #[label("{place}")]
        span: Span,
        /// What the label says of it.
        place: &'static str,
    },
    /// An algorithm or a topology requires what could not be decided.
    #[error("`{claim}` is required and could not be decided: {reason}")]
    #[diagnostic(code(bfc::prove::requirement_not_decided), help("{help}"))]
    RequirementNotDecided {
        /// The text of the claim.
        claim: String,
        /// Why it is open.
        reason: String,
        /// How to accept it.
        help: String,
        /// Where it is required.
        #[label("{place}")]
        span: Span,
        /// What the label says of it.
        place: &'static str,
    },
    /// An algorithm requires something of topologies that it never uses.
    #[error("`{claim}` is required of a topology, and `{algorithm}` never sends anything")]
    #[diagnostic(
        code(bfc::prove::never_mixes),
        help("mix in the step, as in `x <- mix(x) - lr * grad(x)`, or leave the requirement out")
    )]
    NeverMixes {
        /// The algorithm.
        algorithm: String,
        /// The text of the claim.
        claim: String,
        /// Where it is required.
        #[label("required here")]
        span: Span,
    },
    /// A topology ensures what it does not give.
    #[error("`{claim}` is ensured and does not hold: {evidence}")]
    #[diagnostic(
        code(bfc::prove::ensure_refuted),
        help("say for which sizes it holds, `ensure … if …`, or correct the topology")
    )]
    EnsureRefuted {
        /// The text of the claim.
        claim: String,
        /// What speaks against it.
        evidence: String,
        /// Where it is ensured.
        #[label("ensured here")]
        span: Span,
    },
    /// A topology ensures what could not be decided.
    #[error("`{claim}` is ensured and could not be decided: {reason}")]
    #[diagnostic(code(bfc::prove::ensure_not_decided), help("{help}"))]
    EnsureNotDecided {
        /// The text of the claim.
        claim: String,
        /// Why it is open.
        reason: String,
        /// How to accept it.
        help: String,
        /// Where it is ensured.
        #[label("ensured here")]
        span: Span,
    },
}

impl StageError for Error {
    fn place(&self) -> Option<Span> {
        match self {
            Self::NeverMixes { span, .. }
            | Self::RequirementRefuted { span, .. }
            | Self::RequirementNotDecided { span, .. }
            | Self::EnsureRefuted { span, .. }
            | Self::EnsureNotDecided { span, .. } => Some(*span),
        }
    }
}
