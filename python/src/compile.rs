//! A path, a library name or source text → a schedule or an analysis, by the compiler.

use crate::error;
use crate::schedule::{Schedule, from_json};
use bfc_compiler::{Diagnostics, Entry, Files, Request};
use miette::Diagnostic;
use pyo3::prelude::*;
use std::fs;
use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sources beside the file that uses them.
struct Beside;

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

/// A source file is not text.
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

/// What is compiled besides the source: parameters are names with expressions.
struct Settings {
    size: u32,
    local_size: u32,
    parameters: Vec<(String, String)>,
    allow: Vec<String>,
}

impl Settings {
    fn with(self, entry: Entry) -> Request {
        let Self { size, local_size, parameters, allow } = self;
        Request { entry, size, local_size, parameters, allow }
    }
}

/// Compiles a file or a library name.
#[pyfunction]
pub fn compile(
    py: Python<'_>,
    name: String,
    size: u32,
    local_size: u32,
    params: Vec<(String, String)>,
    allow: Vec<String>,
) -> PyResult<Schedule> {
    let entry = entry(py, name)?;
    schedule(py, Settings { size, local_size, parameters: params, allow }.with(entry))
}

/// Compiles source text.
#[pyfunction]
pub fn compile_source(
    py: Python<'_>,
    text: String,
    name: String,
    size: u32,
    local_size: u32,
    params: Vec<(String, String)>,
    allow: Vec<String>,
) -> PyResult<Schedule> {
    let settings = Settings { size, local_size, parameters: params, allow };
    schedule(py, settings.with(Entry::Source { name, text }))
}

/// Analyses a file or a library name; the result has the keys of the command line's JSON.
#[pyfunction]
pub fn analyze<'py>(
    py: Python<'py>,
    name: String,
    size: u32,
    local_size: u32,
    params: Vec<(String, String)>,
) -> PyResult<Bound<'py, PyAny>> {
    let entry = entry(py, name)?;
    let request = Settings { size, local_size, parameters: params, allow: vec![] }.with(entry);
    let analysis = py
        .detach(|| bfc_compiler::analyze(&request, &Beside))
        .map_err(|diagnostics| refuse(py, diagnostics))?;
    let value = serde_json::to_value(&analysis).map_err(|error| PyErr::from(Error::other(error)))?;
    from_json(py, &value)
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
    let compile = || {
        let compiled = bfc_compiler::compile(&request, &Beside);
        compiled.map_err(|refused| bfc_compiler::suggest(&request, &Beside, refused))
    };
    match py.detach(compile) {
        Ok(compiled) => Ok(Schedule { inner: Arc::new(compiled.schedule) }),
        Err(diagnostics) => Err(refuse(py, diagnostics)),
    }
}

fn refuse(py: Python<'_>, diagnostics: Diagnostics) -> PyErr {
    let reports = diagnostics.into_reports();
    error::raise(py, reports.iter().map(|report| report.as_ref() as &dyn Diagnostic))
}

/// A library name has two colons and is not a file.
fn entry(py: Python<'_>, name: String) -> PyResult<Entry> {
    let path = PathBuf::from(&name);
    if name.contains("::") && !path.exists() {
        return Ok(Entry::Library(name));
    }
    let bytes = fs::read(&path).map_err(|failure| error::io(py, failure, &path))?;
    let text = String::from_utf8(bytes).map_err(|failure| {
        let failure = NotText { path: name.clone(), byte: failure.utf8_error().valid_up_to() };
        error::raise(py, [&failure as &dyn Diagnostic])
    })?;
    Ok(Entry::Source { name, text })
}
