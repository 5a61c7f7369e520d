//! Comma-separated text becomes a table of finite numbers with a label in the last column.
//!
//! A first line without any number is a heading. Fields may stand in double quotes; blank lines are skipped. The text is
//! untrusted: each fault is reported with its place, the first few of them.

use miette::{Diagnostic, NamedSource, SourceSpan};
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// UCI Optical Recognition of Handwritten Digits; see `examples/data/README.md`.
pub const DIGITS: &str = include_str!("../../../../examples/data/digits.csv");

const MAX_FAULTS: usize = 5;
const MAX_CLASSES: usize = 1000;
const MAX_MAGNITUDE: f64 = 1e100;

/// Features row by row, and the class of each row.
#[derive(Clone, Debug)]
pub struct Table {
    /// The number of features, at least 1.
    pub columns: usize,
    /// `rows × columns` finite numbers.
    pub features: Vec<f64>,
    /// The class of each row.
    pub labels: Vec<usize>,
    /// The labels as written: in numeric order where all are numbers, else in alphabetical order.
    pub classes: Vec<String>,
}

type Text = NamedSource<Arc<str>>;

/// What is wrong with the data.
#[derive(Debug, Error, Diagnostic)]
pub enum DataError {
    /// A line has more or fewer fields than the first.
    #[error("line {line} has {found} fields, expected {expected}")]
    #[diagnostic(
        code(bfc::data::ragged_row),
        help(
            "give every line as many fields as the first, which may be a heading without numbers; the last is the label"
        )
    )]
    RaggedRow {
        /// Line number, from 1.
        line: usize,
        /// Fields there.
        found: usize,
        /// Fields of the first line.
        expected: usize,
        /// The file.
        #[source_code]
        text: Text,
        /// The line.
        #[label("{found} fields")]
        at: SourceSpan,
    },
    /// The fields are not separated by commas.
    #[error("line {line} separates its fields by {found}, expected commas")]
    #[diagnostic(
        code(bfc::data::separator),
        help("write commas between the fields, and points in numbers: `1.5,2,a`")
    )]
    Separator {
        /// Line number, from 1.
        line: usize,
        /// The separator.
        found: &'static str,
        /// The file.
        #[source_code]
        text: Text,
        /// The first of them.
        #[label("expected a comma")]
        at: SourceSpan,
    },
    /// A feature is not a finite number of moderate size.
    #[error("line {line}, field {field} is {found}, expected a finite number of magnitude up to 1e100")]
    #[diagnostic(
        code(bfc::data::not_a_number),
        help(
            "remove the line, or encode the field as a number; only the label, in the last field, may be text, and a first line without any number is a heading"
        )
    )]
    NotANumber {
        /// Line number, from 1.
        line: usize,
        /// Field number, from 1.
        field: usize,
        /// What stands there.
        found: String,
        /// The file.
        #[source_code]
        text: Text,
        /// The field.
        #[label("{why}")]
        at: SourceSpan,
        /// Why it is none.
        why: &'static str,
    },
    /// The file holds no rows, or rows without features.
    #[error("`{name}` holds no row with at least one feature and a label")]
    #[diagnostic(
        code(bfc::data::empty),
        help(
            "write one example a line: numbers separated by commas, then the label; a first line without numbers is a heading"
        )
    )]
    Empty {
        /// The file.
        name: String,
    },
    /// Fewer than two classes, or too many for a classification.
    #[error("`{name}` holds {found}, expected 2 to {MAX_CLASSES} different ones")]
    #[diagnostic(
        code(bfc::data::classes),
        help("the last column names the class of its row, which the model learns to predict")
    )]
    Classes {
        /// The file.
        name: String,
        /// What its labels are.
        found: String,
    },
    /// Not every rank can have a row.
    #[error("`{name}` leaves {found} rows for training, expected at least one for each of {ranks} ranks")]
    #[diagnostic(
        code(bfc::data::too_few_rows),
        help("use more data or a smaller `--size`; a fifth is kept for the test")
    )]
    TooFewRows {
        /// The file.
        name: String,
        /// Training rows.
        found: usize,
        /// Ranks.
        ranks: usize,
    },
    /// The file is not UTF-8.
    #[error("`{name}` is not UTF-8 text: byte {byte} is invalid")]
    #[diagnostic(code(bfc::data::not_text), help("save the data as plain comma-separated text in UTF-8"))]
    NotText {
        /// The file.
        name: String,
        /// Offset of the first invalid byte.
        byte: usize,
    },
}

