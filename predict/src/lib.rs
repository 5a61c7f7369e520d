//! What a schedule costs before it runs: bytes, rounds and time on a described cluster, by formula and by simulation.
//!
//! A pure library over [`bfc_compiler`] and [`bfc_schedule`]: no file, clock or environment, and the same numbers from the
//! same inputs.
//!
//! - [`cluster`]: a TOML description becomes link classes, shared ports and a compute time.
//! - [`links`]: rounds on a cluster become loads of shared ports, hence seconds per byte.
//! - `tasks`: a program becomes two queues, of gradients and of exchanges, and what each waits for.
//! - [`cost`]: all of it becomes the time of a step, beside all-reduce ([`allreduce`]).
//! - `traffic`: the same program becomes the bytes that each phase carries in a period.
//! - [`sharing`]: rounds become rounds for a cluster; [`mod@place`]: ranks get better places.
//! - [`simulate`](mod@simulate): the same by discrete events, with jitter, stragglers and lost ranks, at several sizes.
//! - [`mod@plan`]: a request becomes a schedule with its costs, fitted to a cluster.
//! - [`mod@comparison`] and [`mod@sweep`]: several requests, or one along an axis, become analyses side by side.
//! - [`values`]: which values arguments may have.
//! - [`advise`](mod@advise): convergence and cost of the library become a ranking.
//!
//! Units everywhere: seconds, bytes, and bytes per second in one direction of a full-duplex link.

pub mod advise;
pub mod allreduce;
pub mod cluster;
pub mod comparison;
mod condition;
pub mod cost;
mod error;
mod jitter;
pub mod links;
mod parallel;
pub mod place;
pub mod plan;
mod progress;
pub mod sharing;
pub mod simulate;
pub mod sweep;
mod tasks;
mod traffic;
pub mod units;
pub mod values;

pub use advise::{Advice, Goal, advise};
pub use allreduce::AllReduce;
pub use cluster::{Cluster, ClusterError};
pub use comparison::{Comparison, compare};
pub use cost::{Cost, Prediction};
pub use error::{PredictError, QuestionError};
pub use place::{Fit, FitError, Placement, Placing, Search, fit, place};
pub use plan::{Location, Overview, Plan, plan};
pub use progress::{Progress, Silent};
pub use simulate::{Experiment, Setting, Simulation, Simulations, simulate, simulate_sizes};
pub use sweep::{Axis, Sweep, sweep};
