//! Every error code in the sources has a page, and every page a code.

use crate::common;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn codes_and_pages_are_the_same() {
    let mut codes = BTreeSet::new();
    for directory in [
        "dsl/src",
        "graphs/src",
        "python/src",
        "compiler/src",
        "compiler/cli/src",
        "predict/src",
        "schedule-runtime/src",
        "schedule-runtime/schedule/src",
    ] {
        collect(&common::root().join(directory), &mut codes);
    }
    let listed = common::json(&["explain"]);
    let pages: BTreeSet<String> = listed
        .as_array()
        .expect("codes")
        .iter()
        .filter_map(|code| code.as_str())
        .map(str::to_string)
        .collect();
    let missing: Vec<_> = codes.difference(&pages).collect();
    let orphaned: Vec<_> = pages.difference(&codes).collect();
    assert!(missing.is_empty(), "codes without a page: {missing:#?}");
    assert!(orphaned.is_empty(), "pages without a code: {orphaned:#?}");
}

/// A `bf` block is a whole source. What says `// refused` is refused with the code of its page, at the size that is
/// named or else at 8; the others are accepted, or refused for another reason.
#[test]
fn the_examples_on_pages_are_true() {
    let mut tried = 0;
    for stage in ["parse", "request", "resolve", "evaluate", "prove"] {
        let pages = common::root().join("docs/errors").join(stage);
        for path in std::fs::read_dir(pages).expect("pages").flatten().map(|entry| entry.path()) {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let page = std::fs::read_to_string(&path).expect("a page");
            for block in page.split("```bf\n").skip(1).filter_map(|rest| rest.split("```").next()) {
                let refused = block.lines().find_map(|line| line.split_once("// refused"));
                let size = refused.and_then(|(_, at)| at.split("at size ").nth(1));
                let size: String = size.unwrap_or("8").chars().take_while(char::is_ascii_digit).collect();
                let given = codes(block, &size).contains(&format!("bfc::{stage}::{name}"));
                assert_eq!(given, refused.is_some() || block.contains("// not decided"), "{name}:\n{block}");
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried} examples");
}

/// The codes with which a source is refused.
fn codes(source: &str, size: &str) -> Vec<String> {
    let (_directory, path) = common::files(&[("page.bf", source.as_bytes())]);
    let output = common::bfc(&["check", &path("page.bf"), "--size", size, "--format", "json"]).output();
    let document: Value = serde_json::from_slice(&output.expect("runs").stdout).expect("JSON");
    let diagnostics = document["diagnostics"].as_array().into_iter().flatten();
    diagnostics.filter_map(|one| one["code"].as_str()).map(str::to_string).collect()
}

/// Collects what stands in `code(bfc::…)`.
fn collect(directory: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, codes);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let found = text.split("code(").skip(1).filter_map(|rest| rest.split(')').next());
            codes.extend(found.map(str::trim).filter(|code| code.starts_with("bfc::")).map(str::to_string));
        }
    }
}
