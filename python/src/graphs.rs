//! A file of a graph → the source of a topology, as the command line writes it.

use crate::arguments::{Argument, Arguments};
use crate::compile::bytes;
use crate::error;
use crate::interrupt::interruptible;
use crate::schedule::from_json;
use crate::words::{argument, in_python};
use bfc_graphs::{Import, Kind, MAX_BYTES, Meaning, NodeRange, Normalise, Options, Separator};
use bfc_predict::values::ABOVE_ZERO;
use pyo3::exceptions::PyFileExistsError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;
use std::path::{Path, PathBuf};

const COLUMNS: &str = "the names or the numbers of columns";

/// The source of a topology, and what is known of it beside its text.
#[pyfunction]
pub fn import_graph<'py>(
    py: Python<'py>,
    path: PathBuf,
    output: Option<PathBuf>,
    arguments: Bound<'py, PyDict>,
) -> PyResult<(String, Bound<'py, PyAny>)> {
    let options = options(&Arguments::new("import_graph", arguments))?;
    let content = bytes(py, &path, MAX_BYTES + 1)?;
    let target = output.clone();
    let imported = interruptible(py, move |_| {
        bfc_graphs::import(&path, content, &options, target.as_deref(), bfc_compiler::is_name)
    })?;
    let import = imported.map_err(|refused| error::raise(py, [&refused as _]))?;
    if let Some(path) = output {
        write(py, &import, &path)?;
    }
    let Import { name, imported, source, .. } = import;
    let words = |texts: &[String]| texts.iter().map(|text| in_python(text)).collect::<Vec<_>>();
    let details = json!({
        "name": name,
        "size": imported.graph.labels.len(),
        "nodes": imported.graph.labels,
        "reading": imported.reading.text(|flag| argument(flag.trim_start_matches('-'))),
        "notes": words(&source.notes),
        "warnings": words(&source.warnings),
    });
    Ok((source.text, from_json(py, &details)?))
}

/// Writes the source, and its edges beside it if it names a file of them.
fn write(py: Python<'_>, import: &Import, path: &Path) -> PyResult<()> {
    let edges = import.edges.iter().map(|(beside, edges)| (beside.as_path(), edges));
    let files: Vec<(&Path, &String)> = edges.chain([(path, &import.source.text)]).collect();
    if let Some((taken, _)) = files.iter().find(|(path, _)| bfc_report::is_taken(path)) {
        let path = taken.display();
        let message = format!("`{path}` exists: choose another name for `output`, or remove the file");
        return Err(PyFileExistsError::new_err(message));
    }
    files.into_iter().try_for_each(|(path, text)| {
        bfc_report::write_file(path, text.as_bytes()).map_err(|failure| error::io(py, failure, path))
    })
}

fn options(arguments: &Arguments<'_>) -> PyResult<Options> {
    let flag = |argument: Argument<'_>| argument.of_type("a truth value");
    Ok(Options {
        kind: arguments.given("kind", |kind| kind.word(&Kind::ALL))?,
        separator: arguments.given("separator", |separator| separator.word(&Separator::ALL))?,
        comment: arguments.given("comment", |comment| comment.parsed("a character", bfc_graphs::comment))?,
        heading: arguments.given("heading", flag)?,
        columns: arguments.given("columns", |columns| columns_of(&columns))?,
        directed: arguments.given("directed", flag)?,
        nodes: arguments
            .given("nodes", |nodes| nodes.parsed_or_whole("a number or a range", NodeRange::parse))?,
        meaning: arguments.given("as_", |meaning| meaning.word(&Meaning::ALL))?,
        transpose: arguments.get("transpose")?.of_type("a truth value")?,
        normalise: arguments.given("normalise", |how| how.word(&Normalise::ALL))?,
        drop: arguments.given("drop", |weight| weight.number(ABOVE_ZERO))?,
    })
}

/// Columns as the command line writes them, or each by itself.
fn columns_of(argument: &Argument<'_>) -> PyResult<Vec<String>> {
    if argument.is_text() {
        return argument.parsed(COLUMNS, |text| bfc_graphs::columns(text.split(',')));
    }
    let columns = argument.items(COLUMNS, 4)?;
    let columns: Vec<String> = columns
        .iter()
        .map(|column| column.parsed_or_whole(COLUMNS, |text| Ok(text.to_string())))
        .collect::<PyResult<_>>()?;
    argument.expect(bfc_graphs::columns(columns.iter().map(String::as_str)))
}
