//! Texts of diagnostics, as Python says them.

#[path = "../src/words.rs"]
mod words;

use miette::miette;
use words::{InPython, in_python};

#[test]
fn flags_of_a_command_are_arguments_of_a_call() {
    let said = [
        ("`--size`", "`size`"),
        ("`--size 8` or `--size N`", "`size=8` or `size=N`"),
        ("`--cluster v100`", "`cluster=\"v100\"`"),
        ("`--stragglers 1x2`", "`stragglers=(1, 2)`"),
        ("`bfc compare --cluster` predicts", "`bfc.compare(cluster=…)` predicts"),
        ("`bfc compile --size 8`", "`bfc.compile(size=8)`"),
        ("`bfc compile ring.bf --size 8 --local-size 2`", "`bfc.compile(\"ring.bf\", size=8, local_size=2)`"),
        ("`bfc compile --model-bytes 10MB`", "`bfc.compile(model_bytes=\"10MB\")`"),
        ("`bfc compile --param lr=0.1`", "`bfc.compile(params={\"lr\": \"0.1\"})`"),
        ("`bfc analyze --simulated`", "`bfc.analyze(simulated=True)`"),
        ("`bfc analyze --simulated=lr`", "`bfc.analyze(simulated=\"lr\")`"),
        ("`--heading` or `--heading=no`", "`heading=True` or `heading=False`"),
        ("`--as weights`", "`as_=\"weights\"`"),
        ("`--nodes 0..9` or `--nodes 10`", "`nodes=\"0..9\"` or `nodes=10`"),
        ("`--comment %` or `--separator`", "`comment=\"%\"` or `separator`"),
        ("`-o graph.bf`", "`output=\"graph.bf\"`"),
        ("`bfc help import`", "`help(bfc.import_graph)`"),
        // What Python has no function or argument for stays the command.
        ("`bfc analyze --out results`", "`bfc analyze --out results`"),
        ("`bfc help fmt`", "`bfc help fmt`"),
        ("`bfc fmt --check`", "`bfc fmt --check`"),
        ("a `--` and --size", "a `--` and --size"),
    ];
    said.iter().for_each(|(command, python)| assert_eq!(in_python(command), *python));
}

#[test]
fn a_diagnostic_says_so_too() {
    let report = miette!(help = "raise `--size 8`", "`--size 4` is too small");
    let said = InPython::new(report.as_ref());
    assert_eq!(said.to_string(), "`size=4` is too small");
    let help = miette::Diagnostic::help(&said).expect("a help").to_string();
    assert_eq!(help, "raise `size=8`");
}
