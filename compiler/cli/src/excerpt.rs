//! A diagnostic with very long lines or texts becomes one that shows their parts that matter.
//!
//! A renderer shows whole lines. Where the lines that it would show are long, the diagnostic gets a source of its own:
//! these lines only, cut round the labels, with the line and column of the true source.

use miette::{
    Diagnostic, LabeledSpan, MietteError, MietteSpanContents, Report, Severity, SourceCode, SourceSpan,
    SpanContents,
};
use std::fmt;
use std::ops::Range;

/// The longest line, in bytes, that is shown whole.
const LONGEST: usize = 200;
/// What is kept of a longer line before and after the beginning of a label.
const BEFORE: usize = 40;
const AFTER: usize = 60;
const CUT: &str = "…";
/// The longest message or help, in bytes, that is shown whole.
const LONGEST_TEXT: usize = 1000;

/// The report, shortened where its lines or texts are long.
pub fn of(report: Report) -> Report {
    let excerpt = Excerpt::of(report.as_ref());
    let message = report.to_string();
    let help = report.help().map(|help| help.to_string()).unwrap_or_default();
    if excerpt.is_none() && message.len().max(help.len()) <= LONGEST_TEXT {
        return report;
    }
    Report::new(Shortened { excerpt, message: clip(message), report })
}

/// A text of moderate length.
pub fn clip(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        text.truncate(boundary(&text, LONGEST_TEXT));
        text.push_str(CUT);
    }
    text
}

/// The beginning of the letter that byte `at` belongs to.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Lines of a source, long ones cut.
#[derive(Debug)]
struct Excerpt {
    name: Option<String>,
    /// The number of the first line, from 0.
    first_line: usize,
    text: String,
    /// The pieces of the source that `text` keeps.
    pieces: Vec<Piece>,
    labels: Vec<LabeledSpan>,
}

/// A range of the source, and where it stands in the text.
#[derive(Debug)]
struct Piece {
    source: Range<usize>,
    at: usize,
    /// Bytes between the beginning of its line and itself, in the source.
    column: usize,
}

impl Excerpt {
    /// `None` where nothing is long, or nothing is labelled.
    fn of(diagnostic: &dyn Diagnostic) -> Option<Self> {
        let labels: Vec<LabeledSpan> = diagnostic.labels()?.collect();
        let start = labels.iter().map(LabeledSpan::offset).min()?;
        let end = labels.iter().map(|label| label.offset() + label.len()).max()?;
        let shown = diagnostic.source_code()?.read_span(&(start, end - start).into(), 1, 1).ok()?;
        let source = std::str::from_utf8(shown.data()).ok()?;
        if source.lines().all(|line| line.len() <= LONGEST) {
            return None;
        }
        let mut excerpt = Self {
            name: shown.name().map(str::to_string),
            first_line: shown.line(),
            text: String::new(),
            pieces: vec![],
            labels: vec![],
        };
        let mut at = shown.span().offset();
        for line in source.split_inclusive('\n') {
            excerpt.line(line, at, &labels);
            at += line.len();
        }
        let moved = |label: &LabeledSpan| {
            let start = excerpt.place(label.offset());
            let end = excerpt.place(label.offset() + label.len());
            let text = label.label().map(|text| clip(text.to_string()));
            if label.primary() {
                LabeledSpan::new_primary_with_span(text, start..end)
            } else {
                LabeledSpan::new_with_span(text, start..end)
            }
        };
        excerpt.labels = labels.iter().map(moved).collect();
        Some(excerpt)
    }

    /// Adds a line that begins at byte `start` of the source.
    fn line(&mut self, line: &str, start: usize, labels: &[LabeledSpan]) {
        for part in kept(line, start, labels) {
            if part.start > 0 {
                self.text.push_str(CUT);
            }
            let source = start + part.start..start + part.end;
            self.pieces.push(Piece { source, at: self.text.len(), column: part.start });
            self.text.push_str(&line[part]);
        }
        let whole = self.pieces.last().is_some_and(|piece| piece.source.end == start + line.len());
        if !whole {
            self.text.push_str(CUT);
        }
        if !whole && line.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Where a byte of the source stands in the text; what was cut stands at its mark.
    fn place(&self, byte: usize) -> usize {
        let before = self.pieces.iter().take_while(|piece| piece.source.start <= byte).last();
        before.map_or(0, |piece| piece.at + byte.min(piece.source.end) - piece.source.start)
    }

    /// The column in the source of a byte of the text.
    fn column(&self, place: usize) -> usize {
        let before = self.pieces.iter().take_while(|piece| piece.at <= place).last();
        before.map_or(0, |piece| piece.column + place - piece.at)
    }
}

/// The parts of a line that are shown, in order and apart.
fn kept(line: &str, start: usize, labels: &[LabeledSpan]) -> Vec<Range<usize>> {
    if line.len() <= LONGEST {
        let whole = 0..line.len();
        return vec![whole];
    }
    let ends = labels.iter().flat_map(|label| [label.offset(), label.offset() + label.len()]);
    let mut places: Vec<usize> =
        ends.filter(|end| (start..start + line.len()).contains(end)).map(|end| end - start).collect();
    places.sort_unstable();
    if places.is_empty() {
        places.push(0);
    }
    let mut parts: Vec<Range<usize>> = vec![];
    for place in places {
        let from = boundary(line, place.saturating_sub(BEFORE));
        let to = boundary(line, place + AFTER);
        match parts.last_mut() {
            Some(last) if last.end >= from => last.end = last.end.max(to),
            _ => parts.push(from..to),
        }
    }
    parts
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let shown = self.text.read_span(span, before, after)?;
        let line = self.first_line + shown.line();
        let column = if before == 0 { self.column(shown.span().offset()) } else { shown.column() };
        let (data, span, lines) = (shown.data(), *shown.span(), shown.line_count());
        Ok(Box::new(match &self.name {
            Some(name) => MietteSpanContents::new_named(name.clone(), data, span, line, column, lines),
            None => MietteSpanContents::new(data, span, line, column, lines),
        }))
    }
}

/// A diagnostic with an excerpt of its source, or with a part of its message.
#[derive(Debug)]
struct Shortened {
    report: Report,
    excerpt: Option<Excerpt>,
    message: String,
}

impl fmt::Display for Shortened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shortened {}

impl Diagnostic for Shortened {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.report.code()
    }

    fn severity(&self) -> Option<Severity> {
        self.report.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(clip(self.report.help()?.to_string())))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.report.related()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match &self.excerpt {
            Some(excerpt) => Some(excerpt),
            None => self.report.source_code(),
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match &self.excerpt {
            Some(excerpt) => Some(Box::new(excerpt.labels.iter().cloned())),
            None => self.report.labels(),
        }
    }
}
