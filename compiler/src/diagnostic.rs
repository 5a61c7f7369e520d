//! All errors of a stage, with the sources that they point into.

use crate::evaluate::EvaluateError;
use crate::lower::LowerError;
use crate::prove;
use crate::resolve::{ResolveError, Source};
use bfc_dsl::SyntaxError;
use bfc_dsl::tree::Span;
use bfc_schedule::VerifyError;
use miette::{Diagnostic, NamedSource, Report};
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// An error of any stage.
#[derive(Clone, Debug, Error, Diagnostic)]
#[error(transparent)]
#[diagnostic(transparent)]
#[allow(missing_docs)]
pub enum Error {
    Syntax(#[from] SyntaxError),
    Resolve(#[from] ResolveError),
    Evaluate(#[from] EvaluateError),
    Prove(#[from] prove::Error),
    Lower(#[from] LowerError),
    Verify(#[from] VerifyError),
    Request(#[from] RequestError),
}

/// What is wrong with the request itself rather than with a source.
#[derive(Clone, Debug, Error, Diagnostic, PartialEq)]
#[allow(missing_docs)]
pub enum RequestError {
    #[error("a size of 0 ranks")]
    #[diagnostic(code(bfc::evaluate::size_zero), help("give a size of at least 1"))]
    SizeZero,
    #[error("a local size of {local_size} for {size} ranks")]
    #[diagnostic(
        code(bfc::evaluate::local_size),
        help("give the number of ranks that share a machine: a divisor of {size}")
    )]
    LocalSize { size: u32, local_size: u32 },
    #[error("`{algorithm}` has no topology to analyze")]
    #[diagnostic(code(bfc::evaluate::nothing_to_analyze), help("name a topology, or a schedule with one"))]
    NothingToAnalyze { algorithm: String },
    #[error("the library has no `{name}`")]
    #[diagnostic(code(bfc::resolve::unknown_library_name))]
    UnknownLibraryName {
        name: String,
        #[help]
        help: Option<String>,
    },
    #[error("nothing to compile in `{file}`: {found}")]
    #[diagnostic(code(bfc::resolve::no_entry), help("{help}"))]
    NoEntry { file: String, found: String, help: String },
    #[error("`--allow {name}` names no code and no claim")]
    #[diagnostic(code(bfc::prove::unknown_allowance), help("{help}"))]
    UnknownAllowance { name: String, help: String },
    #[error("the evaluation thread did not start: {reason}")]
    #[diagnostic(
        code(bfc::evaluate::no_thread),
        help("evaluation needs 256 MiB of address space for its stack")
    )]
    NoThread { reason: String },
}

impl Error {
    /// Whether the command was used wrongly, so that no source is to blame.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Request(RequestError::UnknownAllowance { .. }))
    }

    /// Where the error is, if it is in a source.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Syntax(error) => Some(error.span()),
            Self::Resolve(error) => Some(error.span()),
            Self::Evaluate(error) => error.span(),
            Self::Prove(error) => Some(error.span()),
            Self::Lower(error) => Some(error.span()),
            Self::Verify(_) | Self::Request(_) => None,
        }
    }
}

/// Why a compilation was refused: one error or more, all of one stage.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    errors: Vec<Error>,
    sources: Vec<Source>,
}

impl Diagnostics {
    /// Errors and the sources that their spans point into.
    pub fn new(errors: Vec<Error>, sources: Vec<Source>) -> Self {
        Self { errors, sources }
    }

    /// The errors.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// The code of each error, such as `bfc::resolve::unknown_name`.
    pub fn codes(&self) -> Vec<String> {
        self.errors
            .iter()
            .map(|error| error.code().map_or_else(String::new, |code| code.to_string()))
            .collect()
    }

    /// Each error with its source attached, ready to be shown.
    pub fn into_reports(self) -> Vec<Report> {
        let sources: Vec<_> = self
            .sources
            .into_iter()
            .map(|source| Arc::new(NamedSource::new(source.name, source.text)))
            .collect();
        let report = |error: Error| {
            let source = error.span().and_then(|span| sources.get(span.file.0 as usize)).cloned();
            match source {
                Some(source) => Report::new(error).with_source_code(source),
                None => Report::new(error),
            }
        };
        self.errors.into_iter().map(report).collect()
    }
}

impl From<RequestError> for Diagnostics {
    fn from(error: RequestError) -> Self {
        Self { errors: vec![error.into()], sources: vec![] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<_> = self.errors.iter().map(Error::to_string).collect();
        f.write_str(&messages.join("\n"))
    }
}

impl std::error::Error for Diagnostics {}
