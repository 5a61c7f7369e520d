//! Bad input ends with a code, quickly, and with nothing half written.

use crate::common;
use crate::common::{bfc, codes, files, json_with_exit};
use std::time::Instant;

const GOOD: &[u8] = b"topology t { for i in ranks { i -- (i + 1) mod size } }";

/// The codes of refusing to check a source.
fn refused(source: &[u8]) -> Vec<String> {
    let (_directory, path) = files(&[("source.bf", source)]);
    let start = Instant::now();
    let codes = codes(&["check", &path("source.bf")], 1);
    assert!(start.elapsed().as_secs() < 10, "refused in {:?}", start.elapsed());
    codes
}

#[test]
fn sizes() {
    let zero = codes(&["analyze", "topology::ring", "--size", "0"], 1);
    assert_eq!(zero.len(), 1, "{zero:?}");
    bfc(&["analyze", "topology::ring", "--size", "-1"]).assert().code(2);
    bfc(&["analyze", "topology::ring", "--size", "99999999999"]).assert().code(2);
    for name in ["ring", "ring_directed", "star", "complete", "grid2d", "exponential", "one_peer_exp2"] {
        let one = common::json(&["analyze", &format!("topology::{name}"), "--size", "1"]);
        assert_eq!(one["period"], 1, "{name}");
        assert_eq!(one["rho"].as_f64(), Some(0.0), "{name}");
        assert_eq!(one["exact_average"], true, "{name}");
        for size in ["2", "3", "7", "13"] {
            bfc(&["check", &format!("topology::{name}"), "--size", size]).assert().code(0);
        }
    }
    let odd = json_with_exit(&["check", "topology::hypercube", "--size", "12"], 1);
    assert!(
        odd["diagnostics"][0]["message"].as_str().is_some_and(|message| message.contains("12")),
        "{odd:#}"
    );
}

#[test]
fn sources_that_are_no_text_too_long_or_too_deep() {
    assert_eq!(refused(b"topology t { \xff }"), ["bfc::cli::not_text"]);
    assert_eq!(refused(&b"// a long comment\n".repeat(600_000)), ["bfc::parse::source_too_large"]);
    let deep = [&b"fn f() = "[..], &b"(".repeat(10_000), b"1", &b")".repeat(10_000)].concat();
    assert_eq!(refused(&deep), ["bfc::parse::too_deep"]);
    assert!(!refused(b"").is_empty());
}

#[test]
fn mistakes_in_a_source_are_all_reported_with_their_place() {
    let (_directory, path) =
        files(&[("bad.bf", b"topology t {\n    for i in ranks { i -> }\n}\nfn f(a = 1\n")]);
    let document = json_with_exit(&["check", &path("bad.bf")], 1);
    let diagnostics = document["diagnostics"].as_array().expect("diagnostics");
    assert!(diagnostics.len() >= 2, "{document:#}");
    let label = &diagnostics[0]["labels"][0];
    assert_eq!(label["line"], 2, "{document:#}");
    assert!(label["file"].as_str().is_some_and(|file| file.ends_with("bad.bf")));
    let told = bfc(&["check", &path("bad.bf")]).assert().code(1).get_output().clone();
    assert!(told.stdout.is_empty());
    let told = String::from_utf8(told.stderr).expect("text");
    assert!(told.contains("bad.bf:2") && told.contains("bfc explain bfc::"), "{told}");
}

#[test]
fn runaway_and_wrong_programs() {
    for source in [
        "fn f(n) = f(n + 1)\ntopology t { for i in ranks { i -> f(0) } }",
        "topology t { for i in ranks { i -> i + size } }",
        "topology t {\n 0 -> 1 weight 1/2\n 1 -> 2\n}",
        "topology t { for i in ranks { i -> j } }",
        "use topology::rong",
        "use nowhere::t",
    ] {
        let codes = refused(source.as_bytes());
        assert!(!codes.is_empty(), "{source}: {codes:?}");
    }
}

#[test]
fn a_use_of_a_file_beside_works_and_a_cycle_is_refused() {
    let (_directory, path) = files(&[
        ("main.bf", b"use other::t\nschedule { topology t }"),
        ("other.bf", GOOD),
        ("a.bf", b"use b::t\nschedule { topology t }"),
        ("b.bf", b"use a::s\ntopology t = s"),
    ]);
    bfc(&["check", &path("main.bf")]).assert().code(0);
    assert!(!codes(&["check", &path("a.bf")], 1).is_empty());
}

#[test]
fn more_files_than_a_compilation_reads() {
    let parts: Vec<_> =
        (0..256).map(|k| (format!("part{k}.bf"), format!("fn f{k}(n) = n\n").into_bytes())).collect();
    let uses: String = (0..256).map(|k| format!("use part{k}::f{k}\n")).collect();
    let mut sources = vec![("main.bf", uses.as_bytes())];
    sources.extend(parts.iter().map(|(name, text)| (name.as_str(), text.as_slice())));
    let (_directory, path) = files(&sources);
    assert_eq!(codes(&["check", &path("main.bf")], 1), ["bfc::resolve::too_many_files"]);
}

