//! Pictures as SVG: the one generator behind `bfc draw`, `bfc report`, `--out` and the Python package.
//!
//! The colours can be distinguished by the colour-blind and in print; lines also differ by dashes, width or labels. Up to
//! [`MOST_NODES`] ranks are drawn one by one, more by what they have in common.

mod arrows;
mod axis;
mod curves;
mod gantt;
mod layout;
mod matrix;
mod png;
mod prediction;
mod schedule;
mod spectrum;
mod svg;
mod tiles;
mod topology;

pub use axis::Scale;
pub use curves::{Curve, Panel, Picture};
pub use gantt::gantt;
pub use layout::Layout;
pub use matrix::matrix;
pub use png::{TooManyPixels, is_own_png, png};
pub use prediction::prediction;
pub use schedule::schedule;
pub use spectrum::spectrum;
pub(crate) use svg::{BLUE, FAINT, GREEN, ORANGE, PURPLE, VERMILLION, escape_markup};
pub use svg::{PICTURE_HEAD, escape};
pub use topology::{Scene, animation, topology};

/// The most ranks that are drawn one by one.
pub const MOST_NODES: u32 = 128;
/// The most phases that are drawn.
pub const MOST_PHASES: usize = 24;
