//! The words of a command line → the `bfc` command, run in this process.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs one command; returns its exit code. `program` are the words that start the command again.
#[pyfunction]
pub fn run_command(py: Python<'_>, program: Vec<OsString>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| bfc_cli::run(&program, &arguments))
}
