//! `bfc analyze`: what is known of a topology, shown.

use crate::arguments::{self, Format, Sizes};
use crate::compile::optimised;
use crate::failure::Failure;
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::{input, output, range};
use bfc_compiler::Analysis;
use bfc_compiler::Detail;
use serde_json::Value;

/// Reports what is known of a topology, at one size or a range of them.
///
/// # Errors
/// The source cannot be read, or has no topology at this size.
pub fn analyze(arguments: &arguments::Analyze, format: Format) -> Result<(), Failure> {
    let size = match &arguments.size {
        Sizes::One(size) => *size,
        Sizes::Range(sizes) => return range::analyze(arguments, sizes.clone(), format),
    };
    let request = input::request(&arguments.file, size, &arguments.settings)?;
    let analysis =
        bfc_compiler::analyze_on(&request, &input::Beside, arguments.assumptions(), Detail::Curves)?;
    if let Some(directory) = &arguments.out {
        let document = serde_json::to_value(&analysis).unwrap_or_default();
        let picture = picture(&arguments.file, &analysis).svg();
        output::write_results(directory, ("analysis.json", &document), ("consensus.svg", &picture))?;
    }
    match format {
        Format::Json => output::print_json(&analysis),
        Format::Human => output::print(shown(&serde_json::to_value(analysis).unwrap_or_default())),
    }
}

/// The curve of the consensus error.
fn picture(file: &str, analysis: &Analysis) -> Picture {
    let points = analysis.consensus_error.iter().flatten().map(|&(step, error)| (step as f64, error));
    let points = [(0.0, 1.0)].into_iter().chain(points).collect();
    let curve = Curve { label: "at worst".into(), colour: "#0b6bcb", width: 2.0, dash: "", points };
    let title = "disagreement that is left of the worst initial values".into();
    Picture {
        title: file.into(),
        subtitle: format!("{} ranks", analysis.size),
        x_label: "steps".into(),
        x_scale: Scale::Counts,
        panels: vec![Panel { title, scale: Scale::Decades, curves: vec![curve] }],
    }
}

/// What has lines of its own below the table.
const APART: [&str; 4] = ["consensus_error", "stationary", "expected_contraction", "quadratic"];

/// A line for each key, then the checks and the notes.
fn shown(document: &Value) -> String {
    let mut table = Table::new();
    for (key, value) in document.as_object().into_iter().flatten() {
        if !value.is_array() && !value.is_object() && !APART.contains(&key.as_str()) {
            table.add_row([key, &plain(value), &method(document, key)]);
        }
    }
    table.align_right([1]);
    let mut text = table.text() + "\n";
    for one in document["optimised"].as_array().into_iter().flatten() {
        text.push_str(&format!("\noptimised: {}\n", optimised(one)));
    }
    text.push_str(&consensus(document));
    text.push_str(&quadratic(&document["quadratic"]));
    text.push_str(&checks(&document["checks"]));
    for note in document["notes"].as_array().into_iter().flatten() {
        text.push_str(&format!("\nnote: {}\n", plain(note)));
    }
    text
}

/// How a number was obtained.
fn method(document: &Value, key: &str) -> String {
    let method = document["methods"][key].as_str().unwrap_or_default();
    let residual = match key {
        "asymptotic_rate" if document["period"] != 1 => &document["residuals"]["period_radius"],
        _ => &document["residuals"][key],
    };
    residual.as_f64().map_or(method.to_string(), |residual| format!("{method}, residual {residual:.1e}"))
}

/// How values approach the average, and where they end if that is not it.
fn consensus(document: &Value) -> String {
    let mut text = String::new();
    if let Some(points) = document["consensus_error"].as_array().filter(|points| !points.is_empty()) {
        let mut table = Table::new();
        let stride = points.len().div_ceil(COLUMNS);
        let mut shown: Vec<&Value> = points.iter().step_by(stride).collect();
        if let (Some(shown), Some(last)) = (shown.last_mut(), points.last()) {
            *shown = last;
        }
        let error = |point: &Value| format!("{:.2e}", point[1].as_f64().unwrap_or(f64::NAN));
        table.add_row(["steps".to_string()].into_iter().chain(shown.iter().map(|point| plain(&point[0]))));
        table.add_row(["error".to_string()].into_iter().chain(shown.iter().map(|point| error(point))));
        table.align_right(1..=COLUMNS);
        let method = method(document, "consensus_error");
        text.push_str(&format!(
            "\nconsensus error of the worst initial values, {method}:\n{}\n",
            table.text()
        ));
    }
    let expected = &document["expected_contraction"];
    if let [Some(mean), Some(low), Some(high)] =
        [&expected["mean"], &expected["interval"][0], &expected["interval"][1]].map(Value::as_f64)
    {
        text.push_str(&format!(
            "\nin the mean a step keeps {mean:.6} of the disagreement's square, estimated from {} drawn phases;\n\
             at worst between {low:.6} and {high:.6} with 95 % confidence\n",
            expected["draws"]
        ));
    }
    let stationary = &document["stationary"];
    if let [Some(low), Some(high)] = ["least", "greatest"].map(|key| stationary[key][1].as_f64()) {
        let [least, greatest] = ["least", "greatest"].map(|key| plain(&stationary[key][0]));
        text.push_str(&format!(
            "\nweights of the limit, estimated: {low:.6} (rank {least}) to {high:.6} (rank {greatest}), 1/n is {:.6};\n\
             --format json has all\n",
            1.0 / document["size"].as_f64().unwrap_or(f64::NAN)
        ));
    }
    text
}

/// Points of a curve that are shown.
const COLUMNS: usize = 9;

/// How the algorithm converges on quadratics; empty where there is no algorithm.
fn quadratic(found: &Value) -> String {
    if found.is_null() {
        return String::new();
    }
    let curvature = format!("{} to {}", plain(&found["curvature"][0]), plain(&found["curvature"][1]));
    let mut table = Table::new();
    let step = format!("with {} = {}", plain(&found["step"][0]), plain(&found["step"][1]));
    let step = if found["step"].is_null() { String::new() } else { step };
    table.add_row(["error kept in a step", &plain(&found["rate"]), &step]);
    match found["exact"] == true {
        true => table.add_row(["bias", "0", "up to rounding"]),
        false => table.add_row(["bias", &plain(&found["bias"]), ""]),
    };
    table.add_row(["largest step size", &plain(&found["largest_step"]), ""]);
    let note = found["note"].as_str().map(|note| format!(" note: {note}\n")).unwrap_or_default();
    format!("\non quadratics of curvature {curvature}, estimated:\n{}\n{note}", table.text())
}

/// Claims and verdicts, one a line; empty where there are none.
pub fn checks(checks: &Value) -> String {
    let mut table = Table::new();
    for check in checks.as_array().into_iter().flatten() {
        let mark = if check["holds"] == true { "✓" } else { "✗" };
        let text = |key: &str| plain(&check[key]);
        let by = format!("{} {}", text("item"), text("role"));
        table.add_row([mark, &by, &text("claim"), &text("verdict"), &text("evidence")]);
    }
    if table.is_empty() { String::new() } else { format!("\n{}\n", table.text()) }
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
