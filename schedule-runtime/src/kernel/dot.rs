//! Inner products in an order of additions that is the same on every machine, and that splits over many threads.

use super::Mode;
use super::instructions::{Loop, Set};
use crate::element::Element;
use crate::storage::Storage;

/// Elements of a block.
const BLOCK: usize = 4096;
/// Sums of a block.
const LANES: usize = 8;

impl Mode {
    /// As [`dot`](super::dot).
    pub fn dot<S: Storage, U: Storage>(self, x: &[S], y: &[U]) -> f64 {
        let length = x.len().min(y.len());
        let (x, y) = (&x[..length], &y[..length]);
        if length <= BLOCK {
            return self.block(x, y);
        }
        let left = length.div_ceil(BLOCK).next_power_of_two() / 2 * BLOCK;
        self.dot(&x[..left], &y[..left]) + self.dot(&x[left..], &y[left..])
    }

    fn block<S: Storage, U: Storage>(self, x: &[S], y: &[U]) -> f64 {
        let mut room = ([Default::default(); BLOCK], [Default::default(); BLOCK]);
        self.instructions.run(Block { x: self.load(x, &mut room.0), y: self.load(y, &mut room.1) })
    }
}

struct Block<'a, A, B> {
    x: &'a [A],
    y: &'a [B],
}

impl<A: Element, B: Element> Loop for Block<'_, A, B> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Set>(self) -> f64 {
        let ((x, last_x), (y, last_y)) = (self.x.as_chunks::<LANES>(), self.y.as_chunks::<LANES>());
        let mut sums = [0.0; LANES];
        for (x, y) in x.iter().zip(y) {
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum += x.to_f64() * y.to_f64();
            }
        }
        for ((sum, x), y) in sums.iter_mut().zip(last_x).zip(last_y) {
            *sum += x.to_f64() * y.to_f64();
        }
        sums.iter().sum()
    }
}
