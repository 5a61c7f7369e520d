//! What the stages hand to each other: topologies as exact matrices, algorithms as data flow, claims about both. Data only.

pub mod algorithm;
pub mod claim;
pub mod oracle;
pub mod topology;
