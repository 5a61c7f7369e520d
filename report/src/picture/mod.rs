//! Pictures as SVG: the one generator behind `bfc draw`, `bfc report`, `--out` and the Python package.
//!
//! Colours are told apart by the colour-blind and in print; no picture says by colour alone what it means. Up to
//! [`MOST_NODES`] ranks are drawn one by one, more by what they have in common.

mod arrows;
mod axis;
mod curves;
mod layout;
mod matrix;
mod prediction;
mod schedule;
mod spectrum;
mod svg;
mod topology;

pub use axis::Scale;
pub use curves::{Curve, Panel, Picture};
pub use layout::Layout;
pub use matrix::matrix;
pub use prediction::prediction;
pub use schedule::schedule;
pub use spectrum::spectrum;
pub use svg::{PICTURE_HEAD, escape};
pub use topology::{Drawn, animation, topology};

/// Ranks that are drawn one by one.
pub const MOST_NODES: u32 = 128;
/// Phases that are drawn.
pub const MOST_PHASES: usize = 24;
