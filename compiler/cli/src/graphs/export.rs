//! `bfc export`: the mixing matrix of a topology becomes a file that other tools read.

use super::arguments;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::{input, output};
use bfc_graphs::{ExportError, Output};
use serde_json::json;

/// Exports a topology.
///
/// # Errors
/// The source is refused or has no such phase, or the file exists or cannot be written.
pub fn export(arguments: &arguments::Export, format: Format) -> Result<(), Failure> {
    let source = &arguments.source;
    let request = input::request(&source.file, source.size, &source.settings)?;
    let topologies = bfc_compiler::topologies(&request, &input::Beside)?;
    let topology = &topologies[0];
    let phases = topology.phases.len();
    let phase = match (arguments.phase, phases) {
        (Some(phase), _) => topology.phases.get(phase as usize),
        (None, 1) => topology.phases.first(),
        (None, _) => None,
    };
    let which = || ExportError::WhichPhase { topology: topology.name.clone(), phases, last: phases - 1 };
    let matrix = phase.ok_or_else(|| Failure::refused_by(which()))?;
    let ending =
        arguments.output.as_ref().and_then(|path| path.extension()).and_then(|ending| ending.to_str());
    let kind = arguments.kind.unwrap_or_else(|| Output::of_ending(ending.unwrap_or_default()));
    let names = topology.names.as_deref().unwrap_or_default();
    let text = bfc_graphs::export(matrix, &topology.name, names, kind).map_err(Failure::refused_by)?;
    let Some(path) = &arguments.output else {
        return output::show(
            format,
            &json!({ "name": topology.name, "size": topology.size, "text": text }),
            || text.clone(),
        );
    };
    output::write_new_file(path, text.as_bytes())?;
    let document =
        json!({ "name": topology.name, "size": topology.size, "file": path.display().to_string() });
    output::show(format, &document, || format!("wrote {}\n", output::path(path)))
}
