//! The rounds of an exact average: reduce-scatter and all-gather on a circulant graph (Träff 2024).

use bfc_schedule::{Average, SliceRound};

/// ⌈log₂ size⌉ rounds each way. With the skips size, ⌈size/2⌉, …, 1, the reduce round from skip s′ to skip s sends
/// the blocks s..s′ after the own one to the rank s ahead; the gather undoes it, from the last round to the first.
pub fn plan(size: u32) -> Average {
    let skips: Vec<u32> =
        std::iter::successors(Some(size), |skip| (*skip > 1).then(|| skip.div_ceil(2))).collect();
    let reduce =
        skips.windows(2).map(|pair| SliceRound { hop: pair[1], first: pair[1], count: pair[0] - pair[1] });
    let gather = skips.windows(2).rev().map(|pair| SliceRound {
        hop: size - pair[1],
        first: 0,
        count: pair[0] - pair[1],
    });
    Average { size, reduce: reduce.collect(), gather: gather.collect() }
}
