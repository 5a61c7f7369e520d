//! A table and the way to read it → a graph.

use super::header::Header;
use super::heading::says_directed;
use super::lines::{Field, Table, span};
use super::plan::{Plan, Shape};
use crate::direction::{self, Direction};
use crate::error::{ImportError, Text};
use crate::graph::{Edge, Graph, Nodes, check_size};
use crate::number::Number;
use crate::options::{Meaning, NodeRange, Options};
use crate::reading::Reading;

/// What a graph is built of.
pub struct Builder<'b, 't> {
    pub table: &'b Table<'t>,
    pub plan: &'b Plan,
    pub options: &'b Options,
    pub header: &'b Header,
    pub range: Option<NodeRange>,
    pub text: &'b Text,
}

impl Builder<'_, '_> {
    /// Builds it.
    ///
    /// # Errors
    /// What stands in a field cannot stand there, or the graph can be meant in two ways.
    pub fn build(&self) -> Result<(Graph, Reading), ImportError> {
        let mut reading = Reading::new(self.plan.kind().name());
        if let Some(source) = self.header.source {
            reading.say(format!("with a header of {source}"), None);
        }
        reading.say(format!("separated by {}", self.table.separator.name()), "--separator");
        let graph = match self.plan.shape {
            Shape::Edges { ends, weight, direction } => self.edges(ends, weight, direction, &mut reading)?,
            Shape::Matrix { labelled } => self.matrix(labelled, &mut reading)?,
            Shape::Adjacency => self.adjacency(&mut reading)?,
        };
        Ok((graph, reading))
    }

    fn say_heading(&self, reading: &mut Reading) {
        if self.plan.heading {
            let names: Vec<&str> = self.table.row(0).iter().map(|(_, field)| *field).collect();
            let shown: String = names.join(" ").chars().take(40).collect();
            reading.say(format!("heading `{shown}`"), "--heading=no");
        } else {
            reading.say("no heading", "--heading");
        }
    }

    /// `sender, receiver` or `sender, receiver, weight`.
    fn edges(
        &self,
        ends: [usize; 2],
        weight: Option<usize>,
        direction: Option<usize>,
        reading: &mut Reading,
    ) -> Result<Graph, ImportError> {
        self.say_heading(reading);
        let [from, to] = ends;
        let columns = match weight {
            Some(weight) => format!("columns {}, {} and the weight {}", from + 1, to + 1, weight + 1),
            None => format!("columns {} and {}", from + 1, to + 1),
        };
        reading.say(columns, "--columns");
        let mut nodes = Nodes::default();
        let mut edges = Vec::with_capacity(self.table.len());
        if let Some([left, right]) = self.header.sides {
            check_size(left.saturating_add(right))?;
            for (side, count) in [("left", left), ("right", right)] {
                for node in 1..=count {
                    nodes.number(&format!("{side} {node}"));
                }
            }
        }
        for row in self.table.rows(usize::from(self.plan.heading)) {
            let (sender, receiver) = (row[from], row[to]);
            let weight = match weight {
                Some(column) => attribute(row[column], self.text)?,
                None => None,
            };
            let both_ways = match direction {
                Some(column) => self.is_undirected(row[column])?,
                None => false,
            };
            let at = span(if sender.0 < receiver.0 { sender } else { receiver });
            let at =
                Some((at.offset(), sender.0.max(receiver.0) + receiver.1.len().max(1) - at.offset()).into());
            let (from, to) = match self.header.sides {
                Some(_) => (
                    nodes.number(&format!("left {}", sender.1)),
                    nodes.number(&format!("right {}", receiver.1)),
                ),
                None => (nodes.number(sender.1), nodes.number(receiver.1)),
            };
            edges.push(Edge { from, to, both_ways, weight, at });
        }
        self.check_header(&edges, nodes.len(), reading);
        if direction.is_none() {
            self.direct(&mut edges, reading)?;
        } else {
            reading.say("directed as its column says", "--directed");
        }
        let mut graph = if self.header.sides.is_some() {
            nodes.listed(edges)
        } else {
            nodes.named(edges, self.range, self.text)?
        };
        if weight.is_some() {
            weigh(&mut graph, self.options, self.text, reading)?;
        } else {
            reading.say("no weights", "--columns");
        }
        reading.say(format!("{} nodes", graph.labels.len()), "--nodes");
        Ok(graph)
    }

