//! The exact average of all ranks in generated rounds that carry slices.
//!
//! Reduce-scatter and all-gather on a circulant graph (Träff, "Optimal, non-pipelined reduce-scatter and allreduce
//! algorithms", 2024): ⌈log₂ n⌉ rounds each for any n, and (n−1)/n of the vector sent in each of the two, the least
//! possible. The vector is cut into n blocks, block b being elements `b·len/n .. (b+1)·len/n`. All ranks do the same
//! relative to themselves, so the whole is stored once.

/// The rounds of an average over `size` ranks: all of `reduce`, then each rank scales its own block by 1/size, then
/// all of `gather`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Average {
    /// The number of ranks.
    pub size: u32,
    /// Rounds whose blocks are added to those of the receiver; after them rank i holds the sum of block i.
    pub reduce: Vec<SliceRound>,
    /// Rounds whose blocks replace those of the receiver.
    pub gather: Vec<SliceRound>,
}

/// Rank i sends blocks `i + first .. i + first + count` (mod size) to rank `i + hop` (mod size), and receives the
/// like from `i - hop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceRound {
    /// How far ahead the receiver is.
    pub hop: u32,
    /// The first block, relative to the sender.
    pub first: u32,
    /// The number of blocks.
    pub count: u32,
}

impl Average {
    /// ⌈log₂ size⌉ rounds each way. With the skips size, ⌈size/2⌉, …, 1, the reduce round from skip s′ to skip s sends
    /// the blocks s..s′ after the own one to the rank s ahead; the gather undoes it, from the last round to the first.
    pub fn circulant(size: u32) -> Self {
        let skips: Vec<u32> =
            std::iter::successors(Some(size), |skip| (*skip > 1).then(|| skip.div_ceil(2))).collect();
        let pairs = || skips.windows(2).map(|pair| (pair[1], pair[0] - pair[1]));
        let reduce = pairs().map(|(skip, count)| SliceRound { hop: skip, first: skip, count });
        let gather = pairs().rev().map(|(skip, count)| SliceRound { hop: size - skip, first: 0, count });
        Self { size, reduce: reduce.collect(), gather: gather.collect() }
    }
}
