//! A proposal becomes a schedule on the cluster, and that a candidate: what it needs to reach the target, or why it does not.

use super::Goal;
use super::effort::{Consensus, Effort, Training};
use super::pool::Pool;
use super::proposal::Proposal;
use super::reason::Reason;
use super::search::CHEAP;
use crate::cost::step_and_exposed;
use crate::error::PredictError;
use crate::{Cost, place};
use bfc_compiler::{Candidate as Tried, Entry, Request};

/// Operations of an analysis that is done at all.
const MOST_WORK: f64 = 5e9;

/// A schedule that reaches the target.
pub(super) struct Candidate {
    /// The topology, and its weights where they are not its own.
    pub name: String,
    /// As a source.
    pub source: Entry,
    /// What it needs.
    pub effort: Effort,
    /// What it sends.
    pub cost: Cost,
    /// The seconds that a step waits for exchanges.
    pub exposed_seconds: f64,
    /// Steps to the exact average.
    pub exact_after: Option<u64>,
    /// The step size of training, if it is known.
    pub step_size: Option<f64>,
    /// What is remarkable about its convergence.
    pub why: String,
    /// What was compiled.
    pub tried: Tried,
    /// Whether all that the algorithm requires is proved.
    pub proved: bool,
}

/// A schedule whose steps are not counted yet.
pub(super) struct Weighed {
    name: String,
    source: Entry,
    /// What was compiled.
    pub tried: Tried,
    cost: Cost,
    /// What it takes at least.
    pub bound: Bound,
    exposed_seconds: f64,
    trains: bool,
    /// Operations of the analysis, roughly.
    pub work: f64,
}

/// What a schedule takes at least to reach the target.
#[derive(Clone, Copy)]
pub(super) struct Bound {
    /// No fewer steps reach it.
    least_steps: f64,
    /// Seconds of a step.
    pub step_seconds: f64,
}

/// The schedule of a proposal, or why there is none.
pub(super) fn compile(goal: &Goal<'_>, pool: &Pool<'_>, proposal: &Proposal) -> Result<Tried, Reason> {
    let entry = proposal.source(pool);
    let request = Request { local_size: goal.local_size(), ..Request::new(entry, goal.size) };
    bfc_compiler::candidate(&request, pool.files).map_err(|refused| Reason::refused(&refused))
}

/// A schedule on the cluster.
///
/// # Errors
/// The cluster has too few machines.
pub(super) fn weigh(
    goal: &Goal<'_>,
    pool: &Pool<'_>,
    proposal: Proposal,
    tried: Tried,
) -> Result<Weighed, PredictError> {
    let trains = pool.algorithm.is_some();
    let exact = tried.exact_after_a_period().filter(|_| !trains);
    let (schedule, _) = place::fit(tried.schedule().clone(), goal.cluster, goal.model_bytes)?;
    let [step_seconds, exposed_seconds] = step_and_exposed(&schedule, goal.cluster, goal.model_bytes)?;
    Ok(Weighed {
        source: proposal.source(pool),
        name: proposal.name,
        cost: Cost::new(&schedule),
        // What bounds the steps of averaging says nothing of training.
        bound: Bound { least_steps: if trains { 0.0 } else { tried.least_steps(goal.error) }, step_seconds },
        exposed_seconds,
        trains,
        work: if exact.is_some() { tried.work().min(CHEAP) } else { tried.work() },
        tried,
    })
}

impl Bound {
    /// A candidate that needs no more steps than this at least, and no longer ones.
    pub fn beaten_by<'c>(&self, candidates: &'c [Candidate]) -> Option<&'c Candidate> {
        candidates.iter().find(|other| {
            other.effort.steps <= self.least_steps && other.effort.step_seconds <= self.step_seconds
        })
    }
}

impl Weighed {
    /// Why it is not analyzed, if it is not.
    pub fn hopeless(&self, candidates: &[Candidate]) -> Option<Reason> {
        if self.work <= CHEAP {
            return None;
        }
        if let Some(other) = self.bound.beaten_by(candidates) {
            let Bound { least_steps: steps, step_seconds } = self.bound;
            let by = other.name.clone();
            return Some(Reason::Beaten { steps, step_seconds, by });
        }
        (self.work > MOST_WORK).then_some(Reason::LongAnalysis { operations: self.work })
    }

    /// The candidate, or why there is none.
    ///
    /// # Errors
    /// Why the target is not reached.
    pub fn candidate(self, goal: &Goal<'_>) -> Result<Candidate, Reason> {
        let (steps, exact_after, why, step_size) = match self.trains {
            false => consensus(goal, &self.tried).map(|(steps, exact, why)| (steps, exact, why, None))?,
            true => training(goal, &self.tried).map(|(steps, why, size)| (steps, None, why, size))?,
        };
        Ok(Candidate {
            name: self.name,
            source: self.source,
            effort: Effort { steps, step_seconds: self.bound.step_seconds },
            cost: self.cost,
            exposed_seconds: self.exposed_seconds,
            exact_after,
            step_size,
            why,
            proved: !self.tried.is_open(),
            tried: self.tried,
        })
    }
}

/// The steps of training to the target, the reason for their number and the step size, or why it is not reached.
fn training(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, String, Option<f64>), Reason> {
    let quadratic = tried.quadratic(goal.curvature).ok_or(Reason::NoGradient)?;
    if let Some(rate) = quadratic.rate.filter(|rate| *rate >= 1.0) {
        return Err(Reason::Diverges { rate });
    }
    // Without heterogeneity no bias shows.
    let bias = quadratic.bias.or((goal.heterogeneity == 0.0).then_some(0.0));
    let (rate, bias) = quadratic.rate.zip(bias).ok_or_else(|| {
        let note = quadratic.note.clone();
        Reason::Unknown { note: note.unwrap_or_else(|| "its rate is not known at this size".to_string()) }
    })?;
    let steps = Training { rate, bias }.steps(goal.error, goal.heterogeneity);
    let steps = steps.ok_or(Reason::Biased { distance: bias * goal.heterogeneity })?;
    let floor = if bias * goal.heterogeneity > 1e-3 * goal.error {
        format!(", ends {:.1e} away", bias * goal.heterogeneity)
    } else {
        ", exact".to_string()
    };
    Ok((steps, format!("falls by {rate:.4} a step{floor}"), quadratic.step.map(|(_, size)| size)))
}

/// The steps of averaging to the target, those to the exact average, and the reason for their number, or why the target is
/// not reached.
fn consensus(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, Option<u64>, String), Reason> {
    if let Some(exact) = tried.exact_after_a_period()
        && tried.work() > CHEAP
    {
        return Ok((exact as f64, Some(exact), format!("exact after {exact}")));
    }
    let convergence = tried.convergence().filter(|convergence| convergence.doubly_stochastic);
    let convergence = convergence.ok_or(Reason::LosesAverage)?;
    let exact_after = convergence.exact_after;
    let consensus =
        Consensus { exact_after, to_1e_3: convergence.rounds_to_1e_3, to_1e_6: convergence.rounds_to_1e_6 };
    let steps = consensus.steps(goal.error).ok_or(Reason::TooSlow)?;
    let why = match exact_after {
        Some(exact) => format!("exact after {exact}"),
        None => format!("falls by {:.4} a step", convergence.rate_per_step),
    };
    Ok((steps, exact_after, why))
}
