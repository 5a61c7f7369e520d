//! A schedule as a chart of ranks × rounds: who sends to whom, round by round.

use super::arrows;
use super::svg::{Anchor, BLUE, FAINT, GREEN, GRID, INK, MARGIN, Point, Short, Stroke, Svg, WIDTH};
use crate::words::count;
use bfc_schedule::inspect::rank_name;
use bfc_schedule::{Rank, RoundPlan, Schedule};
use std::fmt::Write;

/// Ranks with a line of their own.
const MOST_LINES: u32 = 64;
/// Rounds that are drawn.
const MOST_ROUNDS: usize = 48;
const LEFT: f64 = 130.0;
const TOP: f64 = 108.0;

/// A round of a phase, where it stands in the schedule.
struct Round<'a> {
    topology: usize,
    phase: usize,
    round: u32,
    plan: &'a RoundPlan,
}

impl Round<'_> {
    /// The attributes by which the script of a page finds the rounds of a phase.
    fn tag(&self) -> String {
        format!("class=\"round\" data-topology=\"{}\" data-phase=\"{}\"", self.topology, self.phase)
    }
}

/// Draws the rounds of all phases of all topologies in order; with many ranks, a line for each round.
pub fn schedule(title: &str, schedule: &Schedule) -> String {
    let rounds: Vec<Round> = rounds(schedule);
    let shown = &rounds[..rounds.len().min(MOST_ROUNDS)];
    let ranks = count(schedule.size().into(), "rank");
    let all = count(rounds.len() as u64, "round");
    let subtitle = match rounds.len() > shown.len() {
        true => format!("{ranks}, the first {MOST_ROUNDS} of {all} of a period"),
        false => {
            format!("{ranks}, {all} of a period; in a round a rank sends and receives at most one message")
        }
    };
    let mut svg = Svg::new(title, &subtitle);
    let height = match schedule.size() <= MOST_LINES {
        _ if shown.is_empty() => nothing(&mut svg),
        true => by_rank(&mut svg, schedule, shown),
        false => together(&mut svg, schedule, shown),
    };
    svg.document(height)
}

fn rounds(schedule: &Schedule) -> Vec<Round<'_>> {
    let topologies = schedule.topologies().iter().enumerate();
    let phases = topologies.flat_map(|(topology, lowered)| {
        lowered.phases.iter().enumerate().map(move |(phase, lowered)| (topology, phase, &lowered.plan))
    });
    let rounds = phases.flat_map(|(topology, phase, plan)| {
        (0..plan.rounds()).map(move |round| Round { topology, phase, round, plan })
    });
    rounds.collect()
}

fn nothing(svg: &mut Svg) -> f64 {
    svg.text((MARGIN, TOP), Anchor::Start, FAINT, "no rank sends anything");
    TOP + 32.0
}

/// A line for each rank from left to right, and an arrow for each message.
fn by_rank(svg: &mut Svg, schedule: &Schedule, rounds: &[Round]) -> f64 {
    let size = schedule.size();
    let row = (560.0 / f64::from(size)).clamp(9.0, 26.0);
    let column = ((WIDTH - LEFT - 24.0) / rounds.len() as f64).min(110.0);
    let y = |rank: u32| TOP + row * (f64::from(rank) + 0.5);
    let (right, bottom) = (LEFT + column * rounds.len() as f64, TOP + row * f64::from(size));
    headings(svg, schedule, rounds, |number| LEFT + column * number as f64, (TOP, bottom));
    let size_of_text = (row - 1.0).min(11.0);
    for rank in 0..size {
        let name: String = rank_name(schedule, Rank(rank)).chars().take(18).collect();
        svg.sized((LEFT - 10.0, y(rank) + 0.36 * size_of_text), Anchor::End, FAINT, size_of_text, &name);
        svg.line((LEFT, y(rank)), (right, y(rank)), Stroke::thin(GRID));
    }
    for (number, round) in rounds.iter().enumerate() {
        let (start, end) = (LEFT + column * (number as f64 + 0.1), LEFT + column * (number as f64 + 0.9));
        let (mut lines, mut heads) = (String::new(), String::new());
        for rank in 0..size {
            if let (Some(to), _) = round.plan.peers(Rank(rank), round.round) {
                message(&mut lines, &mut heads, (start, y(rank)), (end, y(to.0)));
            }
        }
        let colour = colour(round);
        svg.tagged(&round.tag(), |svg| {
            svg.path(&lines, Stroke { colour, width: 1.2, dash: "" });
            svg.area(&heads, colour, 1.0);
        });
    }
    bottom + 20.0
}

