//! `bfc simulate`: schedules of several sizes run on a cluster by discrete events.

use super::arguments::Simulate;
use super::clusters::cluster_for;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Kind, Results};
use crate::{input, output, progress};
use bfc_predict::{Experiment, Setting, simulate_sizes};
use bfc_report::simulations;

const SIMULATIONS: Kind =
    Kind { name: "a result of `bfc simulate`", heads: &[b"{\n  \"schedule\": "], flag: "--out" };

/// Simulates and reports.
///
/// # Errors
/// The source or the cluster is refused, or the simulation would be too large.
pub fn simulate(arguments: &Simulate, format: Format) -> Result<(), Failure> {
    let out = arguments.out.as_deref();
    let results =
        out.map(|out| Results::new(out, SIMULATIONS, "simulation.json", "efficiency.svg")).transpose()?;
    let cluster = cluster_for(&arguments.cluster, &arguments.load)?;
    let experiment = experiment(arguments);
    let sizes = &arguments.sizes;
    let request = input::request(&arguments.file, sizes.first().copied().unwrap_or(1), &arguments.settings)?;
    let found = simulate_sizes(&request, &input::Beside, sizes, &cluster, &experiment, &mut progress::Bar)?;
    if let Some(results) = results {
        results.write(&found, &simulations::svg(&found))?;
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
