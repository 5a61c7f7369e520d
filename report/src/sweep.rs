//! Analyses along an axis: a table, and a picture of how steps grow.

use crate::picture::{self, Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::words::Cell;
use bfc_compiler::Analysis;
use bfc_predict::Sweep;
use bfc_predict::sweep::{At, Point, Worst};

/// Points that are shown of many, beside powers of two and the last.
const SHOWN: usize = 24;

/// A line for a point, then the worst and the skipped.
pub fn text(sweep: &Sweep) -> String {
    let mut table = Table::new();
    let axis = sweep.parameter.as_deref().unwrap_or("ranks");
    let known = |point: &Point| point.analysis.quadratic.as_ref().is_some_and(|found| found.rate.is_some());
    let training = if sweep.points.iter().any(known) { &["training rate", "bias"][..] } else { &[] };
    let consensus = ["period", "rounds", "rate per step", "steps to 1e-3", "to 1e-6", "exact after"];
    table.set_header([axis].into_iter().chain(consensus).chain(training.iter().copied()));
    let shown = shown(&sweep.points);
    for Point { at, analysis } in &shown {
        let count = |steps: Option<u64>| Cell::from(steps).text();
        let found = analysis.quadratic.as_ref();
        let of_training = [found.and_then(|found| found.rate), found.and_then(|found| found.bias)];
        let of_consensus = [
            at.to_string(),
            analysis.period.to_string(),
            analysis.rounds.to_string(),
            Cell::from(analysis.rate_per_step).text(),
            count(analysis.rounds_to_1e_3),
            count(analysis.rounds_to_1e_6),
            count(analysis.exact_after),
        ];
        let of_training = of_training.map(|number| Cell::from(number).text());
        table.add_row(of_consensus.into_iter().chain(of_training).take(7 + training.len()));
    }
    table.align_right(0..9);
    let mut text = table.text() + "\n";
    let (few, all) = (shown.len(), sweep.points.len());
    if few < all {
        let what = if sweep.parameter.is_some() { "values" } else { "sizes" };
        text.push_str(&format!("{few} of {all} {what}; `--format json` has all\n"));
    }
    if let Some(worst) = &sweep.worst {
        let steps = match worst.rounds_to_1e_3 {
            Some(steps) => format!("{steps} steps to 1e-3"),
            None => "1e-3 is never reached".to_string(),
        };
        text.push_str(&format!("\nworst: {}, {steps}\n", place(sweep, worst)));
    }
    if let Some(first) = sweep.skipped.first() {
        let all: Vec<&At> = sweep.skipped.iter().map(|skipped| &skipped.at).collect();
        text.push_str(&format!("skipped: {} ({})\n", runs(&all), first.reason));
    }
    text
}

/// Such as `12 ranks` or `base = 3`.
fn place(sweep: &Sweep, worst: &Worst) -> String {
    match &sweep.parameter {
        Some(parameter) => format!("{parameter} = {}", worst.at),
        None => format!("{} ranks", worst.at),
    }
}

/// Points spread evenly, all sizes that are powers of two, and the last.
fn shown(points: &[Point]) -> Vec<&Point> {
    let stride = points.len().div_ceil(SHOWN).max(1);
    let is_shown = |at: usize| {
        let power = matches!(points[at].at, At::Size(size) if size.is_power_of_two());
        at.is_multiple_of(stride) || at + 1 == points.len() || power
    };
    (0..points.len()).filter(|&at| is_shown(at)).map(|at| &points[at]).collect()
}

/// Steps to agreement and the gap, along the axis.
pub fn svg(sweep: &Sweep) -> String {
    svg_marked(sweep, None)
}

/// The same with a mark at a place on the axis.
pub fn svg_marked(sweep: &Sweep, mark: Option<f64>) -> String {
    // Values that are no numbers stand where they come.
    let number = |at: &At| at.to_string().parse::<f64>().ok().filter(|number| number.is_finite());
    let numbers: Option<Vec<f64>> = sweep.points.iter().map(|point| number(&point.at)).collect();
    let x_label = match (&sweep.parameter, &numbers) {
        (None, _) => "ranks".to_string(),
        (Some(parameter), Some(_)) => parameter.clone(),
        (Some(parameter), None) => format!("{parameter}, in order"),
    };
    let x = numbers.unwrap_or_else(|| (1..=sweep.points.len()).map(|at| at as f64).collect());
    let curve = |label: &str, colour, value: &dyn Fn(&Analysis) -> Option<f64>| {
        let point = |(x, point): (&f64, &Point)| (*x, value(&point.analysis).unwrap_or(f64::NAN));
        let points = x.iter().zip(&sweep.points).map(point).collect();
        Curve { label: label.into(), colour, width: 2.0, dash: "", points }
    };
    let steps = |steps: Option<u64>| steps.map(|steps| steps as f64);
    let panel = |title: &str, curves| Panel { title: title.into(), scale: Scale::Decades, curves };
    let agreement = vec![
        curve("to 1e-6", picture::FAINT, &|analysis| steps(analysis.rounds_to_1e_6)),
        curve("to 1e-3", picture::BLUE, &|analysis| steps(analysis.rounds_to_1e_3)),
        curve("exactly", picture::GREEN, &|analysis| steps(analysis.exact_after)),
    ];
    let gap =
        vec![curve("gap", picture::VERMILLION, &|analysis| analysis.rate_per_step.map(|rate| 1.0 - rate))];
    let worst = sweep.worst.as_ref().map(|worst| format!("worst: {}", place(sweep, worst)));
    let picture = Picture {
        title: sweep.file.clone(),
        subtitle: worst.unwrap_or_default(),
        x_label,
        x_scale: Scale::Counts,
        mark,
        panels: vec![panel("steps until ranks agree", agreement), panel("1 − rate per step", gap)],
    };
    picture.svg()
}

/// Such as `3, 5–7, 9`.
fn runs(points: &[&At]) -> String {
    let follows = |a: &&At, b: &&At| matches!((a, b), (At::Size(a), At::Size(b)) if a + 1 == *b);
    let shown = |run: &[&At]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    };
    points.chunk_by(follows).map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::At;

    #[test]
    fn runs_of_sizes_are_short() {
        let sizes = [3, 5, 6, 7, 9].map(At::Size);
        assert_eq!(super::runs(&sizes.iter().collect::<Vec<_>>()), "3, 5–7, 9");
    }
}
