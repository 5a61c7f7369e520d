//! Documentation → its examples: fenced blocks of `bf` and `console`, and blocks indented by four blanks.

use super::Documented;
use super::error::{ExampleError, Text};
use miette::NamedSource;
use serde_json::{Value, json};
use std::sync::Arc;

/// A block of code in the documentation of a file.
pub struct Example {
    /// The file.
    pub file: Arc<Documented>,
    /// What it is.
    pub kind: Kind,
    /// Its lines, without the fences.
    pub lines: Vec<Line>,
}

/// What an example is.
pub enum Kind {
    /// A whole source.
    Source(Shape),
    /// Commands and their output.
    Console,
    /// What cannot be run, and why.
    Malformed(String),
}

/// For how many ranks a source is compiled.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The number of ranks.
    pub size: u32,
    /// Ranks that share a machine.
    pub local_size: u32,
}

/// A line of an example.
#[derive(Clone, Debug)]
pub struct Line {
    /// Line number in the file, from 0.
    pub number: usize,
    /// The byte of the file at which it begins.
    pub start: usize,
    /// Bytes before it on the line of the file.
    pub column: usize,
    /// What it says.
    pub text: String,
}

const INDENT: &str = "    ";
const ITEMS: [&str; 6] = ["use", "fn", "topology", "algorithm", "async", "schedule"];

impl Example {
    /// The file's text, for messages.
    pub fn text(&self) -> Text {
        Arc::new(NamedSource::new(&self.file.name, self.file.text.clone()))
    }

    /// An error at one of its lines.
    pub fn malformed(&self, line: usize, reason: &str) -> ExampleError {
        ExampleError::Malformed { reason: reason.to_string(), text: self.text(), at: self.place(line) }
    }

    /// Where one of its lines stands.
    pub fn place(&self, line: usize) -> miette::SourceSpan {
        self.lines.get(line).map_or((0, 0).into(), |line| (line.start, line.text.len()).into())
    }

    /// What it is and whether it is true.
    pub fn json(&self, passed: bool) -> Value {
        let kind = match self.kind {
            Kind::Source(_) => "bf",
            Kind::Console => "console",
            Kind::Malformed(_) => "malformed",
        };
        let line = self.lines.first().map(|line| line.number + 1);
        json!({ "file": self.file.name, "line": line, "kind": kind, "passed": passed })
    }
}

/// The examples of a file, in order.
pub fn examples(file: &Arc<Documented>) -> Vec<Example> {
    let mut found = vec![];
    let mut block: Vec<Line> = vec![];
    let mut start = 0;
    for (number, line) in file.text.split_inclusive('\n').enumerate() {
        match documentation(line) {
            Some((column, text)) => {
                let text = text.to_string();
                block.push(Line { number, start: start + column, column, text });
            }
            None => found.extend(of_block(file, std::mem::take(&mut block))),
        }
        start += line.len();
    }
    found.extend(of_block(file, block));
    found
}

/// What a line of documentation says, and where that begins.
fn documentation(line: &str) -> Option<(usize, &str)> {
    let said = line.trim_start().strip_prefix("///").filter(|said| !said.starts_with('/'))?;
    let said = said.strip_prefix(' ').unwrap_or(said).trim_end();
    Some((said.as_ptr() as usize - line.as_ptr() as usize, said))
}

/// The examples of lines that follow each other.
fn of_block(file: &Arc<Documented>, lines: Vec<Line>) -> Vec<Example> {
    let mut found = vec![];
    let mut rest = &lines[..];
    let mut after_blank = true;
    while let [first, others @ ..] = rest {
        if let Some(info) = first.text.strip_prefix("```") {
            let end = others.iter().position(|line| line.text.trim_end() == "```");
            let inner = others[..end.unwrap_or(others.len())].to_vec();
            let kind = if end.is_some() { of_info(info) } else { unclosed(info) };
            found.extend(
                kind.map(|kind| {
                    example(file, kind, if inner.is_empty() { vec![first.clone()] } else { inner })
                }),
            );
            rest = &others[end.map_or(others.len(), |end| end + 1)..];
            after_blank = true;
        } else if after_blank && first.text.starts_with(INDENT) {
            let belongs = |line: &Line| line.text.is_empty() || line.text.starts_with(INDENT);
            let end = rest.iter().position(|line| !belongs(line)).unwrap_or(rest.len());
            let mut inner: Vec<Line> = rest[..end].iter().map(outdented).collect();
            while inner.last().is_some_and(|line| line.text.is_empty()) {
                inner.pop();
            }
            found.extend(of_indented(&inner).map(|kind| example(file, kind, inner)));
            rest = &rest[end..];
        } else {
            after_blank = first.text.is_empty();
            rest = others;
        }
    }
    found
}

fn example(file: &Arc<Documented>, kind: Kind, lines: Vec<Line>) -> Example {
    Example { file: file.clone(), kind, lines }
}

fn outdented(line: &Line) -> Line {
    match line.text.strip_prefix(INDENT) {
        Some(text) => Line {
            start: line.start + INDENT.len(),
            column: line.column + INDENT.len(),
            text: text.to_string(),
            ..line.clone()
        },
        None => line.clone(),
    }
}

/// What a fence says after its quotes, as in `bf size=16`; nothing for text.
fn of_info(info: &str) -> Option<Kind> {
    let mut words = info.split_whitespace();
    match words.next()? {
        "console" => Some(Kind::Console),
        "bf" => {
            let mut shape = Shape { size: 8, local_size: 1 };
            for word in words {
                match word.split_once('=').map(|(key, value)| (key, value.parse::<u32>())) {
                    Some(("size", Ok(size))) => shape.size = size,
                    Some(("local_size", Ok(local_size))) => shape.local_size = local_size,
                    _ => {
                        return Some(Kind::Malformed(format!(
                            "`{word}` is neither `size=N` nor `local_size=L`"
                        )));
                    }
                }
            }
            Some(Kind::Source(shape))
        }
        _ => None,
    }
}

fn unclosed(info: &str) -> Option<Kind> {
    of_info(info).map(|_| Kind::Malformed("its fence is never closed".to_string()))
}

/// A source, commands, or text such as a formula.
fn of_indented(lines: &[Line]) -> Option<Kind> {
    let first = lines.first()?.text.trim_start_matches("$ ");
    let word = first.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()?;
    if word == "bfc" {
        return Some(Kind::Console);
    }
    ITEMS.contains(&word).then_some(Kind::Source(Shape { size: 8, local_size: 1 }))
}
