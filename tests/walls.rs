//! The walls of the house: which room of the compiler, and which crate, may see which other. A room is a file or a folder
//! at the root of `compiler/src`; code of tests may see everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each room of the compiler may import. `lib.rs` calls the stages in turn and sees them all.
const ROOMS: [(&str, &[&str]); 22] = [
    // Shared ground, which imports no stage.
    ("model", &[]),
    ("builtin_names", &[]),
    ("rank_names", &[]),
    ("diagnostic", &["rank_names"]),
    ("fraction", &[]),
    ("library", &[]),
    ("request", &["diagnostic"]),
    // Mathematics of matrices.
    ("spectrum", &[]),
    ("optimise", &["fraction", "spectrum"]),
    // The stages, in order.
    ("resolve", &["builtin_names", "diagnostic", "library", "model", "request"]),
    (
        "evaluate",
        &[
            "builtin_names",
            "diagnostic",
            "fraction",
            "model",
            "optimise",
            "rank_names",
            "resolve",
            "spectrum",
        ],
    ),
    ("bind", &["evaluate", "model", "prove"]),
    ("prove", &["builtin_names", "diagnostic", "evaluate", "model", "rank_names", "request", "spectrum"]),
    ("lower", &["diagnostic", "model", "spectrum"]),
    // Estimates, which never prove.
    ("estimate", &["model", "prove", "spectrum"]),
    ("analysis", &["diagnostic", "estimate", "evaluate", "model", "optimise", "prove", "spectrum"]),
    ("lints", &["analysis", "estimate", "evaluate", "model", "prove"]),
    // What becomes of a proof.
    ("report", &["evaluate", "model", "prove", "spectrum"]),
    ("certificate", &["model", "prove"]),
    ("defined", &["library", "resolve"]),
    (
        "candidate",
        &[
            "analysis",
            "diagnostic",
            "estimate",
            "evaluate",
            "model",
            "optimise",
            "prove",
            "request",
            "resolve",
            "spectrum",
        ],
    ),
    (
        "suggest",
        &[
            "candidate",
            "diagnostic",
            "estimate",
            "evaluate",
            "library",
            "model",
            "prove",
            "request",
            "resolve",
        ],
    ),
];

/// What each crate may depend on of this workspace.
const CRATES: [(&str, &[&str]); 11] = [
    ("dsl", &[]),
    ("compiler/algebra", &[]),
    ("schedule-runtime/schedule", &[]),
    ("schedule-runtime", &["bfc-schedule"]),
    ("graphs", &["bfc-dsl", "bfc-schedule"]),
    ("compiler", &["bfc-algebra", "bfc-dsl", "bfc-schedule"]),
    ("predict", &["bfc-compiler", "bfc-schedule"]),
    ("report", &["bfc-compiler", "bfc-predict", "bfc-schedule"]),
    (
        "compiler/cli",
        &[
            "bfc-compiler",
            "bfc-dsl",
            "bfc-graphs",
            "bfc-predict",
            "bfc-report",
            "bfc-runtime",
            "bfc-schedule",
        ],
    ),
    (
        "python",
        &["bfc", "bfc-graphs", "bfc-compiler", "bfc-predict", "bfc-report", "bfc-runtime", "bfc-schedule"],
    ),
    ("xtask", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The Rust files below a folder, but those of tests.
fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, into);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            into.push(path);
        }
    }
}

/// The code of a file without its comments and without its module of tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or("").to_string();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// The rooms that code names as `crate::room` or in `use crate::{room, …}`.
fn imports(code: &str, rooms: &BTreeSet<&str>) -> BTreeSet<String> {
    let after = code.split("crate::").skip(1);
    let names = after.flat_map(|rest| {
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(group, _)| group);
        let words =
            group.unwrap_or(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""));
        let words: Vec<String> =
            words.split(',').filter_map(|word| word.trim().split(':').next().map(str::to_string)).collect();
        words
    });
    names.filter(|name| rooms.contains(name.as_str())).collect()
}

#[test]
fn rooms_of_the_compiler_see_what_they_may() {
    let folder = root().join("compiler/src");
    let allowed: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    let rooms: BTreeSet<&str> = allowed.keys().copied().collect();
    let mut files = vec![];
    sources(&folder, &mut files);
    let (mut seen, mut wrong) = (BTreeSet::new(), vec![]);
    for file in &files {
        let place = file.strip_prefix(&folder).unwrap();
        let first = place.iter().next().unwrap().to_string_lossy();
        let room = first.trim_end_matches(".rs");
        if room == "lib" {
            continue;
        }
        seen.insert(room.to_string());
        let Some(allowed) = allowed.get(room) else {
            wrong.push(format!("{room} has no row in ROOMS"));
            continue;
        };
        for import in imports(&code(file), &rooms) {
            if import != room && !allowed.contains(&&*import) {
                wrong.push(format!("{} imports {import}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rooms.iter().all(|room| seen.contains(*room)), "a row of ROOMS has no files: {seen:?}");
}

#[test]
fn rooms_form_no_circle() {
    let mut open: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    while !open.is_empty() {
        let free: Vec<&str> = open
            .iter()
            .filter(|(_, imports)| imports.iter().all(|import| !open.contains_key(import)))
            .map(|(room, _)| *room)
            .collect();
        assert!(!free.is_empty(), "these import each other: {:?}", open.keys());
        open.retain(|room, _| !free.contains(room));
    }
}

#[test]
fn crates_depend_on_what_they_may() {
    for (folder, allowed) in CRATES {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap_or("");
        let own = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for name in own.filter(|name| name.starts_with("bfc")) {
            assert!(allowed.contains(&name), "{folder} depends on {name}");
        }
    }
}

/// A file of tests that its program does not have as a module would never run.
#[test]
fn files_of_tests_are_modules_of_their_program() {
    let mut files = 0;
    for (folder, _) in CRATES {
        let tests = root().join(folder).join("tests");
        let Ok(program) = fs::read_to_string(tests.join("main.rs")) else { continue };
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        for entry in fs::read_dir(&tests).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let is_source = path.extension().is_some_and(|extension| extension == "rs") && name != "main";
            if is_source || path.join("mod.rs").exists() {
                let is_module = program.contains(&format!("\nmod {name};"));
                let is_program = manifest.contains(&format!("[[test]]\nname = \"{name}\""));
                assert!(is_module || is_program, "{} belongs to no program of tests", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 40, "{files} files");
}
