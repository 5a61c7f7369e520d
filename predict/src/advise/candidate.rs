//! A proposal becomes a schedule on the cluster, and that a candidate: what it needs to reach the target, or why it does not.

use super::Goal;
use super::effort::{Consensus, Effort, Training};
use super::proposal::Proposal;
use super::search::CHEAP;
use crate::error::PredictError;
use crate::units::shown_seconds;
use crate::{Cost, Prediction, place};
use bfc_compiler::{Candidate as Tried, Diagnostics, NoFiles};

/// Operations of an analysis that is done at all.
const MOST_WORK: f64 = 5e9;

/// Letters of the reason for which a topology is left out.
const LONGEST_REASON: usize = 100;

/// A schedule that reaches the target.
pub(super) struct Candidate {
    /// The topology, and its weights where they are not its own.
    pub name: String,
    /// As a `.bf` file.
    pub source: String,
    /// What it needs.
    pub effort: Effort,
    /// What it sends.
    pub cost: Cost,
    /// The seconds that a step waits for exchanges.
    pub exposed_seconds: f64,
    /// Steps to the exact average.
    pub exact_after: Option<u64>,
    /// What is remarkable about its convergence.
    pub why: String,
}

/// A schedule whose steps are not counted yet.
pub(super) struct Weighed {
    name: String,
    source: String,
    tried: Tried,
    cost: Cost,
    /// Seconds of a step.
    pub step_seconds: f64,
    exposed_seconds: f64,
    /// No fewer reach the target.
    least_steps: f64,
    /// Operations of the analysis, roughly.
    pub work: f64,
}

/// Why a topology does not compile.
pub(super) struct Refusal {
    /// In words.
    pub reason: String,
    /// Whether it may for another number of ranks.
    pub at_this_size: bool,
}

/// The schedule of a proposal on the cluster, or why there is none.
///
/// # Errors
/// The cluster has too few machines.
pub(super) fn weigh(goal: &Goal<'_>, proposal: Proposal) -> Result<Result<Weighed, Refusal>, PredictError> {
    let source = proposal.source(goal.algorithm);
    let request = goal.request(source.clone());
    let tried = match bfc_compiler::candidate(&request, &NoFiles) {
        Ok(tried) => tried,
        Err(refused) => return Ok(Err(Refusal::new(&refused))),
    };
    let exact = tried.exact_after_a_period().filter(|_| goal.algorithm.is_none());
    let (schedule, _) = place::fit(tried.schedule().clone(), goal.cluster, goal.model_bytes)?;
    let prediction = Prediction::new(&schedule, goal.cluster, goal.model_bytes)?;
    Ok(Ok(Weighed {
        name: proposal.name,
        source,
        cost: Cost::new(&schedule),
        step_seconds: prediction.step_seconds,
        exposed_seconds: prediction.exposed_seconds,
        // What bounds the steps of averaging says nothing of training.
        least_steps: if goal.algorithm.is_none() { tried.least_steps(goal.error) } else { 0.0 },
        work: if exact.is_some() { tried.work().min(CHEAP) } else { tried.work() },
        tried,
    }))
}

impl Weighed {
    /// A candidate that needs no more steps than this at least, and no longer ones.
    pub fn beaten_by<'c>(&self, candidates: &'c [Candidate]) -> Option<&'c Candidate> {
        candidates.iter().find(|other| {
            other.effort.steps <= self.least_steps && other.effort.step_seconds <= self.step_seconds
        })
    }

    /// Why it is not analyzed, if it is not.
    pub fn hopeless(&self, candidates: &[Candidate]) -> Option<String> {
        if self.work <= CHEAP {
            return None;
        }
        if let Some(other) = self.beaten_by(candidates) {
            let (steps, step) = (self.least_steps, shown_seconds(self.step_seconds));
            return Some(format!("takes at least {steps} steps of {step}, {} no more of either", other.name));
        }
        let too_much = || {
            format!("its spectrum takes about {:.0e} operations, up to {MOST_WORK:.0e} are spent", self.work)
        };
        (self.work > MOST_WORK).then(too_much)
    }

    /// The candidate, or why there is none.
    ///
    /// # Errors
    /// Why the target is not reached.
    pub fn candidate(self, goal: &Goal<'_>) -> Result<Candidate, String> {
        let (steps, exact_after, why) = match goal.algorithm {
            None => consensus(goal, &self.tried)?,
            Some(_) => training(goal, &self.tried).map(|(steps, why)| (steps, None, why))?,
        };
        Ok(Candidate {
            name: self.name,
            source: self.source,
            effort: Effort { steps, step_seconds: self.step_seconds },
            cost: self.cost,
            exposed_seconds: self.exposed_seconds,
            exact_after,
            why,
        })
    }
}

/// The steps of training to the target and the reason for their number, or why it is not reached.
fn training(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, String), String> {
    let quadratic = tried.quadratic(goal.curvature).ok_or("the algorithm asks for no gradient")?;
    // Without heterogeneity no bias shows.
    let bias = quadratic.bias.or((goal.heterogeneity == 0.0).then_some(0.0));
    let (rate, bias) = quadratic.rate.zip(bias).ok_or_else(|| {
        quadratic.note.clone().unwrap_or_else(|| "its rate is not known at this size".to_string())
    })?;
    let steps = Training { rate, bias }.steps(goal.error, goal.heterogeneity).ok_or_else(|| {
        if rate < 1.0 {
            format!("ends {:.1e} away, above the target", bias * goal.heterogeneity)
        } else {
            format!("does not converge with its step size: rate {rate:.4}")
        }
    })?;
    let floor = if bias * goal.heterogeneity > 1e-3 * goal.error {
        format!(", ends {:.1e} away", bias * goal.heterogeneity)
    } else {
        ", exact".to_string()
    };
    Ok((steps, format!("falls by {rate:.4} a step{floor}")))
}

/// The steps of averaging to the target, those to the exact average, and the reason for their number, or why the target is
/// not reached.
fn consensus(goal: &Goal<'_>, tried: &Tried) -> Result<(f64, Option<u64>, String), String> {
    if let Some(exact) = tried.exact_after_a_period()
        && tried.work() > CHEAP
    {
        return Ok((exact as f64, Some(exact), format!("exact after {exact}")));
    }
    let convergence = tried.convergence().ok_or("there is no topology")?;
    if !convergence.doubly_stochastic {
        return Err("does not keep the average".to_string());
    }
    let exact_after = convergence.exact_after;
    let consensus =
        Consensus { exact_after, to_1e_3: convergence.rounds_to_1e_3, to_1e_6: convergence.rounds_to_1e_6 };
    let steps = consensus.steps(goal.error).ok_or("ranks do not come to agree within 10⁷ steps")?;
    let why = match exact_after {
        Some(exact) => format!("exact after {exact}"),
        None => format!("falls by {:.4} a step", convergence.rate_per_step),
    };
    Ok((steps, exact_after, why))
}

impl Refusal {
    fn new(refused: &Diagnostics) -> Self {
        let Some(first) = refused.errors().first() else {
            return Self { reason: "refused".to_string(), at_this_size: false };
        };
        let at_this_size = first.code == "bfc::evaluate::precondition";
        let reason = match first.message.char_indices().nth(LONGEST_REASON) {
            Some((end, _)) => format!("{}…", &first.message[..end]),
            None => first.message.clone(),
        };
        Self { reason, at_this_size }
    }
}
