//! The steps of an algorithm in the order in which they run. Long periods are mostly steps in which nothing is sent; a run of
//! them is one small map of each rank's own states.

use super::space::{Functions, Mode, Space};
use super::step::Affine;
use crate::model::algorithm::{ValueId, reachable};
use crate::prove::linear;
use crate::prove::timeline::Moment;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The states of one rank after some steps, as functions of those before: of each state the coefficients of the states, of
/// the linear term b, and of 1.
pub(crate) type Own = Vec<Vec<f64>>;

/// Steps, followed for these curvatures.
pub(super) struct Course(Vec<Part>);

enum Part {
    /// A step.
    Step(Moment),
    /// Steps in which nothing is sent: a map for each rank, or one for all.
    Alone(Rc<Vec<Own>>),
}

impl Course {
    /// The course of `moments`, where ranks have these curvatures; or why one of the steps is not affine.
    pub(super) fn new(affine: &Affine, moments: &[Moment], curvatures: &[f64]) -> Result<Self, String> {
        let alike = curvatures.windows(2).all(|pair| pair[0] == pair[1]);
        let curvatures = if alike { &curvatures[..curvatures.len().min(1)] } else { curvatures };
        let is_alone = |moment: &Moment| !linear::communicates(affine.algorithm, moment.mask);
        let mut local = Local::new(affine, curvatures);
        let mut parts = vec![];
        for run in moments.chunk_by(|a, b| is_alone(a) && is_alone(b)) {
            parts.push(match run {
                [moment] => Part::Step(*moment),
                run => Part::Alone(local.run(run)?),
            });
        }
        Ok(Self(parts))
    }

    /// Steps, where a run of those in which nothing is sent counts as one.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The states after it; or why one of its steps is not affine.
    pub(super) fn follow<S: Space>(
        &self,
        affine: &Affine,
        space: &S,
        states: Vec<S::Value>,
    ) -> Result<Vec<S::Value>, String> {
        self.0.iter().try_fold(states, |states, part| match part {
            Part::Step(moment) => affine.step(space, *moment, &states),
            Part::Alone(own) => Ok(space.alone(own, &states)),
        })
    }

    /// The states after it, as functions of those before.
    pub(super) fn map<S: Functions>(&self, affine: &Affine, space: &S) -> Result<Vec<S::Value>, String> {
        let states = affine.algorithm.states.len();
        self.follow(affine, space, (0..states).map(|state| space.state(state)).collect())
    }
}

/// Runs of steps in which nothing is sent. Most of a period are alike: each is followed once.
struct Local<'a> {
    affine: &'a Affine<'a>,
    curvatures: &'a [f64],
    /// By what a step depends on, its map of each curvature.
    steps: BTreeMap<Kind, Rc<Vec<Own>>>,
    runs: BTreeMap<Vec<Kind>, Rc<Vec<Own>>>,
}

/// What a step without messages depends on: the conditions that hold, and the bits of all numbers.
type Kind = (usize, Vec<u64>);

impl<'a> Local<'a> {
    fn new(affine: &'a Affine, curvatures: &'a [f64]) -> Self {
        Self { affine, curvatures, steps: BTreeMap::new(), runs: BTreeMap::new() }
    }

    /// The map of a run for each curvature.
    fn run(&mut self, moments: &[Moment]) -> Result<Rc<Vec<Own>>, String> {
        let kinds = moments.iter().map(|moment| self.kind(moment)).collect::<Result<Vec<Kind>, _>>()?;
        if let Some(known) = self.runs.get(&kinds) {
            return Ok(known.clone());
        }
        let mut after: Option<Vec<Own>> = None;
        let mut moments = moments;
        for alike in kinds.chunk_by(|a, b| a == b) {
            let step = self.step(&alike[0], moments[0])?;
            moments = &moments[alike.len()..];
            let powers = step.iter().map(|step| power(step, alike.len()));
            after = Some(match after {
                None => powers.collect(),
                Some(before) => powers.zip(&before).map(|(step, before)| composed(&step, before)).collect(),
            });
        }
        let after = Rc::new(after.unwrap_or_default());
        self.runs.insert(kinds, after.clone());
        Ok(after)
    }

    fn kind(&self, moment: &Moment) -> Result<Kind, String> {
        let needed = reachable(
            &self.affine.algorithm.values,
            self.affine.algorithm.steps[moment.mask].iter().copied(),
        );
        let ids = (0..needed.len()).filter(|id| needed[*id]).map(|id| ValueId(id as u32));
        let numbers = ids.filter(|id| self.affine.numbers.is_number(*id));
        let bits = numbers.map(|id| self.affine.number(id, moment.step).map(f64::to_bits));
        Ok((moment.mask, bits.collect::<Result<_, _>>()?))
    }

    fn step(&mut self, kind: &Kind, moment: Moment) -> Result<Rc<Vec<Own>>, String> {
        if let Some(known) = self.steps.get(kind) {
            return Ok(known.clone());
        }
        let step = self.curvatures.iter().map(|curvature| own(self.affine, moment, *curvature));
        let step = Rc::new(step.collect::<Result<Vec<Own>, _>>()?);
        self.steps.insert(kind.clone(), step.clone());
        Ok(step)
    }
}

/// A step of a rank that is alone: a mode that nothing mixes.
fn own(affine: &Affine, moment: Moment, curvature: f64) -> Result<Own, String> {
    let states = affine.algorithm.states.len();
    let alone = Mode { eigenvalues: &[], consensus: true, states, curvature };
    let start: Vec<_> = (0..states).map(|state| alone.state(state)).collect();
    let after = affine.step(&alone, moment, &start)?;
    Ok(after.iter().map(|value| value.iter().map(|number| number.re).collect()).collect())
}

/// A map, this many times and at least once.
fn power(step: &Own, times: usize) -> Own {
    if times == 1 {
        return step.clone();
    }
    let half = power(step, times / 2);
    let even = composed(&half, &half);
    if times.is_multiple_of(2) { even } else { composed(step, &even) }
}

/// One map after another.
fn composed(step: &Own, before: &Own) -> Own {
    let states = before.len();
    let row = |row: &Vec<f64>| {
        let (of_states, rest) = row.split_at(states);
        let mut sum = vec![0.0; states];
        sum.extend(rest);
        for (factor, state) in of_states.iter().zip(before) {
            sum.iter_mut().zip(state).for_each(|(sum, x)| *sum += factor * x);
        }
        sum
    };
    step.iter().map(row).collect()
}
