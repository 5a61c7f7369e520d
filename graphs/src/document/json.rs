//! Node-link JSON, as networkx and D3 write it.

use super::{Content, Link, Node, malformed, place};
use crate::error::{ImportError, Text};
use miette::SourceSpan;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct NodeLink<'c> {
    #[serde(default)]
    directed: bool,
    #[serde(borrow)]
    nodes: Vec<Named<'c>>,
    #[serde(alias = "edges", borrow)]
    links: Vec<Connection<'c>>,
}

#[derive(Deserialize)]
struct Named<'c> {
    #[serde(borrow)]
    id: &'c RawValue,
}

#[derive(Deserialize)]
struct Connection<'c> {
    #[serde(borrow)]
    source: &'c RawValue,
    #[serde(borrow)]
    target: &'c RawValue,
    #[serde(borrow, default)]
    weight: Option<&'c RawValue>,
}

/// Reads `{"directed": …, "nodes": [{"id": …}], "links": [{"source": …, "target": …, "weight": …}]}`.
///
/// # Errors
/// It is something else.
pub fn read(content: &str, text: &Text) -> Result<Content, ImportError> {
    let document: NodeLink = serde_json::from_str(content).map_err(|error| {
        let at = place(content, error.line(), error.column());
        malformed(text, "node-link JSON", error.to_string(), at)
    })?;
    let link = |link: Connection| Link {
        from: label(link.source),
        to: label(link.target),
        directed: document.directed,
        weight: link.weight.map(label),
        at: Some(span(content, link.weight.unwrap_or(link.source))),
    };
    let node = |node: &Named| Node { id: label(node.id), label: None, at: Some(span(content, node.id)) };
    Ok(Content {
        nodes: document.nodes.iter().map(node).collect(),
        links: document.links.into_iter().map(link).collect(),
    })
}

/// Where a value stands in the text that it is part of.
fn span(content: &str, value: &RawValue) -> SourceSpan {
    let value = value.get();
    (value.as_ptr() as usize - content.as_ptr() as usize, value.len()).into()
}

/// A text without its quotes, anything else as it is written.
fn label(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_string())
}
