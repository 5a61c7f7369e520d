//! Cost lines, clusters and simulations on the command line.

use crate::common::{bfc, codes, files, json, json_with_exit, stdout};
use serde_json::Value;

fn number(document: &Value, path: &str) -> f64 {
    document.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
}

#[test]
fn every_compilation_has_a_cost_line() {
    let (_directory, path) = files(&[]);
    let out = path("out.bin");
    let text = stdout(&["compile", "examples/digits.bf", "--size", "8", "-o", &out]);
    assert!(text.contains("2 × the model in 2 rounds a rank and step"), "{text}");
    let cluster = ["--cluster", "ethernet", "--model-bytes", "10 MB"];
    let arguments = [&["compile", "examples/digits.bf", "--size", "8", "-o", &out], &cluster[..]].concat();
    let text = stdout(&arguments);
    assert!(text.contains("20 MB in 2 rounds") && text.contains("all-reduce: ring"), "{text}");
    let document = json(&arguments);
    assert_eq!(number(&document, "/cost/models/mean"), 2.0);
    assert_eq!(number(&document, "/cost/prediction/bytes/max"), 2e7);
    assert!(number(&document, "/cost/prediction/step_seconds") > 0.2);
    let warnings = document["warnings"].as_array().expect("warnings");
    assert!(warnings.iter().any(|one| one.as_str().is_some_and(|one| one.contains("loses"))), "{document:#}");
}

