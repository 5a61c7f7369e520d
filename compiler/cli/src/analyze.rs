//! `bfc analyze`: what is known of a topology, shown.

use crate::arguments::{self, Format, Sizes};
use crate::failure::{CliError, Failure};
use crate::{input, output, range};
use comfy_table::CellAlignment;
use serde_json::Value;

/// Reports what is known of a topology, at one size or a range of them.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    let size = match &arguments.size {
        Sizes::One(size) if arguments.out.is_some() => {
            return Err(CliError::NothingToDraw { size: *size }.into());
        }
        Sizes::One(size) => *size,
        Sizes::Range(sizes) => return range::analyze(arguments, sizes.clone(), format),
    };
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let analysis = bfc_compiler::analyze_on(&request, &input::Beside, arguments.curvature.0)?;
    match format {
        Format::Json => output::print_json(&analysis),
        Format::Human => output::print(shown(&serde_json::to_value(analysis).unwrap_or_default())),
    }
}

/// A line for each key, then the checks and the notes.
fn shown(document: &Value) -> String {
    let mut table = output::table();
    for (key, value) in document.as_object().into_iter().flatten() {
        if !value.is_array() && !value.is_object() && key != "quadratic" {
            let method = document["methods"][key].as_str().unwrap_or_default();
            table.add_row([key, &plain(value), method]);
        }
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut text = table.trim_fmt() + "\n";
    text.push_str(&quadratic(&document["quadratic"]));
    text.push_str(&checks(&document["checks"]));
    for note in document["notes"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nnote: {}\n", plain(note)));
    }
    text
}

/// How the algorithm converges on quadratics; empty where there is no algorithm.
fn quadratic(found: &Value) -> String {
    if found.is_null() {
        return String::new();
    }
    let curvature = format!("{} to {}", plain(&found["curvature"][0]), plain(&found["curvature"][1]));
    let mut table = output::table();
    let step = format!("with {} = {}", plain(&found["step"][0]), plain(&found["step"][1]));
    let step = if found["step"].is_null() { String::new() } else { step };
    table.add_row(["error kept in a step", &plain(&found["rate"]), &step]);
    match found["exact"] == true {
        true => table.add_row(["bias", "0", "but for rounding"]),
        false => table.add_row(["bias", &plain(&found["bias"]), ""]),
    };
    table.add_row(["largest step size", &plain(&found["largest_step"]), ""]);
    let note = found["note"].as_str().map(|note| format!(" note: {note}\n")).unwrap_or_default();
    format!("\non quadratics of curvature {curvature}, estimated:\n{}\n{note}", table.trim_fmt())
}

/// Claims and verdicts, one a line; empty where there are none.
pub fn checks(checks: &Value) -> String {
    let mut table = output::table();
    for check in checks.as_array().into_iter().flatten() {
        let mark = if check["holds"] == true { "✓" } else { "✗" };
        let text = |key: &str| plain(&check[key]);
        let by = format!("{} {}", text("item"), text("role"));
        table.add_row([mark, &by, &text("claim"), &text("verdict"), &text("evidence")]);
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
