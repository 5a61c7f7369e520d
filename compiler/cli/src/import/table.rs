//! Rows of fields → a graph: an edge list, with or without weights, or a matrix, with or without labels.

use super::decimal::Decimal;
use super::error::{ImportError, Text};
use super::graph::{Edge, Graph, Nodes};
use crate::arguments::{Direction, Import, Kind, Weights};
use miette::SourceSpan;
use std::collections::BTreeSet;

/// Words that begin the columns of edge lists.
const HEADINGS: [&str; 13] = [
    "source", "target", "from", "to", "sender", "receiver", "src", "dst", "u", "v", "node1", "node2", "tail",
];

/// A field and the byte of the file at which it stands.
type Field<'t> = (usize, &'t str);

/// A line with at least one field.
struct Row<'t> {
    /// Line number, from 1.
    line: usize,
    fields: Vec<Field<'t>>,
}

/// Reads a table.
///
/// # Errors
/// It is neither an edge list nor a matrix, or both.
pub fn read(text: &str, source: &Text, arguments: &Import) -> Result<Graph, ImportError> {
    let (kind, direction) = (arguments.kind, arguments.direction);
    let matrix = |rows: &[Row]| matrix(rows, source, arguments.weights == Some(Weights::Keep));
    let rows = rows(text);
    let Some(first) = rows.first() else {
        return Err(ImportError::Empty { name: source.name().to_string() });
    };
    let width = first.fields.len();
    if let Some(row) = rows.iter().find(|row| row.fields.len() != width) {
        let (start, end) = (row.fields[0].0, row.fields.last().map_or(0, |(at, field)| at + field.len()));
        return Err(ImportError::RaggedTable {
            line: row.line,
            found: row.fields.len(),
            expected: width,
            text: source.clone(),
            at: (start, end - start).into(),
        });
    }
    let square = rows.len() == width;
    let fields = || rows.iter().flat_map(|row| &row.fields);
    let numbers =
        || fields().all(|(_, field)| Decimal::parse(field).is_some() || field.parse::<f64>().is_ok());
    match kind {
        Some(Kind::Matrix) => matrix(&rows),
        Some(_) => edges(&rows, source, direction),
        None if first.fields[0].1.is_empty() => matrix(&rows),
        None if (2..=3).contains(&width) && square && numbers() => {
            // Wrong in both ways: `nan`.
            fields().try_for_each(|field| number(*field, source).map(drop))?;
            Err(ImportError::Ambiguous {
                first: "an edge list",
                second: "a matrix",
                help: "say `--kind edges` or `--kind matrix`",
            })
        }
        None if (2..=3).contains(&width) => edges(&rows, source, direction),
        None => matrix(&rows),
    }
}

/// The rows; lines that begin with `#` are comments.
fn rows(text: &str) -> Vec<Row<'_>> {
    let lines = text.split_inclusive('\n').scan(0, |start, line| {
        let at = *start;
        *start += line.len();
        Some((at, line))
    });
    let lines = lines.enumerate().map(|(number, (start, line))| (number + 1, start, line));
    let mut separator = None;
    let mut rows = vec![];
    for (line, start, content) in lines {
        let content = content.trim_end_matches(['\n', '\r']);
        let bare = content.trim_start_matches('\u{feff}');
        if bare.trim().is_empty() || bare.trim_start().starts_with('#') {
            continue;
        }
        let start = start + content.len() - bare.len();
        let separator = *separator.get_or_insert_with(|| {
            [',', '\t', ';'].into_iter().find(|letter| outside(bare).any(|(_, found)| found == *letter))
        });
        rows.push(Row { line, fields: fields(bare, start, separator) });
    }
    rows
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

/// The fields of a line: separated by a letter, else by blanks.
fn fields(line: &str, start: usize, separator: Option<char>) -> Vec<Field<'_>> {
    let mut fields = vec![];
    let mut begin = 0;
    for (place, letter) in outside(line).chain([(line.len(), '\n')]) {
        let separates = separator.map_or(letter == ' ' || letter == '\t', |separator| letter == separator);
        if letter == '\n' || separates {
            let field = &line[begin..place];
            let bare = field.trim();
            let bare = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
            if separator.is_some() || !bare.is_empty() {
                fields.push((start + begin + (bare.as_ptr() as usize - field.as_ptr() as usize), bare));
            }
            begin = place + letter.len_utf8().min(line.len() - place);
        }
    }
    // A separator at the end of a line begins no field.
    if fields.len() > 1 && fields.last().is_some_and(|(_, field)| field.is_empty()) {
        fields.pop();
    }
    fields
}

fn span((at, field): Field) -> SourceSpan {
    (at, field.len()).into()
}

fn number(field: Field, text: &Text) -> Result<Decimal, ImportError> {
    Decimal::parse(field.1).ok_or_else(|| ImportError::NotANumber {
        found: field.1.chars().take(40).collect(),
        text: text.clone(),
        at: Some(span(field)),
    })
}

