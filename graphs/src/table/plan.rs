//! The ways in which a table can be read.

use super::heading::{
    OTHERS, RECEIVERS, SENDERS, WEIGHTS, column_of, has_heading, is_known_heading, is_one_of, recurs,
};
use super::lines::{Field, Table, is_attribute, is_number, span};
use crate::error::{ImportError, Text};
use crate::options::{Kind, Options, Separator};
use std::collections::BTreeSet;

/// A way to read a table.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it is.
    pub shape: Shape,
    /// Whether the first row is a heading.
    pub heading: bool,
    /// Why it cannot be read so after all.
    pub fault: Option<ImportError>,
}

/// What a table is.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// An edge list, by columns from 0.
    Edges {
        /// Sender and receiver.
        ends: [usize; 2],
        /// The weight.
        weight: Option<usize>,
        /// Whether an edge is directed, in words.
        direction: Option<usize>,
    },
    /// A matrix; whether rows begin with labels.
    Matrix {
        /// Whether each row begins with a label.
        labelled: bool,
    },
    /// A node and its neighbours.
    Adjacency,
}

impl Plan {
    /// As it is called in a sentence.
    pub fn name(&self, table: &Table) -> String {
        let separator = table.separator.name();
        match &self.shape {
            Shape::Edges { weight, .. } => {
                let weights = if weight.is_some() { " with weights" } else { "" };
                let heading = if self.heading { " below a heading" } else { "" };
                format!("an edge list{weights}{heading}, separated by {separator}")
            }
            Shape::Matrix { .. } if self.heading => format!("a matrix with labels, separated by {separator}"),
            Shape::Matrix { .. } => format!("a matrix, separated by {separator}"),
            Shape::Adjacency => "an adjacency list".into(),
        }
    }

    /// Its format.
    pub fn kind(&self) -> Kind {
        match self.shape {
            Shape::Edges { .. } => Kind::Edges,
            Shape::Matrix { .. } => Kind::Matrix,
            Shape::Adjacency => Kind::Adjacency,
        }
    }
}

/// A label that nobody gives a node: nothing, or a number with a fraction.
fn is_no_label(field: &str, separator: Separator) -> bool {
    let stray = |letter: char| letter != separator.letter() && matches!(letter, ',' | ';' | '|');
    let fraction = || field.contains('.') && is_number(field) && field.parse::<i64>().is_err();
    field.is_empty() || field.starts_with(stray) || field.ends_with(stray) || fraction()
}

/// All ways in which a table can be read that a user has not excluded.
///
/// # Errors
/// A column is named that is not there.
pub fn plans(table: &Table, options: &Options, text: &Text) -> Result<Vec<Plan>, ImportError> {
    let mut plans = vec![];
    if options.kind == Some(Kind::Adjacency) {
        return Ok(vec![Plan { shape: Shape::Adjacency, heading: false, fault: None }]);
    }
    let asks_for = |kind| options.kind == Some(kind);
    if !asks_for(Kind::Edges) && options.columns.is_none() {
        plans.extend(matrix(table, options, asks_for(Kind::Matrix), text));
    }
    if !asks_for(Kind::Matrix) {
        plans.extend(edges(table, options, text)?);
    }
    if plans.iter().any(|plan| plan.heading && plan.kind() == Kind::Edges) && is_known_heading(table.row(0)) {
        plans.retain(|plan| plan.kind() == Kind::Edges);
    }
    // Nobody leaves the heading of a column of senders empty.
    if table.row(0)[0].1.is_empty() && plans.iter().any(|plan| plan.kind() == Kind::Matrix) {
        plans.retain(|plan| plan.kind() == Kind::Matrix);
    }
    Ok(plans)
}

fn ragged(table: &Table, text: &Text) -> Option<ImportError> {
    let expected = table.usual_width();
    let row = (0..table.len()).find(|row| table.row(*row).len() != expected)?;
    let found = table.row(row).len();
    let help = match table.separator {
        Separator::Blank => {
            "give every line as many fields; `--kind adjacency` reads a node and its neighbours from each line, and \
             `--separator` says what separates them"
        }
        _ => {
            "give every line as many fields, quote those that hold the separator, or say another `--separator`; \
             `--kind adjacency` reads a node and its neighbours from each line"
        }
    };
    let separator = match table.separator {
        Separator::Blank if found == 1 => "field".to_string(),
        Separator::Blank => "fields".to_string(),
        other => format!("field{} between {}", if found == 1 { "" } else { "s" }, other.name()),
    };
    let (line, at) = (table.lines[row].number, table.span(row));
    Some(ImportError::RaggedTable { line, found, expected, separator, help, text: text.clone(), at })
}

/// The matrix that a table is, if it is square; where a matrix is asked for, also with what is wrong with it.
fn matrix(table: &Table, options: &Options, wanted: bool, text: &Text) -> Option<Plan> {
    let (first, rows) = (table.row(0), table.len());
    let width = table.width(usize::from(rows > 1)).filter(|width| *width > 0)?;
    if ![width, width - 1].contains(&first.len()) || first.len() < width && rows != width {
        return wanted.then(|| Plan {
            shape: Shape::Matrix { labelled: false },
            heading: false,
            fault: ragged(table, text),
        });
    }
    let (heading, labelled) = frame(table, options, width);
    let (body, columns) = (rows - usize::from(heading), width - usize::from(labelled));
    let plan = |fault| Some(Plan { shape: Shape::Matrix { labelled }, heading, fault });
    if body != columns {
        return if wanted { plan(Some(ImportError::NotSquare { rows: body, columns })) } else { None };
    }
    let entries = || table.rows(usize::from(heading)).flat_map(|row| &row[usize::from(labelled)..]);
    match entries().find(|(_, field)| !is_number(field)) {
        Some(found) if wanted || width > 3 && is_mostly_numbers(entries(), columns) => {
            plan(Some(ImportError::not_a_number(found.1, text, Some(span(*found)))))
        }
        Some(_) => None,
        None if width == 1 && !wanted => None,
        None => plan(None),
    }
}

