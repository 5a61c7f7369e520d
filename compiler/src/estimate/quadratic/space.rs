//! Where values of an algorithm on quadratics live: in one mode that all mixing matrices share, or on all ranks, as numbers or
//! as functions.
//!
//! A function is affine in the states, the ranks' linear terms b and 1: columns of coefficients. The gradient of
//! ½ h x² − b x is h x − b.

use super::course::Own;
use crate::spectrum::dense::Rows;
use bfc_algebra::{Mat, c64};

/// What an affine step needs of where values live.
pub(crate) trait Space {
    type Value: Clone;

    /// The same number on all ranks.
    fn constant(&self, number: f64) -> Self::Value;
    /// a x + b y.
    fn combine(&self, a: f64, x: &Self::Value, b: f64, y: &Self::Value) -> Self::Value;
    /// W x for a phase of a topology.
    fn mix(&self, topology: usize, phase: u64, x: &Self::Value) -> Self::Value;
    /// J x.
    fn average(&self, x: &Self::Value) -> Self::Value;
    /// The gradients at x.
    fn gradient(&self, x: &Self::Value) -> Self::Value;
    /// The states where each rank goes from its own by a map of its own, or all by one.
    fn alone(&self, own: &[Own], states: &[Self::Value]) -> Vec<Self::Value>;
}

/// The map of a rank, where there is one for each or one for all.
fn of_rank(own: &[Own], rank: usize) -> &Own {
    own.get(rank).unwrap_or(&own[0])
}

/// A space whose values are functions of the states.
pub(crate) trait Functions: Space {
    /// A state, by index.
    fn state(&self, index: usize) -> Self::Value;
}

/// One eigenvector of all mixing matrices.
pub(crate) struct Mode<'a> {
    /// Of every topology the eigenvalues of its phases.
    pub(crate) eigenvalues: &'a [Vec<c64>],
    /// Whether it is the mode in which all ranks are alike; there every average is the value itself.
    pub(crate) consensus: bool,
    /// The number of states.
    pub(crate) states: usize,
    /// The curvature h of every rank.
    pub(crate) curvature: f64,
}

impl Mode<'_> {
    fn unit(&self, column: usize, value: f64) -> Vec<c64> {
        let mut columns = vec![c64::new(0.0, 0.0); self.states + 2];
        columns[column] = c64::new(value, 0.0);
        columns
    }
}

impl Space for Mode<'_> {
    /// Columns: the states, b, 1.
    type Value = Vec<c64>;

    fn constant(&self, number: f64) -> Vec<c64> {
        self.unit(self.states + 1, if self.consensus { number } else { 0.0 })
    }

    fn combine(&self, a: f64, x: &Vec<c64>, b: f64, y: &Vec<c64>) -> Vec<c64> {
        x.iter().zip(y).map(|(x, y)| x * a + y * b).collect()
    }

    fn mix(&self, topology: usize, phase: u64, x: &Vec<c64>) -> Vec<c64> {
        let phases = &self.eigenvalues[topology];
        let eigenvalue = phases[(phase % phases.len() as u64) as usize];
        x.iter().map(|x| x * eigenvalue).collect()
    }

    fn average(&self, x: &Vec<c64>) -> Vec<c64> {
        if self.consensus { x.clone() } else { self.constant(0.0) }
    }

    fn gradient(&self, x: &Vec<c64>) -> Vec<c64> {
        self.combine(self.curvature, x, -1.0, &self.unit(self.states, 1.0))
    }

    fn alone(&self, own: &[Own], states: &[Vec<c64>]) -> Vec<Vec<c64>> {
        let after = |row: &Vec<f64>| {
            let rest = self.combine(
                1.0,
                &self.unit(self.states, row[self.states]),
                1.0,
                &self.constant(row[self.states + 1]),
            );
            states.iter().zip(row).fold(rest, |sum, (state, factor)| self.combine(1.0, &sum, *factor, state))
        };
        of_rank(own, 0).iter().map(after).collect()
    }
}

impl Functions for Mode<'_> {
    fn state(&self, index: usize) -> Vec<c64> {
        self.unit(index, 1.0)
    }
}

/// All ranks, each with its own quadratic.
pub(crate) struct Ranks<'a> {
    /// Of every topology its phases.
    pub(crate) phases: &'a [Vec<Rows>],
    /// The number of states.
    pub(crate) states: usize,
    /// The curvature h of each rank.
    pub(crate) curvatures: &'a [f64],
}

impl Ranks<'_> {
    fn empty(&self) -> Mat<f64> {
        let n = self.curvatures.len();
        Mat::zeros(n, self.states * n + n + 1)
    }

    fn block(&self, start: usize, sign: f64) -> Mat<f64> {
        let mut value = self.empty();
        (0..self.curvatures.len()).for_each(|rank| value[(rank, start + rank)] = sign);
        value
    }
}

