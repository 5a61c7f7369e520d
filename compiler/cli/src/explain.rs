//! An error code becomes its page.

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::output;
use crate::suggest;
use serde_json::json;

/// Codes and their pages, sorted by code.
static PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Prints the page of a code; `stage::name` and a unique `name` will do. Without a code, prints all codes.
///
/// # Errors
/// [`CliError::UnknownCode`], or standard output cannot be written.
pub fn explain(code: Option<&str>, format: Format) -> Result<(), Failure> {
    let Some(wanted) = code else { return list(format) };
    let (code, page) = find(wanted)?;
    match format {
        Format::Human => output::print(page),
        Format::Json => output::print_json(&json!({ "code": code, "page": page })),
    }
}

fn list(format: Format) -> Result<(), Failure> {
    let codes: Vec<&str> = PAGES.iter().map(|(code, _)| *code).collect();
    match format {
        Format::Human => output::print(codes.join("\n") + "\n"),
        Format::Json => output::print_json(&json!(codes)),
    }
}

fn find(wanted: &str) -> Result<(&'static str, &'static str), CliError> {
    let ends_so =
        |code: &str| code.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with("::"));
    let found: Vec<_> = PAGES.iter().filter(|(code, _)| ends_so(code)).collect();
    let help = match found[..] {
        [page] if !wanted.is_empty() => return Ok(*page),
        [] | [_] => {
            let last = |code: &'static str| code.rsplit("::").next().unwrap_or(code);
            let asked = wanted.rsplit("::").next().unwrap_or(wanted);
            let close = suggest::closest(asked, PAGES.iter().map(|(code, _)| last(code)));
            match close.and_then(|name| PAGES.iter().find(|(code, _)| last(code) == name)) {
                Some((code, _)) => format!("did you mean `{code}`? `bfc explain` lists all codes"),
                None => "`bfc explain` lists all codes".to_string(),
            }
        }
        _ => {
            let codes: Vec<_> = found.iter().map(|(code, _)| format!("`{code}`")).collect();
            format!("write one of {} in full", codes.join(", "))
        }
    };
    Err(CliError::UnknownCode { code: wanted.to_string(), help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_find_a_page() {
        for code in ["bfc::data::ragged_row", "data::ragged_row", "ragged_row"] {
            assert_eq!(find(code).expect("found").0, "bfc::data::ragged_row");
        }
        assert!(find("row").is_err() && find("").is_err());
    }

    #[test]
    fn a_page_begins_with_its_code() {
        for (code, page) in PAGES {
            assert!(page.starts_with(&format!("# {code}\n")), "{code}");
        }
    }
}
