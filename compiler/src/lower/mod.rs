//! What was evaluated and proved, turned into what ranks execute.

pub mod program;

pub use program::program;
