//! A request becomes analyses at many sizes: how a topology converges as it grows, and where it does worst.

use crate::error::PredictError;
use crate::progress::Progress;
use bfc_compiler::{Analysis, Assumptions, Detail, Diagnostics, Files, Request};
use serde::Serialize;

/// A size that is refused with one of these is skipped; anything else is refused for all sizes.
const SKIPPED: [&str; 3] =
    ["bfc::evaluate::precondition", "bfc::request::local_size", "bfc::prove::requirement_refuted"];

/// The most sizes of a sweep on the command line and in Python.
pub const MOST_SIZES: usize = 10_000;

/// Analyses at many sizes.
#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    /// What was analyzed.
    pub file: String,
    /// Where most steps are needed.
    pub worst: Option<Worst>,
    /// What was found.
    pub sizes: Vec<Analysis>,
    /// The sizes for which the source is not.
    pub skipped: Vec<Skipped>,
}

/// The size that needs the most steps to agree to 10⁻³, the least of several; one that never does needs most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// The number of ranks.
    pub size: u32,
    /// These steps.
    #[serde(rename = "rounds_to_1e-3")]
    pub rounds_to_1e_3: Option<u64>,
    /// What a step keeps of the disagreement.
    pub rate_per_step: Option<f64>,
}

/// A size for which the source is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The number of ranks.
    pub size: u32,
    /// Why.
    pub reason: String,
}

/// Analyzes a request at these sizes; `file` is what the result calls it.
///
/// # Errors
/// The source is refused at some size for another reason than what it requires of the size, or `progress` is cancelled.
pub fn sweep(
    file: &str,
    request: &Request,
    files: &dyn Files,
    sizes: &[u32],
    assumptions: Assumptions,
    progress: &mut dyn Progress,
) -> Result<Sweep, PredictError> {
    let mut sweep = Sweep { file: file.to_string(), worst: None, sizes: vec![], skipped: vec![] };
    progress.begin("sizes", sizes.len() as u64, "sizes");
    for (done, &size) in (1..).zip(sizes) {
        let request = Request { size, ..request.clone() };
        match bfc_compiler::analyze_on(&request, files, assumptions, Detail::Numbers) {
            Ok(analysis) => sweep.sizes.push(analysis),
            Err(refused) => sweep.skipped.push(skipped(size, refused)?),
        }
        progress.go_on(done)?;
    }
    progress.end();
    sweep.worst = worst(&sweep.sizes);
    Ok(sweep)
}

/// # Errors
/// The refusal, where it is not about the size.
fn skipped(size: u32, refused: Diagnostics) -> Result<Skipped, Diagnostics> {
    match refused.errors() {
        [first, ..] if SKIPPED.contains(&first.code.as_str()) => {
            Ok(Skipped { size, reason: first.message.clone() })
        }
        _ => Err(refused),
    }
}

fn worst(analyses: &[Analysis]) -> Option<Worst> {
    let steps = |analysis: &Analysis| analysis.rounds_to_1e_3.unwrap_or(u64::MAX);
    let slower = |worst, next| if steps(next) > steps(worst) { next } else { worst };
    let worst = analyses.iter().reduce(slower)?;
    let Analysis { size, rounds_to_1e_3, rate_per_step, .. } = *worst;
    Some(Worst { size, rounds_to_1e_3, rate_per_step })
}
