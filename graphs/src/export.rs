//! A mixing matrix → an edge list, a labelled matrix, DOT, GraphML or node-link JSON. What is written here and read again is
//! the same matrix, to the last bit of its exact weights: the reader takes `0.3333333333333333` for 1/3, and what digits do not
//! say is written as a fraction. DOT, which is not read, has all weights as decimals.

use crate::number::Number;
use crate::weights::COARSEST;
use bfc_schedule::matrix::Row;
use bfc_schedule::{MixingMatrix, Rank, Rational};
use miette::Diagnostic;
use serde_json::json;
use std::collections::HashSet;
use std::fmt::Write;
use thiserror::Error;

/// The most ranks of a matrix that is written with all its zeros.
pub const MOST_RANKS: u32 = 5000;

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A line for each edge: sender, receiver, weight.
    Edges,
    /// A line for each rank, with labels.
    Matrix,
    /// Graphviz.
    Dot,
    /// GraphML.
    Graphml,
    /// Node-link JSON.
    NodeLink,
}

impl Output {
    /// Every format with the word that selects it.
    pub const ALL: [(&str, Self); 5] = [
        ("edges", Self::Edges),
        ("matrix", Self::Matrix),
        ("dot", Self::Dot),
        ("graphml", Self::Graphml),
        ("node-link", Self::NodeLink),
    ];

    /// The format that a name of a file ends with; an edge list where it says nothing.
    pub fn of_ending(ending: &str) -> Self {
        match ending {
            "dot" | "gv" => Self::Dot,
            "graphml" | "xml" => Self::Graphml,
            "json" => Self::NodeLink,
            _ => Self::Edges,
        }
    }
}

/// A matrix that is not written.
#[derive(Clone, Debug, Error, Diagnostic)]
pub enum ExportError {
    /// Too many entries.
    #[error("a matrix of {size} ranks has {entries} entries")]
    #[diagnostic(
        code(bfc::export::too_large),
        help("write up to {MOST_RANKS} ranks as a matrix; `--kind edges` writes the entries that are not 0")
    )]
    TooLarge {
        /// Its ranks.
        size: u32,
        /// All its entries.
        entries: u64,
    },
    /// No phase of this number, or several and none is named.
    #[error("`{topology}` has {phases} phases")]
    #[diagnostic(code(bfc::export::which_phase), help("write one of them, `--phase 0` to `--phase {last}`"))]
    WhichPhase {
        /// The topology.
        topology: String,
        /// How many phases it has.
        phases: usize,
        /// The number of its last phase.
        last: usize,
    },
}

/// What rank `to` takes of rank `from`.
struct Arc {
    from: u32,
    to: u32,
    weight: Number,
}

/// Writes a matrix; `names` are those of its ranks, if they have any.
///
/// # Errors
/// It has too many ranks to be written with all its zeros.
pub fn export(
    matrix: &MixingMatrix,
    name: &str,
    names: &[String],
    output: Output,
) -> Result<String, ExportError> {
    let size = matrix.size();
    if output == Output::Matrix && size > MOST_RANKS {
        return Err(ExportError::TooLarge { size, entries: u64::from(size).pow(2) });
    }
    // Names that are alike, as they are written, would make one node of several ranks.
    let distinct: HashSet<String> = names.iter().map(|name| csv(name)).collect();
    let names = if distinct.len() == names.len() { names } else { &[] };
    let label = |rank: u32| names.get(rank as usize).cloned().unwrap_or_else(|| rank.to_string());
    let arcs = arcs(matrix);
    let is_symmetric = is_symmetric(&arcs);
    // Of an edge both ways with one weight, one direction says all.
    let once = || arcs.iter().filter(|arc| !is_symmetric || arc.from <= arc.to);
    let mut out = String::new();
    match output {
        Output::Edges => {
            out.push_str("sender,receiver,weight\n");
            for arc in &arcs {
                let _ =
                    writeln!(out, "{},{},{}", csv(&label(arc.from)), csv(&label(arc.to)), arc.weight.text());
            }
        }
        Output::Matrix => table(&mut out, size, &arcs, label),
        Output::Dot => {
            let (kind, arrow) = if is_symmetric { ("graph", "--") } else { ("digraph", "->") };
            let _ = writeln!(out, "{kind} {} {{", dot(name));
            for rank in 0..size {
                let _ = writeln!(out, "    {rank} [label={}];", dot(&label(rank)));
            }
            for arc in once() {
                let (from, to, weight) = (arc.from, arc.to, arc.weight.value());
                let _ = writeln!(out, "    {from} {arrow} {to} [weight={weight:?}];");
            }
            out.push_str("}\n");
        }
        Output::Graphml => {
            let direction = if is_symmetric { "undirected" } else { "directed" };
            let kind = if arcs.iter().any(|arc| arc.weight.is_fraction()) { "string" } else { "double" };
            let _ = writeln!(
                out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
                 <key id=\"w\" for=\"edge\" attr.name=\"weight\" attr.type=\"{kind}\"/>\n\
                 <key id=\"l\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n\
                 <graph id=\"{}\" edgedefault=\"{direction}\">",
                xml(name)
            );
            for rank in 0..size {
                let data =
                    names.get(rank as usize).map(|name| format!("<data key=\"l\">{}</data>", xml(name)));
                let _ = writeln!(out, "<node id=\"{rank}\">{}</node>", data.unwrap_or_default());
            }
            for Arc { from, to, weight } in once() {
                let data = format!("<data key=\"w\">{}</data>", weight.text());
                let _ = writeln!(out, "<edge source=\"{from}\" target=\"{to}\">{data}</edge>");
            }
            out.push_str("</graph>\n</graphml>\n");
        }
        Output::NodeLink => node_link(&mut out, size, names, is_symmetric, once()),
    }
    Ok(out)
}

