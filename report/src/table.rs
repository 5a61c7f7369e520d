//! Cells become a table for people, without lines except one below a heading. What a cell holds is one line of the table.

use bfc_schedule::visible;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};

/// A table.
pub struct Table(comfy_table::Table);

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
        Self(table)
    }

    /// Sets the row above the line.
    pub fn set_header(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.0.set_header(shown(cells));
    }

    /// Adds a row.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.0.add_row(shown(cells));
    }

    /// Aligns columns to the right, where numbers stand.
    pub fn align_right(&mut self, columns: impl IntoIterator<Item = usize>) {
        for column in columns {
            if let Some(column) = self.0.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }

    /// Wraps long cells so that rows are as wide as the terminal.
    pub fn wrap(&mut self) {
        self.0.set_content_arrangement(ContentArrangement::Dynamic);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, without blanks at their ends.
    pub fn text(&self) -> String {
        self.0.trim_fmt()
    }
}

fn shown(cells: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    cells.into_iter().map(|cell| visible::line(cell.as_ref()).into_owned()).collect()
}
