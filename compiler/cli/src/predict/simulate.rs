//! `bfc simulate`: schedules of several sizes run on a cluster by discrete events.

use super::arguments::Simulate;
use super::clusters::cluster_for;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::{input, output};
use bfc_predict::{Experiment, Setting, Silent, simulate_sizes};
use bfc_report::simulations;

/// Simulates and reports.
///
/// # Errors
/// The source or the cluster is refused, or the simulation would be too large.
pub fn simulate(arguments: &Simulate, format: Format) -> Result<(), Failure> {
    if let Some(directory) = &arguments.out {
        output::check_directory(directory)?;
    }
    let cluster = cluster_for(&arguments.cluster, &arguments.load)?;
    let experiment = experiment(arguments);
    let sizes = &arguments.sizes;
    let request = input::request(&arguments.file, sizes.first().copied().unwrap_or(1), &arguments.settings)?;
    let found = simulate_sizes(&request, &input::Beside, sizes, &cluster, &experiment, &mut Silent)?;
    if let Some(directory) = &arguments.out {
        let picture = simulations::svg(&found);
        output::write_results(directory, ("simulation.json", &found), ("efficiency.svg", &picture))?;
    }
    output::show(format, &found, || simulations::text(&found))
}

fn experiment(arguments: &Simulate) -> Experiment {
    let setting = Setting {
        model_bytes: arguments.load.model_bytes,
        steps: arguments.steps,
        seed: arguments.seed,
        stragglers: arguments.stragglers,
        lost: arguments.lost.clone(),
    };
    Experiment { setting, place: arguments.placing.place, batch: arguments.batch }
}
