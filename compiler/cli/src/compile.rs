//! `bfc compile` and `bfc check`: a source becomes a proved schedule, with a summary of what it is and asks.

use crate::analyze::{checks, plain};
use crate::arguments::{self, Format, Source};
use crate::failure::{CliError, Failure};
use crate::predict::arguments::Location;
use crate::table::Table;
use crate::{input, output, predict};
use bfc_compiler::{Compiled, Report, Request};
use bfc_predict::Cluster;
use bfc_schedule::Schedule;
use serde_json::{Value, json};
use std::path::Path;

/// Compiles a schedule and writes it to a file.
///
/// # Errors
/// The source cannot be read or is refused, or the file cannot be written.
pub fn compile(arguments: &arguments::Compile, format: Format) -> Result<(), Failure> {
    let piped = arguments.output == Path::new("-");
    if piped && format == Format::Json {
        return Err(CliError::StandardOutputTwice.into());
    }
    let Source { file, size, settings } = &arguments.source;
    let mut request = input::request(file, *size, settings)?;
    let cluster = predict::cluster(&arguments.location)?;
    let place = arguments.placing.place;
    let Made { schedule, mut document, lines } =
        make(&mut request, cluster.as_ref(), &arguments.location, place)?;
    let bytes = schedule.encode();
    if piped {
        return output::print_bytes(&bytes);
    }
    output::write_file(&arguments.output, &bytes)?;
    document["digest"] = json!(schedule.digest().to_string());
    document["file"] = json!(arguments.output.display().to_string());
    document["bytes"] = json!(bytes.len());
    show(&document, &lines, format)
}

/// Checks a source and writes nothing.
///
/// # Errors
/// The source cannot be read or is refused.
pub fn check(arguments: &arguments::Check, format: Format) -> Result<(), Failure> {
    let mut request = input::request(&arguments.file, arguments.size, &arguments.settings)?;
    if let Some(cluster) = predict::cluster(&arguments.location)? {
        let place = arguments.placing.place;
        let made = make(&mut request, Some(&cluster), &arguments.location, place)?;
        return show(&made.document, &made.lines, format);
    }
    let report = bfc_compiler::check(&request, &input::Beside)
        .map_err(|refused| bfc_compiler::suggest(&request, &input::Beside, refused))?;
    show(&document(&report), &[], format)
}

/// A schedule, fitted to its cluster where there is one, and what is told of it.
struct Made {
    schedule: Schedule,
    document: Value,
    /// What became of its rounds and places, for people.
    lines: Vec<(&'static str, String)>,
}

fn make(
    request: &mut Request,
    cluster: Option<&Cluster>,
    location: &Location,
    place: bool,
) -> Result<Made, Failure> {
    let model_bytes = location.load.model_bytes;
    let Some(cluster) = cluster else {
        let Compiled { schedule, report } = input::compile_request(request)?;
        let mut document = document(&report);
        predict::add_cost(&mut document, &schedule, None, model_bytes)?;
        return Ok(Made { schedule, document, lines: vec![] });
    };
    predict::settle(request, cluster);
    let Compiled { schedule, mut report } = input::compile_request(request)?;
    let fit = predict::fit(schedule, cluster, model_bytes, place)?;
    report.count_rounds(fit.schedule());
    let mut document = document(&report);
    predict::add_cost(&mut document, fit.schedule(), Some(cluster), model_bytes)?;
    fit.add_to(&mut document);
    Ok(Made { document, lines: fit.lines(), schedule: fit.into_schedule() })
}

fn document(report: &Report) -> Value {
    let mut document = serde_json::to_value(report).unwrap_or_default();
    document["allowed"] = json!(report.overrides);
    document
}

fn show(document: &Value, lines: &[(&str, String)], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => output::print_json(document),
        Format::Human => output::print(shown(document, lines)),
    }
}