#[test]
fn a_million_ranks_have_their_cost_at_once() {
    let (_directory, path) = files(&[]);
    let start = std::time::Instant::now();
    let document = json(&[
        "compile",
        "topology::one_peer_exp2",
        "--size",
        "1048576",
        "--cluster",
        "v100",
        "-o",
        &path("m.bin"),
    ]);
    assert_eq!(number(&document, "/cost/prediction/machines"), 131_072.0);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn a_cluster_says_which_ranks_share_a_machine() {
    let (_directory, path) = files(&[("io.bf", include_bytes!("inner_outer.bf"))]);
    let (source, out) = (path("io.bf"), path("io.bin"));
    let document = json(&["compile", &source, "--size", "32", "--cluster", "v100", "-o", &out]);
    assert_eq!(number(&document, "/cost/models/mean"), 1.0);
    assert_eq!(number(&document, "/cost/prediction/exposed_seconds"), 0.0);
}

#[test]
fn a_simulation_is_reported_and_drawn() {
    let (_directory, path) = files(&[]);
    let arguments = [
        "simulate",
        "examples/local_steps.bf",
        "--sizes",
        "4,8,16",
        "--cluster",
        "wan",
        "--steps",
        "40",
        "--batch",
        "32",
    ];
    let document = json(&arguments);
    assert_eq!(document, json(&arguments), "the same seed gives the same");
    let sizes: Vec<_> = document["runs"].as_array().expect("runs").iter().map(|run| &run["size"]).collect();
    assert_eq!(sizes, [4, 8, 16]);
    assert!(
        number(&document, "/runs/2/samples_per_second") > number(&document, "/runs/0/samples_per_second")
    );
    let text = stdout(&[&arguments[..], &["--out", &path("results")]].concat());
    assert!(text.contains("samples/s") && text.contains("local_dgd over one_peer_exp2"), "{text}");
    let svg = std::fs::read_to_string(path("results/efficiency.svg")).expect("a picture");
    assert!(svg.contains("this schedule") && svg.contains("100 %") && !svg.contains("NaN"), "{svg}");
    let written = std::fs::read(path("results/simulation.json")).expect("a document");
    assert_eq!(serde_json::from_slice::<Value>(&written).expect("JSON"), document);
}

#[test]
fn lost_ranks_are_told() {
    let arguments = [
        "simulate",
        "examples/ring_dgd.bf",
        "--size",
        "8",
        "--cluster",
        "a100",
        "--steps",
        "30",
        "--lost",
        "3@10",
    ];
    let text = stdout(&arguments);
    assert!(text.contains("lost: 3; rank") && text.contains("7 ranks do"), "{text}");
    assert_eq!(number(&json(&arguments), "/runs/0/done"), 10.0);
    let source = b"topology harbour { names [\"Port\", \"Quay\", \"Pier\"]\n 0 -- 1\n 1 -- 2 }\n";
    let (_directory, path) = files(&[("harbour.bf", source)]);
    let lost = ["--size", "3", "--cluster", "a100", "--steps", "30", "--lost", "0@10"];
    let text = stdout(&[&["simulate", &path("harbour.bf")], &lost[..]].concat());
    assert!(text.contains("lost: Port (0); rank Quay (1)"), "{text}");
}

#[test]
fn clusters_are_listed_and_shown() {
    let listed = json(&["cluster"]);
    for entry in listed.as_array().expect("clusters") {
        let name = entry["name"].as_str().expect("a name");
        let (_directory, path) = files(&[("own.toml", stdout(&["cluster", name]).as_bytes())]);
        assert_eq!(json(&["cluster", name]), json(&["cluster", &path("own.toml")]));
    }
}

#[test]
fn a_probe_writes_a_cluster() {
    let (_directory, path) = files(&[]);
    let document = json(&["probe", "--cluster", "v100", "--ranks", "4", "-o", &path("mine.toml")]);
    for transport in ["threads", "sockets"] {
        let latency = number(&document, &format!("/{transport}/latency_seconds"));
        let rate = number(&document, &format!("/{transport}/bytes_per_second"));
        assert!((1e-8..1.0).contains(&latency) && (1e6..1e13).contains(&rate), "{document:#}");
    }
    assert_eq!(json(&["cluster", &path("mine.toml")])["ranks_per_machine"], 4);
}

#[test]
fn a_probe_under_mpirun_wants_mpi() {
    let told = bfc(&["probe", "--format", "json"])
        .env("OMPI_COMM_WORLD_SIZE", "2")
        .env("BFC_MPI", "/nowhere/libbfc_mpi.so")
        .assert()
        .code(3);
    let document: Value = serde_json::from_slice(&told.get_output().stdout).expect("a document");
    assert_eq!(document["diagnostics"][0]["code"], "bfc::mpi::not_connected");
    assert!(document["diagnostics"][0]["help"].as_str().is_some_and(|help| help.contains("`bfc mpi`")));
}

#[test]
fn bad_requests_are_refused() {
    let (_directory, path) = files(&[("bad.toml", b"name = 1"), ("few.toml", few().as_bytes())]);
    let simulate = |more: &[&str]| {
        let arguments = [&["simulate", "examples/ring_dgd.bf", "--cluster"], more].concat();
        codes(&arguments, 1)
    };
    assert_eq!(simulate(&["cray", "--size", "8"]), ["bfc::cluster::unknown"]);
    assert_eq!(simulate(&[&path("bad.toml"), "--size", "8"]), ["bfc::cluster::malformed"]);
    assert_eq!(simulate(&[&path("few.toml"), "--size", "32"]), ["bfc::cluster::too_few_machines"]);
    assert_eq!(simulate(&["v100", "--size", "8", "--lost", "8@1"]), ["bfc::predict::unknown_rank"]);
    let late = ["v100", "--size", "8", "--steps", "100", "--lost", "3@100"];
    assert_eq!(simulate(&late), ["bfc::predict::lost_too_late"]);
    let slow = ["v100", "--sizes", "16,8", "--stragglers", "9x2"];
    assert_eq!(simulate(&slow), ["bfc::predict::too_many_stragglers"]);
    let days = ["v100", "--size", "100000", "--steps", "1000000"];
    assert_eq!(simulate(&days), ["bfc::predict::too_large"]);
    for wrong in [["--stragglers", "2x0.5"], ["--lost", "3"], ["--model-bytes", "much"], ["--jitter", "-1"]] {
        bfc(&["simulate", "examples/ring_dgd.bf", "--size", "8", "--cluster", "v100"])
            .args([format!("{}={}", wrong[0], wrong[1])])
            .assert()
            .code(2);
    }
}

#[test]
fn numbers_are_asked_for_in_words() {
    let simulate = |more: &[&str]| {
        let arguments = [&["simulate", "examples/ring_dgd.bf", "--cluster", "v100"], more].concat();
        let document = json_with_exit(&arguments, 2);
        document["diagnostics"][0]["message"].as_str().expect("a message").to_string()
    };
    let sizes = simulate(&["--size", "8,8,x"]);
    assert!(sizes.contains("expected a whole number, at most 4294967295"), "{sizes}");
    for (flag, most) in [("--batch", "4294967295"), ("--steps", "1000000")] {
        let told = simulate(&["--size", "8", flag, "0"]);
        assert!(told.contains(&format!("expected a whole number from 1 to {most}")), "{told}");
    }
    let probe = json_with_exit(&["probe", "--ranks", "none"], 2);
    assert!(probe["diagnostics"][0]["message"].as_str().is_some_and(|told| told.contains("from 1 to 65536")));
}

#[test]
fn what_is_in_the_way_of_results_is_told_before_anything_runs() {
    let (_directory, path) = files(&[("file", b"")]);
    let out = path("file");
    let long = ["--size", "1024", "--cluster", "v100", "--steps", "100000", "--out", &out];
    let simulate = [&["simulate", "examples/ring_dgd.bf"], &long[..]].concat();
    assert_eq!(codes(&simulate, 2), ["bfc::cli::not_a_directory"]);
    let range = ["analyze", "topology::ring", "--size", "2..4000", "--out", &out];
    assert_eq!(codes(&range, 2), ["bfc::cli::not_a_directory"]);
}

/// A cluster of two machines.
fn few() -> String {
    let text = stdout(&["cluster", "v100"]);
    text.replace("ranks_per_machine", "machines = 2\nranks_per_machine")
}
