//! Training by a schedule beside all-reduce and gradient descent: a table, and a picture of the curves.

use crate::picture::{self, Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::words::NOTHING;
use serde::Serialize;

const DECENTRALIZED: &str = picture::BLUE;
const ALLREDUCE: &str = picture::VERMILLION;
const CENTRALIZED: &str = picture::FAINT;
const FARTHEST: &str = picture::ORANGE;
const NEAREST: &str = picture::GREEN;

/// The most ranks whose distances are kept one by one.
const MOST_RANKS: usize = 64;
/// About how many steps they are kept for.
const STEPS: usize = 100;

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
    /// How far single ranks were from their mean.
    pub distances: Distances,
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

/// `‖model of a rank − mean of the models‖₂` in the schedule's run, at some steps of the curve.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Distances {
    /// Steps done, the first and the last of the curve among them.
    pub steps: Vec<u64>,
    /// The distance of the nearest rank, by step.
    pub nearest: Vec<f64>,
    /// That of the farthest.
    pub farthest: Vec<f64>,
    /// The distances by rank, each by step; empty if there are more than 64 ranks.
    pub ranks: Vec<Vec<f64>>,
}

impl Distances {
    /// Of the distances of all ranks after each step of a curve.
    pub fn new<'a>(curve: impl ExactSizeIterator<Item = (u64, &'a [f64])>) -> Self {
        let mut distances = Self::default();
        let last = curve.len().saturating_sub(1);
        let stride = last.div_ceil(STEPS).max(1);
        for (index, (step, by_rank)) in curve.enumerate() {
            if !index.is_multiple_of(stride) && index != last {
                continue;
            }
            distances.steps.push(step);
            distances.nearest.push(by_rank.iter().copied().fold(f64::INFINITY, f64::min));
            distances.farthest.push(by_rank.iter().copied().fold(0.0, f64::max));
            if by_rank.len() <= MOST_RANKS {
                distances.ranks.resize(by_rank.len(), vec![]);
                distances.ranks.iter_mut().zip(by_rank).for_each(|(rank, &distance)| rank.push(distance));
            }
        }
        distances
    }

    /// A thin line for each rank, of which the one that ends farthest from the mean is named; of many ranks, the nearest and
    /// the farthest distance.
    fn curves(&self) -> Vec<Curve> {
        let curve = |label: String, colour, width, values: &[f64]| {
            let points = self.steps.iter().map(|&step| step as f64).zip(values.iter().copied()).collect();
            Curve { label, colour, width, dash: "", points }
        };
        if self.ranks.is_empty() {
            return vec![
                curve("nearest rank".into(), NEAREST, 1.2, &self.nearest),
                curve("farthest rank".into(), FARTHEST, 1.2, &self.farthest),
            ];
        }
        let end = |rank: &Vec<f64>| rank.last().copied().unwrap_or_default();
        let last = (0..self.ranks.len()).max_by(|&a, &b| end(&self.ranks[a]).total_cmp(&end(&self.ranks[b])));
        let others = self.ranks.iter().enumerate().filter(|(rank, _)| Some(*rank) != last);
        let mut curves: Vec<Curve> =
            others.map(|(_, values)| curve(String::new(), picture::FAINT, 0.6, values)).collect();
        if let Some(last) = last {
            curves.push(curve(format!("rank {last}, farthest"), FARTHEST, 1.2, &self.ranks[last]));
        }
        curves
    }
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
    let mut apart = if training.size > 1 { training.distances.curves() } else { vec![] };
    apart.push(curve("root mean square", DECENTRALIZED, 2.0, "", &|point| point.consensus_distance));
    let panel = |title: &str, curves| Panel { title: title.into(), scale: Scale::Decades, curves };
    let picture = Picture {
        title: title(training),
        subtitle: subtitle(training),
        x_label: "step".into(),
        x_scale: Scale::Counts,
        mark: None,
        panels: vec![
            panel("training loss above the optimum", above),
            panel("consensus distance: how far each rank is from the mean of all", apart),
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
    use super::Distances;

    #[test]
    fn large_losses_have_an_exponent() {
        assert_eq!(super::loss(0.268), "0.268000");
        assert_eq!(super::loss(1.5e105), "1.500e105");
    }

    #[test]
    fn distances_keep_the_ends_and_of_many_ranks_the_range() {
        let few: Vec<Vec<f64>> = (0..=250).map(|step| vec![f64::from(step), 1.0, 7.0]).collect();
        let curve = |points: &[Vec<f64>]| {
            Distances::new(points.iter().enumerate().map(|(step, by_rank)| (10 * step as u64, &by_rank[..])))
        };
        let distances = curve(&few);
        assert_eq!((distances.steps[0], distances.steps[1], *distances.steps.last().unwrap()), (0, 30, 2500));
        assert_eq!(
            (distances.ranks.len(), distances.ranks[0][2], distances.ranks[0].last()),
            (3, 6.0, Some(&250.0))
        );
        assert_eq!((distances.nearest.last(), distances.farthest[1]), (Some(&1.0), 7.0));
        let labels: Vec<String> = distances.curves().into_iter().map(|curve| curve.label).collect();
        assert_eq!(labels, ["", "", "rank 0, farthest"]);
        let many = curve(&[(0..65).map(f64::from).collect()]);
        assert_eq!(
            (many.ranks.len(), many.nearest[0], many.farthest[0], many.curves().len()),
            (0, 0.0, 64.0, 2)
        );
    }

    #[test]
    fn bytes_are_readable() {
        assert_eq!(super::bytes(999), "999 B");
        assert_eq!(super::bytes(1_560_000), "1.56 MB");
    }
}
