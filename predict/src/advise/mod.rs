//! The library, and a source of one's own, become advice: schedules, ranked by the predicted time to a target error on a
//! cluster, beside all-reduce.

mod candidate;
mod effort;
mod pool;
mod proposal;
mod reason;
mod search;

use crate::allreduce::{self, AllReduce};
use crate::cluster::{Cluster, ClusterError};
use crate::error::{PredictError, QuestionError};
use crate::links::Wiring;
use crate::progress::Progress;
use crate::units::{shown_bytes, shown_seconds};
use bfc_compiler::{Entry, Files};
use candidate::Candidate;
use effort::{Effort, Training};
use pool::Pool;
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
    /// A source of one's own, whose topologies are tried too.
    pub source: Option<&'a Entry>,
    /// An algorithm of the source or the library, with its part or without, and with arguments or without; where absent, the
    /// only one of the source, or else plain averaging.
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
    /// What is not in the ranking.
    pub left_out: Vec<LeftOut>,
    /// All-reduce in place of a schedule.
    pub allreduce: ByAllReduce,
    /// The fastest as a `.bf` file.
    pub source: String,
    /// Whether that uses files beside the source of one's own.
    #[serde(skip)]
    pub neighbours: bool,
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
    /// Whether all that the algorithm requires is proved. Where it requires to be stable, that is proved of the first, and
    /// the rate of the others is an estimate.
    pub proved: bool,
}

/// Averaging by all-reduce, or gradient descent on gradients that are averaged so, with the step size of the algorithm.
#[derive(Clone, Debug, Serialize)]
pub struct ByAllReduce {
    /// The fastest kind: `ring`, `tree` or `hierarchical`.
    pub kind: &'static str,
    /// Seconds of one all-reduce of the model.
    pub seconds_of_one: f64,
    /// Steps to the target, where the algorithm has a step size.
    pub steps: Option<f64>,
    /// Seconds of a step.
    pub step_seconds: f64,
    /// Seconds to the target.
    pub seconds: Option<f64>,
}

/// A topology that does not serve.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub topology: String,
    /// Why.
    pub reason: Reason,
}

/// Searches the library and the source.
///
/// # Errors
/// The source is refused, there is no such algorithm, the cluster has too few machines, nothing reaches the target, or
/// `progress` is cancelled.
pub fn advise(
    goal: &Goal<'_>,
    files: &dyn Files,
    progress: &mut dyn Progress,
) -> Result<Advice, PredictError> {
    let pool = Pool::new(goal, files)?;
    let Found { candidates, left_out } = search::search(goal, &pool, progress)?;
    let efforts: Vec<Effort> = candidates.iter().map(|candidate| candidate.effort).collect();
    let order = effort::rank(&efforts);
    let Some(&(fastest, _)) = order.first() else {
        let reason = |one: &LeftOut| format!("{}: {}", one.topology, one.reason);
        let reasons = left_out.iter().map(reason).collect();
        return Err(QuestionError::NothingReaches { error: goal.error, reasons }.into());
    };
    let ranking: Vec<Choice> = order.iter().map(|(at, front)| candidates[*at].choice(goal, *front)).collect();
    let mut advice = Advice {
        size: goal.size,
        neighbours: pool.neighbours,
        cluster: goal.cluster.name().to_string(),
        allreduce: goal.by_allreduce(&candidates, pool.algorithm.is_some())?,
        algorithm: pool.algorithm.map(|known| known.label),
        model_bytes: goal.model_bytes,
        error: goal.error,
        heterogeneity: goal.heterogeneity,
        ranking,
        left_out,
        source: String::new(),
    };
    let summary = advice.ranking.first().map(Choice::summary).unwrap_or_default();
    if let Entry::Source { text, .. } = &candidates[fastest].source {
        let machines = match goal.local_size() {
            1 => String::new(),
            local => format!("// compile it with `--size {} --local-size {local}`\n", goal.size),
        };
        let source = format!("// {}\n// {summary}\n{machines}\n{text}", advice.title());
        advice.source = bfc_compiler::format(&source).unwrap_or(source);
    }
    Ok(advice)
}

/// The name of an algorithm without its part of the library, and its arguments in parentheses, if it has some.
pub fn bare_call(call: &str) -> (&str, &str) {
    let bare = call.strip_prefix("algorithm::").unwrap_or(call);
    let (name, arguments) = bare.split_at(bare.find('(').unwrap_or(bare.len()));
    (name.trim_end(), arguments)
}

impl Goal<'_> {
    fn by_allreduce(&self, candidates: &[Candidate], trains: bool) -> Result<ByAllReduce, ClusterError> {
        let wiring = Wiring::new(self.cluster, self.size)?;
        let (kind, seconds_of_one) = AllReduce::new(&wiring, self.model_bytes).best();
        let compute = self.cluster.compute();
        // Averaging has no gradient to wait for.
        let gradient = if trains { compute.step } else { 0.0 };
        let step_seconds = allreduce::step(&compute, gradient, seconds_of_one);
        let descent = |size: f64| {
            let rate = self.curvature.iter().map(|h| (1.0 - size * h).abs()).fold(0.0, f64::max);
            Training { rate, bias: 0.0 }.steps(self.error, self.heterogeneity)
        };
        let steps = match trains {
            true => candidates.iter().find_map(|candidate| candidate.step_size).and_then(descent),
            false => Some(1.0),
        };
        let seconds = steps.map(|steps| steps * step_seconds);
        Ok(ByAllReduce { kind, seconds_of_one, steps, step_seconds, seconds })
    }
}

impl Advice {
    /// Whether all-reduce or the first of the ranking is faster, and by how much, in words.
    pub fn verdict(&self) -> Option<String> {
        if self.size == 1 {
            return Some("one rank has nobody to communicate with".to_string());
        }
        let (best, seconds) = (self.ranking.first()?, self.allreduce.seconds?);
        let steps = self.allreduce.steps?;
        let plural = if steps == 1.0 { "" } else { "s" };
        let by = format!(
            "{} by {} all-reduce, in {steps} step{plural}",
            shown_seconds(seconds),
            self.allreduce.kind
        );
        let (name, own) = (&best.topology, shown_seconds(best.seconds));
        Some(if seconds <= best.seconds {
            format!("all-reduce is the fastest: {by}; {name} takes {own}")
        } else {
            format!("{name} is the fastest: {own}, and {by}")
        })
    }

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
            proved: self.proved,
        }
    }
}
