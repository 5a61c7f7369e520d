//! The steps of an algorithm in the order in which they run. Long periods are mostly steps in which nothing is sent; a run of
//! them is one small map of each rank's own states.

use super::space::{Functions, Mode, Space};
use super::step::Affine;
use crate::prove::linear;
use crate::prove::timeline::Moment;

/// The states of one rank after some steps, as functions of those before: of each state the coefficients of the states, of
/// the linear term b, and of 1.
pub(crate) type Own = Vec<Vec<f64>>;

/// Steps, followed for these curvatures.
pub(super) struct Course(Vec<Part>);

enum Part {
    /// A step.
    Step(Moment),
    /// Steps in which nothing is sent: a map for each rank, or one for all.
    Alone(Vec<Own>),
}

impl Course {
    /// The course of `moments`, where ranks have these curvatures; or why one of the steps is not affine.
    pub(super) fn new(affine: &Affine, moments: &[Moment], curvatures: &[f64]) -> Result<Self, String> {
        let alike = curvatures.windows(2).all(|pair| pair[0] == pair[1]);
        let curvatures = if alike { &curvatures[..curvatures.len().min(1)] } else { curvatures };
        let is_alone = |moment: &Moment| !linear::communicates(affine.algorithm, moment.mask);
        let mut parts = vec![];
        for run in moments.chunk_by(|a, b| is_alone(a) && is_alone(b)) {
            parts.push(match run {
                [moment] => Part::Step(*moment),
                run => {
                    let own = curvatures.iter().map(|curvature| own(affine, run, *curvature));
                    Part::Alone(own.collect::<Result<_, _>>()?)
                }
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

/// The map of a rank that is alone: a mode that nothing mixes.
fn own(affine: &Affine, moments: &[Moment], curvature: f64) -> Result<Own, String> {
    let states = affine.algorithm.states.len();
    let alone = Mode { eigenvalues: &[], consensus: true, states, curvature };
    let start = (0..states).map(|state| alone.state(state)).collect();
    let step = |values: Vec<_>, moment: &Moment| affine.step(&alone, *moment, &values);
    let after = moments.iter().try_fold(start, step)?;
    Ok(after.iter().map(|value| value.iter().map(|number| number.re).collect()).collect())
}
