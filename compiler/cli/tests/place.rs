//! Schedules for a cluster on the command line: rounds that respect shared links, and ranks on better places.

use crate::common::{bfc, files, json, stdout};
use serde_json::Value;

/// Four machines of four ranks with one NIC each.
const CLUSTER: &[u8] = br#"
name = "4 x 4"
ranks_per_machine = 4
[inside]
latency = "1 us"
bandwidth = "10 GB/s"
[between]
latency = "10 us"
bandwidth = "1 GB/s"
[compute]
step = "100 ms"
"#;

/// A ring of 16 ranks whose neighbours are 5 apart.
const RING: &[u8] =
    b"topology t {\n for i in ranks { (5 * i) mod size -- (5 * (i + 1)) mod size }\n weights metropolis\n}\n\
    schedule { topology t }";

fn number(document: &Value, path: &str) -> f64 {
    document.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
}

#[test]
fn a_placed_schedule_is_for_the_cluster_and_still_proved() {
    let (_directory, path) = files(&[("c.toml", CLUSTER), ("ring.bf", RING)]);
    let (cluster, source, out) = (path("c.toml"), path("ring.bf"), path("ring.bin"));
    let compile = ["compile", &source, "--size", "16", "--cluster", &cluster, "-o", &out];
    let plain = json(&compile);
    let document = json(&[&compile[..], &["--place"]].concat());
    assert_eq!(number(&document, "/placement/before/messages_between_machines"), 32.0);
    assert_eq!(number(&document, "/placement/after/messages_between_machines"), 8.0);
    let after = number(&document, "/placement/after/step_seconds");
    assert_eq!(after, number(&document, "/cost/prediction/step_seconds"));
    assert!(after < 0.5 * number(&plain, "/cost/prediction/step_seconds"), "{document:#}");
    let proof = json(&["verify", &out, "--proof"]);
    let checks = proof["proof"].as_array().expect("a proof");
    assert!(checks.iter().all(|check| check["confirmed"] == true), "{proof:#}");
    let inspected = json(&["inspect", &out]);
    assert_eq!(inspected["metadata"]["placement"], document["placement"]["ranks"]);
    assert!(stdout(&["inspect", &out]).contains("placed              for 4 x 4: ranks 0"));
    let text = stdout(&[&compile[..], &["--place"]].concat());
    assert!(text.contains("of 16 ranks moved: exchanges of 200 ms a step instead of"), "{text}");
}

#[test]
fn an_algorithm_keeps_its_proofs_on_other_places() {
    let (_directory, path) = files(&[]);
    let out = path("expo.bin");
    let document =
        json(&["compile", "examples/expo2.bf", "--size", "64", "--cluster", "v100", "--place", "-o", &out]);
    assert!(
        number(&document, "/placement/after/step_seconds")
            <= number(&document, "/placement/before/step_seconds")
    );
    assert_ne!(document["placement"]["ranks"][1], 1, "{document:#}");
    bfc(&["verify", &out, "--proof"]).assert().code(0);
}

#[test]
fn rounds_respect_shared_links_where_that_is_faster() {
    let (_directory, path) = files(&[("c.toml", CLUSTER), ("ring.bf", RING)]);
    let out = path("out.bin");
    let compile = |name: &str, size: &str, cluster: &str| {
        stdout(&["compile", name, "--size", size, "--cluster", cluster, "-o", &out])
    };
    let text = compile("topology::geometric", "64", "v100");
    assert!(text.contains("geometric: 38 rounds instead of 30, since links are shared"), "{text}");
    assert!(text.contains("geometric: 38 in 1 phase of a period, at least 30"), "{text}");
    bfc(&["verify", &out]).assert().code(0);
    let text = compile(&path("ring.bf"), "16", &path("c.toml"));
    assert!(text.contains("4 times as long as alone; other rounds would gain less than 1 %"), "{text}");
    let text = compile("topology::exponential", "64", "v100");
    assert!(text.contains("8 times as long as alone; other rounds would gain less than 1 %"), "{text}");
    let text = compile("topology::exponential", "8192", "v100");
    assert!(text.contains("rounds that are alike for all ranks stay"), "{text}");
    let text = compile("topology::exponential", "64", "ethernet");
    assert!(!text.contains("rounds instead of"), "{text}");
}

#[test]
fn check_tells_what_compile_tells() {
    let (_directory, path) = files(&[("c.toml", CLUSTER), ("ring.bf", RING)]);
    let (cluster, source, out) = (path("c.toml"), path("ring.bf"), path("ring.bin"));
    let common = [source.as_str(), "--size", "16", "--cluster", &cluster, "--place"];
    let checked = json(&[&["check"], &common[..]].concat());
    let compiled = json(&[&["compile", "-o", &out], &common[..]].concat());
    for key in ["cost", "sharing", "placement", "phases", "warnings"] {
        assert_eq!(checked[key], compiled[key], "{key}");
    }
    bfc(&["check", &source, "--place"]).assert().code(2);
}

#[test]
fn a_simulation_places_too() {
    let (_directory, path) = files(&[("c.toml", CLUSTER), ("ring.bf", RING)]);
    let (cluster, source) = (path("c.toml"), path("ring.bf"));
    let simulate = ["simulate", &source, "--size", "16", "--cluster", &cluster, "--steps", "20"];
    let (plain, placed) = (json(&simulate), json(&[&simulate[..], &["--place"]].concat()));
    assert!(number(&placed, "/runs/0/step_seconds") < 0.5 * number(&plain, "/runs/0/step_seconds"));
    assert_eq!(number(&placed, "/runs/0/placement/after/messages_between_machines"), 8.0);
    let text = stdout(&[&simulate[..], &["--place"]].concat());
    assert!(text.contains("16 ranks: ") && text.contains("ranks moved"), "{text}");
}

/// On a ring, a round of all ranks one way and then the other waits for the NICs twice; said as a rule, a list of edges takes
/// the same time.
#[test]
fn a_rule_has_other_rounds_too_where_that_is_faster() {
    let listed = b"topology listed {\n for [a, b] in [[i, (i + 1) mod size] for i in 0..size] { a -- b }\n weights metropolis\n}\n\
        schedule { topology listed }";
    let (_directory, path) = files(&[("listed.bf", listed)]);
    let out = path("out.bin");
    let compile = |name: &str| json(&["compile", name, "--size", "64", "--cluster", "a100", "-o", &out]);
    let listed = compile(&path("listed.bf"));
    let ruled = compile("topology::ring");
    let step = number(&ruled, "/cost/prediction/step_seconds");
    assert!((4.6e-3..4.7e-3).contains(&step), "{ruled:#}");
    // Up to the order in which times are added up.
    let is_step = |seconds: f64| (seconds - step).abs() < 1e-13 * step;
    assert!(is_step(number(&listed, "/cost/prediction/step_seconds")), "{listed:#}");
    assert!(is_step(number(&ruled, "/sharing/0/seconds")), "{ruled:#}");
    bfc(&["verify", &out, "--proof"]).assert().code(0);
    let arguments = ["topology::ring", "--size", "64", "--cluster", "a100"];
    let simulated = json(&[&["simulate", "--steps", "128", "--jitter", "0"], &arguments[..]].concat());
    assert!((step - number(&simulated, "/runs/0/step_seconds")).abs() < 1e-12, "{simulated:#}");
    let compared = json(&[&["compare"], &arguments[..]].concat());
    assert_eq!(step, number(&compared, "/columns/0/step_seconds"));
}
