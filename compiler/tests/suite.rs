//! `tests/suite/{resolve,evaluate,prove,lower}/*.bf`: what each source gives, beside it in `*.expected`. A file holds several sources;
//! `//// size 8 --param base=3` begins one, and `//// file name` begins a file that lies beside those after it.
//! `BLESS=1` writes what comes out as the new expectation. `algorithm_*` belongs to `algorithm_diagnostics.rs`.

use bfc_compiler::{Compiled, Diagnostics, Entry, Files, Request, compile, suggest};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

struct Beside(BTreeMap<String, String>);

impl Files for Beside {
    fn read(&self, _from: &str, name: &str) -> Result<(String, String), String> {
        let text = self.0.get(name).ok_or("there is no such file")?;
        Ok((format!("{name}.bf"), text.clone()))
    }
}

fn suite() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/suite");
    let files = ["resolve", "evaluate", "prove", "lower"]
        .into_iter()
        .flat_map(|stage| std::fs::read_dir(root.join(stage)).unwrap());
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".bf") && !name.starts_with("algorithm_")
    });
    files.sort();
    files
}

/// Headers and texts.
fn sections(text: &str) -> Vec<(&str, String)> {
    let parts = text.split("//// ").skip(1);
    parts
        .map(|part| part.split_once('\n').unwrap())
        .map(|(header, body)| (header, body.to_string()))
        .collect()
}

fn request(name: &str, header: &str, text: &str) -> Request {
    let entry = Entry::Source { name: name.to_string(), text: text.to_string() };
    let mut request = Request { entry, size: 0, local_size: 1, parameters: vec![], allow: vec![] };
    let mut words = header.split_whitespace();
    while let Some(word) = words.next() {
        let value = words.next().unwrap();
        match word {
            "size" => request.size = value.parse().unwrap(),
            "--local-size" => request.local_size = value.parse().unwrap(),
            "--param" => {
                let (name, value) = value.split_once('=').unwrap();
                request.parameters.push((name.to_string(), value.to_string()));
            }
            other => panic!("{other}"),
        }
    }
    request
}

/// What a user sees, without colours.
fn refusal(diagnostics: Diagnostics) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut out = String::new();
    for report in diagnostics.into_reports() {
        handler.render_report(&mut out, report.as_ref()).unwrap();
    }
    out
}

/// The matrices, what was optimised, the verdicts and the warnings.
fn description(compiled: &Compiled) -> String {
    let mut out = String::new();
    for topology in compiled.schedule.topologies() {
        for (phase, lowered) in topology.phases.iter().enumerate() {
            writeln!(out, "{}, phase {phase}: {}", topology.name, matrix(&lowered.matrix)).unwrap();
        }
    }
    for one in &compiled.report.optimised {
        let (what, times) = (one.optimised.what, one.optimised.times);
        assert!(one.optimised.gap < 1e-6, "{one:?}");
        writeln!(out, "{} optimised: {what} {times} times, {:.5}", one.topology, one.optimised.value)
            .unwrap();
    }
    for check in &compiled.report.checks {
        writeln!(out, "{}: {}", check.text(), check.verdict.word()).unwrap();
    }
    for warning in &compiled.report.warnings {
        writeln!(out, "warning: {warning}").unwrap();
    }
    out
}

fn matrix(matrix: &MixingMatrix) -> String {
    match matrix {
        MixingMatrix::Cayley(matrix) => {
            let hops: Vec<_> = matrix.hops().iter().map(|(hop, weight)| format!("+{hop} {weight}")).collect();
            format!(
                "group {:?}, self {}, {}",
                matrix.group().radices(),
                matrix.self_weight(),
                hops.join(", ")
            )
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
fn sources_give_what_is_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let (mut wrong, mut seen) = (vec![], BTreeSet::new());
    for path in suite() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut found, mut beside) = (String::new(), Beside(BTreeMap::new()));
        for (header, text) in sections(&std::fs::read_to_string(&path).unwrap()) {
            if let Some(name) = header.strip_prefix("file ") {
                beside.0.insert(name.to_string(), text);
                continue;
            }
            writeln!(found, "//// {header}").unwrap();
            let request = request(&name, header, &text);
            match compile(&request, &beside).map_err(|refused| suggest(&request, &beside, refused)) {
                Ok(compiled) => found += &description(&compiled),
                Err(diagnostics) => {
                    seen.extend(diagnostics.codes());
                    found += &refusal(diagnostics);
                }
            }
        }
        let found = found.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
        let expected = path.with_extension("expected");
        if bless {
            std::fs::write(&expected, &found).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{name} now gives\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 accepts this", wrong.join("\n"));
    every_page_is_provoked(&seen);
}

/// Codes whose tests are elsewhere: those of algorithms, and what no source can provoke.
const ELSEWHERE: [&str; 24] = [
    "adapt_twice",
    "algorithm_too_large",
    "assigned_twice",
    "built_in_name",
    "condition_not_known",
    "condition_not_uniform",
    "cyclic_equations",
    "defined_twice",
    "incomplete_algorithm",
    "misplaced_call",
    "no_next_value",
    "no_thread",
    "not_a_state",
    "not_supported_yet",
    "nothing_to_analyze",
    "run_time_value",
    "state_not_ready",
    "too_many_conditions",
    "too_many_files",
    "unknown_kind",
    "unknown_name",
    "unknown_topology",
    "which_topology",
    "wrong_shape",
];

fn every_page_is_provoked(seen: &BTreeSet<String>) {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/errors");
    let mut known = BTreeSet::new();
    for stage in ["resolve", "evaluate"] {
        for page in std::fs::read_dir(pages.join(stage)).unwrap() {
            let name = page.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
            let code = format!("bfc::{stage}::{name}");
            assert!(seen.contains(&code) || ELSEWHERE.contains(&&*name), "nothing provokes {code}");
            known.insert(code);
        }
    }
    let ours = |code: &&String| code.contains("::resolve::") || code.contains("::evaluate::");
    let missing: Vec<_> = seen.iter().filter(ours).filter(|code| !known.contains(*code)).collect();
    assert!(missing.is_empty(), "no pages for {missing:?}");
}
