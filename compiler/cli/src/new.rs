//! `bfc new`: a name becomes a commented source that checks.

use crate::arguments::{self, Format};
use crate::failure::{CliError, Failure};
use crate::output;
use bfc_compiler::{Entry, NoFiles, Request};
use serde_json::json;
use std::path::Path;

/// What stands for the name in a template.
const PLACEHOLDER: &str = "NAME";

/// What names are made of.
const LETTERS: &str =
    "names are made of Latin and Greek letters, digits and `_`, and begin with no digit, such as `my_ring`";

/// Writes NAME.bf.
///
/// # Errors
/// The name cannot be one, the file exists or cannot be written.
pub fn new(arguments: &arguments::New, format: Format) -> Result<(), Failure> {
    let template = match (arguments.topology, arguments.algorithm) {
        (true, _) => include_str!("new/topology.bf"),
        (_, true) => include_str!("new/algorithm.bf"),
        _ => include_str!("new/schedule.bf"),
    };
    let name = &arguments.name;
    check_name(name)?;
    let text = template.replace(PLACEHOLDER, name);
    check(name, &text)?;
    let file = format!("{name}.bf");
    output::write_new_file(Path::new(&file), text.as_bytes())?;
    match format {
        Format::Json => output::print_json(&json!({ "file": file })),
        Format::Human => output::print(format!("wrote {file}; `bfc check {file}` checks it\n")),
    }
}

fn check_name(name: &str) -> Result<(), CliError> {
    if name.chars().all(bfc_dsl::is_letter)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
    {
        return Ok(());
    }
    let help = match name.strip_suffix(".bf") {
        Some(stem) => format!("leave `.bf` out: `bfc new {stem}` writes {stem}.bf"),
        None => LETTERS.to_string(),
    };
    Err(CliError::InvalidName { name: name.to_string(), reason: String::new(), help })
}

/// A word of the language is not a name: the source would not check.
fn check(name: &str, text: &str) -> Result<(), CliError> {
    let entry = Entry::Source { name: format!("{name}.bf"), text: text.to_string() };
    let request = Request::new(entry, 8);
    match bfc_compiler::check(&request, &NoFiles) {
        Ok(_) => Ok(()),
        Err(diagnostics) => {
            let first = diagnostics.errors().first().map(|error| format!(": {error}")).unwrap_or_default();
            Err(CliError::InvalidName { name: name.to_string(), reason: first, help: LETTERS.to_string() })
        }
    }
}
