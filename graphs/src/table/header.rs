//! What a table says of itself before its first row: the comments of SNAP and KONECT, and a line of counts.

use super::lines::{Lines, Table};

/// What is said of a graph.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Who writes such headers.
    pub source: Option<&'static str>,
    /// Whether edges go one way.
    pub directed: Option<bool>,
    /// How many nodes there are.
    pub nodes: Option<u64>,
    /// How many edges there are.
    pub edges: Option<u64>,
    /// Whether there is a column of weights.
    pub weighted: Option<bool>,
    /// The numbers of nodes of the two sides of a bipartite graph, each numbered from 1.
    pub sides: Option<[u64; 2]>,
}

impl Header {
    /// Reads comments.
    pub fn new(lines: &Lines) -> Self {
        let mut comments = lines.comments.iter().map(|line| line.text.trim());
        let first = comments.clone().next().unwrap_or_default();
        konect(first, comments.clone().nth(1)).or_else(|| snap(&mut comments)).unwrap_or_default()
    }

    /// Whether nodes are numbered from 1.
    pub fn counts_from_one(&self) -> bool {
        self.source == Some(KONECT)
    }
}

const KONECT: &str = "KONECT";

/// `% asym posweighted`, then `% edges nodes nodes`.
fn konect(first: &str, second: Option<&str>) -> Option<Header> {
    let words: Vec<&str> = first.strip_prefix('%')?.split_whitespace().collect();
    let [form, weights] = words[..] else { return None };
    if !matches!(form, "sym" | "asym" | "bip") {
        return None;
    }
    // Several edges between two nodes, and times, are no weights.
    let weighted = match weights {
        "unweighted" | "positive" | "dynamic" => false,
        "posweighted" | "signed" | "multisigned" | "weighted" | "multiweighted" | "multiposweighted" => true,
        _ => return None,
    };
    let counts = second.and_then(|line| line.strip_prefix('%'));
    let counts: Vec<u64> =
        counts.into_iter().flat_map(str::split_whitespace).map_while(|word| word.parse().ok()).collect();
    let sides = match counts[..] {
        [_, left, right] if form == "bip" => Some([left, right]),
        _ if form == "bip" => Some([0, 0]),
        _ => None,
    };
    Some(Header {
        source: Some(KONECT),
        directed: Some(form == "asym"),
        nodes: if sides.is_none() { counts.get(1).copied() } else { None },
        edges: counts.first().copied(),
        weighted: Some(weighted),
        sides,
    })
}

/// `# Directed graph …`, `# Nodes: 5 Edges: 7`.
fn snap(comments: &mut dyn Iterator<Item = &str>) -> Option<Header> {
    let mut header = Header::default();
    for line in comments {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        if text.starts_with("directed graph") {
            header.directed = Some(true);
        } else if text.starts_with("undirected graph") {
            header.directed = Some(false);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let count = |key: &str| {
            let place = words.iter().position(|word| *word == key)?;
            words.get(place + 1)?.parse().ok()
        };
        header.nodes = header.nodes.or(count("nodes:"));
        header.edges = header.edges.or(count("edges:"));
    }
    let said = header.directed.is_some() || header.nodes.is_some() || header.edges.is_some();
    header.source = said.then_some("SNAP");
    said.then_some(header)
}

/// The numbers of a first row that counts nodes and edges: `n`, `n m` or `n n m`, where there are so many rows in all.
pub fn counts(table: &Table, rows: u64) -> Option<(u64, Option<u64>)> {
    let first: Option<Vec<u64>> = table.row(0).iter().map(|(_, field)| field.parse().ok()).collect();
    match first?[..] {
        [nodes] => Some((nodes, None)),
        [nodes, edges] | [nodes, _, edges] if edges == rows - 1 => Some((nodes, Some(edges))),
        _ => None,
    }
}
