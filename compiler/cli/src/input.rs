//! Files and library names become what the compiler takes; schedule files become schedules.

use crate::arguments::Settings;
use crate::failure::{CliError, Failure};
use crate::{output, suggest};
use bfc_compiler::{Compiled, Entry, Files, Request, library};
use bfc_dsl::{MAX_SOURCE, edges};
use bfc_schedule::Schedule;
use bfc_schedule::format::MAGIC;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The name of a file that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// The files beside a source: `use name::…` is `name.bf` in the directory of the file that says it.
pub struct Beside;

impl Files for Beside {
    fn read(&self, from: &str, name: &str) -> Result<(String, String), String> {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(format!("{name}.bf"));
        // A pipe that nobody writes to would never end.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(format!("`{}` is not a regular file", output::path(&path)));
        }
        let text = source_text(&path).map_err(|error| error.to_string())?;
        Ok((path.display().to_string(), text))
    }

    fn read_edges(&self, from: &str, name: &str) -> Result<String, String> {
        let path = Path::new(from).parent().unwrap_or(Path::new("")).join(name);
        bfc_report::read_regular(&path, edges::MAX_BYTES)
    }
}

/// Compiles a request.
///
/// # Errors
/// The compiler refuses.
pub fn compile_request(request: &Request) -> Result<Compiled, Failure> {
    Ok(bfc_compiler::compile_with_remedies(request, &Beside)?)
}

/// What the command line asks of the compiler.
///
/// # Errors
/// The file cannot be read, or the library has no such name.
pub fn request(file: &str, size: u32, settings: &Settings) -> Result<Request, Failure> {
    Ok(Request {
        entry: entry(file)?,
        size,
        local_size: settings.local_size,
        parameters: settings.parameters.clone(),
        allow: settings.allow.clone(),
        combination: settings.combination(),
    })
}

/// What the name of a file, a library name or an expression stands for.
///
/// # Errors
/// The file cannot be read, or the library has no such name.
pub fn entry(file: &str) -> Result<Entry, CliError> {
    let path = Path::new(file);
    if Entry::is_expression(file) && !path.exists() {
        return Ok(Entry::Expression(file.to_string()));
    }
    if file.contains("::") && !path.exists() {
        return library_name(file).map(|()| Entry::Library(file.to_string()));
    }
    let name = if file == STANDARD_INPUT { "standard input" } else { file };
    Ok(Entry::Source { name: name.to_string(), text: source_text(path)? })
}

/// Whether the library has this name.
///
/// # Errors
/// [`CliError::UnknownLibraryName`], with the nearest name.
pub fn library_name(name: &str) -> Result<(), CliError> {
    if library::source(name).is_some() {
        return Ok(());
    }
    let help = match nearest_in_library(name) {
        Some(close) => format!("did you mean `{close}`? `bfc list` shows the library"),
        None => "`bfc list` shows the library".to_string(),
    };
    Err(CliError::UnknownLibraryName { name: name.to_string(), help })
}

/// The library's name that is most like this one, which may lack its part.
fn nearest_in_library(name: &str) -> Option<&'static str> {
    let last = |name: &'static str| name.rsplit("::").next().unwrap_or(name);
    let names = library::names();
    if name.contains("::") {
        return suggest::closest(name, names);
    }
    let close = suggest::closest(name, names.iter().map(|name| last(name)))?;
    names.into_iter().find(|name| last(name) == close)
}

/// The files that paths name: themselves, and the `.bf` files below directories, sorted.
///
/// # Errors
/// A path does not exist, or a directory cannot be read.
pub fn sources(paths: &[String]) -> Result<Vec<PathBuf>, CliError> {
    let mut found = vec![];
    for path in paths.iter().map(Path::new) {
        if path.is_dir() {
            below(path, &mut found)?;
        } else if path.exists() || path == Path::new(STANDARD_INPUT) {
            found.push(path.to_path_buf());
        } else {
            return Err(CliError::MissingFile { path: output::path(path), help: missing(path) });
        }
    }
    Ok(found)
}

fn below(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let unreadable = |error| CliError::Unreadable { path: output::path(directory), error };
    let entries = directory.read_dir().map_err(unreadable)?;
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            below(&path, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "bf") {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads a file whole.
///
/// # Errors
/// It does not exist or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    read_up_to(path, u64::MAX)
}

/// Reads and verifies a compiled schedule.
///
/// # Errors
/// It cannot be read, or is refused.
pub fn schedule(path: &Path) -> Result<Schedule, Failure> {
    let mut source = open(path)?;
    let mut bytes = vec![];
    let begin = source.by_ref().take(MAGIC.len() as u64).read_to_end(&mut bytes);
    // What does not begin like a schedule is not read on, however long it is.
    let read = begin.and_then(|_| if bytes == MAGIC { source.read_to_end(&mut bytes) } else { Ok(0) });
    read.map_err(|error| unreadable(path, error))?;
    Schedule::decode(&bytes).map_err(Failure::refused_by)
}

/// Reads a source file.
///
/// # Errors
/// It does not exist, cannot be read or is not UTF-8.
pub fn source_text(path: &Path) -> Result<String, CliError> {
    // A little more than the compiler takes, so that it is the compiler that refuses.
    let bytes = read_up_to(path, MAX_SOURCE as u64 + 1)?;
    let cut = bytes.len() > MAX_SOURCE;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if cut && error.utf8_error().error_len().is_none() => {
            Ok(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(error) => {
            let byte = error.utf8_error().valid_up_to();
            let help = "save the source as UTF-8; a compiled schedule is read by `bfc inspect`";
            Err(CliError::NotText { path: output::path(path), byte, help })
        }
    }
}

/// Reads at most this number of bytes of a file.
///
/// # Errors
/// It does not exist or cannot be read.
pub fn read_up_to(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = vec![];
    open(path)?.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    Ok(bytes)
}

/// A file, or standard input.
fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if path == Path::new(STANDARD_INPUT) {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> CliError {
    let shown = output::path(path);
    if path == Path::new(STANDARD_INPUT) {
        return CliError::Unreadable { path: "standard input".into(), error };
    }
    match error.kind() {
        std::io::ErrorKind::NotFound => CliError::MissingFile { path: shown, help: missing(path) },
        _ => CliError::Unreadable { path: shown, error },
    }
}

/// What may have been meant by a file that does not exist.
fn missing(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if let Some(full) = library::names().into_iter().find(|full| full.rsplit("::").next() == Some(&name)) {
        return format!("the library has `{full}`");
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside: Vec<PathBuf> =
        directory.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    beside.sort();
    let names: Vec<_> = beside.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    match path.file_name().and_then(|file| suggest::closest(&file.to_string_lossy(), names)) {
        Some(close) => format!("did you mean `{}`?", output::path(&path.with_file_name(close))),
        None => "paths are relative to the current directory; `bfc list` shows the library".to_string(),
    }
}
