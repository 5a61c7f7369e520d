//! Whether an algorithm can train at all: its step where all ranks agree, so that mixing does nothing, on quadratics.

use super::step::Affine;
use super::{CONVERGES, Knob, Problem};
use crate::model::algorithm::{Algorithm, ValueKind, reachable};
use bfc_algebra::c64;

/// Steps of a period over which agreement alone is followed.
const PERIOD: usize = 1 << 12;

/// Why no step size descends even where all ranks agree, so that mixing does nothing; `None` where one does, or it is
/// not known.
pub(crate) fn never_descends(algorithm: &Algorithm, curvature: [f64; 2]) -> Option<&'static str> {
    if !algorithm.values.iter().any(|value| value.kind.is_oracle()) {
        return None;
    }
    if !reaches_model(algorithm) {
        return Some("no gradient has an influence on the model");
    }
    let problem = Problem { algorithm, topologies: &[], knob: Some(Knob::new(algorithm)?), curvature };
    let agreement = vec![(true, vec![vec![c64::new(1.0, 0.0)]; algorithm.topologies.len()])];
    if problem.timeline(&Affine::new(algorithm, 0.0)).ok()?.period.len() > PERIOD {
        return None;
    }
    let default = problem.knob.as_ref()?.default(algorithm, curvature[1]);
    let mut radii =
        problem.trials().chain([default]).map(|step| problem.radius_by_modes(&agreement, Some(step)));
    let never = radii.all(|radius| radius.is_ok_and(|radius| radius >= CONVERGES));
    never.then_some("no step size makes it converge on a quadratic, even where all ranks agree")
}

/// Whether what the trainer answers has an influence on the model, in some step.
fn reaches_model(algorithm: &Algorithm) -> bool {
    let mut roots = vec![algorithm.model];
    loop {
        let reached = reachable(&algorithm.values, roots.iter().copied());
        let kinds = || {
            algorithm
                .values
                .iter()
                .zip(&reached)
                .filter(|(_, reached)| **reached)
                .map(|(value, _)| &value.kind)
        };
        if kinds().any(ValueKind::is_oracle) {
            return true;
        }
        let states =
            kinds().filter_map(|kind| if let ValueKind::State(state) = kind { Some(*state) } else { None });
        let next: Vec<_> =
            states.flat_map(|state| algorithm.steps.iter().map(move |step| step[state])).collect();
        let known = roots.len();
        roots.extend(next);
        roots.sort_unstable();
        roots.dedup();
        if roots.len() == known {
            return false;
        }
    }
}
