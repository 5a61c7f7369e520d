//! What a schedule costs before it runs: prediction, simulation and advice on a described cluster.

pub mod arguments;
mod clusters;
mod cost;
mod error;
mod simulate;

pub use clusters::{settle, show as clusters};
pub use cost::{add_cost, lines, named as cluster};
pub use simulate::simulate;
