//! The tests of reading and writing graphs, as one program.

mod common;
mod readings;
mod weights;
