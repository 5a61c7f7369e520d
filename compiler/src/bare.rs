//! A topology without an algorithm is plain averaging: what that needs is required, and what it lacks is told.

use crate::claim::{Claim, Property, Stated};
use crate::evaluate::request::Evaluated;
use crate::prove::{Prover, Verdict};
use bfc_dsl::tree::Span;

/// Signed weights must contract: averaging over them may otherwise grow without bound.
pub fn requires(evaluated: &Evaluated, prover: &Prover) -> Option<Stated> {
    let span = evaluated.bare?;
    let signed = refuted(prover, Property::Nonnegative, span).is_some();
    signed.then(|| stated(Property::Contracting, span))
}

/// What averaging over a topology with nonnegative weights will not do.
pub fn warnings(evaluated: &Evaluated, prover: &Prover) -> Vec<String> {
    let Some(span) = evaluated.bare else { return vec![] };
    let refuted = |property| refuted(prover, property, span);
    if refuted(Property::Nonnegative).is_some() {
        return vec![];
    }
    let mut warnings = vec![];
    if let Some(evidence) = refuted(Property::RowStochastic) {
        warnings.push(format!(
            "{evidence}: ranks that agree do not stay so; only algorithms such as push-sum allow for that"
        ));
    } else if let Some(evidence) = refuted(Property::ColumnStochastic) {
        warnings.push(format!("{evidence}: ranks come to agree on a weighted mean, not on the average"));
    }
    if let Some(evidence) = refuted(Property::Contracting) {
        warnings.push(format!("averaging does not bring all ranks to agree: {evidence}"));
    }
    warnings
}

fn refuted(prover: &Prover, property: Property, span: Span) -> Option<String> {
    match prover.decide(&stated(property, span)) {
        Verdict::Refuted { evidence } => Some(evidence),
        _ => None,
    }
}

fn stated(property: Property, span: Span) -> Stated {
    Stated { claim: Claim::Property(property, vec![0]), text: property.word().to_string(), span }
}
