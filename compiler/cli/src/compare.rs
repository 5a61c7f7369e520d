//! `bfc compare`: several analyses side by side, and what a step costs on a cluster.

use crate::analyze::plain;
use crate::arguments::{Compare, Format};
use crate::failure::Failure;
use crate::table::Table;
use crate::{input, output, predict};
use bfc_compiler::{Assumptions, Detail};
use bfc_predict::Prediction;
use bfc_predict::units::shown_seconds;
use serde_json::{Value, json};

/// Analyzes each file, and reports.
///
/// # Errors
/// A file cannot be read or is refused, or the cluster has too few machines.
pub fn compare(arguments: &Compare, format: Format) -> Result<(), Failure> {
    let cluster = predict::cluster(&arguments.location)?;
    let mut columns = vec![];
    for file in &arguments.files {
        let mut request = input::request(file, arguments.size, &arguments.settings)?;
        if let Some(cluster) = &cluster {
            predict::settle(&mut request, cluster);
        }
        let assumptions = Assumptions { curvature: arguments.curvature.0, ..Assumptions::default() };
        let analysis = bfc_compiler::analyze_on(&request, &input::Beside, assumptions, Detail::Numbers)?;
        let mut column = json!(analysis);
        if let Some(cluster) = &cluster {
            let bytes = arguments.location.load.model_bytes;
            let fitted = predict::fit(input::compile_request(&request)?.schedule, cluster, bytes, false)?;
            let prediction = Prediction::new(fitted.schedule(), cluster, bytes)?;
            let seconds = analysis.rounds_to_1e_3.map(|steps| steps as f64 * prediction.step_seconds);
            column["step_seconds"] = json!(prediction.step_seconds);
            column["exposed_seconds"] = json!(prediction.exposed_seconds);
            column["seconds_to_1e-3"] = json!(seconds);
        }
        column["file"] = json!(file);
        columns.push(column);
    }
    match format {
        Format::Json => output::print_json(&json!({ "size": arguments.size, "columns": columns })),
        Format::Human => output::print(table(&columns)),
    }
}

/// A line for each number, a column for each file; lines without a value in any column are omitted.
fn table(columns: &[Value]) -> String {
    let mut table = Table::new();
    let names = columns.iter().map(|column| plain(&column["file"]));
    table.set_header(["".to_string()].into_iter().chain(names));
    let rows = ["", "quadratic"].into_iter().flat_map(|part| {
        let fields = |column: &Value| if part.is_empty() { column.clone() } else { column[part].clone() };
        let keys: Vec<String> = columns
            .iter()
            .filter_map(|column| {
                fields(column).as_object().map(|object| object.keys().cloned().collect::<Vec<_>>())
            })
            .max_by_key(Vec::len)
            .unwrap_or_default();
        keys.into_iter().map(move |key| (part, key))
    });
    for (part, key) in rows.filter(|(_, key)| key != "file" && key != "size") {
        let value = |column: &Value| {
            let value = if part.is_empty() { &column[&key] } else { &column[part][&key] };
            (!value.is_array() && !value.is_object()).then(|| value.clone())
        };
        let values: Vec<Value> = columns.iter().map(|column| value(column).unwrap_or_default()).collect();
        if values.iter().all(Value::is_null) {
            continue;
        }
        let cells = values.iter().map(|value| shown(&key, value));
        let name = if part.is_empty() { key.clone() } else { format!("{part} {key}") };
        table.add_row([name].into_iter().chain(cells));
    }
    table.align_right(1..=columns.len());
    table.text() + "\n"
}

fn shown(key: &str, value: &Value) -> String {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) if key.contains("seconds") => shown_seconds(number),
        Some(number) => format!("{}", format!("{number:.8e}").parse().unwrap_or(number)),
        None => plain(value),
    }
}
