//! `bfc test`: the examples in the documentation of sources are compiled and run.

mod console;
mod error;
mod expected;
mod extract;
mod source;

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_compiler::{Combination, library, resolve};
use error::ExampleError;
use extract::{Example, Kind};
use miette::Report;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Set for the commands of examples, which must not test examples in turn.
const INSIDE: &str = "BFC_EXAMPLE";

/// Whether this is a command of an example.
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// A file whose documentation is looked at.
pub struct Documented {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    /// Where it lies; the library's sources lie nowhere.
    pub path: Option<PathBuf>,
}

/// Runs the examples of files, directories, library names and parts of the library; `program` starts their commands.
///
/// # Errors
/// A file cannot be read or names what nobody knows, or an example is not true.
pub fn test(files: &[String], program: &[OsString], format: Format) -> Result<(), Failure> {
    if is_inside() {
        let help = Some("leave `bfc test` out of the documentation".to_string());
        return Err(CliError::Usage { message: "an example cannot test examples".into(), help }.into());
    }
    let mut examples = vec![];
    for file in files {
        for documented in documented(file)? {
            examples.extend(extract::examples(&Arc::new(documented)));
        }
    }
    let outcomes = run_all(&examples, program);
    tell(&examples, outcomes, format)
}

fn documented(file: &str) -> Result<Vec<Documented>, Failure> {
    let of_library = |name: &&str| *name == file || name.split("::").next() == Some(file);
    let names: Vec<&str> = library::names().into_iter().filter(of_library).collect();
    if Path::new(file).exists() || !file.contains("::") && names.is_empty() {
        let read = |path: PathBuf| {
            let (name, text) = (path.display().to_string(), input::source_text(&path)?);
            resolve::load(&name, &text, &[], &Combination::default(), &input::Beside).into_result()?;
            Ok(Documented { name, text: text.into(), path: Some(path) })
        };
        return input::sources(&[file.to_string()])?.into_iter().map(read).collect();
    }
    if names.is_empty() {
        input::library_name(file)?;
    }
    let entry = |name: &str| Documented {
        name: name.to_string(),
        text: library::source(name).unwrap_or_default().into(),
        path: None,
    };
    Ok(names.into_iter().map(entry).collect())
}

/// What is wrong with each example, in their order; they run side by side.
fn run_all(examples: &[Example], program: &[OsString]) -> Vec<Option<ExampleError>> {
    let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..examples.len()).collect());
    let outcomes: Mutex<Vec<Option<ExampleError>>> = Mutex::new(examples.iter().map(|_| None).collect());
    let work = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(index) = next else { return };
            let outcome = run(&examples[index], program).err();
            outcomes.lock().unwrap_or_else(PoisonError::into_inner)[index] = outcome;
        }
    };
    let workers = thread::available_parallelism().map_or(1, |count| count.get()).min(examples.len());
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run(example: &Example, program: &[OsString]) -> Result<(), ExampleError> {
    match &example.kind {
        Kind::Source(shape) => source::check(example, shape),
        Kind::Console => console::check(example, program),
        Kind::Malformed(reason) => Err(example.malformed(0, reason)),
    }
}

fn tell(examples: &[Example], outcomes: Vec<Option<ExampleError>>, format: Format) -> Result<(), Failure> {
    let failed = outcomes.iter().flatten().count();
    let summary = match (examples.len(), failed) {
        (0, _) => "no examples\n".to_string(),
        (1, 0) => "the example is true\n".to_string(),
        (all, 0) => format!("all {all} examples are true\n"),
        (all, failed) => format!("{failed} of {all} examples failed\n"),
    };
    let entries: Vec<Value> =
        examples.iter().zip(&outcomes).map(|(e, outcome)| e.json(outcome.is_none())).collect();
    let reports: Vec<Report> = outcomes.into_iter().flatten().map(Report::new).collect();
    match format {
        Format::Human => output::print(summary)?,
        Format::Json if failed == 0 => {
            output::print_json(&json!({ "examples": entries, "failed": failed }))?;
        }
        Format::Json => {}
    }
    match failed {
        0 => Ok(()),
        _ => Err(Failure::refused(reports).beside("examples", entries).beside("failed", failed)),
    }
}
