//! `bfc analyze`: what is known of a topology, shown.

use crate::arguments::{Format, Source};
use crate::failure::Failure;
use crate::{input, output};
use comfy_table::CellAlignment;
use serde_json::Value;

/// Reports what is known of a topology.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(source: &Source, format: Format) -> Result<(), Failure> {
    let request = input::request(&source.file, source.size, &source.settings)?;
    let analysis = bfc_compiler::analyze(&request, &input::Beside)?;
    match format {
        Format::Json => output::print_json(&analysis),
        Format::Human => output::print(shown(&serde_json::to_value(analysis).unwrap_or_default())),
    }
}

/// A line for each key, then the checks and the notes.
fn shown(document: &Value) -> String {
    let mut table = output::table();
    for (key, value) in document.as_object().into_iter().flatten() {
        if !value.is_array() && !value.is_object() {
            let method = document["methods"][key].as_str().unwrap_or_default();
            table.add_row([key, &plain(value), method]);
        }
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.trim_fmt() + "\n";
    text.push_str(&checks(&document["checks"]));
    for note in document["notes"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nnote: {}\n", plain(note)));
    }
    text
}

/// Claims and verdicts, one a line; empty where there are none.
pub fn checks(checks: &Value) -> String {
    let mut table = output::table();
    for check in checks.as_array().into_iter().flatten() {
        let mark = if check["holds"] == true { "✓" } else { "✗" };
        let evidence = plain(&check["evidence"]);
        table.add_row([mark, &plain(&check["claim"]), &plain(&check["verdict"]), &evidence]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}\n", table.trim_fmt()) }
}

/// A value as people write it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_string(),
        Value::Bool(true) => "yes".to_string(),
        Value::Bool(false) => "no".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
