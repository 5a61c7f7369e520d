//! A source with very long lines or hidden characters becomes a text with the parts of it that matter.
//!
//! A renderer shows whole lines as they are. Where the lines that it would show are long, or hold what cannot be seen, it
//! gets these lines only, cut round the labels and with hidden characters written out, with the line and column of the
//! true source.

use crate::diagnostic::{CUT, boundary};
use bfc_schedule::visible::{self, is_hidden};
use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::ops::Range;

/// The longest line, in bytes, that is shown whole.
const LONGEST: usize = 200;
/// What is kept of a longer line before and after the beginning of a label.
const BEFORE: usize = 40;
const AFTER: usize = 60;

/// Lines of a source, long ones cut, with nothing hidden.
pub struct Excerpt {
    name: Option<String>,
    /// The number of the first line, from 0.
    first_line: usize,
    text: String,
    /// The pieces of the source that `text` has.
    pieces: Vec<Piece>,
}

/// A range of the source, and where it stands in the text.
struct Piece {
    source: Range<usize>,
    at: usize,
    /// Bytes between the beginning of its line and itself, in the source.
    column: usize,
}

impl Excerpt {
    /// `None` where nothing is long or hidden, or nothing is labelled.
    pub fn new(source: &dyn SourceCode, labels: &[LabeledSpan]) -> Option<Self> {
        let start = labels.iter().map(LabeledSpan::offset).min()?;
        let end = labels.iter().map(|label| label.offset() + label.len()).max()?;
        let shown = source.read_span(&(start, end - start).into(), 1, 1).ok()?;
        let source = std::str::from_utf8(shown.data()).ok()?;
        let is_short = source.lines().all(|line| line.len() <= LONGEST);
        let is_plain =
            !source.lines().any(|line| line.chars().any(|letter| is_hidden(letter) && letter != '\t'));
        let name = shown.name();
        if is_short && is_plain && !name.is_some_and(|name| name.chars().any(is_hidden)) {
            return None;
        }
        let mut excerpt = Self {
            name: name.map(|name| visible::line(name).into_owned()),
            first_line: shown.line(),
            text: String::new(),
            pieces: vec![],
        };
        let mut at = shown.span().offset();
        for line in source.split_inclusive('\n') {
            excerpt.line(line, at, labels);
            at += line.len();
        }
        Some(excerpt)
    }

    /// Where a span of the source stands in the text; what was cut stands at its mark.
    pub fn place(&self, span: &SourceSpan) -> SourceSpan {
        let place = |byte: usize| {
            let before = self.pieces.iter().take_while(|piece| piece.source.start <= byte).last();
            before.map_or(0, |piece| piece.at + byte.min(piece.source.end) - piece.source.start)
        };
        let (start, end) = (place(span.offset()), place(span.offset() + span.len()));
        (start, end - start).into()
    }

    /// Adds a line that begins at byte `start` of the source.
    fn line(&mut self, line: &str, start: usize, labels: &[LabeledSpan]) {
        let content = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        let mut end = 0;
        for part in kept(content, start, labels) {
            if part.start > end {
                self.text.push_str(CUT);
            }
            end = part.end;
            self.part(content, part, start);
        }
        if end < content.len() {
            self.text.push_str(CUT);
        }
        let line_end = start + content.len()..start + line.len();
        self.pieces.push(Piece { source: line_end, at: self.text.len(), column: content.len() });
        if content.len() < line.len() {
            self.text.push('\n');
        }
    }

    /// Adds a part of a line that begins at byte `start`; each hidden character is a piece of its own.
    fn part(&mut self, line: &str, part: Range<usize>, start: usize) {
        let mut column = part.start;
        for piece in line[part].split_inclusive(is_hidden_within) {
            let hidden = piece.chars().next_back().filter(|last| is_hidden_within(*last));
            let plain = piece.len() - hidden.map_or(0, char::len_utf8);
            for text in [&piece[..plain], &piece[plain..]] {
                let source = start + column..start + column + text.len();
                self.pieces.push(Piece { source, at: self.text.len(), column });
                self.text.push_str(&visible::lines(text));
                column += text.len();
            }
        }
    }

    /// The column in the source of a byte of the text.
    fn column(&self, place: usize) -> usize {
        let before = self.pieces.iter().take_while(|piece| piece.at <= place).last();
        before.map_or(0, |piece| piece.column + place - piece.at)
    }
}

/// Renderers show tabs as blanks.
fn is_hidden_within(letter: char) -> bool {
    is_hidden(letter) && letter != '\t'
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
