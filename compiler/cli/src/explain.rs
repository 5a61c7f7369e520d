//! An error code becomes its page.

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::output;
use crate::suggest;
use serde_json::json;

/// Codes and their pages, sorted by code.
static PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Prints the page of a code; `stage::name` and a unique `name` will do. Prints the codes of a stage, or without a code all.
///
/// # Errors
/// [`CliError::UnknownCode`], or standard output cannot be written.
pub fn explain(code: Option<&str>, format: Format) -> Result<(), Failure> {
    let codes = codes_of(code.unwrap_or_default());
    let Some(wanted) = code.filter(|_| codes.is_empty()) else {
        return list(if code.is_some() { codes } else { all() }, format);
    };
    let (code, page) = find(wanted)?;
    match format {
        Format::Human => output::print(page),
        Format::Json => output::print_json(&json!({ "code": code, "page": page })),
    }
}

fn all() -> Vec<&'static str> {
    PAGES.iter().map(|(code, _)| *code).collect()
}

/// The codes of a stage, such as `bfc::prove` or `prove`.
fn codes_of(stage: &str) -> Vec<&'static str> {
    let stage = stage.trim_end_matches("::");
    let begin = format!("bfc::{}::", stage.strip_prefix("bfc::").unwrap_or(stage));
    all().into_iter().filter(|code| code.starts_with(&begin)).collect()
}

fn list(codes: Vec<&str>, format: Format) -> Result<(), Failure> {
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
        [] | [_] => suggestion(wanted),
        _ => {
            let codes: Vec<_> = found.iter().map(|(code, _)| format!("`{code}`")).collect();
            format!("write one of {} in full", codes.join(", "))
        }
    };
    Err(CliError::UnknownCode { code: wanted.to_string(), help })
}

/// The code that was meant, of the stage that is named where there is one; or how to list them.
fn suggestion(wanted: &str) -> String {
    let (stage, name) = wanted.rsplit_once("::").unwrap_or(("", wanted));
    let last = |code: &'static str| code.rsplit("::").next().unwrap_or(code);
    let close = |codes: &[&'static str]| {
        let close = suggest::close(name, codes.iter().map(|code| last(code)));
        let name = close.into_iter().find(|close| is_near(close, name))?;
        codes.iter().copied().find(|code| last(code) == name)
    };
    let of_stage = codes_of(stage);
    match close(&of_stage).or_else(|| close(&all())) {
        Some(code) => format!("did you mean `{code}`? `bfc explain` lists all codes"),
        None if of_stage.is_empty() => "`bfc explain` lists all codes".to_string(),
        None => format!("`bfc explain {stage}` lists the codes of this stage, `bfc explain` all codes"),
    }
}

/// Less than half of the longer one is to be typed anew: `unopened` is not meant by `nope`.
fn is_near(code: &str, wanted: &str) -> bool {
    2 * strsim::damerau_levenshtein(code, wanted) < code.chars().count().max(wanted.chars().count())
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
