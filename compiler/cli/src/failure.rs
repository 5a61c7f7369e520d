//! What went wrong becomes diagnostics for people or programs, and an exit code.

use crate::arguments::Format;
use crate::output;
use bfc_report::{Shown, diagnostic_json};
use miette::{Diagnostic, MietteHandlerOpts, Report, ReportHandler};
use serde_json::{Map, Value};
use std::fmt;
use thiserror::Error;

/// Why a command ends early: its exit code and its diagnostics.
#[derive(Debug)]
pub struct Failure {
    exit: u8,
    reports: Vec<Report>,
    /// What programs are told beside the diagnostics.
    results: Map<String, Value>,
}

/// The input was refused.
pub const REFUSED: u8 = 1;
/// The command was used wrongly.
pub const USAGE: u8 = 2;
/// A failure while running.
pub const RUNNING: u8 = 3;
/// Ended by an interrupt.
pub const INTERRUPTED: u8 = 130;

/// The most diagnostics that are shown to people, and to programs.
const SHOWN: (usize, usize) = (20, 100);

/// What is wrong with a command and its files.
#[derive(Debug, Error, Diagnostic)]
pub enum CliError {
    /// The command line is not one of this program's.
    #[error("{message}")]
    #[diagnostic(code(bfc::cli::usage))]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },
    /// A schedule and a document for one standard output.
    #[error("`-o -` writes the schedule to standard output, where `--format json` writes its document")]
    #[diagnostic(
        code(bfc::cli::standard_output_twice),
        help("name a file, `-o sched.bin`, or leave `--format json` out")
    )]
    StandardOutputTwice,
    /// What should become a directory is a file, or lies below one.
    #[error("`{path}` is not a directory")]
    #[diagnostic(
        code(bfc::cli::not_a_directory),
        help("name a directory; it is created where it does not exist")
    )]
    NotADirectory {
        /// The path.
        path: String,
    },
    /// A file does not exist.
    #[error("`{path}` does not exist")]
    #[diagnostic(code(bfc::cli::missing_file))]
    MissingFile {
        /// The path.
        path: String,
        /// What may have been meant.
        #[help]
        help: String,
    },
    /// A file exists and cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    #[diagnostic(code(bfc::cli::unreadable), help("check that it is a file, and its permissions"))]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file or standard output cannot be written.
    #[error("`{path}` cannot be written: {error}")]
    #[diagnostic(
        code(bfc::cli::unwritable),
        help("check that it is a file or can become one, its permissions and the free space")
    )]
    Unwritable {
        /// The path.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file that would be overwritten.
    #[error("`{path}` exists")]
    #[diagnostic(code(bfc::cli::file_exists), help("{help}"))]
    FileExists {
        /// The path.
        path: String,
        /// What to do instead.
        help: String,
    },
    /// An example that would write elsewhere than in its own directory.
    #[error("an example cannot write `{path}`")]
    #[diagnostic(
        code(bfc::cli::outside_example),
        help("name a file in the directory of the example, without `..` and a leading `/`")
    )]
    OutsideExample {
        /// The path.
        path: String,
    },
    /// What cannot be the name of an item.
    #[error("`{name}` cannot be a name{reason}")]
    #[diagnostic(code(bfc::cli::invalid_name), help("{help}"))]
    InvalidName {
        /// The name.
        name: String,
        /// Why, where the letters are right.
        reason: String,
        /// What to write instead.
        help: String,
    },
    /// A source that `bfc fmt` would change.
    #[error("`{path}` is not formatted")]
    #[diagnostic(code(bfc::cli::not_formatted), help("`bfc fmt {path}` formats it"))]
    NotFormatted {
        /// The path.
        path: String,
    },
    /// A source file is not UTF-8.
    #[error("`{path}` is not UTF-8 text: byte {byte} is invalid")]
    #[diagnostic(code(bfc::cli::not_text), help("{help}"))]
    NotText {
        /// The path.
        path: String,
        /// Offset of the first invalid byte.
        byte: usize,
        /// What to do.
        help: &'static str,
    },
    /// The library holds no such name.
    #[error("the library has no `{name}`")]
    #[diagnostic(code(bfc::cli::unknown_library_name))]
    UnknownLibraryName {
        /// The name.
        name: String,
        /// What may have been meant.
        #[help]
        help: String,
    },
    /// A search of the library without a result.
    #[error("no match for `{text}` in the library")]
    #[diagnostic(code(bfc::cli::nothing_found))]
    NothingFound {
        /// What was searched for.
        text: String,
        /// What may have been meant.
        #[help]
        help: String,
    },
    /// The schedule has no such rank.
    #[error("there is no rank {rank} among {size}")]
    #[diagnostic(code(bfc::cli::unknown_rank), help("ranks count from 0 to {}", size - 1))]
    UnknownRank {
        /// The rank asked for.
        rank: u32,
        /// The number of ranks.
        size: u32,
    },
    /// The proofs of a schedule cannot be repeated.
    #[error("the certificate of `{path}` cannot be checked: {reason}")]
    #[diagnostic(code(bfc::cli::no_proof), help("compile the schedule again with this version of bfc"))]
    NoProof {
        /// The path.
        path: String,
        /// Why.
        reason: String,
    },
    /// What a certificate claims is not found again.
    #[error("the certificate of `{path}` is not confirmed: {claims}")]
    #[diagnostic(
        code(bfc::cli::proof_not_confirmed),
        help("do not rely on this file; compile the schedule again from its source")
    )]
    ProofNotConfirmed {
        /// The path.
        path: String,
        /// The claims with both verdicts.
        claims: String,
    },
    /// There is no such error code.
    #[error("there is no error code `{code}`")]
    #[diagnostic(code(bfc::cli::unknown_code))]
    UnknownCode {
        /// The code.
        code: String,
        /// What may have been meant.
        #[help]
        help: String,
    },
}