/// Whether three of four entries of a square are numbers.
fn is_mostly_numbers<'f>(entries: impl Iterator<Item = &'f Field<'f>>, columns: usize) -> bool {
    4 * entries.filter(|(_, field)| is_number(field)).count() >= 3 * columns * columns
}

/// Whether a matrix of this width has a heading, and whether its rows begin with labels.
fn frame(table: &Table, options: &Options, width: usize) -> (bool, bool) {
    let (first, rows) = (table.row(0), table.len());
    let is_label = |field: &Field| !is_number(field.1);
    // A heading without a corner is shorter by one.
    if first.len() < width {
        return (true, true);
    }
    let labels = || table.rows(1).map(|row| row[0].1).collect::<BTreeSet<_>>();
    let same = || first[1..].iter().map(|(_, field)| *field).collect::<BTreeSet<_>>() == labels();
    let has_corner = rows == width && (first[0].1.is_empty() || is_label(&first[0]) && same());
    match options.heading {
        Some(false) => (false, rows + 1 == width),
        _ if has_corner => (true, true),
        Some(true) => (true, rows == width),
        None if !first.iter().any(is_label) => (false, false),
        None if rows == width + 1 => (true, false),
        None => (false, rows + 1 == width && table.rows(0).all(|row| is_label(&row[0]))),
    }
}

/// The edge lists that a table can be.
fn edges(table: &Table, options: &Options, text: &Text) -> Result<Vec<Plan>, ImportError> {
    let first = table.row(0);
    let Some(width) = table.width(0) else {
        let shape = Shape::Edges { ends: [0, 1], weight: None, direction: None };
        return Ok(vec![Plan { shape, heading: false, fault: ragged(table, text) }]);
    };
    if width < 2 {
        return Ok(vec![]);
    }
    let both = [true, false];
    let headings: Vec<bool> = match options.heading {
        Some(heading) => vec![heading],
        None if is_known_heading(first) => {
            both.into_iter().filter(|heading| *heading || recurs(table, [0, 1])).collect()
        }
        None => match has_heading(table, options) {
            Some(heading) => vec![heading],
            None => both.to_vec(),
        },
    };
    headings.into_iter().map(|heading| list(table, options, heading, width, text)).collect()
}

/// One edge list that a table can be.
fn list(
    table: &Table,
    options: &Options,
    heading: bool,
    width: usize,
    text: &Text,
) -> Result<Plan, ImportError> {
    let first = table.row(0);
    let named = |words: &str| {
        if heading { first.iter().position(|(_, field)| is_one_of(words, field)) } else { None }
    };
    let mut fault = None;
    let (ends, weight) = match &options.columns {
        Some(columns) => {
            let place = |column: &String| column_of(column, first, heading);
            let places = columns.iter().map(place).collect::<Result<Vec<_>, _>>()?;
            ([places[0], places[1]], places.get(2).copied())
        }
        None => match (named(SENDERS), named(RECEIVERS)) {
            (Some(from), Some(to)) => {
                let third = (0..3).find(|column| ![from, to].contains(column)).filter(|_| width == 3);
                let third = third.filter(|column| !is_one_of(OTHERS, first[*column].1));
                ([from, to], named(WEIGHTS).or(third.filter(|column| is_weight(table, heading, *column))))
            }
            _ if width <= 3 => {
                let third = (width == 3 && !(heading && is_one_of(OTHERS, first[2].1))).then_some(2);
                ([0, 1], third)
            }
            _ => {
                let example = match heading {
                    true => format!("\"{},{}\"", first[0].1, first[1].1),
                    false => "1,2,3".to_string(),
                };
                let (text, at) = (text.clone(), table.span(0));
                fault = Some(ImportError::UnknownColumns { found: width, example, text, at });
                ([0, 1], None)
            }
        },
    };
    let direction = named("type").filter(|column| Some(*column) != weight);
    let from = usize::from(heading);
    if let Some(column) = weight.filter(|_| fault.is_none()) {
        let wrong = table.rows(from).find(|row| !is_number(row[column].1) && !is_attribute(row[column].1));
        fault = wrong.map(|row| ImportError::not_a_number(row[column].1, text, Some(span(row[column]))));
    }
    let wrong = |row: &&[Field]| ends.iter().any(|end| is_no_label(row[*end].1, table.separator));
    if fault.is_none()
        && options.kind.is_none()
        && options.columns.is_none()
        && let Some(row) = table.rows(from).find(wrong)
    {
        let at = ends.map(|end| row[end]).into_iter().find(|field| is_no_label(field.1, table.separator));
        fault = at.map(|field| ImportError::Malformed {
            name: text.name().to_string(),
            format: "an edge list",
            reason: format!("`{}` is not the name of a node", field.1),
            text: text.clone(),
            at: Some(span(field)),
        });
    }
    Ok(Plan { shape: Shape::Edges { ends, weight, direction }, heading, fault })
}

/// Whether a column can hold weights.
fn is_weight(table: &Table, heading: bool, column: usize) -> bool {
    table.rows(usize::from(heading)).all(|row| is_number(row[column].1) || is_attribute(row[column].1))
}
