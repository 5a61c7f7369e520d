//! Why nothing is measured.

use miette::Diagnostic;
use thiserror::Error;

/// What is wrong with a measurement.
#[derive(Debug, Error, Diagnostic)]
pub enum ProbeError {
    /// A transport does not work here.
    #[error("messages over {wire} cannot be measured: {reason}")]
    #[diagnostic(
        code(bfc::predict::probe),
        help(
            "sockets need a temporary directory that can be written, such as `TMPDIR=/tmp`; MPI needs as many ranks on each machine, one machine after the other"
        )
    )]
    Probe {
        /// The transport.
        wire: &'static str,
        /// What it says.
        reason: String,
    },
}
