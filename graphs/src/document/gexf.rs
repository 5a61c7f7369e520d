//! GEXF, as Gephi and networkx write it.

use super::graphml::{attribute, children, parse, span};
use super::{Content, Link, malformed};
use crate::error::{ImportError, Text};

/// Reads GEXF.
///
/// # Errors
/// It is something else.
pub fn read(content: &str, text: &Text) -> Result<Content, ImportError> {
    let document = parse(content, text, "GEXF")?;
    let root = document.root_element();
    let graph = children(root, "graph").next();
    let graph = graph.ok_or_else(|| malformed(text, "GEXF", "it has no `graph` element", None))?;
    let mut found = Content::default();
    for node in children(graph, "nodes").flat_map(|nodes| children(nodes, "node")) {
        if let Some(nested) = children(node, "nodes").next() {
            return Err(malformed(text, "GEXF", "it has nodes inside of a node", span(nested)));
        }
        let label = node.attribute("label").map(str::to_string);
        found.nodes.push(super::Node {
            id: attribute(node, "id", text, "GEXF")?,
            label,
            at: Some(span(node)),
        });
    }
    let by_default = graph.attribute("defaultedgetype").unwrap_or("undirected");
    for edge in children(graph, "edges").flat_map(|edges| children(edges, "edge")) {
        found.links.push(Link {
            from: attribute(edge, "source", text, "GEXF")?,
            to: attribute(edge, "target", text, "GEXF")?,
            directed: edge.attribute("type").unwrap_or(by_default) == "directed",
            weight: edge.attribute("weight").map(str::to_string),
            at: Some(span(edge)),
        });
    }
    Ok(found)
}
