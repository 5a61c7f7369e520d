//! A topology, phase by phase: ranks and weighted arrows, or what many ranks have in common.

use super::arrows::{self, Arrow};
use super::layout::{Layout, Places, squarest};
use super::svg::{Anchor, BLUE, FAINT, GRID, INK, MARGIN, PAPER, Point, Stroke, Svg, VERMILLION, WIDTH};
use super::tiles::Tiles;
use super::{MOST_NODES, MOST_PHASES};
use crate::words::count;
use bfc_compiler::model;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

/// The most groups of ranks that are drawn in place of single ranks.
const GROUPS: u32 = 64;
/// The most hops of a phase that are listed.
const MOST_HOPS: usize = 24;

/// What a picture of a topology shows.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Its name.
    pub name: &'a str,
    /// The matrices of its phases, at least one.
    pub phases: &'a [MixingMatrix],
    /// What ranks are called; empty where they have numbers only.
    pub names: &'a [String],
    /// How many ranks share a machine.
    pub local_size: u32,
}

impl<'a> Scene<'a> {
    /// An evaluated topology on machines of `local_size` ranks.
    pub fn new(topology: &'a model::topology::Topology, local_size: u32) -> Self {
        let names = topology.names.as_deref().unwrap_or_default();
        Self { name: &topology.name, phases: &topology.phases, names, local_size }
    }
}

impl Scene<'_> {
    /// The number of ranks.
    pub fn size(&self) -> u32 {
        self.phases[0].size()
    }

    /// What a rank is called.
    pub fn rank(&self, rank: u32) -> String {
        match self.names.get(rank as usize) {
            Some(name) => format!("{name} ({rank})"),
            None => format!("rank {rank}"),
        }
    }

    /// The messages of the phases that are drawn, where ranks are drawn one by one; else 0.
    pub fn messages(&self) -> usize {
        let drawn = self.phases.iter().take(MOST_PHASES).filter(|phase| phase.size() <= MOST_NODES);
        drawn.map(|phase| messages(phase).len()).sum()
    }

    /// Such as `64 ranks, 6 phases`.
    pub(super) fn subtitle(&self) -> String {
        let phases = match self.phases.len() {
            1 => "one phase".to_string(),
            period if period > MOST_PHASES => format!("the first {MOST_PHASES} of {period} phases"),
            period => format!("{period} phases"),
        };
        format!("{}, {phases}", count(self.size().into(), "rank"))
    }

    /// The layout in which its structure shows: machines where ranks share them, a grid where moves have two digits.
    pub fn layout(&self) -> Layout {
        let digits = |phase: &MixingMatrix| match phase {
            MixingMatrix::Cayley(cayley) => cayley.group().radices().to_vec(),
            MixingMatrix::Sparse(_) => vec![],
        };
        match &digits(&self.phases[0])[..] {
            _ if self.local_size > 1 && self.local_size < self.size() => Layout::Machines,
            [rows, columns] if *rows > 2 && *columns > 2 => Layout::Grid,
            _ => Layout::Circular,
        }
    }

    fn columns(&self) -> u32 {
        match &self.phases[0] {
            MixingMatrix::Cayley(cayley) if cayley.group().radices().len() == 2 => {
                cayley.group().radices()[1]
            }
            _ => squarest(self.size()),
        }
    }
}

/// Draws all phases side by side. Each is a group of class `phase`, so that a page can show one after the other.
pub fn topology(scene: &Scene, layout: Layout) -> String {
    let mut svg = Svg::new(scene.name, &scene.subtitle());
    let shown = scene.phases.len().min(MOST_PHASES);
    let tiles = Tiles::new(shown, 28.0, 600.0);
    let Tiles { columns, side, .. } = tiles;
    let heights: Vec<f64> = scene.phases[..shown]
        .chunks(columns)
        .map(|row| row.iter().map(|phase| height(phase, side)).fold(0.0, f64::max))
        .collect();
    let mut y = 72.0;
    for (row, phases) in scene.phases[..shown].chunks(columns).enumerate() {
        for (column, phase) in phases.iter().enumerate() {
            let number = row * columns + column;
            let x = tiles.left(column);
            svg.group("phase", number, |svg| {
                if scene.phases.len() > 1 {
                    svg.heading((x, y), &format!("phase {number}"));
                }
                draw_phase(svg, scene, phase, layout, (x, y + 8.0), side);
            });
        }
        y += heights[row] + 24.0;
    }
    svg.document(y + 4.0)
}

