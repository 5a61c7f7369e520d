//! The library: its names, what each is for, and its sources.

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::{input, output, suggest};
use bfc_compiler::library;
use bfc_report::Table;
use serde_json::{Value, json};

/// Lists the library, or one part of it.
///
/// # Errors
/// There is no such part, or standard output cannot be written.
pub fn list(part: Option<&str>, format: Format) -> Result<(), Failure> {
    let names: Vec<&str> =
        library::names().into_iter().filter(|name| part.is_none_or(|part| part_of(name) == part)).collect();
    if let (Some(part), true) = (part, names.is_empty()) {
        return Err(unknown_part(part).into());
    }
    match format {
        Format::Human => output::print(table(&names)),
        Format::Json => {
            let entry = |name: &&str| json!({ "name": name, "documentation": documentation(name) });
            output::print_json(&names.iter().map(entry).collect::<Value>())
        }
    }
}

/// Prints the source of a library name.
///
/// # Errors
/// There is no such name, or standard output cannot be written.
pub fn show(name: &str, format: Format) -> Result<(), Failure> {
    input::library_name(name)?;
    let source = library::source(name).unwrap_or_default();
    match format {
        Format::Human => output::print(source),
        Format::Json => output::print_json(&json!({ "name": name, "source": source })),
    }
}

fn table(names: &[&str]) -> String {
    let mut table = Table::new();
    table.wrap();
    for name in names {
        table.add_row([name, &*first_sentence(&documentation(name))]);
    }
    table.text() + "\n"
}

fn part_of(name: &str) -> &str {
    name.split("::").next().unwrap_or(name)
}

fn unknown_part(part: &str) -> CliError {
    let mut parts: Vec<&str> = library::names().into_iter().map(part_of).collect();
    parts.dedup();
    let help = match suggest::closest(part, parts.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("its parts are {}", parts.join(", ")),
    };
    CliError::UnknownLibraryName { name: part.to_string(), help }
}

/// The `///` lines above the item that a library file is named after.
fn documentation(name: &str) -> String {
    let item = name.rsplit("::").next().unwrap_or(name);
    let lines: Vec<&str> = library::source(name).unwrap_or_default().lines().collect();
    let declares = |line: &&str| {
        let mut words = line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        words.next().is_some_and(|word| ["topology", "algorithm", "async", "fn"].contains(&word))
            && words.any(|word| word == item)
    };
    let Some(at) = lines.iter().position(declares) else { return String::new() };
    let above = lines[..at].iter().rev().map_while(|line| line.strip_prefix("///"));
    let mut above: Vec<&str> = above.map(str::trim).collect();
    above.reverse();
    above.join("\n")
}

fn first_sentence(documentation: &str) -> String {
    let text = documentation.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match text.find(". ") {
        Some(end) => text[..=end].to_string(),
        None => text,
    }
}
