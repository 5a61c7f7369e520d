//! A rank's rounds with their weights rounded to the element type.

use crate::element::Element;
use bfc_schedule::rounds::RankPlan;
use bfc_schedule::{Rank, Rational};

/// One rank's part of one phase.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    pub(crate) self_weight: Weight<T>,
    pub(crate) actions: Vec<Action<T>>,
}

/// One rank's part of one round.
#[derive(Debug)]
pub(crate) struct Action<T> {
    pub(crate) round: u32,
    pub(crate) send_to: Option<Rank>,
    pub(crate) receive: Option<(Rank, Weight<T>)>,
}

/// A weight for vectors and for scalars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weight<T> {
    pub(crate) vector: T,
    pub(crate) scalar: f64,
}

impl<T: Element> Plan<T> {
    /// Rounds every weight once; the self weight takes up the remainders, so that a row keeps its sum.
    pub(crate) fn new(plan: &RankPlan) -> Self {
        let (mut vector_rest, mut scalar_rest) = (plan.self_weight.clone(), plan.self_weight.clone());
        let mut round = |exact: &Rational| {
            let weight = Weight { vector: T::nearest(exact), scalar: f64::nearest(exact) };
            absorb(&mut vector_rest, exact, weight.vector.to_f64());
            absorb(&mut scalar_rest, exact, weight.scalar);
            weight
        };
        let actions = plan
            .actions
            .iter()
            .map(|action| Action {
                round: action.round,
                send_to: action.send_to,
                receive: action.receive.as_ref().map(|(source, weight)| (*source, round(weight))),
            })
            .collect();
        let self_weight = Weight { vector: T::nearest(&vector_rest), scalar: f64::nearest(&scalar_rest) };
        Self { self_weight, actions }
    }

    /// Whether the rank does nothing and keeps its value.
    pub(crate) fn is_identity(&self) -> bool {
        self.actions.is_empty() && self.self_weight.scalar == 1.0
    }

    /// The partner and its weight, where the rank's only round is one with one partner.
    pub(crate) fn partner(&self) -> Option<(Rank, Weight<T>, u32)> {
        match self.actions.as_slice() {
            [Action { round, send_to: Some(to), receive: Some((from, weight)) }] if to == from => {
                Some((*from, *weight, *round))
            }
            _ => None,
        }
    }
}

fn absorb(rest: &mut Rational, exact: &Rational, rounded: f64) {
    if let Some(rounded) = Rational::from_f64(rounded) {
        *rest = &*rest + &(exact - &rounded);
    }
}
