//! A source becomes the matrices, verdicts and warnings of its schedule, or the errors that it has.

use crate::cases::{Case, run};
use crate::render;
use bfc_compiler::{Compiled, Entry, Files, Report, Request, check, compile, suggest};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Files beside a source.
pub struct Beside<'c>(pub &'c BTreeMap<String, String>);

impl Files for Beside<'_> {
    fn read(&self, _from: &str, name: &str) -> Result<(String, String), String> {
        let text = self.0.get(name).ok_or("there is no such file")?;
        Ok((format!("{name}.bf"), text.clone()))
    }

    fn read_edges(&self, _from: &str, name: &str) -> Result<String, String> {
        self.0.get(name).cloned().ok_or("there is no such file".to_string())
    }
}

/// The request of a case: its options are those of the command line.
pub fn request(case: &Case) -> Request {
    let entry = Entry::Source { name: case.file.clone(), text: case.source.clone() };
    let mut request = Request::new(entry, 8);
    let mut words = case.options.iter().filter(|word| *word != "check");
    while let (Some(option), Some(value)) = (words.next(), words.next()) {
        let number = || value.parse().unwrap_or_else(|_| panic!("`{}`: {option} {value}", case.name));
        match option.as_str() {
            "--size" => request.size = number(),
            "--local-size" => request.local_size = number(),
            "--allow" => request.allow.push(value.clone()),
            "--param" => {
                let (name, value) = value.split_once('=').expect("NAME=VALUE");
                request.parameters.push((name.to_string(), value.to_string()));
            }
            _ => panic!("`{}` has an unknown option {option}", case.name),
        }
    }
    request
}

/// What is found: with `check` among the options the report alone, which needs no topology.
fn described(case: &Case) -> String {
    let (request, beside) = (request(case), Beside(&case.beside));
    let found = if case.options.iter().any(|option| option == "check") {
        check(&request, &beside).map(|report| format!("accepted\n{}", verdicts(&report)))
    } else {
        compile(&request, &beside).map(|compiled| matrices(&compiled) + &verdicts(&compiled.report))
    };
    found.unwrap_or_else(|refused| render(suggest(&request, &beside, refused).into_reports()))
}

/// What was optimised, the verdicts and the warnings.
fn verdicts(report: &Report) -> String {
    let mut out = String::new();
    for one in &report.optimised {
        let (what, times) = (one.optimised.what, one.optimised.times);
        assert!(one.optimised.gap < 1e-6, "{one:?}");
        writeln!(out, "{} optimised: {what} {times} times, {:.5}", one.topology, one.optimised.value)
            .expect("a string");
    }
    for check in &report.checks {
        writeln!(out, "{}: {}", check.text(), check.verdict.word()).expect("a string");
    }
    for warning in &report.warnings {
        writeln!(out, "warning: {warning}").expect("a string");
    }
    for consensus in report.consensus.iter().filter(|consensus| consensus.proved) {
        writeln!(out, "consensus: {}, gamma {}, {}", consensus.state, consensus.gamma, consensus.evidence)
            .expect("a string");
    }
    for note in &report.notes {
        writeln!(out, "note: {note}").expect("a string");
    }
    out
}

fn matrices(compiled: &Compiled) -> String {
    let mut out = String::new();
    for topology in compiled.schedule.topologies() {
        for (number, phase) in topology.phases.iter().enumerate() {
            writeln!(out, "{}, phase {number}: {}", topology.name, matrix(&phase.matrix)).expect("a string");
        }
    }
    out
}

fn matrix(matrix: &MixingMatrix) -> String {
    match matrix {
        MixingMatrix::Cayley(matrix) => {
            let hops: Vec<_> =
                matrix.hops().iter().map(|(hop, weight)| format!(", +{hop} {weight}")).collect();
            let (radices, kept) = (matrix.group().radices(), matrix.self_weight());
            format!("group {radices:?}, self {kept}{}", hops.concat())
        }
        MixingMatrix::Sparse(_) => {
            let row = |rank| {
                let row = matrix.row(Rank(rank));
                let mut entries = vec![Rational::zero(); matrix.size() as usize];
                row.in_weights.iter().for_each(|(source, weight)| entries[source.index()] = weight.clone());
                entries[rank as usize] = row.self_weight;
                entries.iter().map(Rational::to_string).collect::<Vec<_>>().join(" ")
            };
            format!("rows {}", (0..matrix.size()).map(row).collect::<Vec<_>>().join(" | "))
        }
    }
}

#[test]
fn resolve() {
    run("resolve", described);
}

#[test]
fn evaluate() {
    run("evaluate", described);
}

#[test]
fn prove() {
    run("prove", described);
}

#[test]
fn lower() {
    run("lower", described);
}
