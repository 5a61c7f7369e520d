//! `bfc probe` under `mpirun`.

#[allow(dead_code, reason = "this program uses a part")]
mod common;

use common::{files, json, root};
use serde_json::Value;
use std::process::Command;

#[test]
fn a_probe_over_mpi_writes_a_cluster() {
    let (_directory, path) = files(&[]);
    let out = path("mine.toml");
    let output = Command::new("mpirun")
        .args(["--allow-run-as-root", "--oversubscribe", "-np", "3", env!("CARGO_BIN_EXE_bfc")])
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
