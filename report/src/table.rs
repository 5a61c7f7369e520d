//! Cells become a table for people, without lines except one below a heading. What a cell holds is one line of the table.

use bfc_schedule::visible;
use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, TableStyle, Width,
};
use std::sync::OnceLock;

/// The width of the terminal, where there is one.
static WIDTH: OnceLock<u16> = OnceLock::new();

/// Wraps the cells of all tables that are shown from now on so that their lines are no wider than this where that is
/// possible: numbers are not broken. The first width that is given stays.
pub fn fit_tables(width: u16) {
    let _ = WIDTH.set(width);
}

/// Letters of a cell that is not broken.
const SHORT: usize = 8;

/// A table.
pub struct Table {
    cells: comfy_table::Table,
    /// The columns to the right.
    right: Vec<usize>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        let mut cells = comfy_table::Table::new();
        cells.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
        Self { cells, right: vec![] }
    }

    /// Sets the row above the line.
    pub fn set_header(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.cells.set_header(shown(cells));
    }

    /// Adds a row.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl AsRef<str>>) {
        self.cells.add_row(shown(cells));
    }

    /// Aligns columns to the right, where numbers stand.
    pub fn align_right(&mut self, columns: impl IntoIterator<Item = usize>) {
        for at in columns {
            if let Some(column) = self.cells.column_mut(at) {
                column.set_cell_alignment(CellAlignment::Right);
                self.right.push(at);
            }
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The lines, without blanks at their ends.
    pub fn text(&self) -> String {
        match WIDTH.get() {
            Some(&width) => self.within(width).trim_fmt(),
            None => self.cells.trim_fmt(),
        }
    }

    /// The table with cells wrapped to a width: between words, and in columns to the right in the heading alone. Where that
    /// is too wide, columns move together, and words of headings are broken.
    fn within(&self, width: u16) -> comfy_table::Table {
        let mut table = self.cells.clone();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        let columns = 0..table.column_count();
        let layout = |(padding, breaks_headings): ((u16, u16), bool)| {
            let least = columns.clone().map(|at| self.least_width(at, breaks_headings).min(width / 2));
            (padding, least.collect::<Vec<u16>>())
        };
        let fits = |((left, right), least): &((u16, u16), Vec<u16>)| {
            // A blank stands between columns.
            least.iter().map(|least| u32::from(left + least + right + 1)).sum::<u32>() <= u32::from(width) + 1
        };
        let tighter = [((1, 1), false), ((1, 0), false), ((1, 0), true)].map(layout);
        let (padding, least) = tighter.into_iter().find(fits).unwrap_or_else(|| layout(((0, 0), true)));
        for (at, least) in columns.zip(least) {
            let Some(column) = table.column_mut(at) else { continue };
            column.set_padding(padding);
            let least = Width::Fixed(least + column.padding_width());
            column.set_constraint(ColumnConstraint::LowerBoundary(least));
        }
        table
    }

    /// The letters of the widest part of a column that is not broken: cells of columns to the right and short cells, else
    /// words.
    fn least_width(&self, at: usize, breaks_headings: bool) -> u16 {
        let content = |row: &Row| row.cell_iter().nth(at).map(Cell::content);
        let length = |part: &str| part.chars().count();
        let mut parts = vec![];
        for cell in self.cells.row_iter().filter_map(content) {
            match self.right.contains(&at) || length(&cell) <= SHORT {
                true => parts.push(length(&cell)),
                false => parts.extend(cell.split(' ').map(length)),
            }
        }
        if !breaks_headings && let Some(heading) = self.cells.header().and_then(content) {
            parts.extend(heading.split(' ').map(length));
        }
        parts.into_iter().max().and_then(|widest| u16::try_from(widest).ok()).unwrap_or(0)
    }
}

fn shown(cells: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    cells.into_iter().map(|cell| visible::line(cell.as_ref()).into_owned()).collect()
}
