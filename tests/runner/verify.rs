//! A schedule that somebody changed becomes the invariants that it breaks.
//!
//! The first option of a case names the file beside it that is compiled. Each line of the case is a change of that
//! schedule, as `change` reads it.

use crate::cases::{Case, run};
use crate::compile::{Beside, request};
use crate::{change, render};
use bfc_compiler::compile;
use bfc_schedule::{Draft, Schedule};
use miette::Report;

/// The draft of the source that a case names.
pub fn draft(case: &Case) -> Draft {
    let (name, options) = case.options.split_first().expect("the name of a source");
    let source = case.beside.get(name).unwrap_or_else(|| panic!("there is no source `{name}`"));
    let compiled = Case { source: source.clone(), options: options.to_vec(), ..case.clone() };
    let compiled = compile(&request(&compiled), &Beside(&case.beside));
    compiled.unwrap_or_else(|refused| panic!("`{name}`: {refused}")).schedule.into_draft()
}

fn verified(case: &Case) -> String {
    let mut draft = draft(case);
    case.source.lines().for_each(|line| change::apply(&mut draft, line));
    match Schedule::new(draft) {
        Ok(_) => "valid\n".to_string(),
        Err(errors) => render(errors.into_iter().map(Report::new)),
    }
}

#[test]
fn verify() {
    run("verify", verified);
}
