//! Eigenvalues in the unit disc.

use super::svg::{Anchor, BLUE, FAINT, GRID, Point, Short, Stroke, Svg, VERMILLION, WIDTH};
use crate::words::{count, number};
use bfc_compiler::Analysis;
use std::f64::consts::FRAC_1_SQRT_2;
use std::fmt::Write;

/// Draws the eigenvalues of the period product, the unit circle, and the circle that holds all but one eigenvalue 1.
pub fn spectrum(title: &str, analysis: &Analysis) -> String {
    let what = if analysis.period == 1 { "the mixing matrix" } else { "the product of a period" };
    let subtitle = format!("eigenvalues of {what}, {}", count(analysis.size.into(), "rank"));
    let mut svg = Svg::new(title, &subtitle);
    let Some(found) = &analysis.eigenvalues else {
        let words = "not computed: too many ranks without a structure that gives all eigenvalues";
        svg.text((76.0, 90.0), Anchor::Start, FAINT, words);
        return svg.document(120.0);
    };
    let farthest = found.values.iter().map(|value| value[0].hypot(value[1])).fold(1.0, f64::max);
    let (centre, scale): (Point, f64) = ((WIDTH / 2.0, 350.0), 260.0 / farthest);
    let at = |[re, im]: [f64; 2]| (centre.0 + scale * re, centre.1 - scale * im);
    let ([left, right], [low, high]) =
        ([at([-farthest, 0.0]), at([farthest, 0.0])], [at([0.0, -farthest]), at([0.0, farthest])]);
    svg.line(left, right, Stroke::thin(GRID));
    svg.line(low, high, Stroke::thin(GRID));
    svg.circle(centre, scale, "none", Stroke::thin(FAINT));
    let radius = analysis.asymptotic_rate.map(|rate| rate.powf(analysis.period as f64));
    if let Some(radius) = radius.filter(|radius| (1e-3..1.0).contains(radius)) {
        svg.circle(centre, scale * radius, "none", Stroke { colour: VERMILLION, width: 1.2, dash: "6 4" });
        let corner = scale * radius * FRAC_1_SQRT_2 + 6.0;
        let place = (centre.0 + corner, centre.1 - corner);
        svg.text(place, Anchor::Start, VERMILLION, &format!("ρ = {}", number(radius)));
    }
    let mut dots = String::new();
    for value in &found.values {
        let (x, y) = at(*value);
        let _ = write!(dots, "M{} {}h0", Short(x), Short(y));
    }
    svg.group("eigenvalues", found.values.len(), |svg| {
        svg.path(&dots, Stroke { colour: BLUE, width: 6.0, dash: "" });
    });
    svg.text((right.0 + 8.0, right.1 + 4.0), Anchor::Start, FAINT, &number(farthest));
    svg.text((high.0 + 6.0, high.1 - 6.0), Anchor::Start, FAINT, &format!("{} i", number(farthest)));
    let words = match found.hidden {
        0 => format!("{} different values", found.values.len()),
        hidden => {
            format!("{} different values; {hidden} of smaller modulus are left out", found.values.len())
        }
    };
    svg.text((centre.0, 650.0), Anchor::Middle, FAINT, &words);
    svg.document(672.0)
}
