//! The `bfc` command as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let started = arguments.next().unwrap_or_default();
    let program = std::env::current_exe().map_or(started, Into::into);
    ExitCode::from(bfc_cli::run(&[program], &arguments.collect::<Vec<_>>()))
}
