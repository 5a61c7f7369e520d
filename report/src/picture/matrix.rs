//! Mixing matrices as heat maps: what row i takes from column j.

use super::svg::{Anchor, BLUE, FAINT, INK, PAPER, Point, Short, Stroke, Svg, VERMILLION};
use super::tiles::Tiles;
use super::topology::Scene;
use super::{MOST_PHASES, arrows};
use bfc_schedule::digits::six_digits;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The most rows of cells.
const CELLS: u32 = 64;
/// The most rows whose cells show their weight.
const WRITTEN: u32 = 10;
/// The most entries of a matrix with equal rows that are added up to blocks.
const MOST_ENTRIES: u64 = 1 << 20;
/// Shades from nothing to the largest weight.
const SHADES: f64 = 16.0;

/// How a matrix is drawn.
enum Drawing<'a> {
    /// As a heat map.
    Cells(Cells),
    /// By one of its rows, where all are alike and too many for a heat map.
    Row(&'a CayleyMatrix),
}

/// The weights of a heat map by row and column; a cell is the mean row sum over a block of ranks, where there are many.
struct Cells {
    rows: u32,
    weights: BTreeMap<(u32, u32), f64>,
}

/// Draws the matrix of each phase and, of several on few ranks, their product over the period.
pub fn matrix(scene: &Scene) -> String {
    let size = scene.size();
    let subtitle = format!("{}; row i, column j: what rank i takes from rank j", scene.subtitle());
    let mut svg = Svg::new(scene.name, &subtitle);
    let shown = &scene.phases[..scene.phases.len().min(MOST_PHASES)];
    let mut pictures: Vec<(String, Drawing)> = shown
        .iter()
        .enumerate()
        .map(|(number, phase)| (format!("phase {number}"), Drawing::new(phase)))
        .collect();
    if size <= CELLS && scene.phases.len() > 1 {
        pictures.push(("product of a period".into(), Drawing::Cells(Cells::product(scene.phases))));
    }
    if let [(name, _)] = &mut pictures[..] {
        name.clear();
    }
    let tiles = Tiles::new(pictures.len(), 34.0, 560.0);
    let Tiles { columns, side, .. } = tiles;
    let mut y = 76.0;
    for (row, pictures) in pictures.chunks(columns).enumerate() {
        for (column, (name, drawing)) in pictures.iter().enumerate() {
            let corner = (tiles.left(column), y + 10.0);
            svg.group("matrix", row * columns + column, |svg| {
                svg.heading((corner.0, y), name);
                match drawing {
                    Drawing::Cells(cells) => cells.draw(svg, size, corner, side),
                    Drawing::Row(cayley) => draw_row(svg, cayley, corner, side),
                }
            });
        }
        y += side + 52.0;
    }
    svg.document(y - 4.0)
}

impl<'a> Drawing<'a> {
    fn new(phase: &'a MixingMatrix) -> Self {
        match phase {
            MixingMatrix::Cayley(cayley)
                if u64::from(phase.size()) * (cayley.hops().len() as u64 + 1) > MOST_ENTRIES =>
            {
                Self::Row(cayley)
            }
            _ => Self::Cells(Cells::new(phase)),
        }
    }
}

impl Cells {
    /// The entries, in blocks where there are many.
    fn new(phase: &MixingMatrix) -> Self {
        let size = phase.size();
        let each = size.div_ceil(CELLS);
        let mut cells = Self { rows: size.div_ceil(each), weights: BTreeMap::new() };
        for i in 0..size {
            let row = phase.row(Rank(i));
            let mut add = |j: u32, weight: f64| {
                *cells.weights.entry((i / each, j / each)).or_default() += weight / f64::from(each);
            };
            add(i, row.self_weight.to_f64());
            row.in_weights.iter().for_each(|(j, weight)| add(j.0, weight.to_f64()));
        }
        cells
    }

