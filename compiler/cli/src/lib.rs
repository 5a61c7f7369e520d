//! The `bfc` command: the one place where compiler and runtime meet. [`Analyzed`] serves the Python package, too.

mod analyze;
mod arguments;
mod compare;
mod compile;
mod example;
mod explain;
mod failure;
mod fmt;
mod generate;
mod graphs;
mod input;
mod inspect;
mod launch;
mod library;
mod mpi;
mod new;
mod output;
mod pictures;
mod predict;
mod progress;
mod run;
mod suggest;
mod trace;
mod usage;
mod verify;

pub use analyze::{Analyzed, STEP_SIZE, Simulated};
pub use failure::Failure;

use arguments::{Arguments, Command};
use clap::Parser;
use std::ffi::OsString;

/// Runs one command and returns the exit code of the process. `program` is the path and the leading arguments by which this
/// command can be started again: `bfc test` runs the commands of examples.
pub fn run(program: &[OsString], arguments: &[OsString]) -> u8 {
    let named = [OsString::from("bfc")];
    let parsed = match Arguments::try_parse_from(named.iter().chain(arguments)) {
        Ok(parsed) => parsed,
        Err(error) => return usage::tell(error, arguments),
    };
    // A launcher passes signals on to its ranks, and ends when they have.
    if !matches!(parsed.command, Command::Launch(_)) {
        end_on_interrupt();
    }
    output::fit_terminal();
    match execute(&parsed, program) {
        Ok(()) => 0,
        Err(failure) => {
            progress::clear();
            failure.tell(parsed.format)
        }
    }
}

fn execute(arguments: &Arguments, program: &[OsString]) -> Result<(), Failure> {
    let format = arguments.format;
    match &arguments.command {
        Command::Compile(arguments) => compile::compile(arguments, format),
        Command::Analyze(source) => analyze::analyze(source, format),
        Command::Compare(arguments) => compare::compare(arguments, format),
        Command::Check(arguments) => compile::check(arguments, format),
        Command::Inspect(arguments) => inspect::inspect(arguments, format),
        Command::Verify(arguments) => verify::verify(arguments, format),
        Command::Run(arguments) => run::run(arguments, format),
        Command::RunRank(arguments) => run::rank(arguments),
        Command::Trace(arguments) => trace::trace(arguments, format),
        Command::WhyStuck(arguments) => trace::why_stuck(arguments, format),
        Command::Fmt(arguments) => fmt::fmt(arguments, format),
        Command::Test { files } => example::test(files, program, format),
        Command::Import(arguments) => graphs::import::import(arguments, format),
        Command::Export(arguments) => graphs::export::export(arguments, format),
        Command::Draw(arguments) => pictures::draw(arguments, format),
        Command::Report(arguments) => pictures::report(arguments, format),
        Command::View(arguments) => pictures::view(arguments.clone(), format),
        Command::New(arguments) => new::new(arguments, format),
        Command::Explain { code } => explain::explain(code.as_deref(), format),
        Command::List { word } => library::list(word.as_deref(), format),
        Command::Show { name } => library::show(name, format),
        Command::Launch(arguments) => launch::launch(arguments, format),
        Command::Mpi(arguments) => mpi::mpi(arguments, format),
        Command::Simulate(arguments) => predict::simulate(arguments, format),
        Command::Advise(arguments) => predict::advise(arguments, format),
        Command::Probe(arguments) => predict::probe(arguments, format),
        Command::Cluster(arguments) => predict::clusters(arguments, format),
        Command::Completions { shell } => generate::completions(*shell, format),
        Command::Man { command } => generate::man(command.as_deref(), format),
    }
}

/// An interrupt ends the process once no file is half written.
fn end_on_interrupt() {
    let end = || {
        let _guard = bfc_report::hold_writes();
        progress::clear();
        output::say("interrupted");
        std::process::exit(failure::INTERRUPTED.into());
    };
    if let Err(error) = ctrlc::set_handler(end) {
        output::say(&format!("an interrupt may leave a temporary file: {error}"));
    }
}
