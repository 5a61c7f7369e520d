//! Flags of `bfc trace` and `bfc why-stuck`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with traces.
#[derive(Subcommand)]
pub enum Trace {
    /// Join the traces of all ranks on one clock, as a timeline for ui.perfetto.dev.
    ///
    /// A rank is a process, each of its threads a track, and a message an arrow from where the sender begins its round to where
    /// the receiver has added it up.
    #[command(after_help = "\
Examples:
  bfc trace merge traces
  bfc trace merge traces -o step.json
  bfc trace merge traces -o - | gzip > trace.json.gz")]
    Merge(Merge),
}

/// Arguments of `bfc trace merge`.
#[derive(Args)]
pub struct Merge {
    /// The directory with the files of the ranks, `rank-0.trace` and so on.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The file to write, in the trace event format; `-` for standard output.
    #[arg(long, short, value_name = "FILE", default_value = "trace.json")]
    pub output: PathBuf,
}

/// Arguments of `bfc why-stuck`.
#[derive(Args)]
pub struct WhyStuck {
    /// The directory with the files of the ranks, `rank-0.trace` and so on.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}