    /// What a column of directions says of an edge.
    fn is_undirected(&self, field: Field) -> Result<bool, ImportError> {
        match field.1.to_lowercase().as_str() {
            _ if self.options.directed.is_some() => Ok(self.options.directed == Some(false)),
            "undirected" => Ok(true),
            "directed" => Ok(false),
            _ => Err(ImportError::Malformed {
                name: self.text.name().to_string(),
                format: "an edge list with a column `Type`",
                reason: format!("`{}` is neither `Directed` nor `Undirected`", field.1),
                text: self.text.clone(),
                at: Some(span(field)),
            }),
        }
    }

    /// Decides which way all edges go.
    fn direct(&self, edges: &mut [Edge], reading: &mut Reading) -> Result<(), ImportError> {
        let by_heading = self.plan.heading && says_directed(self.table.row(0));
        let said = self.options.directed.or(self.header.directed).or(by_heading.then_some(true));
        let (directed, why) = match said {
            Some(directed) => (directed, ""),
            None => match direction::of(edges, self.text)? {
                Direction::Undirected => (false, ""),
                Direction::FromBothEnds => (false, ", each listed from both ends"),
                Direction::Directed => (true, ", since two directions have different weights"),
            },
        };
        edges.iter_mut().for_each(|edge| edge.both_ways = !directed);
        let (way, flag) = if directed { ("directed", "--directed=no") } else { ("undirected", "--directed") };
        reading.say(format!("{way}{why}"), flag);
        Ok(())
    }

    /// Notes where a header counts otherwise.
    fn check_header(&self, edges: &[Edge], nodes: usize, reading: &mut Reading) {
        let found = [(self.header.edges, edges.len(), "edges"), (self.header.nodes, nodes, "nodes")];
        for (said, found, what) in found {
            let Some(said) = said.filter(|said| *said != found as u64) else { continue };
            let adds_nodes = what == "nodes" && self.range.is_some();
            if !adds_nodes {
                reading.notes.push(format!("its header counts {said} {what}, and {found} were found"));
            }
        }
    }

    /// Entry [i][j] is what rank i takes of rank j.
    fn matrix(&self, labelled: bool, reading: &mut Reading) -> Result<Graph, ImportError> {
        self.say_heading(reading);
        let first = usize::from(self.plan.heading);
        let size = self.table.len() - first;
        let heading = self.plan.heading.then(|| {
            let row = self.table.row(0);
            &row[row.len() - size..]
        });
        let mut nodes = Nodes::default();
        for rank in 0..size {
            let field = match (&heading, labelled) {
                (Some(heading), _) => Some(heading[rank]),
                (None, true) => Some(self.table.row(rank)[0]),
                (None, false) => None,
            };
            let label = field.map_or_else(|| rank.to_string(), |field| field.1.to_string());
            if nodes.number(&label) < rank {
                return Err(self.repeated(label, field));
            }
        }
        let ranks = self.row_ranks(&nodes, labelled && heading.is_some(), first)?;
        if labelled {
            reading.say("rows begin with labels", None);
        }
        let mut edges = vec![];
        for (row, to) in self.table.rows(first).zip(ranks) {
            for (from, field) in row[row.len() - size..].iter().enumerate() {
                let weight = Number::read(field.1, self.text, Some(span(*field)))?;
                if !weight.is_zero() {
                    let at = Some(span(*field));
                    edges.push(Edge { from, to, both_ways: false, weight: Some(weight), at });
                }
            }
        }
        reading.say("row i holds what rank i takes", "--transpose");
        let mut graph = Graph { is_matrix: true, ..nodes.listed(edges) };
        weigh(&mut graph, self.options, self.text, reading)?;
        reading.say(format!("{size} nodes"), None);
        Ok(graph)
    }

