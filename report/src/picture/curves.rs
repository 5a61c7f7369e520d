//! Curves: panels one below the other, a vertical axis each, lines labelled at their ends.

use super::axis::{Axis, Scale};
use super::svg::{Anchor, FAINT, GRID, INK, Short, Stroke, Svg, WIDTH};
use std::fmt::Write;

const LEFT: f64 = 76.0;
const RIGHT: f64 = 168.0;
const TOP: f64 = 94.0;
const PANEL: f64 = 216.0;
const GAP: f64 = 56.0;
const BOTTOM: f64 = 52.0;
const EDGE: f64 = 3.0;

/// A whole picture.
pub struct Picture {
    /// The first line.
    pub title: String,
    /// The second line, smaller.
    pub subtitle: String,
    /// What the horizontal axis counts.
    pub x_label: String,
    /// How it is divided.
    pub x_scale: Scale,
    /// A place along the horizontal axis that is marked in each panel.
    pub mark: Option<f64>,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}

/// Curves on one vertical axis.
pub struct Panel {
    /// What the axis shows.
    pub title: String,
    /// How it is divided.
    pub scale: Scale,
    /// The curves, drawn in this order.
    pub curves: Vec<Curve>,
}

/// One curve.
pub struct Curve {
    /// Written at its end; empty for a line without a label.
    pub label: String,
    /// CSS colour.
    pub colour: &'static str,
    /// Line width in pixels.
    pub width: f64,
    /// SVG dash pattern; empty for a solid line.
    pub dash: &'static str,
    /// Places along the horizontal axis and values; a value that an axis does not show leaves a gap.
    pub points: Vec<(f64, f64)>,
}

impl Picture {
    /// The SVG document.
    pub fn svg(&self) -> String {
        let panels = self.panels.len() as f64;
        let height = TOP + panels * PANEL + (panels - 1.0).max(0.0) * GAP + BOTTOM;
        let mut svg = Svg::new(&self.title, &self.subtitle);
        let axis = self.x_axis().attributes(LEFT, WIDTH - LEFT - RIGHT);
        svg.tagged(&format!("class=\"chart\" {axis}"), |svg| {
            for (index, panel) in self.panels.iter().enumerate() {
                let top = TOP + index as f64 * (PANEL + GAP);
                let frame = Frame { top, x: self.x_axis(), y: panel.axis() };
                let mark = self.mark.filter(|mark| frame.x.shows(*mark));
                panel.draw(svg, &frame, mark, index + 1 == self.panels.len());
            }
        });
        let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        svg.text((middle, height - 12.0), Anchor::Middle, FAINT, &self.x_label);
        svg.document(height)
    }

    fn x_axis(&self) -> Axis {
        let points = self.panels.iter().flat_map(|panel| &panel.curves).flat_map(|curve| &curve.points);
        Axis::new(self.x_scale, points.map(|point| point.0))
    }
}

/// Maps data to pixels within one panel.
struct Frame {
    top: f64,
    x: Axis,
    y: Axis,
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - self.y.place(value))
    }

    fn shows(&self, point: &(f64, f64)) -> bool {
        self.x.shows(point.0) && self.y.shows(point.1)
    }
}

impl Panel {
    fn axis(&self) -> Axis {
        Axis::new(self.scale, self.curves.iter().flat_map(|curve| &curve.points).map(|point| point.1))
    }

    fn draw(&self, svg: &mut Svg, frame: &Frame, mark: Option<f64>, with_x_labels: bool) {
        svg.heading((LEFT, frame.top - 9.0), &self.title);
        draw_axes(svg, frame, with_x_labels);
        // A line along the edge is not cut in half.
        let corner = (LEFT, frame.top - EDGE);
        svg.plot(corner, (WIDTH - LEFT - RIGHT, PANEL + 2.0 * EDGE), |svg| {
            if let Some(mark) = mark {
                let line = format!("M{} {}v{PANEL}", Short(frame.x(mark)), Short(frame.top));
                svg.path(&line, Stroke { colour: FAINT, width: 1.5, dash: "2 3" });
            }
            self.curves.iter().for_each(|curve| curve.draw(svg, frame));
        });
        self.draw_labels(svg, frame);
        if !self.curves.iter().any(|curve| curve.points.iter().any(|point| frame.shows(point))) {
            let mut points = self.curves.iter().flat_map(|curve| &curve.points);
            let words =
                if points.all(|point| point.1 == 0.0) { "zero throughout" } else { "no finite value" };
            svg.text((LEFT + 12.0, frame.top + PANEL / 2.0), Anchor::Start, FAINT, words);
        }
    }

