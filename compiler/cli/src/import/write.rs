//! A graph → the source of a topology: lists of edges, those that go both ways apart, with weights as they were written.

use super::decimal::Decimal;
use super::error::{ImportError, Text};
use super::graph::{Edge, Graph};
use super::sums;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The longest label that the source keeps, in characters.
const LONGEST_LABEL: usize = 60;

/// The edges as the language says them.
#[derive(Default)]
struct Lists<'g> {
    /// `i -- j`, with their weights.
    both_ways: Vec<(usize, usize, Option<&'g Decimal>)>,
    /// `i -> j`.
    one_way: Vec<(usize, usize, Option<&'g Decimal>)>,
    /// What a rank takes of itself, where that is not what its row leaves.
    own: Vec<(usize, &'g Decimal)>,
}

impl Lists<'_> {
    /// `(receiver, sender, weight)` of all edges and own weights.
    fn weights(&self) -> Vec<(usize, usize, f64)> {
        let value = |weight: &Decimal| weight.text().parse().unwrap_or(f64::NAN);
        let both = self.both_ways.iter().flat_map(|&(i, j, weight)| [(i, j, weight), (j, i, weight)]);
        let one = self.one_way.iter().map(|&(from, to, weight)| (to, from, weight));
        let edges = both.chain(one).filter_map(|(to, from, weight)| Some((to, from, value(weight?))));
        edges.chain(self.own.iter().map(|(rank, weight)| (*rank, *rank, value(weight)))).collect()
    }
}

/// What was written.
pub struct Written {
    /// The source.
    pub text: String,
    /// Edges both ways.
    pub both_ways: usize,
    /// Edges one way.
    pub one_way: usize,
    /// Whether the edges have weights.
    pub weighted: bool,
    /// What is strange about the weights.
    pub warning: Option<String>,
}

/// Writes a topology called `name`.
///
/// # Errors
/// An edge has two weights, or some have none.
pub fn write(graph: &Graph, name: &str, text: &Text) -> Result<Written, ImportError> {
    let weighted = graph.is_weighted(text)?;
    let lists = lists(graph, weighted, text)?;
    let mut out = head(graph, &lists, text.name());
    let _ = writeln!(out, "topology {name} {{\n    requires size == {}", graph.labels.len());
    let edges = |list: &[(usize, usize, Option<&Decimal>)]| -> Vec<String> {
        let one = |&(from, to, weight): &(usize, usize, Option<&Decimal>)| match weight {
            Some(weight) => format!("[{from}, {to}, {}]", weight.text()),
            None => format!("[{from}, {to}]"),
        };
        list.iter().map(one).collect()
    };
    let (pattern, tail) = if weighted { ("[i, j, w]", " weight w") } else { ("[i, j]", "") };
    block(&mut out, pattern, &edges(&lists.both_ways), &format!("i -- j{tail}"));
    block(&mut out, pattern, &edges(&lists.one_way), &format!("i -> j{tail}"));
    let own: Vec<String> =
        lists.own.iter().map(|(rank, weight)| format!("[{rank}, {}]", weight.text())).collect();
    block(&mut out, "[i, w]", &own, "self i weight w");
    if !weighted {
        out.push_str(if lists.one_way.is_empty() {
            "    weights metropolis\n"
        } else {
            "    weights uniform\n"
        });
    }
    out.push_str("}\n");
    let (both_ways, one_way) = (lists.both_ways.len(), lists.one_way.len());
    let warning = if weighted { sums::warning(graph, &lists.weights()) } else { None };
    Ok(Written { text: out, both_ways, one_way, weighted, warning })
}

/// A loop over a list; none where it is empty.
fn block(out: &mut String, pattern: &str, list: &[String], body: &str) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(out, "    for {pattern} in [");
    let mut line = String::new();
    for entry in list {
        if line.len() + entry.len() > 100 {
            let _ = writeln!(out, "        {}", line.trim_end());
            line.clear();
        }
        let _ = write!(line, "{entry}, ");
    }
    let _ = writeln!(out, "        {}\n    ] {{ {body} }}", line.trim_end().trim_end_matches(','));
}