/// All entries that are not 0, and what a rank keeps of its own where its row does not leave that.
fn arcs(matrix: &MixingMatrix) -> Vec<Arc> {
    let mut arcs = vec![];
    for to in 0..matrix.size() {
        let row = matrix.row(Rank(to));
        let rest = rest(&row);
        let number = written(&rest);
        let others = row.in_weights.iter().filter(|(_, weight)| !weight.is_zero());
        let first = arcs.len();
        arcs.extend(others.map(|(from, weight)| Arc { from: from.0, to, weight: number(weight) }));
        let own = own(&row.self_weight, &rest).map(|weight| Arc { from: to, to, weight });
        let place = first + arcs[first..].partition_point(|arc| arc.from < to);
        arcs.splice(place..place, own);
    }
    arcs
}

/// What is left of 1 by the weights of a row, its own included.
fn rest(row: &Row) -> Rational {
    let weights = row.in_weights.iter().map(|(_, weight)| weight).chain([&row.self_weight]);
    &Rational::one() - &weights.cloned().sum()
}

/// How the weights of a row are written that leaves this: as fractions where it is so little that decimals would be taken
/// for rounded ones.
fn written(rest: &Rational) -> fn(&Rational) -> Number {
    let is_near = !rest.is_zero() && rest.to_f64().abs() <= 2.0 * COARSEST;
    if is_near { Number::fraction } else { Number::shortest }
}

/// What a rank keeps of its own. Where its row leaves just that, the reader computes it anew, so that digits are enough, and
/// none for 0.
fn own(weight: &Rational, rest: &Rational) -> Option<Number> {
    let exact = written(rest)(weight);
    match rest.is_zero() {
        true if exact.is_zero() => None,
        true if exact.is_fraction() => Number::of_double(weight.to_f64()),
        _ => Some(exact),
    }
}

/// Whether each of the arcs, which are in the order of (to, from), has one back with its weight.
fn is_symmetric(arcs: &[Arc]) -> bool {
    arcs.iter().all(|arc| {
        let back = arcs.binary_search_by_key(&(arc.from, arc.to), |other| (other.to, other.from));
        back.is_ok_and(|at| arcs[at].weight == arc.weight)
    })
}

fn table(out: &mut String, size: u32, arcs: &[Arc], label: impl Fn(u32) -> String) {
    (0..size).for_each(|rank| out.push_str(&format!(",{}", csv(&label(rank)))));
    out.push('\n');
    let mut arcs = arcs.iter().peekable();
    for to in 0..size {
        out.push_str(&csv(&label(to)));
        for from in 0..size {
            let entry = arcs.next_if(|arc| (arc.to, arc.from) == (to, from));
            out.push(',');
            out.push_str(entry.map_or("0", |arc| arc.weight.text()));
        }
        out.push('\n');
    }
}

fn node_link<'a>(
    out: &mut String,
    size: u32,
    names: &[String],
    is_symmetric: bool,
    arcs: impl Iterator<Item = &'a Arc>,
) {
    let id = |rank: u32| names.get(rank as usize).map_or(json!(rank), |name| json!(name));
    let _ = writeln!(
        out,
        "{{\"directed\": {}, \"multigraph\": false, \"graph\": {{}},\n\"nodes\": [",
        !is_symmetric
    );
    let nodes: Vec<String> = (0..size).map(|rank| format!("{{\"id\": {}}}", id(rank))).collect();
    let link = |Arc { from, to, weight }: &Arc| {
        let quote = if weight.is_fraction() { "\"" } else { "" };
        let weight = format!("{quote}{}{quote}", weight.text());
        format!("{{\"source\": {}, \"target\": {}, \"weight\": {weight}}}", id(*from), id(*to))
    };
    let links: Vec<String> = arcs.map(link).collect();
    let _ = writeln!(out, "{}\n],\n\"links\": [\n{}\n]}}", nodes.join(",\n"), links.join(",\n"));
}

/// A field that holds no separator and no quote.
fn csv(label: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ' ');
    if label.chars().all(is_plain) && label.trim() == label && !label.is_empty() {
        return label.to_string();
    }
    let visible: String =
        label.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("\"{}\"", visible.replace('"', "'"))
}

fn dot(label: &str) -> String {
    format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A text as XML holds it, which has no control characters.
fn xml(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            _ => out.push(letter),
        }
    }
    out
}
