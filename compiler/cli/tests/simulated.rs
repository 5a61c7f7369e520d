//! `bfc analyze --simulated`: runs show which step size is best for the gossip of compressed differences.

use crate::common::{bfc, codes, files, json, stdout};
use serde_json::Value;
use std::collections::BTreeSet;

/// CHOCO over a ring; `codec` loses what it loses.
fn choco(gamma: &str, codec: &str) -> String {
    format!(
        "use topology::ring\nuse algorithm::choco_sgd\n\
         schedule {{ topology ring\n algorithm choco_sgd(lr = 0.02, gamma = {gamma}, q = {codec}) }}\n"
    )
}

fn number(document: &Value, path: &str) -> f64 {
    document.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} of {document:#}"))
}

#[test]
fn the_best_step_size_beats_the_one_that_is_proved() {
    let (_directory, path) = files(&[("choco.bf", choco("best", "top_fraction(1/10)").as_bytes())]);
    let (source, out) = (path("choco.bf"), path("out"));
    let proved = json(&["check", &source, "--size", "8"]);
    let document = json(&["analyze", &source, "--size", "8", "--simulated"]);
    let shown = &document["simulated"];
    let keys: BTreeSet<&str> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
    let expected = "best diverges_as_written diverges_from elements method parameter rate steps";
    assert_eq!(keys, expected.split(' ').collect());
    assert_eq!((&shown["parameter"], &shown["method"]), (&"gamma".into(), &"estimate".into()));
    let best = number(shown, "/best");
    assert!(best < number(shown, "/diverges_from"), "{shown:#}");
    // What is proved shrinks disagreement by 0.027 % a step.
    assert!(10.0 * number(&proved, "/consensus/0/gamma") < best, "{proved:#}");
    assert!((0.8..0.98).contains(&number(shown, "/rate")), "{shown:#}");
    assert_eq!(shown["diverges_as_written"], false);
    // The rest is what is known without runs, and `--out` writes all of it.
    let mut without = document.clone();
    without.as_object_mut().expect("an object").remove("simulated");
    assert_eq!(json(&["analyze", &source, "--size", "8"]), without);
    stdout(&["analyze", &source, "--size", "8", "--simulated=gamma", "--out", &out]);
    let written = std::fs::read_to_string(path("out/analysis.json")).expect("written");
    assert_eq!(serde_json::from_str::<Value>(&written).expect("JSON"), document);
}

#[test]
fn a_step_size_that_diverges_is_warned_about() {
    let (_directory, path) = files(&[("choco.bf", choco("1", "top_fraction(1/10)").as_bytes())]);
    let arguments = ["analyze", &path("choco.bf"), "--size", "8", "--simulated"];
    assert_eq!(json(&arguments)["simulated"]["diverges_as_written"], true);
    let text = stdout(&arguments);
    for line in ["simulated: the best `gamma` is about 0.", "simulated: disagreement grows from `gamma` = 0."]
    {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.ends_with("\nwarning: with the parameters of the source, runs diverge\n"), "{text}");
}

/// Nothing is proved of a codec whose contraction depends on the length: runs then stand in for `best`.
#[test]
fn runs_find_a_step_size_where_nothing_is_proved() {
    let (_directory, path) = files(&[("choco.bf", choco("best", "top_k(40)").as_bytes())]);
    let source = path("choco.bf");
    assert_eq!(codes(&["analyze", &source, "--size", "8"], 1), ["bfc::evaluate::no_best"]);
    let document = json(&["analyze", &source, "--size", "8", "--simulated"]);
    // Of 400 elements, 40 are a tenth.
    let (_directory, path) = files(&[("tenth.bf", choco("best", "top_fraction(1/10)").as_bytes())]);
    let tenth = json(&["analyze", &path("tenth.bf"), "--size", "8", "--simulated"]);
    for key in ["best", "rate", "diverges_from"] {
        assert_eq!(document["simulated"][key], tenth["simulated"][key], "{key}");
    }
    assert_eq!(document["simulated"]["diverges_as_written"], Value::Null);
}

#[test]
fn no_step_size_may_help() {
    let away = "use topology::ring
algorithm away(gamma: real = 0.1) {
    state x = params
    step { x <- x + gamma * (x - mix(x)) }
}
schedule { topology ring
           algorithm away }
";
    let (_directory, path) = files(&[("away.bf", away.as_bytes())]);
    let arguments = ["analyze", &path("away.bf"), "--size", "4", "--simulated"];
    let shown = &json(&arguments)["simulated"];
    assert_eq!((&shown["best"], &shown["diverges_as_written"]), (&Value::Null, &true.into()));
    assert!(number(shown, "/rate") >= 1.0 && number(shown, "/diverges_from") < 1e-3, "{shown:#}");
    let text = stdout(&arguments);
    assert!(text.contains("simulated: no `gamma` up to 1 makes disagreement fall"), "{text}");
}

#[test]
fn what_cannot_be_run_is_refused() {
    let (_directory, path) = files(&[("choco.bf", choco("0.1", "sign").as_bytes())]);
    let source = path("choco.bf");
    let refused = |size: &str, flag: &str, exit| codes(&["analyze", &source, "--size", size, flag], exit);
    assert_eq!(refused("4..8", "--simulated", 2), ["bfc::cli::usage"]);
    assert_eq!(refused("257", "--simulated", 2), ["bfc::run::too_many_ranks"]);
    assert_eq!(refused("8", "--simulated=gama", 1), ["bfc::resolve::unknown_parameter"]);
    bfc(&["analyze", &source, "--size", "257"]).assert().code(0);
}
