//! Warnings that nobody asked for: a topology without an algorithm is plain averaging, whose weaknesses are reported;
//! so are those of an algorithm that requires nothing.

use crate::analysis::CURVATURE;
use crate::estimate::quadratic;
use crate::evaluate::target::Evaluated;
use crate::model::algorithm::ValueKind;
use crate::model::claim::{Claim, Property, Statement};
use crate::model::topology::Topology;
use crate::prove::timeline::{self, Sends};
use crate::prove::{Prover, Verdict};
use bfc_dsl::tree::Span;
use bfc_schedule::program::Operation;
use bfc_schedule::{MixingMatrix, Rational};

/// What averaging, or an algorithm that requires nothing, will not do.
pub fn warnings(evaluated: &Evaluated, prover: &Prover) -> Vec<String> {
    let mut warnings = match evaluated.bare {
        Some(span) => of_averaging(prover, span),
        None => [of_algorithm(evaluated, prover), of_step(evaluated, prover)].concat(),
    };
    warnings.extend(evaluated.topologies.iter().filter_map(of_weights));
    warnings
}

/// What the equations of an algorithm will not do, whatever it requires of topologies.
fn of_step(evaluated: &Evaluated, prover: &Prover) -> Vec<String> {
    let algorithm = &evaluated.algorithm;
    let name = &algorithm.name;
    let stable = Statement::Property(Property::Stable, vec![]);
    let told = algorithm.requires.iter().any(|claim| claim.statement == stable);
    let undefined = prover.undefined().filter(|_| !told);
    let used = |index: usize| {
        let input = Operation::Input(index as u16);
        algorithm
            .values
            .iter()
            .any(|value| matches!(&value.kind, ValueKind::Apply(known, _) if *known == input))
    };
    let idle = algorithm.inputs.iter().enumerate().filter(|(index, _)| !used(*index));
    let idle =
        idle.map(|(_, input)| format!("nothing of `{name}` depends on its parameter `{}`", input.name));
    let undefined = undefined.map(|undefined| format!("`{name}` asks for {undefined}"));
    let lost = quadratic::never_descends(algorithm, CURVATURE)
        .map(|reason| format!("`{name}` cannot train: {reason}"));
    let alone = never_mixes(evaluated).map(|alone| format!("`{name}` {alone}"));
    let growth = prover.growth().map(|growth| format!("`{name}`: {growth}"));
    let lossless = prover.unstable_without_loss().filter(|_| !told);
    let lossless = lossless
        .map(|evidence| format!("`{name}` is unstable even if compression loses nothing: {evidence}"));
    undefined.into_iter().chain(alone).chain(growth).chain(lossless).chain(lost).chain(idle).collect()
}

/// That ranks do not, or no longer, hear from each other.
fn never_mixes(evaluated: &Evaluated) -> Option<String> {
    if evaluated.topologies.first().is_some_and(|topology| topology.size == 1) {
        return None;
    }
    match timeline::sends(&evaluated.algorithm) {
        Sends::Never => Some("never mixes: each rank is alone, and nothing brings ranks to agree".into()),
        Sends::AtFirst(1) => Some("mixes in the first step alone: ranks drift apart after it".into()),
        Sends::AtFirst(steps) => {
            Some(format!("mixes in the first {steps} steps alone: ranks drift apart after them"))
        }
        Sends::Always => None,
    }
}

/// A weight that exact arithmetic sees, and a run does not.
fn of_weights(topology: &Topology) -> Option<String> {
    let vanishes = |weight: &Rational| !weight.is_zero() && weight.to_f64().abs() < VANISHING;
    let found = topology.phases.iter().any(|phase| match phase {
        MixingMatrix::Cayley(cayley) => {
            vanishes(cayley.self_weight()) || cayley.hops().iter().any(|(_, weight)| vanishes(weight))
        }
        MixingMatrix::Sparse(sparse) => sparse.weights().iter().any(vanishes),
    });
    let name = &topology.name;
    found.then(|| {
        format!(
            "`{name}` has a weight below {VANISHING:.1e}, which vanishes beside 1 in 64-bit numbers: what is proved of the \
             exact weights need not hold of a run"
        )
    })
}

/// The rounding of a 64-bit number near 1.
const VANISHING: f64 = f64::EPSILON / 2.0;

/// What an algorithm that mixes and requires nothing lacks of what most require.
fn of_algorithm(evaluated: &Evaluated, prover: &Prover) -> Vec<String> {
    let algorithm = &evaluated.algorithm;
    let mixes = algorithm
        .values
        .iter()
        .any(|value| value.kind.communicates() && !matches!(value.kind, ValueKind::Average(_)));
    if !mixes || !algorithm.requires.is_empty() {
        return vec![];
    }
    [Property::DoublyStochastic, Property::Stable]
        .into_iter()
        .filter_map(|property| {
            let evidence = prover.refutes(property, Span::default())?;
            let (name, word) = (&algorithm.name, property.word());
            Some(format!("`{name}` does not require `{word}`, and it does not hold: {evidence}"))
        })
        .collect()
}

/// What averaging over a topology will not do: where ranks do not come to agree, what they would agree on is not said. Signed
/// weights that do not contract are refused elsewhere.
fn of_averaging(prover: &Prover, span: Span) -> Vec<String> {
    let refuted = |property| prover.refutes(property, span);
    let signed = refuted(Property::Nonnegative).is_some();
    let mut warnings = vec![];
    if let Some(evidence) = refuted(Property::RowStochastic) {
        warnings.push(format!(
            "{evidence}: ranks that agree do not stay so; only algorithms such as push-sum allow for that"
        ));
    }
    match prover.decide(&Claim::unwritten(Property::Contracting, span)) {
        Verdict::Refuted { evidence } if !signed => {
            warnings.push(format!("averaging does not bring all ranks to agree: {evidence}"));
        }
        Verdict::NotDecided { reason } if signed => warnings.push(format!(
            "whether averaging with these signed weights brings ranks to agree was not decided: {reason}"
        )),
        _ => {}
    }
    if warnings.is_empty()
        && let Some(evidence) = refuted(Property::ColumnStochastic)
    {
        warnings.push(format!("{evidence}: ranks come to agree on a weighted mean, not on the average"));
    }
    warnings
}