impl From<CliError> for Failure {
    fn from(error: CliError) -> Self {
        let exit = match error {
            CliError::NotText { .. }
            | CliError::NotFormatted { .. }
            | CliError::NoProof { .. }
            | CliError::ProofNotConfirmed { .. } => REFUSED,
            _ => USAGE,
        };
        Self::new(exit, [Report::new(error)])
    }
}

impl From<bfc_compiler::Diagnostics> for Failure {
    fn from(diagnostics: bfc_compiler::Diagnostics) -> Self {
        let usage = diagnostics.errors().iter().all(|error| error.is_usage);
        Self::new(if usage { USAGE } else { REFUSED }, diagnostics.into_reports())
    }
}

impl Failure {
    fn new(exit: u8, reports: impl IntoIterator<Item = Report>) -> Self {
        Self { exit, reports: reports.into_iter().collect(), results: Map::new() }
    }

    /// The input was refused for these reasons.
    pub fn refused(reports: impl IntoIterator<Item = Report>) -> Self {
        Self::new(REFUSED, reports)
    }

    /// With what was found all the same, under a key of the document that programs read.
    pub fn beside(mut self, key: &str, result: impl Into<Value>) -> Self {
        self.results.insert(key.to_string(), result.into());
        self
    }

    /// The input was refused for this reason.
    pub fn refused_by(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::refused([Report::new(error)])
    }

    /// These failures at once, ending as the last of them.
    pub fn all(failures: Vec<Self>) -> Result<(), Self> {
        let merge =
            |first: Self, next: Self| Self::new(next.exit, first.reports.into_iter().chain(next.reports));
        match failures.into_iter().reduce(merge) {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Running failed for this reason.
    pub fn running(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::new(RUNNING, [Report::new(error)])
    }

    /// The same with another exit code.
    pub fn exiting(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }

    /// Each reason, ready to be shown.
    pub fn into_reports(self) -> Vec<Report> {
        self.reports
    }

    /// Each reason.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// The exit code.
    pub fn exit(&self) -> u8 {
        self.exit
    }

    /// The user has been told; only the exit code remains.
    pub fn told(exit: u8) -> Self {
        Self::new(exit, [])
    }

    /// The command was used wrongly.
    pub fn usage(error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self::new(USAGE, [Report::new(error)])
    }

    /// Tells the user; the exit code remains to be returned.
    pub fn tell(self, format: Format) -> u8 {
        let exit = self.exit;
        if self.reports.is_empty() {
            return exit;
        }
        match format {
            Format::Json => match output::print_json(&self.document()) {
                Ok(()) => exit,
                Err(failure) => failure.tell(Format::Human),
            },
            Format::Human => {
                self.tell_people();
                exit
            }
        }
    }

    fn document(&self) -> Value {
        let shown = self.reports.iter().take(SHOWN.1);
        let diagnostics: Vec<Value> = shown.map(diagnostic_json).collect();
        let mut document = self.results.clone();
        document.insert("diagnostics".into(), diagnostics.into());
        match self.reports.len().saturating_sub(SHOWN.1) {
            0 => {}
            omitted => drop(document.insert("omitted".into(), omitted.into())),
        }
        document.into()
    }

    fn tell_people(self) {
        let code = self.reports.iter().find_map(|report| Some(report.code()?.to_string()));
        let omitted = self.reports.len().saturating_sub(SHOWN.0);
        for report in self.reports.iter().take(SHOWN.0) {
            output::say_shown(Rendered(report.as_ref()));
        }
        if omitted > 0 {
            output::say_shown(format_args!("and {omitted} more\n"));
        }
        if let Some(code) = code {
            output::say(&format!("more about it: bfc explain {code}"));
        }
    }
}

/// A diagnostic as the terminal shows it.
struct Rendered<'a>(&'a dyn Diagnostic);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MietteHandlerOpts::new().build().debug(&Shown::new(self.0), f)
    }
}
