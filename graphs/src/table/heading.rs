//! The first row of a table: whether it is a heading, and what its words say of the columns.

use super::lines::{Field, Table, is_attribute, is_number};
use crate::error::ImportError;
use crate::options::Options;
use std::collections::HashSet;

/// Words for senders.
pub const SENDERS: &str =
    "source from sender src u node1 nodea tail i fromnodeid fromnode start origin head1 name1";
/// Words for receivers.
pub const RECEIVERS: &str =
    "target to receiver dst v node2 nodeb head j tonodeid tonode end destination dest name2";
/// Words for weights.
pub const WEIGHTS: &str = "weight weights w value data wij";
/// Words for columns that are none of these.
pub const OTHERS: &str = "type id label timeset key time timestamp color colour";

/// The word of a heading: its letters and digits.
fn word(field: &str) -> String {
    field.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether the word of a field is one of these.
pub fn is_one_of(words: &str, field: &str) -> bool {
    let word = word(field);
    !word.is_empty() && words.split(' ').any(|known| known == word)
}

/// Whether a heading says that its edges go from a sender to a receiver.
pub fn says_directed(row: &[Field]) -> bool {
    let has = |word: &str| row.iter().any(|(_, field)| is_one_of(word, field));
    has("sender") && has("receiver")
}

/// Whether a row consists of words that head columns.
pub fn is_known_heading(row: &[Field]) -> bool {
    let has = |words: &str| row.iter().any(|(_, field)| is_one_of(words, field));
    has(SENDERS) && has(RECEIVERS)
}

/// The place of a column that is said by number or by name.
pub fn column_of(column: &str, first: &[Field], heading: bool) -> Result<usize, ImportError> {
    let by_name = || first.iter().position(|(_, field)| heading && *field == column);
    let by_number = column.parse::<usize>().ok().filter(|number| (1..=first.len()).contains(number));
    by_name().or(by_number.map(|number| number - 1)).ok_or_else(|| {
        let names: Vec<&str> = first.iter().map(|(_, field)| *field).collect();
        let known =
            if heading { format!("`{}`", names.join("`, `")) } else { format!("1 to {}", first.len()) };
        ImportError::UnknownColumn { column: column.to_string(), known }
    })
}

/// Whether the first row of an edge list is a heading, if that can be told.
pub fn has_heading(table: &Table, options: &Options) -> Option<bool> {
    let first = table.row(0);
    if table.len() == 1 || first.iter().any(|(_, field)| is_number(field) || is_attribute(field)) {
        return Some(false);
    }
    if options
        .columns
        .as_ref()
        .is_some_and(|columns| columns.iter().any(|column| first.iter().any(|(_, field)| field == column)))
    {
        return Some(true);
    }
    let numeric =
        |column: usize| table.rows(1).all(|row| is_number(row[column].1) || is_attribute(row[column].1));
    if (0..first.len()).any(numeric) {
        return Some(true);
    }
    if recurs(table, [0, 1]) { Some(false) } else { None }
}

/// Whether what the first row says in these columns stands there again.
pub fn recurs(table: &Table, ends: [usize; 2]) -> bool {
    let first: HashSet<&str> = ends.into_iter().map(|end| table.row(0)[end].1).collect();
    table.rows(1).any(|row| ends.into_iter().any(|end| first.contains(row[end].1)))
}
