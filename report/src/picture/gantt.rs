//! What ranks did during some steps: a line for each rank, bars over time, and lines for messages.

use super::axis::{Axis, Scale};
use super::svg::{
    Anchor, BLUE, FAINT, GREEN, GRID, INK, MARGIN, ORANGE, PURPLE, Point, Short, Stroke, Svg, WIDTH,
};
use crate::gantt::{Activity, Gantt, Row};
use crate::words::count;
use bfc_predict::units::shown_seconds;
use std::fmt::Write;

const LEFT: f64 = MARGIN + 24.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 104.0;
/// Messages that are drawn; more would hide the bars.
const MOST_MESSAGES: usize = 600;

impl Activity {
    /// A colour, and how much of its line a bar fills: activities differ in height, too.
    fn look(self) -> (&'static str, f64) {
        match self {
            Self::Trainer => (BLUE, 0.7),
            Self::Exchange => (PURPLE, 0.5),
            Self::Sum => (GREEN, 0.5),
            Self::Wait => (ORANGE, 0.25),
        }
    }
}

/// Draws the bars of each rank.
pub fn gantt(gantt: &Gantt) -> String {
    let [first, last] = gantt.steps;
    let steps = if first == last { format!("step {first}") } else { format!("steps {first} to {last}") };
    let ranks = match gantt.ranks.len() {
        shown if shown as u64 == u64::from(gantt.size) => count(gantt.size.into(), "rank"),
        shown => format!("{shown} of {}", count(gantt.size.into(), "rank")),
    };
    let subtitle = format!(
        "{ranks}, {}; at the right, how much of the whole run a rank waited",
        shown_seconds(gantt.seconds)
    );
    let mut svg = Svg::new(&format!("What each rank did in {steps}"), &subtitle);
    let row = (620.0 / gantt.ranks.len().max(1) as f64).clamp(9.0, 30.0);
    let bottom = TOP + row * gantt.ranks.len() as f64;
    let axis = Axis::new(Scale::Seconds, std::iter::once(gantt.seconds));
    let x = |seconds: f64| LEFT + (WIDTH - LEFT - RIGHT) * axis.place(seconds);
    legend(&mut svg);
    for (number, one) in gantt.ranks.iter().enumerate() {
        name_row(&mut svg, one, (TOP + row * number as f64, row));
    }
    let attributes = axis.attributes(LEFT, WIDTH - LEFT - RIGHT);
    svg.tagged(&format!("class=\"chart\" {attributes}"), |svg| {
        ticks(svg, &axis, bottom);
        svg.plot((LEFT, TOP), (WIDTH - LEFT - RIGHT, bottom - TOP), |svg| {
            for (number, one) in gantt.ranks.iter().enumerate() {
                draw_row(svg, one, (TOP + row * number as f64, row), x);
            }
            messages(svg, gantt, row, x);
        });
    });
    svg.document(bottom + 34.0)
}

fn legend(svg: &mut Svg) {
    for (number, (name, activity)) in Activity::ALL.into_iter().enumerate() {
        let (colour, share) = activity.look();
        let at = LEFT + 110.0 * number as f64;
        svg.line((at, 74.0), (at + 20.0, 74.0), Stroke { colour, width: 16.0 * share, dash: "" });
        svg.text((at + 26.0, 78.0), Anchor::Start, FAINT, name);
    }
}

fn ticks(svg: &mut Svg, axis: &Axis, bottom: f64) {
    svg.tagged("class=\"ticks\"", |svg| {
        for (place, name) in axis.ticks() {
            let x = LEFT + place * (WIDTH - LEFT - RIGHT);
            svg.line((x, TOP - 4.0), (x, bottom), Stroke::thin(GRID));
            svg.sized((x, bottom + 16.0), Anchor::Middle, FAINT, 11.0, &name);
        }
    });
}

fn name_row(svg: &mut Svg, row: &Row, (top, height): (f64, f64)) {
    let size = (height - 1.0).min(11.0);
    let baseline = top + height / 2.0 + 0.36 * size;
    svg.sized((LEFT - 8.0, baseline), Anchor::End, FAINT, size, &format!("rank {}", row.rank));
    let waiting = format!("{:.0} % waiting", 100.0 * row.waiting);
    svg.sized((WIDTH - RIGHT + 8.0, baseline), Anchor::Start, FAINT, size, &waiting);
}

fn draw_row(svg: &mut Svg, row: &Row, (top, height): (f64, f64), x: impl Fn(f64) -> f64) {
    // With work on both threads, the program's bars take the upper half of the line.
    let both = row.bars.iter().any(|bar| bar.beside);
    svg.tagged(&format!("class=\"gantt\" data-rank=\"{}\"", row.rank), |svg| {
        for (_, activity) in Activity::ALL {
            let (colour, share) = activity.look();
            let mut path = String::new();
            for bar in row.bars.iter().filter(|bar| bar.activity == activity) {
                let (lane, room) = match both {
                    true => (top + if bar.beside { height / 2.0 } else { 0.0 }, height / 2.0),
                    false => (top, height),
                };
                let (tall, start) = (share * room, x(bar.start));
                let width = (x(bar.end) - start).max(0.3);
                let (up, tall, width) = (Short(lane + (room - tall) / 2.0), Short(tall), Short(width));
                let _ = write!(path, "M{} {up}h{width}v{tall}h-{width}z", Short(start));
            }
            svg.area(&path, colour, 1.0);
        }
    });
    let mut begins = String::new();
    row.begins.iter().for_each(|&at| {
        let _ = write!(begins, "M{} {}v{}", Short(x(at)), Short(top + 1.0), Short(height - 2.0));
    });
    svg.path(&begins, Stroke { colour: INK, width: 1.2, dash: "" });
}

fn messages(svg: &mut Svg, gantt: &Gantt, row: f64, x: impl Fn(f64) -> f64) {
    if gantt.messages.len() > MOST_MESSAGES {
        return;
    }
    let y = |rank: u32| {
        let number = gantt.ranks.iter().position(|one| one.rank == rank)?;
        Some(TOP + row * (number as f64 + 0.5))
    };
    let mut path = String::new();
    for message in &gantt.messages {
        let (Some(from), Some(to)) = (y(message.from), y(message.to)) else { continue };
        let (start, end): (Point, Point) = ((x(message.sent), from), (x(message.received), to));
        let _ = write!(path, "M{} {}L{} {}", Short(start.0), Short(start.1), Short(end.0), Short(end.1));
    }
    svg.group("messages", gantt.messages.len(), |svg| {
        svg.path(&path, Stroke { colour: FAINT, width: 0.6, dash: "" });
    });
}
