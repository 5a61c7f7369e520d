//! Parameters that take the best value that is proved: step sizes of compressed gossip.
//!
//! The gossips whose step size is the parameter are found by giving it two values: their step size is both times that value.

use super::put;
use crate::evaluate::algorithm::AlgorithmError;
use crate::model::algorithm::{Algorithm, UnboundQuantity};
use crate::prove::{self, Gossip, Prover};
use bfc_schedule::Rational;

/// Denominators of two values that no source has by chance.
const TRIALS: [i64; 2] = [1_000_003, 1_000_033];

/// The constants with the best values in their places.
///
/// # Errors
/// For a parameter of which no value is proved.
pub(super) fn values(
    algorithm: &Algorithm,
    mut constants: Vec<Option<Rational>>,
    prover: &Prover,
) -> Result<Vec<Rational>, AlgorithmError> {
    for index in 0..constants.len() {
        if constants[index].is_none() {
            let number = &algorithm.numbers[index];
            let value = best_value(algorithm, &constants, index, prover);
            constants[index] = Some(value.map_err(|reason| AlgorithmError::NoBest {
                parameter: match &number.quantity {
                    UnboundQuantity::Best(parameter) => parameter.clone(),
                    _ => String::new(),
                },
                reason,
                help: "`bfc analyze --simulated` estimates it from runs; a value that is not proved is written as a number",
                span: number.span,
            })?);
        }
    }
    Ok(constants.into_iter().flatten().collect())
}

fn best_value(
    algorithm: &Algorithm,
    constants: &[Option<Rational>],
    index: usize,
    prover: &Prover,
) -> Result<Rational, String> {
    let [first, second] = TRIALS.map(|trial| {
        let value = Rational::new(1, trial);
        let mut tried = algorithm.clone();
        let others = constants.iter().map(|constant| constant.clone().unwrap_or_else(Rational::one));
        let mut all: Vec<Rational> = others.collect();
        all[index] = value.clone();
        put(&mut tried, &all);
        prove::gossip(&tried).into_iter().filter(|gossip| gossip.gamma == value).collect::<Vec<Gossip>>()
    });
    let both = |gossip: &Gossip| second.iter().any(|other| other.state == gossip.state);
    let ours: Vec<Gossip> = first.into_iter().filter(both).collect();
    match ours.is_empty() {
        true => Err("it is not the step size of a compressed gossip whose convergence can be decided".into()),
        false => prover.best_gossip(&ours),
    }
}
