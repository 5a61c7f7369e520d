//! Node-link JSON and GraphML, as networkx writes them → a graph.

use super::decimal::Decimal;
use super::error::{ImportError, Text};
use super::graph::{Edge, Graph, Nodes};
use miette::SourceSpan;
use roxmltree::{Document, Node};
use serde::Deserialize;
use serde_json::value::RawValue;

const FORMAT: &str = "node-link JSON";

#[derive(Deserialize)]
struct NodeLink {
    #[serde(default)]
    directed: bool,
    nodes: Vec<Named>,
    #[serde(alias = "edges")]
    links: Vec<Link>,
}

#[derive(Deserialize)]
struct Named {
    id: Box<RawValue>,
}

#[derive(Deserialize)]
struct Link {
    source: Box<RawValue>,
    target: Box<RawValue>,
    #[serde(default)]
    weight: Option<Box<RawValue>>,
}

/// Reads node-link JSON: `{"directed": …, "nodes": [{"id": …}], "links": [{"source": …, "target": …, "weight": …}]}`.
///
/// # Errors
/// It is something else, or an edge names no node.
pub fn json(text: &str, source: &Text) -> Result<Graph, ImportError> {
    let document: NodeLink = serde_json::from_str(text).map_err(|error| {
        let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (line + error.column().saturating_sub(1)).min(text.len());
        malformed(source, FORMAT, error.to_string(), Some((at, 0).into()))
    })?;
    let labels = document.nodes.iter().map(|node| label(&node.id));
    let nodes = listed(labels)?;
    let edge = |link: &Link| {
        let weight = link.weight.as_ref().map(|weight| decimal(&label(weight), source, None)).transpose()?;
        edge(&nodes, &label(&link.source), &label(&link.target), document.directed, weight, source, None)
    };
    let edges = document.links.iter().map(edge).collect::<Result<_, _>>()?;
    Ok(nodes.graph(edges))
}

/// A text without its quotes, anything else as it is written.
fn label(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_string())
}

/// Reads GraphML.
///
/// # Errors
/// It is something else, or an edge names no node.
pub fn graphml(text: &str, source: &Text) -> Result<Graph, ImportError> {
    let bad = |reason: &str, at: Option<SourceSpan>| malformed(source, "GraphML", reason.to_string(), at);
    let document = Document::parse(text).map_err(|error| {
        let at = error.pos();
        let line: usize = text.split_inclusive('\n').take(at.row as usize - 1).map(str::len).sum();
        bad(&error.to_string(), Some(((line + at.col as usize - 1).min(text.len()), 0).into()))
    })?;
    let root = document.root_element();
    let graph = children(root, "graph").next().ok_or_else(|| bad("it has no `graph` element", None))?;
    if let Some(other) = children(graph, "hyperedge").next() {
        return Err(bad("it has an edge of more than two nodes", Some(place(other))));
    }
    let is_weight = |key: &Node| {
        key.attribute("attr.name") == Some("weight") && key.attribute("for").is_none_or(|of| of != "node")
    };
    let weight_key = children(root, "key").find(is_weight).and_then(|key| key.attribute("id"));
    let attribute = |node: Node<'_, '_>, name: &str| {
        let value = node.attribute(name).map(str::to_string);
        value.ok_or_else(|| bad(&format!("an element lacks its `{name}`"), Some(place(node))))
    };
    let labels = children(graph, "node").map(|node| attribute(node, "id"));
    let nodes = listed(labels.collect::<Result<Vec<_>, _>>()?.into_iter())?;
    let by_default = graph.attribute("edgedefault") == Some("directed");
    let mut edges = vec![];
    for one in children(graph, "edge") {
        let at = Some(place(one));
        let data =
            children(one, "data").find(|data| weight_key.is_some() && data.attribute("key") == weight_key);
        let weight =
            data.map(|data| decimal(data.text().unwrap_or_default().trim(), source, at)).transpose()?;
        let directed = one.attribute("directed").map_or(by_default, |directed| directed == "true");
        let (from, to) = (attribute(one, "source")?, attribute(one, "target")?);
        edges.push(edge(&nodes, &from, &to, directed, weight, source, at)?);
    }
    Ok(nodes.graph(edges))
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn place(node: Node) -> SourceSpan {
    let range = node.range();
    (range.start, range.len().min(200)).into()
}

fn listed(labels: impl Iterator<Item = String>) -> Result<Nodes, ImportError> {
    let mut nodes = Nodes::default();
    for label in labels {
        let count = nodes.len();
        if nodes.number(&label) < count {
            return Err(ImportError::RepeatedNode { node: label });
        }
    }
    Ok(nodes)
}

fn edge(
    nodes: &Nodes,
    from: &str,
    to: &str,
    directed: bool,
    weight: Option<Decimal>,
    text: &Text,
    at: Option<SourceSpan>,
) -> Result<Edge, ImportError> {
    let find = |label: &str| {
        let unknown = || ImportError::UnknownNode { node: label.to_string(), text: text.clone(), at };
        nodes.find(label).ok_or_else(unknown)
    };
    Ok(Edge { from: find(from)?, to: find(to)?, both_ways: !directed, weight, at })
}

fn decimal(found: &str, text: &Text, at: Option<SourceSpan>) -> Result<Decimal, ImportError> {
    Decimal::parse(found).ok_or_else(|| ImportError::NotANumber {
        found: found.chars().take(40).collect(),
        text: text.clone(),
        at,
    })
}

fn malformed(text: &Text, format: &'static str, reason: String, at: Option<SourceSpan>) -> ImportError {
    ImportError::Malformed { name: text.name().to_string(), format, reason, text: text.clone(), at }
}
