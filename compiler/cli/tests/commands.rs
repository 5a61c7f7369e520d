//! Every command does what its help says.

use crate::common;
use crate::common::{bfc, codes, files, json, json_with_exit, stdout};
use serde_json::{Value, json as value};

const ANALYSIS_KEYS: [&str; 40] = [
    "size",
    "period",
    "max_out_degree",
    "max_in_degree",
    "rounds",
    "row_stochastic",
    "column_stochastic",
    "doubly_stochastic",
    "nonnegative",
    "symmetric",
    "connected",
    "primitive",
    "contracting",
    "rho",
    "sigma2",
    "spectral_gap",
    "lambda_min",
    "least_sigma2",
    "least_sigma2_nonnegative",
    "effective_neighbours",
    "noise_memory",
    "period_contraction",
    "rate_per_step",
    "asymptotic_rate",
    "exact_average",
    "exact_after",
    "rounds_to_1e-3",
    "rounds_to_1e-6",
    "consensus_error",
    "stationary",
    "expected_contraction",
    "bytes_per_rank_per_model_byte",
    "allreduce_bytes_per_rank_per_model_byte",
    "methods",
    "residuals",
    "bounds",
    "optimised",
    "quadratic",
    "checks",
    "notes",
];

#[test]
fn analyze_has_these_keys_and_no_others() {
    let document = json(&["analyze", "topology::ring", "--size", "16"]);
    let found: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(found, ANALYSIS_KEYS);
    assert_eq!(document["size"], 16);
    assert_eq!(document["doubly_stochastic"], true);
    let rho = 1.0 / 3.0 + 2.0 / 3.0 * (std::f64::consts::TAU / 16.0).cos();
    assert!((document["rho"].as_f64().expect("a number") - rho).abs() < 1e-12);
}

#[test]
fn analyze_for_people_names_the_numbers() {
    let text = stdout(&["analyze", "topology::ring", "--size", "16"]);
    assert!(text.contains("rho") && text.contains("0.949"), "{text}");
}

#[test]
fn analyze_reports_what_fails_and_succeeds_where_check_refuses() {
    let (_directory, path) = files(&[(
        "biased.bf",
        b"topology biased {\n for i in 1..size { 0 -- i }\n weights uniform\n ensure doubly_stochastic\n}",
    )]);
    let document = json(&["analyze", &path("biased.bf"), "--size", "5"]);
    assert_eq!(document["doubly_stochastic"], false);
    assert!(document["checks"].as_array().is_some_and(|checks| !checks.is_empty()), "{document:#}");
    bfc(&["check", &path("biased.bf"), "--size", "5"]).assert().code(1);
    bfc(&["compile", &path("biased.bf"), "--size", "5", "-o", &path("out.bin")]).assert().code(1);
    assert!(!std::path::Path::new(&path("out.bin")).exists(), "nothing is written");
}

#[test]
fn how_near_optimised_weights_come_is_told() {
    let text = b"topology t {\n for i in 1..size { i - 1 -- i }\n weights fastest\n}";
    let (_directory, path) = files(&[("t.bf", text)]);
    let told = stdout(&["check", &path("t.bf"), "--size", "8"]);
    assert!(told.contains("fastest: 0.92388, at most ") && told.contains(" above the optimum"), "{told}");
    assert!(
        stdout(&["analyze", &path("t.bf"), "--size", "8"]).contains("optimised: fastest: 0.92388, at most")
    );
    for verb in ["check", "analyze"] {
        let document = json(&[verb, &path("t.bf"), "--size", "8"]);
        let one = &document["optimised"][0];
        assert_eq!((&one["what"], &one["number"]), (&value!("fastest"), &value!("sigma2")), "{document:#}");
        assert!(one["gap"].as_f64().is_some_and(|gap| (0.0..1e-6).contains(&gap)), "{document:#}");
    }
    let plain = json(&["check", "topology::ring", "--size", "8"]);
    assert_eq!(plain["optimised"], value!([]));
}

