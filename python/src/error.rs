//! Diagnostics → Python exceptions: the class by the stage of the first code, the message rendered as on a terminal.

use crate::array::ArrayError;
use crate::words::InPython;
use bfc_report::Shown;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use std::fmt::Write;
use std::path::Path;

/// The exception for these diagnostics, at least one.
pub fn raise<'a>(py: Python<'_>, diagnostics: impl IntoIterator<Item = &'a dyn Diagnostic>) -> PyErr {
    let (mut message, mut codes) = (String::new(), vec![]);
    for diagnostic in diagnostics {
        collect_codes(diagnostic, &mut codes);
        if render(diagnostic, &mut message).is_err() {
            let _ = writeln!(message, "{}", Shown::new(&InPython::new(diagnostic)));
        }
    }
    let class = class(codes.first().map_or("", String::as_str));
    let made = py
        .import("bfc._errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1((message.trim(), codes)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The exception for a failure of the file system: `FileNotFoundError` and the like.
pub fn io(py: Python<'_>, failure: std::io::Error, path: &Path) -> PyErr {
    let Some(number) = failure.raw_os_error() else { return PyOSError::new_err(failure.to_string()) };
    let text = py.import("os").and_then(|os| os.call_method1("strerror", (number,)));
    match text {
        Ok(text) => PyOSError::new_err((number, text.unbind(), path.to_owned())),
        Err(failure) => failure,
    }
}

impl From<ArrayError> for PyErr {
    fn from(error: ArrayError) -> Self {
        Python::attach(|py| raise(py, [&error as &dyn Diagnostic]))
    }
}

fn collect_codes(diagnostic: &dyn Diagnostic, codes: &mut Vec<String>) {
    codes.extend(diagnostic.code().map(|code| code.to_string()));
    for related in diagnostic.related().into_iter().flatten() {
        collect_codes(related, codes);
    }
}

fn render(diagnostic: &dyn Diagnostic, message: &mut String) -> std::fmt::Result {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    handler.render_report(message, &Shown::new(&InPython::new(diagnostic)))?;
    message.push('\n');
    Ok(())
}

fn class(code: &str) -> &'static str {
    match code.split("::").nth(1) {
        Some("parse") => "ParseError",
        Some("prove") => "ProofError",
        Some("request" | "resolve" | "evaluate" | "lower" | "cli") => "CompileError",
        Some("format" | "verify") => "ScheduleError",
        Some("execute" | "world" | "communicate") => "RunError",
        Some("array") => "ArrayError",
        Some("torch") => "OptimizerError",
        Some("argument") => "ArgumentError",
        _ => "Error",
    }
}