    /// Writes each label beside the end of its curve, pushed down where two would overlap.
    fn draw_labels(&self, svg: &mut Svg, frame: &Frame) {
        let labelled = self.curves.iter().filter(|curve| !curve.label.is_empty());
        let mut ends: Vec<(f64, &Curve)> = labelled
            .filter_map(|curve| {
                let last = curve.points.iter().rev().find(|point| frame.shows(point));
                last.map(|point| (frame.y(point.1), curve))
            })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let room = frame.top + PANEL - 16.0 * (ends.len() as f64 - 1.0);
        let mut free = f64::NEG_INFINITY;
        for (index, (y, curve)) in ends.into_iter().enumerate() {
            let y = y.min(room + 16.0 * index as f64).max(free);
            free = y + 16.0;
            let x = WIDTH - RIGHT + 8.0;
            let stroke = Stroke { colour: curve.colour, width: curve.width, dash: curve.dash };
            svg.line((x, y), (x + 22.0, y), stroke);
            svg.text((x + 28.0, y + 4.0), Anchor::Start, INK, &curve.label);
        }
    }
}

impl Curve {
    fn draw(&self, svg: &mut Svg, frame: &Frame) {
        let mut path = String::new();
        let mut pen_down = false;
        for point @ &(x, value) in &self.points {
            if !frame.shows(point) {
                pen_down = false;
                continue;
            }
            let command = if pen_down { 'L' } else { 'M' };
            // A line of no length shows as a dot where a point stands alone.
            let dot = if pen_down { "" } else { "h0" };
            let _ = write!(path, "{command}{:.1} {:.1}{dot}", frame.x(x), frame.y(value));
            pen_down = true;
        }
        svg.path(&path, Stroke { colour: self.colour, width: self.width, dash: self.dash });
    }
}

fn draw_axes(svg: &mut Svg, frame: &Frame, with_x_labels: bool) {
    let (right, bottom) = (WIDTH - RIGHT, frame.top + PANEL);
    for (place, name) in frame.y.ticks() {
        let y = bottom - place * PANEL;
        svg.line((LEFT, y), (right, y), Stroke::thin(GRID));
        svg.text((LEFT - 8.0, y + 4.0), Anchor::End, FAINT, &name);
    }
    svg.tagged("class=\"ticks\"", |svg| {
        for (place, name) in frame.x.ticks() {
            let x = LEFT + place * (right - LEFT);
            svg.line((x, frame.top), (x, bottom), Stroke::thin(GRID));
            if with_x_labels {
                svg.text((x, bottom + 18.0), Anchor::Middle, FAINT, &name);
            }
        }
    });
    svg.line((LEFT, bottom), (right, bottom), Stroke::thin(FAINT));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(values: &[f64]) -> String {
        let points = values.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect();
        let curve = Curve { label: "a < b".into(), colour: "#000", width: 2.0, dash: "", points };
        let panel = Panel { title: "loss".into(), scale: Scale::Decades, curves: vec![curve] };
        Picture {
            title: "T".into(),
            subtitle: String::new(),
            x_label: "step".into(),
            x_scale: Scale::Counts,
            mark: None,
            panels: vec![panel],
        }
        .svg()
    }

    #[test]
    fn values_that_a_logarithm_lacks_leave_gaps() {
        let svg = picture(&[1.0, 0.1, 0.0, f64::NAN, f64::INFINITY, 0.01, 0.001]);
        let path = svg.lines().find(|line| line.starts_with("<path")).expect("a path");
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.contains("a &lt; b"));
    }

    #[test]
    fn nothing_to_show_is_said() {
        assert!(picture(&[0.0, 0.0]).contains("zero throughout"));
        assert!(picture(&[]).contains("zero throughout"));
    }
}
