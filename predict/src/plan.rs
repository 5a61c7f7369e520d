//! A request becomes a schedule and what it costs; for a cluster, a schedule that is fitted to it.

use crate::cluster::Cluster;
use crate::cost::{Cost, Prediction};
use crate::error::PredictError;
use crate::place::{self, Fit};
use bfc_compiler::model::topology::Topology;
use bfc_compiler::{Analysis, Assumptions, Compiled, Files, Report, Request};
use bfc_schedule::Schedule;

/// A schedule, and what it costs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The schedule, verified.
    pub schedule: Schedule,
    /// What holds of it; its warnings include those of the prediction.
    pub report: Report,
    /// What its ranks send.
    pub cost: Cost,
    /// On a cluster, the seconds of its steps.
    pub prediction: Option<Prediction>,
    /// How it was fitted to the cluster.
    pub fit: Option<Fit>,
}

/// Where a schedule runs.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Bytes of the model.
    pub model_bytes: f64,
    /// Whether ranks may be moved to better places.
    pub place: bool,
}

/// What a report shows of a request, from one evaluation.
#[derive(Debug)]
pub struct Overview {
    /// Its topologies; none where the source is refused.
    pub topologies: Vec<Topology>,
    /// What is known of the first.
    pub analysis: Option<Analysis>,
    /// Its schedule and what that costs, or why it is refused.
    pub plan: Result<Plan, PredictError>,
}

impl Overview {
    /// Of a request, for a location where there is one.
    pub fn new(
        request: &Request,
        files: &dyn Files,
        location: Option<Location<'_>>,
        assumptions: Assumptions,
    ) -> Self {
        let request = located(request, location);
        match bfc_compiler::overview(&request, files, assumptions) {
            Ok(bfc_compiler::Overview { topologies, analysis, compiled }) => {
                let plan = compiled.map_err(PredictError::from).and_then(|found| Plan::new(found, location));
                Self { topologies, analysis, plan }
            }
            Err(refused) => Self { topologies: vec![], analysis: None, plan: Err(refused.into()) },
        }
    }
}

/// Compiles a request, for a location where there is one.
///
/// # Errors
/// The source is refused, or the cluster has too few machines.
pub fn plan(
    request: &Request,
    files: &dyn Files,
    location: Option<Location<'_>>,
) -> Result<Plan, PredictError> {
    let request = located(request, location);
    Plan::new(bfc_compiler::compile_with_remedies(&request, files)?, location)
}

/// The request for the machines of a location, where there is one.
fn located(request: &Request, location: Option<Location<'_>>) -> Request {
    match location {
        Some(location) => on_machines(request.clone(), location.cluster),
        None => request.clone(),
    }
}

impl Plan {
    fn new(compiled: Compiled, location: Option<Location<'_>>) -> Result<Self, PredictError> {
        let Compiled { schedule, mut report } = compiled;
        let Some(location) = location else {
            let cost = Cost::new(&schedule);
            return Ok(Self { schedule, report, cost, prediction: None, fit: None });
        };
        let (schedule, fit) = location.fit(schedule)?;
        report.count_rounds(&schedule);
        let cost = Cost::new(&schedule);
        let prediction = Prediction::new(&schedule, location.cluster, location.model_bytes)?;
        report.warnings.extend_from_slice(&prediction.warnings);
        Ok(Self { schedule, report, cost, prediction: Some(prediction), fit: Some(fit) })
    }
}

impl Location<'_> {
    /// The schedule for this location.
    ///
    /// # Errors
    /// The cluster has too few machines.
    pub fn fit(&self, schedule: Schedule) -> Result<(Schedule, Fit), PredictError> {
        let fit = if self.place { place::place } else { place::fit };
        Ok(fit(schedule, self.cluster, self.model_bytes)?)
    }
}

/// The request with the ranks of a machine as the cluster has them, unless it names a number itself or some machine would
/// not be full.
pub(crate) fn on_machines(mut request: Request, cluster: &Cluster) -> Request {
    if request.local_size == 1 {
        request.local_size = cluster.local_size(request.size);
    }
    request
}
