//! Numbers drawn from a seed and a key: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", 2014), the same on every machine.

/// The key-th number of the generator that starts from `seed`.
pub(crate) fn splitmix(seed: u64, key: u64) -> u64 {
    let mut z = seed.wrapping_add(key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The same number in [0, 1), of 53 bits.
pub(crate) fn unit(seed: u64, key: u64) -> f64 {
    (splitmix(seed, key) >> 11) as f64 * (0.5f64).powi(53)
}
