//! The step of an algorithm on all ranks at once: its radius, and where it stands still. Where ranks and states are few, it is a
//! matrix; elsewhere it is only applied.

use super::course::Course;
use super::space::{Functions, Points, Ranks};
use super::step::Affine;
use super::{NO_EIGENVALUES, radius};
use crate::prove::timeline::Timeline;
use crate::spectrum::dense::Rows;
use bfc_algebra::krylov::{dominant, fixed_point};
use bfc_algebra::{Mat, c64};

/// Rows of a map of all ranks at once that is written as a matrix.
const WHOLE: usize = 64;

/// Numbers that are read and written to find a radius or a limit: some tenths of a second.
const WORK: usize = 1 << 27;

/// How often a map is applied at most: to find its radius, twice to see whether its steps become shorter, and to find where it
/// stands still.
const RADIUS: usize = 240;
const WINDOW: usize = 150;
const LIMIT: usize = 3_000;

/// How still a limit stands, relative to its largest number.
const STILL: f64 = 1e-12;

/// Periods after which a limit is given up.
const LONGEST_RUN: usize = 20_000;

/// An algorithm on all ranks, each with its own quadratic. A point is what ranks hold of the states, one state after the other.
pub(super) struct Whole<'a> {
    affine: &'a Affine<'a>,
    space: Points<'a>,
    transient: Course,
    period: Course,
}

impl<'a> Whole<'a> {
    /// The steps of a timeline on these ranks; or why one of them is not affine.
    pub(super) fn new(
        affine: &'a Affine<'a>,
        space: Points<'a>,
        timeline: &Timeline,
    ) -> Result<Self, String> {
        let [transient, period] = [&timeline.transient, &timeline.period]
            .map(|moments| Course::new(affine, moments, space.curvatures));
        Ok(Self { affine, space, transient: transient?, period: period? })
    }

    fn ranks(&self) -> usize {
        self.space.curvatures.len()
    }

    fn states(&self) -> usize {
        self.affine.algorithm.states.len()
    }

    fn is_small(&self) -> bool {
        self.ranks() * self.states() <= WHOLE
    }

