//! `bfc simulate`: schedules of several sizes run on a cluster by discrete events.

use super::arguments::Simulate;
use super::clusters::{cluster_for, settle};
use super::error::{MOST_EVENTS, MOST_RANKS, PredictError};
use super::fit::{Fit, fit};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::{input, output};
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_predict::{Cluster, Cost, Setting, Simulation};
use bfc_schedule::{Rank, Schedule};
use serde_json::{Value, json};

/// A simulation of each size, and what was simulated.
struct Runs<'a> {
    arguments: &'a Simulate,
    cluster: Cluster,
    /// The topologies and the algorithm.
    name: String,
    runs: Vec<Simulation>,
    /// How the schedule of each size was fitted to the cluster.
    fits: Vec<Fit>,
}

/// Simulates and reports.
///
/// # Errors
/// The source or the cluster is refused, or the simulation would be too large.
pub fn simulate(arguments: &Simulate, format: Format) -> Result<(), Failure> {
    if let Some(directory) = &arguments.out {
        output::check_directory(directory)?;
    }
    let cluster = cluster_for(&arguments.cluster, &arguments.load)?;
    let setting = Setting {
        model_bytes: arguments.load.model_bytes,
        steps: arguments.steps,
        seed: arguments.seed,
        stragglers: arguments.stragglers,
        lost: arguments.lost.clone(),
    };
    arguments.sizes.iter().try_for_each(|size| possible(*size, &setting)).map_err(Failure::refused_by)?;
    let mut runs = Runs { arguments, cluster, name: String::new(), runs: vec![], fits: vec![] };
    for &size in &arguments.sizes {
        let mut request = input::request(&arguments.file, size, &arguments.settings)?;
        settle(&mut request, &runs.cluster);
        let schedule = input::compile_request(&request)?.schedule;
        let fitted = fit(schedule, &runs.cluster, setting.model_bytes, arguments.placing.place)?;
        let schedule = fitted.schedule();
        affordable(schedule, &setting).map_err(Failure::refused_by)?;
        runs.runs.push(bfc_predict::simulate(schedule, &runs.cluster, &setting)?);
        let names: Vec<&str> = schedule.topologies().iter().map(|topology| &*topology.name).collect();
        runs.name = format!("{} over {}", schedule.program().name, names.join(", "));
        runs.fits.push(fitted);
    }
    if let Some(directory) = &arguments.out {
        let (document, picture) = (runs.json(), runs.svg());
        output::write_results(directory, ("simulation.json", &document), ("efficiency.svg", &picture))?;
    }
    match format {
        Format::Json => output::print_json(&runs.json()),
        Format::Human => output::print(runs.table()),
    }
}

/// Whether all ranks and steps that go wrong are there.
fn possible(size: u32, setting: &Setting) -> Result<(), PredictError> {
    let steps = setting.steps;
    if let Some((count, _)) = setting.stragglers.filter(|(count, _)| *count > size) {
        return Err(PredictError::TooManyStragglers { count, size });
    }
    for &(Rank(rank), step) in &setting.lost {
        if rank >= size {
            return Err(PredictError::UnknownRank { rank, size });
        }
        if step >= steps {
            return Err(PredictError::LostTooLate { rank, step, steps });
        }
    }
    Ok(())
}

fn affordable(schedule: &Schedule, setting: &Setting) -> Result<(), PredictError> {
    let (size, steps) = (schedule.size(), setting.steps);
    let events = f64::from(size) * f64::from(steps) * (1.0 + Cost::new(schedule).rounds.mean);
    if size > MOST_RANKS || events > MOST_EVENTS {
        return Err(PredictError::TooLarge { size, steps, events });
    }
    Ok(())
}

