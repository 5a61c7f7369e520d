//! Documents that list nodes and edges by name: node-link JSON, GraphML, GEXF and GML → a graph.

pub mod gexf;
pub mod gml;
pub mod graphml;
pub mod json;

use crate::error::{ImportError, Text};
use crate::graph::{Edge, Graph, Nodes};
use crate::number::Number;
use crate::options::Options;
use crate::reading::Reading;
use miette::SourceSpan;
use std::collections::HashSet;

/// An edge as a document says it.
pub struct Link {
    /// The id of its sender, or of one end.
    pub from: String,
    /// The id of its receiver, or of the other end.
    pub to: String,
    /// Whether it goes one way.
    pub directed: bool,
    /// Its weight as it is written.
    pub weight: Option<String>,
    /// Where it stands.
    pub at: Option<SourceSpan>,
}

/// A node as a document says it.
pub struct Node {
    /// Its id.
    pub id: String,
    /// The label that people read.
    pub label: Option<String>,
    /// Where it stands.
    pub at: Option<SourceSpan>,
}

/// What a document holds.
#[derive(Default)]
pub struct Content {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The edges.
    pub links: Vec<Link>,
}

impl Content {
    /// The graph, with labels for names where every node has one of its own.
    ///
    /// # Errors
    /// An id stands twice, or an edge names no node.
    pub fn graph(self, text: &Text, options: &Options, reading: &mut Reading) -> Result<Graph, ImportError> {
        let mut nodes = Nodes::default();
        for Node { id, at, .. } in &self.nodes {
            let count = nodes.len();
            if nodes.number(id) < count {
                return Err(ImportError::RepeatedNode { node: id.clone(), text: text.clone(), at: *at });
            }
        }
        let edge = |link: &Link| {
            let find = |id: &str| {
                let unknown =
                    || ImportError::UnknownNode { node: id.into(), text: text.clone(), at: link.at };
                nodes.find(id).ok_or_else(unknown)
            };
            let weight = link
                .weight
                .as_deref()
                .map(|weight| Number::read(weight.trim(), text, link.at))
                .transpose()?;
            let both_ways = !options.directed.unwrap_or(link.directed);
            Ok(Edge { from: find(&link.from)?, to: find(&link.to)?, both_ways, weight, at: link.at })
        };
        let edges = self.links.iter().map(edge).collect::<Result<Vec<_>, _>>()?;
        let directed = edges.iter().filter(|edge| !edge.both_ways).count();
        match directed {
            0 => reading.say("undirected", "--directed"),
            all if all == edges.len() => reading.say("directed", "--directed=no"),
            some => reading.say(format!("{some} of {} edges directed", edges.len()), "--directed"),
        }
        let mut graph = nodes.listed(edges);
        let mut labels: Vec<&String> = self.nodes.iter().filter_map(|node| node.label.as_ref()).collect();
        let distinct = labels.iter().collect::<HashSet<_>>().len();
        if distinct == graph.labels.len() && distinct > 0 {
            if graph.is_numbered() {
                // Ids that are ranks have put the nodes in order.
                let mut numbered: Vec<_> = self.nodes.iter().collect();
                numbered.sort_by_key(|node| node.id.parse::<usize>().ok());
                labels = numbered.into_iter().filter_map(|node| node.label.as_ref()).collect();
            }
            graph.labels = labels.into_iter().cloned().collect();
        } else if !labels.is_empty() {
            reading.say("names of nodes are their ids, since labels are not all different", None);
        }
        Ok(graph)
    }
}

/// That a text is not of its format.
pub fn malformed(
    text: &Text,
    format: &'static str,
    reason: impl Into<String>,
    at: impl Into<Option<SourceSpan>>,
) -> ImportError {
    let (name, reason, at) = (text.name().to_string(), reason.into(), at.into());
    ImportError::Malformed { name, format, reason, text: text.clone(), at }
}

/// The byte of a line and a column, both from 1.
pub fn place(content: &str, line: usize, column: usize) -> SourceSpan {
    let before: usize = content.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    ((before + column.saturating_sub(1)).min(content.len()), 0).into()
}
