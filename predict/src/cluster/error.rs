//! What is wrong with a cluster.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::sync::Arc;
use thiserror::Error;

/// Why a cluster is not used.
#[derive(Clone, Debug, Error, Diagnostic)]
pub enum ClusterError {
    /// The description is not TOML, or has unknown, missing or unreadable values.
    #[error("cannot read the description of a cluster: {reason}")]
    #[diagnostic(
        code(bfc::cluster::malformed),
        help(
            "`bfc cluster v100` prints one to start from; `bfc explain bfc::cluster::malformed` shows all keys"
        )
    )]
    Malformed {
        /// What the reader says.
        reason: String,
        /// Where.
        #[label("here")]
        span: SourceSpan,
        /// The description.
        #[source_code]
        source_code: Arc<NamedSource<String>>,
    },
    /// A number makes no sense.
    #[error("`{what}` is {found}, expected {expected}")]
    #[diagnostic(code(bfc::cluster::out_of_range), help("write a number from {expected}"))]
    OutOfRange {
        /// The key.
        what: &'static str,
        /// Its value.
        found: String,
        /// Values that are taken.
        expected: String,
        /// Where.
        #[label("out of range")]
        span: SourceSpan,
        /// The description.
        #[source_code]
        source_code: Arc<NamedSource<String>>,
    },
    /// The description is not text.
    #[error("`{name}` is not UTF-8 text: byte {byte} is invalid")]
    #[diagnostic(code(bfc::cluster::not_text), help("save the description of the cluster as text in UTF-8"))]
    NotText {
        /// The file.
        name: String,
        /// Offset of the first invalid byte.
        byte: usize,
    },
    /// The description is too long.
    #[error("`{name}` is too long for the description of a cluster, expected at most {limit} bytes")]
    #[diagnostic(code(bfc::cluster::too_long), help("check that it is the right file"))]
    TooLong {
        /// The file.
        name: String,
        /// Bytes that are read.
        limit: usize,
    },
    /// The ranks do not fit.
    #[error(
        "{size} ranks need {} machines of {ranks_per_machine}, and `{name}` has {machines}",
        size.div_ceil(*ranks_per_machine)
    )]
    #[diagnostic(
        code(bfc::cluster::too_few_machines),
        help("raise `machines`, or remove it if there are always enough")
    )]
    TooFewMachines {
        /// The cluster.
        name: String,
        /// Its machines.
        machines: u32,
        /// Ranks of each.
        ranks_per_machine: u32,
        /// The ranks asked for.
        size: u32,
    },
    /// No ready cluster has this name.
    #[error("unknown cluster `{name}`")]
    #[diagnostic(
        code(bfc::cluster::unknown),
        help("ready clusters are {known}; anything else is read as the path of a description")
    )]
    Unknown {
        /// The name.
        name: String,
        /// The ready ones.
        known: String,
    },
}
