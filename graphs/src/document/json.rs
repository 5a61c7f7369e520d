//! Node-link JSON, as networkx and D3 write it.

use super::{Content, Link, malformed, place};
use crate::error::{ImportError, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct NodeLink {
    #[serde(default)]
    directed: bool,
    nodes: Vec<Named>,
    #[serde(alias = "edges")]
    links: Vec<Connection>,
}

#[derive(Deserialize)]
struct Named {
    id: Box<RawValue>,
}

#[derive(Deserialize)]
struct Connection {
    source: Box<RawValue>,
    target: Box<RawValue>,
    #[serde(default)]
    weight: Option<Box<RawValue>>,
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
        from: label(&link.source),
        to: label(&link.target),
        directed: document.directed,
        weight: link.weight.as_deref().map(label),
        at: None,
    };
    Ok(Content {
        nodes: document.nodes.iter().map(|node| (label(&node.id), None)).collect(),
        links: document.links.into_iter().map(link).collect(),
    })
}

/// A text without its quotes, anything else as it is written.
fn label(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_string())
}
