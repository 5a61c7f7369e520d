//! The checks, in the order in which they fail fastest.

use crate::shell::{cargo, run, works};
use crate::{mpi, python};

/// A named check.
pub type Check = (&'static str, fn() -> Result<(), String>);

/// All checks.
pub const ALL: [Check; 6] = [
    ("fmt", fmt),
    ("clippy", clippy),
    ("tests", tests),
    ("loom", loom),
    ("mpi", mpi),
    ("python", python::check),
];

fn fmt() -> Result<(), String> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["run", "--quiet", "--package", "bfc", "--", "fmt", "--check", "stdlib", "examples"]))
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

/// Every interleaving of the runtime's lock-free parts.
fn loom() -> Result<(), String> {
    let test = ["test", "-p", "bfc-runtime", "--test", "loom", "--release", "--target-dir", "target/loom"];
    run(cargo(&test).env("RUSTFLAGS", "--cfg loom"))
}

/// The conformance suite and `bfc probe` under `mpirun`.
fn mpi() -> Result<(), String> {
    let environment = mpi::install()?;
    for package in ["bfc-runtime", "bfc"] {
        let feature = ["-p", package, "--features", "mpi", "--test", "mpi"];
        let lint = [&["clippy", "--quiet"], &feature[..], &["--", "-D", "warnings"]].concat();
        run(cargo(&lint).envs(environment.clone()))?;
        run(cargo(&[&["test"], &feature[..]].concat()).envs(environment.clone()))?;
    }
    Ok(())
}
