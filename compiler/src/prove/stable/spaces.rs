//! What a step makes of agreement, and so where each state has to shrink.
//!
//! Ranks disagree less and less if the radius is below 1 on what is left of all states, those of delayed mixes included,
//! once an invariant set of states in agreement counts as 0. Let Q be the largest set of states whose agreement is kept:
//! in every step, what a state of Q passes on while it is common (1 ⊗ v) is common, and nothing where it reaches a state
//! outside of Q. Then {all of Q common, the rest 0} is mapped to itself by every step, so the whole map acts on the
//! quotient by it: there a state of Q counts by its disagreement, (1 − J) x, and any other by all that ranks hold.
//!
//! An operator passes agreement on if all its rows have one sum r, in each phase; r need not be 1. That is so of a mixing
//! matrix with equal row sums, of its diagonal and of the rest if the diagonal is constant, of `incoming` and of scalars
//! made of degrees where degrees are equal, and of averages. Where single operators fail, sums of them may still do, as
//! `incoming(x) - degree * x` does; so polynomials of them are applied to 1, exactly.
//!
//! States that start common, and get nothing but what is common, never disagree. If they are in Q they do not count at
//! all; if not, then by their one value, which others make a disagreement of. One that keeps its value is a constant. Never common are params, gradients and other answers of the trainer, codes that are drawn, values of edges
//! and what comes back along them.

use super::System;
use crate::model::algorithm::{Algorithm, ValueKind};
use crate::prove::codec;
use crate::prove::linear::{Form, Polynomial, Rest};
use crate::prove::operators::{Operators, at_phase};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What of a state has to shrink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::prove) enum Space {
    /// Nothing.
    None,
    /// One number: it is the same on all ranks.
    Common,
    /// How ranks differ.
    Disagreement,
    /// All that ranks hold.
    Whole,
}

/// What a map makes of common states: for a state and one that it depends on, the factor; none where the result is not
/// common.
pub(super) type Images = BTreeMap<(usize, usize), Option<Rational>>;

/// What constants are taken for that may cancel or not (see [`Rest::Unclear`]).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The same on all ranks.
    Common,
    /// Different.
    Differing,
}

/// What ranks hold of a state, the more of it the less is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    /// 0 on all ranks: nothing comes of it, whatever it passes through.
    Zero,
    /// The same on all ranks.
    Common,
    /// Anything.
    Differing,
}

/// What the steps make of agreement.
pub(super) struct Agreement {
    /// For each state, at every step of the period.
    pub(super) spaces: Vec<Space>,
    /// The other states that are common where the period starts.
    pub(super) starts_common: Vec<bool>,
    /// The states whose agreement is kept, constants aside.
    pub(super) kept: Vec<bool>,
    /// For the maps and phases of the period.
    pub(super) images: BTreeMap<(usize, u64), Images>,
}

impl Agreement {
    pub(super) fn new(system: &System, unclear: Unclear) -> Result<Self, String> {
        let states = system.algorithm.states.len();
        let ones = Ones::new(system.operators);
        let mut images = BTreeMap::new();
        for &(map, phase) in &system.period {
            if let Entry::Vacant(entry) = images.entry((map, phase)) {
                entry.insert(ones.images(&system.forms(map)?, phase)?);
            }
        }
        let (starts_common, common) = ones.always_common(system, &images, unclear)?;
        let stays = |state: usize| {
            images.iter().all(|((map, _), images)| {
                let own = images.get(&(state, state)).is_some_and(|factor| *factor == Some(Rational::one()));
                own && system.maps[*map][state].as_ref().is_ok_and(|row| row.is_of(state))
            })
        };
        let constant: Vec<bool> = (0..states).map(|state| common[state] && stays(state)).collect();
        let kept = kept(&images, &constant);
        let space = |state: usize| match (constant[state], common[state], kept[state]) {
            (true, ..) | (_, true, true) => Space::None,
            (_, true, false) => Space::Common,
            (_, false, true) => Space::Disagreement,
            (_, false, false) => Space::Whole,
        };
        let spaces = (0..states).map(space).collect();
        let starts_common = (0..states).map(|state| starts_common[state] && !common[state]).collect();
        let kept = (0..states).map(|state| kept[state] && !constant[state]).collect();
        Ok(Self { spaces, starts_common, kept, images })
    }
}

/// The largest set of states whose agreement every map keeps. What constants pass on is constant.
fn kept(images: &BTreeMap<(usize, u64), Images>, constant: &[bool]) -> Vec<bool> {
    let mut kept = vec![true; constant.len()];
    loop {
        let fails = |state: usize| {
            images.values().flatten().any(|(&(to, from), factor)| {
                let lost = factor.as_ref().is_none_or(|factor| !factor.is_zero() && !kept[to]);
                from == state && lost
            })
        };
        let lost: Vec<usize> =
            (0..kept.len()).filter(|state| kept[*state] && !constant[*state] && fails(*state)).collect();
        if lost.is_empty() {
            return kept;
        }
        lost.into_iter().for_each(|state| kept[state] = false);
    }
}

