//! What was evaluated and proved, turned into what ranks execute: the program, and who sends to whom when.

mod error;
pub mod program;
pub mod rounds;
pub mod schedule;

pub use error::LowerError;
pub use program::program;
