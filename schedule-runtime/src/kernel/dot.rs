//! Inner products in an order of additions that is the same on every machine, and that splits over many threads.

use super::Mode;
use super::convert::{PART, loaded};
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
            return self.instructions.run(Block { x, y });
        }
        let left = length.div_ceil(BLOCK).next_power_of_two() / 2 * BLOCK;
        self.dot(&x[..left], &y[..left]) + self.dot(&x[left..], &y[left..])
    }
}

impl Mode {
    /// `Σ_k |x_k|` in `f64`, in the order of [`dot`](super::dot).
    pub(crate) fn magnitude<A: Element>(self, x: &[A]) -> f64 {
        if x.len() <= BLOCK {
            return self.instructions.run(Magnitudes(x));
        }
        let left = x.len().div_ceil(BLOCK).next_power_of_two() / 2 * BLOCK;
        self.magnitude(&x[..left]) + self.magnitude(&x[left..])
    }
}

struct Magnitudes<'a, A>(&'a [A]);

impl<A: Element> Loop for Magnitudes<'_, A> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Set>(self) -> f64 {
        let mut sums = [0.0; LANES];
        for x in self.0.chunks(LANES) {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += x.abs().to_f64();
            }
        }
        sums.iter().sum()
    }
}

struct Block<'a, S, U> {
    x: &'a [S],
    y: &'a [U],
}

impl<S: Storage, U: Storage> Loop for Block<'_, S, U> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Set>(self) -> f64 {
        let mut rooms = ([Default::default(); PART], [Default::default(); PART]);
        let mut sums = [0.0; LANES];
        for (x, y) in self.x.chunks(PART).zip(self.y.chunks(PART)) {
            let (x, y) = (loaded::<I, S>(x, &mut rooms.0), loaded::<I, U>(y, &mut rooms.1));
            add_products(&mut sums, x, y);
        }
        sums.iter().sum()
    }
}

#[inline(always)]
fn add_products<A: Element, B: Element>(sums: &mut [f64; LANES], x: &[A], y: &[B]) {
    let ((x, last_x), (y, last_y)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (x, y) in x.iter().zip(y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x.to_f64() * y.to_f64();
        }
    }
    for ((sum, x), y) in sums.iter_mut().zip(last_x).zip(last_y) {
        *sum += x.to_f64() * y.to_f64();
    }
}
