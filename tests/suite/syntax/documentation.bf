/// Lost: a file has no documentation, and `use` neither.
use topology::ring
use topology::base::{smooth, pieces,}

///  Two lines,
///
/// the second after an empty one.
//// Not this one.
// Nor this one.
topology t { /// nor this
    /// nor this
}
/// An
/// algorithm.
async algorithm a over R, C = transpose(R) { edge m: scalar = 0 }
/// Nothing follows.
