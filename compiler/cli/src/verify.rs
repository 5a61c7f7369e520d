//! `bfc verify`: a schedule file is verified completely, and on request what was proved of it is proved again.

use crate::arguments::{self, Format};
use crate::failure::{CliError, Failure};
use crate::table::Table;
use crate::{input, output};
use bfc_compiler::certificate::{Recheck, Unreadable, recheck};
use bfc_schedule::{Schedule, visible};
use serde_json::json;

/// Verifies a schedule.
///
/// # Errors
/// The file cannot be read or is refused, or with `--proof` some claim of its certificate is not confirmed.
pub fn verify(arguments: &arguments::Verify, format: Format) -> Result<(), Failure> {
    let schedule = input::schedule(&arguments.file)?;
    let rechecks = arguments.proof.then(|| proof(&schedule, arguments)).transpose()?;
    let open = open(rechecks.as_deref().unwrap_or_default());
    let digest = schedule.digest().to_string();
    match format {
        Format::Human => output::print(format!(
            "{}: valid for {} ranks, digest {digest}\n{}",
            path(arguments),
            schedule.size(),
            shown(rechecks.as_deref().unwrap_or_default())
        ))?,
        Format::Json if open.is_empty() => {
            let mut document = json!({ "valid": true, "size": schedule.size(), "digest": digest });
            if let Some(rechecks) = &rechecks {
                document["proof"] = json!(rechecks);
            }
            output::print_json(&document)?;
        }
        // The diagnostics are the only document.
        Format::Json => {}
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(CliError::ProofNotConfirmed { path: path(arguments), claims: open.join(", ") }.into())
}

/// What is not confirmed, in words.
fn open(rechecks: &[Recheck]) -> Vec<String> {
    let told = |recheck: &Recheck| {
        let recorded = visible::line(&recheck.recorded);
        format!("`{}` was {recorded} and is {}", recheck.claim, recheck.verdict)
    };
    rechecks.iter().filter(|recheck| !recheck.confirmed).map(told).collect()
}

fn path(arguments: &arguments::Verify) -> String {
    output::path(&arguments.file)
}

fn proof(schedule: &Schedule, arguments: &arguments::Verify) -> Result<Vec<Recheck>, Failure> {
    let reason = match recheck(schedule) {
        Ok(rechecks) => return Ok(rechecks),
        Err(Unreadable::Missing) => "it has none".to_string(),
        Err(Unreadable::Entry(entry)) => format!("entry {entry} is not one that this version writes"),
        Err(Unreadable::Program(reason)) => reason,
    };
    Err(CliError::NoProof { path: path(arguments), reason }.into())
}

fn shown(rechecks: &[Recheck]) -> String {
    let mut table = Table::new();
    for recheck in rechecks {
        let mark = if recheck.confirmed { "✓" } else { "✗" };
        table.add_row([mark, &recheck.claim, &recheck.verdict, &recheck.evidence]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}\n", table.text()) }
}