fn message(lines: &mut String, heads: &mut String, start: Point, end: Point) {
    let (dx, dy) = (end.0 - start.0, end.1 - start.1);
    let length = dx.hypot(dy);
    let neck = arrows::head(heads, end, (dx / length, dy / length), (0.25 * length).min(6.0));
    let _ = write!(lines, "M{} {}L{} {}", Short(start.0), Short(start.1), Short(neck.0), Short(neck.1));
}

/// Phases alternate in colour, so that their rounds can be told apart at a glance; headings name them.
fn colour(round: &Round) -> &'static str {
    if round.phase.is_multiple_of(2) { BLUE } else { GREEN }
}

fn headings(
    svg: &mut Svg,
    schedule: &Schedule,
    rounds: &[Round],
    x: impl Fn(usize) -> f64,
    (top, bottom): Point,
) {
    for (number, round) in rounds.iter().enumerate() {
        let middle = (x(number) + x(number + 1)) / 2.0;
        let room = x(number + 1) - x(number);
        let begins = round.round == 0;
        let first = begins && (number == 0 || rounds[number - 1].topology != round.topology);
        svg.line(
            (x(number), top - 4.0),
            (x(number), bottom),
            Stroke::thin(if begins { FAINT } else { GRID }),
        );
        if first {
            svg.heading((x(number) + 2.0, top - 38.0), &schedule.topologies()[round.topology].name);
        }
        let one = schedule.topologies()[round.topology].phases.len() == 1;
        if begins && !one {
            let name = if room >= 56.0 { format!("phase {}", round.phase) } else { round.phase.to_string() };
            svg.sized((x(number) + 3.0, top - 22.0), Anchor::Start, INK, 11.0, &name);
        }
        if room >= 12.0 {
            svg.sized((middle, top - 7.0), Anchor::Middle, FAINT, 10.0, &round.round.to_string());
        }
    }
    svg.sized((LEFT - 10.0, top - 7.0), Anchor::End, FAINT, 10.0, "round");
}

/// A line for each round: what every rank does, or how many do something.
fn together(svg: &mut Svg, schedule: &Schedule, rounds: &[Round]) -> f64 {
    let size = schedule.size();
    let (mut y, bar) = (TOP - 22.0, 470.0);
    for (number, round) in rounds.iter().enumerate() {
        let lowered = &schedule.topologies()[round.topology];
        if round.round == 0 && (number == 0 || rounds[number - 1].topology != round.topology) {
            svg.heading((MARGIN, y), &lowered.name);
            y += 18.0;
        }
        let (what, senders) = match round.plan {
            RoundPlan::Cayley { group, rounds, .. } => {
                let hop = rounds[round.round as usize].0;
                let what = match group.radices().len() {
                    0 | 1 => format!("every rank i sends to i + {}", hop.0),
                    _ => format!("every rank i sends to i + {:?}", group.digits(hop)),
                };
                (what, size)
            }
            RoundPlan::Table(_) => {
                let sends = |rank: &u32| round.plan.peers(Rank(*rank), round.round).0.is_some();
                let senders = (0..size).filter(sends).count() as u32;
                (format!("{senders} of {size} ranks send"), senders)
            }
        };
        let place = match lowered.phases.len() {
            1 => format!("round {}", round.round),
            _ => format!("phase {}, round {}", round.phase, round.round),
        };
        svg.tagged(&round.tag(), |svg| {
            svg.sized((MARGIN, y + 4.0), Anchor::Start, FAINT, 11.0, &place);
            let end = MARGIN + 120.0 + 0.45 * bar * f64::from(senders) / f64::from(size);
            svg.line((MARGIN + 120.0, y), (end, y), Stroke { colour: colour(round), width: 8.0, dash: "" });
            svg.sized((MARGIN + 130.0 + 0.45 * bar, y + 4.0), Anchor::Start, INK, 11.0, &what);
        });
        y += 18.0;
    }
    y + 8.0
}
