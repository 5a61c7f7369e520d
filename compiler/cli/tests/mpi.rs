//! `bfc` with `mpirun`, of the MPI that it has been connected to.

#[allow(dead_code, reason = "this program uses a part")]
mod common;

use common::{files, json, root};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn a_probe_over_mpi_writes_a_cluster() {
    let (_directory, path) = files(&[]);
    let out = path("mine.toml");
    let output = Command::new("mpirun")
        .args(["-n", "3", env!("CARGO_BIN_EXE_bfc")])
        .args(["probe", "--cluster", "v100", "--format", "json", "-o", &out])
        .current_dir(root())
        .output()
        .expect("mpirun");
    assert!(output.status.success(), "{output:?}");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document, of rank 0");
    assert_eq!((&document["machines"], &document["ranks_per_machine"]), (&1.into(), &3.into()));
    let rate = document["inside"]["bytes_per_second"].as_f64().expect("a rate");
    assert!((1e6..1e13).contains(&rate) && document["between"].is_null(), "{document:#}");
    assert_eq!(json(&["cluster", &out])["ranks_per_machine"], 3);
}

#[test]
fn a_run_over_mpi_has_the_same_result() {
    let document = |engine: &str| {
        let mut document =
            json(&["run", "examples/digits.bf", "--size", "4", "--steps", "20", "--engine", engine]);
        document.as_object_mut().expect("an object").remove("engine");
        document
    };
    assert_eq!(document("mpi"), document("threads"));
}

#[test]
fn an_example_has_the_bits_of_threads() {
    let (_directory, path) = files(&[]);
    let schedule = path("sched.bin");
    json(&["compile", "examples/digits.bf", "--size", "4", "-o", &schedule]);
    let example = Path::new(env!("CARGO_BIN_EXE_bfc")).with_file_name("examples/perceptron");
    let models = |command: &mut Command| {
        let output = command.arg(&schedule).current_dir(root()).output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        lines.sort_unstable();
        assert!(lines.len() == 4 && lines[3].starts_with("rank 3: test accuracy 0.9"), "{text}");
        lines
    };
    let threads = models(&mut Command::new(&example));
    let mpi = models(Command::new("mpirun").args(["-n", "4"]).arg(&example).env("BFC_ENGINE", "mpi"));
    assert_eq!(mpi, threads);
}

/// Two launchers, each of which believes that there are two ranks.
#[test]
fn ranks_that_mpi_does_not_know_are_refused() {
    let (_directory, path) = files(&[]);
    json(&["compile", "examples/digits.bf", "--size", "2", "-o", &path("sched.bin")]);
    let example = Path::new(env!("CARGO_BIN_EXE_bfc")).with_file_name("examples/perceptron");
    let variables = [("RANK", "1"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "2")];
    let output = Command::new(example)
        .arg(path("sched.bin"))
        .current_dir(root())
        .envs(variables)
        .env("BFC_ENGINE", "mpi")
        .output()
        .expect("it starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success()
            && err.contains("OtherMpi { rank: Rank(1), size: 2, mpi_rank: Rank(0), mpi_size: 1 }"),
        "{err}"
    );
}
