//! Several drawings side by side in one picture.

use super::svg::{MARGIN, WIDTH};

/// Square drawings in columns across a picture.
pub struct Tiles {
    /// How many stand in a row.
    pub columns: usize,
    /// The side of a drawing.
    pub side: f64,
    /// The room for a drawing, which stands in its middle.
    width: f64,
    gap: f64,
}

impl Tiles {
    /// Room for `count` drawings, `gap` apart, with sides of at most `most`.
    pub fn new(count: usize, gap: f64, most: f64) -> Self {
        let columns = match count {
            1 => 1,
            2 | 4 => 2,
            3 | 5..=9 => 3,
            _ => 4,
        };
        let width = (WIDTH - 2.0 * MARGIN + gap) / columns as f64 - gap;
        Self { columns, side: width.min(most), width, gap }
    }

    /// The left edge of the drawing in a column.
    pub fn left(&self, column: usize) -> f64 {
        MARGIN + column as f64 * (self.width + self.gap) + (self.width - self.side) / 2.0
    }
}
