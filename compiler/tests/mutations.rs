//! Sources that nobody would write: words of the library's own sources and of the grammar, exchanged at random. Whatever
//! they say, the compiler answers with a schedule or with diagnostics that point into the source.

use bfc_compiler::{Entry, NoFiles, Request, check, compile, library};
use proptest::prelude::*;

const WORDS: [&str; 44] = [
    "i",
    "j",
    "size",
    "ranks",
    "0",
    "1",
    "2",
    "-1",
    "1/2",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "+",
    "*",
    "/",
    "mod",
    "div",
    "xor",
    "^",
    "..",
    "++",
    "->",
    "--",
    "weight",
    "self",
    "for",
    "in",
    "if",
    "else",
    "let",
    "x",
    "=",
    ",",
    "phase",
    "weights",
    "uniform",
    "lazy",
    "rho",
    "connected",
    "stable",
    "10^9",
];

fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in text.chars() {
        let last = words.last_mut().unwrap();
        let joins = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
        if !last.is_empty() && (!joins(letter) || !last.chars().all(joins)) {
            words.push(letter.to_string());
        } else {
            last.push(letter);
        }
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_source_gets_an_answer(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3, prop::sample::select(&WORDS[..])), 1..5),
        size in 1u32..10,
    ) {
        let names = library::names();
        let name = which.get(&names);
        let source: String = library::source(name).unwrap().lines().filter(|line| !line.starts_with("///")).map(|line| format!("{line}\n")).collect();
        let mut words = words(&source);
        for (at, kind, word) in changes {
            let at = at.index(words.len());
            match kind {
                0 => words[at] = word.to_string(),
                1 => words.insert(at, format!(" {word} ")),
                _ => drop(words.remove(at)),
            }
        }
        let text = words.concat();
        let entry = Entry::Source { name: "m.bf".into(), text: text.clone() };
        let request = Request::new(entry, size);
        for refused in [check(&request, &NoFiles).err(), compile(&request, &NoFiles).err()].into_iter().flatten() {
            prop_assert!(!refused.codes().is_empty());
            for report in refused.into_reports() {
                for label in report.labels().into_iter().flatten() {
                    let source = report.source_code().unwrap();
                    prop_assert!(source.read_span(label.inner(), 0, 0).is_ok(), "{text}\n{report}");
                }
            }
        }
    }
}
