//! What passes between a machine and its trainer.

use std::error::Error;

/// What the trainer is asked: about vectors that it reads, and that it writes.
#[derive(Debug)]
pub enum Ask<R, W> {
    /// Write the gradient at `point`, on the step's minibatch, to `gradient`.
    Gradient {
        /// Where.
        point: R,
        /// All of it is to be written; what it holds before is unspecified.
        gradient: W,
    },
    /// Make one step of the trainer's own optimizer.
    Adapt {
        /// Where it starts; and what is to be overwritten with the new point.
        point: W,
        /// Along this direction, or the gradient at `point` where absent.
        direction: Option<R>,
    },
    /// Write the minimizer of `f(x) + ρ/2 ‖x − point‖²` to `minimizer`, f being the loss on the step's minibatch.
    Prox {
        /// Where.
        point: R,
        /// ρ.
        rho: f64,
        /// All of it is to be written; what it holds before is unspecified.
        minimizer: W,
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
#[derive(Clone, Debug, PartialEq)]
pub enum State<V> {
    /// Shaped like the model.
    Vector(V),
    /// One number.
    Scalar(f64),
    /// One vector for each of the [neighbours](crate::Machine::neighbours), one after another.
    EdgeVector(V),
    /// One number for each of the [neighbours](crate::Machine::neighbours).
    EdgeScalar(Vec<f64>),
    /// One thin matrix for each of the [neighbours](crate::Machine::neighbours), one after another: the side of the model's
    /// matrix that it belongs to (0 for its rows, 1 for its columns), then its columns, each with room for the longer side.
    EdgeFactor(V),
}

impl<V> State<V> {
    /// The same with other vectors.
    pub(super) fn map<U>(self, vector: impl FnOnce(V) -> U) -> State<U> {
        match self {
            Self::Vector(values) => State::Vector(vector(values)),
            Self::Scalar(number) => State::Scalar(number),
            Self::EdgeVector(values) => State::EdgeVector(vector(values)),
            Self::EdgeScalar(numbers) => State::EdgeScalar(numbers),
            Self::EdgeFactor(values) => State::EdgeFactor(vector(values)),
        }
    }
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
