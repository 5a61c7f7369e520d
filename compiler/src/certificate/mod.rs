//! What was proved of a schedule goes into its file, and is proved again from the file alone.
//!
//! A certificate lists claims in a form that needs no source: the matrices are in the file, exactly, and the algorithm is
//! lifted from the program that ranks run. So a recheck trusts neither the source nor the lowering, nor any words of the
//! file: it prints claims in its own words. It cannot see omissions: a certificate without an entry
//! for `stable` says nothing of stability. What was decided from the source alone, such as `c > 0`, has no entry.

mod claim;
mod lift;

use crate::model::claim::Claim;
use crate::model::topology::Topology;
use crate::prove::{Check, Outcome, Prover, Verdict};
use bfc_schedule::{MixingMatrix, Schedule};
use claim::Worded;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// The entry of a claim that was decided; `None` for what speaks of the source alone.
fn entry(check: &Check) -> Option<Value> {
    let mut entry = serde_json::to_value(check).unwrap_or_default();
    entry["statement"] = claim::write(&check.claim.statement)?;
    Some(entry)
}

/// A claim of a certificate, decided again.
#[derive(Clone, Debug)]
pub struct Recheck {
    /// What is claimed of which topology, written from what was decided: `doubly_stochastic(ring)`.
    pub claim: String,
    /// What the file records.
    pub recorded: Outcome,
    /// The verdict now.
    pub verdict: Verdict,
    /// Whether the verdict now is the recorded one, bounds aside.
    pub confirmed: bool,
}

/// `{claim, recorded, verdict, evidence, confirmed}`, in words.
impl Serialize for Recheck {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut recheck = serializer.serialize_struct("Recheck", 5)?;
        recheck.serialize_field("claim", &self.claim)?;
        recheck.serialize_field("recorded", &self.recorded.to_string())?;
        recheck.serialize_field("verdict", &self.verdict.word())?;
        recheck.serialize_field("evidence", self.verdict.evidence())?;
        recheck.serialize_field("confirmed", &self.confirmed)?;
        recheck.end()
    }
}

/// Why a certificate cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The file has none.
    Missing,
    /// An entry is not one that this compiler writes.
    Entry(usize),
    /// The program is not a data-flow.
    Program(String),
}

/// Decides every claim of a schedule's certificate again.
///
/// # Errors
/// Where there is no certificate, or it cannot be read.
pub fn recheck(schedule: &Schedule) -> Result<Vec<Recheck>, Unreadable> {
    let entries = schedule.certificate()["checks"].as_array().ok_or(Unreadable::Missing)?;
    let topologies: Vec<Topology> = schedule
        .topologies()
        .iter()
        .map(|topology| {
            let phases: Vec<MixingMatrix> =
                topology.phases.iter().map(|phase| phase.matrix.clone()).collect();
            let (name, size) = (topology.name.clone(), schedule.size());
            let (ensures, optimised, places) = (vec![], vec![], [].into());
            Topology { name, size, phases, is_drawn: false, ensures, optimised, names: None, places }
        })
        .collect();
    let names: Vec<String> = topologies.iter().map(|topology| topology.name.clone()).collect();
    let algorithm = lift::algorithm(schedule.program(), names.clone()).map_err(Unreadable::Program)?;
    let prover = Prover::new(&topologies, Some(&algorithm));
    let decide = |(index, entry): (usize, &Value)| {
        let unreadable = || Unreadable::Entry(index);
        let statement = claim::read(&entry["statement"], topologies.len()).ok_or_else(unreadable)?;
        let recorded = entry["verdict"].as_str().and_then(Outcome::from_words).ok_or_else(unreadable)?;
        let text = Worded(&statement, &names).to_string();
        let claim = Claim { statement, text, span: Default::default() };
        let verdict = prover.decide(&claim);
        let confirmed = verdict.outcome().agrees_with(recorded);
        Ok(Recheck { claim: claim.text, recorded, verdict, confirmed })
    };
    entries.iter().enumerate().map(decide).collect()
}

/// The certificate of what was decided.
pub fn certificate(checks: &[Check]) -> Value {
    json!({ "checks": checks.iter().filter_map(entry).collect::<Vec<_>>() })
}
