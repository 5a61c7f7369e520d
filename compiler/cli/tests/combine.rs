//! Topologies, algorithms and weights that the command line combines.

use crate::common::{bfc, codes, files, json, json_with_exit, stdout};
use serde_json::Value;

const PATH_AND_OWN: &str = "\
topology path { for i in 1..size { i - 1 -- i } }
topology other { for i in ranks { i -- (i + 1) mod size } }
algorithm descent(lr: scalar = 1/20) {
    state x = params
    step { x <- mix(x) - lr * grad(x) }
    model x
}
";

/// What `check` says, without what a schedule with other places and names says differently.
fn checked(arguments: &[&str]) -> Value {
    let mut document = json(&[&["check"], arguments].concat());
    document.as_object_mut().expect("a document").remove("file");
    document
}

#[test]
fn flags_say_what_a_schedule_says() {
    let schedules = [
        ("topology ring\n algorithm d2", "use algorithm::d2", &["algorithm::d2", "--topology", "ring"][..]),
        (
            "topology exponential(base = 3)\n algorithm gradient_tracking",
            "use algorithm::gradient_tracking",
            &["topology::exponential", "-p", "base=3", "--algorithm", "algorithm::gradient_tracking"],
        ),
        (
            "topology R = star, C = transpose(R)\n algorithm push_pull",
            "use algorithm::push_pull",
            &["algorithm::push_pull", "--topology", "R=star", "--topology", "C = transpose(R)"],
        ),
    ];
    for (schedule, uses, flags) in schedules {
        let uses = format!("use topology::ring\nuse topology::exponential\nuse topology::star\n{uses}\n");
        let (_directory, path) = files(&[("a.bf", format!("{uses}schedule {{ {schedule} }}\n").as_bytes())]);
        let written = checked(&[&path("a.bf"), "--size", "9"]);
        assert_eq!(written, checked(&[flags, &["--size", "9"]].concat()), "{schedule}");
    }
}

#[test]
fn weights_are_those_of_a_topology_with_the_rule() {
    let (_directory, path) =
        files(&[("a.bf", b"use topology::star\ntopology a = star weights lazy(metropolis, 1/3)\n")]);
    let matrix =
        |arguments: &[&str]| stdout(&[&["export"], arguments, &["--size", "6", "--kind", "matrix"]].concat());
    let rule = ["--weights", "lazy(metropolis, 1/3)"];
    assert_eq!(matrix(&[&path("a.bf")]), matrix(&[&["topology::star"], &rule[..]].concat()));
    assert_eq!(matrix(&[&path("a.bf")]), matrix(&[&["transpose(star)"], &rule[..]].concat()));
    assert_ne!(matrix(&[&path("a.bf")]), matrix(&["topology::star"]));
}

#[test]
fn a_file_lends_its_names() {
    let (_directory, path) = files(&[("own.bf", PATH_AND_OWN.as_bytes())]);
    assert_eq!(codes(&["check", &path("own.bf")], 1), ["bfc::resolve::no_entry"]);
    let own = checked(&[&path("own.bf"), "--topology", "path"]);
    assert_eq!(own, checked(&[&path("own.bf"), "--topology", "path", "--algorithm", "descent"]));
    let alone = json(&[
        "analyze",
        &path("own.bf"),
        "--size",
        "8",
        "--topology",
        "path",
        "--algorithm",
        "descent(lr=1/10)",
    ]);
    assert_eq!(alone["quadratic"]["step"][1], 0.1, "{alone:#}");
    // The file's own name goes before that of the library.
    let (_directory, path) = files(&[("own.bf", b"topology ring { 0 -- 1 }\n")]);
    let gap = |topology: &str| {
        json(&["analyze", &path("own.bf"), "--size", "6", "--topology", topology])["rho"].clone()
    };
    assert_ne!(gap("ring"), gap("topology::ring"));
}

#[test]
fn an_expression_stands_in_place_of_a_file() {
    let rho = |arguments: &[&str]| json(&[&["analyze"], arguments].concat())["rho"].clone();
    let with_flag = rho(&["topology::exponential", "--param", "base=3", "--size", "20"]);
    assert_eq!(with_flag, rho(&["exponential(base = 3)", "--size", "20"]));
    assert_eq!(with_flag, rho(&["topology::exponential(base = 3)", "--size", "20"]));
    assert_eq!(json(&["check", "algorithm::dgd(lr = 1/30)"])["algorithm"], "dgd");
    let compared = json(&["compare", "exponential(base=2)", "exponential(base=4)", "--size", "16"]);
    let columns = compared["columns"].as_array().expect("columns");
    assert_eq!(
        columns.iter().map(|column| &column["file"]).collect::<Vec<_>>(),
        ["exponential(base=2)", "exponential(base=4)"]
    );
    assert_ne!(columns[0]["rho"], columns[1]["rho"]);
}

