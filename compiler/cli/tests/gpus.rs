//! `bfc run --engine nccl` trains on GPUs what threads train, on a test double of the CUDA driver, NVRTC and NCCL.

use crate::common::{bfc, codes, json};
use serde_json::Value;

#[path = "../../../schedule-runtime/tests/gpu/stand_in.rs"]
#[allow(dead_code)]
mod stand_in;

use stand_in::StandIn;

fn run<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", file, "--size", "4", "--steps", "30", "--skew", "0.5"], more].concat()
}

/// The document of a run on the GPUs of a stand-in, and what else was said.
fn on_gpus(stand_in: &StandIn, arguments: &[&str]) -> (Value, String) {
    let mut command = bfc(&[arguments, &["--engine", "nccl", "--format", "json"]].concat());
    for variable in ["BFC_CUDA", "BFC_NVRTC", "BFC_NCCL"] {
        command.env(variable, stand_in.file());
    }
    let output = command.assert().code(0).get_output().clone();
    let document = serde_json::from_slice(&output.stdout).expect("one JSON document");
    (document, String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn gpus_train_what_threads_train() {
    // Four GPUs for four ranks, and one for all.
    for (devices, shared) in [("-DDEVICES=4", false), ("-DDEVICES=1", true)] {
        let stand_in = StandIn::with(&[devices]);
        for file in ["examples/digits.bf", "examples/push_sum.bf"] {
            for dtype in ["f64", "bf16"] {
                let arguments = run(file, &["--dtype", dtype]);
                let (document, said) = on_gpus(&stand_in, &arguments);
                assert_eq!(document, json(&arguments), "{devices} {file} {dtype}");
                assert_eq!(said.contains("without NCCL"), shared, "{said}");
            }
        }
    }
}

#[test]
fn what_cannot_run_on_gpus_is_refused() {
    let arguments = run("examples/digits.bf", &["--engine", "nccl", "--format", "json"]);
    let refused = codes(&run("examples/digits.bf", &["--engine", "nccl", "--trace", "traces"]), 2);
    assert_eq!(refused, ["bfc::run::no_trace"]);
    let output = bfc(&arguments).env("BFC_CUDA", "/nowhere/libcuda.so").assert().code(3).get_output().clone();
    let document: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(document["diagnostics"][0]["code"], "bfc::gpu::no_library", "{document:#}");
}
