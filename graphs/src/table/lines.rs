//! Text → lines of fields, for one separator.

use crate::number::Number;
use crate::options::Separator;
use miette::SourceSpan;

/// A line that is not blank.
#[derive(Clone, Copy, Debug)]
pub struct Line<'t> {
    /// Its number, from 1.
    pub number: usize,
    /// The byte at which it begins.
    pub at: usize,
    /// What stands there.
    pub text: &'t str,
}

impl Line<'_> {
    /// Its place.
    pub fn span(&self) -> SourceSpan {
        (self.at, self.text.len()).into()
    }
}

/// The lines of a file: comments, and the others.
pub struct Lines<'t> {
    /// Lines that begin with the mark of a comment, which they keep.
    pub comments: Vec<Line<'t>>,
    /// The others.
    pub data: Vec<Line<'t>>,
}

impl<'t> Lines<'t> {
    /// The lines of a text; `comment` is what begins comments, `#` or `%` where nothing is said.
    pub fn new(text: &'t str, comment: Option<Option<char>>) -> Self {
        let is_comment = |line: &str| match comment {
            None => line.starts_with(['#', '%']),
            Some(None) => false,
            Some(Some(letter)) => line.starts_with(letter),
        };
        let (mut comments, mut data) = (vec![], vec![]);
        let mut at = 0;
        for (index, whole) in text.split_inclusive('\n').enumerate() {
            let bare = whole.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
            let start = at + whole.len() - whole.trim_start_matches('\u{feff}').len();
            at += whole.len();
            let line = Line { number: index + 1, at: start, text: bare };
            let content = bare.trim_start();
            if is_comment(content) {
                comments.push(line);
            } else if !content.is_empty() {
                data.push(line);
            }
        }
        Self { comments, data }
    }
}

/// A field and the byte of the file at which it stands.
pub type Field<'t> = (usize, &'t str);

/// The place of a field.
pub fn span((at, field): Field) -> SourceSpan {
    (at, field.len()).into()
}

/// Whether a field is a number, be it infinite, not a number at all, or of too many digits.
pub fn is_number(field: &str) -> bool {
    Number::parse(field).is_some() || field.parse::<f64>().is_ok()
}

/// Whether a field is a number that is infinite, not a number at all, or of too many digits.
pub fn is_not_finite(field: &str) -> bool {
    is_number(field) && Number::parse(field).is_none()
}

/// Whether a field holds attributes as networkx writes them: `{'weight': 0.5}`.
pub fn is_attribute(field: &str) -> bool {
    field.starts_with('{') && field.ends_with('}')
}

/// Lines as rows of fields.
pub struct Table<'t> {
    /// What separates the fields.
    pub separator: Separator,
    /// The lines.
    pub lines: Vec<Line<'t>>,
    fields: Vec<Field<'t>>,
    ends: Vec<usize>,
}

impl<'t> Table<'t> {
    /// Splits lines.
    pub fn new(lines: &[Line<'t>], separator: Separator) -> Self {
        let mut table = Self { separator, lines: lines.to_vec(), fields: vec![], ends: vec![] };
        for line in lines {
            fields(*line, separator, &mut table.fields);
            table.ends.push(table.fields.len());
        }
        table
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The fields of a row.
    pub fn row(&self, row: usize) -> &[Field<'t>] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.fields[start..self.ends[row]]
    }

    /// The rows from one on.
    pub fn rows(&self, from: usize) -> impl Iterator<Item = &[Field<'t>]> {
        (from..self.len()).map(|row| self.row(row))
    }

    /// The fields of the rows from one on.
    pub fn fields(&self, from: usize) -> &[Field<'t>] {
        let start = if from == 0 { 0 } else { self.ends[from - 1] };
        &self.fields[start..]
    }

    /// The number of fields of every row from one on, if it is the same.
    pub fn width(&self, from: usize) -> Option<usize> {
        let mut widths = self.rows(from).map(<[_]>::len);
        let first = widths.next()?;
        widths.all(|width| width == first).then_some(first)
    }

    /// The number of fields that most rows have.
    pub fn usual_width(&self) -> usize {
        let mut counts = std::collections::BTreeMap::new();
        self.rows(0).for_each(|row| *counts.entry(row.len()).or_insert(0usize) += 1);
        counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
    }

    /// Whether another table has the same fields.
    pub fn is_same(&self, other: &Self) -> bool {
        self.ends == other.ends && self.fields == other.fields
    }

    /// The place of a row.
    pub fn span(&self, row: usize) -> SourceSpan {
        self.lines[row].span()
    }
}

/// Whether a separator stands in a line, outside of quotes and brackets.
pub fn contains(line: &str, separator: Separator) -> bool {
    let letter = separator.letter();
    line.contains(letter) && outside(line).any(|(_, found)| found == letter)
}

/// The letters outside of quotes, and of the braces and parentheses that networkx writes for attributes and tuples.
fn outside(line: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside = (false, 0usize);
    line.char_indices().filter(move |(_, letter)| {
        let (quoted, depth) = &mut inside;
        match letter {
            '"' => *quoted = !*quoted,
            '{' | '(' if !*quoted => *depth += 1,
            '}' | ')' if !*quoted => *depth = depth.saturating_sub(1),
            _ => {}
        }
        !*quoted && *depth == 0
    })
}

/// Adds the fields of a line.
fn fields<'t>(line: Line<'t>, separator: Separator, into: &mut Vec<Field<'t>>) {
    let (text, first) = (line.text, into.len());
    let blank = separator == Separator::Blank;
    let mut begin = 0;
    let mut end_field = |end: usize, next: usize| {
        let field = &text[begin..end];
        let bare = field.trim();
        let bare = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
        if !blank || !bare.is_empty() {
            into.push((line.at + begin + (bare.as_ptr() as usize - field.as_ptr() as usize), bare));
        }
        begin = next;
    };
    let letter = separator.letter();
    let separates = |found: char| found == letter || blank && found == '\t';
    if text.contains(['"', '(', '{']) {
        outside(text).filter(|(_, found)| separates(*found)).for_each(|(at, _)| end_field(at, at + 1));
    } else {
        text.char_indices().filter(|(_, found)| separates(*found)).for_each(|(at, _)| end_field(at, at + 1));
    }
    end_field(text.len(), text.len());
    // A separator at the end of a line begins no field.
    if into.len() > first + 1 && into.last().is_some_and(|(_, field)| field.is_empty()) {
        into.pop();
    }
}