/// Draws the phases one on top of the other, each a group of class `phase` of which the first is shown: a page shows them in
/// turn.
pub fn animation(scene: &Scene, layout: Layout) -> String {
    let mut svg = Svg::new(scene.name, &scene.subtitle());
    let side: f64 = 600.0;
    let corner = ((WIDTH - side) / 2.0, 84.0);
    let shown = &scene.phases[..scene.phases.len().min(MOST_PHASES)];
    for (number, phase) in shown.iter().enumerate() {
        svg.one_of("phase", number, |svg| {
            svg.heading((MARGIN, 76.0), &format!("phase {number} of {}", scene.phases.len()));
            draw_phase(svg, scene, phase, layout, corner, side);
        });
    }
    let tallest = shown.iter().map(|phase| height(phase, side)).fold(0.0, f64::max);
    svg.document(corner.1 + tallest)
}

fn height(phase: &MixingMatrix, side: f64) -> f64 {
    match phase {
        MixingMatrix::Cayley(cayley) if phase.size() > MOST_NODES => side + 8.0 + hops_height(cayley),
        _ => side + 36.0,
    }
}

fn draw_phase(svg: &mut Svg, scene: &Scene, phase: &MixingMatrix, layout: Layout, corner: Point, side: f64) {
    match phase {
        _ if phase.size() <= MOST_NODES => draw_ranks(svg, scene, phase, layout, corner, side),
        MixingMatrix::Cayley(cayley) => draw_hops(svg, cayley, corner, side),
        MixingMatrix::Sparse(_) => draw_groups(svg, phase, corner, side),
    }
}

/// The messages of a phase.
pub(super) fn messages(phase: &MixingMatrix) -> Vec<Arrow> {
    let row = |to: u32| {
        let taken = phase.row(Rank(to)).in_weights.into_iter();
        taken.map(move |(from, weight)| Arrow { from: from.0, to, weight })
    };
    (0..phase.size()).flat_map(row).collect()
}

fn draw_ranks(svg: &mut Svg, scene: &Scene, phase: &MixingMatrix, layout: Layout, corner: Point, side: f64) {
    let Places { ranks, machines, radius, cell } =
        layout.places(scene.size(), scene.columns(), scene.local_size.min(scene.size()));
    let at = |(x, y): Point| (corner.0 + x * side, corner.1 + y * side);
    if let Some((corners, box_side)) = machines {
        for machine in corners {
            svg.frame(at(machine), (box_side * side, box_side * side), "none", Stroke::thin(GRID));
        }
    }
    let places: Vec<Point> = ranks.into_iter().map(at).collect();
    let radius = (radius * side).min(15.0);
    let room = if side > 400.0 { 1.0 } else { 0.75 };
    let cell = cell.map(|cell| cell * side);
    let classes = arrows::classes(messages(phase), &places, radius + 1.0, cell);
    arrows::draw(svg, &classes, room);
    for (rank, &place) in places.iter().enumerate() {
        svg.rank(place, radius, rank as u32, &scene.rank(rank as u32));
        if radius >= 6.5 {
            let size = if rank < 100 { radius.min(11.0) } else { 0.8 * radius };
            svg.sized((place.0, place.1 + 0.36 * size), Anchor::Middle, INK, size, &rank.to_string());
        }
    }
    arrows::legend(svg, (corner.0, corner.1 + side + 14.0), side, &classes, room);
}

fn hops_height(cayley: &CayleyMatrix) -> f64 {
    18.0 * (cayley.hops().len().min(MOST_HOPS) + 1) as f64 + 8.0
}

