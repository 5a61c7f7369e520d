//! The command line describes itself: completion scripts and manual pages.

use crate::arguments::{Arguments, Format};
use crate::failure::{CliError, Failure};
use crate::{output, suggest};
use clap::CommandFactory;
use serde_json::json;

/// Prints a completion script.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(shell: clap_complete::Shell, format: Format) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Arguments::command(), "bfc", &mut script);
    match format {
        Format::Human => output::print_bytes(&script),
        Format::Json => {
            let script = String::from_utf8_lossy(&script);
            output::print_json(&json!({ "shell": shell.to_string(), "script": script }))
        }
    }
}

/// Prints the manual page of `bfc`, or of one command.
///
/// # Errors
/// There is no such command, or standard output cannot be written.
pub fn man(command: Option<&str>, format: Format) -> Result<(), Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let described = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone().name(format!("bfc-{name}")).display_name(format!("bfc-{name}")),
            None => return Err(unknown(&whole, name).into()),
        },
    };
    let title = described.get_name().to_string();
    let mut page = vec![];
    let rendered = clap_mangen::Man::new(described).render(&mut page);
    rendered.expect("writing to memory succeeds");
    match format {
        Format::Human => output::print_bytes(&page),
        Format::Json => output::print_json(&json!({ "name": title, "page": String::from_utf8_lossy(&page) })),
    }
}

fn unknown(whole: &clap::Command, name: &str) -> CliError {
    let commands = whole.get_subcommands().map(clap::Command::get_name);
    let help = match suggest::closest(name, commands) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "`bfc help` lists the commands".to_string(),
    };
    CliError::Usage { message: format!("there is no command `{name}`"), help: Some(help) }
}
