//! What passes between a machine and its trainer.

use std::error::Error;

/// What the trainer is asked.
#[derive(Debug)]
pub enum Ask<'a, T> {
    /// Write the gradient at `point`, on the step's minibatch, to `gradient`.
    Gradient {
        /// Where.
        point: &'a [T],
        /// All of it is to be written; what it holds before is unspecified.
        gradient: &'a mut [T],
    },
    /// Make one step of the trainer's own optimizer.
    Adapt {
        /// Where it starts; and what is to be overwritten with the new point.
        point: &'a mut [T],
        /// Along this direction, or the gradient at `point` where absent.
        direction: Option<&'a [T]>,
    },
    /// Write the minimizer of `f(x) + ρ/2 ‖x − point‖²` to `minimizer`, f being the loss on the step's minibatch.
    Prox {
        /// Where.
        point: &'a [T],
        /// ρ.
        rho: f64,
        /// All of it is to be written; what it holds before is unspecified.
        minimizer: &'a mut [T],
    },
}

/// What [`Machine::next`] is to be given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// The gradient at the point.
    Gradient,
    /// The point after one step of the trainer's own optimizer.
    Adapted,
    /// The minimizer of `f(x) + ρ/2 ‖x − point‖²`.
    Minimizer {
        /// ρ.
        rho: f64,
    },
}

/// A state's value on this rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State<'a, T> {
    /// Shaped like the model.
    Vector(&'a [T]),
    /// One number.
    Scalar(f64),
    /// One vector for each of the [neighbours](crate::Machine::neighbours), one after another.
    EdgeVector(&'a [T]),
    /// One number for each of the [neighbours](crate::Machine::neighbours).
    EdgeScalar(&'a [f64]),
    /// One thin matrix for each of the [neighbours](crate::Machine::neighbours), one after another: the side of the model's
    /// matrix that it belongs to (0 for its rows, 1 for its columns), then its columns, each with room for the longer side.
    EdgeFactor(&'a [T]),
}

/// What a trainer's closure returns: nothing, or a result.
pub trait Answer {
    /// The result.
    ///
    /// # Errors
    /// The trainer's own.
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl Answer for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> Answer for Result<(), E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}
