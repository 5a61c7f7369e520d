//! What the tests of this crate share.

use std::path::Path;

use bfc_dsl::tree::{File, FileId};
use bfc_dsl::{ParseError, parse};
use miette::{GraphicalReportHandler, GraphicalTheme, NamedSource, Report};
use proptest::prelude::*;

/// Name and text of each sample program.
pub fn programs() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs");
    let mut programs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    programs.sort();
    programs
}

/// The tree of a source without mistakes.
pub fn read(text: &str) -> Result<File, Vec<ParseError>> {
    parse(FileId(0), text).into_result()
}

/// The errors as a user sees them, without colours.
pub fn render(name: &str, text: &str, errors: &[ParseError]) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut out = String::new();
    for error in errors {
        let source = NamedSource::new(name, text.to_string());
        let report = Report::new(error.clone()).with_source_code(source);
        handler.render_report(&mut out, report.as_ref()).unwrap();
        out.push('\n');
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim_end().to_string() + "\n"
}

/// A tree without its places.
pub fn shape(tree: &impl std::fmt::Debug) -> String {
    let debug = format!("{tree:?}");
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // `Span { file: FileId(0), start: 1, end: 2 }`
        rest = &rest[rest.find('}').unwrap() + 1..];
    }
    out + rest
}

/// A sample program with a few bytes changed.
pub fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<String> = programs().into_iter().map(|(_, text)| text).collect();
    let edit =
        (any::<prop::sample::Index>(), 0usize..6, proptest::sample::select(&PIECES[..]), any::<u8>(), 0..3);
    (proptest::sample::select(texts), proptest::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut bytes = text.into_bytes();
        for (at, length, piece, byte, kind) in edits {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + length).min(bytes.len());
            match kind {
                0 => drop(bytes.splice(at..end, [])),
                1 => drop(bytes.splice(at..end, piece.bytes())),
                _ => drop(bytes.splice(at..at, [byte])),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What mutations of a source put in.
pub const PIECES: [&str; 50] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "//",
    "///",
    "/// x\n",
    "/*",
    "'",
    "\"",
    "->",
    "--",
    "<-",
    "-",
    "=",
    ",",
    "..",
    ":",
    "::",
    "if ",
    "else ",
    "for ",
    "in ",
    "not ",
    "mod ",
    "let ",
    "topology ",
    "step ",
    " weight ",
    "1",
    "1.",
    "x",
    " ",
    "\r",
    "\t",
    "\u{0}",
    "é",
    "→",
    "\u{202e}",
    "&&",
    "!",
    ";",
    "#",
    "fn ",
    "algorithm a {",
    "^",
    "+",
];