    /// The rank of each row, by its label where there are labels of columns too.
    fn row_ranks(&self, nodes: &Nodes, by_label: bool, first: usize) -> Result<Vec<usize>, ImportError> {
        if !by_label {
            return Ok((0..nodes.len()).collect());
        }
        let mut seen = vec![false; nodes.len()];
        let rank = |row: usize| {
            let field = self.table.row(row)[0];
            let label = field.1.to_string();
            let Some(rank) = nodes.find(&label) else {
                let (text, at) = (self.text.clone(), self.table.span(row));
                return Err(ImportError::LabelsDiffer { label, text, at });
            };
            if std::mem::replace(&mut seen[rank], true) {
                return Err(self.repeated(label, Some(field)));
            }
            Ok(rank)
        };
        (first..self.table.len()).map(rank).collect()
    }

    fn repeated(&self, node: String, field: Option<Field>) -> ImportError {
        ImportError::RepeatedNode { node, text: self.text.clone(), at: field.map(span) }
    }

    /// A node, then those that it sends to.
    fn adjacency(&self, reading: &mut Reading) -> Result<Graph, ImportError> {
        let mut nodes = Nodes::default();
        let mut edges = vec![];
        for row in self.table.rows(0) {
            let Some((first, others)) = row.split_first() else { continue };
            let from = nodes.number(first.1.trim_end_matches(':'));
            for field in others {
                let to = nodes.number(field.1);
                edges.push(Edge { from, to, both_ways: false, weight: None, at: Some(span(*field)) });
            }
        }
        self.direct(&mut edges, reading)?;
        let graph = nodes.named(edges, self.range, self.text)?;
        reading.say(format!("{} nodes", graph.labels.len()), "--nodes");
        Ok(graph)
    }
}

/// Decides whether numbers are weights.
///
/// # Errors
/// They may be, and may only say where edges are.
pub fn weigh(
    graph: &mut Graph,
    options: &Options,
    text: &Text,
    reading: &mut Reading,
) -> Result<(), ImportError> {
    let meaning = match options.meaning {
        Some(meaning) => meaning,
        None => meaning(graph, text)?,
    };
    if meaning == Meaning::Adjacency {
        graph.drop_weights();
        reading.say("numbers say where edges are", "--as weights");
    } else {
        reading.say("numbers are weights", "--as adjacency");
    }
    Ok(())
}

/// What the numbers of a graph are: all 1 are no weights, unless every rank takes exactly one of them.
fn meaning(graph: &Graph, text: &Text) -> Result<Meaning, ImportError> {
    let all_ones = graph.edges.iter().all(|edge| edge.weight.as_ref().is_some_and(Number::is_one));
    if !all_ones {
        return Ok(Meaning::Weights);
    }
    let mut taken = vec![0u32; graph.labels.len()];
    for edge in &graph.edges {
        taken[edge.to] += 1;
        if edge.both_ways && edge.from != edge.to {
            taken[edge.from] += 1;
        }
    }
    if graph.edges.is_empty() || taken.iter().any(|taken| *taken != 1) {
        return Ok(Meaning::Adjacency);
    }
    Err(ImportError::Ambiguous {
        name: text.name().to_string(),
        first: "weights, by which each rank takes all of one rank".into(),
        first_flag: "--as weights".into(),
        second: "edges without weights".into(),
        second_flag: "--as adjacency".into(),
    })
}

/// A weight: a number, or `{'weight': 0.5}` as networkx writes it; `{}` is none.
fn attribute(field: Field, text: &Text) -> Result<Option<Number>, ImportError> {
    let number = |field: Field| Number::read(field.1, text, Some(span(field))).map(Some);
    let Some(inner) = field.1.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return number(field);
    };
    for pair in inner.split(',') {
        let Some((key, value)) = pair.split_once(':') else { continue };
        if key.trim().trim_matches(['\'', '"']) == "weight" {
            let value = value.trim();
            let at = field.0 + (value.as_ptr() as usize - field.1.as_ptr() as usize);
            return number((at, value));
        }
    }
    Ok(None)
}
