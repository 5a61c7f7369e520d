//! The predicted time of a step on a cluster, beside all-reduce.

use super::svg::{Anchor, BLUE, FAINT, GRID, INK, MARGIN, ORANGE, Stroke, Svg, WIDTH};
use bfc_predict::Prediction;
use bfc_predict::units::{shown_bytes, shown_seconds};

/// Draws a bar for each way to train: computing, then waiting for messages.
pub fn prediction(title: &str, prediction: &Prediction) -> String {
    let Prediction { cluster, model_bytes, compute_seconds, .. } = prediction;
    let subtitle = format!("a step on {cluster}, a model of {}", shown_bytes(*model_bytes));
    let mut svg = Svg::new(title, &subtitle);
    let ways = [
        ("this schedule", prediction.step_seconds),
        ("ring all-reduce", prediction.ring_step_seconds),
        ("tree all-reduce", prediction.tree_step_seconds),
        ("hierarchical", prediction.hierarchical_step_seconds),
    ];
    let longest = ways.iter().map(|way| way.1).fold(f64::MIN_POSITIVE, f64::max);
    let (left, room) = (MARGIN + 120.0, WIDTH - 2.0 * MARGIN - 220.0);
    for (row, (name, seconds)) in ways.into_iter().enumerate() {
        let y = 88.0 + 30.0 * row as f64;
        let x = |seconds: f64| left + room * seconds / longest;
        svg.text((left - 10.0, y + 4.0), Anchor::End, INK, name);
        let bar = |svg: &mut Svg, from, to, colour| {
            svg.line((x(from), y), (x(to), y), Stroke { colour, width: 16.0, dash: "" });
        };
        bar(&mut svg, 0.0, compute_seconds.min(seconds), BLUE);
        bar(&mut svg, compute_seconds.min(seconds), seconds, ORANGE);
        svg.text((x(seconds) + 8.0, y + 4.0), Anchor::Start, FAINT, &shown_seconds(seconds));
    }
    let y = 88.0 + 30.0 * 4.0;
    svg.line((left, 72.0), (left, y - 14.0), Stroke::thin(GRID));
    svg.line((left, y), (left + 16.0, y), Stroke { colour: BLUE, width: 8.0, dash: "" });
    svg.text((left + 22.0, y + 4.0), Anchor::Start, FAINT, "computing");
    svg.line((left + 110.0, y), (left + 126.0, y), Stroke { colour: ORANGE, width: 8.0, dash: "" });
    svg.text((left + 132.0, y + 4.0), Anchor::Start, FAINT, "waiting for messages");
    svg.document(y + 24.0)
}
