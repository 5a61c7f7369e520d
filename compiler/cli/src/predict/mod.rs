//! What a schedule costs before it runs: prediction, simulation and advice on a described cluster.

mod advise;
pub mod arguments;
mod clusters;
mod probe;
mod simulate;

pub use advise::advise;
pub use clusters::{Place, show as clusters};
pub use probe::probe;
pub use simulate::simulate;

use crate::failure::Failure;
use bfc_predict::{ClusterError, FitError, PredictError};

impl From<PredictError> for Failure {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::Source(refused) => refused.into(),
            other => Self::refused(other.into_reports()),
        }
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        PredictError::Fit(FitError::Cluster(error)).into()
    }
}
