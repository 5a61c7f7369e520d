//! A graph → the source of a topology: lists of edges, those that go both ways apart, with weights as they were written. The
//! edges of a large graph go to a file beside it.

use crate::Imported;
use crate::error::ImportError;
use crate::graph::Graph;
use crate::number::Number;
use crate::options::Options;
use crate::weights::{Listed, Lists, Rows};
use bfc_dsl::edges::{EdgeList, ListedEdge};
use bfc_dsl::text::quote;
use foldhash::fast::RandomState;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;

/// The longest label that the source keeps, in characters.
const LONGEST_LABEL: usize = 60;
/// The most edges that a source lists if they may lie beside it.
const MOST_LISTED: usize = 10_000;
/// The longest source, in bytes, if its edges may lie beside it.
const LONGEST_SOURCE: usize = 512 << 10;

/// What was written.
#[derive(Clone, Debug)]
pub struct Source {
    /// The source.
    pub text: String,
    /// The file of edges beside it, where it names one.
    pub edges: Option<String>,
    /// Edges both ways.
    pub both_ways: usize,
    /// Edges one way.
    pub one_way: usize,
    /// Whether the edges have weights.
    pub weighted: bool,
    /// What a user should know.
    pub notes: Vec<String>,
    /// What is strange about the weights.
    pub warnings: Vec<String>,
}

/// The source of a topology called `name`; `beside` is what a file of edges beside it is called, if there may be one.
///
/// # Errors
/// An edge has two weights, or some have none.
pub fn source(
    imported: &Imported,
    name: &str,
    options: &Options,
    beside: Option<&str>,
) -> Result<Source, ImportError> {
    let Imported { graph, reading, text } = imported;
    let rows = Rows::new(graph, options, text)?;
    let lists = rows.lists();
    let count = lists.both_ways.len() + lists.one_way.len();
    let in_source = || listed(graph, &lists);
    let is_short = |body: &String| body.len() <= LONGEST_SOURCE;
    let (body, edges) = match beside {
        None => (in_source(), None),
        Some(file) => match (count <= MOST_LISTED).then(in_source).filter(is_short) {
            Some(body) => (body, None),
            None => {
                let edges = edge_list(graph, &lists).to_string();
                let digest: String =
                    Sha256::digest(&edges).iter().map(|byte| format!("{byte:02x}")).collect();
                (format!("    edges from {} sha256 \"{digest}\"\n", quote(file)), Some(edges))
            }
        },
    };
    let mut out = head(graph, &lists, text.name());
    let _ = writeln!(out, "topology {name} {{\n    requires size == {}", graph.labels.len());
    out.push_str(&body);
    if !rows.is_weighted() {
        out.push_str(if lists.one_way.is_empty() {
            "    weights metropolis\n"
        } else {
            "    weights uniform\n"
        });
    }
    out.push_str("}\n");
    Ok(Source {
        text: out,
        edges,
        both_ways: lists.both_ways.len(),
        one_way: lists.one_way.len(),
        weighted: rows.is_weighted(),
        notes: reading.notes.iter().chain(&rows.notes).cloned().collect(),
        warnings: rows.warnings.clone(),
    })
}

/// The names of ranks, and the edges in lists of the language.
fn listed(graph: &Graph, lists: &Lists) -> String {
    let mut out = String::new();
    if !graph.is_numbered() {
        let names: Vec<String> = graph.labels.iter().map(|label| quote(&short(label))).collect();
        out.push_str("    names [\n");
        lines(&mut out, &names);
        out.push_str("    ]\n");
    }
    let edges = |list: &[Listed]| -> Vec<String> {
        let one = |(from, to, weight): &Listed| match weight {
            Some(weight) => format!("[{from}, {to}, {}]", weight.text()),
            None => format!("[{from}, {to}]"),
        };
        list.iter().map(one).collect()
    };
    for (list, arrow) in [(&lists.both_ways, "--"), (&lists.one_way, "->")] {
        let weighted = list.first().is_some_and(|edge| edge.2.is_some());
        let (pattern, tail) = if weighted { ("[i, j, w]", " weight w") } else { ("[i, j]", "") };
        block(&mut out, pattern, &edges(list), &format!("i {arrow} j{tail}"));
    }
    let own: Vec<String> =
        lists.own.iter().map(|(rank, weight)| format!("[{rank}, {}]", weight.text())).collect();
    block(&mut out, "[i, w]", &own, "self i weight w");
    out
}

/// The edges and the names of ranks as a file has them.
fn edge_list<'l>(graph: &Graph, lists: &'l Lists) -> EdgeList {
    let mut list = EdgeList { ranks: graph.labels.len() as u32, ..EdgeList::default() };
    if !graph.is_numbered() {
        list.names = graph.labels.iter().map(|label| short(label)).collect();
    }
    let mut ids: HashMap<&str, u32, RandomState> = HashMap::default();
    let mut weights = vec![];
    let mut id = |weight: &'l Number| {
        *ids.entry(weight.text()).or_insert_with_key(|text| {
            weights.push(text.to_string());
            weights.len() as u32 - 1
        })
    };
    for (edges, both_ways) in [(&lists.both_ways, true), (&lists.one_way, false)] {
        for (from, to, weight) in edges {
            let weight = weight.map(&mut id);
            list.edges.push(ListedEdge { from: *from, to: *to, both_ways, weight });
        }
    }
    list.own = lists.own.iter().map(|(rank, weight)| (*rank, id(weight))).collect();
    list.weights = weights;
    list
}

/// A loop over a list; none where it is empty.
fn block(out: &mut String, pattern: &str, list: &[String], body: &str) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(out, "    for {pattern} in [");
    lines(out, list);
    let _ = writeln!(out, "    ] {{ {body} }}");
}

/// The entries of a list, as many to a line as fit.
fn lines(out: &mut String, list: &[String]) {
    let mut line = String::new();
    for (index, entry) in list.iter().enumerate() {
        if !line.is_empty() && line.chars().count() + entry.chars().count() > 100 {
            let _ = writeln!(out, "        {}", line.trim_end());
            line.clear();
        }
        let comma = if index + 1 < list.len() { ", " } else { "" };
        let _ = write!(line, "{entry}{comma}");
    }
    let _ = writeln!(out, "        {}", line.trim_end());
}

/// Where it comes from.
fn head(graph: &Graph, lists: &Lists, file: &str) -> String {
    let (both, one) = (lists.both_ways.len(), lists.one_way.len());
    let mut out = format!("/// Imported from {}: {} ranks", shown(file), graph.labels.len());
    for (count, what) in [(both, "both ways"), (one, "one way")] {
        if count > 0 {
            let _ = write!(out, ", {count} edge{} {what}", if count == 1 { "" } else { "s" });
        }
    }
    out + ".\n"
}

/// A label that is not too long for a message.
fn short(label: &str) -> String {
    match label.char_indices().nth(LONGEST_LABEL) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label.to_string(),
    }
}

/// A text in letters that a comment may have.
fn shown(text: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter.is_ascii_graphic() || letter == ' ';
    let mut out = String::new();
    for letter in short(text).chars() {
        if plain(letter) || letter == '…' { out.push(letter) } else { out.extend(letter.escape_unicode()) }
    }
    out
}
