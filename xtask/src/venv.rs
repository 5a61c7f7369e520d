//! Environments of Python under `target/`, with packages of their own.

use crate::shell::{root, run};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of the environment `target/NAME`, which holds these packages; made where it is missing.
pub fn python(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let home = root().join("target").join(name);
    let python = home.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
    }
    run(pip_install(&python).args(packages))?;
    Ok(python)
}

/// The installation of what is added to the command.
pub fn pip_install(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    command
}
