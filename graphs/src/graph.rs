//! A graph as files describe it: labelled nodes, edges with weights, and where they stand.

use crate::error::{ImportError, Text};
use crate::number::Number;
use crate::options::NodeRange;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use miette::SourceSpan;
use std::hash::BuildHasher;

/// The most ranks that a phase of listed edges may have; the compiler's limit is the same.
const MAX_NODES: u64 = 1 << 24;

/// What to do instead of importing a graph that is too large.
pub const BY_RULE: &str =
    "describe the graph by a rule; `bfc show topology::random_regular` shows a large one";

/// Whether a graph that is said to have this number of nodes is read at all.
///
/// # Errors
/// It is too large.
pub fn check_size(nodes: u64) -> Result<(), ImportError> {
    match nodes <= MAX_NODES {
        true => Ok(()),
        false => Err(ImportError::TooLarge {
            found: format!("{nodes} nodes"),
            limit: format!("{MAX_NODES} nodes"),
            help: BY_RULE,
        }),
    }
}

/// A graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The label of each node; the place is its rank.
    pub labels: Vec<String>,
    /// The edges in the order of the file.
    pub edges: Vec<Edge>,
    /// Whether it is a whole matrix of weights, so that what is not there is 0, a rank's own weight included.
    pub is_matrix: bool,
}

/// An edge.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The sender, or one end.
    pub from: usize,
    /// The receiver, or the other end.
    pub to: usize,
    /// Whether it goes both ways.
    pub both_ways: bool,
    /// Its weight.
    pub weight: Option<Number>,
    /// Where it stands.
    pub at: Option<SourceSpan>,
}

/// Nodes by label, in the order in which they are added.
#[derive(Debug, Default)]
pub struct Nodes {
    /// Numbers by the hash of their labels, which are kept once.
    numbers: HashTable<usize>,
    hasher: RandomState,
    labels: Vec<String>,
}

impl Nodes {
    /// The number of a node, which is added if it is new.
    pub fn number(&mut self, label: &str) -> usize {
        let (labels, hasher) = (&mut self.labels, &self.hasher);
        let is_equal = |node: &usize| labels[*node] == label;
        let hash = |node: &usize| hasher.hash_one(labels[*node].as_str());
        match self.numbers.entry(hasher.hash_one(label), is_equal, hash) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let node = labels.len();
                place.insert(node);
                labels.push(label.to_string());
                node
            }
        }
    }

    /// The number of a node that is there.
    pub fn find(&self, label: &str) -> Option<usize> {
        let is_equal = |node: &usize| self.labels[*node] == label;
        self.numbers.find(self.hasher.hash_one(label), is_equal).copied()
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// A graph of these nodes as a file lists them. Labels 0 to n − 1 are ranks already; others keep the order of the file.
    pub fn listed(self, edges: Vec<Edge>) -> Graph {
        let count = self.labels.len() as u64;
        let are_ranks = self.integers().is_some_and(|labels| labels.iter().all(|label| *label < count));
        if are_ranks { self.sorted(edges) } else { self.graph(edges) }
    }

    /// A graph of nodes that edges name. Whole numbers are put in order; other labels keep the order of the file. With a
    /// range, there are all of its nodes.
    ///
    /// # Errors
    /// The range does not have the nodes that are named, or can be meant in two ways.
    pub fn named(
        mut self,
        edges: Vec<Edge>,
        range: Option<NodeRange>,
        text: &Text,
    ) -> Result<Graph, ImportError> {
        let Some(range) = range else {
            return Ok(if self.integers().is_some() { self.sorted(edges) } else { self.graph(edges) });
        };
        check_size(range.count)?;
        let Some(integers) = self.integers() else {
            return match self.labels.len() as u64 {
                found if found == range.count => Ok(self.graph(edges)),
                found => Err(ImportError::NodeCount {
                    expected: range.count,
                    found,
                    help: "nodes without edges need names too: number the nodes from 0, or list all nodes as GraphML or \
                           node-link JSON does",
                    text: text.clone(),
                }),
            };
        };
        let first = match range.first {
            Some(first) => first,
            None => first_number(&integers, range.count, text)?,
        };
        let within = first..first + range.count;
        if let Some(outside) = integers.iter().position(|label| !within.contains(label)) {
            let node = self.labels[outside].clone();
            let at =
                edges.iter().find(|edge| edge.from == outside || edge.to == outside).and_then(|edge| edge.at);
            let last = within.end - 1;
            return Err(ImportError::OutsideNodes { node, first, last, text: text.clone(), at });
        }
        for label in within {
            self.number(&label.to_string());
        }
        Ok(self.sorted(edges))
    }

    /// The labels as whole numbers, if all of them are, written in one way.
    fn integers(&self) -> Option<Vec<u64>> {
        let integer =
            |label: &String| label.parse::<u64>().ok().filter(|number| number.to_string() == *label);
        self.labels.iter().map(integer).collect()
    }

    /// Nodes by ascending numbers.
    fn sorted(self, mut edges: Vec<Edge>) -> Graph {
        let numbers = self.integers().unwrap_or_default();
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_unstable_by_key(|node| numbers[*node]);
        let mut ranks = vec![0; order.len()];
        order.iter().enumerate().for_each(|(rank, node)| ranks[*node] = rank);
        for edge in &mut edges {
            (edge.from, edge.to) = (ranks[edge.from], ranks[edge.to]);
        }
        Graph {
            labels: order.iter().map(|node| numbers[*node].to_string()).collect(),
            edges,
            is_matrix: false,
        }
    }

    fn graph(self, edges: Vec<Edge>) -> Graph {
        Graph { labels: self.labels, edges, is_matrix: false }
    }
}

