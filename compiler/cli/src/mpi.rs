//! `bfc mpi`: connects bfc to the MPI of this machine.

use crate::arguments::Format;
use crate::failure::Failure;
use crate::output;
use bfc_runtime::mpi::{VARIABLE, connect, name, place, usual_place};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `bfc mpi`.
#[derive(Args)]
pub struct Mpi {
    /// The compiler of the MPI.
    #[arg(long, value_name = "MPICC", default_value = "mpicc", conflicts_with = "check")]
    pub compiler: String,
    /// The file that connects bfc with MPI, in place of the usual one; `BFC_MPI` names it to bfc.
    #[arg(long, short = 'o', value_name = "FILE", conflicts_with = "check")]
    pub output: Option<PathBuf>,
    /// Connect nothing: start the MPI that bfc is connected to, and print its name.
    #[arg(long)]
    pub check: bool,
}

/// Connects, or checks the connection.
///
/// # Errors
/// There is no MPI, or the file cannot be written.
pub fn mpi(arguments: &Mpi, format: Format) -> Result<(), Failure> {
    if arguments.check {
        let place = place().map_err(Failure::running)?;
        let name = name().map_err(Failure::running)?;
        return match format {
            Format::Json => output::print_json(&json!({ "library": output::path(&place), "mpi": name })),
            Format::Human => output::print(format!("{}: {name}\n", output::path(&place))),
        };
    }
    let usual = usual_place();
    let place = arguments.output.as_ref().unwrap_or(&usual);
    connect(&arguments.compiler, place).map_err(Failure::running)?;
    match format {
        Format::Json => output::print_json(&json!({ "library": output::path(place) })),
        Format::Human if *place == usual => output::print(format!("connected: {}\n", output::path(place))),
        Format::Human => output::print(format!("connected, for `{VARIABLE}={0}`\n", output::path(place))),
    }
}
