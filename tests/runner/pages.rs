//! Each error code of a stage has a page under `docs/errors/`, and a case or a test that provokes it.

use crate::cases::{files, root};
use std::collections::BTreeSet;

/// The stages with a suite.
const SUITES: [&str; 7] = ["parse", "resolve", "evaluate", "prove", "lower", "verify", "format"];

/// The folders of pages whose codes the suites provoke: requests are refused on the way to the stages.
const PAGES: [&str; 8] = ["parse", "request", "resolve", "evaluate", "prove", "lower", "verify", "format"];

/// Codes that no case can provoke, and the tests that do: what would be too large for a case, limits of the system, and
/// wrong arguments.
const ELSEWHERE: [(&str, &str); 11] = [
    ("bfc::parse::source_too_large", "compiler/cli/tests/refusals.rs"),
    ("bfc::parse::too_deep", "compiler/cli/tests/refusals.rs"),
    ("bfc::request::no_thread", "compiler/cli/tests/refusals.rs"),
    ("bfc::resolve::too_many_files", "compiler/cli/tests/refusals.rs"),
    ("bfc::resolve::nothing_to_weigh", "compiler/cli/tests/combine.rs"),
    ("bfc::verify::weight_total", "schedule-runtime/schedule/tests/format.rs"),
    ("bfc::format::too_large", "schedule-runtime/schedule/tests/format.rs"),
    ("bfc::format::not_canonical", "schedule-runtime/schedule/tests/format.rs"),
    ("bfc::request::nothing_to_analyze", "compiler/tests/library.rs"),
    ("bfc::request::unknown_library_name", "compiler/tests/library.rs"),
    ("bfc::request::unknown_allowance", "compiler/cli/tests/usage.rs"),
];

fn pages() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for stage in PAGES {
        for page in std::fs::read_dir(root().join("docs/errors").join(stage)).expect("a folder of pages") {
            let path = page.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy();
            codes.insert(format!("bfc::{stage}::{name}"));
        }
    }
    codes
}

/// The codes that begin a line in a file of cases: those of the errors that it expects.
fn expected() -> BTreeSet<String> {
    let files = SUITES.into_iter().flat_map(files);
    let texts = files.map(|path| std::fs::read_to_string(path).expect("a file of cases"));
    let codes = |text: String| {
        let lines = text.lines().filter(|line| line.starts_with("bfc::"));
        lines.map(str::to_string).collect::<Vec<_>>()
    };
    texts.flat_map(codes).collect()
}

#[test]
fn each_code_has_a_page_and_is_provoked() {
    let (pages, mut provoked) = (pages(), expected());
    for (code, test) in ELSEWHERE {
        let text = std::fs::read_to_string(root().join(test)).expect("a test");
        assert!(text.contains(code), "{test} does not provoke {code}");
        assert!(provoked.insert(code.to_string()), "{code} has a case and need not be provoked in {test}");
    }
    let unprovoked: Vec<_> = pages.difference(&provoked).collect();
    let without_page: Vec<_> = provoked.difference(&pages).collect();
    assert!(unprovoked.is_empty(), "nothing provokes {unprovoked:#?}");
    assert!(without_page.is_empty(), "no page explains {without_page:#?}");
}
