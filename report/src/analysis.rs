//! What is known of a topology at one size.

use crate::compilation::{checks, optimised};
use crate::picture::{self, Curve, Panel, Picture, Scale};
use crate::table::Table;
use crate::words::{Cell, count, number};
use bfc_compiler::analysis::{Expected, Quadratic, Stationary};
use bfc_compiler::{Analysis, rank_names};

/// Points of a curve that are shown.
const COLUMNS: usize = 9;
/// The most stairs of the bound of a curve.
const BOUND_POINTS: u64 = 200;

/// The verdicts, a line for each number, curves and notes.
pub fn text(analysis: &Analysis) -> String {
    let mut text = checks(&analysis.checks);
    if !text.is_empty() {
        text.push('\n');
    }
    let mut table = Table::new();
    for (key, value) in numbers(analysis) {
        table.add_row([key, &value.text(), &method(analysis, key)]);
    }
    table.align_right([1]);
    text.push_str(&format!("{}\n", table.text()));
    for one in &analysis.optimised {
        text.push_str(&format!("\noptimised: {}\n", optimised(one)));
    }
    text.push_str(&consensus(analysis));
    if let Some(expected) = &analysis.expected_contraction {
        text.push_str(&in_the_mean(expected));
    }
    if let Some(stationary) = &analysis.stationary {
        text.push_str(&limit(stationary, analysis));
    }
    if let Some(found) = &analysis.quadratic {
        text.push_str(&quadratic(found));
    }
    for note in &analysis.notes {
        text.push_str(&format!("\nnote: {note}\n"));
    }
    text
}

/// The curve of the consensus error, beside what the contraction of whole periods promises.
pub fn svg(file: &str, analysis: &Analysis) -> String {
    let points = analysis.consensus_error.iter().flatten().map(|&(step, error)| (step as f64, error));
    let points: Vec<(f64, f64)> = [(0.0, 1.0)].into_iter().chain(points).collect();
    let last = points.last().map_or(0.0, |point| point.0);
    let curve = Curve { label: "at worst".into(), colour: picture::BLUE, width: 2.0, dash: "", points };
    let title = "disagreement that is left of the worst initial values".into();
    let curves = bound(analysis, last).into_iter().chain([curve]).collect();
    let picture = Picture {
        title: file.into(),
        subtitle: count(analysis.size.into(), "rank"),
        x_label: "steps".into(),
        x_scale: Scale::Counts,
        mark: None,
        panels: vec![Panel { title, scale: Scale::Decades, curves }],
    };
    picture.svg()
}

/// After k whole periods at most the k-th power of the contraction is left, where phases only contract.
fn bound(analysis: &Analysis, last: f64) -> Option<Curve> {
    let contraction = analysis.period_contraction.filter(|factor| (0.0..1.0).contains(factor))?;
    if !(analysis.doubly_stochastic && analysis.nonnegative) {
        return None;
    }
    let period = analysis.period as f64;
    let periods = (last / period).ceil() as u64;
    let stride = periods.div_ceil(BOUND_POINTS).max(1);
    let places = (0..=periods).step_by(stride as usize).map(|k| k as f64);
    // Within a period nothing is promised yet: the bound goes down in stairs.
    let stairs = places.flat_map(|k| {
        let value = contraction.powf(k);
        [(period * k, value), (period * (k + stride as f64), value)]
    });
    let points = stairs.filter(|(step, _)| *step <= last).collect();
    Some(Curve { label: "bound".into(), colour: picture::VERMILLION, width: 1.5, dash: "6 4", points })
}

/// The numbers and truth values of a topology, by their keys.
pub(crate) fn numbers(analysis: &Analysis) -> Vec<(&'static str, Cell<'_>)> {
    let a = analysis;
    vec![
        ("size", a.size.into()),
        ("period", a.period.into()),
        ("max_out_degree", a.max_out_degree.into()),
        ("max_in_degree", a.max_in_degree.into()),
        ("rounds", a.rounds.into()),
        ("row_stochastic", a.row_stochastic.into()),
        ("column_stochastic", a.column_stochastic.into()),
        ("doubly_stochastic", a.doubly_stochastic.into()),
        ("nonnegative", a.nonnegative.into()),
        ("symmetric", a.symmetric.into()),
        ("connected", a.connected.into()),
        ("primitive", a.primitive.into()),
        ("contracting", a.contracting.into()),
        ("rho", a.rho.into()),
        ("sigma2", a.sigma2.into()),
        ("spectral_gap", a.spectral_gap.into()),
        ("lambda_min", a.lambda_min.into()),
        ("least_sigma2", a.least_sigma2.into()),
        ("least_sigma2_nonnegative", a.least_sigma2_nonnegative.into()),
        ("effective_neighbours", a.effective_neighbours.into()),
        ("noise_memory", a.noise_memory.into()),
        ("period_contraction", a.period_contraction.into()),
        ("rate_per_step", a.rate_per_step.into()),
        ("asymptotic_rate", a.asymptotic_rate.into()),
        ("exact_average", a.exact_average.into()),
        ("exact_after", a.exact_after.into()),
        ("rounds_to_1e-3", a.rounds_to_1e_3.into()),
        ("rounds_to_1e-6", a.rounds_to_1e_6.into()),
        ("bytes_per_rank_per_model_byte", a.bytes_per_rank_per_model_byte.into()),
        ("allreduce_bytes_per_rank_per_model_byte", a.allreduce_bytes_per_rank_per_model_byte.into()),
    ]
}

