//! `bfc report`: one HTML file about one or several sources.

use super::arguments;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Kind;
use crate::predict::Place;
use crate::{input, output, progress};
use bfc_compiler::{Assumptions, Detail, Request};
use bfc_predict::{Axis, Location, plan, sweep};
use bfc_report::diagnostic_json;
use bfc_report::page::{self, Document, PAGE_HEAD, Subject};
use serde_json::Value;
use std::path::Path;

const PAGE: Kind = Kind { name: "a report of `bfc`", heads: &[PAGE_HEAD.as_bytes()], flag: "-o" };

/// The file that is written where none is named.
const OUTPUT: &str = "report.html";

/// Writes the page; a source that is refused has its diagnostics there, and ends the command as elsewhere.
///
/// # Errors
/// A file cannot be read or is refused, the cluster is, or the page cannot be written.
pub fn report(arguments: &arguments::Report, format: Format) -> Result<(), Failure> {
    // A document for programs is written to standard output alone, unless a page is asked for too.
    let path = arguments.output.as_deref().or((format == Format::Human).then_some(Path::new(OUTPUT)));
    if let Some(path) = path {
        output::replaces(path, PAGE)?;
    }
    let place = Place::new(&arguments.location, false)?;
    let request =
        |file: &String| Ok((file.clone(), input::request(file, arguments.size, &arguments.settings)?));
    let requests = arguments.files.iter().map(request).collect::<Result<Vec<_>, Failure>>()?;
    let mut refused = vec![];
    let mut subjects = vec![];
    for (file, request) in &requests {
        let (subject, failure) = subject(file, request, place.location(), arguments);
        subjects.push(subject);
        refused.extend(failure);
    }
    if let Some(path) = path {
        let html = page::page(arguments.size, &subjects);
        output::write_file(path, html.as_bytes())?;
    }
    if format == Format::Json {
        output::print_json(&Document::new(arguments.size, &subjects))?;
        return match refused.pop() {
            Some(failure) => Err(Failure::told(failure.exit())),
            None => Ok(()),
        };
    }
    if let Some(path) = path {
        output::print(format!("wrote {}\n", output::path(path)))?;
    }
    Failure::all(refused)
}

/// What is known of a source, and why it is refused if it is.
fn subject(
    file: &str,
    request: &Request,
    location: Option<Location<'_>>,
    arguments: &arguments::Report,
) -> (Subject, Option<Failure>) {
    let planned = plan(request, &input::Beside, location).map_err(Failure::from);
    let topologies = bfc_compiler::topologies(request, &input::Beside).unwrap_or_default();
    let assumptions = Assumptions::default();
    let analysis = bfc_compiler::analyze_on(request, &input::Beside, assumptions, Detail::Pictures).ok();
    let swept = arguments.sizes.clone().map(|sizes| {
        let axis = Axis::Sizes(sizes.collect());
        sweep(file, request, &input::Beside, &axis, assumptions, &mut progress::Bar).map_err(Failure::from)
    });
    let (sweep, swept) = split(swept.transpose());
    let (plan, refused) = match planned {
        Ok(plan) => (Some(plan), swept),
        Err(failure) => (None, Some(failure)),
    };
    let diagnostics: Vec<Value> = refused.iter().flat_map(Failure::reports).map(diagnostic_json).collect();
    let subject = Subject {
        file: file.to_string(),
        source: page::text_of(request),
        local_size: plan.as_ref().map_or(request.local_size, |plan| plan.schedule.local_size()),
        topologies,
        analysis,
        plan,
        sweep: sweep.flatten(),
        diagnostics,
    };
    (subject, refused)
}

fn split<T>(result: Result<T, Failure>) -> (Option<T>, Option<Failure>) {
    match result {
        Ok(found) => (Some(found), None),
        Err(failure) => (None, Some(failure)),
    }
}
