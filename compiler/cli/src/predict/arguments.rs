//! Flags of the commands that predict.

use crate::arguments::{Curvature, Settings, count, curvature, up_to_ten};
use bfc_predict::units;
use bfc_predict::values::{POSITIVE, SLOWDOWN, STEPS, TARGET, Wholes};
use bfc_schedule::Rank;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where a schedule runs.
#[derive(Args)]
pub struct Location {
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: Option<String>,
    /// The size of the model and the time of a gradient.
    #[command(flatten)]
    pub load: Load,
}

/// Where ranks are placed.
#[derive(Args)]
pub struct Placing {
    /// Put ranks that exchange a lot onto the same machine: relabels the schedule so that it takes less time.
    #[arg(long, requires = "cluster")]
    pub place: bool,
}

/// What a rank computes and sends.
#[derive(Args)]
pub struct Load {
    /// The size of the model in bytes, such as `102 MB`.
    #[arg(long, default_value = "100 MB", value_name = "B", value_parser = units::bytes)]
    pub model_bytes: f64,
    /// The time of a gradient, such as `120 ms`, instead of the cluster's.
    #[arg(long, value_name = "TIME", value_parser = units::seconds)]
    pub compute: Option<f64>,
    /// The standard deviation of that time over its mean, instead of the cluster's.
    #[arg(long, value_name = "SHARE", value_parser = up_to_ten)]
    pub jitter: Option<f64>,
}

/// Arguments of `bfc cluster`.
#[derive(Args)]
pub struct Clusters {
    /// A ready cluster or a description in TOML; without it, all ready ones are listed.
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
}

/// Arguments of `bfc simulate`.
#[derive(Args)]
pub struct Simulate {
    /// A `.bf` file, or a library name such as `topology::ring`.
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The numbers of ranks, such as `64` or `8,16,32`.
    #[arg(
        long = "size",
        visible_alias = "sizes",
        short = 'n',
        value_name = "N,…",
        value_delimiter = ',',
        allow_negative_numbers = true,
        value_parser = count,
        required = true
    )]
    pub sizes: Vec<u32>,
    /// Settings beside the file.
    #[command(flatten)]
    pub settings: Settings,
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: String,
    /// Where ranks are placed.
    #[command(flatten)]
    pub placing: Placing,
    /// What a rank computes and sends.
    #[command(flatten)]
    pub load: Load,
    /// Steps of training.
    #[arg(long, default_value_t = 1000, value_name = "STEPS", value_parser = |text: &str| whole(text, STEPS))]
    pub steps: u32,
    /// The seed of the jitter and the stragglers.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub seed: u64,
    /// The number of slow ranks and their slowdown: `2x1.5`.
    #[arg(long, value_name = "COUNTxFACTOR", value_parser = stragglers)]
    pub stragglers: Option<(u32, f64)>,
    /// A rank that is lost from a step on. Repeatable.
    #[arg(long, value_name = "RANK@STEP", value_parser = lost)]
    pub lost: Vec<(Rank, u32)>,
    /// Samples per gradient of a rank; adds samples per second to the results.
    #[arg(long, value_name = "SAMPLES", value_parser = |text: &str| whole(text, POSITIVE))]
    pub batch: Option<u32>,
    /// Write simulation.json and efficiency.svg into this directory.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `bfc probe`.
#[derive(Args)]
pub struct Probe {
    /// The transport to measure: ranks that share memory, or that talk over Unix sockets.
    #[arg(long, value_enum, default_value_t = Wire::Sockets, value_name = "TRANSPORT")]
    pub transport: Wire,
    /// The cluster whose values fill in what is not measured.
    #[arg(long, default_value = "ethernet", value_name = "NAME|FILE")]
    pub cluster: String,
    /// Ranks per machine; by default its number of processors.
    #[arg(long, value_name = "L", value_parser = |text: &str| whole(text, Wholes::up_to(65_536)))]
    pub ranks: Option<u32>,
    /// Write the description of a cluster.
    #[arg(long, short, value_name = "TOML")]
    pub output: Option<PathBuf>,
}

/// How ranks of a machine talk.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Wire {
    /// Threads of one process.
    Threads,
    /// Unix sockets.
    Sockets,
}

/// Arguments of `bfc advise`.
#[derive(Args)]
pub struct Advise {
    /// A `.bf` file with topologies to try beside the library's, an algorithm to train with, or both.
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// The number of ranks.
    #[arg(long, short = 'n', value_name = "N", allow_negative_numbers = true, value_parser = |text: &str| whole(text, POSITIVE))]
    pub size: u32,
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: String,
    /// What a rank computes and sends.
    #[command(flatten)]
    pub load: Load,
    /// An algorithm of the file or the library to train with, such as `dgd` or `dgd(lr = 0.05)`; plain averaging by default, or
    /// the file's only one.
    #[arg(long, value_name = "NAME")]
    pub algorithm: Option<String>,
    /// The error to reach, relative to the initial one.
    #[arg(long, default_value_t = 1e-3, value_name = "ERROR", value_parser = target)]
    pub error: f64,
    /// The distance of the ranks' optima from the common one, relative to the initial error.
    #[arg(long, default_value_t = 1.0, value_name = "Z", value_parser = up_to_ten)]
    pub heterogeneity: f64,
    /// The least and the largest curvature of the quadratics on which the algorithm is judged.
    #[arg(long, value_name = "MU..L", value_parser = curvature, default_value = "0.1..1")]
    pub curvature: Curvature,
    /// Write the first schedule as a `.bf` source.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn whole(text: &str, wholes: Wholes) -> Result<u32, String> {
    wholes.check(text.trim().parse().ok())
}

fn target(text: &str) -> Result<f64, String> {
    TARGET.check(text.parse().ok())
}

fn stragglers(text: &str) -> Result<(u32, f64), String> {
    let parsed = text
        .split_once('x')
        .and_then(|(count, factor)| Some((count.trim().parse().ok()?, factor.trim().parse().ok()?)));
    let (count, factor) = parsed.ok_or("expected COUNTxFACTOR, such as 2x1.5")?;
    Ok((count, SLOWDOWN.check(Some(factor))?))
}

fn lost(text: &str) -> Result<(Rank, u32), String> {
    let parsed = text
        .split_once('@')
        .and_then(|(rank, step)| Some((Rank(rank.trim().parse().ok()?), step.trim().parse().ok()?)));
    parsed.ok_or("expected RANK@STEP, such as 3@500".to_string())
}