#[test]
fn a_schedule_says_what_it_was_combined_from() {
    let (_directory, path) = files(&[]);
    let (schedule, size) = (path("s.bin"), ["--size", "6"]);
    let source =
        ["compile", "algorithm::dgd", "--topology", "ring", "--weights", "metropolis", "-o", &schedule];
    bfc(&[&source[..], &size].concat()).assert().code(0);
    bfc(&["verify", &schedule, "--proof"]).assert().code(0);
    let metadata = json(&["inspect", &schedule])["metadata"].clone();
    assert_eq!((&metadata["topology"], &metadata["weights"]), (&"ring".into(), &"metropolis".into()));
}

#[test]
fn values_of_a_parameter_are_swept_like_sizes() {
    let found = json(&["analyze", "topology::exponential", "--size", "64", "--param", "base=2..5"]);
    assert_eq!(found["parameter"], "base");
    let values = found["values"].as_array().expect("values");
    assert_eq!(values.iter().map(|one| &one["value"]).collect::<Vec<_>>(), ["2", "3", "4", "5"]);
    for one in values {
        let base = format!("base={}", one["value"].as_str().expect("a text"));
        let alone = json(&["analyze", "topology::exponential", "--size", "64", "--param", &base]);
        assert_eq!(one["rho"], alone["rho"]);
    }
    let skipped = json(&["analyze", "topology::exponential", "--size", "8", "--param", "base=1..3"]);
    assert_eq!(skipped["skipped"][0]["value"], "1");
    for ranges in
        [&["--size", "8", "-p", "a=1..2", "-p", "b=1..2"][..], &["--size", "2..8", "-p", "base=2..3"]]
    {
        assert_eq!(codes(&[&["analyze", "topology::exponential"], ranges].concat(), 2), ["bfc::cli::usage"]);
    }
    for (range, remedy) in [
        ("2..99999999", "`2..10001`"),
        ("1..1000000000000", "`1..10000`"),
        ("5..2", "`2..5`"),
        ("-3..2", "from 0 on"),
        ("5000000000..5000000001", "4294967295"),
    ] {
        let base = format!("base={range}");
        let refused = ["analyze", "topology::exponential", "--size", "8", "--param", &base];
        let message = bfc(&refused).assert().code(2).get_output().stderr.clone();
        let message = String::from_utf8(message).expect("text");
        assert!(message.contains(remedy), "{range}: {message}");
        bfc(&["analyze", "topology::ring", "--size", range]).assert().code(2);
    }
    // The values of an algorithm show how it trains.
    let steps = ["analyze", "algorithm::dgd", "--topology", "ring", "--size", "8", "--param", "lr=1..2"];
    assert!(stdout(&steps).contains("training rate") && stdout(&steps).contains("1.33333"));
}

