//! Results leave the process: standard output, and files that appear whole or not at all. Text that is printed has no hidden
//! character, wherever it comes from.

use crate::arguments::Format;
use crate::failure::{CliError, Failure};
use bfc_report::write_json;
use bfc_schedule::visible;
use serde::Serialize;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held while a file is written, so that an interrupt waits until it is whole or gone.
static WRITING: Mutex<()> = Mutex::new(());

/// Keeps files from being written while the guard lives.
pub fn hold_writes() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes text to standard output; a reader that has gone away ends the process quietly.
///
/// # Errors
/// Where standard output cannot be written for another reason.
pub fn print(text: impl AsRef<str>) -> Result<(), Failure> {
    print_bytes(visible::lines(text.as_ref()).as_bytes())
}

/// Writes bytes to standard output, where a program reads them.
///
/// # Errors
/// As [`print`].
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Writes a JSON document and a newline to standard output.
///
/// # Errors
/// As [`print`].
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    printed(write_json(&mut out, document).and_then(|()| out.flush()))
}

fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(unwritable(Path::new("standard output"), error)),
        Ok(()) => Ok(()),
    }
}

/// Writes a result to standard output: its document for programs, its text for people.
///
/// # Errors
/// As [`print`].
pub fn show(format: Format, document: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
    match format {
        Format::Json => print_json(document),
        Format::Human => print(text()),
    }
}

/// Says a line on standard error.
pub fn say(line: &str) {
    say_shown(visible::line(line));
}

/// Says on standard error what has no hidden character any more, but may have colours.
pub fn say_shown(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// A path as part of a line.
pub fn path(path: &Path) -> String {
    visible::line(&path.to_string_lossy()).into_owned()
}

/// Replaces a file: the bytes go to a new file beside it, which is then renamed.
///
/// # Errors
/// Where the directory or the disk does not take it; the old file is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let _guard = hold_writes();
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| match fs::metadata(path) {
            Ok(old) if old.is_file() => fs::set_permissions(&temporary, old.permissions()),
            _ => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        unwritable(path, error)
    })
}

/// Whether a path is a directory, or could become one.
///
/// # Errors
/// [`CliError::NotADirectory`], with what is in the way.
pub fn check_directory(path: &Path) -> Result<(), Failure> {
    let existing = path.ancestors().find(|path| path.exists());
    match existing.filter(|path| !path.is_dir()) {
        Some(path) => Err(CliError::NotADirectory { path: self::path(path) }.into()),
        None => Ok(()),
    }
}

/// Creates a directory and those above it.
fn create_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| unwritable(path, error))
}

/// Writes a document and a picture by their names into a directory, which is created, and says so.
///
/// # Errors
/// Where one of them cannot be made.
pub fn write_results(
    directory: &Path,
    document: (&str, &impl Serialize),
    picture: (&str, &str),
) -> Result<(), Failure> {
    create_directory(directory)?;
    let mut bytes = vec![];
    write_json(&mut bytes, document.1).map_err(|error| unwritable(directory, error))?;
    write_file(&directory.join(document.0), &bytes)?;
    write_file(&directory.join(picture.0), picture.1.as_bytes())?;
    say(&format!("wrote {} and {} into {}", document.0, picture.0, directory.display()));
    Ok(())
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    CliError::Unwritable { path: self::path(path), error }.into()
}