/// `sender, receiver` or `sender, receiver, weight`.
fn edges(rows: &[Row], text: &Text, direction: Option<Direction>) -> Result<Graph, ImportError> {
    if !(2..=3).contains(&rows[0].fields.len()) {
        return Err(ImportError::NotSquare { rows: rows.len(), columns: rows[0].fields.len() });
    }
    let mut nodes = Nodes::default();
    let mut edges = vec![];
    for row in &rows[usize::from(is_heading(&rows[0]))..] {
        let [from, to, rest @ ..] = &row.fields[..] else { continue };
        let weight = match rest {
            [weight, ..] => attribute(*weight, text)?,
            [] => None,
        };
        let (from_node, to_node) = (nodes.number(from.1), nodes.number(to.1));
        let at = Some((from.0, to.0 + to.1.len() - from.0).into());
        edges.push(Edge { from: from_node, to: to_node, both_ways: false, weight, at });
    }
    let both_ways = match direction {
        Some(direction) => direction == Direction::Undirected,
        None => {
            let pairs: BTreeSet<_> = edges.iter().map(|edge| (edge.from, edge.to)).collect();
            if pairs.iter().any(|&(from, to)| from < to && pairs.contains(&(to, from))) {
                return Err(ImportError::Ambiguous {
                    first: "directed, since an edge stands in it both ways",
                    second: "undirected",
                    help: "say `--direction directed` or `--direction undirected`",
                });
            }
            true
        }
    };
    edges.iter_mut().for_each(|edge| edge.both_ways = both_ways);
    Ok(nodes.graph(edges))
}

fn is_heading(row: &Row) -> bool {
    let word = |field: &Field| HEADINGS.contains(&field.1.to_lowercase().as_str());
    let weight = row.fields.get(2).is_some_and(|weight| {
        !weight.1.starts_with('{') && weight.1.chars().all(|letter| letter.is_alphabetic() || letter == '_')
    });
    row.fields[..2].iter().all(word)
        || weight && !["nan", "inf"].contains(&row.fields[2].1.to_lowercase().as_str())
}

/// A weight: a number, or `{'weight': 0.5}` as networkx writes it; `{}` is none.
fn attribute(field: Field, text: &Text) -> Result<Option<Decimal>, ImportError> {
    let Some(inner) = field.1.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return number(field, text).map(Some);
    };
    for pair in inner.split(',') {
        let Some((key, value)) = pair.split_once(':') else { continue };
        if key.trim().trim_matches(['\'', '"']) == "weight" {
            let value = value.trim();
            let at = field.0 + (value.as_ptr() as usize - field.1.as_ptr() as usize);
            return number((at, value), text).map(Some);
        }
    }
    Ok(None)
}

/// Entry [i][j] is what rank i takes of rank j.
fn matrix(rows: &[Row], text: &Text, keep_weights: bool) -> Result<Graph, ImportError> {
    let labelled = rows[0].fields[0].1.is_empty();
    let (rows, headings) = match labelled {
        true => (&rows[1..], Some(&rows[0].fields[1..])),
        false => (rows, None),
    };
    let entries = |row: &Row| row.fields.len() - usize::from(labelled);
    let columns = rows.first().map_or(0, entries);
    if rows.len() != columns {
        return Err(ImportError::NotSquare { rows: rows.len(), columns });
    }
    let mut nodes = Nodes::default();
    for rank in 0..rows.len() {
        nodes.number(&headings.map_or(rank.to_string(), |headings| headings[rank].1.to_string()));
    }
    if nodes.len() < rows.len() {
        let node = headings.and_then(|headings| {
            let repeated = |k: &usize| headings[..*k].iter().any(|earlier| earlier.1 == headings[*k].1);
            (0..headings.len()).find(repeated).map(|k| headings[k].1.to_string())
        });
        return Err(ImportError::RepeatedNode { node: node.unwrap_or_default() });
    }
    let mut edges = vec![];
    for (to, row) in rows.iter().enumerate() {
        for (from, field) in row.fields[usize::from(labelled)..].iter().enumerate() {
            let weight = number(*field, text)?;
            // A 0 on the diagonal is the rank's own weight, and not what its row leaves.
            if !weight.is_zero() || from == to {
                edges.push(Edge { from, to, both_ways: false, weight: Some(weight), at: Some(span(*field)) });
            }
        }
    }
    let is_zero = |edge: &Edge| edge.weight.as_ref().is_some_and(Decimal::is_zero);
    let is_one = |edge: &Edge| edge.weight.as_ref().is_some_and(Decimal::is_one);
    if !keep_weights && edges.iter().all(|edge| is_zero(edge) || is_one(edge)) {
        edges.retain(|edge| !is_zero(edge));
        edges.iter_mut().for_each(|edge| edge.weight = None);
    }
    Ok(nodes.graph(edges))
}
