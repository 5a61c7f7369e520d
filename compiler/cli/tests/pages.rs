//! Every error code in the sources has a page, and every page a code.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn codes_and_pages_are_the_same() {
    let mut codes = BTreeSet::new();
    for directory in [
        "dsl/src",
        "python/src",
        "compiler/src",
        "compiler/cli/src",
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
