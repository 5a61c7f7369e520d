//! Results leave the process: standard output, and files that appear whole or not at all. Text that is printed has no hidden
//! character, wherever it comes from.

use crate::arguments::Format;
use crate::example;
use crate::failure::{CliError, Failure};
use crate::input;
use bfc_report::{holds_something, write_json};
use bfc_schedule::visible;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path};

/// Makes tables as wide as the terminal: as `COLUMNS` says, else as standard output is where that is a terminal.
pub fn fit_terminal() {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0);
    if let Some(width) = set.filter(|&columns| columns > 0).or_else(terminal) {
        bfc_report::fit_tables(width);
    }
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

/// Writes a file as [`bfc_report::write_file`] says. An example writes into its own directory, where the files beside the
/// documented one are links: an output takes the place of a link.
///
/// # Errors
/// Where the path cannot be written, or an example names a place elsewhere; the old file is then untouched.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if example::is_inside() {
        if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(CliError::OutsideExample { path: self::path(path) }.into());
        }
        if path.is_symlink() {
            fs::remove_file(path).map_err(|error| unwritable(path, error))?;
        }
    }
    bfc_report::write_file(path, bytes).map_err(|error| unwritable(path, error))
}

/// As [`write_file`], where no file is there yet: what people edit is never replaced.
///
/// # Errors
/// [`CliError::FileExists`], or as there.
pub fn write_new_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    check_new_file(path)?;
    write_file(path, bytes)
}

/// Whether no file is there yet.
///
/// # Errors
/// [`CliError::FileExists`].
pub fn check_new_file(path: &Path) -> Result<(), Failure> {
    if bfc_report::is_taken(path) {
        let help = "choose another name, or remove the file".to_string();
        return Err(CliError::FileExists { path: self::path(path), help }.into());
    }
    Ok(())
}

/// The bytes of a file that say of which kind it is.
const LONGEST_HEAD: u64 = 256;

/// What a command writes and nobody edits: it replaces what it has written before.
#[derive(Clone, Copy)]
pub struct Kind {
    /// Such as `a schedule`.
    pub name: &'static str,
    /// How its files begin.
    pub heads: &'static [&'static [u8]],
    /// The flag that names another file.
    pub flag: &'static str,
}

impl Kind {
    /// Whether a file that begins so is of this kind.
    pub fn is_head_of(&self, begin: &[u8]) -> bool {
        self.heads.iter().any(|head| begin.starts_with(head))
    }
}

/// Whether a file of this kind is there.
///
/// # Errors
/// [`CliError::FileExists`]: another file is there, such as a source.
pub fn replaces(path: &Path, kind: Kind) -> Result<bool, Failure> {
    replaces_if(path, kind, |begin| kind.is_head_of(begin))
}

/// As [`replaces`], where `is_own` says of the first bytes of a file whether it is of this kind.
///
/// # Errors
/// As there.
pub fn replaces_if(path: &Path, kind: Kind, is_own: impl Fn(&[u8]) -> bool) -> Result<bool, Failure> {
    match fs::metadata(path) {
        Ok(there) if holds_something(&there) => {
            if is_own(&input::read_up_to(path, LONGEST_HEAD)?) {
                return Ok(true);
            }
            let Kind { name, flag, .. } = kind;
            let help = format!("it is not {name}: write elsewhere with `{flag}`, or remove it");
            Err(CliError::FileExists { path: self::path(path), help }.into())
        }
        _ => Ok(false),
    }
}

/// Whether a path is a directory, or could become one.
///
/// # Errors
/// [`CliError::NotADirectory`], with what is in the way.
fn check_directory(path: &Path) -> Result<(), Failure> {
    let existing = path.ancestors().find(|path| path.exists());
    match existing.filter(|path| !path.is_dir()) {
        Some(path) => Err(CliError::NotADirectory { path: self::path(path) }.into()),
        None => Ok(()),
    }
}

/// How a picture of any command begins.
pub const PICTURE: &[&[u8]] = &[bfc_report::picture::PICTURE_HEAD.as_bytes()];

/// Where a document and a picture are written when they are known.
pub struct Results<'a> {
    directory: &'a Path,
    document: &'static str,
    picture: &'static str,
}

impl<'a> Results<'a> {
    /// Files of these names in a directory, which is created when they are written. `kind` is that of the document.
    ///
    /// # Errors
    /// The directory cannot be one, or other files of these names are there.
    pub fn new(
        directory: &'a Path,
        kind: Kind,
        document: &'static str,
        picture: &'static str,
    ) -> Result<Self, Failure> {
        check_directory(directory)?;
        replaces(&directory.join(document), kind)?;
        replaces(&directory.join(picture), Kind { heads: PICTURE, ..kind })?;
        Ok(Self { directory, document, picture })
    }

    /// Writes both, and says so.
    ///
    /// # Errors
    /// Where one of them cannot be made.
    pub fn write(&self, document: &impl Serialize, picture: &str) -> Result<(), Failure> {
        let Self { directory, document: document_name, picture: picture_name } = self;
        let mut bytes = vec![];
        write_json(&mut bytes, document).map_err(|error| unwritable(directory, error))?;
        write_file(&directory.join(document_name), &bytes)?;
        write_file(&directory.join(picture_name), picture.as_bytes())?;
        say(&format!("wrote {document_name} and {picture_name} into {}", path(directory)));
        Ok(())
    }
}

fn unwritable(path: &Path, error: io::Error) -> Failure {
    CliError::Unwritable { path: self::path(path), error }.into()
}
