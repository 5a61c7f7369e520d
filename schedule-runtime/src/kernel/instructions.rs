//! The instructions that loops are compiled for, chosen at run time. All give the same bits: products and sums stand apart,
//! and fused multiply-add is never enabled.

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
use crate::element::Element;
use crate::storage::Storage;
use std::ops::{Add, Mul};

/// Instructions of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(Chosen);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Portable,
    /// And F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Instructions {
    /// What every machine of this architecture has.
    pub const PORTABLE: Self = Self(Chosen::Portable);

    /// The fastest of this machine.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
            return Self(Chosen::Avx2);
        }
        Self::PORTABLE
    }

    pub(crate) fn run<L: Loop>(self, work: L) -> L::Output {
        match self.0 {
            Chosen::Portable => work.run::<Portable>(),
            // SAFETY: this value exists only where `best` has found these instructions.
            #[cfg(target_arch = "x86_64")]
            Chosen::Avx2 => unsafe { with_avx2(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,f16c")]
unsafe fn with_avx2<L: Loop>(work: L) -> L::Output {
    work.run::<Avx2>()
}

/// A loop that is compiled for each set of instructions; everything in it is to be inlined.
pub(crate) trait Loop {
    type Output;
    fn run<I: Set>(self) -> Self::Output;
}

/// A set of instructions.
pub(crate) trait Set {
    /// Numbers of arithmetic that are computed at once.
    type Vector<A: Element>: Vector<A>;
    /// How many they are.
    const LANES: usize;

    /// [`Storage::load`] for each number.
    ///
    /// # Safety
    /// There are [`LANES`](Self::LANES) numbers at `from`, and the machine has these instructions.
    unsafe fn load<S: Storage>(from: *const S) -> Self::Vector<S::Arithmetic>;

    /// [`Storage::store`] for each number; `STREAMED`, past the caches: what is not read soon need not be read first
    /// either, as a store to a cache does.
    ///
    /// # Safety
    /// As [`load`](Self::load); where they are streamed, `to` is a multiple of their size.
    unsafe fn store<S: Storage, const STREAMED: bool>(values: Self::Vector<S::Arithmetic>, to: *mut S);

    /// Copies a line of the cache past the caches.
    ///
    /// # Safety
    /// The machine has these instructions.
    unsafe fn copy_line(from: &[u8; LINE], to: &mut Line);

    /// Orders streamed stores before all later ones.
    fn fence();
}

/// Numbers side by side.
pub(crate) trait Vector<A>: Copy + Add<Output = Self> + Mul<Output = Self> {
    /// This number in each place.
    fn splat(number: A) -> Self;
}

/// Bytes of a line of the cache.
pub(super) const LINE: usize = 64;

/// A line of the cache.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(super) [u8; LINE]);

/// One number at a time.
pub(crate) struct Single;

impl<A: Element> Vector<A> for A {
    #[inline(always)]
    fn splat(number: A) -> A {
        number
    }
}

impl Set for Single {
    type Vector<A: Element> = A;
    const LANES: usize = 1;

    #[inline(always)]
    unsafe fn load<S: Storage>(from: *const S) -> S::Arithmetic {
        // SAFETY: the caller's.
        unsafe { *from }.load()
    }

    #[inline(always)]
    unsafe fn store<S: Storage, const STREAMED: bool>(number: S::Arithmetic, to: *mut S) {
        // SAFETY: the caller's.
        unsafe { *to = S::store(number) }
    }

    #[inline(always)]
    unsafe fn copy_line(from: &[u8; LINE], to: &mut Line) {
        to.0 = *from;
    }

    fn fence() {}
}

/// Numbers in loops of fixed length, which the compiler turns into whatever vectors there are.
pub(crate) struct Portable;

/// The numbers of such a loop.
#[derive(Clone, Copy)]
pub(crate) struct Numbers<A>([A; Portable::LANES]);

macro_rules! number_by_number {
    ($operator:ident, $method:ident) => {
        impl<A: Element> $operator for Numbers<A> {
            type Output = Self;
            #[inline(always)]
            fn $method(mut self, other: Self) -> Self {
                for (number, other) in self.0.iter_mut().zip(other.0) {
                    *number = number.$method(other);
                }
                self
            }
        }
    };
}
number_by_number!(Add, add);
number_by_number!(Mul, mul);

impl<A: Element> Vector<A> for Numbers<A> {
    #[inline(always)]
    fn splat(number: A) -> Self {
        Self([number; Portable::LANES])
    }
}

impl Set for Portable {
    type Vector<A: Element> = Numbers<A>;
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load<S: Storage>(from: *const S) -> Numbers<S::Arithmetic> {
        let mut numbers = Numbers([S::Arithmetic::default(); Self::LANES]);
        for (lane, number) in numbers.0.iter_mut().enumerate() {
            // SAFETY: the caller's.
            *number = unsafe { *from.add(lane) }.load();
        }
        numbers
    }

    #[inline(always)]
    unsafe fn store<S: Storage, const STREAMED: bool>(numbers: Numbers<S::Arithmetic>, to: *mut S) {
        for (lane, number) in numbers.0.into_iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { *to.add(lane) = S::store(number) }
        }
    }

    #[inline(always)]
    unsafe fn copy_line(from: &[u8; LINE], to: &mut Line) {
        to.0 = *from;
    }

    fn fence() {}
}
