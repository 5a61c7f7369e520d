//! A source becomes the models of its ranks after each step: rank i starts at i, and its loss is (x − i)²/2 of one number.

use crate::cases::{Case, run};
use crate::compile::{Beside, request};
use bfc_compiler::compile;
use bfc_runtime::local::spmd;
use bfc_runtime::{Ask, Flat, FlatAsk, RuntimeError, Transport};
use bfc_schedule::Schedule;

const STEPS: usize = 3;

/// The models of all ranks after each step.
fn models(schedule: &Schedule) -> Vec<Vec<f64>> {
    let by_rank = spmd(schedule.size(), |transport| {
        let rank = transport.rank();
        let own = f64::from(rank.0);
        let mut machine = Flat::<f64, _>::new(schedule.rank(rank), transport, &[own])?;
        let step = |_| {
            machine.step(&mut |ask: FlatAsk<'_, f64>| match ask {
                Ask::Gradient { point, gradient } => gradient[0] = point[0] - own,
                Ask::Adapt { point, direction } => {
                    point[0] -= direction.map_or(point[0] - own, |d| d[0]) / 8.0
                }
                Ask::Prox { point, rho, minimizer } => minimizer[0] = (own + rho * point[0]) / (1.0 + rho),
            })?;
            Ok(machine.model()?[0])
        };
        (0..STEPS).map(step).collect::<Result<Vec<f64>, RuntimeError>>()
    });
    by_rank.unwrap_or_else(|error| panic!("{error}"))
}

fn executed(case: &Case) -> String {
    let compiled = compile(&request(case), &Beside(&case.beside));
    let compiled = compiled.unwrap_or_else(|refused| panic!("`{}`: {refused}", case.name));
    let by_rank = models(&compiled.schedule);
    let line = |step: usize| {
        let models: Vec<_> = by_rank.iter().map(|models| models[step].to_string()).collect();
        format!("{}: {}\n", step + 1, models.join(" "))
    };
    (0..STEPS).map(line).collect()
}

#[test]
fn execute() {
    run("execute", executed);
}
