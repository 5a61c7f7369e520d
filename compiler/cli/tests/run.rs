//! `bfc run` trains, compares and reports.

use crate::common;
use crate::common::{bfc, codes, files, json, stdout};
use serde_json::Value;

fn run<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", file, "--size", "4", "--steps", "60"], more].concat()
}

fn number(document: &Value, path: &str) -> f64 {
    document.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
}

#[test]
fn the_three_runs_agree_on_the_digits() {
    let document = json(&["run", "examples/digits.bf", "--size", "8"]);
    let optimum = number(&document, "/optimum");
    for name in ["decentralized", "allreduce", "centralized"] {
        assert!(number(&document, &format!("/{name}/loss")) - optimum < 2e-2, "{name}");
        assert!(number(&document, &format!("/{name}/test_accuracy")) > 0.95, "{name}");
    }
    let apart = number(&document, "/allreduce/loss") - number(&document, "/centralized/loss");
    assert!(apart.abs() < 1e-12, "all-reduce is centralized training: {apart}");
    assert!(number(&document, "/consensus_distance") < 1e-2);
    assert!(number(&document, "/bytes_per_rank") > 0.0);
    let curve = document["curve"].as_array().expect("a curve");
    assert_eq!((curve.len(), &curve[300]["step"]), (301, &Value::from(300)));
}

#[test]
fn the_same_command_gives_the_same_document() {
    let arguments = run("examples/digits.bf", &["--skew", "0.5", "--seed", "7"]);
    assert_eq!(json(&arguments), json(&arguments));
    assert_ne!(json(&arguments), json(&run("examples/digits.bf", &["--skew", "0.5", "--seed", "8"])));
}

#[test]
fn all_engines_give_the_same_document() {
    for dtype in ["f64", "bf16"] {
        let document = |engine| {
            json(&run("examples/digits.bf", &["--skew", "0.5", "--engine", engine, "--dtype", dtype]))
        };
        let threads = document("threads");
        assert_eq!(document("processes"), threads, "{dtype}");
        assert_eq!(document("sockets"), threads, "{dtype}");
    }
}

#[test]
fn short_numbers_train_nearly_as_well_and_send_less() {
    let document = |dtype| json(&run("examples/digits.bf", &["--dtype", dtype]));
    let [double, single, half] = ["f64", "f32", "bf16"].map(document);
    let accuracy = |document: &Value| number(document, "/decentralized/test_accuracy");
    assert!(accuracy(&double) - accuracy(&single) < 0.01 && accuracy(&double) - accuracy(&half) < 0.05);
    let sent = |document: &Value| number(document, "/bytes_per_rank");
    assert!(sent(&half) < sent(&single) && sent(&single) < 0.51 * sent(&double));
}

#[test]
fn every_example_trains_on_skewed_data() {
    for file in ["digits", "ring_dgd", "local_steps", "push_sum"] {
        let file = format!("examples/{file}.bf");
        let document = json(&run(&file, &["--skew", "1"]));
        assert!(number(&document, "/decentralized/test_accuracy") > 0.7, "{file}: {document:#}");
    }
}

#[test]
fn one_rank_is_centralized_training() {
    let document = json(&["run", "examples/digits.bf", "--size", "1", "--steps", "20"]);
    assert_eq!(number(&document, "/consensus_distance"), 0.0);
    assert_eq!(number(&document, "/bytes_per_rank"), 0.0);
}

#[test]
fn results_go_into_a_directory() {
    let (_directory, path) = files(&[]);
    let text = stdout(&run("examples/digits.bf", &["--out", &path("a/b")]));
    assert!(
        text.contains("decentralized") && text.contains("all-reduce") && text.contains("centralized"),
        "{text}"
    );
    let document: Value =
        serde_json::from_slice(&std::fs::read(path("a/b/run.json")).expect("run.json")).expect("JSON");
    assert_eq!(document["size"], 4);
    let svg = std::fs::read_to_string(path("a/b/convergence.svg")).expect("convergence.svg");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert_eq!(std::fs::read_dir(path("a/b")).expect("listed").count(), 2);
}

