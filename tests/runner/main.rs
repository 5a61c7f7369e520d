//! `tests/suite/<stage>/*.cases`: named cases, each with what the stage makes of it. `BLESS=1` accepts what is found.
//!
//! `cases` reads, writes and compares the files, and `difference` shows what changed. `parse`, `compile`, `verify`, `format`
//! and `execute` run a case. `pages` checks that each error code has a page and a case.

mod cases;
mod change;
mod compile;
mod difference;
mod execute;
mod format;
mod pages;
mod parse;
mod verify;

use miette::{GraphicalReportHandler, GraphicalTheme, Report};

/// What a user sees, without colours.
fn render(reports: impl IntoIterator<Item = Report>) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut out = String::new();
    for report in reports {
        handler.render_report(&mut out, report.as_ref()).expect("a diagnostic");
        out.push('\n');
    }
    out
}
