//! `bfc import`: a graph of a file becomes the source of a topology.

mod decimal;
mod documents;
mod error;
mod graph;
mod sums;
mod table;
mod write;

use crate::arguments::{self, Format, Kind, Weights};
use crate::failure::{CliError, Failure};
use crate::{input, new, output};
use error::{ImportError, Text};
use graph::Graph;
use miette::NamedSource;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Arrays in binary form.
const NUMPY: &str = "a NumPy array in binary form";

/// Endings of files of graphs that are not read, and their formats.
const FOREIGN: [(&str, &str); 11] = [
    ("npy", NUMPY),
    ("npz", NUMPY),
    ("gml", "GML"),
    ("gexf", "GEXF"),
    ("dot", "Graphviz"),
    ("gv", "Graphviz"),
    ("net", "Pajek"),
    ("mtx", "Matrix Market"),
    ("g6", "graph6"),
    ("s6", "sparse6"),
    ("adjlist", "an adjacency list"),
];

/// Imports a graph.
///
/// # Errors
/// The file cannot be read or is no graph, or the source cannot be written.
pub fn import(arguments: &arguments::Import, format: Format) -> Result<(), Failure> {
    let refused = |error: ImportError| Failure::refused_by(error);
    check_format(arguments).map_err(refused)?;
    let (name, text) = read(&arguments.graph)?;
    let source: Text = Arc::new(NamedSource::new(&name, Arc::from(text.as_str())));
    let mut graph = graph(arguments, &text, &source).map_err(refused)?;
    if graph.labels.is_empty() {
        return Err(refused(ImportError::Empty { name }));
    }
    if arguments.transpose {
        graph.transpose();
    }
    if arguments.weights == Some(Weights::Drop) {
        graph.edges.iter_mut().for_each(|edge| edge.weight = None);
    }
    let item = item_name(arguments);
    let written = write::write(&graph, &item, &source).map_err(refused)?;
    if written.text.len() > bfc_dsl::MAX_SOURCE {
        let found = format!("its source has {} bytes", written.text.len());
        let limit = format!("{}", bfc_dsl::MAX_SOURCE);
        return Err(refused(ImportError::TooLarge { found, limit }));
    }
    if let Some(path) = &arguments.output {
        output::write_new_file(path, written.text.as_bytes(), "choose another name, or remove the file")?;
    }
    let mut document = json!({
        "name": item,
        "size": graph.labels.len(),
        "edges_both_ways": written.both_ways,
        "edges_one_way": written.one_way,
        "weighted": written.weighted,
        "nodes": graph.labels,
        "warnings": written.warning.iter().collect::<Vec<_>>(),
    });
    if format == Format::Human {
        written.warning.iter().for_each(|warning| output::say(&format!("warning: {warning}")));
    }
    match (format, &arguments.output) {
        (Format::Json, Some(path)) => document["file"] = json!(path.display().to_string()),
        (Format::Json, None) => document["source"] = json!(written.text),
        (Format::Human, Some(path)) => {
            let file = output::path(path);
            return output::print(format!(
                "wrote {file}; `bfc analyze {file} --size {}` analyzes it\n",
                graph.labels.len()
            ));
        }
        (Format::Human, None) => return output::print(written.text),
    }
    output::print_json(&document)
}

fn read(path: &Path) -> Result<(String, String), Failure> {
    let bytes = input::read_up_to(path, MAX_BYTES + 1)?;
    let name = path.display().to_string();
    if bytes.len() as u64 > MAX_BYTES {
        let error = ImportError::TooLarge {
            found: format!("more than {MAX_BYTES} bytes"),
            limit: MAX_BYTES.to_string(),
        };
        return Err(Failure::refused_by(error));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let help = "save the graph as text in UTF-8; `bfc help import` shows what can be imported";
            Err(CliError::NotText { path: name, byte: error.utf8_error().valid_up_to(), help }.into())
        }
    }
}

/// Whether the ending is that of a format that may be read.
fn check_format(arguments: &arguments::Import) -> Result<(), ImportError> {
    let path = &arguments.graph;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let mut foreign = FOREIGN.iter().filter(|(_, format)| arguments.kind.is_none() || *format == NUMPY);
    match foreign.find(|(known, _)| *known == ending) {
        None => Ok(()),
        Some(&(_, format)) => {
            let write = match format {
                NUMPY => "write it with NumPy as text, `numpy.savetxt(\"W.txt\", W)`",
                _ => "write it with networkx as GraphML, `networkx.write_graphml(graph, \"graph.graphml\")`",
            };
            Err(ImportError::UnknownFormat { name: output::path(path), format, write })
        }
    }
}

/// The format is that of the flag, else of the file's ending, else of its first letter.
fn graph(arguments: &arguments::Import, text: &str, source: &Text) -> Result<Graph, ImportError> {
    let ending = arguments.graph.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let first = text.trim_start_matches('\u{feff}').trim_start().chars().next();
    let text = text.strip_prefix('\u{feff}').filter(|_| first == Some('{')).unwrap_or(text);
    match (arguments.kind, ending, first) {
        (Some(Kind::NodeLink), ..) | (None, "json", _) => documents::json(text, source),
        (Some(Kind::Graphml), ..) | (None, "graphml" | "xml", _) => documents::graphml(text, source),
        (None, _, Some('{')) => documents::json(text, source),
        (None, _, Some('<')) => documents::graphml(text, source),
        _ => table::read(text, source, arguments),
    }
}

/// The topology is called as its file, in letters that a name may have.
fn item_name(arguments: &arguments::Import) -> String {
    let file = arguments.output.as_deref().unwrap_or(&arguments.graph);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let letter = |letter: char| if bfc_dsl::is_letter(letter) { letter } else { '_' };
    let name: String = stem.chars().map(letter).collect();
    let is_name = new::check(&name, &format!("topology {name} {{ }}\n")).is_ok();
    if is_name { name } else { format!("graph_{name}") }
}
