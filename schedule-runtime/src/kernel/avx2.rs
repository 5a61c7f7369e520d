//! Eight numbers at a time with AVX2 and F16C.
//!
//! Only [`Instructions::run`](super::Instructions) starts what is here, on machines that have these instructions.

use super::instructions::{LINE, Line, Set, Vector};
use crate::element::Element;
use crate::storage::{Dtype, Storage};
use std::arch::x86_64::*;
use std::ops::{Add, Mul};

pub(crate) struct Avx2;

/// Eight `f32` in a register, or eight `f64` in two.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Eight<A>([A; 8]);

/// The same bits.
///
/// # Safety
/// Both are registers or the numbers in them, for which any bits are valid.
#[inline(always)]
unsafe fn cast<A: Copy, B: Copy>(value: A) -> B {
    // SAFETY: the caller's.
    unsafe { std::mem::transmute_copy(&value) }
}

/// Four times eight: at least a line of the cache from each source before the next. Sources often begin at like places of
/// pages, where more than eight of them drive each other's lines out of the first-level cache.
#[derive(Clone, Copy)]
pub(crate) struct Lines<A>([Eight<A>; 4]);

impl<A: Element> Vector<A> for Lines<A> {
    #[inline(always)]
    fn splat(number: A) -> Self {
        Self([Eight([number; 8]); 4])
    }
}

macro_rules! lane_by_lane {
    ($operator:ident, $method:ident, $f32:ident, $f64:ident) => {
        impl<A: Element> $operator for Eight<A> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: the machine has AVX.
                unsafe {
                    if A::DTYPE == Dtype::F32 {
                        cast($f32(cast(self), cast(other)))
                    } else {
                        let ([a, b], [c, d]): ([__m256d; 2], [__m256d; 2]) = (cast(self), cast(other));
                        cast([$f64(a, c), $f64(b, d)])
                    }
                }
            }
        }

        impl<A: Element> $operator for Lines<A> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
                Self([a.$method(e), b.$method(f), c.$method(g), d.$method(h)])
            }
        }
    };
}
lane_by_lane!(Add, add, _mm256_add_ps, _mm256_add_pd);
lane_by_lane!(Mul, mul, _mm256_mul_ps, _mm256_mul_pd);

impl Set for Avx2 {
    type Vector<A: Element> = Lines<A>;
    const LANES: usize = 32;

    #[inline(always)]
    unsafe fn load<S: Storage>(from: *const S) -> Lines<S::Arithmetic> {
        // SAFETY: the caller's.
        unsafe { Lines([load(from), load(from.add(8)), load(from.add(16)), load(from.add(24))]) }
    }

    #[inline(always)]
    unsafe fn store<S: Storage, const STREAMED: bool>(values: Lines<S::Arithmetic>, to: *mut S) {
        let [a, b, c, d] = values.0;
        // SAFETY: the caller's.
        unsafe {
            store::<S, STREAMED>([a, b], to);
            store::<S, STREAMED>([c, d], to.add(16));
        }
    }

    #[inline(always)]
    unsafe fn copy_line(from: &[u8; LINE], to: &mut Line) {
        let (from, to) = (from.as_ptr().cast::<__m256i>(), (&raw mut *to).cast::<__m256i>());
        // SAFETY: a line is two registers, and its place is aligned.
        unsafe {
            _mm256_stream_si256(to, from.read_unaligned());
            _mm256_stream_si256(to.add(1), from.add(1).read_unaligned());
        }
    }

    #[inline(always)]
    fn fence() {
        // SAFETY: every x86-64 has SSE.
        unsafe { _mm_sfence() }
    }
}

#[inline(always)]
unsafe fn load<S: Storage>(from: *const S) -> Eight<S::Arithmetic> {
    // SAFETY: the caller's.
    unsafe {
        match S::DTYPE {
            Dtype::F64 => cast(from.cast::<[__m256d; 2]>().read_unaligned()),
            Dtype::F32 => cast(from.cast::<__m256>().read_unaligned()),
            Dtype::F16 => cast(_mm256_cvtph_ps(from.cast::<__m128i>().read_unaligned())),
            Dtype::Bf16 => {
                let twice = _mm256_broadcastsi128_si256(from.cast::<__m128i>().read_unaligned());
                cast(_mm256_shuffle_epi8(twice, _mm256_load_si256(UPPER_HALVES.0.as_ptr().cast())))
            }
        }
    }
}

#[inline(always)]
unsafe fn store<S: Storage, const STREAMED: bool>(values: [Eight<S::Arithmetic>; 2], to: *mut S) {
    let to = to.cast::<__m256i>();
    // SAFETY: the caller's.
    unsafe {
        let put = |register: __m256i, place: usize| match STREAMED {
            true => _mm256_stream_si256(to.add(place), register),
            false => to.add(place).write_unaligned(register),
        };
        match S::DTYPE {
            Dtype::F64 => {
                let [a, b, c, d]: [__m256i; 4] = cast(values);
                put(a, 0);
                put(b, 1);
                put(c, 2);
                put(d, 3);
            }
            Dtype::F32 => {
                let [a, b] = values;
                put(cast(a), 0);
                put(cast(b), 1);
            }
            Dtype::F16 => {
                const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
                let [a, b] = values;
                let [a, b] = [_mm256_cvtps_ph::<NEAREST>(cast(a)), _mm256_cvtps_ph::<NEAREST>(cast(b))];
                put(_mm256_set_m128i(b, a), 0);
            }
            Dtype::Bf16 => {
                let [a, b] = nearest_bf16(cast(values));
                let packed = _mm256_packus_epi32(a, b);
                put(_mm256_permute4x64_epi64::<0b11_01_10_00>(packed), 0);
            }
        }
    }
}

/// Where the bytes of eight `bf16` go: four of them into the upper halves of each lane of 128 bits.
static UPPER_HALVES: Aligned = {
    let mut places = [0x80; 32];
    let mut number = 0;
    while number < 8 {
        places[4 * number + 2] = 2 * number as u8;
        places[4 * number + 3] = 2 * number as u8 + 1;
        number += 1;
    }
    Aligned(places)
};

#[repr(align(32))]
struct Aligned([u8; 32]);

/// The bits of the nearest `bf16` in each place.
#[inline(always)]
unsafe fn nearest_bf16([a, b]: [__m256; 2]) -> [__m256i; 2] {
    // SAFETY: the caller's.
    unsafe {
        let nearest = [nearest_number(a), nearest_number(b)];
        // They are rare: one comparison for both.
        match _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_UNORD_Q>(a, b)) {
            0 => nearest,
            _ => [with_nan(a, nearest[0]), with_nan(b, nearest[1])],
        }
    }
}

#[inline(always)]
unsafe fn nearest_number(values: __m256) -> __m256i {
    // SAFETY: the caller's.
    unsafe {
        let bits = _mm256_castps_si256(values);
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let nearest = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        _mm256_srli_epi32::<16>(nearest)
    }
}

#[inline(always)]
unsafe fn with_nan(values: __m256, nearest: __m256i) -> __m256i {
    // SAFETY: the caller's.
    unsafe {
        let is_nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(values, values));
        let nan = _mm256_set1_epi32((f32::NAN.to_bits() >> 16) as i32);
        _mm256_blendv_epi8(nearest, nan, is_nan)
    }
}
