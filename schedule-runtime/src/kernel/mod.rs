//! Loops over slices at the speed of memory: sums `Σ_k w_k x_k` term by term, copies, and inner products.
//!
//! Every product and every sum is rounded by itself, in the order of the terms, in the [arithmetic type](Storage) of the
//! slices; where the target is shorter than that, the finished sum is rounded once. So results depend neither on the
//! instructions of the machine nor on how a target is written ([`Mode`]).
//!
//! | file | what |
//! |---|---|
//! | `instructions`, `avx2` | what loops are compiled for, and numbers of memory as numbers of arithmetic |
//! | `sums` | loops that write, change or exchange |
//! | `convert` | numbers of one type as numbers of another |
//! | `dot` | inner products |

#[cfg(target_arch = "x86_64")]
mod avx2;
mod convert;
mod dot;
mod instructions;
mod sums;

use crate::element::Element;
use crate::storage::{Slice, Storage, for_each_type};
use bfc_schedule::program::scalar::Number;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use convert::{Convert, Load};
pub use instructions::Instructions;
use instructions::LINE;
pub(crate) use instructions::{Loop, Set};
use sums::{Accumulate, Copied, Everywhere, Pair, Step, Streamed, Sum};

/// Targets from this number of bytes on are written past the caches. Measured with caches of 32 MiB: alone, a target of
/// 8 MiB loses a fifth by it; beside other work it takes half the time, as do longer ones in any case.
const STREAMED: usize = 8 << 20;

/// How loops run, which changes their speed and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// What they are compiled for.
    pub instructions: Instructions,
    /// Whether targets that are not read are written past the caches.
    pub streamed: bool,
}

impl Mode {
    /// The fastest for targets of this number of bytes. Where one is written piece by piece, it is the whole that counts.
    pub fn best(bytes: usize) -> Self {
        Self { instructions: Instructions::best(), streamed: bytes >= STREAMED }
    }

    /// As [`copy`].
    pub fn copy<T: Pod>(self, target: &mut [T], source: &[T]) {
        same_length(target.len(), source.len());
        let (target, source): (&mut [u8], &[u8]) = (cast_slice_mut(target), cast_slice(source));
        match self.streamed {
            true => self.instructions.run(Copied { target, source }),
            false => target.copy_from_slice(source),
        }
    }

    /// As [`scale`].
    pub fn scale<S: Storage>(self, sum: &mut [S::Arithmetic], weight: S::Arithmetic, x: &[S]) {
        self.sum(sum, &[(weight, x)]);
    }

    /// As [`first`].
    pub fn first<S: Storage>(
        self,
        sum: &mut [S::Arithmetic],
        self_weight: S::Arithmetic,
        x: &[S],
        weight: S::Arithmetic,
        y: &[S],
    ) {
        self.sum(sum, &[(self_weight, x), (weight, y)]);
    }

    /// As [`accumulate`].
    pub fn accumulate<S: Storage>(self, sum: &mut [S::Arithmetic], weight: S::Arithmetic, y: &[S]) {
        same_length(sum.len(), y.len());
        self.instructions.run(Everywhere(Accumulate { sum, weight, y }));
    }

    /// As [`add`].
    pub fn add<S: Storage>(self, sum: &mut [S::Arithmetic], y: &[S]) {
        // A product with 1 is exact.
        self.accumulate(sum, S::Arithmetic::from_f64(1.0), y);
    }

    /// As [`round`].
    pub fn round<S: Storage>(self, target: &mut [S], sum: &[S::Arithmetic]) {
        self.convert(target, sum);
    }

    /// As [`fused`].
    pub fn fused<S: Storage>(self, target: &mut [S], terms: &[(S::Arithmetic, &[S])]) {
        self.sum(target, terms);
    }

    fn sum<T: Storage<Arithmetic = S::Arithmetic>, S: Storage>(
        self,
        target: &mut [T],
        terms: &[(S::Arithmetic, &[S])],
    ) {
        terms.iter().for_each(|(_, x)| same_length(target.len(), x.len()));
        match terms {
            [] => target.fill(T::zeroed()),
            [first, further @ ..] => self.write(unaligned(target), Sum { target, first: *first, further }),
        }
    }

