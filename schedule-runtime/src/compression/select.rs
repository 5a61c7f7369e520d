//! Which elements are kept, and where they stand.

use crate::element::Element;
use bfc_schedule::compression::index_bytes;
use bfc_schedule::random::output;

/// The indices of the `count` elements of the largest magnitude, ascending; of equal ones the first are taken, and what
/// is not a number is taken before all others.
pub(super) fn largest<T: Element>(x: &[T], count: usize) -> Vec<usize> {
    if count >= x.len() {
        return (0..x.len()).collect();
    }
    let magnitude = |x: &T| x.abs().to_f64();
    let mut magnitudes: Vec<f64> = x.iter().map(magnitude).collect();
    let (above, least, _) = magnitudes.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
    let mut equal = 1 + above.iter().filter(|above| above.total_cmp(least).is_eq()).count();
    let mut kept = Vec::with_capacity(count);
    for (index, x) in x.iter().enumerate() {
        let order = magnitude(x).total_cmp(least);
        if order.is_gt() || (order.is_eq() && equal > 0) {
            equal -= order.is_eq() as usize;
            kept.push(index);
        }
    }
    kept
}

/// `count` of the indices below `length`, every subset equally likely, ascending (Floyd, in Bentley, "Programming pearls:
/// a sample of brilliance", 1987).
pub(super) fn drawn(length: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut chosen = vec![false; length];
    for last in length - count..length {
        let index = (output(seed, last as u64) % (last as u64 + 1)) as usize;
        let index = if chosen[index] { last } else { index };
        chosen[index] = true;
    }
    (0..length).filter(|index| chosen[*index]).collect()
}

pub(super) fn write_indices(bytes: &mut [u8], indices: &[usize], length: usize) {
    let width = index_bytes(length);
    for (place, index) in bytes.chunks_exact_mut(width).zip(indices) {
        place.copy_from_slice(&(*index as u64).to_le_bytes()[..width]);
    }
}

pub(super) fn read_indices(bytes: &[u8], length: usize) -> impl Iterator<Item = usize> + '_ {
    bytes
        .chunks_exact(index_bytes(length))
        .map(|place| place.iter().rev().fold(0, |index, byte| index << 8 | *byte as usize))
}

/// Zeros except for these values; an index past the end is ignored.
pub(super) fn scatter<T: Element>(
    x: &mut [T],
    indices: impl Iterator<Item = usize>,
    values: impl Iterator<Item = T>,
) {
    x.fill(T::default());
    for (index, value) in indices.zip(values) {
        x.get_mut(index).into_iter().for_each(|x| *x = value);
    }
}
