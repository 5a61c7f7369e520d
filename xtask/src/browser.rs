//! Pages in a real browser: Chromium from the system, driven by playwright-core from npm, which lies under `target/`.

use crate::shell::{apt_install, cargo, read, root, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of Chromium.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs what is missing, builds the command, and runs `tests/browser/` with Node.
pub fn check() -> Result<(), String> {
    let chromium = chromium()?;
    let modules = modules()?;
    run(&mut cargo(&["build", "--workspace", "--bins"]))?;
    let command = root().join("target/debug").join(format!("bfc{}", std::env::consts::EXE_SUFFIX));
    run(Command::new("node")
        .args(["--test", "tests/browser/"])
        .env("BFC", command)
        .env("CHROMIUM", chromium)
        .env("BROWSER_MODULES", modules))
}

/// The path of Chromium, installed if it is missing.
fn chromium() -> Result<String, String> {
    if find().is_none() {
        apt_install(&["chromium"])?;
    }
    find().ok_or_else(|| "there is no Chromium: install the package `chromium`".into())
}

fn find() -> Option<String> {
    let on_the_path = |program| read(Command::new("sh").args(["-c", &format!("command -v {program}")])).ok();
    PROGRAMS.into_iter().find_map(on_the_path)
}

/// The folder in which the locked packages are installed.
fn modules() -> Result<PathBuf, String> {
    let (from, to) = (root().join("tests/browser"), root().join("target/browser"));
    fs::create_dir_all(&to).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json"] {
        copy(&from.join(name), &to.join(name))?;
    }
    run(Command::new("npm").args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&to))?;
    Ok(to)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}