impl Runs<'_> {
    /// The document `simulation.json`.
    fn json(&self) -> Value {
        let arguments = self.arguments;
        let run = |(run, fit): (&Simulation, &Fit)| {
            let mut document = json!(run);
            if arguments.placing.place {
                fit.add_to(&mut document);
            }
            if let Some(batch) = arguments.batch {
                let samples = |step: f64| f64::from(batch) * f64::from(run.size) / step;
                document["samples_per_second"] = json!(samples(run.step_seconds));
                document["ring_samples_per_second"] = json!(samples(run.ring_step_seconds));
                document["tree_samples_per_second"] = json!(samples(run.tree_step_seconds));
                document["hierarchical_samples_per_second"] = json!(samples(run.hierarchical_step_seconds));
            }
            document
        };
        let compute = self.cluster.compute();
        json!({
            "schedule": self.name,
            "cluster": self.cluster.name(),
            "model_bytes": arguments.load.model_bytes,
            "compute_seconds": compute.step,
            "jitter": compute.jitter,
            "steps": arguments.steps,
            "seed": arguments.seed,
            "stragglers": arguments.stragglers.map(|(count, factor)| json!({ "count": count, "factor": factor })),
            "lost": arguments.lost.iter().map(|(rank, step)| json!({ "rank": rank.0, "step": step })).collect::<Value>(),
            "batch": arguments.batch,
            "runs": self.runs.iter().zip(&self.fits).map(run).collect::<Value>(),
        })
    }

    fn title(&self) -> String {
        format!("{} on {}", self.name, self.cluster.name())
    }

    fn subtitle(&self) -> String {
        let compute = self.cluster.compute();
        format!(
            "model of {}, gradients of {} with jitter {} %, {} steps",
            shown_bytes(self.arguments.load.model_bytes),
            shown_seconds(compute.step),
            (compute.jitter * 1000.0).round() / 10.0,
            self.arguments.steps
        )
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        let samples = self.arguments.batch.map(|_| "samples/s");
        let heading = ["ranks", "a step", "99 of 100", "computing", "ring", "tree", "hierarchical"];
        table.set_header(heading.into_iter().chain(samples));
        for run in &self.runs {
            let cells = [
                run.size.to_string(),
                shown_seconds(run.step_seconds),
                shown_seconds(run.step_p99),
                format!("{:.1} %", 100.0 * run.efficiency),
                shown_seconds(run.ring_step_seconds),
                shown_seconds(run.tree_step_seconds),
                shown_seconds(run.hierarchical_step_seconds),
            ];
            let rate = self
                .arguments
                .batch
                .map(|batch| format!("{:.0}", f64::from(batch) * f64::from(run.size) / run.step_seconds));
            table.add_row(cells.into_iter().chain(rate));
        }
        table.align_right(0..8);
        let mut text = format!("{}\n{}\n\n{}\n", self.title(), self.subtitle(), table.text());
        for (run, fit) in self.runs.iter().zip(&self.fits) {
            for (_, line) in fit.lines().iter().filter(|(about, _)| *about == "place") {
                text.push_str(&format!("\n{} ranks: {line}\n", run.size));
            }
            text.push_str(&losses(run));
        }
        text
    }

    /// The document `efficiency.svg`.
    fn svg(&self) -> String {
        let points = |share: &dyn Fn(&Simulation) -> f64| {
            self.runs.iter().map(|run| (f64::from(run.size), share(run))).collect()
        };
        let curve = |label: &str, colour, dash, points| Curve {
            label: label.into(),
            colour,
            width: 2.0,
            dash,
            points,
        };
        let parallel = |step: &dyn Fn(&Simulation) -> f64| points(&|run| run.compute_seconds / step(run));
        Picture {
            title: self.title(),
            subtitle: self.subtitle(),
            x_label: "ranks".into(),
            x_scale: Scale::Doublings,
            panels: vec![Panel {
                title: "scaling efficiency: the share of its time that a rank computes".into(),
                scale: Scale::Shares,
                curves: vec![
                    curve("ring all-reduce", "#9aa5b1", "7 4", parallel(&|run| run.ring_step_seconds)),
                    curve("tree all-reduce", "#c77d0a", "2 3", parallel(&|run| run.tree_step_seconds)),
                    curve("hierarchical", "#7a5195", "7 4", parallel(&|run| run.hierarchical_step_seconds)),
                    curve("this schedule", "#0b6bcb", "", points(&|run| run.efficiency)),
                ],
            }],
        }
        .svg()
    }
}

/// How the loss of ranks spread, if any was lost.
fn losses(run: &Simulation) -> String {
    let Some(lost) = &run.lost else { return String::new() };
    let names = lost.ranks.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let Some(first) = lost.first else {
        return format!("\nlost: {names}; the other ranks do not need them\n");
    };
    format!(
        "\nlost: {names}; rank {first} is the first to wait in vain, after {} steps, and {} later, after at most {} steps, \
         {} ranks do\n",
        lost.first_steps,
        shown_seconds(lost.spread_seconds),
        lost.last_steps,
        lost.stalled,
    )
}
