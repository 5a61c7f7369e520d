//! Running the `bfc` that these tests belong to.

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A command with these arguments, in the root of the repository, ended after two minutes.
pub fn bfc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bfc"));
    command
        .args(arguments)
        .current_dir(root())
        .timeout(Duration::from_secs(120))
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .env_remove("RUST_BACKTRACE");
    command
}

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a command that must succeed prints on standard output.
pub fn stdout(arguments: &[&str]) -> String {
    let output = bfc(arguments).assert().code(0).get_output().stdout.clone();
    String::from_utf8(output).expect("standard output is text")
}

/// The JSON document that a command that must end with `exit` prints.
pub fn json_with_exit(arguments: &[&str], exit: i32) -> Value {
    let output = bfc(arguments).args(["--format", "json"]).assert().code(exit).get_output().stdout.clone();
    serde_json::from_slice(&output).expect("standard output is one JSON document")
}

/// The JSON document that a command that must succeed prints.
pub fn json(arguments: &[&str]) -> Value {
    json_with_exit(arguments, 0)
}

/// The codes of the diagnostics of a command that must end with `exit`.
pub fn codes(arguments: &[&str], exit: i32) -> Vec<String> {
    let document = json_with_exit(arguments, exit);
    let diagnostics = document["diagnostics"].as_array().expect("diagnostics");
    let code = |one: &Value| one["code"].as_str().expect("every diagnostic has a code").to_string();
    diagnostics.iter().map(code).collect()
}

/// A directory with these files, and a function from their names to their paths.
pub fn files(files: &[(&str, &[u8])]) -> (tempfile::TempDir, impl Fn(&str) -> String + use<>) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, bytes) in files {
        std::fs::write(directory.path().join(name), bytes).expect("written");
    }
    let root = directory.path().to_path_buf();
    (directory, move |name: &str| root.join(name).to_str().expect("a plain path").to_string())
}