    /// The product of phases in the order in which they act: the last stands to the left.
    fn product(phases: &[MixingMatrix]) -> Self {
        let size = phases[0].size() as usize;
        let mut product: Vec<Vec<f64>> =
            (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        for phase in phases {
            let row = |i: usize| -> Vec<f64> {
                let row = phase.row(Rank(i as u32));
                let own = product[i].iter().map(|x| row.self_weight.to_f64() * x);
                let mut sum: Vec<f64> = own.collect();
                for (j, weight) in &row.in_weights {
                    let weight = weight.to_f64();
                    sum.iter_mut().zip(&product[j.index()]).for_each(|(sum, x)| *sum += weight * x);
                }
                sum
            };
            product = (0..size).map(row).collect();
        }
        let entries = product.iter().enumerate().flat_map(|(i, row)| {
            row.iter().enumerate().map(move |(j, &weight)| ((i as u32, j as u32), weight))
        });
        Self { rows: size as u32, weights: entries.filter(|(_, weight)| weight.abs() > 1e-15).collect() }
    }

    fn draw(&self, svg: &mut Svg, size: u32, corner: Point, side: f64) {
        let cell = side / f64::from(self.rows);
        let largest = self.weights.values().map(|weight| weight.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let mut shades: BTreeMap<(bool, u8), String> = BTreeMap::new();
        for (&(i, j), weight) in &self.weights {
            let shade = (weight.abs() / largest * SHADES).ceil() as u8;
            let path = shades.entry((*weight < 0.0, shade)).or_default();
            let (x, y) = (corner.0 + cell * f64::from(j), corner.1 + cell * f64::from(i));
            let _ = write!(path, "M{} {}h{c}v{c}h-{c}z", Short(x), Short(y), c = Short(cell));
        }
        for ((is_negative, shade), path) in shades {
            let colour = if is_negative { VERMILLION } else { BLUE };
            svg.area(&path, colour, f64::from(shade) / SHADES);
        }
        self.mark_negative(svg, corner, cell);
        svg.frame(corner, (side, side), "none", Stroke::thin(FAINT));
        if self.rows == size {
            svg.cells(corner, side, size);
        }
        if self.rows == size && size <= WRITTEN && side > 260.0 {
            for (&(i, j), &weight) in &self.weights {
                let at =
                    (corner.0 + cell * (f64::from(j) + 0.5), corner.1 + cell * (f64::from(i) + 0.5) + 4.0);
                let dark = weight.abs() > 0.6 * largest;
                let shown = six_digits((weight * 1e4).round() / 1e4);
                svg.sized(at, Anchor::Middle, if dark { PAPER } else { INK }, 11.0, &shown);
            }
        }
        self.scale(svg, size, (corner.0, corner.1 + side + 14.0), largest);
    }

    /// A bar near the foot of each cell that is negative, so that its sign shows without colours.
    fn mark_negative(&self, svg: &mut Svg, corner: Point, cell: f64) {
        let mut bars = String::new();
        for (&(i, j), _) in self.weights.iter().filter(|(_, weight)| **weight < 0.0) {
            let (x, y) = (corner.0 + cell * (f64::from(j) + 0.2), corner.1 + cell * (f64::from(i) + 0.82));
            let _ = write!(bars, "M{} {}h{}", Short(x), Short(y), Short(0.6 * cell));
        }
        svg.path(&bars, Stroke { colour: INK, width: (0.1 * cell).clamp(0.6, 2.0), dash: "" });
    }

    /// What the shades mean.
    fn scale(&self, svg: &mut Svg, size: u32, at: Point, largest: f64) {
        for shade in 1..=8 {
            let x = at.0 + 10.0 * f64::from(shade - 1);
            let cell = format!("M{} {}h10v8h-10z", Short(x), Short(at.1 - 4.0));
            svg.area(&cell, BLUE, f64::from(shade) / 8.0);
        }
        let blocks = match size.div_ceil(self.rows) {
            1 => String::new(),
            each => format!(", blocks of {each} × {each} ranks"),
        };
        let most = six_digits(largest);
        let negative = match self.weights.values().any(|weight| *weight < 0.0) {
            true => ", negative weights in red with a bar",
            false => "",
        };
        let words = format!("up to {most}{blocks}{negative}");
        svg.sized((at.0 + 88.0, at.1 + 4.0), Anchor::Start, FAINT, 11.0, &words);
    }
}

/// One row of a matrix whose rows are all alike: weights over the distance i − j, on a logarithmic axis.
fn draw_row(svg: &mut Svg, cayley: &CayleyMatrix, corner: Point, side: f64) {
    let size = f64::from(cayley.group().order());
    let height = 0.5 * side;
    let bottom = corner.1 + height;
    let x = |offset: f64| corner.0 + side * (1.0 + offset).log2() / (1.0 + size).log2();
    let entries = || {
        let hops = cayley.hops().iter().map(|(hop, weight)| (f64::from(hop.0), weight));
        std::iter::once((0.0, cayley.self_weight())).chain(hops)
    };
    let largest = arrows::largest(entries().map(|(_, weight)| weight));
    svg.line((corner.0, bottom), (corner.0 + side, bottom), Stroke::thin(FAINT));
    for (offset, weight) in entries() {
        let top = bottom - 0.9 * height * weight.to_f64().abs() / largest;
        let colour = if weight.is_negative() { VERMILLION } else { BLUE };
        svg.line((x(offset), bottom), (x(offset), top), Stroke { colour, width: 2.0, dash: "" });
        // Negative weights are hollow.
        let fill = if weight.is_negative() { PAPER } else { colour };
        svg.circle((x(offset), top), 3.0, fill, Stroke::thin(colour));
    }
    let tick = |svg: &mut Svg, offset: f64, anchor| {
        svg.sized((x(offset), bottom + 14.0), anchor, FAINT, 11.0, &format!("{offset}"));
    };
    tick(svg, 0.0, Anchor::Start);
    tick(svg, size - 1.0, Anchor::End);
    let most = entries().max_by(|a, b| a.1.abs().cmp(&b.1.abs())).map(|(_, weight)| arrows::shown(weight));
    let negative = if entries().any(|(_, weight)| weight.is_negative()) {
        ", negative ones in red and hollow"
    } else {
        ""
    };
    let words = format!("every row alike: weights by i − j, up to {}{negative}", most.unwrap_or_default());
    svg.sized((corner.0, bottom + 32.0), Anchor::Start, FAINT, 11.0, &words);
}
