//! What cannot be lowered.

use crate::diagnostic::StageError;
use bfc_dsl::tree::Span;
use bfc_schedule::VerifyError;
use miette::Diagnostic;
use thiserror::Error;

/// An error of the stage `lower`.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum LowerError {
    #[error(
        "`{algorithm}` does not wait for its neighbours, and windows that it could write to do not exist yet"
    )]
    #[diagnostic(
        code(bfc::lower::no_windows),
        help("`bfc check` decides its requirements; to run it, remove `async` and use `mix` in steps")
    )]
    NoWindows {
        algorithm: String,
        #[label("is asynchronous")]
        span: Span,
    },
}

impl StageError for LowerError {
    fn place(&self) -> Option<Span> {
        match self {
            Self::NoWindows { span, .. } => Some(*span),
        }
    }
}

impl StageError for VerifyError {
    fn place(&self) -> Option<Span> {
        None
    }
}