/// The flags of a command, in pairs, as each choice of a remedy has them: a flag takes the place of those of its name, and what
/// stands after `without` goes.
fn remedied<'a>(flags: &[&'a str], text: &'a str) -> Vec<Vec<&'a str>> {
    let parts: Vec<&str> = text.split('`').collect();
    let quoted = parts.chunks_exact(2).filter(|pair| pair[1].starts_with("--"));
    let split = |pair: &[&'a str]| pair[1].split_once(' ').expect("a flag with a value");
    let (dropped, given): (Vec<_>, Vec<_>) = quoted.partition(|pair| pair[0].ends_with("without "));
    let dropped: Vec<_> = dropped.into_iter().map(split).collect();
    let parameter = |value: &'a str| value.split('=').next();
    let stays = |pair: &&[&'a str]| {
        !dropped.iter().any(|(name, value)| {
            *name == pair[0] && (*name != "--param" || parameter(value) == parameter(pair[1]))
        })
    };
    let rest: Vec<&[&str]> = flags.chunks_exact(2).filter(stays).collect();
    let with = |(name, value): (&'a str, &'a str)| {
        let others = rest.iter().filter(|pair| pair[0] != name);
        others.flat_map(|pair| pair.to_vec()).chain([name, value.trim_matches('\'')]).collect()
    };
    if given.is_empty() { vec![rest.concat()] } else { given.into_iter().map(split).map(with).collect() }
}

/// What a refused combination is told to give instead passes.
#[test]
fn remedies_of_combinations_are_flags() {
    for (file, flags, least) in [
        ("algorithm::d2", &["--topology", "ring"][..], 2),
        ("algorithm::d2", &["--topology", "W = ring"], 2),
        ("algorithm::d2", &["--topology", "ring", "--weights", "uniform"], 2),
        ("algorithm::dgd", &["--topology", "star", "--weights", "uniform"], 3),
        ("algorithm::d_admm", &["--topology", "one_peer_exp2"], 2),
        ("topology::exponential", &["--param", "base=3", "--algorithm", "d2"], 4),
        ("exponential(base = 3)", &["--algorithm", "d2"], 4),
    ] {
        let refused = json_with_exit(&[&["check", file], flags].concat(), 1);
        let diagnostics = refused["diagnostics"].as_array().expect("diagnostics").iter();
        let remedies: Vec<&Value> =
            diagnostics.flat_map(|one| one["remedies"].as_array().expect("remedies")).collect();
        let texts = remedies.iter().map(|remedy| remedy["text"].as_str().expect("a text"));
        let choices: Vec<_> = texts.clone().flat_map(|text| remedied(flags, text)).collect();
        for choice in &choices {
            // Algorithms that stand in place of the file have no flag.
            if choice != flags {
                bfc(&[&["check", file], &choice[..]].concat()).assert().code(0);
            }
        }
        assert!(choices.len() >= least, "{file} {flags:?}: {refused:#}");
    }
}

/// The examples in the help of commands that need no file of one's own.
#[test]
fn examples_in_the_help_run() {
    let mut tried = 0;
    for command in ["check", "analyze", "compare"] {
        let help = stdout(&[command, "--help"]);
        for line in help.lines().filter_map(|line| line.trim().strip_prefix("bfc ")) {
            let words: Vec<String> = line.split(' ').map(|word| word.replace('\'', "")).collect();
            if words.iter().any(|word| word.ends_with(".bf") || word == "--out") {
                continue;
            }
            bfc(&words.iter().map(String::as_str).collect::<Vec<_>>()).assert().code(0);
            tried += 1;
        }
    }
    assert!(tried >= 7, "{tried} examples");
}

#[test]
fn what_does_not_combine_is_refused_with_the_place() {
    let refused = [
        (&["algorithm::d2", "--topology", "rng"][..], "bfc::resolve::unknown_name"),
        (&["algorithm::d2", "--topology", "ring ring"], "bfc::parse::unexpected"),
        (&["algorithm::d2", "--topology", "ring", "--topology", "star"], "bfc::evaluate::unused_topology"),
        (&["algorithm::push_pull", "--topology", "Q=ring"], "bfc::evaluate::unused_topology"),
        (&["algorithm::d2", "--topology", "d2"], "bfc::resolve::wrong_item"),
        (&["topology::ring", "--algorithm", "ring"], "bfc::resolve::wrong_item"),
        (&["topology::ring", "--algorithm", "3"], "bfc::resolve::not_an_algorithm"),
        (&["topology::ring", "--weights", "metropolice"], "bfc::evaluate::unknown_weight_rule"),
        (&["algorithm::dgd", "--weights", "metropolis"], "bfc::resolve::nothing_to_weigh"),
        (&["exponential(bas = 3)"], "bfc::resolve::unknown_argument"),
        (&["nowhere(3)"], "bfc::resolve::unknown_name"),
        (&["dgd(lr = 1/20)"], "bfc::resolve::unknown_name"),
    ];
    for (arguments, code) in refused {
        assert_eq!(codes(&[&["check"], arguments].concat(), 1), [code], "{arguments:?}");
    }
    assert_eq!(codes(&["check", "algorithm::d2", "--topology", "R="], 2), ["bfc::cli::usage"]);
    let first = |arguments: &[&str]| json_with_exit(arguments, 1)["diagnostics"][0].clone();
    let help = first(&["check", "dgd(lr = 1/20)"])["help"].clone();
    assert!(help.as_str().is_some_and(|help| help.contains("`algorithm::dgd`")), "{help}");
    // Places count from where the argument begins, and only the first cause is shown.
    for (topology, line, column) in [("\n\nring ring", 3, 6), ("lazy(\n  ring\n  , 1/2))", 3, 9)] {
        let label = first(&["check", "algorithm::dgd", "--topology", topology])["labels"][0].clone();
        assert_eq!((&label["line"], &label["column"]), (&line.into(), &column.into()), "{topology}");
    }
}

#[test]
fn one_rank_has_nothing_to_optimise() {
    let text = |size| stdout(&["check", "topology::ring", "--weights", "fastest", "--size", size]);
    assert!(text("8").contains("optimised") && !text("1").contains("optimised"));
}

/// Runs without gradients say nothing of the step size of gradients.
#[test]
fn a_parameter_without_effect_on_consensus_has_no_best_value() {
    let simulated = |flag| ["analyze", "algorithm::choco_sgd", "--topology", "ring", "--size", "4", flag];
    assert_eq!(codes(&simulated("--simulated=lr"), 2), ["bfc::run::no_effect"]);
    assert!(json(&simulated("--simulated"))["simulated"]["best"].is_number());
}
