//! A rank's rounds with their weights rounded to the types that sums are computed in.

use crate::element::Element;
use crate::storage::Dtype;
use bfc_schedule::program::Operator;
use bfc_schedule::rounds::RankPlan;
use bfc_schedule::{Rank, Rational};

/// One rank's part of one phase.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the rank keeps of its own.
    pub own: Weight,
    /// Its rounds, in order; it is idle in those that are missing.
    pub actions: Vec<Action>,
}

/// One rank's part of a part of a phase's matrix, or of its pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// What the rank keeps of its own; `None` for nothing.
    pub(crate) own: Option<Weight>,
    pub(crate) actions: &'a [Action],
    /// In place of all other weights.
    weight: Option<Weight>,
}

/// One rank's part of one round.
#[derive(Clone, Debug)]
pub struct Action {
    /// The round.
    pub round: u32,
    /// To whom it sends.
    pub send_to: Option<Rank>,
    /// Whom it hears, and with which weight.
    pub receive: Option<(Rank, Weight)>,
}

/// A weight, rounded to each type that sums are computed in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// In sums of `f32`, `bf16` and `f16`.
    pub single: f32,
    /// In sums of `f64`.
    pub double: f64,
}

impl Plan {
    /// Rounds every weight once; the self weight takes up the remainders, so that a row keeps its sum, or a column,
    /// where those are the sums that count. What is left is the rounding of the self weight itself, which is exact
    /// unless another weight in the sum is smaller.
    pub fn new(plan: &RankPlan) -> Self {
        let mut row = Remainder::nothing();
        let mut round = |exact: &Rational| {
            let weight = Weight::nearest(exact);
            row.lose(exact, weight);
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
        let remainder = match &plan.column {
            None => row,
            Some(column) => column.iter().fold(Remainder::nothing(), |mut lost, exact| {
                lost.lose(exact, Weight::nearest(exact));
                lost
            }),
        };
        Self { own: remainder.absorbed_by(&plan.self_weight), actions }
    }

    /// Of weights that are numbers: each is rounded, and nothing takes up what that loses.
    pub(crate) fn of_numbers(
        own: f64,
        actions: impl IntoIterator<Item = (u32, Option<Rank>, Option<(Rank, f64)>)>,
    ) -> Self {
        let weight = |double: f64| Weight { single: double as f32, double };
        let action = |(round, send_to, receive): (u32, Option<Rank>, Option<(Rank, f64)>)| Action {
            round,
            send_to,
            receive: receive.map(|(source, number)| (source, weight(number))),
        };
        Self { own: weight(own), actions: actions.into_iter().map(action).collect() }
    }

    /// The same over ranks of other names.
    pub(crate) fn renamed(&self, name: &impl Fn(Rank) -> Rank) -> Self {
        let action = |action: &Action| Action {
            round: action.round,
            send_to: action.send_to.map(name),
            receive: action.receive.map(|(source, weight)| (name(source), weight)),
        };
        Self { own: self.own, actions: self.actions.iter().map(action).collect() }
    }

    /// What an operator applies.
    pub(crate) fn part(&self, operator: Operator) -> Part<'_> {
        let whole = Part { own: Some(self.own), actions: &self.actions, weight: None };
        let one = Weight { single: 1.0, double: 1.0 };
        match operator {
            Operator::Own(_) => Part { actions: &[], ..whole },
            Operator::Others(_) => Part { own: None, ..whole },
            Operator::Incoming(_) => Part { own: None, weight: Some(one), ..whole },
            Operator::Mix(_) | Operator::Back | Operator::Average => whole,
        }
    }

    /// The number of in-neighbours.
    pub(crate) fn degree(&self) -> usize {
        self.neighbours().count()
    }

    /// The in-neighbours, in the order of the rounds.
    pub(crate) fn neighbours(&self) -> impl Iterator<Item = Rank> + '_ {
        self.actions.iter().filter_map(|action| Some(action.receive?.0))
    }
}

impl Part<'_> {
    /// Whom the rank hears in a round, and with which weight.
    pub(crate) fn receive(&self, action: &Action) -> Option<(Rank, Weight)> {
        action.receive.map(|(source, weight)| (source, self.weight.unwrap_or(weight)))
    }

    /// Whether the rank does nothing and keeps its value.
    pub(crate) fn is_identity(&self) -> bool {
        self.actions.is_empty() && self.own.is_some_and(|own| own.double == 1.0)
    }

    /// The partner, the rank's own weight and the partner's, and the round, where that is the rank's only one.
    pub(crate) fn partner(&self) -> Option<(Rank, [Weight; 2], u32)> {
        match (self.own, self.actions) {
            (Some(own), [Action { round, send_to: Some(to), receive: Some((from, weight)) }])
                if to == from =>
            {
                Some((*from, [own, *weight], *round))
            }
            _ => None,
        }
    }
}

impl Weight {
    fn nearest(exact: &Rational) -> Self {
        Self { single: f32::nearest(exact), double: f64::nearest(exact) }
    }

    /// In one of the types.
    pub(crate) fn get<A: Element>(self) -> A {
        A::from_f64(if A::DTYPE == Dtype::F64 { self.double } else { self.single.into() })
    }
}

/// What weights have lost to rounding.
struct Remainder {
    single: Rational,
    double: Rational,
}

impl Remainder {
    fn nothing() -> Self {
        Self { single: Rational::zero(), double: Rational::zero() }
    }

    fn lose(&mut self, exact: &Rational, rounded: Weight) {
        for (lost, rounded) in [(&mut self.single, rounded.single.into()), (&mut self.double, rounded.double)]
        {
            if let Some(rounded) = Rational::from_f64(rounded) {
                *lost = &*lost + &(exact - &rounded);
            }
        }
    }

    fn absorbed_by(&self, own: &Rational) -> Weight {
        Weight { single: f32::nearest(&(own + &self.single)), double: f64::nearest(&(own + &self.double)) }
    }
}
