//! Files of cases. A line `--- NAME --- OPTIONS` begins a case, the source follows, and after a line `---` what is expected
//! of it. `--- file NAME ---` begins a file that lies beside the sources of all cases after it.

use crate::difference::difference;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A source, and what is expected of it.
#[derive(Clone)]
pub struct Case {
    /// Its name, unique in its file.
    pub name: String,
    /// The words after the name.
    pub options: Vec<String>,
    /// The name of the source for messages.
    pub file: String,
    /// What the stage is given.
    pub source: String,
    /// Files beside the source, by name.
    pub beside: BTreeMap<String, String>,
    /// What comes out.
    pub expected: String,
}

/// The folder of this repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs all cases of a stage and compares; with `BLESS=1`, writes what comes out as the new expectation.
pub fn run(stage: &str, found: impl Fn(&Case) -> String) {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = vec![];
    for path in files(stage) {
        let text = std::fs::read_to_string(&path).expect("a file of cases");
        let stem = path.file_stem().expect("a name").to_string_lossy();
        let (mut blessed, mut names) = (vec![], BTreeSet::new());
        for (head, case) in read(&stem, &text) {
            let Some(case) = case else {
                blessed.push(head);
                continue;
            };
            assert!(names.insert(case.name.clone()), "{stem} has two cases `{}`", case.name);
            let found = trimmed(&found(&case));
            if found != case.expected {
                let shown = difference(&case.expected, &found);
                wrong.push(format!("tests/suite/{stage}/{stem}.cases, `{}`:\n{shown}", case.name));
            }
            blessed.push(format!("{head}---\n{found}"));
        }
        assert!(!names.is_empty(), "{stem} has no case");
        if bless {
            std::fs::write(&path, blessed.join("\n")).expect("the file of cases is writable");
        }
    }
    let (count, shown) = (wrong.len(), wrong.join("\n"));
    assert!(bless || wrong.is_empty(), "{shown}\n{count} cases differ; BLESS=1 accepts what is found");
}

/// The files of a stage.
pub fn files(stage: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/suite").join(stage);
    let entries = std::fs::read_dir(&folder).expect("a folder of cases");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(
        files.iter().all(|path| path.extension().is_some_and(|extension| extension == "cases")),
        "{files:?}"
    );
    files
}

/// The head of each section (its first line and its source), and its case unless it is a file beside the others.
fn read(stem: &str, text: &str) -> Vec<(String, Option<Case>)> {
    let mut sections: Vec<(&str, String, Option<String>)> = vec![];
    for line in text.split_inclusive('\n') {
        match (sections.last_mut(), is_header(line)) {
            (_, true) => sections.push((line, String::new(), None)),
            (Some((_, _, expected @ None)), _) if line == "---\n" => *expected = Some(String::new()),
            (Some((_, _, Some(text))) | Some((_, text, None)), _) => text.push_str(line),
            (None, _) => panic!("{stem} does not begin with a case: {line}"),
        }
    }
    let mut beside = BTreeMap::new();
    let mut read = vec![];
    for (header, mut source, expected) in sections {
        let (name, options) = header[4..].split_once(" ---").expect("a header");
        let case = match name.strip_prefix("file ") {
            Some(name) => {
                source = trimmed(&source);
                beside.insert(name.to_string(), source.clone());
                None
            }
            None => Some(Case {
                name: name.to_string(),
                options: options.split_whitespace().map(str::to_string).collect(),
                file: format!("{stem}.bf"),
                source: source.clone(),
                beside: beside.clone(),
                expected: trimmed(&expected.unwrap_or_default()),
            }),
        };
        read.push((format!("{header}{source}"), case));
    }
    read
}

fn is_header(line: &str) -> bool {
    line.strip_prefix("--- ").is_some_and(|rest| rest.contains(" ---"))
}

/// The text without blanks at ends of lines, and without empty lines around it.
fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}
