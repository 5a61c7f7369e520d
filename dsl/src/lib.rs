//! The `.bf` language: text to syntax tree and back. No meaning in it.

mod brackets;
mod breaks;
pub mod edges;
mod error;
mod expression;
mod foreign;
mod format;
mod layout;
mod lines;
mod parse;
mod print;
mod recover;
mod statement;
pub mod text;
pub mod tree;
mod words;

pub use error::{MAX_DEPTH, MAX_ERRORS, MAX_SOURCE, ParseError};
pub use format::{MAX_WIDTH, format};
pub use parse::{Parsed, parse, parse_expression};
pub use print::{print, print_expression};
pub use words::is_letter;
