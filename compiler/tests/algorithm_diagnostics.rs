//! `tests/suite/evaluate/algorithm_*.bf`: the diagnostics of the algorithms in each source, beside it in `*.expected`.
//! `BLESS=1` writes what comes out as the new expectation.

use bfc_compiler::evaluate::Limits;
use bfc_compiler::evaluate::{Evaluator, algorithm, on_deep_stack};
use bfc_compiler::resolve::{Program, Source};
use bfc_dsl::tree::{FileId, Item};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, Report};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn suite() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/suite/evaluate");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("algorithm_") && name.ends_with(".bf")
    };
    let mut files: Vec<_> = files.filter(ours).collect();
    files.sort();
    files
}

/// What a user sees, without colours, and the codes.
fn diagnostics(name: &str, text: &str) -> (String, Vec<String>) {
    let file = bfc_dsl::parse(FileId(0), text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let program = Program::single(Source { name: name.to_string(), text: text.to_string() }, file.clone());
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let (mut out, mut codes) = (String::new(), vec![]);
    for item in &file.items {
        let Item::Algorithm(declared) = item else { continue };
        let mut evaluator = Evaluator::new(&program, 8, 1, Limits::default());
        match algorithm::algorithm(&mut evaluator, declared, vec![]) {
            Ok(_) => out += &format!("{}: well\n", declared.name.text),
            Err(errors) => {
                for error in errors {
                    codes.extend(error.code().map(|code| code.to_string()));
                    let source = NamedSource::new(name, text.to_string());
                    let report = Report::new(error).with_source_code(source);
                    handler.render_report(&mut out, report.as_ref()).unwrap();
                }
            }
        }
        out.push('\n');
    }
    let trimmed = out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    (trimmed.trim_end().to_string() + "\n", codes)
}

#[test]
fn diagnostics_are_as_expected() {
    let bless = std::env::var_os("BLESS").is_some();
    let (mut wrong, mut seen) = (vec![], BTreeSet::new());
    for path in suite() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (found, codes) = on_deep_stack(|| diagnostics(&name, &text)).unwrap();
        seen.extend(codes);
        let expected = path.with_extension("expected");
        if bless {
            std::fs::write(&expected, &found).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{name} now gives\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nBLESS=1 accepts this", wrong.join("\n"));
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/errors/evaluate");
    for code in OURS {
        assert!(seen.contains(&format!("bfc::evaluate::{code}")), "nothing provokes {code}");
        assert!(pages.join(format!("{code}.md")).exists(), "no page for {code}");
    }
}

/// The codes that only algorithms have.
const OURS: [&str; 20] = [
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
    "not_a_state",
    "not_supported_yet",
    "run_time_value",
    "state_not_ready",
    "too_many_conditions",
    "unknown_kind",
    "unknown_topology",
    "which_topology",
    "wrong_shape",
];
