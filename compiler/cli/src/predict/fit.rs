//! A schedule becomes the schedule for a cluster: rounds that respect shared links, ranks on better places, and words for it.

use crate::failure::Failure;
use bfc_compiler::certificate;
use bfc_predict::Cluster;
use bfc_predict::place::{self, FitError, Fitted, Placement, Search};
use bfc_predict::sharing::Sharing;
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_schedule::Schedule;
use miette::Report;
use serde_json::{Value, json};

/// A time within this factor of its bound is reported as nearly optimal.
const NEARLY: f64 = 1.01;

/// A schedule for a cluster, and what became of it.
pub struct Fit {
    fitted: Fitted,
    /// A claim that was proved and is not where ranks have moved; they have not, then.
    unproved: Option<String>,
}

impl From<FitError> for Failure {
    fn from(error: FitError) -> Self {
        match error {
            FitError::Cluster(error) => error.into(),
            FitError::Verify(errors) => Self::refused(errors.into_iter().map(Report::new)),
        }
    }
}

/// Fits a schedule to a cluster; moves its ranks where `place` is set.
///
/// # Errors
/// The cluster has too few machines.
pub fn fit(schedule: Schedule, cluster: &Cluster, model_bytes: f64, place: bool) -> Result<Fit, Failure> {
    if !place {
        return Ok(Fit { fitted: place::fit(schedule, cluster, model_bytes)?, unproved: None });
    }
    let fitted = place::place(schedule.clone(), cluster, model_bytes)?;
    let Some(unproved) = unproved(&fitted.schedule) else { return Ok(Fit { fitted, unproved: None }) };
    let kept = place::fit(schedule, cluster, model_bytes)?;
    Ok(Fit { fitted: kept, unproved: Some(unproved) })
}

/// A claim of the certificate that is not found again.
fn unproved(schedule: &Schedule) -> Option<String> {
    let rechecks = certificate::recheck(schedule).ok()?;
    rechecks.into_iter().find(|recheck| !recheck.confirmed).map(|recheck| recheck.claim)
}

impl Fit {
    /// The schedule for the cluster.
    pub fn schedule(&self) -> &Schedule {
        &self.fitted.schedule
    }

    /// The schedule alone.
    pub fn into_schedule(self) -> Schedule {
        self.fitted.schedule
    }

    /// Adds what became of rounds and places to a document.
    pub fn add_to(&self, document: &mut Value) {
        document["sharing"] = json!(self.fitted.sharing);
        if let Some(placement) = &self.fitted.placement {
            document["placement"] = json!(placement);
        }
        if let Some(claim) = &self.unproved {
            document["placement"] = json!({ "unproved": claim });
        }
    }

    /// What became of them in words, each with what it is about.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let phases = self.fitted.sharing.chunk_by(|a, b| a.topology == b.topology);
        let links = phases.filter_map(shared).map(|line| ("links", line));
        links.chain(self.placed().map(|line| ("place", line))).collect()
    }

    fn placed(&self) -> Option<String> {
        if let Some(claim) = &self.unproved {
            return Some(format!("kept: with its ranks elsewhere `{claim}` would not be decided"));
        }
        let Placement { ranks, search, before, after } = self.fitted.placement.as_ref()?;
        let moved = ranks.iter().zip(0..).filter(|(rank, place)| **rank != *place).count();
        Some(match (moved, search) {
            (0, Search::None) => format!("kept: up to {} ranks are placed", place::MOST_RANKS),
            (0, Search::All) => "kept: no other placement is better".to_string(),
            (0, Search::Swaps) => "kept: no better placement was found".to_string(),
            _ => format!(
                "{moved} of {} ranks moved: exchanges of {} a step instead of {}, {} between machines instead of {}",
                ranks.len(),
                shown_seconds(after.communication_seconds),
                shown_seconds(before.communication_seconds),
                shown_bytes(after.bytes_between_machines),
                shown_bytes(before.bytes_between_machines),
            ),
        })
    }
}

/// How the rounds of a topology share links, if they do.
fn shared(phases: &[Sharing]) -> Option<String> {
    let share = phases.iter().map(|phase| phase.share).fold(1.0, f64::max);
    let (name, sum) =
        (&phases.first()?.topology, |of: fn(&Sharing) -> f64| phases.iter().map(of).sum::<f64>());
    let (seconds, least) = (sum(|phase| phase.seconds), sum(|phase| phase.least_rounds_seconds));
    let bound = phases.iter().map(|phase| phase.bound_seconds).sum::<Option<f64>>();
    if share < 1.0 + 1e-6 {
        return None;
    }
    let at_least = bound.map_or(String::new(), |bound| format!(", at least {}", shown_seconds(bound)));
    if seconds < least {
        let count = |of: fn(&Sharing) -> u32| phases.iter().map(of).sum::<u32>();
        return Some(format!(
            "{name}: {} rounds instead of {}, since links are shared: {} a step instead of {}{at_least}",
            count(|phase| phase.rounds),
            count(|phase| phase.least_rounds),
            shown_seconds(seconds),
            shown_seconds(least),
        ));
    }
    let other = match bound {
        Some(bound) if least <= bound * NEARLY => "other rounds would gain less than 1 %".to_string(),
        Some(_) => format!("no faster rounds were found: {} a step{at_least}", shown_seconds(seconds)),
        None => "rounds that are alike for all ranks stay".to_string(),
    };
    let share = (share * 10.0).round() / 10.0;
    Some(format!("{name}: messages take up to {share} times as long as alone; {other}"))
}