#[test]
fn parameters_reach_the_topology() {
    let document = json(&["analyze", "topology::exponential", "--param", "base=3", "--size", "33"]);
    assert_eq!(document["max_out_degree"], 4);
}

#[test]
fn compile_inspect_and_verify_agree() {
    let (_directory, path) = files(&[]);
    let schedule = path("sched.bin");
    bfc(&["compile", "examples/expo2.bf", "--size", "8", "-o", &schedule]).assert().code(0);
    let verified = json(&["verify", &schedule]);
    assert_eq!((&verified["valid"], &verified["size"]), (&value!(true), &value!(8)));

    let document = json(&["inspect", &schedule]);
    let phases = document["topologies"][0]["phases"].as_array().expect("phases");
    assert_eq!(phases.len(), 3);
    for (phase, hop) in phases.iter().zip([1, 2, 4]) {
        for (rank, row) in phase["ranks"].as_array().expect("ranks").iter().enumerate() {
            let (source, target) = ((rank + 8 - hop) % 8, (rank + hop) % 8);
            assert_eq!(row["self_weight"], 0.5);
            assert_eq!(row["in_weights"], value!({ source.to_string(): 0.5 }));
            let round = &phase["rounds"][0]["ranks"][rank];
            assert_eq!((&round["send_to"], &round["recv_from"]), (&value!(target), &value!(source)));
        }
    }
    let one = json(&["inspect", &schedule, "--rank", "3"]);
    assert_eq!(one["topologies"][0]["phases"][0]["ranks"].as_array().map(Vec::len), Some(1));
    assert!(stdout(&["inspect", &schedule]).contains("←7 × 1/2"));
    assert_eq!(codes(&["inspect", &schedule, "--rank", "8"], 2), ["bfc::cli::unknown_rank"]);
}

#[test]
fn compiling_twice_gives_the_same_bytes() {
    let (_directory, path) = files(&[]);
    for name in ["a", "b"] {
        bfc(&["compile", "examples/digits.bf", "--size", "6", "-o", &path(name)]).assert().code(0);
    }
    assert_eq!(std::fs::read(path("a")).expect("a"), std::fs::read(path("b")).expect("b"));
}

#[test]
fn a_schedule_can_go_to_standard_output() {
    let (_directory, path) = files(&[]);
    let output = bfc(&["compile", "topology::ring", "--size", "4", "-o", "-"]).assert().code(0);
    std::fs::write(path("piped"), &output.get_output().stdout).expect("written");
    bfc(&["verify", &path("piped")]).assert().code(0);
}

#[test]
fn every_example_checks() {
    let directory = std::fs::read_dir(common::root().join("examples")).expect("examples");
    let mut checked = 0;
    for path in directory.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "bf") {
            bfc(&["check", path.to_str().expect("a plain path")]).assert().code(0);
            checked += 1;
        }
    }
    assert!(checked >= 4);
}

#[test]
fn every_library_name_is_listed_shown_and_checked() {
    let entries = json(&["list"]);
    let entries = entries.as_array().expect("a list");
    assert!(entries.len() >= 15);
    for entry in entries {
        let name = entry["name"].as_str().expect("a name");
        assert!(entry["documentation"].as_str().is_some_and(|text| text.len() > 20), "{name} is documented");
        assert!(stdout(&["show", name]).contains(name.rsplit("::").next().expect("a part")));
        // Some topologies are defined at primes or at one size only.
        let checks = |size| bfc(&["check", name, "--size", size]).assert().get_output().status.success();
        assert!(["16", "13", "10", "15", "32", "34"].into_iter().any(checks), "{name} is refused");
    }
    assert!(stdout(&["list", "topology"]).contains("topology::ring"));
    assert!(!stdout(&["list", "topology"]).contains("algorithm::"));
}

#[test]
fn check_tells_what_the_trainer_is_asked() {
    let one = json(&["check", "algorithm::atc_diffusion"]);
    let more = json(&["check", "examples/digits.bf"]);
    assert_ne!(one["asks"], Value::Null, "{one:#}");
    assert_ne!(one["asks"], more["asks"]);
}

