//! From `.bf` source to a proved schedule. A pure library: no file, clock or environment.

pub mod algorithm;
pub mod claim;
pub mod evaluate;
pub mod lower;
pub mod prove;
pub mod resolve;
pub mod topology;
