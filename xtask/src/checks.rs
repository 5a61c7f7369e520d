//! The checks, in the order in which they fail fastest.

use crate::python;
use crate::shell::{cargo, run, works};

/// A named check.
pub type Check = (&'static str, fn() -> Result<(), String>);

/// All checks.
pub const ALL: [Check; 4] = [("fmt", fmt), ("clippy", clippy), ("tests", tests), ("python", python::check)];

fn fmt() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), String> {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))
}

/// Unit, integration and documentation tests; nextest runs the first two in parallel where it is installed.
fn tests() -> Result<(), String> {
    if works("cargo", &["nextest", "--version"]) {
        run(&mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))?;
        return run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]));
    }
    run(&mut cargo(&["test", "--workspace", "--no-fail-fast", "--quiet"]))
}
