//! A compiled or checked request: what holds of it, what it costs, and where it was written.

use crate::table::Table;
use crate::words::count;
use crate::{cost, fit, words};
use bfc_compiler::model::oracle::Oracles;
use bfc_compiler::model::topology::{Number, Optimised};
use bfc_compiler::prove::Check;
use bfc_compiler::{Consensus, PhaseRounds, Report};
use bfc_predict::{Cost, Fit, Plan, Prediction};
use serde::Serialize;

/// The document of a compilation.
#[derive(Clone, Debug, Serialize)]
pub struct Compilation<'a> {
    #[serde(flatten)]
    report: &'a Report,
    allowed: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Priced<'a>>,
    #[serde(flatten)]
    fit: Option<&'a Fit>,
    #[serde(flatten)]
    written: Option<Written>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Priced<'a> {
    #[serde(flatten)]
    cost: &'a Cost,
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<&'a Prediction>,
}

/// The file of a schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// The digest of the schedule.
    pub digest: String,
    /// Its path.
    pub file: String,
    /// Its length.
    pub bytes: usize,
    /// Whether it took the place of another schedule that nobody had named.
    pub replaced: bool,
}

impl<'a> Compilation<'a> {
    /// What was checked without a schedule.
    pub fn checked(report: &'a Report) -> Self {
        Self { report, allowed: &report.overrides, cost: None, fit: None, written: None }
    }

    /// What was compiled, and where it was written if it was.
    pub fn planned(plan: &'a Plan, written: Option<Written>) -> Self {
        let Plan { report, cost, prediction, fit, .. } = plan;
        let cost = Some(Priced { cost, prediction: prediction.as_ref() });
        Self { report, allowed: &report.overrides, cost, fit: fit.as_ref(), written }
    }

    /// A table, the verdicts and the warnings.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        for (about, line) in self.lines() {
            table.add_row([about, &line]);
        }
        let mut text = table.text() + "\n";
        let checks = checks(&self.report.checks);
        if !checks.is_empty() {
            text.push_str(&format!("\n{checks}"));
        }
        for warning in &self.report.warnings {
            text.push_str(&format!("\nwarning: {warning}\n"));
        }
        for note in &self.report.notes {
            text.push_str(&format!("\nnote: {note}\n"));
        }
        text
    }

    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let report = self.report;
        let mut lines = vec![("algorithm", report.algorithm.clone()), ("ranks", report.size.to_string())];
        lines.extend(rounds(&report.phases).map(|line| ("rounds", line)));
        lines.extend(report.optimised.iter().map(|one| ("optimised", optimised(&one.optimised))));
        let proved = report.consensus.iter().filter(|consensus| consensus.proved);
        lines.extend(proved.map(|consensus| ("consensus", consensus_line(consensus))));
        let cost = self.cost.iter().flat_map(|priced| cost::lines(priced.cost, priced.prediction));
        lines.extend(cost.map(|line| ("cost", line)));
        if let Some(fit) = self.fit {
            lines.extend(fit::links(&fit.sharing).into_iter().map(|line| ("links", line)));
            lines.extend(fit.placement.iter().map(|placing| ("place", fit::place(placing))));
        }
        lines.push(("asks", asks(&report.asks)));
        lines.extend(self.allowed.iter().map(|allowed| ("allowed", allowed.clone())));
        if let Some(Written { digest, file, .. }) = &self.written {
            lines.extend([("digest", digest.clone()), ("file", file.clone())]);
        }
        lines
    }
}

/// What is proved of a compressed gossip.
fn consensus_line(consensus: &Consensus) -> String {
    let Consensus { state, codec, gamma, evidence, .. } = consensus;
    format!("`{state}` by `{codec}` with step size {}: proved, {evidence}", words::number(*gamma))
}

/// A line for each topology: its rounds in all phases, and whether fewer would do.
fn rounds(phases: &[PhaseRounds]) -> impl Iterator<Item = String> {
    phases.chunk_by(|a, b| a.topology == b.topology).map(|phases| {
        let rounds: u32 = phases.iter().map(|phase| phase.rounds).sum();
        let bound: u32 = phases.iter().map(|phase| phase.lower_bound).sum();
        let least = match rounds == bound {
            true => "the least possible".to_string(),
            false => format!("at least {bound}"),
        };
        let number = count(phases.len() as u64, "phase");
        format!("{}: {rounds} in {number} of a period, {least}", phases[0].topology)
    })
}

/// What an optimisation came to, and how far from the optimum that may be.
pub(crate) fn optimised(one: &Optimised) -> String {
    let (symbol, direction) = match one.number {
        Number::Connectivity => ("λ₂ ", "below"),
        Number::Contraction => ("ρ ", "above"),
        Number::Norm => ("", "above"),
        Number::NormOfPart => ("within the slowest connected part ", "above"),
    };
    let about = if one.is_enclosed { "" } else { "about " };
    let (value, gap) = (words::number(one.value), words::two_digits_up(one.gap));
    let worst = match one.times {
        0 | 1 => String::new(),
        times => format!(" ({times} times, the worst)"),
    };
    format!("{}: {symbol}{about}{value}, {about}at most {gap} {direction} the optimum{worst}", one.what)
}

fn asks(asks: &Oracles) -> String {
    let parts = [(asks.gradients, "gradient"), (asks.adapts, "optimizer step"), (asks.proxes, "minimizer")];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| count(number as u64, what))
        .collect();
    if parts.is_empty() {
        return "nothing".to_string();
    }
    let start = match asks.at_start {
        0 => String::new(),
        some => format!(" and {some} before the first"),
    };
    let how = match asks.any_loop {
        true => "at the model: any training loop",
        false => "by a closure or point by point",
    };
    format!("{} a step{start}, {how}", parts.join(" and "))
}

/// Claims and verdicts, one a line; empty where there are none.
pub(crate) fn checks(checks: &[Check]) -> String {
    let mut table = Table::new();
    for check in checks {
        let mark = if check.holds() { "✓" } else { "✗" };
        let by = format!("{} {}", check.item, check.role.word());
        table.add_row([mark, &by, &check.claim.text, &check.verdict.word(), check.verdict.evidence()]);
    }
    if table.is_empty() { String::new() } else { table.text() + "\n" }
}
