//! Running programs, loudly.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

/// A cargo command, with the cargo that runs this.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Shows and runs a command and how long it takes; any failure is an error.
///
/// What cargo would keep for the next change of a source costs a build from nothing a third of its time more.
pub fn run(command: &mut Command) -> Result<(), String> {
    eprintln!("$ {}", shown(command));
    if std::env::var_os("CARGO_INCREMENTAL").is_none() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("`{}` did not start: {error}", shown(command)))?;
    eprintln!("  {} s", start.elapsed().as_secs());
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command))) }
}

/// Whether a command runs and succeeds, silently.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs packages of Debian where that is possible: as root, with apt.
pub fn apt_install(packages: &[&str]) -> Result<(), String> {
    let is_root = read(Command::new("id").arg("-u")).is_ok_and(|id| id == "0");
    if !is_root || !works("apt-get", &["--version"]) {
        return Ok(());
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq"]).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut install)
}

/// The standard output of a command, without the last newline.
pub fn read(command: &mut Command) -> Result<String, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{}` did not start: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", shown(command), output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_string())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
