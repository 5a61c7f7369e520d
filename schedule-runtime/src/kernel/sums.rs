//! The loops of weighted sums: as many elements at a time as the instructions take, and one by one at the ends.

use super::instructions::{Line, Loop, Set, Single, Vector};
use crate::storage::Storage;
use std::ops::Range;

/// What is done to slices of one length, place by place.
pub(super) trait Step {
    /// The length.
    fn length(&self) -> usize;

    /// Does it to the places from `at` on, one for each lane.
    ///
    /// # Safety
    /// They lie in the slices, and the machine has the instructions. Streamed ones begin at a multiple of their size.
    unsafe fn step<I: Set, const STREAMED: bool>(&mut self, at: usize);
}

/// A step at every place.
pub(super) struct Everywhere<S>(pub(super) S);

impl<S: Step> Loop for Everywhere<S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Set>(mut self) {
        let length = self.0.length();
        let last = length - length % I::LANES;
        self.over::<I, false>(0..last);
        self.over::<Single, false>(last..length);
    }
}

impl<S: Step> Everywhere<S> {
    #[inline(always)]
    fn over<I: Set, const STREAMED: bool>(&mut self, places: Range<usize>) {
        for at in places.step_by(I::LANES) {
            // SAFETY: `places` is a multiple of the lanes.
            unsafe { self.0.step::<I, STREAMED>(at) }
        }
    }
}

/// A step at every place that stores past the caches; this number of places lie before the first line of the cache.
pub(super) struct Streamed<S>(pub(super) S, pub(super) usize);

impl<S: Step> Loop for Streamed<S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Set>(self) {
        let length = self.0.length();
        let first = self.1.min(length);
        let last = length - (length - first) % I::LANES;
        let mut steps = Everywhere(self.0);
        steps.over::<Single, false>(0..first);
        steps.over::<I, true>(first..last);
        steps.over::<Single, false>(last..length);
        I::fence();
    }
}

/// `target ← source` past the caches.
pub(super) struct Copied<'a> {
    pub(super) target: &'a mut [u8],
    pub(super) source: &'a [u8],
}

impl Loop for Copied<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Set>(self) {
        // SAFETY: any bytes are a line.
        let (first, lines, last) = unsafe { self.target.align_to_mut::<Line>() };
        let (head, source) = self.source.split_at(first.len());
        let (source, tail) = source.as_chunks();
        first.copy_from_slice(head);
        for (to, from) in lines.iter_mut().zip(source) {
            // SAFETY: `run` is called where the machine has the instructions.
            unsafe { I::copy_line(from, to) }
        }
        last.copy_from_slice(tail);
        I::fence();
    }
}

/// `target ← Σ_k weight_k · x_k`, without reading `target`.
pub(super) struct Sum<'a, T, S: Storage> {
    pub(super) target: &'a mut [T],
    pub(super) first: (S::Arithmetic, &'a [S]),
    pub(super) further: &'a [(S::Arithmetic, &'a [S])],
}

impl<T: Storage<Arithmetic = S::Arithmetic>, S: Storage> Step for Sum<'_, T, S> {
    fn length(&self) -> usize {
        self.target.len()
    }

    #[inline(always)]
    unsafe fn step<I: Set, const STREAMED: bool>(&mut self, at: usize) {
        let (weight, x) = self.first;
        // SAFETY: the caller's.
        unsafe {
            let mut sum = I::Vector::splat(weight) * I::load(x.as_ptr().add(at));
            for (weight, x) in self.further {
                sum = sum + I::Vector::splat(*weight) * I::load(x.as_ptr().add(at));
            }
            I::store::<T, STREAMED>(sum, self.target.as_mut_ptr().add(at));
        }
    }
}

/// `sum ← sum + weight · y`.
pub(super) struct Accumulate<'a, S: Storage> {
    pub(super) sum: &'a mut [S::Arithmetic],
    pub(super) weight: S::Arithmetic,
    pub(super) y: &'a [S],
}

impl<S: Storage> Step for Accumulate<'_, S> {
    fn length(&self) -> usize {
        self.sum.len()
    }

    #[inline(always)]
    unsafe fn step<I: Set, const STREAMED: bool>(&mut self, at: usize) {
        let place = self.sum.as_mut_ptr();
        // SAFETY: the caller's.
        unsafe {
            let product = I::Vector::splat(self.weight) * I::load(self.y.as_ptr().add(at));
            let sum = I::load(place.add(at)) + product;
            I::store::<S::Arithmetic, STREAMED>(sum, place.add(at));
        }
    }
}

/// `x, y ← a[0] · x + a[1] · y, b[0] · y + b[1] · x`.
pub(super) struct Pair<'a, S: Storage> {
    pub(super) x: &'a mut [S],
    pub(super) y: &'a mut [S],
    pub(super) a: [S::Arithmetic; 2],
    pub(super) b: [S::Arithmetic; 2],
}

impl<S: Storage> Step for Pair<'_, S> {
    fn length(&self) -> usize {
        self.x.len()
    }

    #[inline(always)]
    unsafe fn step<I: Set, const STREAMED: bool>(&mut self, at: usize) {
        let splat = I::Vector::splat;
        // SAFETY: the caller's.
        unsafe {
            let (to_x, to_y) = (self.x.as_mut_ptr().add(at), self.y.as_mut_ptr().add(at));
            let (x, y) = (I::load(to_x), I::load(to_y));
            I::store::<S, STREAMED>(splat(self.a[0]) * x + splat(self.a[1]) * y, to_x);
            I::store::<S, STREAMED>(splat(self.b[0]) * y + splat(self.b[1]) * x, to_y);
        }
    }
}
