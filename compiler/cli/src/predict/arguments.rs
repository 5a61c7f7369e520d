//! Flags of the commands that predict.

use crate::arguments::{Curvature, Settings, count, curvature, positive};
use bfc_predict::units;
use bfc_schedule::Rank;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Where a schedule runs.
#[derive(Args)]
pub struct Location {
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: Option<String>,
    /// What the model weighs.
    #[command(flatten)]
    pub load: Load,
}

/// Which ranks stand where.
#[derive(Args)]
pub struct Placing {
    /// Put ranks that exchange much onto one machine of the cluster: the schedule is relabelled so that it takes less time.
    #[arg(long, requires = "cluster")]
    pub place: bool,
}

/// What a rank computes and sends.
#[derive(Args)]
pub struct Load {
    /// Bytes of the model, such as `102 MB`.
    #[arg(long, default_value = "100 MB", value_name = "B", value_parser = units::bytes)]
    pub model_bytes: f64,
    /// The time of a gradient, such as `120 ms`, instead of the cluster's.
    #[arg(long, value_name = "TIME", value_parser = units::seconds)]
    pub compute: Option<f64>,
    /// The standard deviation of that time over its mean, instead of the cluster's.
    #[arg(long, value_name = "SHARE", value_parser = crate::arguments::up_to_ten)]
    pub jitter: Option<f64>,
}

/// Arguments of `bfc cluster`.
#[derive(Args)]
pub struct Clusters {
    /// A ready cluster or a description in TOML; all ready ones are listed where it is left out.
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
    /// What is set beside the file.
    #[command(flatten)]
    pub settings: Settings,
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: String,
    /// Where its ranks stand.
    #[command(flatten)]
    pub placing: Placing,
    /// What a rank computes and sends.
    #[command(flatten)]
    pub load: Load,
    /// Steps of training.
    #[arg(long, default_value_t = 1000, value_name = "STEPS", value_parser = whole::<1_000_000>)]
    pub steps: u32,
    /// Selects the jitter and the stragglers.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    pub seed: u64,
    /// Ranks that are slow throughout, and how many times as long they take: `2x1.5`.
    #[arg(long, value_name = "COUNTxFACTOR", value_parser = stragglers)]
    pub stragglers: Option<(u32, f64)>,
    /// A rank that is gone from a step on. Repeatable.
    #[arg(long, value_name = "RANK@STEP", value_parser = lost)]
    pub lost: Vec<(Rank, u32)>,
    /// Samples that a rank takes for a gradient; adds samples per second to the results.
    #[arg(long, value_name = "SAMPLES", value_parser = whole::<{ u32::MAX }>)]
    pub batch: Option<u32>,
    /// Write simulation.json and efficiency.svg into this directory.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `bfc probe`.
#[derive(Args)]
pub struct Probe {
    /// Whose measurements the description has: ranks that share memory, or that talk over Unix sockets.
    #[arg(long, value_enum, default_value_t = Wire::Sockets, value_name = "TRANSPORT")]
    pub transport: Wire,
    /// The cluster from which the description takes what is not measured.
    #[arg(long, default_value = "ethernet", value_name = "NAME|FILE")]
    pub cluster: String,
    /// Ranks of a machine; as many as it has processors where left out.
    #[arg(long, value_name = "L", value_parser = whole::<65_536>)]
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
    /// The number of ranks.
    #[arg(long, short = 'n', value_name = "N", allow_negative_numbers = true, value_parser = whole::<{ u32::MAX }>)]
    pub size: u32,
    /// A ready cluster (`bfc cluster` lists them) or a description in TOML.
    #[arg(long, value_name = "NAME|FILE")]
    pub cluster: String,
    /// What a rank computes and sends.
    #[command(flatten)]
    pub load: Load,
    /// A library algorithm to train with; plain averaging where it is left out.
    #[arg(long, value_name = "NAME")]
    pub algorithm: Option<String>,
    /// The error to reach, relative to the initial one.
    #[arg(long, default_value_t = 1e-3, value_name = "ERROR", value_parser = target)]
    pub error: f64,
    /// How far the optima of the ranks' data lie from their common one, relative to the initial error.
    #[arg(long, default_value_t = 1.0, value_name = "Z", value_parser = crate::arguments::up_to_ten)]
    pub heterogeneity: f64,
    /// The least and the largest curvature of the quadratics that an algorithm is judged by.
    #[arg(long, value_name = "MU..L", value_parser = curvature, default_value = "0.1..1")]
    pub curvature: Curvature,
    /// Write the first as a `.bf` source.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// A whole number from 1 to `MOST`.
fn whole<const MOST: u32>(text: &str) -> Result<u32, String> {
    let fits = text.trim().parse().ok().filter(|number| (1..=MOST).contains(number));
    fits.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

fn target(text: &str) -> Result<f64, String> {
    match positive(text)? {
        error if error <= 0.5 => Ok(error),
        _ => Err("expected a number above 0, up to 0.5".to_string()),
    }
}

fn stragglers(text: &str) -> Result<(u32, f64), String> {
    let parsed = text.split_once('x').and_then(|(count, factor)| {
        Some((count.trim().parse().ok()?, factor.trim().parse().ok().filter(|f| (1.0..=1e6).contains(f))?))
    });
    parsed.ok_or("expected COUNTxFACTOR with a factor from 1 to 1000000, such as 2x1.5".to_string())
}

fn lost(text: &str) -> Result<(Rank, u32), String> {
    let parsed = text
        .split_once('@')
        .and_then(|(rank, step)| Some((Rank(rank.trim().parse().ok()?), step.trim().parse().ok()?)));
    parsed.ok_or("expected RANK@STEP, such as 3@500".to_string())
}
