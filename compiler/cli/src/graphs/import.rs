//! `bfc import`: a graph of a file becomes the source of a topology.

use super::arguments::{self, Reading};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::{input, new, output};
use bfc_graphs::{ImportError, MAX_BYTES, Options};
use serde_json::json;
use std::path::Path;

/// Imports a graph.
///
/// # Errors
/// The file cannot be read or is no graph, or the source cannot be written.
pub fn import(arguments: &arguments::Import, format: Format) -> Result<(), Failure> {
    let refused = |error: ImportError| Failure::refused_by(error);
    let options =
        Options { normalise: arguments.normalise, drop: arguments.drop, ..options(&arguments.reading) };
    let bytes = input::read_up_to(&arguments.graph, MAX_BYTES + 1)?;
    let name = arguments.graph.display().to_string();
    let imported = bfc_graphs::read(&name, bytes, &options).map_err(refused)?;
    let item = item_name(arguments);
    // Another file than the source, whatever that is called.
    let beside = arguments.output.as_ref().map(|path| match path.extension() {
        Some(ending) if ending == "edges" => path.with_extension("list.edges"),
        _ => path.with_extension("edges"),
    });
    let beside_name = beside.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    let source = bfc_graphs::source(&imported, &item, &options, beside_name.as_deref()).map_err(refused)?;
    if source.text.len() > bfc_dsl::MAX_SOURCE {
        return Err(refused(ImportError::TooLarge {
            found: format!("its source has {} bytes", source.text.len()),
            limit: format!("{} bytes", bfc_dsl::MAX_SOURCE),
            help: "name a file, `-o graph.bf`: a large graph is then kept in a file beside it",
        }));
    }
    if let Some(path) = &arguments.output {
        if let (Some(beside), Some(edges)) = (&beside, &source.edges) {
            output::check_new_file(path)?;
            output::write_new_file(beside, edges.as_bytes())?;
        }
        output::write_new_file(path, source.text.as_bytes())?;
    }
    let size = imported.graph.labels.len();
    if format == Format::Human {
        output::say(&imported.reading.to_string());
        source.notes.iter().for_each(|note| output::say(&format!("note: {note}")));
        source.warnings.iter().for_each(|warning| output::say(&format!("warning: {warning}")));
        return match &arguments.output {
            Some(path) => {
                let file = output::path(path);
                if let Some(beside) = beside.filter(|_| source.edges.is_some()) {
                    output::print(format!(
                        "wrote {}, the edges, which belong beside the source\n",
                        output::path(&beside)
                    ))?;
                }
                output::print(format!("wrote {file}; `bfc analyze {file} --size {size}` analyzes it\n"))
            }
            None => output::print(source.text),
        };
    }
    let mut document = json!({
        "name": item,
        "size": size,
        "reading": imported.reading.to_string(),
        "edges_both_ways": source.both_ways,
        "edges_one_way": source.one_way,
        "weighted": source.weighted,
        "nodes": imported.graph.labels,
        "notes": source.notes,
        "warnings": source.warnings,
    });
    match &arguments.output {
        Some(path) => {
            document["file"] = json!(path.display().to_string());
            if let Some(beside) = beside.filter(|_| source.edges.is_some()) {
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

/// The topology is called as its file, in letters that a name may have.
fn item_name(arguments: &arguments::Import) -> String {
    let file: &Path = arguments.output.as_deref().unwrap_or(&arguments.graph);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let letter = |letter: char| if bfc_dsl::is_letter(letter) { letter } else { '_' };
    let name: String = stem.chars().map(letter).collect();
    let is_name = new::check(&name, &format!("topology {name} {{ }}\n")).is_ok();
    if is_name { name } else { format!("graph_{name}") }
}
