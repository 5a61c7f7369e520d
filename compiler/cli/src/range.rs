//! `bfc analyze` over a range of sizes: how a topology converges as it grows, and where it does worst.

use crate::arguments::{self, Format};
use crate::failure::Failure;
use crate::picture::{Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::{input, output};
use bfc_compiler::Analysis;
use bfc_compiler::Detail;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// So many sizes are shown to people, evenly spread.
const SHOWN: usize = 24;
/// A size that `requires` refuses is skipped; anything else that is refused is refused for all sizes.
const SKIPPED: [&str; 3] =
    ["bfc::evaluate::precondition", "bfc::request::local_size", "bfc::prove::requirement_refuted"];

/// What was found over the range.
struct Range<'a> {
    arguments: &'a arguments::Analyze,
    analyses: Vec<Analysis>,
    skipped: Vec<(u32, String)>,
}

/// Analyzes every size of a range, and reports.
///
/// # Errors
/// The source cannot be read, or is refused at some size for another reason than its `requires`.
pub fn analyze(
    arguments: &arguments::Analyze,
    sizes: RangeInclusive<u32>,
    format: Format,
) -> Result<(), Failure> {
    if let Some(directory) = &arguments.out {
        output::check_directory(directory)?;
    }
    let mut range = Range { arguments, analyses: vec![], skipped: vec![] };
    let mut request = input::request(&arguments.file, *sizes.start(), &arguments.settings)?;
    for size in sizes {
        request.size = size;
        match bfc_compiler::analyze_on(&request, &input::Beside, arguments.assumptions(), Detail::Numbers) {
            Ok(analysis) => range.analyses.push(analysis),
            Err(refused) => {
                let reports = refused.into_reports();
                let code = reports.first().and_then(|report| report.code()).map(|code| code.to_string());
                if !code.is_some_and(|code| SKIPPED.contains(&&*code)) {
                    return Err(Failure::refused(reports));
                }
                range.skipped.push((size, reports[0].to_string()));
            }
        }
    }
    if let Some(directory) = &arguments.out {
        let (document, picture) = (range.json(), range.svg());
        output::write_results(directory, ("analysis.json", &document), ("convergence.svg", &picture))?;
    }
    match format {
        Format::Json => output::print_json(&range.json()),
        Format::Human => output::print(range.table()),
    }
}

impl Range<'_> {
    /// The analysis with the most steps to 10⁻³, the least size where several have them; never is most.
    fn worst(&self) -> Option<&Analysis> {
        let steps = |analysis: &Analysis| analysis.rounds_to_1e_3.unwrap_or(u64::MAX);
        self.analyses.iter().reduce(|worst, next| if steps(next) > steps(worst) { next } else { worst })
    }

    fn json(&self) -> Value {
        json!({
            "file": self.arguments.file,
            "worst": self.worst().map(|worst| json!({
                "size": worst.size,
                "rounds_to_1e-3": worst.rounds_to_1e_3,
                "rate_per_step": worst.rate_per_step,
            })),
            "sizes": self.analyses,
            "skipped": self.skipped.iter().map(|(size, reason)| json!({ "size": size, "reason": reason })).collect::<Value>(),
        })
    }

    fn table(&self) -> String {
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
        let stride = self.analyses.len().div_ceil(SHOWN).max(1);
        for analysis in self.analyses.iter().step_by(stride) {
            table.add_row([
                analysis.size.to_string(),
                analysis.period.to_string(),
                analysis.rounds.to_string(),
                analysis.rate_per_step.map_or("–".to_string(), |rate| format!("{rate:.6}")),
                count(analysis.rounds_to_1e_3),
                count(analysis.rounds_to_1e_6),
                count(analysis.exact_after),
            ]);
        }
        table.align_right(0..7);
        let mut text = table.text() + "\n";
        if stride > 1 {
            text.push_str(&format!(
                "every {stride} sizes of {}; --format json has all\n",
                self.analyses.len()
            ));
        }
        if let Some(worst) = self.worst() {
            let steps = match worst.rounds_to_1e_3 {
                Some(steps) => format!("{steps} steps to 1e-3"),
                None => "1e-3 is never reached".to_string(),
            };
            text.push_str(&format!("\nworst: {} ranks, {steps}\n", worst.size));
        }
        if let Some((_, reason)) = self.skipped.first() {
            let sizes: Vec<u32> = self.skipped.iter().map(|(size, _)| *size).collect();
            text.push_str(&format!("skipped: {} ({reason})\n", runs(&sizes)));
        }
        text
    }

    fn svg(&self) -> String {
        let points = |value: &dyn Fn(&Analysis) -> Option<f64>| {
            let point = |analysis: &Analysis| (f64::from(analysis.size), value(analysis).unwrap_or(f64::NAN));
            self.analyses.iter().map(point).collect::<Vec<_>>()
        };
        let curve =
            |label: &str, colour, points| Curve { label: label.into(), colour, width: 2.0, dash: "", points };
        let steps = |steps: Option<u64>| steps.map(|steps| steps as f64);
        let panel = |title: &str, curves| Panel { title: title.into(), scale: Scale::Decades, curves };
        Picture {
            title: self.arguments.file.clone(),
            subtitle: self.worst().map_or(String::new(), |worst| format!("worst: {} ranks", worst.size)),
            x_label: "ranks".into(),
            x_scale: Scale::Counts,
            panels: vec![
                panel(
                    "steps until ranks agree",
                    vec![
                        curve("to 1e-6", "#9aa5b1", points(&|analysis| steps(analysis.rounds_to_1e_6))),
                        curve("to 1e-3", "#0b6bcb", points(&|analysis| steps(analysis.rounds_to_1e_3))),
                        curve("exactly", "#2f9e44", points(&|analysis| steps(analysis.exact_after))),
                    ],
                ),
                panel(
                    "1 − rate per step",
                    vec![curve(
                        "gap",
                        "#d9730d",
                        points(&|analysis| analysis.rate_per_step.map(|rate| 1.0 - rate)),
                    )],
                ),
            ],
        }
        .svg()
    }
}

fn count(value: Option<u64>) -> String {
    value.map_or("–".to_string(), |value| value.to_string())
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
