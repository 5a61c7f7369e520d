//! The tests of the prediction, as one program.

mod agreement;
mod cluster;
mod common;
mod cost;
mod links;
mod place;
mod sharing;
mod simulate;
