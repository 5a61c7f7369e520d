//! What a person looks at: pictures as SVG files, and pages of them.

pub mod arguments;
mod draw;
mod equations;
mod report;
mod subject;
mod view;

pub use draw::draw;
pub use report::{PAGE, report};
pub use subject::subject;
pub use view::view;
