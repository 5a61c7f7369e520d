//! What a schedule costs before it runs: bytes, rounds and time on a described cluster, by formula and by simulation.
//!
//! A pure library over [`bfc_schedule`]: no file, clock or environment, and the same numbers from the same inputs.
//!
//! - [`cluster`]: a TOML description becomes link classes, shared ports and a compute time.
//! - [`links`]: rounds on a cluster become loads of shared ports, hence seconds per byte.
//! - `tasks`: a program becomes two queues, of gradients and of exchanges, and what each waits for.
//! - [`cost`]: all of it becomes the time of a step, beside all-reduce ([`allreduce`]).
//! - `traffic`: the same program becomes the bytes that each phase carries in a period.
//! - [`sharing`]: rounds become rounds for a cluster; [`mod@place`]: ranks get better places.
//! - [`advise`]: convergence and cost become a ranking.
//! - [`simulate`](mod@simulate): the same by discrete events, with jitter, stragglers and lost ranks.
//!
//! Units everywhere: seconds, bytes, and bytes per second in one direction of a full-duplex link.

pub mod advise;
pub mod allreduce;
pub mod cluster;
mod condition;
pub mod cost;
mod jitter;
pub mod links;
pub mod place;
pub mod sharing;
pub mod simulate;
mod tasks;
mod traffic;
pub mod units;

pub use allreduce::AllReduce;
pub use cluster::{Cluster, ClusterError};
pub use cost::{Cost, Prediction};
pub use place::{FitError, Fitted, Placement, Search, fit, place};
pub use simulate::{Setting, Simulation, simulate};
