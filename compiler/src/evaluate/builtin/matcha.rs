//! What MATCHA optimises: which matching to activate how often, and how far to mix.

use super::Call;
use super::functions::rank_pair;
use crate::evaluate::error::Result;
use crate::evaluate::expect::wrong_type_at;
use crate::evaluate::value::Value;
use crate::optimise::{self, Matchings, TooLarge};
use bfc_schedule::Rational;

/// The most ranks for which it is quick.
const MAX_RANKS: u32 = 256;

/// `matcha_probabilities(matchings, budget)`: for each matching how probable it is to be active.
pub(super) fn matcha_probabilities(call: &mut Call) -> Result<Value> {
    let matchings = call.matchings()?;
    let budget = call.number(1)?;
    if budget <= Rational::zero() {
        return Err(
            call.outside(1, "the budget is the part of all matchings that is active on average, above 0")
        );
    }
    match optimise::probabilities(&matchings, &budget, call.evaluator.limits.optimisation) {
        Ok(probabilities) => {
            call.evaluator.list(probabilities.into_iter().map(Value::number).collect(), call.span)
        }
        Err(TooLarge) => Err(call.outside(0, "there are too many edges for the optimisation")),
    }
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
            match optimise::step(&matchings, &probabilities, call.evaluator.limits.optimisation) {
                Ok(step) => Ok(Value::number(step.weight)),
                Err(TooLarge) => Err(call.outside(0, "there are too many ranks for the optimisation")),
            }
        }
        None => Err(wrong_type_at(
            "a list of probabilities, one for each matching",
            &call.values[1],
            call.spans[1],
        )),
    }
}

impl Call<'_, '_> {
    /// The first argument: a list of lists of pairs of ranks. Its optimisation is paid for.
    fn matchings(&mut self) -> Result<Matchings> {
        let size = self.evaluator.size;
        if size > MAX_RANKS {
            return Err(self.outside(0, "matchings are optimised for up to 256 ranks"));
        }
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
        let count: u64 = edges.iter().map(|matching| matching.len() as u64).sum();
        self.evaluator.spend(u64::from(size).pow(3) / 4 + count * count / 4 + 1, self.span)?;
        Ok(Matchings { size: size as usize, edges })
    }
}
