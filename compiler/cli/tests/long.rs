//! What takes many minutes: `cargo xtask test long`.

use crate::common::{bfc, files, root};
use serde_json::Value;

/// A ring, a star, a one-peer graph and a random one.
const TOPOLOGIES: [&str; 4] = ["ring", "star", "one_peer_exp2", "erdos_renyi"];
const SIZES: [u32; 4] = [4, 8, 16, 32];

/// Rows of the digits: a quarter takes a quarter of the time.
const ROWS: usize = 450;

/// Steps after which slow divergence shows: what is compressed, and the rest.
const STEPS: [&str; 2] = ["2000", "600"];

fn algorithms() -> Vec<&'static str> {
    let names = bfc_compiler::library::names().into_iter();
    names.filter_map(|name| name.strip_prefix("algorithm::")).collect()
}

/// What became of a run.
#[derive(Debug, PartialEq)]
enum Outcome {
    Converges,
    /// The compiler, or the command, says why not.
    Refused(String),
    Warned,
    Wrong(String),
}

fn outcome(algorithm: &str, topology: &str, size: u32) -> Outcome {
    let text = format!(
        "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}\n"
    );
    let source = bfc_compiler::library::source(&format!("algorithm::{algorithm}")).expect("of the library");
    let steps = STEPS[usize::from(!source.contains(": codec"))];
    let digits = std::fs::read_to_string(root().join("examples/data/digits.csv")).expect("the digits");
    let rows: String = digits.split_inclusive('\n').take(ROWS).collect();
    let (_directory, path) = files(&[("run.bf", text.as_bytes()), ("digits.csv", rows.as_bytes())]);
    let (file, data, size) = (path("run.bf"), path("digits.csv"), size.to_string());
    let arguments = ["run", &file, "--size", &size, "--steps", steps, "--data", &data, "--format", "json"];
    let output = bfc(&arguments).timeout(std::time::Duration::from_secs(600)).output().expect("runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    if output.status.code() == Some(1) {
        return Outcome::Refused(document["diagnostics"][0]["code"].as_str().unwrap_or_default().to_string());
    }
    match fault(&document) {
        None => Outcome::Converges,
        Some(_) if is_warned(&file, &size) => Outcome::Warned,
        Some(fault) => Outcome::Wrong(fault),
    }
}

/// Whether `bfc check` says that something is amiss.
fn is_warned(file: &str, size: &str) -> bool {
    let output = bfc(&["check", file, "--size", size, "--format", "json"]).output().expect("checks");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    document["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty())
}

/// Why a run did not converge: its end, and the last third of its curve, where what diverges slowly grows.
fn fault(document: &Value) -> Option<String> {
    let curve = document["curve"].as_array().expect("a curve");
    let at = |index: usize, key: &str| curve[index][key].as_f64().unwrap_or(f64::INFINITY);
    let (start, later, end) = (0, curve.len() * 2 / 3, curve.len() - 1);
    let (first, before, last) =
        (at(start, "decentralized"), at(later, "decentralized"), at(end, "decentralized"));
    let apart = [at(later, "consensus_distance"), at(end, "consensus_distance")];
    let optimum = document["optimum"].as_f64().expect("an optimum");
    let (has_descended, still_descends) = (last < 0.5 * first, last < before * 1.01 + 1e-6);
    // The distance of biased methods does not vanish, but neither does it grow.
    let agrees = apart[1] < apart[0] * 1.5 + 1e-6;
    (!(has_descended && still_descends && agrees)).then(|| {
        format!(
            "loss {first:.3}, {before:.4}, {last:.4} of {optimum:.4}; distance {:.2e}, {:.2e}",
            apart[0], apart[1]
        )
    })
}

#[test]
#[ignore = "takes many minutes: cargo xtask test long"]
fn library_algorithms_converge_with_their_defaults() {
    let only = std::env::var("BFC_ALGORITHM").ok();
    let (mut wrong, mut converged) = (vec![], 0);
    for algorithm in algorithms().into_iter().filter(|name| only.as_ref().is_none_or(|only| only == name)) {
        for (topology, size) in TOPOLOGIES.into_iter().flat_map(|name| SIZES.map(|size| (name, size))) {
            let found = outcome(algorithm, topology, size);
            println!("{algorithm} over {topology} of {size}: {found:?}");
            match found {
                Outcome::Converges => converged += 1,
                Outcome::Wrong(fault) => {
                    wrong.push(format!("{algorithm} over {topology} of {size}: {fault}"))
                }
                Outcome::Refused(_) | Outcome::Warned => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(only.is_some() || converged > 300, "{converged}");
}