/// For every state whether it starts the same on all ranks, whatever the trainer answers.
fn initially_common(algorithm: &Algorithm, operators: &Operators) -> Vec<bool> {
    let mut common: Vec<bool> = vec![];
    for state in &algorithm.states {
        let mut same: Vec<bool> = Vec::with_capacity(algorithm.values.len());
        for value in &algorithm.values[..=state.initial.0 as usize] {
            let of = |id: &crate::model::algorithm::ValueId| same[id.0 as usize];
            same.push(match &value.kind {
                _ if value.shape.is_per_edge() => false,
                ValueKind::Average(_) => true,
                ValueKind::State(state) => common.get(*state).is_some_and(|common| *common),
                ValueKind::Apply(_, operands) => operands.iter().all(of),
                ValueKind::Mix(topology, v) => of(v) && operators.keeps_agreement(*topology),
                ValueKind::Dot(u, v) => of(u) && of(v),
                ValueKind::Encode(codec, v) => of(v) && !codec::is_drawn(*codec),
                ValueKind::Decode(v) => of(v),
                _ => false,
            });
        }
        common.push(same[state.initial.0 as usize]);
    }
    common
}

/// Operations on numbers of ranks.
const BUDGET: u64 = 1 << 21;

/// Operators applied to what is 1 on all ranks.
pub(super) struct Ones<'a> {
    operators: &'a Operators<'a>,
    budget: Cell<u64>,
}

impl<'a> Ones<'a> {
    pub(super) fn new(operators: &'a Operators<'a>) -> Self {
        Self { operators, budget: Cell::new(BUDGET) }
    }

    fn images(&self, forms: &[&Form], phase: u64) -> Result<Images, String> {
        let mut images = Images::new();
        for (to, form) in forms.iter().enumerate() {
            for (from, polynomial) in &form.terms {
                images.insert((to, *from), self.image(polynomial, phase)?);
            }
        }
        Ok(images)
    }

    /// What a polynomial makes of a common 1, where that is common.
    pub(super) fn image(&self, polynomial: &Polynomial, phase: u64) -> Result<Option<Rational>, String> {
        let word_sum = |word: &[usize]| {
            word.iter().try_fold(Rational::one(), |product, &operator| {
                Some(product * self.operators.row_sum(operator, phase)?)
            })
        };
        let sums: Option<Vec<Rational>> =
            polynomial.terms.iter().map(|(word, coefficient)| Some(&word_sum(word)? * coefficient)).collect();
        match sums {
            Some(sums) => Ok(Some(sums.into_iter().sum())),
            None => self.exactly(polynomial, phase),
        }
    }

    /// The same by applying every word to 1 on all ranks.
    fn exactly(&self, polynomial: &Polynomial, phase: u64) -> Result<Option<Rational>, String> {
        let image = self.applied(polynomial, phase, vec![Rational::one(); self.size()])?;
        Ok(common_value(image))
    }

    fn size(&self) -> usize {
        self.operators.facts.first().map_or(1, |facts| facts.size()) as usize
    }

    /// A polynomial applied to one number of each rank.
    fn applied(
        &self,
        polynomial: &Polynomial,
        phase: u64,
        vector: Vec<Rational>,
    ) -> Result<Vec<Rational>, String> {
        let mut sum = vec![Rational::zero(); vector.len()];
        for (word, coefficient) in &polynomial.terms {
            let apply = |vector, &operator: &usize| self.apply(operator, phase, vector);
            let image = word.iter().rev().try_fold(vector.clone(), apply)?;
            sum.iter_mut().zip(image).for_each(|(sum, value)| *sum = &*sum + &(&value * coefficient));
        }
        Ok(sum)
    }

    fn apply(&self, operator: usize, phase: u64, vector: Vec<Rational>) -> Result<Vec<Rational>, String> {
        let size = vector.len();
        if self.operators.is_average(operator) {
            let mean = vector.into_iter().sum::<Rational>() / Rational::integer(size);
            return Ok(vec![mean; size]);
        }
        let Some(facts) = self.operators.facts.get(operator) else {
            return Err("an operator has no matrix".into());
        };
        let matrix = at_phase(facts.phases, phase);
        let entries = match matrix {
            MixingMatrix::Cayley(cayley) => (cayley.hops().len() + 1) * size,
            MixingMatrix::Sparse(_) => {
                (0..size as u32).map(|rank| matrix.row(Rank(rank)).in_weights.len() + 1).sum()
            }
        };
        let left = self.budget.get().checked_sub(entries as u64);
        self.budget.set(left.ok_or("whether ranks that agree stay so takes too long to find out")?);
        let row = |rank: u32| {
            let row = matrix.row(Rank(rank));
            let own = &row.self_weight * &vector[rank as usize];
            row.in_weights.iter().fold(own, |sum, (j, weight)| sum + weight * &vector[j.index()])
        };
        Ok((0..size as u32).map(row).collect())
    }