/// Evaluation has a stack of its own, which a limit on address space can deny.
#[cfg(target_os = "linux")]
#[test]
fn no_room_for_the_stack_of_evaluation() {
    let command =
        format!("ulimit -v 262144; exec {} check topology::ring --format json", env!("CARGO_BIN_EXE_bfc"));
    let output = assert_cmd::Command::new("sh").args(["-c", &command]).assert().code(1).get_output().clone();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["diagnostics"][0]["code"], "bfc::request::no_thread");
}

#[test]
fn parameters() {
    let analyze = ["analyze", "topology::exponential", "--size", "8", "--param"];
    for value in ["bse=3", "base=1/2", "base=true", "base=)", "base=1/0"] {
        assert!(!codes(&[&analyze[..], &[value]].concat(), 1).is_empty(), "{value}");
    }
    bfc(&[&analyze[..], &["base"]].concat()).assert().code(2);
}

#[test]
fn missing_files_and_names() {
    assert_eq!(codes(&["check", "no/such.bf"], 2), ["bfc::cli::missing_file"]);
    assert_eq!(codes(&["verify", "no-such.bin"], 2), ["bfc::cli::missing_file"]);
    assert_eq!(codes(&["check", "examples"], 2), ["bfc::cli::unreadable"]);
    let document = json_with_exit(&["analyze", "topology::rng", "--size", "8"], 2);
    assert_eq!(document["diagnostics"][0]["code"], "bfc::cli::unknown_library_name");
    assert!(
        document["diagnostics"][0]["help"].as_str().is_some_and(|help| help.contains("`topology::ring`"))
    );
    let document = json_with_exit(&["check", "examples/digit.bf"], 2);
    assert!(
        document["diagnostics"][0]["help"].as_str().is_some_and(|help| help.contains("examples/digits.bf"))
    );
    let document = json_with_exit(&["check", "ring"], 2);
    assert!(document["diagnostics"][0]["help"].as_str().is_some_and(|help| help.contains("topology::ring")));
    bfc(&["show", "topology::rings"]).assert().code(2);
    let document = json_with_exit(&["list", "momentun"], 2);
    assert_eq!(document["diagnostics"][0]["code"], "bfc::cli::nothing_found");
    let help = document["diagnostics"][0]["help"].as_str().expect("help");
    assert!(help.contains("`algorithm::momentum_tracking`"), "{help}");
    assert_eq!(codes(&["list", "qqq"], 2), ["bfc::cli::nothing_found"]);
}

#[test]
fn wrong_usage() {
    bfc(&[]).assert().code(2);
    let told = bfc(&["compil", "x"]).assert().code(2).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains("compile"));
    bfc(&["analyze", "topology::ring"]).assert().code(2);
    bfc(&["run", "examples/digits.bf", "--size", "4", "--skew", "2"]).assert().code(2);
    bfc(&["run", "examples/digits.bf", "--size", "4", "--lr", "NaN"]).assert().code(2);
    bfc(&["run", "examples/digits.bf", "--size", "4", "--steps", "0"]).assert().code(2);
}

#[test]
fn changed_schedules_are_refused() {
    let (_directory, path) = files(&[]);
    let schedule = path("sched.bin");
    bfc(&["compile", "topology::star", "--size", "5", "-o", &schedule]).assert().code(0);
    let good = std::fs::read(&schedule).expect("compiled");
    let mut bad: Vec<Vec<u8>> = vec![vec![], good[..good.len() / 2].to_vec(), [&good[..], b"\0"].concat()];
    for place in (0..good.len()).step_by(good.len() / 40 + 1) {
        let mut flipped = good.clone();
        flipped[place] ^= 1 << (place % 8);
        bad.push(flipped);
    }
    for bytes in bad {
        std::fs::write(path("bad.bin"), &bytes).expect("written");
        assert!(!codes(&["verify", &path("bad.bin")], 1).is_empty());
        assert!(!codes(&["inspect", &path("bad.bin")], 1).is_empty());
    }
}

#[test]
fn outputs_that_cannot_be_written_leave_nothing() {
    /// What begins as a schedule does may be overwritten.
    const HELD: &[u8] = b"\x89BFC\r\n\x1a\nkept";
    let (directory, path) = files(&[("kept.bin", HELD), ("good.bf", GOOD)]);
    let compile = |output: &str| codes(&["compile", &path("good.bf"), "--size", "4", "-o", output], 2);
    assert_eq!(compile(&path("kept.bin/s.bin")), ["bfc::cli::unwritable"]);
    assert_eq!(compile(&(path("new") + "/")), ["bfc::cli::unwritable"]);
    assert_eq!(compile(directory.path().to_str().expect("a plain path")), ["bfc::cli::unwritable"]);
    bfc(&["compile", &path("good.bf"), "--size", "0", "-o", &path("kept.bin")]).assert().code(1);
    assert_eq!(std::fs::read(path("kept.bin")).expect("kept"), HELD);
    let names = std::fs::read_dir(directory.path()).expect("listed").count();
    assert_eq!(names, 2, "no temporary file stays");
}