#[test]
fn explain_knows_every_code_and_guesses() {
    let all = json(&["explain"]);
    for code in all.as_array().expect("codes") {
        let code = code.as_str().expect("a code");
        assert!(stdout(&["explain", code]).starts_with(&format!("# {code}\n")));
    }
    assert!(stdout(&["explain", "ragged_row"]).contains("bfc::data::ragged_row"));
    let document = json_with_exit(&["explain", "bfc::data::raged_row"], 2);
    let help = document["diagnostics"][0]["help"].as_str().expect("help");
    assert!(help.contains("did you mean `bfc::data::ragged_row`"), "{help}");
}

#[test]
fn explain_lists_the_codes_of_a_stage_and_suggests_only_what_is_near() {
    let all = json(&["explain"]);
    let of_stage =
        |code: &&serde_json::Value| code.as_str().is_some_and(|code| code.starts_with("bfc::prove::"));
    let expected: Vec<_> = all.as_array().expect("codes").iter().filter(of_stage).collect();
    assert!(expected.len() > 3);
    for stage in ["prove", "bfc::prove", "bfc::prove::"] {
        let listed = json(&["explain", stage]);
        assert_eq!(listed.as_array().expect("codes").iter().collect::<Vec<_>>(), expected, "{stage}");
    }
    let help = |code: &str| {
        let document = json_with_exit(&["explain", code], 2);
        document["diagnostics"][0]["help"].as_str().expect("help").to_string()
    };
    for far in ["bfc::nope", "nope", "", "bfc::", "bfc"] {
        assert_eq!(help(far), "`bfc explain` lists all codes", "{far}");
    }
    assert!(help("bfc::prove::nope").starts_with("`bfc explain bfc::prove` lists the codes of this stage"));
    // Of several stages with such a code, the one that is named.
    assert!(help("bfc::import::malfromed").starts_with("did you mean `bfc::import::malformed`?"));
    assert!(help("bfc::format::malfromed").starts_with("did you mean `bfc::format::malformed`?"));
    assert!(help("bfc::evaluat::unknown_name").starts_with("did you mean `bfc::evaluate::unknown_name`?"));
}

#[test]
fn completions_and_manual_pages_come_out() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(stdout(&["completions", shell]).contains("analyze"), "{shell}");
    }
    assert!(stdout(&["man"]).starts_with(".ie"));
    assert!(stdout(&["man", "run"]).contains("skew"));
    bfc(&["man", "runn"]).assert().code(2);
}

#[test]
fn every_command_has_examples_in_its_help() {
    for command in [
        "compile", "analyze", "inspect", "verify", "check", "new", "fmt", "test", "explain", "list", "show",
        "run", "man",
    ] {
        assert!(stdout(&[command, "--help"]).contains("Example"), "{command}");
    }
}

#[test]
fn verify_proves_again_what_was_proved() {
    let (_directory, path) = files(&[]);
    let schedule = path("sched.bin");
    let source = common::root().join("examples/digits.bf").display().to_string();
    let compiled = json(&["compile", &source, "--size", "8", "-o", &schedule]);
    let document = json(&["verify", &schedule, "--proof"]);
    let proof = document["proof"].as_array().expect("a list");
    assert_eq!(proof.len(), compiled["checks"].as_array().expect("a list").len());
    assert!(proof.iter().any(|recheck| recheck["claim"] == "stable"), "{proof:?}");
    assert!(proof.iter().all(|recheck| recheck["confirmed"] == true && recheck["verdict"] == "proved"));
    assert!(stdout(&["verify", &schedule, "--proof"]).contains("doubly_stochastic(one_peer_exp2)"));
    assert!(json(&["verify", &schedule]).get("proof").is_none());
}

