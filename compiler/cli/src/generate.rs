//! The command line describes itself: completion scripts and manual pages.

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;
use clap::CommandFactory;
use clap::error::ErrorKind;

/// Prints a completion script.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Arguments::command(), "bfc", &mut script);
    output::print(script)
}

/// Prints the manual page of `bfc`, or of one command.
///
/// # Errors
/// Standard output cannot be written. An unknown command ends the process as other wrong usage does.
pub fn man(command: Option<&str>) -> Result<(), Failure> {
    let mut whole = Arguments::command();
    whole.build();
    let described = match command {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(found) => found.clone().name(format!("bfc-{name}")).display_name(format!("bfc-{name}")),
            None => whole.error(ErrorKind::InvalidSubcommand, format!("there is no command `{name}`")).exit(),
        },
    };
    let mut page = vec![];
    let rendered = clap_mangen::Man::new(described).render(&mut page);
    rendered.expect("writing to memory succeeds");
    output::print(page)
}
