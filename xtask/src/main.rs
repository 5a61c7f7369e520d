//! `cargo xtask test` runs every check of the repository, installing what a check needs; `cargo xtask test NAME…` runs
//! some of them, and `cargo xtask test long` the tests that take many minutes. A check that cannot run fails. Of the
//! Python tests, those with torch and jax are skipped where these are not installed, and say so.

mod browser;
mod checks;
mod gpu;
mod mpi;
mod python;
mod shell;
mod venv;

use checks::Check;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, names)) if command == "test" => test(names),
        _ => Err(format!("usage: cargo xtask test [{}]...", names().join("|"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn names() -> Vec<&'static str> {
    checks::ALL.iter().chain([&checks::LONG]).map(|(name, _)| *name).collect()
}

fn test(wanted: &[String]) -> Result<(), String> {
    if let Some(unknown) = wanted.iter().find(|name| !names().contains(&name.as_str())) {
        return Err(format!("there is no check `{unknown}`, expected one of {}", names().join(", ")));
    }
    std::env::set_current_dir(shell::root()).map_err(|error| error.to_string())?;
    let mut report = vec![];
    let named = |check: &Check| wanted.iter().any(|one| one == check.0);
    let chosen = checks::ALL.into_iter().filter(|check| wanted.is_empty() || named(check));
    for (name, check) in chosen.chain(Some(checks::LONG).filter(named)) {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let result = check();
        report.push((name, start.elapsed().as_secs(), result));
    }
    eprintln!();
    for (name, seconds, result) in &report {
        let verdict = result.as_ref().map_or_else(|message| format!("FAILED: {message}"), |()| "ok".into());
        eprintln!("{name:<8} {seconds:>5} s  {verdict}");
    }
    let failed = report.iter().filter(|(_, _, result)| result.is_err()).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} of {} checks failed", report.len())) }
}
