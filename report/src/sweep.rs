//! Analyses at many sizes: a table, and a picture of how steps grow.

use crate::picture::{Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::words::Cell;
use bfc_compiler::Analysis;
use bfc_predict::Sweep;
use bfc_predict::sweep::Worst;

/// Sizes that are shown of a range, beside powers of two and the last.
const SHOWN: usize = 24;

/// A line for a size, then the worst and the skipped.
pub fn text(sweep: &Sweep) -> String {
    let mut table = Table::new();
    table.set_header([
        "ranks",
        "period",
        "rounds",
        "rate per step",
        "steps to 1e-3",
        "to 1e-6",
        "exact after",
    ]);
    let shown = shown(&sweep.sizes);
    for analysis in &shown {
        let count = |steps: Option<u64>| Cell::from(steps).text();
        table.add_row([
            analysis.size.to_string(),
            analysis.period.to_string(),
            analysis.rounds.to_string(),
            Cell::from(analysis.rate_per_step).text(),
            count(analysis.rounds_to_1e_3),
            count(analysis.rounds_to_1e_6),
            count(analysis.exact_after),
        ]);
    }
    table.align_right(0..7);
    let mut text = table.text() + "\n";
    let (few, all) = (shown.len(), sweep.sizes.len());
    if few < all {
        text.push_str(&format!("{few} of {all} sizes; `--format json` has all\n"));
    }
    if let Some(Worst { size, rounds_to_1e_3, .. }) = sweep.worst {
        let steps = match rounds_to_1e_3 {
            Some(steps) => format!("{steps} steps to 1e-3"),
            None => "1e-3 is never reached".to_string(),
        };
        text.push_str(&format!("\nworst: {size} ranks, {steps}\n"));
    }
    if let Some(first) = sweep.skipped.first() {
        let sizes: Vec<u32> = sweep.skipped.iter().map(|skipped| skipped.size).collect();
        text.push_str(&format!("skipped: {} ({})\n", runs(&sizes), first.reason));
    }
    text
}

/// Sizes spread evenly, all powers of two and the last.
fn shown(sizes: &[Analysis]) -> Vec<&Analysis> {
    let stride = sizes.len().div_ceil(SHOWN).max(1);
    let is_shown =
        |at: usize| at.is_multiple_of(stride) || at + 1 == sizes.len() || sizes[at].size.is_power_of_two();
    (0..sizes.len()).filter(|&at| is_shown(at)).map(|at| &sizes[at]).collect()
}

/// Steps to agreement and the gap, over the number of ranks.
pub fn svg(sweep: &Sweep) -> String {
    let curve = |label: &str, colour, value: &dyn Fn(&Analysis) -> Option<f64>| {
        let point = |analysis: &Analysis| (f64::from(analysis.size), value(analysis).unwrap_or(f64::NAN));
        let points = sweep.sizes.iter().map(point).collect();
        Curve { label: label.into(), colour, width: 2.0, dash: "", points }
    };
    let steps = |steps: Option<u64>| steps.map(|steps| steps as f64);
    let panel = |title: &str, curves| Panel { title: title.into(), scale: Scale::Decades, curves };
    let agreement = vec![
        curve("to 1e-6", "#9aa5b1", &|analysis| steps(analysis.rounds_to_1e_6)),
        curve("to 1e-3", "#0b6bcb", &|analysis| steps(analysis.rounds_to_1e_3)),
        curve("exactly", "#2f9e44", &|analysis| steps(analysis.exact_after)),
    ];
    let gap = vec![curve("gap", "#d9730d", &|analysis| analysis.rate_per_step.map(|rate| 1.0 - rate))];
    let picture = Picture {
        title: sweep.file.clone(),
        subtitle: sweep.worst.map_or(String::new(), |worst| format!("worst: {} ranks", worst.size)),
        x_label: "ranks".into(),
        x_scale: Scale::Counts,
        panels: vec![panel("steps until ranks agree", agreement), panel("1 − rate per step", gap)],
    };
    picture.svg()
}

/// Such as `3, 5–7, 9`.
fn runs(sizes: &[u32]) -> String {
    let runs = sizes.chunk_by(|a, b| a + 1 == *b);
    let shown = |run: &[u32]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    };
    runs.map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_of_sizes_are_short() {
        assert_eq!(super::runs(&[3, 5, 6, 7, 9]), "3, 5–7, 9");
    }
}
