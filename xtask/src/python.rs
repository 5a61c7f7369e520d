//! The Python package, installed as users install it, into an environment of its own under `target/`.

use crate::shell::run;
use crate::{mpi, venv};
use std::path::Path;
use std::process::Command;

const TOOLS: [&str; 5] = ["maturin>=1.9.4,<2", "matplotlib", "mypy", "numpy", "pytest"];
/// A download of 2.9 GB, since there is no wheel for the CPU alone.
const TORCH: &str = "torch";

/// Builds the wheel from the root with `pip install .`, then runs the tests, the types and the stubs against it.
pub fn check() -> Result<(), String> {
    let python = venv::python("python", &TOOLS)?;
    if let Err(reason) = run(venv::pip_install(&python).arg(TORCH)) {
        eprintln!("{reason}: the tests that need {TORCH} are skipped");
    }
    let module = |arguments: &[&str]| run(Command::new(&python).arg("-m").args(arguments));
    install(&python)?;
    run(Command::new(&python).args(["-m", "pytest", "--quiet", "-rs"]).envs(mpi::system()?))?;
    module(&["mypy"])?;
    module(&["mypy.stubtest", "bfc._bfc"])
}

/// The profile of the other tests shares what they have built; the tools are those of the environment.
fn install(python: &Path) -> Result<(), String> {
    let path = [&[python.with_file_name("")], &paths()[..]].concat();
    let path = std::env::join_paths(path).map_err(|error| error.to_string())?;
    let profile = "--config-settings=build-args=--profile=dev";
    run(venv::pip_install(python)
        .args(["--no-build-isolation", profile, "--force-reinstall", "--no-deps", "."])
        .env("PATH", path))
}

fn paths() -> Vec<std::path::PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}
