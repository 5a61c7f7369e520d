//! `bfc report`: one HTML file about one or several sources.

use super::arguments;
use super::subject::subject;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::Kind;
use crate::predict::Place;
use crate::{input, output};
use bfc_report::page::{self, Document, PAGE_HEAD};
use std::path::Path;

/// A page, of this command or of `bfc run --report`.
pub const PAGE: Kind = Kind { name: "a report of `bfc`", heads: &[PAGE_HEAD.as_bytes()], flag: "-o" };

/// The file that is written if none is named.
const OUTPUT: &str = "report.html";

/// Writes the page. It shows the diagnostics of a source that is refused, with which the command then fails.
///
/// # Errors
/// A file cannot be read or is refused, the cluster is, or the page cannot be written.
pub fn report(arguments: &arguments::Report, format: Format) -> Result<(), Failure> {
    // JSON goes to standard output, and needs no page beside it.
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
        let (subject, failure) =
            subject(file, request, &input::Beside, place.location(), arguments.sizes.clone());
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
