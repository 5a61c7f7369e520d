//! A mixing matrix → an edge list, a labelled matrix, DOT, GraphML or node-link JSON, each with weights in the fewest digits
//! that tell their double from all others. What is written here and read again is the same matrix.

use bfc_schedule::{MixingMatrix, Rank};
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
    weight: String,
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
                let _ = writeln!(out, "{},{},{}", csv(&label(arc.from)), csv(&label(arc.to)), arc.weight);
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
                let _ = writeln!(out, "    {} {arrow} {} [weight={}];", arc.from, arc.to, arc.weight);
            }
            out.push_str("}\n");
        }
        Output::Graphml => {
            let direction = if is_symmetric { "undirected" } else { "directed" };
            let _ = writeln!(
                out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
                 <key id=\"w\" for=\"edge\" attr.name=\"weight\" attr.type=\"double\"/>\n\
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
                let data = format!("<data key=\"w\">{weight}</data>");
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
    let number = |weight: &bfc_schedule::Rational| format!("{:?}", weight.to_f64());
    let mut arcs = vec![];
    for to in 0..matrix.size() {
        let row = matrix.row(Rank(to));
        let mut own = Some(row.self_weight.clone()).filter(|own| {
            !own.is_zero() || row.in_weights.iter().map(|(_, weight)| weight.to_f64()).sum::<f64>() != 1.0
        });
        for (from, weight) in row.in_weights.iter().map(|(from, weight)| (from.0, weight)) {
            if from > to
                && let Some(own) = own.take()
            {
                arcs.push(Arc { from: to, to, weight: number(&own) });
            }
            if !weight.is_zero() {
                arcs.push(Arc { from, to, weight: number(weight) });
            }
        }
        arcs.extend(own.map(|own| Arc { from: to, to, weight: number(&own) }));
    }
    arcs
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
            out.push_str(entry.map_or("0", |arc| &arc.weight));
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
