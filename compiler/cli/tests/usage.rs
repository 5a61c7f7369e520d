//! A wrong command line is reported like every other error, and no flag is dropped silently.

use crate::common::{bfc, codes, files, json, json_with_exit, stdout};

const BIASED: &[u8] = b"use algorithm::dgd
topology star {
    for i in 1..size { 0 -- i }
    weights uniform
}
schedule {
    topology star
    algorithm dgd
}";

fn help(arguments: &[&str], exit: i32) -> String {
    let document = json_with_exit(arguments, exit);
    let one = &document["diagnostics"][0];
    format!("{} / {}", one["message"].as_str().unwrap_or_default(), one["help"].as_str().unwrap_or_default())
}

#[test]
fn wrong_usage_is_a_document_too() {
    for arguments in [
        &["analyze", "topology::ring"][..],
        &["compil", "x"],
        &["analyze", "topology::ring", "--size", "many"],
        &["man", "runn"],
        &[],
    ] {
        assert_eq!(codes(arguments, 2), ["bfc::cli::usage"], "{arguments:?}");
    }
    assert!(help(&["analyse", "topology::ring", "--size", "4"], 2).contains("analyze"));
    assert!(help(&["man", "runn"], 2).contains("did you mean `run`?"));
    let told = bfc(&["--format=json", "analyze"]).assert().code(2).get_output().clone();
    assert!(told.stderr.is_empty() && !told.stdout.is_empty());
    assert!(stdout(&["--help"]).contains("Usage"), "help is not an error");
}

#[test]
fn negative_values_get_their_own_range() {
    let run = |flag: &str, value: &str| help(&["run", "examples/digits.bf", "--size", "4", flag, value], 2);
    for (flag, value, expected) in [
        ("--lr", "-1", "a finite number above 0"),
        ("--skew", "-0.5", "from 0 to 1"),
        ("--steps", "-3", "from 1 to 1000000"),
        ("--seed", "-3", "a whole number"),
        ("--local-size", "-3", "a whole number"),
    ] {
        let told = run(flag, value);
        assert!(told.contains(expected) && !told.contains("unexpected"), "{told}");
    }
    assert!(help(&["analyze", "topology::ring", "--size", "-1"], 2).contains("a number of ranks"));
}

#[test]
fn completions_and_pages_are_documents_where_asked() {
    assert!(json(&["completions", "fish"])["script"].as_str().is_some_and(|text| text.contains("analyze")));
    assert_eq!(json(&["man", "run"])["name"], "bfc-run");
    let both = ["compile", "topology::ring", "--size", "4", "-o", "-"];
    assert_eq!(codes(&both, 2), ["bfc::cli::standard_output_twice"]);
}

#[test]
fn standard_input_is_a_file() {
    let schedule =
        bfc(&["compile", "topology::ring", "--size", "4", "-o", "-"]).output().expect("runs").stdout;
    for command in ["verify", "inspect"] {
        bfc(&[command, "-"]).write_stdin(schedule.clone()).assert().code(0);
    }
    bfc(&["verify", "-"]).write_stdin("no schedule").assert().code(1);
    bfc(&["check", "-"])
        .write_stdin("topology t { for i in ranks { i -- (i + 1) mod size } }")
        .assert()
        .code(0);
    let told = bfc(&["check", "-"]).write_stdin("topology t { i }").assert().code(1).get_output().clone();
    assert!(String::from_utf8_lossy(&told.stderr).contains("standard input:1"));
}

#[test]
fn a_repeated_parameter_is_refused() {
    let twice = |second: &str| {
        ["analyze", "topology::exponential", "--size", "9", "-p", "base=2", "-p", second].map(str::to_string)
    };
    for second in ["base=3", "topology.base=3"] {
        let arguments = twice(second);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(codes(&arguments, 1), ["bfc::resolve::repeated_parameter"]);
        let told = help(&arguments, 1);
        assert!(told.contains("`base=2`") && told.contains(&format!("`{second}`")), "{told}");
    }
}

#[test]
fn only_what_can_be_allowed_is_allowed() {
    let check = |allow: &'static str| ["check", "examples/digits.bf", "--allow", allow];
    assert_eq!(codes(&check("nonsense"), 2), ["bfc::request::unknown_allowance"]);
    let told = help(&check("requirement_undecided"), 2);
    assert!(
        told.contains("did you mean `requirement_not_decided`?") && told.contains("ensure_not_decided"),
        "{told}"
    );
    for allowed in ["requirement_not_decided", "bfc::prove::requirement_not_decided", "stable"] {
        bfc(&check(allowed)).assert().code(0);
    }
    let analyze = ["analyze", "topology::ring", "--size", "4", "--allow", "nonsense"];
    assert_eq!(codes(&analyze, 2), ["bfc::request::unknown_allowance"]);
}

