//! Weighted arrows between ranks, and their legend.

use super::svg::{Anchor, BLUE, FAINT, Point, Short, Stroke, Svg, VERMILLION};
use crate::words::number;
use bfc_schedule::Rational;
use std::fmt::Write;

/// The most weights that the legend lists one by one.
const MOST_WEIGHTS: usize = 4;

/// A message with its weight.
#[derive(Clone, Debug)]
pub struct Arrow {
    /// Who sends.
    pub from: u32,
    /// Who receives.
    pub to: u32,
    /// What the receiver multiplies it by.
    pub weight: Rational,
}

/// The arrows of one weight, drawn as one path so that a large picture stays small.
pub struct Class {
    /// The weight.
    pub weight: Rational,
    /// Path data of the lines, and of the arrowheads.
    paths: [String; 2],
}

/// Sorts arrows by weight and draws them between ranks at these places; the ends keep `radius` away from the centres. Two ranks
/// that exchange with the same weight share a line without heads. On a grid of cells of this side, a line that would pass
/// through other ranks bends.
pub fn classes(mut arrows: Vec<Arrow>, places: &[Point], radius: f64, cell: Option<f64>) -> Vec<Class> {
    arrows.sort_by(|a, b| a.weight.cmp(&b.weight).then((a.from, a.to).cmp(&(b.from, b.to))));
    let chunks = arrows.chunk_by(|a, b| a.weight == b.weight);
    let mut others: Vec<(u32, u32)> = arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    others.sort_unstable();
    let has = |from: u32, to: u32| others.binary_search(&(from, to)).is_ok();
    let bend_around = |start: Point, end: Point| {
        let (dx, dy, length) = difference(start, end);
        let is_level = dx.abs().min(dy.abs()) < 0.01 * length;
        if cell.is_some_and(|cell| is_level && length > 1.01 * cell) { 0.14 } else { 0.0 }
    };
    let class = |chunk: &[Arrow]| {
        let mut paths = [String::new(), String::new()];
        let mirrored = |arrow: &Arrow| {
            chunk.binary_search_by(|other| (other.from, other.to).cmp(&(arrow.to, arrow.from))).is_ok()
        };
        for arrow in chunk {
            let (start, end) = (places[arrow.from as usize], places[arrow.to as usize]);
            match mirrored(arrow) {
                true if arrow.from > arrow.to => {}
                true => curve(&mut paths, (start, end), radius, bend_around(start, end), false),
                false => {
                    let bend = if has(arrow.to, arrow.from) { 0.16 } else { 0.0 };
                    curve(&mut paths, (start, end), radius, f64::max(bend, bend_around(start, end)), true);
                }
            }
        }
        Class { weight: chunk[0].weight.clone(), paths }
    };
    chunks.map(class).collect()
}

/// A line that bends to its left, with or without a head at its end.
fn curve(
    [lines, heads]: &mut [String; 2],
    (start, end): (Point, Point),
    radius: f64,
    bend: f64,
    has_head: bool,
) {
    let (dx, dy, length) = difference(start, end);
    let middle = ((start.0 + end.0) / 2.0 + bend * dy, (start.1 + end.1) / 2.0 - bend * dx);
    let (ax, ay, along) = difference(middle, end);
    let (ux, uy) = (ax / along, ay / along);
    let tip = (end.0 - ux * radius, end.1 - uy * radius);
    let neck = if has_head { head(heads, tip, (ux, uy), (0.3 * length).clamp(2.0, 7.0)) } else { tip };
    let (bx, by, away) = difference(start, middle);
    let from = (start.0 + bx / away * radius, start.1 + by / away * radius);
    let _ = write!(lines, "M{} {}", Short(from.0), Short(from.1));
    let bow =
        if bend == 0.0 { "L".to_string() } else { format!("Q{} {} ", Short(middle.0), Short(middle.1)) };
    let _ = write!(lines, "{bow}{} {}", Short(neck.0), Short(neck.1));
}

/// Adds an arrowhead of this length that points along a unit vector, and returns where its line ends.
pub fn head(heads: &mut String, tip: Point, (ux, uy): Point, length: f64) -> Point {
    let neck = (tip.0 - ux * length, tip.1 - uy * length);
    let half = 0.4 * length;
    let _ = write!(
        heads,
        "M{} {}L{} {}L{} {}z",
        Short(tip.0),
        Short(tip.1),
        Short(neck.0 - uy * half),
        Short(neck.1 + ux * half),
        Short(neck.0 + uy * half),
        Short(neck.1 - ux * half)
    );
    neck
}

fn difference(from: Point, to: Point) -> (f64, f64, f64) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    (dx, dy, dx.hypot(dy).max(1e-9))
}

impl Class {
    /// The stroke of a weight: wider where it is larger, dashed and of another colour where it is negative.
    fn stroke(weight: &Rational, largest: f64, room: f64) -> Stroke<'static> {
        let share = (weight.to_f64().abs() / largest).sqrt();
        let width = ((0.7 + 1.5 * share) * room * 10.0).round() / 10.0;
        match weight.is_negative() {
            true => Stroke { colour: VERMILLION, width, dash: "5 3" },
            false => Stroke { colour: BLUE, width, dash: "" },
        }
    }
}

/// Draws the arrows; `room` scales their width.
pub fn draw(svg: &mut Svg, classes: &[Class], room: f64) {
    let largest = largest(classes.iter().map(|class| &class.weight));
    for class in classes {
        let stroke = Class::stroke(&class.weight, largest, room);
        svg.path(&class.paths[0], stroke);
        svg.area(&class.paths[1], stroke.colour, 1.0);
    }
}

/// Writes the weights in a line of this width, the largest first, or their range if there are many.
pub fn legend(svg: &mut Svg, at: Point, width: f64, classes: &[Class], room: f64) {
    let largest = largest(classes.iter().map(|class| &class.weight));
    let text = |svg: &mut Svg, x: f64, content: &str| {
        svg.sized((x, at.1 + 4.0), Anchor::Start, FAINT, 11.0, content);
    };
    let each = width / MOST_WEIGHTS as f64;
    if classes.len() <= MOST_WEIGHTS {
        for (number, class) in classes.iter().rev().enumerate() {
            let x = at.0 + each * number as f64;
            svg.line((x, at.1), (x + 16.0, at.1), Class::stroke(&class.weight, largest, room));
            text(svg, x + 20.0, &shown(&class.weight));
        }
    } else if let [least, .., most] = classes {
        let words = format!("{} weights, {} to {}", classes.len(), shown(&least.weight), shown(&most.weight));
        text(svg, at.0, &words);
    }
}

/// The largest absolute value; positive, so that weights can be divided by it.
pub fn largest<'a>(weights: impl Iterator<Item = &'a Rational>) -> f64 {
    weights.map(|weight| weight.to_f64().abs()).fold(f64::MIN_POSITIVE, f64::max)
}

/// The exact weight if it is short, else a decimal number.
pub fn shown(weight: &Rational) -> String {
    let exact = weight.to_string();
    if exact.len() <= 7 { exact } else { number(weight.to_f64()) }
}