#[test]
fn a_data_file_of_ones_own() {
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, ["yes", "no"][i % 2])).collect();
    let (_directory, path) = files(&[("own.csv", format!("a,b,class\n{rows}").as_bytes())]);
    let document = json(&run("examples/digits.bf", &["--data", &path("own.csv")]));
    assert_eq!(document["data"]["classes"], serde_json::json!(["no", "yes"]));
    assert_eq!(document["data"]["training_rows"], 48);
}

#[test]
fn bad_data_and_settings_are_refused() {
    let (_directory, path) = files(&[
        ("ragged.csv", b"1,2,a\n1,b\n"),
        ("words.csv", b"1,2,a\n1,x,b\n"),
        ("empty.csv", b""),
        ("one.csv", b"1,a\n2,a\n"),
        ("few.csv", b"1,a\n2,b\n"),
        ("binary.csv", b"1,2\xff,a\n"),
        ("semicolons.csv", b"1;2;a\n3;4;b\n"),
        ("average.bf", b"use topology::ring\nschedule { topology ring }"),
        ("fixed.bf", b"use topology::ring\nalgorithm f {\n state x = params\n step { x <- mix(x) - grad(x) / 20 }\n}\nschedule {\n topology ring\n algorithm f\n}"),
    ]);
    for (data, code) in [
        ("ragged.csv", "bfc::data::ragged_row"),
        ("words.csv", "bfc::data::not_a_number"),
        ("empty.csv", "bfc::data::empty"),
        ("one.csv", "bfc::data::classes"),
        ("few.csv", "bfc::data::too_few_rows"),
        ("binary.csv", "bfc::data::not_text"),
        ("semicolons.csv", "bfc::data::separator"),
    ] {
        assert_eq!(codes(&run("examples/digits.bf", &["--data", &path(data)]), 1), [code]);
    }
    assert_eq!(
        codes(&run("examples/digits.bf", &["--data", &path("no.csv")]), 2),
        ["bfc::cli::missing_file"]
    );
    assert_eq!(codes(&run(&path("average.bf"), &[]), 1), ["bfc::run::no_gradient"]);
    assert_eq!(codes(&run(&path("fixed.bf"), &["--lr", "0.1"]), 1), ["bfc::run::no_learning_rate"]);
    assert_eq!(codes(&["run", "examples/digits.bf", "--size", "2000"], 1), ["bfc::run::too_many_ranks"]);
}

#[test]
fn a_smaller_learning_rate_is_advised_only_where_it_helps() {
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, ["yes", "no"][i % 2])).collect();
    let doubles = "use topology::ring\nalgorithm doubles(lr: scalar = 0.1) {\n    state x = params\n    \
         step { x <- 2 * mix(x) - lr * grad(x) }\n}\nschedule {\n    topology ring\n    algorithm doubles\n}\n";
    let (_directory, path) = files(&[("own.csv", rows.as_bytes()), ("doubles.bf", doubles.as_bytes())]);
    let (file, data) = (path("doubles.bf"), path("own.csv"));
    let arguments = ["run", &file, "--size", "2", "--steps", "100", "--data", &data];
    let document = common::json_with_exit(&arguments, 3);
    let help = document["diagnostics"][0]["help"].as_str().expect("help");
    assert!(help.starts_with("no learning rate that was tried, down to 0.001, descends"), "{help}");
}

#[test]
fn an_algorithm_without_a_topology_is_over_none() {
    let shown = stdout(&["run", "algorithm::parallel_sgd", "--size", "2", "--steps", "2"]);
    assert!(shown.starts_with("parallel_sgd, 2 ranks, 2 steps\n"), "{shown}");
}

