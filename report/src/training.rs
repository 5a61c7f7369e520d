//! Training by a schedule beside all-reduce and gradient descent: a table, and a picture of the curves.

use crate::picture::{self, Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::words::NOTHING;
use serde::Serialize;

const DECENTRALIZED: &str = picture::BLUE;
const ALLREDUCE: &str = picture::VERMILLION;
const CENTRALIZED: &str = picture::FAINT;

/// Three runs on the same data, and what they ran on.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// The names of the schedule's topologies.
    pub topology: String,
    /// The name of its algorithm.
    pub algorithm: String,
    /// The number of ranks.
    pub size: u32,
    /// The digest of the schedule.
    pub digest: String,
    /// The data.
    pub data: DataSet,
    /// Steps of each run.
    pub steps: u64,
    /// The learning rate of all three.
    pub lr: f64,
    /// How unlike the ranks' data are, from 0 to 1.
    pub skew: f64,
    /// What selects how rows are shuffled.
    pub seed: u64,
    /// The factor of the L2 term.
    pub l2: f64,
    /// The least loss.
    pub optimum: f64,
    /// The schedule.
    pub decentralized: Outcome,
    /// All-reduce on the same shards.
    pub allreduce: Outcome,
    /// Gradient descent on all rows.
    pub centralized: Outcome,
    /// How far ranks end from their mean.
    pub consensus_distance: f64,
    /// Bytes that the busiest rank sends.
    pub bytes_per_rank: u64,
    /// What the runs looked like at some steps, the first and the last among them.
    pub curve: Vec<Point>,
}

/// What a model is trained on.
#[derive(Clone, Debug, Serialize)]
pub struct DataSet {
    /// What it is called.
    pub name: String,
    /// Numbers of a row.
    pub features: usize,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Rows that ranks train on.
    pub training_rows: usize,
    /// Rows that are kept apart.
    pub test_rows: usize,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The loss of all training rows at the mean of the ranks' models.
    pub loss: f64,
    /// The share of test rows that it classifies right.
    pub test_accuracy: f64,
    /// How far ranks are from their mean.
    pub consensus_distance: f64,
    /// Bytes that the busiest rank sent.
    pub bytes_per_rank: u64,
}

/// What the runs looked like after some steps: losses, and the distance of the schedule's ranks from their mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Steps done.
    pub step: u64,
    /// The schedule.
    pub decentralized: f64,
    /// All-reduce.
    pub allreduce: f64,
    /// Gradient descent on all rows.
    pub centralized: f64,
    /// How far ranks are from their mean.
    pub consensus_distance: f64,
}

/// A line for each run.
pub fn text(training: &Training) -> String {
    let mut table = Table::new();
    table.set_header(["", "loss", "above optimum", "test accuracy", "consensus distance", "sent per rank"]);
    for (name, run) in [("decentralized", training.decentralized), ("all-reduce", training.allreduce)] {
        let [loss, above, accuracy] = row(training, &run);
        let (distance, sent) = (short(run.consensus_distance), bytes(run.bytes_per_rank));
        table.add_row([name, &loss, &above, &accuracy, &distance, &sent]);
    }
    let [loss, above, accuracy] = row(training, &training.centralized);
    table.add_row(["centralized", &loss, &above, &accuracy, NOTHING, NOTHING]);
    table.align_right(1..6);
    let peers = "all-reduce and centralized are gradient descent at the same learning rate";
    format!("{}\n\n{}\n\n{peers}\n", title(training), table.text())
}

fn row(training: &Training, run: &Outcome) -> [String; 3] {
    let accuracy = format!("{:.2} %", 100.0 * run.test_accuracy);
    [loss(run.loss), short(run.loss - training.optimum), accuracy]
}

/// The loss above the optimum and the distance of ranks from their mean, over the steps.
pub fn svg(training: &Training) -> String {
    let curve = |label: &str, colour, width, dash, value: &dyn Fn(&Point) -> f64| {
        let points = training.curve.iter().map(|point| (point.step as f64, value(point))).collect();
        Curve { label: label.into(), colour, width, dash, points }
    };
    let optimum = training.optimum;
    let above = vec![
        curve("centralized", CENTRALIZED, 5.0, "", &|point| point.centralized - optimum),
        curve("all-reduce", ALLREDUCE, 2.0, "7 4", &|point| point.allreduce - optimum),
        curve("decentralized", DECENTRALIZED, 2.0, "", &|point| point.decentralized - optimum),
    ];
    let apart = vec![curve("decentralized", DECENTRALIZED, 2.0, "", &|point| point.consensus_distance)];
    let panel = |title: &str, curves| Panel { title: title.into(), scale: Scale::Decades, curves };
    let picture = Picture {
        title: title(training),
        subtitle: subtitle(training),
        x_label: "step".into(),
        x_scale: Scale::Counts,
        mark: None,
        panels: vec![
            panel("training loss above the optimum", above),
            panel("consensus distance: how far ranks are from their mean", apart),
        ],
    };
    picture.svg()
}

fn title(training: &Training) -> String {
    let Training { algorithm, topology, size, steps, .. } = training;
    let plural = if *size == 1 { "" } else { "s" };
    let over = if topology.is_empty() { String::new() } else { format!(" over {topology}") };
    format!("{algorithm}{over}, {size} rank{plural}, {steps} steps")
}

fn subtitle(training: &Training) -> String {
    let DataSet { name, features, classes, training_rows, .. } = &training.data;
    format!(
        "{name}: {training_rows} training rows, {features} features, {} classes; skew {}, learning rate {}",
        classes.len(),
        training.skew,
        training.lr
    )
}

/// A loss with six decimals, or an exponent where it is large.
pub fn loss(value: f64) -> String {
    if value.abs() < 1e4 { format!("{value:.6}") } else { format!("{value:.3e}") }
}

fn short(value: f64) -> String {
    if value == 0.0 { "0".to_string() } else { format!("{value:.1e}") }
}

fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.2} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_losses_have_an_exponent() {
        assert_eq!(super::loss(0.268), "0.268000");
        assert_eq!(super::loss(1.5e105), "1.500e105");
    }

    #[test]
    fn bytes_are_readable() {
        assert_eq!(super::bytes(999), "999 B");
        assert_eq!(super::bytes(1_560_000), "1.56 MB");
    }
}
