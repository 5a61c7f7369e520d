//! Several requests become columns side by side: their analyses, and on a cluster what a step takes.

use crate::cost::Prediction;
use crate::error::PredictError;
use crate::plan::{Location, on_machines};
use crate::progress::Progress;
use bfc_compiler::{Analysis, Assumptions, Detail, Files, Request};
use serde::Serialize;

/// Analyses side by side.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The number of ranks.
    pub size: u32,
    /// One for each request.
    pub columns: Vec<Column>,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    /// What is known of its first topology and its algorithm.
    #[serde(flatten)]
    pub analysis: Analysis,
    /// On a cluster, the seconds of its steps.
    #[serde(flatten)]
    pub seconds: Option<StepSeconds>,
    /// What it is called.
    pub file: String,
}

/// The seconds of steps on a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepSeconds {
    /// A step.
    pub step_seconds: f64,
    /// The part of the exchanges that it waits for.
    pub exposed_seconds: f64,
    /// The steps until averaging has left a thousandth of the disagreement; `None` for algorithms, whose steps may mix
    /// other values, more than once or not at all.
    #[serde(rename = "seconds_to_1e-3")]
    pub seconds_to_1e_3: Option<f64>,
}

/// Compares requests for `size` ranks each, by name.
///
/// # Errors
/// A source is refused, the cluster has too few machines, or `progress` is cancelled.
pub fn compare(
    size: u32,
    requests: &[(String, Request)],
    files: &dyn Files,
    assumptions: Assumptions,
    location: Option<Location<'_>>,
    progress: &mut dyn Progress,
) -> Result<Comparison, PredictError> {
    let column = |(name, request): &(String, Request)| {
        let request = match location {
            Some(location) => on_machines(request.clone(), location.cluster),
            None => request.clone(),
        };
        let analysis = bfc_compiler::analyze_on(&request, files, assumptions, Detail::Numbers)?;
        let seconds = location.map(|location| StepSeconds::new(&request, files, &analysis, location));
        Ok::<_, PredictError>(Column { analysis, seconds: seconds.transpose()?, file: name.clone() })
    };
    let mut columns = vec![];
    progress.begin("analyses", requests.len() as u64, "files");
    for (done, request) in (1..).zip(requests) {
        columns.push(column(request)?);
        progress.go_on(done)?;
    }
    progress.end();
    Ok(Comparison { size, columns })
}

impl StepSeconds {
    fn new(
        request: &Request,
        files: &dyn Files,
        analysis: &Analysis,
        location: Location<'_>,
    ) -> Result<Self, PredictError> {
        let compiled = bfc_compiler::compile_with_remedies(request, files)?;
        let only_averages = compiled.report.only_averages;
        let (schedule, _) = location.fit(compiled.schedule)?;
        let prediction = Prediction::new(&schedule, location.cluster, location.model_bytes)?;
        let Prediction { step_seconds, exposed_seconds, .. } = prediction;
        let steps = analysis.rounds_to_1e_3.filter(|_| only_averages);
        let seconds_to_1e_3 = steps.map(|steps| steps as f64 * step_seconds);
        Ok(Self { step_seconds, exposed_seconds, seconds_to_1e_3 })
    }
}
