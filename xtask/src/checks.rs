//! The checks, in the order in which they fail fastest. All build in one profile, and choose packages by `--workspace`, so
//! that dependencies have the same features everywhere and are built once.

use crate::shell::{cargo, read, run, works};
use crate::{browser, gpu, mpi, python};

/// A named check.
pub type Check = (&'static str, fn() -> Result<(), String>);

/// All checks that run unless some are named.
pub const ALL: [Check; 8] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("tests", tests),
    ("loom", loom),
    ("mpi", mpi::check),
    ("gpu", gpu::check),
    ("browser", browser::check),
    ("python", python::check),
];

/// The check that runs only where it is named.
pub const LONG: Check = ("long", long);

fn fmt() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), String> {
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// Unit, integration and documentation tests; nextest runs the first two in parallel where it is installed.
fn tests() -> Result<(), String> {
    if works("cargo", &["nextest", "--version"]) {
        run(&mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))?;
        return run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]));
    }
    run(&mut cargo(&["test", "--workspace", "--no-fail-fast", "--quiet"]))
}

/// What takes many minutes: ignored tests in modules named `long`. A filter that matches none would succeed.
fn long() -> Result<(), String> {
    let filter = ["test", "--workspace", "--no-fail-fast", "--", "--ignored", "long::"];
    let listed = read(&mut cargo(&[&filter[..], &["--list"]].concat()))?;
    let tests: Vec<&str> = listed.lines().filter(|line| line.ends_with(": test")).collect();
    if tests.is_empty() {
        return Err("no ignored test is in a module `long`".into());
    }
    eprintln!("{}", tests.join("\n"));
    run(&mut cargo(&[&filter[..], &["--nocapture"]].concat()))
}

/// Every interleaving of the runtime's lock-free parts.
fn loom() -> Result<(), String> {
    run(&mut cargo(&["test", "--workspace", "--features", "bfc-runtime/loom", "--test", "loom"]))
}
