//! What an algorithm leaves open until its topologies are known: numbers that a step computes with, such as `rho(W)`, become
//! constants, also parameters that take the best value that is proved, and rounds of gossip within a step the topologies that
//! they use.

mod best;
mod rounds;

use crate::evaluate::EvaluateError;
use crate::evaluate::target::Evaluated;
use crate::model::algorithm::{Algorithm, UnboundQuantity, ValueKind};
use crate::model::claim::CONTRACTION;
use crate::model::topology::Topology;
use crate::prove::{self, Prover};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;

/// Numbers are rounded to multiples of its inverse, so that machines that compute with other last bits agree.
const PRECISION: f64 = (1u64 << 40) as f64;

/// Puts constants in place of numbers, and topologies in place of rounds.
///
/// # Errors
/// For every number that its topology does not have, and all rounds of a topology that do not agree.
pub fn bind(evaluated: &mut Evaluated) -> Result<(), Vec<EvaluateError>> {
    let Evaluated { topologies, algorithm, missing, .. } = evaluated;
    if missing.is_some() || topologies.is_empty() {
        return Ok(());
    }
    bind_numbers(topologies, algorithm)?;
    rounds::bind(topologies, algorithm)
}

fn bind_numbers(topologies: &[Topology], algorithm: &mut Algorithm) -> Result<(), Vec<EvaluateError>> {
    if algorithm.numbers.is_empty() {
        return Ok(());
    }
    let prover = Prover::new(topologies, None);
    let (mut constants, mut errors) = (vec![], vec![]);
    for number in &algorithm.numbers {
        match constant(&number.quantity, &prover) {
            Ok(constant) => constants.push(constant),
            Err(reason) => {
                errors.push(EvaluateError::NoNumber {
                    number: shown(&number.quantity, algorithm),
                    reason,
                    span: number.span,
                });
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let constants = best::values(algorithm, constants, &prover).map_err(|error| vec![error.into()])?;
    put(algorithm, &constants);
    Ok(())
}

/// The constant of a number; `None` for a parameter that is still to be chosen.
fn constant(quantity: &UnboundQuantity, prover: &Prover) -> Result<Option<Rational>, String> {
    match quantity {
        UnboundQuantity::Of(number, topology) => {
            let value = prover.number(*number, *topology)?;
            let rounded = Rational::from_f64((value * PRECISION).round() / PRECISION);
            rounded.map(Some).ok_or_else(|| format!("it is {value}"))
        }
        UnboundQuantity::Contraction(codec) => prove::contraction(*codec).map(Some),
        UnboundQuantity::Best(_) => Ok(None),
    }
}

fn shown(quantity: &UnboundQuantity, algorithm: &Algorithm) -> String {
    match quantity {
        UnboundQuantity::Of(number, topology) => {
            format!("{}({})", number.word(), algorithm.topologies[*topology])
        }
        UnboundQuantity::Contraction(codec) => format!("{CONTRACTION}({codec})"),
        UnboundQuantity::Best(parameter) => parameter.clone(),
    }
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
