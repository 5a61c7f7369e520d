//! A source becomes its canonical form, or the errors that it has.

use crate::cases::{Case, run};
use crate::render;
use bfc_dsl::tree::FileId;
use miette::{NamedSource, Report};

fn parsed(case: &Case) -> String {
    match bfc_dsl::parse(FileId(0), &case.source) {
        Ok(tree) => bfc_dsl::print(&tree),
        Err(errors) => {
            let source = || NamedSource::new(&case.file, case.source.clone());
            render(errors.into_iter().map(|error| Report::new(error).with_source_code(source())))
        }
    }
}

#[test]
fn parse() {
    run("parse", parsed);
}