/// What every rank does: the hops of rank 0 on the circle of all ranks, and a line for each.
fn draw_hops(svg: &mut Svg, cayley: &CayleyMatrix, corner: Point, side: f64) {
    let size = f64::from(cayley.group().order());
    let (centre, radius) = ((corner.0 + side / 2.0, corner.1 + side / 2.0), 0.46 * side);
    svg.circle(centre, radius, "none", Stroke { colour: GRID, width: 3.0, dash: "" });
    let at = |rank: f64| {
        let angle = TAU * rank / size;
        (centre.0 + radius * angle.sin(), centre.1 - radius * angle.cos())
    };
    let hops = cayley.hops();
    let places: Vec<Point> =
        std::iter::once(0.0).chain(hops.iter().map(|(hop, _)| f64::from(hop.0))).map(at).collect();
    let sent = hops.iter().enumerate();
    let sent =
        sent.map(|(number, (_, weight))| Arrow { from: 0, to: number as u32 + 1, weight: weight.clone() });
    arrows::draw(svg, &arrows::classes(sent.collect(), &places, 4.0, None), 1.0);
    for place in &places {
        svg.circle(*place, 3.0, PAPER, Stroke::thin(INK));
    }
    let digits = cayley.group().radices().len();
    let mut y = corner.1 + side + 14.0;
    let largest = arrows::largest(hops.iter().map(|(_, weight)| weight));
    let mut row = |svg: &mut Svg, name: &str, weight: Option<&Rational>| {
        svg.sized((corner.0, y + 4.0), Anchor::Start, INK, 11.0, name);
        if let Some(weight) = weight {
            let length = 0.3 * side * weight.to_f64().abs() / largest;
            let colour = if weight.is_negative() { VERMILLION } else { BLUE };
            let x = corner.0 + 0.48 * side;
            // As in the drawing, negative weights are dashed.
            let dash = if weight.is_negative() { "5 3" } else { "" };
            svg.line((x, y), (x + length, y), Stroke { colour, width: 5.0, dash });
            svg.sized((x + length + 6.0, y + 4.0), Anchor::Start, FAINT, 11.0, &arrows::shown(weight));
        }
        y += 18.0;
    };
    for (hop, weight) in hops.iter().take(MOST_HOPS) {
        let name = match digits {
            0 | 1 => format!("i → i + {}", hop.0),
            _ => format!("i → i + {:?}", cayley.group().digits(*hop)),
        };
        row(svg, &name, Some(weight));
    }
    let more = hops.len().saturating_sub(MOST_HOPS);
    let own = format!("i keeps {} of its own", arrows::shown(cayley.self_weight()));
    row(svg, &if more > 0 { format!("and {more} more hops; {own}") } else { own }, None);
}

/// Neighbouring ranks as one node, and how many messages go between two of them.
fn draw_groups(svg: &mut Svg, phase: &MixingMatrix, corner: Point, side: f64) {
    let each = phase.size().div_ceil(GROUPS);
    let count = phase.size().div_ceil(each);
    let mut between: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for to in 0..phase.size() {
        for (from, _) in phase.row(Rank(to)).in_weights {
            *between.entry((from.0 / each, to / each)).or_default() += 1;
        }
    }
    let Places { ranks, radius, .. } = Layout::Circular.places(count, 1, 1);
    let places: Vec<Point> =
        ranks.into_iter().map(|(x, y)| (corner.0 + x * side, corner.1 + y * side)).collect();
    let most = between.values().copied().max().unwrap_or(1);
    // Few widths, so that the legend of groups says what they mean.
    let level = |messages: u32| Rational::new(i64::from((4 * messages).div_ceil(most)), 4);
    let apart = between.iter().filter(|((from, to), _)| from != to);
    let sent: Vec<Arrow> =
        apart.map(|(&(from, to), &messages)| Arrow { from, to, weight: level(messages) }).collect();
    let radius = radius * side;
    arrows::draw(svg, &arrows::classes(sent, &places, radius + 1.0, None), 0.7);
    for (group, place) in places.iter().enumerate() {
        let (first, last) = (group as u32 * each, ((group as u32 + 1) * each).min(phase.size()) - 1);
        svg.rank(*place, radius, first, &format!("ranks {first} to {last}"));
    }
    let words = format!("each node is {each} ranks in a row; the widest line is {most} messages");
    svg.sized((corner.0, corner.1 + side + 18.0), Anchor::Start, FAINT, 11.0, &words);
}
