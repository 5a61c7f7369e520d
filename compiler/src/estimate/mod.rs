//! Floating-point estimates: how algorithms converge on quadratics, what random phases do in the mean, where consensus ends.
//! They inform and never prove: `prove` does not import them.

pub(crate) mod chance;
pub(crate) mod curve;
pub(crate) mod eigenvalues;
pub(crate) mod noise;
pub(crate) mod quadratic;
pub(crate) mod stationary;
