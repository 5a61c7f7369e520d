//! What people and programs see of results and errors; the command line and the Python package print by it, and write files
//! by [`write_file`].
//!
//! Each typed result of the compiler and the predictor has a module of its name with `text`, and with `svg` where it is
//! drawn. Its JSON is what [`serde`] writes of it; where a document has more than one result, the module has its type.

pub mod advice;
pub mod analysis;
pub mod certificate;
pub mod cluster;
pub mod comparison;
pub mod compilation;
mod cost;
mod diagnostic;
mod diagnostic_json;
mod excerpt;
mod file;
mod fit;
pub mod gantt;
mod json;
pub mod page;
pub mod picture;
pub mod schedule;
pub mod simulations;
pub mod sweep;
mod table;
pub mod training;
mod words;

pub use diagnostic::{Shown, clip};
pub use diagnostic_json::diagnostic_json;
pub use file::{hold_writes, holds_something, is_taken, read_regular, write_file};
pub use json::write_json;
pub use table::{Table, fit_tables};