fn shown(document: &Value, lines: &[(&str, String)]) -> String {
    let list = |key: &str| document[key].as_array().cloned().unwrap_or_default();
    let mut table = Table::new();
    table.add_row(["algorithm", &plain(&document["algorithm"])]);
    table.add_row(["ranks", &plain(&document["size"])]);
    for line in rounds(&list("phases")) {
        table.add_row(["rounds", &line]);
    }
    for one in list("optimised") {
        table.add_row(["optimised", &optimised(&one)]);
    }
    for line in predict::lines(&document["cost"]) {
        table.add_row(["cost", &line]);
    }
    for (about, line) in lines {
        table.add_row([about, line.as_str()]);
    }
    table.add_row(["asks", &asks(&document["asks"])]);
    for allowed in list("allowed") {
        table.add_row(["allowed", &plain(&allowed)]);
    }
    for key in ["digest", "file"] {
        if let Some(text) = document[key].as_str() {
            table.add_row([key, text]);
        }
    }
    let mut text = table.text() + "\n" + &checks(&document["checks"]);
    for warning in list("warnings") {
        text.push_str(&format!("\nwarning: {}\n", plain(&warning)));
    }
    text
}

/// A line for each topology: its rounds in all phases, and whether fewer would do.
fn rounds(phases: &[Value]) -> Vec<String> {
    let mut names: Vec<&Value> = phases.iter().map(|phase| &phase["topology"]).collect();
    names.dedup();
    let of = |name: &Value| {
        let own: Vec<&Value> = phases.iter().filter(|phase| phase["topology"] == *name).collect();
        let sum = |key: &str| own.iter().filter_map(|phase| phase[key].as_u64()).sum::<u64>();
        let (rounds, bound) = (sum("rounds"), sum("lower_bound"));
        let least =
            if rounds == bound { "the least possible".to_string() } else { format!("at least {bound}") };
        format!("{}: {rounds} in {} of a period, {least}", plain(name), count(own.len() as u64, "phase"))
    };
    names.into_iter().map(of).collect()
}

/// What an optimisation came to, and how far from the optimum that may be.
pub fn optimised(one: &Value) -> String {
    let (symbol, direction) = match one["number"].as_str() {
        Some("lambda_2") => ("λ₂ ", "below"),
        Some("rho") => ("ρ ", "above"),
        Some("sigma2_of_part") => ("within the slowest connected part ", "above"),
        _ => ("", "above"),
    };
    let number = |key: &str| one[key].as_f64().unwrap_or(f64::NAN);
    let about = if one["method"] == "enclosed" { "" } else { "about " };
    let (what, value) = (plain(&one["what"]), significant(number("value")));
    let gap = rounded_up(number("gap"));
    let worst = match one["times"].as_u64() {
        Some(times) if times > 1 => format!(" ({times} times, the worst)"),
        _ => String::new(),
    };
    format!("{what}: {symbol}{about}{value}, {about}at most {gap} {direction} the optimum{worst}")
}

/// Six digits of a number.
fn significant(x: f64) -> String {
    format!("{x:.5e}").parse::<f64>().unwrap_or(x).to_string()
}

/// Two digits of a number, or the next above.
fn rounded_up(x: f64) -> String {
    let shown = [x, 1.1 * x].map(|x| format!("{x:.1e}"));
    let is_above = |shown: &String| shown.parse::<f64>().is_ok_and(|shown| shown >= x);
    shown.iter().find(|shown| is_above(shown)).unwrap_or(&shown[0]).clone()
}

fn asks(asks: &Value) -> String {
    let number = |key: &str| asks[key].as_u64().unwrap_or(0);
    let parts = [
        (number("gradients"), "gradient"),
        (number("adapts"), "optimizer step"),
        (number("proxes"), "minimizer"),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| part.0 > 0).map(|(n, what)| count(n, what)).collect();
    if parts.is_empty() {
        return "nothing".to_string();
    }
    let start = match number("at_start") {
        0 => String::new(),
        some => format!(" and {some} before the first"),
    };
    let how = if asks["any_loop"] == true {
        "at the model: any training loop"
    } else {
        "by a closure or point by point"
    };
    format!("{} a step{start}, {how}", parts.join(" and "))
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
