//! A graph as files describe it: labelled nodes, edges with weights, and where they stand.

use super::decimal::Decimal;
use super::error::{ImportError, Text};
use miette::SourceSpan;
use std::collections::BTreeMap;

/// A graph.
#[derive(Debug, Default)]
pub struct Graph {
    /// The label of each node; the place is its rank.
    pub labels: Vec<String>,
    /// The edges in the order of the file.
    pub edges: Vec<Edge>,
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
    pub weight: Option<Decimal>,
    /// Where it stands.
    pub at: Option<SourceSpan>,
}

/// Nodes by label.
#[derive(Debug, Default)]
pub struct Nodes {
    ranks: BTreeMap<String, usize>,
    labels: Vec<String>,
}

impl Nodes {
    /// The number of a node, which is added if it is new.
    pub fn number(&mut self, label: &str) -> usize {
        if let Some(&rank) = self.ranks.get(label) {
            return rank;
        }
        self.ranks.insert(label.to_string(), self.labels.len());
        self.labels.push(label.to_string());
        self.labels.len() - 1
    }

    /// The number of a node that is there.
    pub fn find(&self, label: &str) -> Option<usize> {
        self.ranks.get(label).copied()
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// A graph of these nodes. Labels 0 to n − 1 are ranks already; others become ranks in the order of the file.
    pub fn graph(self, mut edges: Vec<Edge>) -> Graph {
        let count = self.labels.len();
        let rank = |label: &String| {
            let number = label.parse::<usize>().ok()?;
            (number < count && number.to_string() == *label).then_some(number)
        };
        let ranks: Option<Vec<usize>> = self.labels.iter().map(rank).collect();
        let Some(ranks) = ranks else { return Graph { labels: self.labels, edges } };
        for edge in &mut edges {
            (edge.from, edge.to) = (ranks[edge.from], ranks[edge.to]);
        }
        Graph { labels: (0..count).map(|rank| rank.to_string()).collect(), edges }
    }
}

impl Graph {
    /// Whether labels and ranks are the same.
    pub fn is_numbered(&self) -> bool {
        self.labels.iter().enumerate().all(|(rank, label)| *label == rank.to_string())
    }

    /// Turns all edges round.
    pub fn transpose(&mut self) {
        self.edges.iter_mut().for_each(|edge| std::mem::swap(&mut edge.from, &mut edge.to));
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
