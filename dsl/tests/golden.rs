//! `tests/suite/syntax/*.bf`: each source with the diagnostics that it gets beside it, in `*.expected`.
//! `BLESS=1` writes what comes out as the new expectation.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use bfc_dsl::tree::FileId;
use bfc_dsl::{parse, print};
use miette::Diagnostic;

#[test]
fn diagnostics_are_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/suite/syntax");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "bf"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let bless = std::env::var_os("BLESS").is_some();
    let (mut wrong, mut codes) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let found = match parse(FileId(0), &text) {
            Ok(tree) => print(&tree),
            Err(errors) => {
                codes.extend(errors.iter().map(|error| error.code().unwrap().to_string()));
                common::render(&name, &text, &errors)
            }
        };
        let expected_path = path.with_extension("expected");
        if bless {
            std::fs::write(&expected_path, &found).unwrap();
        } else if std::fs::read_to_string(&expected_path).unwrap_or_default() != found {
            wrong.push(format!("{name} now gives\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 accepts this", wrong.join("\n"));
    check_codes(&codes);
}

/// Each code has a source that provokes it (two are provoked by `tests/limits.rs`) and a page, and no page is idle.
fn check_codes(seen: &BTreeSet<String>) {
    let mut seen: BTreeSet<&str> = seen.iter().map(|code| code.rsplit("::").next().unwrap()).collect();
    seen.extend(["source_too_large", "too_deep"]);
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/cli/errors/syntax");
    let pages: BTreeSet<String> = std::fs::read_dir(pages)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(pages.iter().map(String::as_str).collect::<BTreeSet<_>>(), seen);
}