/// Whether nodes are numbered from 0 or from 1, by the numbers that are used.
fn first_number(used: &[u64], count: u64, text: &Text) -> Result<u64, ImportError> {
    match (used.contains(&0), used.contains(&count)) {
        (true, _) => Ok(0),
        (false, true) => Ok(1),
        (false, false) => Err(ImportError::Ambiguous {
            first: format!("{count} nodes from 0 to {}", count - 1),
            first_flag: format!("--nodes 0..{}", count - 1),
            second: format!("{count} nodes from 1 to {count}"),
            second_flag: format!("--nodes 1..{count}"),
            name: text.name().to_string(),
        }),
    }
}

impl Graph {
    /// Whether labels and ranks are the same.
    pub fn is_numbered(&self) -> bool {
        self.labels.iter().enumerate().all(|(rank, label)| label.parse() == Ok(rank))
    }

    /// Turns all edges round.
    pub fn transpose(&mut self) {
        self.edges.iter_mut().for_each(|edge| std::mem::swap(&mut edge.from, &mut edge.to));
    }

    /// Forgets all weights, and with them which edges are loops.
    pub fn drop_weights(&mut self) {
        self.is_matrix = false;
        self.edges.iter_mut().for_each(|edge| edge.weight = None);
    }

    /// Reads weights that are doubles of simple fractions as these; how many they are, with the first of them.
    pub fn restore_fractions(&mut self) -> Option<(usize, Number, Number)> {
        let mut restored: Option<(usize, Number, Number)> = None;
        for weight in self.edges.iter_mut().filter_map(|edge| edge.weight.as_mut()) {
            let Some(fraction) = weight.rounded_fraction() else { continue };
            let double = std::mem::replace(weight, fraction.clone());
            restored.get_or_insert((0, double, fraction)).0 += 1;
        }
        restored
    }

    /// Whether edges have weights: all or none of them.
    ///
    /// # Errors
    /// The first edge without a weight, where others have one.
    pub fn is_weighted(&self, text: &Text) -> Result<bool, ImportError> {
        let weighted = self.edges.iter().any(|edge| edge.weight.is_some());
        match self.edges.iter().find(|edge| weighted && edge.weight.is_none()) {
            None => Ok(weighted),
            Some(edge) => Err(ImportError::MixedWeights {
                from: self.labels[edge.from].clone(),
                to: self.labels[edge.to].clone(),
                text: text.clone(),
                at: edge.at,
            }),
        }
    }
}
