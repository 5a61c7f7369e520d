//! A command line that is refused becomes a message for people, or a document for programs.

use crate::arguments::{Arguments, Format};
use crate::failure::{CliError, Failure, USAGE};
use bfc_schedule::visible;
use clap::Parser;
use std::ffi::OsString;

/// Tells the user; the exit code remains to be returned. Help and the version are not errors.
pub fn tell(error: clap::Error, arguments: &[OsString]) -> u8 {
    if !error.use_stderr() {
        let _ = error.print();
        return 0;
    }
    let error = shown(error, arguments);
    if wants_json(arguments) {
        let (message, help) = parts(&error.render().to_string());
        return Failure::from(CliError::Usage { message, help }).tell(Format::Json);
    }
    let _ = error.print();
    USAGE
}

/// The error about the same arguments with their hidden characters written out, since it quotes them.
fn shown(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    if !arguments.iter().any(|argument| argument.contains(visible::is_hidden)) {
        return error;
    }
    let visible = arguments.iter().map(|argument| visible::line(argument).into_owned());
    match Arguments::try_parse_from(["bfc".to_string()].into_iter().chain(visible)) {
        Err(error) => error,
        Ok(_) => clap::Error::raw(error.kind(), visible::lines(&error.render().to_string())),
    }
}

/// Whether the arguments, which could not be read, ask for JSON.
fn wants_json(arguments: &[OsString]) -> bool {
    let arguments: Vec<&OsString> = arguments.iter().take_while(|argument| *argument != "--").collect();
    arguments.iter().any(|argument| *argument == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

/// The message of a rendered error, and what it says beside.
fn parts(rendered: &str) -> (String, Option<String>) {
    let Some(text) = rendered.strip_prefix("error: ") else {
        return ("no command is given".into(), Some(rendered.trim().to_string()));
    };
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let rest = rest.split("For more information").next().unwrap_or_default().trim();
    (message.trim().to_string(), (!rest.is_empty()).then(|| rest.to_string()))
}
