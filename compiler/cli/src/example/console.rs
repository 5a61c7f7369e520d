//! The commands of an example are run in a directory of their own, in which the files beside the documented one are seen.

use super::INSIDE;
use super::error::ExampleError;
use super::expected::{matches, plain};
use super::extract::Example;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// So much of an output is shown.
const SHOWN_LINES: usize = 12;

/// A command and the lines that its output must have.
struct Step {
    /// Which line of the example it is.
    line: usize,
    command: String,
    exit: i32,
    expected: Vec<(usize, String)>,
}

/// Runs the commands in order.
///
/// # Errors
/// A command ends otherwise than it says, or a line is missing from its output.
pub fn check(example: &Example, program: &[OsString]) -> Result<(), ExampleError> {
    let failed = |error: std::io::Error| example.malformed(0, &format!("no directory for it: {error}"));
    let directory = tempfile::tempdir().map_err(failed)?;
    if let Some(path) = &example.file.path {
        link_files(path, directory.path()).map_err(failed)?;
    }
    for step in steps(example)? {
        run(example, &step, program, directory.path())?;
    }
    Ok(())
}

/// Makes the files beside `path` seen in a directory; they cannot be changed there.
fn link_files(path: &Path, into: &Path) -> std::io::Result<()> {
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in beside.canonicalize()?.read_dir()?.flatten() {
        if entry.file_type()?.is_file() {
            link(&entry.path(), &into.join(entry.file_name()))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &PathBuf, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &PathBuf, to: &Path) -> std::io::Result<()> {
    std::fs::copy(from, to).map(|_| ())
}

fn steps(example: &Example) -> Result<Vec<Step>, ExampleError> {
    let mut steps: Vec<Step> = vec![];
    for (line, said) in example.lines.iter().enumerate() {
        let said = said.text.trim_end();
        let command = said.strip_prefix("$ ").or(Some(said).filter(|said| said.starts_with("bfc ")));
        match (command, steps.last_mut()) {
            (Some(command), _) => {
                let (command, comment) = command.split_once(" # ").unwrap_or((command, ""));
                let exit = comment.trim().strip_prefix("exits ").and_then(|exit| exit.trim().parse().ok());
                let command = command.trim().to_string();
                steps.push(Step { line, command, exit: exit.unwrap_or(0), expected: vec![] });
            }
            (None, Some(step)) => step.expected.push((line, said.to_string())),
            (None, None) => return Err(example.malformed(line, "it begins with no command, as in `$ bfc …`")),
        }
    }
    Ok(steps)
}

fn run(example: &Example, step: &Step, program: &[OsString], directory: &Path) -> Result<(), ExampleError> {
    let words = shlex::split(&step.command).unwrap_or_default();
    let [name, arguments @ ..] = &words[..] else {
        return Err(example.malformed(step.line, "its quotes do not match"));
    };
    if name != "bfc" {
        return Err(example.malformed(step.line, &format!("it runs `{name}`, and only `bfc` is run")));
    }
    let output = start(program, arguments, directory)
        .map_err(|error| example.malformed(step.line, &format!("bfc does not start: {error}")))?;
    let told = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    if output.status.code() != Some(step.exit) {
        return Err(ExampleError::Exit {
            command: step.command.clone(),
            found: output.status.code().map_or("a signal".to_string(), |code| code.to_string()),
            expected: step.exit,
            told: beginning(&told),
            text: example.text(),
            at: example.place(step.line),
        });
    }
    compare(example, step, &told)
}

fn start(program: &[OsString], arguments: &[String], directory: &Path) -> std::io::Result<Output> {
    let (path, leading) = program.split_first().ok_or(std::io::ErrorKind::NotFound)?;
    let mut command = Command::new(path);
    command.args(leading).args(arguments).current_dir(directory);
    command.env(INSIDE, "1").env("NO_COLOR", "1").env_remove("COLUMNS").stdin(Stdio::null()).output()
}

/// Each expected line appears, in order, blanks and rules of tables aside.
fn compare(example: &Example, step: &Step, told: &str) -> Result<(), ExampleError> {
    let lines: Vec<String> = told.lines().map(plain).collect();
    let mut rest = &lines[..];
    for (line, expected) in &step.expected {
        let wanted = plain(expected);
        if wanted.is_empty() || wanted == "…" {
            continue;
        }
        let Some(found) = rest.iter().position(|line| matches(&wanted, line)) else {
            return Err(ExampleError::Output {
                command: step.command.clone(),
                line: expected.trim().to_string(),
                found: beside(&wanted, &lines, rest.len()),
                text: example.text(),
                at: example.place(*line),
            });
        };
        rest = &rest[found + 1..];
    }
    Ok(())
}

/// What stands in place of a line that is wanted: the nearest of those that are left, if the line does not stand before them.
fn beside(wanted: &str, lines: &[String], left: usize) -> String {
    let (before, rest) = lines.split_at(lines.len() - left);
    if before.iter().any(|line| matches(wanted, line)) {
        return "it stands further up in the output: lines are expected in its order".to_string();
    }
    let likeness = |line: &&String| (1000.0 * strsim::jaro_winkler(wanted, line)) as u32;
    let found = rest.iter().filter(|line| !line.is_empty()).rev().max_by_key(likeness);
    match found {
        Some(found) => format!("expected: {wanted}\nfound:    {found}"),
        None => format!("expected: {wanted}\nfound:    the end of the output"),
    }
}

fn beginning(told: &str) -> String {
    let lines: Vec<&str> = told.lines().take(SHOWN_LINES).collect();
    lines.join("\n")
}
