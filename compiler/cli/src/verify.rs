//! `bfc verify`: a schedule file is verified completely, and on request what was proved of it is proved again.

use crate::arguments::{self, Format};
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_compiler::certificate::{Recheck, Unreadable, recheck};
use bfc_report::certificate::{Valid, unconfirmed};
use bfc_schedule::Schedule;

/// Verifies a schedule.
///
/// # Errors
/// The file cannot be read or is refused, or with `--proof` some claim of its certificate is not confirmed.
pub fn verify(arguments: &arguments::Verify, format: Format) -> Result<(), Failure> {
    let path = output::path(&arguments.file);
    let schedule = input::schedule(&arguments.file)?;
    let rechecks = arguments.proof.then(|| proof(&schedule, &path)).transpose()?;
    let open = unconfirmed(rechecks.as_deref().unwrap_or_default());
    let valid = Valid::new(&schedule, rechecks.as_deref());
    // In JSON the diagnostics are the only document.
    if open.is_empty() || format == Format::Human {
        output::show(format, &valid, || valid.text(&path))?;
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(CliError::ProofNotConfirmed { path, claims: open.join(", ") }.into())
}

fn proof(schedule: &Schedule, path: &str) -> Result<Vec<Recheck>, Failure> {
    let reason = match recheck(schedule) {
        Ok(rechecks) => return Ok(rechecks),
        Err(Unreadable::Missing) => "it has none".to_string(),
        Err(Unreadable::Entry(entry)) => format!("entry {entry} is not one that this version writes"),
        Err(Unreadable::Program(reason)) => reason,
    };
    Err(CliError::NoProof { path: path.to_string(), reason }.into())
}
