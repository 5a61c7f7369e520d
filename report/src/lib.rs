//! What people and programs see of results and errors; the command line and the Python package print by it.

mod diagnostic;
mod excerpt;
mod json;

pub use diagnostic::{Shown, clip};
pub use json::write_json;
