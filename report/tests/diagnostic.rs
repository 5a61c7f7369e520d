//! What is shown of a diagnostic holds no hidden character and points at the right place.

use bfc_report::Shown;
use bfc_schedule::visible::is_hidden;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};
use thiserror::Error;

#[derive(Debug, Error, Diagnostic)]
#[error("message {text}")]
#[diagnostic(code(bfc::test), help("help {text}\nsecond line"))]
struct Complaint {
    text: String,
    #[source_code]
    code: NamedSource<String>,
    #[label("label {text}")]
    at: SourceSpan,
    #[source]
    cause: std::io::Error,
    #[related]
    related: Vec<Inner>,
}

#[derive(Debug, Error, Diagnostic)]
#[error("inner {text}")]
struct Inner {
    text: String,
    #[label("inner label")]
    at: SourceSpan,
}

const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{7}\u{202e}\r\u{8}";

fn rendered(diagnostic: &dyn Diagnostic) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut text = String::new();
    handler.render_report(&mut text, &Shown::new(diagnostic)).expect("renders");
    text
}

fn complaint(name: &str, source: &str, word: &str, text: &str) -> Complaint {
    let at: SourceSpan = (source.find(word).expect("in the source"), word.len()).into();
    Complaint {
        text: text.to_string(),
        code: NamedSource::new(name, source.to_string()),
        at,
        cause: std::io::Error::other(text.to_string()),
        related: vec![Inner { text: text.to_string(), at }],
    }
}

#[test]
fn nothing_hidden_is_shown_wherever_it_stands() {
    // The renderer counts a lone carriage return as a line end.
    let hostile = HOSTILE.replace('\r', "");
    let source = format!("one\n{hostile} two {hostile} wrong {HOSTILE}\nthree {HOSTILE}");
    let shown = rendered(&complaint(&format!("file{HOSTILE}\n.bf"), &source, "wrong", HOSTILE));
    let is_bad = |letter: char| is_hidden(letter) && letter != '\n';
    assert!(!shown.contains(is_bad), "{shown:?}");
    for whole in ["message", "help", "label", "inner"] {
        let line = shown.lines().find(|line| line.contains(&format!("{whole} "))).expect("shown");
        assert!(line.contains(r"\u{1b}[2J\u{9b}31m\u{7}\u{202e}\r\u{8}"), "{line}");
    }
    assert!(shown.contains(r"file\u{1b}[2J\u{9b}31m\u{7}\u{202e}\r\u{8}\n.bf:2:"), "{shown}");
    assert!(shown.contains("second line"), "line ends of a help stay");
}

#[test]
fn labels_stand_below_their_words() {
    for before in ["", "\u{1b}[31m ", "\u{202e}é\u{9b} ", "\t", "x\r ", &"long \u{7} ".repeat(60)] {
        for (word, line_end) in [("wrong", "\n"), ("wrong", "\r\n"), ("wr\u{1b}ong", "\n"), ("wrong", "")] {
            let source = format!("first\n{before}{word}{line_end}");
            let shown = rendered(&complaint("file.bf", &source, word, "text"));
            let lines: Vec<&str> = shown.lines().collect();
            let written = word.replace('\u{1b}', r"\u{1b}");
            let at = lines.iter().position(|line| line.starts_with(" 2 ")).expect("the line is shown");
            let column = |line: &str, part: &str| line.find(part).map(|at| line[..at].chars().count());
            let marks = lines[at + 1].chars().filter(|mark| "─┬".contains(*mark)).count();
            assert_eq!(column(lines[at], &written), column(lines[at + 1], "─"), "{shown}");
            assert_eq!(marks, written.chars().count(), "{shown}");
        }
    }
}
