//! Where values of an algorithm on quadratics live: in one mode that all mixing matrices share, or on all ranks, as numbers or
//! as functions.
//!
//! A function is affine in the states, the ranks' linear terms b and 1: columns of coefficients. The gradient of
//! ½ h x² − b x is h x − b.

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
}
