//! The tests of the language, as one program.

mod common;
mod format;
mod limits;
mod partial;
mod programs;
mod properties;
