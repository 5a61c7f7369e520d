//! Simulations at several sizes: a table beside all-reduce, and a picture of the scaling efficiency.

use crate::fit;
use crate::picture::{self, Curve, Panel, Picture, Scale};
use crate::table::Table;
use bfc_predict::simulate::{Lost, Run};
use bfc_predict::units::{shown_bytes, shown_seconds};
use bfc_predict::{Simulation, Simulations};

/// The ways of all-reduce that a schedule is compared with.
const ALLREDUCE: [&str; 3] = ["ring all-reduce", "tree all-reduce", "hierarchical all-reduce"];

/// A line for each size, then where ranks went and how losses spread.
pub fn text(simulations: &Simulations) -> String {
    let mut table = Table::new();
    let samples = simulations.batch.map(|_| "samples/s");
    let heading = ["ranks", "a step", "99 of 100", "computing"];
    table.set_header(heading.into_iter().chain(ALLREDUCE).chain(samples));
    simulations.runs.iter().for_each(|run| table.add_row(row(run)));
    table.align_right(0..8);
    let (title, subtitle) = (title(simulations), subtitle(simulations));
    let mut text = format!("{title}\n{subtitle}\n\n{}\n", table.text());
    for Run { simulation, fit, .. } in &simulations.runs {
        if let Some(placing) = fit.as_ref().and_then(|fit| fit.placement.as_ref()) {
            text.push_str(&format!("\n{} ranks: {}\n", simulation.size, fit::place(placing)));
        }
        text.push_str(&simulation.lost.as_ref().map(losses).unwrap_or_default());
    }
    text
}

fn row(Run { simulation, throughput, .. }: &Run) -> impl Iterator<Item = String> {
    let cells = [
        simulation.size.to_string(),
        shown_seconds(simulation.step_seconds),
        shown_seconds(simulation.step_p99),
        format!("{:.1} %", 100.0 * simulation.efficiency),
        shown_seconds(simulation.ring_step_seconds),
        shown_seconds(simulation.tree_step_seconds),
        shown_seconds(simulation.hierarchical_step_seconds),
    ];
    cells.into_iter().chain(throughput.map(|throughput| format!("{:.0}", throughput.samples_per_second)))
}

/// How the loss of ranks spread.
fn losses(lost: &Lost) -> String {
    let names = lost.names.join(", ");
    let Some(first) = &lost.first_name else {
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

/// The efficiency over the number of ranks, beside that of all-reduce.
pub fn svg(simulations: &Simulations) -> String {
    let curve = |label: &str, colour, dash, share: &dyn Fn(&Simulation) -> f64| {
        let runs = simulations.runs.iter().map(|run| &run.simulation);
        let points = runs.map(|run| (f64::from(run.size), share(run))).collect();
        Curve { label: label.into(), colour, width: 2.0, dash, points }
    };
    let [ring, tree, hierarchical] = ALLREDUCE;
    let curves = vec![
        curve(ring, picture::FAINT, "7 4", &|run| run.compute_seconds / run.ring_step_seconds),
        curve(tree, picture::ORANGE, "2 3", &|run| run.compute_seconds / run.tree_step_seconds),
        curve(hierarchical, picture::PURPLE, "7 4", &|run| {
            run.compute_seconds / run.hierarchical_step_seconds
        }),
        curve("this schedule", picture::BLUE, "", &|run| run.efficiency),
    ];
    let panel = Panel {
        title: "scaling efficiency: the share of its time that a rank computes".into(),
        scale: Scale::Shares,
        curves,
    };
    let picture = Picture {
        title: title(simulations),
        subtitle: subtitle(simulations),
        x_label: "ranks".into(),
        x_scale: Scale::Doublings,
        mark: None,
        panels: vec![panel],
    };
    picture.svg()
}

fn title(simulations: &Simulations) -> String {
    format!("{} on {}", simulations.schedule, simulations.cluster)
}

fn subtitle(simulations: &Simulations) -> String {
    format!(
        "model of {}, gradients of {} with jitter {} %, {} steps",
        shown_bytes(simulations.model_bytes),
        shown_seconds(simulations.compute_seconds),
        (simulations.jitter * 1000.0).round() / 10.0,
        simulations.steps
    )
}