#[test]
fn a_refuted_requirement_is_accepted_by_its_code_alone_and_recorded() {
    let (_directory, path) = files(&[("biased.bf", BIASED)]);
    let (file, output) = (path("biased.bf"), path("out.bin"));
    let compile = ["compile", &file, "--size", "8", "-o", &output, "--allow"];
    bfc(&[&compile[..], &["doubly_stochastic"]].concat()).assert().code(1);
    bfc(&[&compile[..], &["requirement_refuted"]].concat()).assert().code(0);
    let shown = stdout(&["inspect", &output]);
    assert!(shown.contains("doubly_stochastic: bfc::prove::requirement_refuted: "), "{shown}");
}

#[test]
fn a_schedule_without_a_topology_is_refused() {
    let (_directory, path) = files(&[
        ("open.bf", b"use algorithm::dgd\nschedule { algorithm dgd }"),
        (
            "alone.bf",
            b"algorithm a(lr: scalar = 0.1) {\n state x = params\n step { x <- mix(x) - lr * grad(x) }\n}",
        ),
    ]);
    assert_eq!(codes(&["check", &path("open.bf")], 1), ["bfc::evaluate::no_topology"]);
    bfc(&["check", &path("alone.bf")]).assert().code(0);
}

#[test]
fn checks_say_who_claims() {
    let document = json(&["check", "examples/ring_dgd.bf"]);
    let checks = document["checks"].as_array().expect("checks");
    let by = |role: &str, item: &str| {
        checks
            .iter()
            .any(|one| one["role"] == role && one["item"] == item && one["claim"] == "doubly_stochastic")
    };
    assert!(by("requires", "dgd") && by("ensures", "ring"), "{document:#}");
    assert!(stdout(&["check", "examples/ring_dgd.bf"]).contains("dgd requires"));
}

#[test]
fn a_bare_library_name_is_guessed() {
    assert!(help(&["show", "ring"], 2).contains("`topology::ring`"));
    assert!(help(&["show", "rings"], 2).contains("`topology::ring`"));
    assert!(help(&["show", "topology::rings"], 2).contains("`topology::ring`"));
}

#[test]
fn long_lines_and_many_errors_stay_short() {
    let (_directory, path) = files(&[
        ("minuses.bf", &b"-".repeat(200_000)),
        (
            "names.bf",
            format!("topology t {{ for i in ranks {{ i -> {} }} }}", "abc + ".repeat(30_000) + "1")
                .as_bytes(),
        ),
        ("long.bf", format!("fn f(x) = {}", "a".repeat(100_000)).as_bytes()),
        ("lines.bf", "fn f(x) = y\n".repeat(10_000).as_bytes()),
        ("wide.bf", format!("topology t {{ /*{}*/ 0 -> 1 ? 2 }}", "é".repeat(1000)).as_bytes()),
    ]);
    for name in ["minuses.bf", "names.bf", "long.bf", "lines.bf", "wide.bf"] {
        let told = bfc(&["check", &path(name)]).assert().code(1).get_output().stderr.clone();
        let told = String::from_utf8(told).expect("text");
        assert!(told.len() < 40_000, "{name}: {} bytes", told.len());
        assert!(told.lines().all(|line| line.chars().count() < 300), "{name}:\n{told}");
        let document = bfc(&["check", &path(name), "--format", "json"]).output().expect("runs").stdout;
        assert!(document.len() < 200_000, "{name}: {} bytes of JSON", document.len());
    }
    let told = bfc(&["check", &path("lines.bf")]).assert().code(1).get_output().stderr.clone();
    assert!(String::from_utf8_lossy(&told).contains(" more\n"));
    let minuses = json_with_exit(&["check", &path("minuses.bf")], 1);
    assert!(minuses["diagnostics"].as_array().is_some_and(|all| all.len() < 5), "equal neighbours are one");
}

#[test]
fn a_cut_line_keeps_its_place() {
    let source = format!("topology t {{ for i in [{}zzz] {{ i -> 0 }} }}", "0, ".repeat(500));
    let (_directory, path) = files(&[("cut.bf", source.as_bytes())]);
    let column = source.find("zzz").expect("there") + 1;
    let told = bfc(&["check", &path("cut.bf")]).assert().code(1).get_output().stderr.clone();
    let told = String::from_utf8(told).expect("text");
    assert!(told.contains(&format!("cut.bf:1:{column}")), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    let at = lines.iter().position(|line| line.contains("zzz]")).expect("the source");
    let place =
        lines[at].chars().collect::<String>().find("zzz").map(|byte| lines[at][..byte].chars().count());
    let under = lines[at + 1]
        .chars()
        .position(|letter| letter == '─' || letter == '┬' || letter == '^' || letter == '-');
    assert_eq!(place, under, "{told}");
}
