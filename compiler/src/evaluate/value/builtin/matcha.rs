//! What MATCHA optimises: which matching to activate how often, and how far to mix.

use super::Call;
use super::functions::rank_pair;
use crate::evaluate::error::Result;
use crate::evaluate::value::Value;
use crate::evaluate::value::expect::wrong_type_at;
use crate::model::topology::Number;
use crate::optimise;
use crate::optimise::{Matchings, TooLarge};
use bfc_schedule::Rational;

/// `matcha_probabilities(matchings, budget)`: for each matching how probable it is to be active.
pub(super) fn matcha_probabilities(call: &mut Call) -> Result<Value> {
    let matchings = call.matchings()?;
    let budget = call.number(1)?;
    if budget <= Rational::zero() {
        return Err(
            call.outside(1, "the budget is the part of all matchings that is active on average, above 0")
        );
    }
    let found = optimise::probabilities(&matchings, &budget, call.evaluator.limits.optimisation);
    let (probabilities, optimum) = found.map_err(|TooLarge| {
        call.outside(0, "there are too many ranks and edges, even for the first-order method")
    })?;
    if let Some(optimum) = optimum {
        call.evaluator.optimised("matcha_probabilities", Number::Connectivity, optimum, call.span)?;
    }
    call.evaluator.list(probabilities.into_iter().map(Value::number).collect(), call.span)
}

/// `matcha_step(matchings, probabilities)`: the weight of the edges of active matchings.
pub(super) fn matcha_step(call: &mut Call) -> Result<Value> {
    let matchings = call.matchings()?;
    let list = call.list(1)?;
    let is_probability = |p: &Rational| !p.is_negative() && *p <= Rational::one();
    let probabilities: Option<Vec<Rational>> =
        list.iter().map(|value| value.as_number().filter(is_probability)).collect();
    match probabilities.filter(|list| list.len() == matchings.edges.len()) {
        Some(probabilities) => {
            let found = optimise::step(&matchings, &probabilities, call.evaluator.limits.optimisation);
            let (weight, optimum) = found.map_err(|TooLarge| {
                call.outside(0, "there are too many ranks and edges for the optimisation")
            })?;
            call.evaluator.optimised("matcha_step", Number::Contraction, optimum, call.span)?;
            Ok(Value::number(weight))
        }
        None => Err(wrong_type_at(
            "a list of probabilities, one for each matching",
            &call.values[1],
            call.spans[1],
        )),
    }
}

impl Call<'_, '_> {
    /// The first argument: a list of lists of pairs of ranks.
    fn matchings(&mut self) -> Result<Matchings> {
        let size = self.evaluator.size as usize;
        let mut edges = vec![];
        for matching in self.list(0)?.iter() {
            let Value::List(pairs) = &matching else {
                return Err(wrong_type_at(
                    "a list of matchings, each a list of pairs of ranks",
                    &matching,
                    self.spans[0],
                ));
            };
            let mut of_matching = vec![];
            for pair in pairs.iter() {
                let (a, b) = rank_pair(self, &pair)?;
                of_matching.extend((a != b).then_some((a as usize, b as usize)));
            }
            edges.push(of_matching);
        }
        Ok(Matchings { size, edges })
    }
}
