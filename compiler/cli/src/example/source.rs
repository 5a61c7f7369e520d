//! An example that is a source is checked, and must be accepted or refused as it says.

use super::error::ExampleError;
use super::extract::{Example, Shape};
use crate::input;
use bfc_compiler::{Diagnostics, Entry, Request};
use std::collections::BTreeSet;

/// How a source says with which codes it is refused.
const EXPECTATION: &str = "// error: ";

/// Checks the source.
///
/// # Errors
/// It is refused with other codes than it names.
pub fn check(example: &Example, shape: &Shape) -> Result<(), ExampleError> {
    let entry = Entry::Source { name: format!("{} (example)", example.file.name), text: text(example) };
    let request = Request { local_size: shape.local_size, ..Request::new(entry, shape.size) };
    let refused = bfc_compiler::check(&request, &input::Beside).err();
    let expected: BTreeSet<&str> = example
        .lines
        .iter()
        .filter_map(|line| line.text.split_once(EXPECTATION))
        .map(|(_, code)| code.trim())
        .collect();
    match refused {
        Some(diagnostics) if expected.is_empty() => Err(unexpected(example, &diagnostics)),
        refused => {
            let found = refused.map(|diagnostics| diagnostics.codes()).unwrap_or_default();
            compare(example, &expected, &found)
        }
    }
}

/// The source at the place where it stands in the file, so that errors point there.
fn text(example: &Example) -> String {
    let mut text = String::new();
    let mut number = 0;
    for line in &example.lines {
        text.extend(std::iter::repeat_n('\n', line.number - number));
        text.extend(std::iter::repeat_n(' ', line.column));
        text.push_str(&line.text);
        number = line.number;
    }
    text + "\n"
}

fn unexpected(example: &Example, diagnostics: &Diagnostics) -> ExampleError {
    let messages: Vec<String> = diagnostics.errors().iter().take(5).map(ToString::to_string).collect();
    let text = text(example);
    let first = diagnostics.errors().iter().find_map(|error| error.span).filter(|span| span.file.0 == 0);
    let line = first.map(|span| text[..(span.start as usize).min(text.len())].matches('\n').count());
    let line = line.and_then(|number| example.lines.iter().position(|line| line.number == number));
    ExampleError::Refused {
        codes: diagnostics.codes(),
        messages,
        text: example.text(),
        at: example.place(line.unwrap_or(0)),
    }
}

/// A code may be named in full or by its last word.
fn compare(example: &Example, expected: &BTreeSet<&str>, found: &[String]) -> Result<(), ExampleError> {
    let short = |code: &str| code.rsplit("::").next().unwrap_or_default().to_string();
    let named = |code: &String| expected.contains(code.as_str()) || expected.contains(&*short(code));
    let given = |code: &&&str| found.iter().any(|found| found == **code || short(found) == **code);
    if found.iter().all(named) && expected.iter().all(|code| given(&code)) {
        return Ok(());
    }
    let list = |codes: Vec<String>| match codes.is_empty() {
        true => "no error".to_string(),
        false => format!("`{}`", codes.join("`, `")),
    };
    Err(ExampleError::NotRefused {
        expected: list(expected.iter().map(ToString::to_string).collect()),
        found: list(found.to_vec()),
        text: example.text(),
        at: example.place(0),
    })
}