    /// The states that are common at the start of every period, and those of them that stay so in it.
    fn always_common(
        &self,
        system: &System,
        images: &BTreeMap<(usize, u64), Images>,
        unclear: Unclear,
    ) -> Result<(Vec<bool>, Vec<bool>), String> {
        let initial = initially_common(system.algorithm, system.operators);
        let held = |common: &bool| if *common { Held::Common } else { Held::Differing };
        let mut start: Vec<Held> = initial.iter().map(held).collect();
        for &(map, phase) in &system.transient {
            let image = |_, polynomial: &Polynomial| self.image(polynomial, phase);
            let next = |(row, old): (&Result<Form, String>, &Held)| match row {
                Ok(form) => self.held(form, phase, unclear, &start, image),
                Err(reason) if *old < Held::Differing => Err(reason.clone()),
                Err(_) => Ok(Held::Differing),
            };
            start = system.maps[map].iter().zip(&start).map(next).collect::<Result<_, _>>()?;
        }
        let is_common = |held: &Held| *held < Held::Differing;
        loop {
            let (mut now, mut always) = (start.clone(), start.clone());
            for step @ &(map, phase) in &system.period {
                always.iter_mut().zip(&now).for_each(|(always, now)| *always = (*always).max(*now));
                let next = |(to, form): (usize, &Form)| {
                    let image =
                        |from: usize, _: &Polynomial| Ok(images[step].get(&(to, from)).cloned().flatten());
                    self.held(form, phase, unclear, &now, image)
                };
                let forms = system.forms(map)?.into_iter().enumerate();
                now = forms.map(next).collect::<Result<_, String>>()?;
            }
            let still: Vec<Held> = start.iter().zip(now).map(|(a, b)| (*a).max(b)).collect();
            if still == start {
                return Ok((start.iter().map(is_common).collect(), always.iter().map(is_common).collect()));
            }
            start = still;
        }
    }

    /// What ranks hold of a value, given what they hold of the states that it is made of.
    fn held(
        &self,
        form: &Form,
        phase: u64,
        unclear: Unclear,
        states: &[Held],
        image: impl Fn(usize, &Polynomial) -> Result<Option<Rational>, String>,
    ) -> Result<Held, String> {
        let mut held = match form.rest {
            _ if !form.directions.is_empty() => return Ok(Held::Differing),
            Rest::None => Held::Zero,
            Rest::Unclear if unclear == Unclear::Differing => return Ok(Held::Differing),
            Rest::Common | Rest::Unclear => Held::Common,
            Rest::Differing => return Ok(Held::Differing),
        };
        for (from, polynomial) in &form.terms {
            let factor = match states[*from] {
                Held::Zero => continue,
                Held::Common => image(*from, polynomial)?,
                Held::Differing => None,
            };
            held = held.max(match factor {
                Some(factor) if factor.is_zero() => Held::Zero,
                Some(_) => Held::Common,
                None => self.of_any(polynomial, phase),
            });
            if held == Held::Differing {
                break;
            }
        }
        Ok(held)
    }

    /// What a polynomial makes of any state: something common where it averages, or by chance, which few ranks show.
    fn of_any(&self, polynomial: &Polynomial, phase: u64) -> Held {
        let operators = self.operators;
        let averages = |word: &Vec<usize>| {
            let average = word.iter().position(|&operator| operators.averages(operator, phase));
            average.is_some_and(|at| word[..at].iter().all(|&k| operators.row_sum(k, phase).is_some()))
        };
        let vanishes = |word: &Vec<usize>| word.iter().any(|&operator| operators.vanishes(operator, phase));
        let size = self.size();
        let one = |rank: usize| {
            let mut vector = vec![Rational::zero(); size];
            vector[rank] = Rational::one();
            match self.applied(polynomial, phase, vector).ok().and_then(common_value) {
                Some(value) if value.is_zero() => Held::Zero,
                Some(_) => Held::Common,
                None => Held::Differing,
            }
        };
        if polynomial.terms.keys().all(vanishes) {
            Held::Zero
        } else if polynomial.terms.keys().all(averages) {
            Held::Common
        } else if size > FEW {
            Held::Differing
        } else {
            let all = (0..size).try_fold(Held::Zero, |all, rank| match one(rank) {
                Held::Differing => None,
                held => Some(all.max(held)),
            });
            all.unwrap_or(Held::Differing)
        }
    }
}

/// Ranks up to which it is tried whether an operator happens to make everything common.
const FEW: usize = 64;

/// The number that all ranks have, if they have one.
fn common_value(vector: Vec<Rational>) -> Option<Rational> {
    let mut values = vector.into_iter();
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}