    /// As [`round`], and back.
    pub(crate) fn convert<T: Storage<Arithmetic = S::Arithmetic>, S: Storage>(
        self,
        target: &mut [T],
        x: &[S],
    ) {
        same_length(target.len(), x.len());
        self.write(unaligned(target), Convert { target, x });
    }

    /// `target ← x`, which may be of any type.
    pub(crate) fn load<A: Element>(self, target: &mut [A], x: Slice<'_>) {
        for_each_type!(x, x => {
            same_length(target.len(), x.len());
            self.instructions.run(Load { target, x });
        })
    }

    fn write(self, unaligned: usize, step: impl Step) {
        match self.streamed {
            true => self.instructions.run(Streamed(step, unaligned)),
            false => self.instructions.run(Everywhere(step)),
        }
    }

    /// As [`pair`].
    pub fn pair<S: Storage>(self, x: &mut [S], y: &mut [S], a: [S::Arithmetic; 2], b: [S::Arithmetic; 2]) {
        same_length(x.len(), y.len());
        self.instructions.run(Everywhere(Pair { x, y, a, b }));
    }
}

/// Elements before the first line of the cache.
fn unaligned<T>(target: &[T]) -> usize {
    target.as_ptr().align_offset(LINE)
}

fn same_length(a: usize, b: usize) {
    assert_eq!(a, b, "vectors of one length");
}

/// `target ← source`.
pub fn copy<T: Pod>(target: &mut [T], source: &[T]) {
    Mode::best(size_of_val(target)).copy(target, source);
}

/// `sum ← weight · x`.
pub fn scale<S: Storage>(sum: &mut [S::Arithmetic], weight: S::Arithmetic, x: &[S]) {
    Mode::best(size_of_val(sum)).scale(sum, weight, x);
}

/// `sum ← self_weight · x + weight · y`.
pub fn first<S: Storage>(
    sum: &mut [S::Arithmetic],
    self_weight: S::Arithmetic,
    x: &[S],
    weight: S::Arithmetic,
    y: &[S],
) {
    Mode::best(size_of_val(sum)).first(sum, self_weight, x, weight, y);
}

/// `sum ← sum + weight · y`.
pub fn accumulate<S: Storage>(sum: &mut [S::Arithmetic], weight: S::Arithmetic, y: &[S]) {
    Mode::best(size_of_val(sum)).accumulate(sum, weight, y);
}

/// `sum ← sum + y`.
pub fn add<S: Storage>(sum: &mut [S::Arithmetic], y: &[S]) {
    Mode::best(size_of_val(sum)).add(sum, y);
}

/// `target ← sum`, rounded.
pub fn round<S: Storage>(target: &mut [S], sum: &[S::Arithmetic]) {
    Mode::best(size_of_val(target)).round(target, sum);
}

/// `target ← Σ_k weight_k · x_k`.
pub fn fused<S: Storage>(target: &mut [S], terms: &[(S::Arithmetic, &[S])]) {
    Mode::best(size_of_val(target)).fused(target, terms);
}

/// `x, y ← a[0]·x + a[1]·y, b[0]·y + b[1]·x`: both sides of a symmetric round at once.
pub fn pair<S: Storage>(x: &mut [S], y: &mut [S], a: [S::Arithmetic; 2], b: [S::Arithmetic; 2]) {
    Mode::best(size_of_val(x)).pair(x, y, a, b);
}

/// `Σ_k x_k y_k` in `f64`, as far as both go. A block is 4,096 elements: eight sums, each of every eighth product in order,
/// are added up in order. Then neighbouring sums are added in pairs until one is left; the last of an odd number waits.
pub fn dot<S: Storage, U: Storage>(x: &[S], y: &[U]) -> f64 {
    Mode::best(0).dot(x, y)
}
