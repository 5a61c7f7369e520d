//! Flags of the commands that draw.

use crate::arguments::{Settings, Source, count, range};
use crate::predict::arguments::Location;
use bfc_report::picture::Layout;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, value_parser};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Ranks and weighted arrows, phase by phase.
    Topology,
    /// Who sends to whom in which round.
    Schedule,
    /// The mixing matrix of each phase as a heat map.
    Matrix,
    /// The eigenvalues of the period product in the unit disc.
    Spectrum,
    /// The consensus error over steps, beside its bound.
    Consensus,
}

/// Arguments of `bfc draw`.
#[derive(Args)]
pub struct Draw {
    /// What to draw.
    #[arg(value_enum, value_name = "WHAT")]
    pub what: What,
    /// Of what.
    #[command(flatten)]
    pub source: Source,
    /// How a picture of a topology arranges ranks; by default by machine if ranks share machines, on a grid if moves have two
    /// digits, and otherwise on a circle.
    #[arg(long, value_name = "LAYOUT", value_parser = layout_parser())]
    pub layout: Option<Layout>,
    /// Which topology to draw, by name, if there are several.
    #[arg(long, value_name = "NAME")]
    pub pick: Option<String>,
    /// The SVG file to write, or the PNG file if its name ends in `.png`; SVG on standard output by default.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The pixels of a PNG file per inch, from 24 to 1200; 300 by default.
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(24..=1200))]
    pub dpi: Option<u16>,
}

fn layout_parser() -> impl TypedValueParser<Value = Layout> {
    PossibleValuesParser::new(Layout::ALL.map(|(name, _)| name)).map(|name| {
        let found = Layout::ALL.into_iter().find(|(known, _)| *known == name);
        found.map_or(Layout::Circular, |(_, layout)| layout)
    })
}

/// Arguments of `bfc report`.
#[derive(Args)]
pub struct Report {
    /// `.bf` files, or library names such as `topology::ring`; several stand side by side.
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    pub files: Vec<String>,
    /// The number of ranks.
    #[arg(long, short = 'n', value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub size: u32,
    /// Also analyze these numbers of ranks, both ends included, and draw how agreement slows down.
    #[arg(long, value_name = "A..B", value_parser = sizes)]
    pub sizes: Option<RangeInclusive<u32>>,
    /// Parameters and options of the sources.
    #[command(flatten)]
    pub settings: Settings,
    /// A cluster, for the predicted time of a step beside all-reduce.
    #[command(flatten)]
    pub location: Location,
    /// The HTML file to write; report.html by default. With --format json, a page is written only if this is given.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `bfc view`.
#[derive(Args, Clone)]
pub struct View {
    /// What to show.
    #[command(flatten)]
    pub source: Source,
    /// The port to listen on; a free port by default.
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
}

fn sizes(text: &str) -> Result<RangeInclusive<u32>, String> {
    match range(text) {
        Some(Ok(sizes)) if *sizes.start() >= 1 => Ok(sizes),
        Some(Err(bad)) => Err(format!("{}: {}", bad.message, bad.remedy)),
        _ => Err("expected a range of numbers of ranks such as 2..256".to_string()),
    }
}
