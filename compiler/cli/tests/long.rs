//! What takes many minutes: `cargo xtask test long`.

use crate::common::{bfc, files, json, root};
use serde_json::Value;

/// A ring, a star, a one-peer graph and a random one.
const TOPOLOGIES: [&str; 4] = ["ring", "star", "one_peer_exp2", "erdos_renyi"];
const SIZES: [u32; 4] = [4, 8, 16, 32];

/// Rows of the digits: a quarter takes a quarter of the time.
const ROWS: usize = 450;

/// Steps after which slow divergence shows: what is compressed, and the rest.
const STEPS: [u64; 2] = [2000, 600];

/// Ranks that make local steps agree only after as many messages as others: of these, the loss of their mean overshoots and
/// falls again on a large star. More steps than the second number take too long.
const MESSAGES: [u64; 2] = [250, 6000];

/// Points of a curve whose mean is looked at, at least.
const WINDOW: usize = 50;

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
    let cycle = cycle(source);
    let [messages, most] = MESSAGES;
    let steps = STEPS[usize::from(!source.contains(": codec"))].max((messages * cycle).min(most)).to_string();
    let digits = std::fs::read_to_string(root().join("examples/data/digits.csv")).expect("the digits");
    let rows: String = digits.split_inclusive('\n').take(ROWS).collect();
    let (_directory, path) = files(&[("run.bf", text.as_bytes()), ("digits.csv", rows.as_bytes())]);
    let (file, data, size) = (path("run.bf"), path("digits.csv"), size.to_string());
    let arguments = ["run", &file, "--size", &size, "--steps", &steps, "--data", &data, "--format", "json"];
    let output = bfc(&arguments).timeout(std::time::Duration::from_secs(600)).output().expect("runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    if output.status.code() == Some(1) {
        return Outcome::Refused(document["diagnostics"][0]["code"].as_str().unwrap_or_default().to_string());
    }
    match fault(&document, cycle) {
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

/// The steps after which an algorithm does the same again: its default number of local steps.
fn cycle(source: &str) -> u64 {
    let parameter = source.split("every(").nth(1).and_then(|rest| rest.split(')').next());
    let default = parameter.and_then(|name| source.split(&format!("{name}: int = ")).nth(1));
    let digits = |text: &str| text.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok();
    default.map_or(1, |text| digits(text).expect("a number"))
}

/// Why a run did not converge: its end, and what became of it since two thirds of its curve, where what diverges slowly
/// grows. Ranks drift apart in local steps and come together again, so means over whole cycles are compared.
fn fault(document: &Value, cycle: u64) -> Option<String> {
    let curve = document["curve"].as_array().expect("a curve");
    let at = |index: usize, key: &str| curve[index][key].as_f64().unwrap_or(f64::INFINITY);
    let stride = curve[1]["step"].as_u64().expect("a step");
    let window =
        (WINDOW..).find(|&points| (points as u64 * stride).is_multiple_of(cycle)).expect("a multiple");
    // The last step may stand at less than a stride from the one before.
    let is_apart = |point: &&Value| !point["step"].as_u64().expect("a step").is_multiple_of(stride);
    let end = curve.len() - curve.iter().filter(is_apart).count();
    let mean =
        |end: usize, key: &str| (end - window..end).map(|index| at(index, key)).sum::<f64>() / window as f64;
    let [before, last] = [end * 2 / 3, end].map(|end| mean(end, "decentralized"));
    let apart = [end * 2 / 3, end].map(|end| mean(end, "consensus_distance"));
    let first = at(0, "decentralized");
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

/// The loss of their mean still falls where the ranks drift apart, by 2 % a cycle: what is checked sees that it does.
#[test]
fn slow_divergence_is_a_fault() {
    let source = bfc_compiler::library::source("algorithm::k_gt").expect("of the library");
    assert_eq!(cycle(source), 4);
    let run = |weight: &str| {
        let text = format!(
            "use algorithm::k_gt\ntopology t {{\n for i in ranks {{ i -- (i + 1) mod size }}\n \
             weights constant({weight})\n}}\nschedule {{\n topology t\n algorithm k_gt\n}}\n"
        );
        let digits = std::fs::read_to_string(root().join("examples/data/digits.csv")).expect("the digits");
        let rows: String = digits.split_inclusive('\n').take(300).collect();
        let (_directory, path) = files(&[("run.bf", text.as_bytes()), ("digits.csv", rows.as_bytes())]);
        let allowed = ["--allow", "requirement_refuted"];
        let (file, data) = (path("run.bf"), path("digits.csv"));
        fault(
            &json(
                &[&["run", &file, "--size", "4", "--steps", "600", "--data", &data], &allowed[..]].concat(),
            ),
            4,
        )
    };
    assert_eq!(run("0.49"), None);
    assert!(run("0.505").is_some());
}

/// A cycle has a mean of its own, wherever in it a run ends.
#[test]
fn a_cycle_is_not_a_fault_and_its_growth_is() {
    let curve = |cycle: u64, growth: f64| {
        let point = |step: u64| {
            let distance = (1 + step % cycle) as f64 * growth.powf(step as f64);
            let loss = if step == 0 { 2.0 } else { 0.5 };
            serde_json::json!({ "step": step, "decentralized": loss, "consensus_distance": distance })
        };
        let curve: Vec<Value> = (0..=600).step_by(2).map(point).collect();
        serde_json::json!({ "curve": curve, "optimum": 0.4 })
    };
    for cycle in [1, 4, 7, 50, 96] {
        assert_eq!(fault(&curve(cycle, 1.0), cycle), None, "{cycle}");
        assert!(fault(&curve(cycle, 1.003), cycle).is_some(), "{cycle}");
    }
}

#[test]
#[ignore = "takes many minutes: cargo xtask test long"]
fn library_algorithms_converge_with_their_defaults() {
    let only = std::env::var("BFC_ALGORITHM").ok();
    assert!(only.iter().all(|only| algorithms().contains(&only.as_str())), "the library has no {only:?}");
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