/// How an algorithm converges, by the keys of its numbers.
pub(crate) fn quadratic_numbers(found: Option<&Quadratic>) -> Vec<(&'static str, Cell<'_>)> {
    vec![
        ("largest_step", found.and_then(|found| found.largest_step).into()),
        ("rate", found.and_then(|found| found.rate).into()),
        ("bias", found.and_then(|found| found.bias).into()),
        ("exact", found.and_then(|found| found.exact).into()),
        ("note", found.and_then(|found| found.note.as_deref()).into()),
    ]
}

/// How a number was obtained.
pub(crate) fn method(analysis: &Analysis, key: &str) -> String {
    let method = analysis.methods.get(key).copied().unwrap_or_default();
    let residual = match key {
        "asymptotic_rate" if analysis.period != 1 => "period_radius",
        _ => key,
    };
    match analysis.residuals.get(residual) {
        Some(residual) => format!("{method}, residual {residual:.1e}"),
        None => method.to_string(),
    }
}

/// How values approach the average.
fn consensus(analysis: &Analysis) -> String {
    let points = analysis.consensus_error.as_deref().unwrap_or_default();
    let Some(last) = points.last() else { return String::new() };
    let stride = points.len().div_ceil(COLUMNS);
    let mut shown: Vec<&(u64, f64)> = points.iter().step_by(stride).collect();
    if let Some(end) = shown.last_mut() {
        *end = last;
    }
    let row = |name: &str, cell: &dyn Fn(&(u64, f64)) -> String| {
        [name.to_string()].into_iter().chain(shown.iter().map(|point| cell(point))).collect::<Vec<_>>()
    };
    let mut table = Table::new();
    table.add_row(row("steps", &|(step, _)| step.to_string()));
    table.add_row(row("error", &|&(_, error)| three_digits(error)));
    table.align_right(1..=COLUMNS);
    let method = method(analysis, "consensus_error");
    format!("\nconsensus error of the worst initial values, {method}:\n{}\n", table.text())
}

fn three_digits(x: f64) -> String {
    if x == 0.0 { "0".to_string() } else { format!("{x:.2e}") }
}

fn in_the_mean(Expected { mean, interval: [low, high], draws }: &Expected) -> String {
    format!(
        "\nin the mean a step keeps {mean:.6} of the disagreement's square, estimated from {draws} drawn phases;\n\
         at worst between {low:.6} and {high:.6} with 95 % confidence\n"
    )
}

/// Where values end if that is not the average.
fn limit(Stationary { least, greatest, .. }: &Stationary, analysis: &Analysis) -> String {
    let ((least, low), (greatest, high)) = (least, greatest);
    let name = |rank: u32| match analysis.names.is_empty() {
        true => format!("rank {rank}"),
        false => rank_names::shown(&analysis.names, rank as usize),
    };
    let (least, greatest) = (name(*least), name(*greatest));
    format!(
        "\nweights of the limit, estimated: {low:.6} ({least}) to {high:.6} ({greatest}), 1/n is {:.6};\n\
         `--format json` has all\n",
        1.0 / f64::from(analysis.size)
    )
}

/// How an algorithm converges on quadratics.
fn quadratic(found: &Quadratic) -> String {
    let [least, largest] = found.curvature.map(number);
    let step = found.step.as_ref().map(|(name, step)| format!("with {name} = {}", number(*step)));
    let mut table = Table::new();
    table.add_row(["error kept in a step", &Cell::from(found.rate).text(), &step.unwrap_or_default()]);
    match found.exact {
        Some(true) => table.add_row(["bias", "0", "up to rounding"]),
        _ => table.add_row(["bias", &Cell::from(found.bias).text(), ""]),
    }
    table.add_row(["largest step size", &Cell::from(found.largest_step).text(), ""]);
    let note = found.note.as_ref().map(|note| format!(" note: {note}\n")).unwrap_or_default();
    format!("\non quadratics of curvature {least} to {largest}, estimated:\n{}\n{note}", table.text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bfc_compiler::{Entry, NoFiles, Request, analyze};
    use serde_json::Value;

    /// Each number of the document has its line.
    #[test]
    fn no_number_is_forgotten() {
        let source = "use topology::ring\nuse algorithm::dgd\nschedule {\n topology ring\n algorithm dgd\n}";
        let entry = Entry::Source { name: "ring.bf".into(), text: source.into() };
        let request = Request::new(entry, 4);
        let analysis = analyze(&request, &NoFiles).expect("a ring");
        let keys = |document: &Value| -> Vec<String> {
            let fields = document.as_object().expect("an object").iter();
            fields
                .filter(|(_, value)| !value.is_array() && !value.is_object())
                .map(|(key, _)| key.clone())
                .collect()
        };
        // What is absent here and an object or a list elsewhere.
        let apart = ["consensus_error", "stationary", "expected_contraction"];
        let document = serde_json::to_value(&analysis).expect("a document");
        let expected: Vec<String> =
            keys(&document).into_iter().filter(|key| !apart.contains(&key.as_str())).collect();
        let named: Vec<&str> = numbers(&analysis).into_iter().map(|(key, _)| key).collect();
        assert_eq!(named, expected);
        let named: Vec<&str> =
            quadratic_numbers(analysis.quadratic.as_ref()).into_iter().map(|(key, _)| key).collect();
        assert_eq!(named, keys(&document["quadratic"]));
    }
}
