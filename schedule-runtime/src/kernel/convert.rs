//! Numbers of one type as numbers of another.

use super::instructions::{Loop, Set};
use super::sums::{Everywhere, Step};
use crate::element::Element;
use crate::storage::Storage;
use bfc_schedule::program::scalar::Number;
use bytemuck::cast_slice;

/// Elements that are converted before they are computed with.
pub(super) const PART: usize = 256;

/// `target ← x`.
pub(super) struct Convert<'a, T, S> {
    pub(super) target: &'a mut [T],
    pub(super) x: &'a [S],
}

impl<T: Storage<Arithmetic = S::Arithmetic>, S: Storage> Step for Convert<'_, T, S> {
    fn length(&self) -> usize {
        self.target.len()
    }

    #[inline(always)]
    unsafe fn step<I: Set, const STREAMED: bool>(&mut self, at: usize) {
        // SAFETY: the caller's.
        unsafe { I::store::<T, STREAMED>(I::load(self.x.as_ptr().add(at)), self.target.as_mut_ptr().add(at)) }
    }
}

/// `x` in its arithmetic type: itself, or what is written to `room`.
#[inline(always)]
pub(super) fn loaded<'a, I: Set, S: Storage>(
    x: &'a [S],
    room: &'a mut [S::Arithmetic],
) -> &'a [S::Arithmetic] {
    if S::DTYPE == <S::Arithmetic>::DTYPE {
        return cast_slice(x);
    }
    let target = &mut room[..x.len()];
    Everywhere(Convert { target, x }).run::<I>();
    &room[..x.len()]
}

/// `target ← x`, where the arithmetic types may differ.
pub(super) struct Load<'a, A, S> {
    pub(super) target: &'a mut [A],
    pub(super) x: &'a [S],
}

impl<A: Element, S: Storage> Loop for Load<'_, A, S> {
    type Output = ();

    #[inline(always)]
    fn run<I: Set>(self) {
        let mut room = [Default::default(); PART];
        for (target, x) in self.target.chunks_mut(PART).zip(self.x.chunks(PART)) {
            for (target, x) in target.iter_mut().zip(loaded::<I, S>(x, &mut room)) {
                *target = A::from_f64(x.to_f64());
            }
        }
    }
}
