//! Arguments of the commands that read and write graphs.

use crate::arguments::{Source, count, positive};
use bfc_graphs::{Kind, Meaning, NodeRange, Normalise, Output, Separator};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// Arguments of `bfc import`.
#[derive(Args)]
pub struct Import {
    /// The file, or `-` for standard input.
    #[arg(value_name = "GRAPH")]
    pub graph: PathBuf,
    /// The source to write; standard output by default.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// How the file is read, where it does not show that itself.
    #[command(flatten)]
    pub reading: Reading,
    /// Make rows sum to 1: `own` sets each rank's own weight to what its row leaves, `rows` divides rows by their sums.
    #[arg(long, value_name = "HOW", value_parser = normalise_parser())]
    pub normalise: Option<Normalise>,
    /// Leave out weights between ranks of at most this magnitude, such as the zeros of a solver.
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = positive)]
    pub drop: Option<f64>,
}

/// How the file of a graph is read.
#[derive(Args)]
pub struct Reading {
    /// The format of the file.
    #[arg(long, value_name = "KIND", value_parser = kind_parser())]
    pub kind: Option<Kind>,
    /// What stands between the fields of a line.
    #[arg(long, value_name = "SEPARATOR", value_parser = separator_parser())]
    pub separator: Option<Separator>,
    /// The character that begins a comment, or `none`; `#` and `%` by default.
    #[arg(long, value_name = "CHARACTER", value_parser = comment)]
    pub comment: Option<Comment>,
    /// Whether the first line is a heading.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_name = "yes|no", value_parser = yes_parser())]
    pub heading: Option<bool>,
    /// The columns of the sender, the receiver and the weight, if there is one, by number from 1 or by the name in the heading.
    #[arg(long, value_name = "A,B[,W]", value_parser = columns)]
    pub columns: Option<Columns>,
    /// Whether edges go one way, from the first node to the second.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "yes", value_name = "yes|no", value_parser = yes_parser())]
    pub directed: Option<bool>,
    /// The nodes that there are, with edges or without: how many, or the first and the last number, as in `1..12`.
    #[arg(long, value_name = "N|A..B", value_parser = NodeRange::parse)]
    pub nodes: Option<NodeRange>,
    /// Whether numbers are mixing weights, or only say where edges are.
    #[arg(long = "as", value_name = "MEANING", value_parser = meaning_parser())]
    pub meaning: Option<Meaning>,
    /// Reverse all edges: for matrices whose row i says where i sends, as in networkx.
    #[arg(long)]
    pub transpose: bool,
}

/// What begins a comment, if anything does.
#[derive(Clone, Copy)]
pub struct Comment(pub Option<char>);

/// Two or three columns.
#[derive(Clone)]
pub struct Columns(pub Vec<String>);

/// A parser of words that stand for values.
fn words<T: Copy + Send + Sync + 'static>(
    all: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|(word, _)| *word))
        .map(move |found| all.iter().find(|(word, _)| *word == found).map_or(all[0].1, |(_, value)| *value))
}

fn kind_parser() -> impl TypedValueParser<Value = Kind> {
    words(&Kind::ALL)
}

fn separator_parser() -> impl TypedValueParser<Value = Separator> {
    words(&Separator::ALL)
}

fn yes_parser() -> impl TypedValueParser<Value = bool> {
    words(&[("yes", true), ("no", false)])
}

fn meaning_parser() -> impl TypedValueParser<Value = Meaning> {
    words(&Meaning::ALL)
}

fn normalise_parser() -> impl TypedValueParser<Value = Normalise> {
    words(&Normalise::ALL)
}

fn comment(text: &str) -> Result<Comment, String> {
    bfc_graphs::comment(text).map(Comment)
}

fn columns(text: &str) -> Result<Columns, String> {
    bfc_graphs::columns(text.split(',')).map(Columns)
}

/// Arguments of `bfc export`.
#[derive(Args)]
pub struct Export {
    /// What to write.
    #[command(flatten)]
    pub source: Source,
    /// The format; by default that of the ending of the file, else an edge list.
    #[arg(long, value_name = "KIND", value_parser = output_parser())]
    pub kind: Option<Output>,
    /// The phase to write, from 0, if there are several.
    #[arg(long, value_name = "K", allow_negative_numbers = true, value_parser = count)]
    pub phase: Option<u32>,
    /// The file to write; standard output by default.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn output_parser() -> impl TypedValueParser<Value = Output> {
    words(&Output::ALL)
}
