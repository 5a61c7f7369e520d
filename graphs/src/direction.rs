//! The direction of edges in a list that does not state it.

use crate::error::{ImportError, Text};
use crate::graph::Edge;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// Which way edges go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways, each listed once.
    Undirected,
    /// Both ways, each listed from both of its ends.
    FromBothEnds,
    /// One way: two directions of an edge have different weights.
    Directed,
}

/// The direction of edges that are listed as pairs.
///
/// # Errors
/// Some edges are listed from both ends, as in a directed graph, and others are not.
pub fn of(edges: &[Edge], text: &Text) -> Result<Direction, ImportError> {
    let pairs: HashMap<(usize, usize), &Edge, RandomState> =
        edges.iter().filter(|edge| edge.from != edge.to).map(|edge| ((edge.from, edge.to), edge)).collect();
    let (mut doubled, mut single) = (None, false);
    for edge in edges.iter().filter(|edge| edge.from != edge.to) {
        match pairs.get(&(edge.to, edge.from)) {
            Some(back) if back.weight != edge.weight => return Ok(Direction::Directed),
            Some(_) => doubled = doubled.or(Some(edge)),
            None => single = true,
        }
    }
    match (doubled, single) {
        (None, _) => Ok(Direction::Undirected),
        (Some(_), false) => Ok(Direction::FromBothEnds),
        (Some(_), true) => Err(ImportError::Ambiguous {
            name: text.name().to_string(),
            first: "directed edges, some of which go both ways".into(),
            first_flag: "--directed".into(),
            second: "undirected edges, some of which are listed twice".into(),
            second_flag: "--directed=no".into(),
        }),
    }
}
