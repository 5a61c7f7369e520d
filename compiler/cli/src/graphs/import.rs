//! `bfc import`: a graph of a file becomes the source of a topology.

use super::arguments::{self, Reading};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::{input, output, progress};
use bfc_graphs::{Import, MAX_BYTES, Options};
use serde_json::json;
use std::path::Path;

/// Imports a graph.
///
/// # Errors
/// The file cannot be read or is no graph, or the source cannot be written.
pub fn import(arguments: &arguments::Import, format: Format) -> Result<(), Failure> {
    let options =
        Options { normalise: arguments.normalise, drop: arguments.drop, ..options(&arguments.reading) };
    let (path, output) = (&arguments.graph, arguments.output.as_deref());
    progress::wait("reading");
    let bytes = input::read_up_to(path, MAX_BYTES + 1);
    progress::wait("importing");
    let import = bytes.map(|bytes| bfc_graphs::import(path, bytes, &options, output, bfc_compiler::is_name));
    progress::clear();
    let import = import?.map_err(Failure::refused_by)?;
    if let Some(path) = output {
        if let Some((beside, edges)) = &import.edges {
            output::check_new_file(path)?;
            output::write_new_file(beside, edges.as_bytes())?;
        }
        output::write_new_file(path, import.source.text.as_bytes())?;
    }
    show(&import, output, format)
}

/// Prints what was read, and the source or where it was written.
fn show(import: &Import, output: Option<&Path>, format: Format) -> Result<(), Failure> {
    let Import { name, imported, source, edges } = import;
    let size = imported.graph.labels.len();
    if format == Format::Human {
        output::say(&imported.reading.to_string());
        source.notes.iter().for_each(|note| output::say(&format!("note: {note}")));
        source.warnings.iter().for_each(|warning| output::say(&format!("warning: {warning}")));
        return match output {
            Some(path) => {
                let file = output::path(path);
                if let Some((beside, _)) = edges {
                    output::print(format!(
                        "wrote {}, the edges, which belong beside the source\n",
                        output::path(beside)
                    ))?;
                }
                output::print(format!("wrote {file}; `bfc analyze {file} --size {size}` analyzes it\n"))
            }
            None => output::print(&source.text),
        };
    }
    let mut document = json!({
        "name": name,
        "size": size,
        "reading": imported.reading.to_string(),
        "edges_both_ways": source.both_ways,
        "edges_one_way": source.one_way,
        "weighted": source.weighted,
        "nodes": imported.graph.labels,
        "notes": source.notes,
        "warnings": source.warnings,
    });
    match output {
        Some(path) => {
            document["file"] = json!(path.display().to_string());
            if let Some((beside, _)) = edges {
                document["edges_file"] = json!(beside.display().to_string());
            }
        }
        None => document["source"] = json!(source.text),
    }
    output::print_json(&document)
}

/// What the command line says of a file.
fn options(reading: &Reading) -> Options {
    Options {
        kind: reading.kind,
        separator: reading.separator,
        comment: reading.comment.map(|comment| comment.0),
        heading: reading.heading,
        columns: reading.columns.as_ref().map(|columns| columns.0.clone()),
        directed: reading.directed,
        nodes: reading.nodes,
        meaning: reading.meaning,
        transpose: reading.transpose,
        normalise: None,
        drop: None,
    }
}
