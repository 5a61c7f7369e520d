//! What changed between two texts, line by line.

use similar::TextDiff;

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 2;

/// The lines of `old` that are gone behind `-`, those that are new behind `+`, and a few around them.
pub fn difference(old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new).unified_diff().context_radius(CONTEXT).to_string()
}