    /// The same ranks, with functions for values.
    fn functions(&self) -> Ranks<'a> {
        Ranks { phases: self.space.phases, states: self.states(), curvatures: self.space.curvatures }
    }

    /// The states of a point.
    fn split(&self, point: &[f64]) -> Vec<Vec<f64>> {
        point.chunks(self.ranks()).map(<[f64]>::to_vec).collect()
    }

    /// The states after these steps; or why one of them is not affine.
    fn after(&self, course: &Course, states: Vec<Vec<f64>>) -> Result<Vec<f64>, String> {
        course.follow(self.affine, &self.space, states).map(|states| states.concat())
    }

    /// The states after a period of steps that are affine.
    fn apply(&self, point: &[f64]) -> Vec<f64> {
        let after = self.after(&self.period, self.split(point));
        after.unwrap_or_else(|_| vec![f64::NAN; point.len()])
    }

    /// The states after some periods, in which steps become shorter; `None` where they do not.
    fn followed(&self, mut point: Vec<f64>) -> Option<Vec<f64>> {
        let most = self.applications().min(2 * WINDOW);
        let mut longest = [0.0f64; 2];
        for period in 0..most {
            let next = self.apply(&point);
            let step = moved(&next, &point);
            let window = &mut longest[usize::from(2 * period >= most)];
            *window = window.max(step);
            point = next;
        }
        let [before, after] = longest;
        let still = after <= STILL * scale(&point);
        (most > 0 && point.iter().all(|x| x.is_finite()) && (after < before || still)).then_some(point)
    }

    /// The radius, apart from 1 for what is conserved.
    pub(super) fn radius(&self) -> Result<f64, String> {
        let values = if self.is_small() { self.eigenvalues()? } else { self.dominant_eigenvalues()? };
        Ok(radius(&values, true))
    }

    /// The eigenvalues of a period.
    pub(super) fn eigenvalues(&self) -> Result<Vec<c64>, String> {
        let (ranks, states) = (self.ranks(), self.states());
        let map = self.period.map(self.affine, &self.functions())?;
        let entry = |i: usize, j: usize| map[i / ranks][(i % ranks, j)];
        let matrix = Mat::from_fn(ranks * states, ranks * states, entry);
        bfc_algebra::eigenvalues(&matrix).ok_or_else(|| NO_EIGENVALUES.to_string())
    }

    /// Those of largest modulus, of vectors in the image of A − I, which holds nothing of what is conserved.
    pub(super) fn dominant_eigenvalues(&self) -> Result<Vec<c64>, String> {
        let (ranks, states) = (self.ranks(), self.states());
        let constant = self.after(&self.period, vec![vec![0.0; ranks]; states])?;
        let linear =
            |x: &[f64]| self.apply(x).iter().zip(&constant).map(|(a, b)| a - b).collect::<Vec<f64>>();
        let change = |x: &mut [f64]| {
            let image = linear(x);
            x.iter_mut().zip(image).for_each(|(x, image)| *x = image - *x);
        };
        let most = self.applications().min(RADIUS);
        if most == 0 {
            return Err("the rate takes too long to estimate at this size".to_string());
        }
        match dominant(ranks * states, most, linear, change).values {
            values if values.is_empty() => Err(NO_EIGENVALUES.to_string()),
            values => Ok(values),
        }
    }

    /// How often it may be applied.
    fn applications(&self) -> usize {
        let widest = self.space.phases.iter().flatten().map(Rows::work).max().unwrap_or(0);
        let values = self.affine.algorithm.values.len();
        WORK / (self.period.len() * values * (widest + self.ranks())).max(1)
    }

    /// Where the models end; `None` where they still move after many periods.
    pub(super) fn limit(&self) -> Result<Option<Vec<f64>>, String> {
        if self.is_small() { self.limit_by_matrix() } else { self.limit_by_applying() }
    }

    /// The same without the matrix.
    pub(super) fn limit_by_applying(&self) -> Result<Option<Vec<f64>>, String> {
        let start = self.after(&self.transient, self.affine.initial(&self.space)?)?;
        let Some(followed) = self.followed(start) else { return Ok(None) };
        let limit = fixed_point(followed, self.applications().min(LIMIT), STILL, |x| self.apply(x));
        limit.map(|limit| self.affine.model(&self.space, &self.split(&limit))).transpose()
    }

    /// The same by the map of a period as a matrix.
    pub(super) fn limit_by_matrix(&self) -> Result<Option<Vec<f64>>, String> {
        let Self { affine, transient, period, space: Points { linear, .. } } = self;
        let (ranks, states) = (self.ranks(), self.states());
        let space = self.functions();
        let apply = |values: &[Mat<f64>], from: &[f64]| -> Vec<f64> {
            let point: Vec<f64> = from.iter().chain(*linear).copied().chain([1.0]).collect();
            values.iter().flat_map(|value| bfc_algebra::apply(value.as_ref(), &point)).collect()
        };
        let mut point = apply(&affine.initial(&space)?, &vec![0.0; ranks * states]);
        point = apply(&transient.map(affine, &space)?, &point);
        let map = period.map(affine, &space)?;
        let identity: Vec<Mat<f64>> = (0..states).map(|state| space.state(state)).collect();
        let model = [affine.model(&space, &identity)?];
        for _ in 0..LONGEST_RUN {
            let next = apply(&map, &point);
            let moved = moved(&next, &point);
            let scale = scale(&next);
            if !moved.is_finite() || scale > 1e12 {
                return Ok(None);
            }
            point = next;
            if moved <= 1e-13 * scale {
                return Ok(Some(apply(&model, &point)));
            }
        }
        Ok(None)
    }
}

/// The largest number, or 1.
fn scale(point: &[f64]) -> f64 {
    point.iter().fold(1.0f64, |scale, value| scale.max(value.abs()))
}

/// The largest distance of two numbers at one place.
fn moved(next: &[f64], point: &[f64]) -> f64 {
    next.iter().zip(point).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