/// Where it comes from, and which node became which rank.
fn head(graph: &Graph, lists: &Lists, file: &str) -> String {
    let (both, one) = (lists.both_ways.len(), lists.one_way.len());
    let mut out = format!("/// Imported from {}: {} ranks", shown(file), graph.labels.len());
    for (count, what) in [(both, "both ways"), (one, "one way")] {
        if count > 0 {
            let _ = write!(out, ", {count} edge{} {what}", if count == 1 { "" } else { "s" });
        }
    }
    out.push_str(".\n");
    if !graph.is_numbered() {
        out.push_str("//\n// rank  node\n");
        for (rank, label) in graph.labels.iter().enumerate() {
            let _ = writeln!(out, "// {rank:>4}  {}", shown(label));
        }
    }
    out
}

/// A label in letters that a comment may have.
fn shown(label: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter.is_ascii_graphic() || letter == ' ';
    let mut text = String::new();
    for letter in label.chars().take(LONGEST_LABEL) {
        if plain(letter) { text.push(letter) } else { text.extend(letter.escape_unicode()) }
    }
    if label.chars().nth(LONGEST_LABEL).is_some() { text + "…" } else { text }
}

/// Sorts the edges: an edge that stands there in both directions with one weight goes both ways.
fn lists<'g>(graph: &'g Graph, weighted: bool, text: &Text) -> Result<Lists<'g>, ImportError> {
    let mut ways: BTreeMap<(usize, usize), &'g Edge> = BTreeMap::new();
    let mut order = vec![];
    for edge in &graph.edges {
        let mut directions = vec![(edge.from, edge.to)];
        directions.extend((edge.both_ways && edge.from != edge.to).then_some((edge.to, edge.from)));
        for direction in directions {
            match ways.get(&direction) {
                None => {
                    ways.insert(direction, edge);
                    order.push(direction);
                }
                // The other half of an edge that is listed from both of its ends.
                Some(known) if edge.both_ways && known.weight == edge.weight && known.from != edge.from => {}
                Some(_) if !weighted => {}
                Some(_) => return Err(repeated(graph, edge, text)),
            }
        }
    }
    let mut lists = Lists::default();
    let mut own = BTreeMap::new();
    for (from, to) in order {
        let weight = ways[&(from, to)].weight.as_ref();
        let back = ways.get(&(to, from)).filter(|back| back.weight.as_ref() == weight);
        if from == to {
            own.insert(from, weight);
        } else if back.is_none() {
            lists.one_way.push((from, to, weight));
        } else if from < to {
            lists.both_ways.push((from, to, weight));
        }
    }
    if weighted {
        lists.own = own_weights(graph, &ways, &own);
    }
    Ok(lists)
}

/// The weights of ranks for themselves that differ from what their rows leave.
fn own_weights<'g>(
    graph: &Graph,
    ways: &BTreeMap<(usize, usize), &'g Edge>,
    own: &BTreeMap<usize, Option<&'g Decimal>>,
) -> Vec<(usize, &'g Decimal)> {
    let mut rows: Vec<Vec<&Decimal>> = vec![vec![]; graph.labels.len()];
    for ((_, to), edge) in ways {
        rows[*to].extend(&edge.weight);
    }
    let weights = own.iter().filter_map(|(rank, weight)| Some((*rank, (*weight)?)));
    weights.filter(|(rank, _)| !Decimal::sum_is_one(rows[*rank].iter().copied())).collect()
}

fn repeated(graph: &Graph, edge: &Edge, text: &Text) -> ImportError {
    let (from, to) = (graph.labels[edge.from].clone(), graph.labels[edge.to].clone());
    ImportError::RepeatedEdge { from, to, text: text.clone(), at: edge.at }
}
