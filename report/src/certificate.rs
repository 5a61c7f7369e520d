//! Claims of a certificate that were decided again.

use crate::table::Table;
use bfc_compiler::certificate::Recheck;
use bfc_schedule::Schedule;
use serde::Serialize;

/// The document of a schedule that is valid.
#[derive(Clone, Debug, Serialize)]
pub struct Valid<'a> {
    valid: bool,
    size: u32,
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a [Recheck]>,
}

impl<'a> Valid<'a> {
    /// A schedule that was verified, and what was proved again if that was asked for.
    pub fn new(schedule: &Schedule, proof: Option<&'a [Recheck]>) -> Self {
        Self { valid: true, size: schedule.size(), digest: schedule.digest().to_string(), proof }
    }

    /// A line, then a line for each claim; `file` is the schedule's.
    pub fn text(&self, file: &str) -> String {
        let Self { size, digest, .. } = self;
        let claims = claims(self.proof.unwrap_or_default());
        format!("{file}: valid for {size} ranks, digest {digest}\n{claims}")
    }
}

fn claims(rechecks: &[Recheck]) -> String {
    let mut table = Table::new();
    for recheck in rechecks {
        let mark = if recheck.confirmed { "✓" } else { "✗" };
        table.add_row([mark, &recheck.claim, &recheck.verdict.word(), recheck.verdict.evidence()]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}\n", table.text()) }
}

/// What is not confirmed, in words.
pub fn unconfirmed(rechecks: &[Recheck]) -> Vec<String> {
    let words = |recheck: &Recheck| {
        format!("`{}` was {} and is {}", recheck.claim, recheck.recorded, recheck.verdict.word())
    };
    rechecks.iter().filter(|recheck| !recheck.confirmed).map(words).collect()
}
