//! Numbers of topologies that a step computes with, such as `rho(W)`: from placeholders to constants, once the topologies
//! are known.

use crate::evaluate::EvaluateError;
use crate::evaluate::target::Evaluated;
use crate::model::algorithm::{Algorithm, TopologyNumber, ValueKind};
use crate::prove::Prover;
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;

/// Numbers are rounded to multiples of its inverse, so that machines that compute with other last bits agree.
const PRECISION: f64 = (1u64 << 40) as f64;

/// Puts constants in place of the numbers.
///
/// # Errors
/// For every number that its topology does not have.
pub fn bind(evaluated: &mut Evaluated) -> Result<(), Vec<EvaluateError>> {
    let Evaluated { topologies, algorithm, missing, .. } = evaluated;
    if algorithm.numbers.is_empty() || missing.is_some() {
        return Ok(());
    }
    let (mut constants, mut errors) = (vec![], vec![]);
    let prover = Prover::new(topologies, None);
    for number in &algorithm.numbers {
        match constant(number, &prover) {
            Ok(constant) => constants.push(constant),
            Err(reason) => errors.push(EvaluateError::NoNumber {
                number: format!("{}({})", number.number.word(), algorithm.topologies[number.topology]),
                reason,
                span: number.span,
            }),
        }
    }
    if errors.is_empty() {
        put(algorithm, &constants);
        Ok(())
    } else {
        Err(errors)
    }
}

fn constant(number: &TopologyNumber, prover: &Prover) -> Result<Rational, String> {
    let value = prover.number(number.number, number.topology)?;
    Rational::from_f64((value * PRECISION).round() / PRECISION).ok_or_else(|| format!("it is {value}"))
}

fn put(algorithm: &mut Algorithm, constants: &[Rational]) {
    let inputs = algorithm.inputs.len();
    for value in &mut algorithm.values {
        if let ValueKind::Apply(operation @ Operation::Input(_), _) = &mut value.kind
            && let Operation::Input(index) = operation
            && let Some(constant) = (*index as usize).checked_sub(inputs).and_then(|k| constants.get(k))
        {
            *operation = Operation::Constant(constant.clone());
        }
    }
}