#[test]
fn a_forged_certificate_is_refused() {
    let (_directory, path) =
        files(&[("star.bf", b"topology star { for i in 1..size { 0 -- i }\n weights uniform }")]);
    let (source, forged) = (path("star.bf"), path("forged.bin"));
    json(&["compile", &source, "--size", "6", "-o", &forged]);
    let schedule = bfc_schedule::Schedule::decode(&std::fs::read(&forged).expect("a file")).expect("valid");
    let mut draft = schedule.into_draft();
    let statement = value!({ "property": "doubly_stochastic", "of": [0] });
    let entry = value!({ "item": "star", "claim": "fair", "verdict": "proved", "statement": statement });
    draft.certificate = value!({ "checks": [entry] });
    let write = |draft: &bfc_schedule::schedule::Draft| {
        let schedule = bfc_schedule::Schedule::new(draft.clone()).expect("valid");
        std::fs::write(&forged, schedule.encode()).expect("written");
    };
    write(&draft);
    assert_eq!(json(&["verify", &forged])["valid"], true);
    assert_eq!(codes(&["verify", &forged, "--proof"], 1), ["bfc::cli::proof_not_confirmed"]);
    draft.certificate = Value::Null;
    write(&draft);
    assert_eq!(codes(&["verify", &forged, "--proof"], 1), ["bfc::cli::no_proof"]);
}

#[test]
fn the_largest_sizes_are_analyzed_or_refused() {
    for (topology, size) in [("topology::ring", "4294967295"), ("topology::hypercube", "2147483648")] {
        let document = json(&["analyze", topology, "--size", size]);
        assert_eq!(document["doubly_stochastic"], true, "{document:#}");
    }
    let output = bfc(&["analyze", "topology::ring", "--size", "2..1000000"]).assert().code(2);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("more than 10000 numbers"), "{text}");
}

#[test]
fn what_does_not_begin_like_a_schedule_is_not_read_on() {
    assert_eq!(codes(&["verify", "/dev/zero"], 1), ["bfc::format::magic"]);
}

#[test]
fn a_schedule_comes_through_a_pipe() {
    let (_directory, path) = files(&[]);
    let schedule = path("sched.bin");
    json(&["compile", "topology::ring", "--size", "8", "-o", &schedule]);
    let bytes = std::fs::read(&schedule).expect("a schedule");
    for place in ["-", "/dev/stdin"] {
        let output = bfc(&["verify", place]).write_stdin(bytes.clone()).assert().code(0);
        assert!(String::from_utf8_lossy(&output.get_output().stdout).contains("valid for 8 ranks"));
    }
}

#[test]
fn one_size_is_drawn_as_a_curve() {
    let (_directory, path) = files(&[]);
    let out = path("out");
    let arguments = ["analyze", "topology::ring", "--size", "8", "--out", &out];
    let found = json(&arguments);
    let points = found["consensus_error"].as_array().expect("points");
    assert_eq!(points[0][0], 1);
    assert!((points[0][1].as_f64().expect("a number") - 0.804_737_854_124_365).abs() < 1e-12);
    assert!(points.last().expect("points")[1].as_f64().expect("a number") <= 1e-6);
    let svg = std::fs::read_to_string(std::path::Path::new(&out).join("consensus.svg")).expect("a picture");
    assert!(svg.contains("8 ranks") && svg.contains("<path"));
    let written = std::fs::read_to_string(std::path::Path::new(&out).join("analysis.json")).expect("numbers");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&written).expect("JSON"), found);
}

#[test]
fn what_is_more_than_the_gap_is_shown() {
    let ring = stdout(&["analyze", "topology::ring", "--size", "8"]);
    assert!(ring.contains("consensus error of the worst initial values, enclosed:"), "{ring}");
    let gossip = stdout(&["analyze", "topology::pairwise_gossip", "--size", "6"]);
    assert!(
        gossip.contains("in the mean a step keeps 0.") && gossip.contains("with 95 % confidence"),
        "{gossip}"
    );
    let tree = stdout(&["analyze", "topology::tree_pull", "--size", "7"]);
    assert!(
        tree.contains("weights of the limit, estimated: 0.000000 (rank 1) to 1.000000 (rank 0)"),
        "{tree}"
    );
}
