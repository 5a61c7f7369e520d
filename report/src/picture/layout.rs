//! Where ranks stand in a picture.

use super::svg::Point;
use std::f64::consts::TAU;

/// An arrangement of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// On a circle, from the top, clockwise.
    Circular,
    /// Row by row.
    Grid,
    /// Machine by machine, on a circle of machines.
    Machines,
}

/// Ranks in a square of side 1, and the boxes of machines.
pub struct Places {
    /// The centre of each rank.
    pub ranks: Vec<Point>,
    /// Upper left corners of machines, and the side of their boxes.
    pub machines: Option<(Vec<Point>, f64)>,
    /// The radius that leaves room between ranks.
    pub radius: f64,
    /// The distance of neighbours, where ranks stand in rows.
    pub cell: Option<f64>,
}

impl Layout {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("circular", Self::Circular), ("grid", Self::Grid), ("machines", Self::Machines)];

    /// The places of `size` ranks; `columns` is the width of a grid, `local_size` the ranks of a machine.
    pub fn places(self, size: u32, columns: u32, local_size: u32) -> Places {
        match self {
            Self::Circular => {
                let (ranks, radius) = circle(size, 0.46);
                Places { ranks, machines: None, radius: radius.min(0.04), cell: None }
            }
            Self::Grid => {
                let rows = size.div_ceil(columns);
                let cell = 0.9 / f64::from(columns.max(rows));
                let start = |count: u32| 0.5 - cell * f64::from(count - 1) / 2.0;
                let at = |rank: u32| {
                    let (row, column) = (rank / columns, rank % columns);
                    (start(columns) + cell * f64::from(column), start(rows) + cell * f64::from(row))
                };
                let ranks = (0..size).map(at).collect();
                Places { ranks, machines: None, radius: (0.22 * cell).min(0.04), cell: Some(cell) }
            }
            Self::Machines => machines(size, local_size),
        }
    }
}

/// The width of a grid whose sides differ least, where one fits; else the last row is not full.
pub fn squarest(size: u32) -> u32 {
    let root = f64::from(size).sqrt();
    let fits = (1..=root as u32).rev().find(|rows| size.is_multiple_of(*rows)).unwrap_or(1);
    if fits * fits * 4 >= size { size / fits } else { root.ceil() as u32 }
}

/// Points on a circle around the middle, and the radius of ranks there.
fn circle(count: u32, radius: f64) -> (Vec<Point>, f64) {
    if count == 1 {
        return (vec![(0.5, 0.5)], 0.04);
    }
    let at = |k: u32| {
        let angle = TAU * f64::from(k) / f64::from(count);
        (0.5 + radius * angle.sin(), 0.5 - radius * angle.cos())
    };
    ((0..count).map(at).collect(), 0.36 * radius * 2.0 * (TAU / 2.0 / f64::from(count)).sin())
}

fn machines(size: u32, local_size: u32) -> Places {
    let count = size.div_ceil(local_size);
    let columns = squarest(local_size);
    let longest = columns.max(local_size.div_ceil(columns));
    let (centres, reach) = circle(count, 0.36);
    let side = if count == 1 { 0.8 } else { (2.2 * reach).min(0.27) };
    let cell = side / f64::from(longest);
    let corners: Vec<Point> = centres.iter().map(|(x, y)| (x - side / 2.0, y - side / 2.0)).collect();
    let at = |rank: u32| {
        let (x, y) = corners[(rank / local_size) as usize];
        let within = rank % local_size;
        let (row, column) = (within / columns, within % columns);
        let first = |count: u32| side / 2.0 - cell * f64::from(count - 1) / 2.0;
        let rows = local_size.div_ceil(columns);
        (x + first(columns) + cell * f64::from(column), y + first(rows) + cell * f64::from(row))
    };
    let ranks = (0..size).map(at).collect();
    Places { ranks, machines: Some((corners, side)), radius: (0.26 * cell).min(0.04), cell: Some(cell) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_near_to_squares() {
        assert_eq!([1, 2, 6, 12, 16, 17, 100, 64].map(squarest), [1, 2, 3, 4, 4, 5, 10, 8]);
    }

    /// No two ranks overlap, none leaves the square, and those of a machine stand in its box.
    #[test]
    fn ranks_have_room() {
        for (_, layout) in Layout::ALL {
            for (size, local_size) in [(1, 1), (2, 1), (7, 3), (16, 4), (64, 8), (128, 8), (128, 1), (12, 12)]
            {
                let places = layout.places(size, squarest(size), local_size);
                let Places { ranks, machines, radius, .. } = &places;
                assert_eq!(ranks.len(), size as usize);
                for (a, &(x, y)) in ranks.iter().enumerate() {
                    assert!(
                        (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y),
                        "{layout:?} {size}: {x} {y}"
                    );
                    for &(u, v) in &ranks[..a] {
                        assert!((x - u).hypot(y - v) >= 1.99 * radius, "{layout:?} {size} {local_size}");
                    }
                    if let Some((corners, side)) = machines {
                        let (u, v) = corners[a / local_size as usize];
                        assert!((u..=u + side).contains(&x) && (v..=v + side).contains(&y));
                    }
                }
            }
        }
    }
}
