//! Randomness as a function of a seed and a key: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
//! generators", 2014), the same on every machine and in whatever order numbers are drawn.

use crate::Rational;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key-th output, from 0, of the generator that starts at `seed`. Its state is then `seed + (key + 1) · γ`, so that any
/// key costs the same.
pub fn output(seed: u64, key: u64) -> u64 {
    scrambled(seed.wrapping_add(key.wrapping_add(1).wrapping_mul(GAMMA)))
}

/// A permutation of 64 bits that leaves no pattern in them: what the generator makes of its state.
pub fn scrambled(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The generator that a seed and further keys name: the output at each key is the seed for the rest.
pub fn substream(seed: u64, keys: &[u64]) -> u64 {
    keys.iter().fold(seed, |seed, &key| output(seed, key))
}

/// The key-th number in [0, 1): the upper 53 bits of the output as a binary fraction.
pub fn unit(seed: u64, key: u64) -> f64 {
    (output(seed, key) >> 11) as f64 * (0.5f64).powi(53)
}

/// [`unit`], as a rational number.
pub fn exact_unit(seed: u64, key: u64) -> Rational {
    Rational::new(output(seed, key) >> 11, 1u64 << 53)
}

/// Fisher and Yates from the top: for i from the last down to 1, the items at i and at (the next output) mod (i + 1) change
/// places; the first output is that of `key`.
pub fn shuffle<T>(items: &mut [T], seed: u64, key: u64) {
    for (draw, i) in (1..items.len()).rev().enumerate() {
        let other = output(seed, key.wrapping_add(draw as u64)) % (i as u64 + 1);
        items.swap(i, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_outputs_of_seed_zero_are_the_published_ones() {
        let outputs: Vec<u64> = (0..3).map(|key| output(0, key)).collect();
        assert_eq!(outputs, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn keys_go_round_and_numbers_are_exact() {
        assert_eq!(output(5, u64::MAX), scrambled(5));
        assert_eq!(substream(0, &[0, 1]), output(output(0, 0), 1));
        assert_eq!(exact_unit(0, 7).to_f64(), unit(0, 7));
    }

    #[test]
    fn a_shuffle_is_the_one_of_the_library() {
        let mut items = [0, 1, 2, 3, 4, 5];
        shuffle(&mut items, 0, 0);
        assert_eq!(items, [4, 2, 5, 3, 0, 1]);
    }
}
