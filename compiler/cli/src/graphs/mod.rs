//! Graphs of files: `bfc import` and `bfc export`.

pub mod arguments;
pub mod export;
pub mod import;
