//! Randomness as a function of a seed and a position: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
//!
//! `output(seed, k)` is the k-th output, from 0, of the generator that starts at `seed`; the state before output k is
//! `seed + (k + 1) · γ`, so any position costs the same. More keys open a substream: the output at the first key is the
//! seed for the rest.

use bfc_schedule::Rational;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output at position `k` of the stream of `seed`.
pub fn output(seed: u64, k: u64) -> u64 {
    let mut z = seed.wrapping_add(k.wrapping_add(1).wrapping_mul(GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The stream that a seed and further keys name.
pub fn substream(seed: u64, keys: &[u64]) -> u64 {
    keys.iter().fold(seed, |seed, &key| output(seed, key))
}

/// The number in [0, 1) that an output stands for: its upper 53 bits as a binary fraction.
pub fn unit(output: u64) -> Rational {
    Rational::new(output >> 11, 1u64 << 53)
}

/// The order that Fisher–Yates from the top gives `items`: for i from the last down to 1, the items at i and at
/// (the next output) mod (i + 1) change places; the first output is at position `k`.
pub fn shuffle<T>(items: &mut [T], seed: u64, k: u64) {
    for (draw, i) in (1..items.len()).rev().enumerate() {
        let other = output(seed, k.wrapping_add(draw as u64)) % (i as u64 + 1);
        items.swap(i, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_outputs_of_seed_zero_are_the_published_ones() {
        let outputs: Vec<u64> = (0..3).map(|k| output(0, k)).collect();
        assert_eq!(outputs, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }
}
