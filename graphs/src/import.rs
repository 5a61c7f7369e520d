//! A file of a graph → the source of a topology that is called as the file, and the file of edges beside it.

use crate::error::ImportError;
use crate::options::Options;
use crate::source::{Source, source};
use crate::{Imported, read};
use std::path::{Path, PathBuf};

/// A graph of a file as the source of a topology.
#[derive(Clone, Debug)]
pub struct Import {
    /// What the topology is called.
    pub name: String,
    /// The graph, and what the file was taken for.
    pub imported: Imported,
    /// The source.
    pub source: Source,
    /// The file of edges beside the source, with its content, where the source names one.
    pub edges: Option<(PathBuf, String)>,
}

/// Imports the file at `path`, which holds `bytes`, for a source at `output`, if it becomes a file; `is_name` says whether a
/// topology may have a name.
///
/// # Errors
/// The file is no graph, can be read in two ways, or its source is too large.
pub fn import(
    path: &Path,
    bytes: Vec<u8>,
    options: &Options,
    output: Option<&Path>,
    is_name: impl Fn(&str) -> bool,
) -> Result<Import, ImportError> {
    let imported = read(&path.display().to_string(), bytes, options)?;
    let name = topology_name(output.unwrap_or(path), is_name);
    let beside = output.map(beside);
    let beside_name = beside.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    let mut source = source(&imported, &name, options, beside_name.as_deref())?;
    if source.text.len() > bfc_dsl::MAX_SOURCE {
        return Err(ImportError::TooLarge {
            found: format!("its source has {} bytes", source.text.len()),
            limit: format!("{} bytes", bfc_dsl::MAX_SOURCE),
            help: "name a file, `-o graph.bf`: a large graph is then kept in a file beside it",
        });
    }
    let edges = beside.zip(source.edges.take());
    Ok(Import { name, imported, source, edges })
}

/// Another file than the source, whatever that is called.
fn beside(source: &Path) -> PathBuf {
    match source.extension() {
        Some(ending) if ending == "edges" => source.with_extension("list.edges"),
        _ => source.with_extension("edges"),
    }
}

/// The name of a file, in letters that a name may have.
fn topology_name(file: &Path, is_name: impl Fn(&str) -> bool) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let letter = |letter: char| if bfc_dsl::is_letter(letter) { letter } else { '_' };
    let name: String = stem.chars().map(letter).collect();
    if is_name(&name) { name } else { format!("graph_{name}") }
}
