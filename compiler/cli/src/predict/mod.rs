//! What a schedule costs before it runs: prediction, simulation and advice on a described cluster.

mod advise;
pub mod arguments;
mod candidates;
mod clusters;
mod cost;
mod error;
mod fit;
mod probe;
mod proposal;
mod simulate;

pub use advise::advise;
pub use clusters::{settle, show as clusters};
pub use cost::{add_cost, lines, named as cluster};
pub use fit::fit;
pub use probe::probe;
pub use simulate::simulate;
