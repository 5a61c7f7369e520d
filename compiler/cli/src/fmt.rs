//! `bfc fmt`: sources are laid out anew, or compared with what they would be.

use crate::arguments::{self, Format};
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_dsl::ParseError;
use bfc_schedule::visible;
use miette::{NamedSource, Report};
use serde_json::{Value, json};
use similar::TextDiff;
use std::path::Path;
use std::sync::Arc;

/// Formats files, or standard input to standard output.
///
/// # Errors
/// A file cannot be read, is no program or cannot be written; with `--check`, one that would change.
pub fn fmt(arguments: &arguments::Fmt, format: Format) -> Result<(), Failure> {
    let (mut done, mut failures) = (vec![], vec![]);
    for path in input::sources(&arguments.files)? {
        match one(&path, arguments.check, format) {
            Ok(entry) => {
                if entry["difference"].is_string() {
                    failures.push(CliError::NotFormatted { path: path.display().to_string() }.into());
                }
                done.push(entry);
            }
            Err(failure) => failures.push(failure),
        }
    }
    Failure::all(failures).map_err(|failure| failure.beside("files", done.clone()))?;
    match format {
        Format::Json => output::print_json(&json!({ "files": done })),
        Format::Human => {
            let changed = done.iter().filter(|entry| entry["changed"] == true && entry["text"].is_null());
            let lines = changed.map(|entry| {
                let file = entry["file"].as_str().unwrap_or_default();
                format!("formatted {}\n", visible::line(file))
            });
            output::print(lines.collect::<String>())
        }
    }
}

/// Formats one file and says whether it changed.
fn one(path: &Path, check: bool, format: Format) -> Result<Value, Failure> {
    let name = path.display().to_string();
    let text = input::source_text(path)?;
    let formatted = bfc_dsl::format(&text).map_err(|errors| refused(&name, &text, errors))?;
    let changed = formatted != text;
    if check && changed {
        let difference = difference(&name, &text, &formatted);
        if format == Format::Human {
            output::print(&difference)?;
        }
        return Ok(json!({ "file": name, "changed": changed, "difference": difference }));
    }
    if !path.is_file() {
        // Standard input, or a pipe that is read by its name.
        if format == Format::Human && !check {
            output::print(&formatted)?;
        }
        return Ok(json!({ "file": name, "changed": changed, "text": formatted }));
    }
    if changed {
        output::write_file(path, formatted.as_bytes())?;
    }
    Ok(json!({ "file": name, "changed": changed }))
}

/// What formatting would change, as `diff -u` shows it.
fn difference(name: &str, text: &str, formatted: &str) -> String {
    let name = visible::line(name);
    let changes = TextDiff::from_lines(text, formatted);
    changes.unified_diff().context_radius(2).header(&name, &format!("{name}, formatted")).to_string()
}

fn refused(name: &str, text: &str, errors: Vec<ParseError>) -> Failure {
    let source = Arc::new(NamedSource::new(name, text.to_string()));
    Failure::refused(errors.into_iter().map(|error| Report::new(error).with_source_code(source.clone())))
}
