//! The library: its names, what each is for, and its sources.

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::{input, output, suggest};
use bfc_compiler::library;
use bfc_report::Table;
use serde_json::{Value, json};

/// Near names that are suggested where a search finds nothing.
const SUGGESTED: usize = 3;

/// Lists the library: all of it, a part, or what has a text in its name or its description.
///
/// # Errors
/// Nothing has it, or standard output cannot be written.
pub fn list(word: Option<&str>, format: Format) -> Result<(), Failure> {
    let names = match word {
        Some(word) => search(word)?,
        None => library::names(),
    };
    match format {
        Format::Human => output::print(table(&names)),
        Format::Json => {
            let entry = |name: &&str| json!({ "name": name, "documentation": documentation(name) });
            output::print_json(&names.iter().map(entry).collect::<Value>())
        }
    }
}

/// The names of a part; else the item of that name, then those with the text in their names, then those whose description
/// has words that begin with it. Case and line ends do not count.
///
/// # Errors
/// There are none; with near names.
fn search(text: &str) -> Result<Vec<&'static str>, CliError> {
    let (all, wanted) = (library::names(), plain(text));
    let part: Vec<_> = all.iter().copied().filter(|name| part_of(name) == wanted).collect();
    if !part.is_empty() {
        return Ok(part);
    }
    let (mut found, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.contains(&wanted));
    found.sort_by_key(|name| item_of(name) != wanted);
    found.extend(others.into_iter().filter(|name| has_words(&plain(&description(name)), &wanted)));
    match found.is_empty() {
        true => Err(CliError::NothingFound { text: text.to_string(), help: near(&wanted) }),
        false => Ok(found),
    }
}

fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a text has the wanted one at the beginning of a word.
fn has_words(text: &str, wanted: &str) -> bool {
    let begins = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    text.match_indices(wanted).any(|(at, _)| begins(at))
}

/// What may have been searched for.
fn near(wanted: &str) -> String {
    let names = library::names();
    let close = suggest::close(wanted, names.iter().map(|name| item_of(name)));
    let named = |item: &&str| names.iter().find(|name| item_of(name) == *item);
    let close: Vec<String> = close.iter().filter_map(named).map(|name| format!("`{name}`")).collect();
    match &close[..close.len().min(SUGGESTED)] {
        [] => "`bfc list` shows the library".to_string(),
        close => format!("did you mean {}? `bfc list` shows the library", close.join(" or ")),
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
    for name in names {
        table.add_row([name, &*first_sentence(&documentation(name))]);
    }
    table.text() + "\n"
}

fn part_of(name: &str) -> &str {
    name.split("::").next().unwrap_or(name)
}

fn item_of(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// The documentation of the item that a library file is named after.
fn documentation(name: &str) -> String {
    lines(name).into_iter().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The same without its examples, which are indented.
fn description(name: &str) -> String {
    let is_prose = |line: &&str| !line.starts_with("     ");
    lines(name).into_iter().filter(is_prose).collect::<Vec<_>>().join("\n")
}

/// What follows `///` in the lines above the item.
fn lines(name: &str) -> Vec<&'static str> {
    let item = item_of(name);
    let lines: Vec<&str> = library::source(name).unwrap_or_default().lines().collect();
    let declares = |line: &&str| {
        let mut words = line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        words.next().is_some_and(|word| ["topology", "algorithm", "async", "fn"].contains(&word))
            && words.any(|word| word == item)
    };
    let Some(at) = lines.iter().position(declares) else { return vec![] };
    let above = lines[..at].iter().rev().map_while(|line| line.strip_prefix("///"));
    let mut above: Vec<&str> = above.collect();
    above.reverse();
    above
}

fn first_sentence(documentation: &str) -> String {
    let text = documentation.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match text.find(". ") {
        Some(end) => text[..=end].to_string(),
        None => text,
    }
}