/// Reads a table from text; `name` is what errors call it.
///
/// # Errors
/// The first faults found, at least one.
pub fn parse(name: &str, text: &str) -> Result<Table, Vec<DataError>> {
    let mut reader = Reader { name, text, width: None, features: vec![], labels: vec![], faults: vec![] };
    let mut offset = 0;
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        reader.line(index + 1, offset, raw.trim_end_matches(['\n', '\r']));
        offset += raw.len();
        if reader.faults.len() >= MAX_FAULTS {
            break;
        }
    }
    reader.finish()
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
    width: Option<usize>,
    features: Vec<f64>,
    labels: Vec<&'a str>,
    faults: Vec<DataError>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: usize, offset: usize, content: &'a str) {
        let content = if line == 1 { content.trim_start_matches('\u{feff}') } else { content };
        let offset = if line == 1 && self.text.starts_with('\u{feff}') { offset + 3 } else { offset };
        if content.trim().is_empty() {
            return;
        }
        let fields = fields(content);
        let Some(width) = self.width else {
            if self.faults.is_empty()
                && let Some(fault) = self.separator(line, offset, content, fields.len())
            {
                self.faults.push(fault);
                return;
            }
            self.width = Some(fields.len());
            let heading = fields.iter().all(|(_, field)| field.parse::<f64>().is_err());
            if !heading {
                self.row(line, offset, &fields);
            }
            return;
        };
        if fields.len() == width {
            self.row(line, offset, &fields);
        } else {
            self.faults.push(DataError::RaggedRow {
                line,
                found: fields.len(),
                expected: width,
                text: self.source(),
                at: (offset, content.len()).into(),
            });
        }
    }

    /// The fault of a first line that has one field only where another separator gives several.
    fn separator(&self, line: usize, offset: usize, content: &str, fields: usize) -> Option<DataError> {
        let separators = [(';', "semicolons"), ('\t', "tabs"), (' ', "blanks")];
        let (place, found) =
            separators.iter().find_map(|(letter, name)| Some((content.trim_end().find(*letter)?, *name)))?;
        let at = (offset + place, 1).into();
        (fields == 1).then(|| DataError::Separator { line, found, text: self.source(), at })
    }

    fn row(&mut self, line: usize, offset: usize, fields: &[(usize, &'a str)]) {
        let Some((label, features)) = fields.split_last() else { return };
        for (index, &(start, field)) in features.iter().enumerate() {
            match field.parse::<f64>() {
                Ok(value) if value.abs() <= MAX_MAGNITUDE => self.features.push(value),
                _ => {
                    let shown: String = field.chars().take(40).collect();
                    let (found, why) = match field.parse::<f64>() {
                        _ if field.is_empty() => ("empty".to_string(), "no number stands here"),
                        Ok(value) if !value.is_nan() => (format!("`{shown}`"), "too large"),
                        _ => (format!("`{shown}`"), "not a number"),
                    };
                    self.faults.push(DataError::NotANumber {
                        line,
                        field: index + 1,
                        found,
                        text: self.source(),
                        at: (offset + start, field.len()).into(),
                        why,
                    });
                    return;
                }
            }
        }
        self.labels.push(label.1);
    }

    fn finish(self) -> Result<Table, Vec<DataError>> {
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let columns = self.width.unwrap_or(0).saturating_sub(1);
        if columns == 0 || self.labels.is_empty() {
            return Err(vec![DataError::Empty { name: self.name.into() }]);
        }
        let (classes, labels) = classes(&self.labels);
        if !(2..=MAX_CLASSES).contains(&classes.len()) {
            let found = match &classes[..] {
                [only] => format!("a single label, `{only}`"),
                _ => format!("{} different labels", classes.len()),
            };
            return Err(vec![DataError::Classes { name: self.name.into(), found }]);
        }
        Ok(Table { columns, features: self.features, labels, classes })
    }

    fn source(&self) -> Text {
        NamedSource::new(self.name, Arc::from(self.text))
    }
}

/// The fields of a line, each with the byte at which it starts.
fn fields(line: &str) -> Vec<(usize, &str)> {
    let mut fields = vec![];
    let (mut start, mut quoted) = (0, false);
    for (place, letter) in line.char_indices().chain([(line.len(), ',')]) {
        if letter == '"' {
            quoted = !quoted;
        } else if letter == ',' && (!quoted || place == line.len()) {
            let field = &line[start..place];
            let bare = field.trim();
            let bare = bare.strip_prefix('"').and_then(|b| b.strip_suffix('"')).unwrap_or(bare);
            fields.push((start + (bare.as_ptr() as usize - field.as_ptr() as usize), bare));
            start = place + 1;
        }
    }
    fields
}

fn classes(labels: &[&str]) -> (Vec<String>, Vec<usize>) {
    let mut distinct: BTreeMap<&str, usize> = labels.iter().map(|&label| (label, 0)).collect();
    let mut order: Vec<&str> = distinct.keys().copied().collect();
    let number = |label: &str| label.parse::<f64>().ok().filter(|value| !value.is_nan());
    if order.iter().all(|label| number(label).is_some()) {
        order.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
    }
    for (class, label) in order.iter().enumerate() {
        distinct.insert(label, class);
    }
    (order.iter().map(|&label| label.into()).collect(), labels.iter().map(|label| distinct[label]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        let faults = parse("data.csv", text).expect_err("refused");
        faults.iter().filter_map(|fault| fault.code().map(|code| code.to_string())).collect()
    }

    #[test]
    fn the_embedded_digits_are_complete() {
        let table = parse("digits.csv", DIGITS).expect("parses");
        assert_eq!((table.columns, table.labels.len(), table.classes.len()), (64, 1797, 10));
        assert_eq!(table.classes[9], "9");
    }

    #[test]
    fn headings_quotes_blank_lines_and_windows_line_ends_are_understood() {
        let table = parse("d", "\u{feff}\"a, b\",c,kind\r\n1, 2 ,\"x, y\"\r\n\r\n-3e2,4,z").expect("parses");
        assert_eq!(table.columns, 2);
        assert_eq!(table.features, [1.0, 2.0, -300.0, 4.0]);
        assert_eq!(table.classes, ["x, y", "z"]);
    }

    #[test]
    fn numeric_labels_are_ordered_as_numbers() {
        assert_eq!(parse("d", "1,10\n1,9\n").expect("parses").classes, ["9", "10"]);
    }

    #[test]
    fn faults_are_refused_with_their_code() {
        assert_eq!(codes("1,2,a\n1,b\n"), ["bfc::data::ragged_row"]);
        assert_eq!(codes("1,x,a\n1,NaN,b\n1,inf,b\n"), ["bfc::data::not_a_number"; 3]);
        assert_eq!(codes("1,2,a\n1,1e200,b\n"), ["bfc::data::not_a_number"]);
        assert_eq!(codes(""), ["bfc::data::empty"]);
        assert_eq!(codes("1\n2\n"), ["bfc::data::empty"]);
        assert_eq!(codes("1,a\n2,a\n"), ["bfc::data::classes"]);
        assert_eq!(codes("1;2;a\n3;4;b\n"), ["bfc::data::separator"]);
        assert_eq!(codes("1,,a\n3,4,b\n"), ["bfc::data::not_a_number"]);
        assert_eq!(codes(&"1,2,a\n1,b\n".repeat(100)).len(), MAX_FAULTS);
    }

    #[test]
    fn a_fault_points_at_its_field() {
        let faults = parse("d", "1,2,a\n1, x ,b\n").expect_err("refused");
        let label = faults[0].labels().and_then(|mut labels| labels.next()).expect("a label");
        assert_eq!((label.offset(), label.len()), (9, 1));
    }
}
