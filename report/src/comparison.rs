//! Analyses side by side: a line for each number, a column for each file.

use crate::analysis::{numbers, quadratic_numbers};
use crate::table::Table;
use crate::words::Cell;
use bfc_predict::Comparison;
use bfc_predict::comparison::Column;

/// The table; lines that say nothing of any file are left out.
pub fn text(comparison: &Comparison) -> String {
    let columns: Vec<Vec<(String, Cell)>> = comparison.columns.iter().map(cells).collect();
    let mut table = Table::new();
    let names = comparison.columns.iter().map(|column| column.file.as_str());
    table.set_header([""].into_iter().chain(names));
    for (row, (name, _)) in columns.first().into_iter().flatten().enumerate() {
        let cells = || columns.iter().map(|column| column[row].1);
        if cells().any(|cell| cell != Cell::Absent) {
            table.add_row([name.clone()].into_iter().chain(cells().map(|cell| cell.text())));
        }
    }
    table.align_right(1..=columns.len());
    table.text() + "\n"
}

/// The cells of a column with the names of their lines, the same for all columns of a comparison.
fn cells(column: &Column) -> Vec<(String, Cell<'_>)> {
    let named = |(key, cell): (&'static str, _)| (key.to_string(), cell);
    let seconds = column.seconds.iter().flat_map(|seconds| {
        let to_agreement = seconds.seconds_to_1e_3.map_or(Cell::Absent, Cell::Seconds);
        [
            ("step_seconds", Cell::Seconds(seconds.step_seconds)),
            ("exposed_seconds", Cell::Seconds(seconds.exposed_seconds)),
            ("seconds_to_1e-3", to_agreement),
        ]
    });
    let own = numbers(&column.analysis).into_iter().filter(|(key, _)| *key != "size");
    let quadratic = quadratic_numbers(column.analysis.quadratic.as_ref()).into_iter();
    let quadratic = quadratic.map(|(key, cell)| (format!("quadratic {key}"), cell));
    own.chain(seconds).map(named).chain(quadratic).collect()
}
