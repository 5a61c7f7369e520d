//! What can be wrong with an example.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::sync::Arc;
use thiserror::Error;

/// The documentation, for messages.
pub type Text = Arc<NamedSource<Arc<str>>>;

/// An example that is not true.
#[derive(Debug, Error, Diagnostic)]
pub enum ExampleError {
    /// A source is refused.
    #[error("the example is refused: {}", messages.join("; "))]
    #[diagnostic(
        code(bfc::example::refused),
        help("correct it, or say `// error: {}` in it", codes.first().map_or("CODE", String::as_str))
    )]
    Refused {
        /// The codes of the errors.
        codes: Vec<String>,
        /// Their messages.
        messages: Vec<String>,
        /// The documentation.
        #[source_code]
        text: Text,
        /// Where the first error is.
        #[label("refused here")]
        at: SourceSpan,
    },
    /// A source is not refused as it says.
    #[error("the example should be refused with {expected}, found {found}")]
    #[diagnostic(code(bfc::example::not_refused), help("say each code that it gives by `// error: CODE`"))]
    NotRefused {
        /// The codes that it names.
        expected: String,
        /// The codes that it gives.
        found: String,
        /// The documentation.
        #[source_code]
        text: Text,
        /// The example.
        #[label("in this example")]
        at: SourceSpan,
    },
    /// A command ends otherwise.
    #[error("`{command}` exits with {found}, expected {expected}")]
    #[diagnostic(code(bfc::example::exit), help("it printed:\n{told}"))]
    Exit {
        /// The command.
        command: String,
        /// Its exit code.
        found: String,
        /// The exit code that it should have.
        expected: i32,
        /// The beginning of its output.
        told: String,
        /// The documentation.
        #[source_code]
        text: Text,
        /// The command.
        #[label("this command")]
        at: SourceSpan,
    },
    /// A line is missing from the output of a command.
    #[error("`{command}` does not print `{line}`")]
    #[diagnostic(code(bfc::example::output), help("{found}"))]
    Output {
        /// The command.
        command: String,
        /// The line.
        line: String,
        /// What it prints instead.
        found: String,
        /// The documentation.
        #[source_code]
        text: Text,
        /// The line.
        #[label("expected here")]
        at: SourceSpan,
    },
    /// The block cannot be run.
    #[error("the example cannot be run: {reason}")]
    #[diagnostic(code(bfc::example::malformed), help("`bfc help test` shows what an example may be"))]
    Malformed {
        /// Why.
        reason: String,
        /// The documentation.
        #[source_code]
        text: Text,
        /// The line.
        #[label("here")]
        at: SourceSpan,
    },
}
