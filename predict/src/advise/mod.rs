//! The library becomes advice: its schedules, ranked by the predicted time to a target error on a cluster.

mod candidate;
mod effort;
mod proposal;
mod reason;
mod search;

use crate::allreduce::AllReduce;
use crate::cluster::{Cluster, ClusterError};
use crate::error::{PredictError, QuestionError};
use crate::links::Wiring;
use crate::progress::Progress;
use crate::units::{shown_bytes, shown_seconds};
use bfc_compiler::{Entry, NoFiles, Request, library};
use candidate::Candidate;
use effort::Effort;
pub use reason::Reason;
use search::Found;
use serde::Serialize;

/// What is sought.
#[derive(Clone, Copy, Debug)]
pub struct Goal<'a> {
    /// The number of ranks.
    pub size: u32,
    /// Where.
    pub cluster: &'a Cluster,
    /// The algorithm's library name, with its part or without; plain averaging where absent.
    pub algorithm: Option<&'a str>,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// The target error, relative to the initial one.
    pub error: f64,
    /// How far the ranks' optima lie apart, relative to the initial error.
    pub heterogeneity: f64,
    /// Least and largest curvature.
    pub curvature: [f64; 2],
}

/// The schedules that reach a goal.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// The number of ranks.
    pub size: u32,
    /// The cluster.
    pub cluster: String,
    /// The algorithm; plain averaging where absent.
    pub algorithm: Option<String>,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// The target error.
    pub error: f64,
    /// How far the ranks' optima lie apart.
    pub heterogeneity: f64,
    /// The fastest first; at least one.
    pub ranking: Vec<Choice>,
    /// What of the library is not in the ranking.
    pub left_out: Vec<LeftOut>,
    /// Seconds of one all-reduce of the model, by the fastest kind.
    pub allreduce_seconds: f64,
    /// That kind.
    #[serde(skip)]
    pub allreduce: &'static str,
    /// The fastest as a `.bf` file.
    pub source: String,
}

/// A schedule that reaches the goal.
#[derive(Clone, Debug, Serialize)]
pub struct Choice {
    /// Its topology, and the weights where they are not the topology's own.
    pub topology: String,
    /// Steps to the target.
    pub steps: f64,
    /// Seconds of a step.
    pub step_seconds: f64,
    /// Seconds to the target.
    pub seconds: f64,
    /// Seconds of a step in which ranks wait for exchanges.
    pub exposed_seconds: f64,
    /// Rounds of a step, as a mean.
    pub rounds: f64,
    /// Bytes that a rank sends in a step, as a mean.
    pub bytes: f64,
    /// What is remarkable about its convergence.
    pub why: String,
    /// Whether no other has both fewer steps and shorter ones.
    pub pareto: bool,
}

/// A topology of the library that does not serve.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub topology: String,
    /// Why.
    pub reason: Reason,
}

/// Searches the library.
///
/// # Errors
/// The library lacks the algorithm, the cluster has too few machines, nothing reaches the target, or `progress` is cancelled.
pub fn advise(goal: &Goal<'_>, progress: &mut dyn Progress) -> Result<Advice, PredictError> {
    let goal = &Goal { algorithm: goal.algorithm.map(bare_name), ..*goal };
    goal.check_algorithm()?;
    let Found { candidates, left_out } = search::search(goal, progress)?;
    let efforts: Vec<Effort> = candidates.iter().map(|candidate| candidate.effort).collect();
    let order = effort::rank(&efforts);
    let Some(&(fastest, _)) = order.first() else {
        let reason = |one: &LeftOut| format!("{}: {}", one.topology, one.reason);
        let reasons = left_out.iter().map(reason).collect();
        return Err(QuestionError::NothingReaches { error: goal.error, reasons }.into());
    };
    let ranking = order.iter().map(|(at, front)| candidates[*at].choice(goal, *front)).collect();
    let (allreduce, allreduce_seconds) = goal.fastest_allreduce()?;
    let mut advice = Advice {
        size: goal.size,
        cluster: goal.cluster.name().to_string(),
        algorithm: goal.algorithm.map(str::to_string),
        model_bytes: goal.model_bytes,
        error: goal.error,
        heterogeneity: goal.heterogeneity,
        ranking,
        left_out,
        allreduce_seconds,
        allreduce,
        source: String::new(),
    };
    let summary = advice.ranking.first().map(Choice::summary).unwrap_or_default();
    let source = format!("// {}\n// {summary}\n\n{}", advice.title(), candidates[fastest].source);
    advice.source = bfc_compiler::format(&source).unwrap_or(source);
    Ok(advice)
}

/// The name of an algorithm without its part of the library.
pub fn bare_name(name: &str) -> &str {
    name.strip_prefix("algorithm::").unwrap_or(name)
}

impl Goal<'_> {
    /// Whether the library has the algorithm.
    fn check_algorithm(&self) -> Result<(), PredictError> {
        let name = self.algorithm.map(|name| format!("algorithm::{name}"));
        match name.filter(|name| library::source(name).is_none()) {
            Some(name) => {
                let (parameters, allow) = (vec![], vec![]);
                let entry = Entry::Library(name);
                let request = Request { entry, size: self.size, local_size: 1, parameters, allow };
                bfc_compiler::check(&request, &NoFiles)?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The fastest all-reduce of the model and its seconds.
    fn fastest_allreduce(&self) -> Result<(&'static str, f64), ClusterError> {
        Ok(AllReduce::new(&Wiring::new(self.cluster, self.size)?, self.model_bytes).best())
    }
}

impl Advice {
    /// The goal in words.
    pub fn title(&self) -> String {
        let what = match &self.algorithm {
            Some(name) => format!("{name}, heterogeneity {}", self.heterogeneity),
            None => "averaging".to_string(),
        };
        format!(
            "{what} to {:e} with {} ranks on {}, model of {}",
            self.error,
            self.size,
            self.cluster,
            shown_bytes(self.model_bytes)
        )
    }
}

impl Choice {
    fn summary(&self) -> String {
        format!(
            "predicted {}: {} steps of {}, {}",
            shown_seconds(self.seconds),
            self.steps,
            shown_seconds(self.step_seconds),
            self.why
        )
    }
}

impl Candidate {
    fn choice(&self, goal: &Goal<'_>, pareto: bool) -> Choice {
        Choice {
            topology: self.name.clone(),
            steps: self.effort.steps,
            step_seconds: self.effort.step_seconds,
            seconds: self.effort.seconds(),
            exposed_seconds: self.exposed_seconds,
            rounds: self.cost.rounds.mean,
            bytes: self.cost.bytes(goal.model_bytes).mean,
            why: self.why.clone(),
            pareto,
        }
    }
}