impl Space for Ranks<'_> {
    /// A row for each rank; columns: the states of all ranks, one state after the other, then b, then 1.
    type Value = Mat<f64>;

    fn constant(&self, number: f64) -> Mat<f64> {
        let mut value = self.empty();
        let last = value.ncols() - 1;
        value.col_as_slice_mut(last).fill(number);
        value
    }

    fn combine(&self, a: f64, x: &Mat<f64>, b: f64, y: &Mat<f64>) -> Mat<f64> {
        Mat::from_fn(x.nrows(), x.ncols(), |i, j| a * x[(i, j)] + b * y[(i, j)])
    }

    fn mix(&self, topology: usize, phase: u64, x: &Mat<f64>) -> Mat<f64> {
        let phases = &self.phases[topology];
        phases[(phase % phases.len() as u64) as usize].times(x)
    }

    fn average(&self, x: &Mat<f64>) -> Mat<f64> {
        let mut mean = x.clone();
        for column in 0..x.ncols() {
            let column = mean.col_as_slice_mut(column);
            let average = column.iter().sum::<f64>() / column.len() as f64;
            column.fill(average);
        }
        mean
    }

    fn gradient(&self, x: &Mat<f64>) -> Mat<f64> {
        let mut gradient = self.block(self.states * self.curvatures.len(), -1.0);
        for column in 0..x.ncols() {
            let (from, into) = (x.col_as_slice(column), gradient.col_as_slice_mut(column));
            into.iter_mut().zip(from).zip(self.curvatures).for_each(|((into, x), h)| *into += h * x);
        }
        gradient
    }

    fn alone(&self, own: &[Own], states: &[Mat<f64>]) -> Vec<Mat<f64>> {
        let ranks = self.curvatures.len();
        let after = |state: usize| {
            let factor = |rank: usize, column: usize| of_rank(own, rank)[state][column];
            let mut value = self.empty();
            for column in 0..value.ncols() {
                let into = value.col_as_slice_mut(column);
                for (other, from) in states.iter().enumerate() {
                    let from = from.col_as_slice(column);
                    (0..ranks).for_each(|rank| into[rank] += factor(rank, other) * from[rank]);
                }
            }
            let (linear, last) = (self.states * ranks, self.states * ranks + ranks);
            for rank in 0..ranks {
                value[(rank, linear + rank)] += factor(rank, self.states);
                value[(rank, last)] += factor(rank, self.states + 1);
            }
            value
        };
        (0..self.states).map(after).collect()
    }
}

impl Functions for Ranks<'_> {
    fn state(&self, index: usize) -> Mat<f64> {
        self.block(index * self.curvatures.len(), 1.0)
    }
}

/// All ranks at one point, each with its own quadratic.
pub(crate) struct Points<'a> {
    /// Of every topology its phases.
    pub(crate) phases: &'a [Vec<Rows>],
    /// The curvature h of each rank.
    pub(crate) curvatures: &'a [f64],
    /// The linear term b of each rank.
    pub(crate) linear: &'a [f64],
}

impl Space for Points<'_> {
    /// A number for each rank.
    type Value = Vec<f64>;

    fn constant(&self, number: f64) -> Vec<f64> {
        vec![number; self.curvatures.len()]
    }

    fn combine(&self, a: f64, x: &Vec<f64>, b: f64, y: &Vec<f64>) -> Vec<f64> {
        x.iter().zip(y).map(|(x, y)| a * x + b * y).collect()
    }

    fn mix(&self, topology: usize, phase: u64, x: &Vec<f64>) -> Vec<f64> {
        let phases = &self.phases[topology];
        phases[(phase % phases.len() as u64) as usize].apply(x)
    }

    fn average(&self, x: &Vec<f64>) -> Vec<f64> {
        self.constant(x.iter().sum::<f64>() / x.len() as f64)
    }

    fn gradient(&self, x: &Vec<f64>) -> Vec<f64> {
        x.iter().zip(self.curvatures).zip(self.linear).map(|((x, h), b)| h * x - b).collect()
    }

    fn alone(&self, own: &[Own], states: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let after = |state: usize| {
            let number = |(rank, b): (usize, &f64)| {
                let row = &of_rank(own, rank)[state];
                let of_states: f64 = states.iter().zip(row).map(|(state, factor)| factor * state[rank]).sum();
                of_states + row[states.len()] * b + row[states.len() + 1]
            };
            self.linear.iter().enumerate().map(number).collect()
        };
        (0..states.len()).map(after).collect()
    }
}