#[test]
fn divergence_is_told_and_reported() {
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, ["yes", "no"][i % 2])).collect();
    let (_directory, path) = files(&[("own.csv", rows.as_bytes())]);
    let (data, out) = (path("own.csv"), path("out"));
    let run = |lr: &str| {
        let arguments = ["run", "examples/digits.bf", "--size", "2", "--steps", "40", "--lr", lr];
        [&arguments[..], &["--data", &data, "--out", &out]].concat().into_iter().map(str::to_string).collect()
    };
    fn words(arguments: &[String]) -> Vec<&str> {
        arguments.iter().map(String::as_str).collect()
    }
    // With 1e6 the loss is not a number, with 1e3 it is finite and large.
    for lr in ["1e6", "1e3"] {
        let arguments: Vec<String> = run(lr);
        let document = common::json_with_exit(&words(&arguments), 3);
        let error = &document["diagnostics"][0];
        assert_eq!(error["code"], "bfc::run::diverged", "{document:#}");
        let help = error["help"].as_str().expect("help");
        let tried = help.split("`--lr ").nth(1).and_then(|rest| rest.split('`').next()).expect("a rate");
        assert!(std::path::Path::new(&path("out/run.json")).exists());
        json(&words(&run(tried)));
        let told = bfc(&words(&arguments)).assert().code(3).get_output().clone();
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
    }
}

#[test]
fn learning_rates_that_cannot_be_are_refused() {
    let run = |more: &[&'static str]| [&["run", "examples/digits.bf", "--size", "4"][..], more].concat();
    for value in ["lr=-1", "lr=0", "algorithm.lr=-0.5"] {
        assert_eq!(codes(&run(&["-p", value]), 1), ["bfc::run::learning_rate"], "{value}");
    }
    for name in ["lr=0.1", "algorithm.lr=0.1", "gradient_tracking.lr=0.1"] {
        assert_eq!(codes(&run(&["--lr", "0.1", "-p", name]), 2), ["bfc::run::learning_rate_twice"], "{name}");
    }
}

#[test]
fn results_go_into_no_file() {
    let (_directory, path) = files(&[("file", b"")]);
    for out in [path("file"), path("file/below")] {
        assert_eq!(codes(&run("examples/digits.bf", &["--out", &out]), 2), ["bfc::cli::not_a_directory"]);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_cleanly() {
    use std::process::{Command, Stdio};
    let (directory, path) = files(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_bfc"))
        .args(["run", "examples/digits.bf", "--size", "4", "--steps", "1000000", "--out", &path("out")])
        .current_dir(common::root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success());
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert!(!directory.path().join("out").exists());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let script = format!("{} explain | head -n 1", env!("CARGO_BIN_EXE_bfc"));
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    bfc(&["explain"]).assert().code(0);
}

/// Consensus over what compression loses much of diverges, and not gradient descent: the smaller learning rate is not the
/// remedy.
#[test]
fn a_consensus_step_that_is_too_large_is_named() {
    let rows: String =
        (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, ["yes", "no"][usize::from(i % 7 > 3)])).collect();
    let choco = "use topology::ring\nuse algorithm::choco_sgd\nschedule {\n    topology ring\n    \
         algorithm choco_sgd(q = top_k(1))\n}\n";
    let (_directory, path) = files(&[("own.csv", rows.as_bytes()), ("choco.bf", choco.as_bytes())]);
    let (file, data) = (path("choco.bf"), path("own.csv"));
    let arguments = ["run", &file, "--size", "8", "--steps", "600", "--skew", "1", "--data", &data];
    let large = [&arguments[..], &["--param", "gamma=1"]].concat();
    let document = common::json_with_exit(&large, 3);
    let help = document["diagnostics"][0]["help"].as_str().expect("help");
    let tried = help.split("`--param ").nth(1).and_then(|rest| rest.split('`').next()).expect("a parameter");
    assert!(
        help.starts_with("make `gamma` smaller") && help.contains("the learning rate is not the cause"),
        "{help}"
    );
    json(&[&arguments[..], &["--param", tried]].concat());
}
