//! Why bytes are not a schedule.

use crate::{Rank, VerifyError};
use miette::Diagnostic;
use thiserror::Error;

/// Why a schedule could not be read.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum ScheduleError {
    /// The bytes are not a schedule file, or not an intact one.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Format(#[from] FormatError),
    /// The file is intact, and what it says is not valid.
    #[error("the schedule is not valid: {}", errors.first().map(ToString::to_string).unwrap_or_default())]
    #[diagnostic(code(bfc::verify::invalid), help("compile the schedule again; do not run it"))]
    Invalid {
        /// Every violation found.
        #[related]
        errors: Vec<VerifyError>,
    },
}

/// Why bytes are not an intact schedule file.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[allow(missing_docs)] // the messages say what the fields are
#[non_exhaustive]
pub enum FormatError {
    #[error("this is not a schedule file: it begins with {found}, expected {expected}")]
    #[diagnostic(code(bfc::format::magic), help("schedule files are written by `bfc compile`"))]
    Magic { found: String, expected: String },

    #[error("the file has format version {found}, expected {}", super::VERSION)]
    #[diagnostic(
        code(bfc::format::version),
        help(
            "compile the schedule again with `bfc compile`, or read it with the release of `bfc` that wrote it"
        )
    )]
    Version { found: u32 },

    #[error("the file has {found} bytes, expected {expected}")]
    #[diagnostic(code(bfc::format::length), help("the file was cut or extended; copy or compile it again"))]
    Length { found: u64, expected: u64 },

    #[error("the file's checksum is {found:08x}, expected {expected:08x}")]
    #[diagnostic(code(bfc::format::checksum), help("the file was damaged; copy or compile it again"))]
    Checksum { found: u32, expected: u32 },

    #[error("the file's list of sections is malformed at entry {entry}: {what}")]
    #[diagnostic(code(bfc::format::layout), help("the file's writer is faulty; compile the schedule again"))]
    Layout { entry: usize, what: &'static str },

    #[error("section `{section}` has the checksum {found:08x}, expected {expected:08x}")]
    #[diagnostic(code(bfc::format::section_checksum), help("the file was damaged; copy or compile it again"))]
    SectionChecksum { section: String, found: u32, expected: u32 },

    #[error("the file needs section `{section}`, which this reader does not know")]
    #[diagnostic(
        code(bfc::format::unknown_section),
        help(
            "compile the schedule again with `bfc compile`, or read it with the release of `bfc` that wrote it"
        )
    )]
    UnknownSection { section: String },

    #[error("section `{section}` is missing")]
    #[diagnostic(
        code(bfc::format::missing_section),
        help("the file's writer is faulty; compile the schedule again")
    )]
    MissingSection { section: &'static str },

    #[error("section `{section}` is malformed at byte {offset}: {what}")]
    #[diagnostic(
        code(bfc::format::malformed),
        help("the file's writer is faulty; compile the schedule again")
    )]
    Malformed { section: &'static str, offset: u64, what: &'static str },

    #[error("section `{section}` is not JSON: {reason}")]
    #[diagnostic(code(bfc::format::json), help("the file's writer is faulty; compile the schedule again"))]
    Json { section: &'static str, reason: String },

    #[error("the weights of the file take more than {limit} bytes where they are used")]
    #[diagnostic(
        code(bfc::format::too_large),
        help("round the weights, for example to multiples of 1/2^52, and compile again")
    )]
    TooLarge { limit: u64 },

    #[error("the file's contents have the digest {found}, expected {expected}")]
    #[diagnostic(code(bfc::format::digest), help("the file was changed; copy or compile it again"))]
    Digest { found: String, expected: String },

    #[error("the file is not encoded as this schedule would be")]
    #[diagnostic(
        code(bfc::format::not_canonical),
        help("equal schedules have equal files; write it with `bfc compile`, or as the format says")
    )]
    NotCanonical,

    #[error("rank {rank} of a schedule for {size} ranks")]
    #[diagnostic(code(bfc::format::rank), help("ranks are numbered from 0 and below the size"))]
    Rank { rank: Rank, size: u32 },
}
