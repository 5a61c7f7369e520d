//! A path, a library name or source text → a schedule, by the compiler.

use crate::arguments::Arguments;
use crate::error;
use crate::interrupt::interruptible;
use crate::schedule::Schedule;
use bfc_compiler::{Combination, Entry, Files, Request};
use bfc_predict::values::COUNT;
use miette::{Diagnostic, Report};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Sources beside the file that uses them.
pub struct Beside;

impl Files for Beside {
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String> {
        let path = Path::new(from).with_file_name(format!("{name}.bf"));
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((path.display().to_string(), text))
    }

    fn read_edges(&self, from: &str, name: &str) -> Result<String, String> {
        bfc_report::read_regular(&Path::new(from).with_file_name(name), 1 << 30)
    }
}

/// A source is not text.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("`{path}` is not UTF-8 text: byte {byte} is invalid")]
#[diagnostic(
    code(bfc::cli::not_text),
    help("save the source as UTF-8; a compiled schedule is read by `bfc.load`")
)]
struct NotText {
    path: String,
    byte: usize,
}

/// Compiles a file or a library name.
#[pyfunction]
pub fn compile(py: Python<'_>, name: String, arguments: Bound<'_, PyDict>) -> PyResult<Schedule> {
    let arguments = Arguments::new("compile", arguments);
    let size = arguments.get("size")?.whole(COUNT)?;
    schedule(py, request(entry(py, name)?, size, &arguments)?)
}

/// Compiles source text.
#[pyfunction]
pub fn compile_source(
    py: Python<'_>,
    text: String,
    name: String,
    arguments: Bound<'_, PyDict>,
) -> PyResult<Schedule> {
    let arguments = Arguments::new("compile_source", arguments);
    let size = arguments.get("size")?.whole(COUNT)?;
    schedule(py, request(Entry::Source { name, text }, size, &arguments)?)
}

/// Reads and verifies a schedule's bytes.
#[pyfunction]
pub fn decode(py: Python<'_>, data: &[u8]) -> PyResult<Schedule> {
    let data = data.to_vec();
    match py.detach(move || bfc_schedule::Schedule::decode(&data)) {
        Ok(inner) => Ok(Schedule { inner: Arc::new(inner) }),
        Err(failure) => Err(error::raise(py, [&failure as &dyn Diagnostic])),
    }
}

fn schedule(py: Python<'_>, request: Request) -> PyResult<Schedule> {
    let compiled = interruptible(py, move |_| bfc_compiler::compile_with_remedies(&request, &Beside))?;
    match compiled {
        Ok(compiled) => Ok(Schedule { inner: Arc::new(compiled.schedule) }),
        Err(diagnostics) => Err(refuse(py, &diagnostics.into_reports())),
    }
}

/// What the compiler is asked for, by the arguments that all functions with sources have.
///
/// # Errors
/// An argument has a value that it cannot have.
pub fn request(entry: Entry, size: u32, arguments: &Arguments<'_>) -> PyResult<Request> {
    let expression = |name| arguments.given(name, |text| text.of_type::<String>("an expression"));
    Ok(Request {
        entry,
        size,
        local_size: arguments.get("local_size")?.whole(COUNT)?,
        parameters: arguments.get("params")?.of_type("names with expressions")?,
        allow: arguments.get("allow")?.of_type("codes")?,
        combination: Combination {
            topologies: arguments.get("topology")?.of_type("topologies with names")?,
            algorithm: expression("algorithm")?,
            weights: expression("weights")?,
        },
    })
}

/// The exception for some reasons, at least one.
pub fn refuse(py: Python<'_>, reports: &[Report]) -> PyErr {
    error::raise(py, reports.iter().map(|report| report.as_ref() as &dyn Diagnostic))
}

/// A file, an expression, which ends with a call, or a library name, which has two colons.
///
/// # Errors
/// The file cannot be read, or is not text.
pub fn entry(py: Python<'_>, name: String) -> PyResult<Entry> {
    if !Path::new(&name).exists() {
        if Entry::is_expression(&name) {
            return Ok(Entry::Expression(name));
        }
        if name.contains("::") {
            return Ok(Entry::Library(name));
        }
    }
    match String::from_utf8(bytes(py, Path::new(&name), u64::MAX)?) {
        Ok(text) => Ok(Entry::Source { name, text }),
        Err(failure) => {
            let failure = NotText { path: name, byte: failure.utf8_error().valid_up_to() };
            Err(error::raise(py, [&failure as &dyn Diagnostic]))
        }
    }
}

/// The first bytes of a file.
///
/// # Errors
/// It cannot be read.
pub fn bytes(py: Python<'_>, path: &Path, most: u64) -> PyResult<Vec<u8>> {
    let mut bytes = vec![];
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|failure| error::io(py, failure, path))?;
    Ok(bytes)
}
