//! `bfc draw`: one picture of a topology or a schedule, for a paper.

use super::arguments::{self, What};
use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::output::{Kind, PICTURE};
use crate::{input, output};
use bfc_compiler::{Analysis, Assumptions, Detail, Request};
use bfc_report::analysis;
use bfc_report::picture::{self, Drawn};
use serde_json::json;
use std::path::Path;

/// Extensions of other formats.
const OTHERS: [&str; 8] = ["png", "pdf", "jpg", "jpeg", "gif", "webp", "eps", "html"];

const KIND: Kind = Kind { name: "a picture of `bfc`", heads: PICTURE, flag: "-o" };

/// Draws one picture.
///
/// # Errors
/// The source is refused, or the file has the extension of another format, holds something else or cannot be written.
pub fn draw(arguments: &arguments::Draw, format: Format) -> Result<(), Failure> {
    if let Some(path) = &arguments.output {
        check_extension(path)?;
        output::replaces(path, KIND)?;
    }
    let source = &arguments.source;
    let request = input::request(&source.file, source.size, &source.settings)?;
    let text = picture(arguments, &request)?;
    let Some(path) = &arguments.output else {
        return output::show(format, &json!({ "size": source.size, "text": text }), || text.clone());
    };
    output::write_file(path, text.as_bytes())?;
    let document = json!({ "size": source.size, "file": path.display().to_string() });
    output::show(format, &document, || format!("wrote {}\n", output::path(path)))
}

/// Most programs go by the extension: an SVG file with that of another format would not open.
fn check_extension(path: &Path) -> Result<(), CliError> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if !OTHERS.iter().any(|other| extension == *other) {
        return Ok(());
    }
    let message = format!(
        "`{}` does not have the extension of an SVG file, and `bfc draw` writes only SVG",
        output::path(path)
    );
    let help = format!("write `-o {}`", output::path(&path.with_extension("svg")));
    Err(CliError::Usage { message, help: Some(help) })
}

fn picture(arguments: &arguments::Draw, request: &Request) -> Result<String, Failure> {
    let file = &arguments.source.file;
    Ok(match arguments.what {
        What::Topology => first_topology(request, |drawn| {
            picture::topology(drawn, arguments.layout.unwrap_or(drawn.layout()))
        })?,
        What::Matrix => first_topology(request, picture::matrix)?,
        What::Schedule => picture::schedule(file, &input::compile_request(request)?.schedule),
        What::Spectrum => picture::spectrum(file, &analyzed(request)?),
        What::Consensus => analysis::svg(file, &analyzed(request)?),
    })
}

fn first_topology(request: &Request, draw: impl FnOnce(&Drawn) -> String) -> Result<String, Failure> {
    let topologies = bfc_compiler::topologies(request, &input::Beside)?;
    Ok(draw(&Drawn::new(&topologies[0], request.local_size)))
}

fn analyzed(request: &Request) -> Result<Analysis, Failure> {
    Ok(bfc_compiler::analyze_on(request, &input::Beside, Assumptions::default(), Detail::Pictures)?)
}
