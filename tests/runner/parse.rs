//! A source becomes its canonical form, or the errors that it has; with `tree` among the options also what was read beside
//! them.

use crate::cases::{Case, run};
use crate::render;
use bfc_dsl::tree::FileId;
use miette::{NamedSource, Report};

fn parsed(case: &Case) -> String {
    let parsed = bfc_dsl::parse(FileId(0), &case.source);
    let source = || NamedSource::new(&case.file, case.source.clone());
    let shows_tree = parsed.errors.is_empty() || case.options.iter().any(|option| option == "tree");
    let errors = parsed.errors.into_iter().map(|error| Report::new(error).with_source_code(source()));
    render(errors) + &if shows_tree { bfc_dsl::print(&parsed.file) } else { String::new() }
}

#[test]
fn parse() {
    run("parse", parsed);
}
