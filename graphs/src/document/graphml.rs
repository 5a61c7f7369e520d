//! GraphML, as networkx, igraph, yEd and Gephi write it.

use super::{Content, Link, malformed, place};
use crate::error::{ImportError, Text};
use miette::SourceSpan;
use roxmltree::{Document, Node, ParsingOptions};

/// Reads GraphML.
///
/// # Errors
/// It is something else.
pub fn read(content: &str, text: &Text) -> Result<Content, ImportError> {
    let bad = |reason: &str, at: Option<SourceSpan>| malformed(text, "GraphML", reason, at);
    let document = parse(content, text, "GraphML")?;
    let root = document.root_element();
    let graph = children(root, "graph").next().ok_or_else(|| bad("it has no `graph` element", None))?;
    if let Some(other) = children(graph, "hyperedge").next() {
        return Err(bad("it has an edge of more than two nodes", Some(span(other))));
    }
    let key = |name: &str, other: &str| {
        let is_meant = |key: &Node| {
            key.attribute("attr.name").is_some_and(|found| found.eq_ignore_ascii_case(name))
                && key.attribute("for").is_none_or(|of| of != other)
        };
        children(root, "key").find(is_meant)
    };
    let (weight_key, label_key) = (key("weight", "node"), key("label", "edge"));
    let data = |node: Node<'_, '_>, key: Option<Node<'_, '_>>| {
        let (key, id) = (key?, key?.attribute("id")?);
        let own = children(node, "data").find(|data| data.attribute("key") == Some(id));
        let found = own.or_else(|| children(key, "default").next())?;
        Some(found.text().unwrap_or_default().trim().to_string())
    };
    let mut found = Content::default();
    for node in children(graph, "node") {
        if let Some(inner) = children(node, "graph").next() {
            return Err(malformed(text, "GraphML", "it has a graph inside a node", Some(span(inner))));
        }
        let (id, label) = (attribute(node, "id", text, "GraphML")?, data(node, label_key));
        found.nodes.push(super::Node { id, label, at: Some(span(node)) });
    }
    let by_default = graph.attribute("edgedefault") == Some("directed");
    for edge in children(graph, "edge") {
        found.links.push(Link {
            from: attribute(edge, "source", text, "GraphML")?,
            to: attribute(edge, "target", text, "GraphML")?,
            directed: edge.attribute("directed").map_or(by_default, |directed| directed == "true"),
            weight: data(edge, weight_key),
            at: Some(span(edge)),
        });
    }
    Ok(found)
}

/// Parses XML.
///
/// # Errors
/// It is none.
pub fn parse<'i>(content: &'i str, text: &Text, format: &'static str) -> Result<Document<'i>, ImportError> {
    let options = ParsingOptions::default();
    Document::parse_with_options(content, options).map_err(|error| {
        let at = error.pos();
        malformed(text, format, error.to_string(), place(content, at.row as usize, at.col as usize))
    })
}

/// An attribute that must be there.
///
/// # Errors
/// It is not.
pub fn attribute(node: Node, name: &str, text: &Text, format: &'static str) -> Result<String, ImportError> {
    let value = node.attribute(name).map(str::to_string);
    value.ok_or_else(|| malformed(text, format, format!("an element lacks its `{name}`"), span(node)))
}

/// The elements of this name in an element.
pub fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The place of an element.
pub fn span(node: Node) -> SourceSpan {
    let range = node.range();
    (range.start, range.len().min(200)).into()
}
