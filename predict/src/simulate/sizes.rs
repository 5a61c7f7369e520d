//! A request becomes simulations of its schedules at several sizes.

use super::{Setting, Simulation, simulate_watched};
use crate::cluster::Cluster;
use crate::cost::Cost;
use crate::error::{MOST_EVENTS, MOST_RANKS, PredictError, QuestionError};
use crate::place::Fit;
use crate::plan::{Location, on_machines};
use crate::progress::Progress;
use bfc_compiler::{Files, Request};
use bfc_schedule::{Rank, Schedule};
use serde::Serialize;

/// What is simulated beside the request and the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Steps, and what goes wrong in them.
    pub setting: Setting,
    /// Whether ranks may be moved to better places.
    pub place: bool,
    /// Samples that a rank takes for a gradient.
    pub batch: Option<u32>,
}

/// Simulations at several sizes.
#[derive(Clone, Debug, Serialize)]
pub struct Simulations {
    /// The algorithm and its topologies.
    pub schedule: String,
    /// The cluster.
    pub cluster: String,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// Seconds of a gradient.
    pub compute_seconds: f64,
    /// The standard deviation of these seconds, over their mean.
    pub jitter: f64,
    /// Steps of each simulation.
    pub steps: u32,
    /// What selects the jitter and the stragglers.
    pub seed: u64,
    /// Ranks that are slow throughout.
    pub stragglers: Option<Stragglers>,
    /// Ranks that are lost.
    pub lost: Vec<Loss>,
    /// Samples that a rank takes for a gradient.
    pub batch: Option<u32>,
    /// One for each size.
    pub runs: Vec<Run>,
}

/// Ranks that are slow throughout.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stragglers {
    /// How many.
    pub count: u32,
    /// How many times as long they take.
    pub factor: f64,
}

/// A rank that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The rank.
    pub rank: u32,
    /// The first step without it.
    pub step: u32,
}

/// The simulation of one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// What was found.
    #[serde(flatten)]
    pub simulation: Simulation,
    /// How the schedule was fitted to the cluster, where ranks could be moved.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// Samples of all ranks in a second, where the batch is known.
    #[serde(flatten)]
    pub throughput: Option<Throughput>,
}

/// Samples of all ranks in a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// By the schedule.
    pub samples_per_second: f64,
    /// By ring all-reduce.
    pub ring_samples_per_second: f64,
    /// By trees.
    pub tree_samples_per_second: f64,
    /// By a hierarchical ring.
    pub hierarchical_samples_per_second: f64,
}

/// Simulates the schedule of a request at these sizes.
///
/// # Errors
/// The source or the cluster is refused, some simulation cannot be or would be too large, or `progress` is cancelled.
pub fn simulate_sizes(
    request: &Request,
    files: &dyn Files,
    sizes: &[u32],
    cluster: &Cluster,
    experiment: &Experiment,
    progress: &mut dyn Progress,
) -> Result<Simulations, PredictError> {
    let Experiment { setting, place, batch } = experiment;
    sizes.iter().try_for_each(|size| setting.check(*size))?;
    let mut simulations = Simulations::new(cluster, experiment);
    let location = Location { cluster, model_bytes: setting.model_bytes, place: *place };
    let steps = u64::from(setting.steps);
    progress.begin("simulations", steps * sizes.len() as u64, "steps");
    for (index, &size) in (0..).zip(sizes) {
        let request = on_machines(Request { size, ..request.clone() }, cluster);
        let (schedule, fit) = location.fit(bfc_compiler::compile_with_remedies(&request, files)?.schedule)?;
        setting.check_work(&schedule)?;
        let simulation = simulate_watched(&schedule, cluster, setting, progress, index * steps)?;
        let throughput = batch.map(|batch| Throughput::new(&simulation, batch));
        simulations.runs.push(Run { simulation, fit: place.then_some(fit), throughput });
        simulations.schedule = name(&schedule);
        progress.go_on((index + 1) * steps)?;
    }
    progress.end();
    Ok(simulations)
}

fn name(schedule: &Schedule) -> String {
    let names: Vec<&str> = schedule.topologies().iter().map(|topology| &*topology.name).collect();
    format!("{} over {}", schedule.program().name, names.join(", "))
}

impl Simulations {
    fn new(cluster: &Cluster, experiment: &Experiment) -> Self {
        let Setting { model_bytes, steps, seed, stragglers, lost } = &experiment.setting;
        let compute = cluster.compute();
        Self {
            schedule: String::new(),
            cluster: cluster.name().to_string(),
            model_bytes: *model_bytes,
            compute_seconds: compute.step,
            jitter: compute.jitter,
            steps: *steps,
            seed: *seed,
            stragglers: stragglers.map(|(count, factor)| Stragglers { count, factor }),
            lost: lost.iter().map(|&(Rank(rank), step)| Loss { rank, step }).collect(),
            batch: experiment.batch,
            runs: vec![],
        }
    }
}

impl Throughput {
    fn new(run: &Simulation, batch: u32) -> Self {
        let samples = |step: f64| f64::from(batch) * f64::from(run.size) / step;
        Self {
            samples_per_second: samples(run.step_seconds),
            ring_samples_per_second: samples(run.ring_step_seconds),
            tree_samples_per_second: samples(run.tree_step_seconds),
            hierarchical_samples_per_second: samples(run.hierarchical_step_seconds),
        }
    }
}

impl Setting {
    /// Whether all ranks and steps that go wrong are there.
    fn check(&self, size: u32) -> Result<(), QuestionError> {
        let steps = self.steps;
        if let Some((count, _)) = self.stragglers.filter(|(count, _)| *count > size) {
            return Err(QuestionError::TooManyStragglers { count, size });
        }
        for &(Rank(rank), step) in &self.lost {
            if rank >= size {
                return Err(QuestionError::UnknownRank { rank, size });
            }
            if step >= steps {
                return Err(QuestionError::LostTooLate { rank, step, steps });
            }
        }
        Ok(())
    }

    /// Whether the simulation takes no days.
    fn check_work(&self, schedule: &Schedule) -> Result<(), QuestionError> {
        let (size, steps) = (schedule.size(), self.steps);
        let events = f64::from(size) * f64::from(steps) * (1.0 + Cost::new(schedule).rounds.mean);
        if size > MOST_RANKS || events > MOST_EVENTS {
            return Err(QuestionError::TooLarge { size, steps, events });
        }
        Ok(())
    }
}
