//! Runs what the documents show: the tour of README.md, its `console` blocks in order, in one directory that holds the
//! `examples`, and the page of the language.
//!
//! A line `$ bfc …` is run and must succeed (`$ bfc … # exits N` must exit with N). Each line below it must appear in the
//! output, in order; `…` stands for any text, and runs of blanks and rules of tables do not count. A `bf` block
//! that is introduced by `` `NAME`: `` is written to that file. The lines of a `rust` or `python` block stand in the example.

#[path = "../src/example/expected.rs"]
mod expected;

use crate::common;
use bfc_compiler::builtin_names;
use bfc_compiler::model::claim;
use expected::{matches, plain};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_tour_works() {
    let root = &Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md is there");
    let tour = readme.split("\n## ").find(|part| part.starts_with("A tour")).expect("a tour");
    let directory = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(root.join("examples"), directory.path().join("examples")).expect("a link");
    let blocks = blocks(tour);
    assert!(blocks.iter().filter(|block| block.language == "console").count() >= 5, "the tour has blocks");
    for block in blocks {
        match (block.language, block.file) {
            ("console", _) => commands(block.text).iter().for_each(|command| command.check(directory.path())),
            ("bf", Some(name)) => fs::write(directory.path().join(name), block.text).expect("written"),
            ("rust", _) => excerpt(block.text, root, &["train.rs", "perceptron.rs"]),
            ("python", _) => excerpt(block.text, root, &["train.py", "train_torch.py"]),
            (language, _) => panic!("nobody tests a block of `{language}`:\n{}", block.text),
        }
    }
}

/// Its commands run in one directory, in order; what is not introduced by `$` is for other machines.
#[test]
fn the_page_of_prediction_is_true() {
    let page = fs::read_to_string(common::root().join("docs/prediction.md")).expect("the page is there");
    let directory = tempfile::tempdir().expect("a directory");
    let examples = directory.path().join("examples");
    std::os::unix::fs::symlink(common::root().join("examples"), examples).expect("a link");
    let blocks = blocks(&page).into_iter().filter(|block| block.text.starts_with("$ "));
    let steps: Vec<Step> = blocks.flat_map(|block| commands(block.text)).collect();
    assert!(steps.len() >= 8, "the page has commands");
    steps.iter().for_each(|step| step.check(directory.path()));
}

/// Each `bf` block is a whole source as `bfc fmt` lays it out; what says `// refused` is refused.
#[test]
fn the_page_of_the_language_is_true() {
    let page = fs::read_to_string(common::root().join("docs/language.md")).expect("the page is there");
    let blocks = blocks(&page);
    assert!(blocks.iter().filter(|block| block.language == "bf").count() >= 10, "the page has sources");
    for block in blocks {
        match block.language {
            "console" => commands(block.text).iter().for_each(|command| command.check(&common::root())),
            "bf" => {
                let (_directory, path) = common::files(&[("page.bf", block.text.as_bytes())]);
                let refused = i32::from(block.text.contains("// refused"));
                common::bfc(&["check", &path("page.bf"), "--size", "8"]).assert().code(refused);
                common::bfc(&["fmt", "--check", &path("page.bf")]).assert().code(0);
            }
            language => panic!("nobody tests a block of `{language}`:\n{}", block.text),
        }
    }
}

/// Its commands run, and its lines of Rust are those of an example.
#[test]
fn the_page_of_training_is_true() {
    let page = fs::read_to_string(common::root().join("docs/training.md")).expect("the page is there");
    for block in blocks(&page) {
        match block.language {
            "console" => commands(block.text).iter().for_each(|command| command.check(&common::root())),
            "rust" => excerpt(block.text, &common::root(), &["train.rs", "perceptron.rs"]),
            language => panic!("nobody tests a block of `{language}`:\n{}", block.text),
        }
    }
}

#[test]
fn the_page_of_the_language_names_every_word() {
    let page = fs::read_to_string(common::root().join("docs/language.md")).expect("the page is there");
    let functions = builtin_names::BUILTINS.iter().map(|builtin| builtin.name);
    for word in functions.chain(claim::words()).chain(builtin_names::codecs()) {
        let told = ["`", "("].iter().any(|end| page.contains(&format!("`{word}{end}")));
        assert!(told, "docs/language.md does not mention `{word}`");
    }
}

/// The lines follow each other in the file, whatever their indentation.
/// Lines of one of the examples.
fn excerpt(lines: &str, root: &Path, examples: &[&str]) {
    let trimmed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let source = |example: &&str| {
        let text = fs::read_to_string(root.join("examples").join(example)).expect("an example");
        trimmed(&text)
    };
    let found = examples.iter().any(|example| source(example).contains(&trimmed(lines)));
    assert!(found, "none of {examples:?} has:\n{lines}");
}

struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    text: &'a str,
}

fn blocks(tour: &str) -> Vec<Block<'_>> {
    let parts: Vec<&str> = tour.split("```").collect();
    let pairs = parts.chunks_exact(2);
    pairs
        .map(|pair| {
            let (language, text) = pair[1].split_once('\n').expect("a block has a first line");
            let named = pair[0].trim_end().strip_suffix("`:").and_then(|before| before.rsplit('`').next());
            Block { language, file: named, text }
        })
        .collect()
}

struct Step<'a> {
    line: &'a str,
    expected: Vec<&'a str>,
}

fn commands(text: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = vec![];
    for line in text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(line), _) => steps.push(Step { line, expected: vec![] }),
            (None, Some(step)) => step.expected.push(line),
            (None, None) => panic!("a block begins with a command, found `{line}`"),
        }
    }
    steps
}

impl Step<'_> {
    fn check(&self, directory: &Path) {
        let (command, exit) = self.line.split_once("# exits ").unwrap_or((self.line, "0"));
        // A shell takes quotes away.
        let command = command.replace('\'', "");
        let mut words = command.split_whitespace();
        assert_eq!(words.next(), Some("bfc"), "the tour runs bfc only: {}", self.line);
        let mut bfc = Command::new(env!("CARGO_BIN_EXE_bfc"));
        // The tour shows what a terminal shows that knows Unicode.
        bfc.env("TERM", "xterm").env("LANG", "C.UTF-8").env_remove("LC_ALL").env_remove("LC_CTYPE");
        let output = bfc.args(words).current_dir(directory).output().expect("bfc starts");
        let told =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text")).concat();
        assert_eq!(output.status.code(), exit.trim().parse().ok(), "`{command}` said:\n{told}");
        let mut rest: Vec<String> = told.lines().map(plain).collect();
        for expected in
            self.expected.iter().map(|line| plain(line)).filter(|line| !line.is_empty() && line != "…")
        {
            let found = rest.iter().position(|line| matches(&expected, line));
            let found = found.unwrap_or_else(|| panic!("`{command}` does not say `{expected}`:\n{told}"));
            rest.drain(..=found);
        }
    }
}
