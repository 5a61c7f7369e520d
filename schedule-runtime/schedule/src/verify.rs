//! Translation validation: a draft is a schedule only if every invariant below holds.

use crate::Draft;

/// The most violations that one run reports.
pub const MOST_ERRORS: usize = 64;

/// A violated invariant with its counterexample.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum VerifyError {
    /// `bfc::verify::size`
    #[error("a schedule for {size} ranks with {local_size} per machine")]
    #[diagnostic(
        code(bfc::verify::size),
        help("the size must be at least 1 and a multiple of the local size")
    )]
    Size {
        /// The number of ranks.
        size: u32,
        /// Ranks per machine.
        local_size: u32,
    },
}

/// Checks every invariant.
///
/// # Errors
/// All violations found, up to [`MOST_ERRORS`].
pub fn verify(draft: &Draft) -> Result<(), Vec<VerifyError>> {
    let Draft { size, local_size, .. } = *draft;
    if size == 0 || local_size == 0 || size % local_size != 0 {
        return Err(vec![VerifyError::Size { size, local_size }]);
    }
    Ok(())
}
