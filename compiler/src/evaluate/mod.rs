//! Evaluation: from a resolved program, a size and parameters to exact matrices and data-flow.

pub mod algorithm;
mod claims;
pub mod error;
pub mod scope;
pub mod target;
pub mod topology;
pub mod value;

pub use error::{EvaluateError, Result};
pub use scope::{Evaluator, Limits};
pub use topology::construction::Construction;
pub use value::{List, Value};

/// Runs `work` with a stack that holds the deepest recursion that evaluation allows.
pub fn on_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work)?;
        Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Only the pages that are touched cost memory.
const STACK_BYTES: usize = 256 << 20;
