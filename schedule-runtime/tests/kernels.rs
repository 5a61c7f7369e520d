//! Kernels give the bits of the rule — products and sums rounded one by one, in order, and stored with one rounding — for
//! each number type, wherever slices begin and end, by whatever instructions.

use bfc_runtime::kernel::{self, Instructions, Mode};
use bfc_runtime::{Dtype, Slice, Storage};
use bfc_schedule::program::scalar::Number;
use half::{bf16, f16};
use proptest::prelude::*;
use std::fmt::Debug;

fn modes() -> impl Iterator<Item = Mode> {
    let instructions = [Instructions::PORTABLE, Instructions::best()];
    instructions
        .into_iter()
        .flat_map(|instructions| [false, true].map(|streamed| Mode { instructions, streamed }))
}

/// Equal bits; one NaN is as good as another.
fn same<S: Storage>(a: S, b: S) -> bool {
    let (a, b) = (a.load().to_f64(), b.load().to_f64());
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

fn assert_same<S: Storage>(what: impl Debug, found: &[S], expected: impl IntoIterator<Item = S>) {
    let expected: Vec<S> = expected.into_iter().collect();
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (place, (&found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(same(found, expected), "{what:?} at {place}: {found:?} instead of {expected:?}");
    }
}

/// A type of 16 bits, beside what `half` computes without instructions of the machine.
trait Half: Storage<Arithmetic = f32> {
    fn of(bits: u16) -> Self;
    fn number(self) -> f32;
    fn nearest(number: f32) -> Self;
}

impl Half for bf16 {
    fn of(bits: u16) -> Self {
        Self::from_bits(bits)
    }
    fn number(self) -> f32 {
        self.to_f32_const()
    }
    fn nearest(number: f32) -> Self {
        Self::from_f32_const(number)
    }
}

impl Half for f16 {
    fn of(bits: u16) -> Self {
        Self::from_bits(bits)
    }
    fn number(self) -> f32 {
        self.to_f32_const()
    }
    fn nearest(number: f32) -> Self {
        Self::from_f32_const(number)
    }
}

fn conversions<S: Half>() {
    let every: Vec<S> = (0..=u16::MAX).map(S::of).collect();
    let numbers: Vec<f32> = every.iter().map(|x| x.number()).collect();
    // Each number, where rounding turns between it and the next, and what is beside these places.
    let turns =
        numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| ((*a as f64 + *b as f64) / 2.0) as f32);
    let near = |x: f32| [x.next_down(), x, x.next_up()];
    let further = [f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), f32::from_bits(0x7f80_0001)];
    let around: Vec<f32> =
        numbers.iter().copied().chain(turns).chain(further).flat_map(near).flat_map(|x| [x, -x]).collect();
    for mode in modes() {
        let mut loaded = vec![0f32; every.len()];
        mode.scale(&mut loaded, 1.0, &every);
        assert_same((S::DTYPE, mode), &loaded, numbers.iter().copied());
        let mut stored = vec![S::of(0); around.len()];
        mode.round(&mut stored, &around);
        assert_same((S::DTYPE, mode), &stored, around.iter().map(|x| S::nearest(*x)));
    }
    for x in every {
        assert!(same(S::store(x.load()), x), "{x:?}");
    }
    for x in around {
        assert!(same(S::store(x), S::nearest(x)), "{x:?}");
    }
}

#[test]
fn every_bf16_is_read_and_written_as_by_software() {
    conversions::<bf16>();
}

#[test]
fn every_f16_is_read_and_written_as_by_software() {
    conversions::<f16>();
}

#[test]
fn types_at_run_time_are_those_of_the_numbers() {
    fn check<S: Storage>(name: &str, bytes: usize) {
        let numbers = [S::store(Number::from_f64(1.5)); 3];
        assert_eq!(Dtype::from_name(name), Some(S::DTYPE));
        assert_eq!((S::DTYPE.name(), S::DTYPE.bytes(), size_of::<S>()), (name, bytes, bytes));
        let slice = Slice::of(&numbers);
        assert_eq!(slice.dtype(), S::DTYPE);
        assert_eq!(slice.part(1..3).as_numbers::<S>(), Some(&numbers[1..]));
        assert_eq!(slice.as_numbers::<f64>().is_some(), S::DTYPE == Dtype::F64);
    }
    check::<f64>("f64", 8);
    check::<f32>("f32", 4);
    check::<bf16>("bf16", 2);
    check::<f16>("f16", 2);
}

/// A number made of random bits, of every kind.
fn number<S: Storage>(bits: u64) -> S {
    let special = [0.0, -0.0, 1.0, f64::INFINITY, f64::NAN, f64::MAX, 1e-40, 6e-8, 65504.0];
    let exact: f64 = match bits % 4 {
        0 => special[bits as usize / 4 % special.len()],
        1 => f64::from_bits(bits),
        _ => (bits >> 32) as i32 as f64 / 1e9,
    };
    S::store(Number::from_f64(exact))
}

/// Slices of one length, each beginning at its own place.
struct Slices<S> {
    memory: Vec<Vec<S>>,
    starts: Vec<usize>,
    length: usize,
}

impl<S: Storage> Slices<S> {
    fn new(count: usize, length: usize, seed: u64) -> Self {
        let bits =
            |slice: usize, place: usize| bfc_schedule::random::output(seed + slice as u64, place as u64);
        let memory = |slice: usize| (0..length + 70).map(|place| number(bits(slice, place))).collect();
        let start = |slice: usize| bits(slice, length + 70) as usize % 70;
        Self { memory: (0..count).map(memory).collect(), starts: (0..count).map(start).collect(), length }
    }

    fn get(&self, slice: usize) -> &[S] {
        &self.memory[slice][self.starts[slice]..][..self.length]
    }
}

/// Runs a kernel on a part of a vector, the rest of which it must leave alone.
fn on_part<S: Storage>(start: usize, part: &[S], kernel: impl FnOnce(&mut [S])) -> Vec<S> {
    let around = S::store(Number::from_f64(7.0));
    let mut memory = vec![around; start];
    memory.extend(part);
    memory.extend([around; 70]);
    kernel(&mut memory[start..start + part.len()]);
    let (before, rest) = memory.split_at(start);
    let (part, after) = rest.split_at(part.len());
    assert_same("around", before, vec![around; start]);
    assert_same("around", after, vec![around; 70]);
    part.to_vec()
}

fn sums<S: Storage>(length: usize, terms: usize, start: usize, seed: u64) {
    let slices = Slices::<S>::new(terms.max(2), length, seed);
    let old = Slices::<S::Arithmetic>::new(1, length, seed + 100);
    let weights = Slices::<S::Arithmetic>::new(1, terms.max(4), seed + 200);
    let (weights, x, y, old) = (weights.get(0), slices.get(0), slices.get(1), old.get(0));
    let listed: Vec<_> = (0..terms).map(|k| (weights[k], slices.get(k))).collect();
    let sum = |place: usize| {
        let products = listed.iter().map(|(weight, x)| *weight * x[place].load());
        products.reduce(|sum, product| sum + product).unwrap_or_default()
    };
    let each = |at: &dyn Fn(usize) -> S::Arithmetic| (0..length).map(at).collect::<Vec<_>>();
    let (v, w) = (weights[0], weights[1]);
    for mode in modes() {
        let what = |kernel: &'static str| (kernel, S::DTYPE, mode, length, terms, start);
        let found = on_part(start, x, |target| mode.fused(target, &listed));
        assert_same(what("fused"), &found, (0..length).map(|place| S::store(sum(place))));
        let found = on_part(start, x, |target| mode.copy(target, y));
        let bytes = |slice: &[S]| bytemuck::cast_slice::<S, u8>(slice).to_vec();
        assert_eq!(bytes(&found), bytes(y), "{:?}", what("copy"));
        let found = on_part(start, x, |target| mode.round(target, old));
        assert_same(what("round"), &found, old.iter().map(|x| S::store(*x)));
        let found = on_part(start, old, |sum| mode.scale(sum, v, x));
        assert_same(what("scale"), &found, each(&|place| v * x[place].load()));
        let found = on_part(start, old, |sum| mode.first(sum, v, x, w, y));
        assert_same(what("first"), &found, each(&|place| v * x[place].load() + w * y[place].load()));
        let found = on_part(start, old, |sum| mode.accumulate(sum, w, y));
        assert_same(what("accumulate"), &found, each(&|place| old[place] + w * y[place].load()));
        let found = on_part(start, old, |sum| mode.add(sum, y));
        assert_same(what("add"), &found, each(&|place| old[place] + y[place].load()));
        let (a, b) = ([v, w], [weights[2], weights[3]]);
        let mut found_y = y.to_vec();
        let found = on_part(start, x, |x| mode.pair(x, &mut found_y, a, b));
        let both = |own: &[S], other: &[S], weights: [S::Arithmetic; 2]| {
            let terms = own.iter().zip(other).map(move |(own, other)| (own.load(), other.load()));
            terms.map(|(own, other)| S::store(weights[0] * own + weights[1] * other)).collect::<Vec<_>>()
        };
        assert_same(what("pair"), &found, both(x, y, a));
        assert_same(what("pair"), &found_y, both(y, x, b));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kernels_do_what_the_rule_says(
        length in 0usize..200,
        terms in 0usize..12,
        start in 0usize..70,
        seed in 0u64..1 << 60,
    ) {
        sums::<f64>(length, terms, start, seed);
        sums::<f32>(length, terms, start, seed);
        sums::<bf16>(length, terms, start, seed);
        sums::<f16>(length, terms, start, seed);
    }
}

#[test]
fn long_targets_get_the_same_bits() {
    let length = (16 << 20) / size_of::<f32>() + 5;
    let x: Vec<f32> = (0..length).map(|place| place as f32 / 3.0).collect();
    let mut sum = vec![0.0; length];
    kernel::first(&mut sum, 0.3, &x, 0.7, &x);
    assert_same("first", &sum, x.iter().map(|x| 0.3 * x + 0.7 * x));
    kernel::fused(&mut sum, &[(0.7, &x[..])]);
    assert_same("fused", &sum, x.iter().map(|x| 0.7 * x));
    kernel::copy(&mut sum, &x);
    assert!(sum == x);
}

#[test]
#[should_panic(expected = "vectors of one length")]
fn a_sum_refuses_slices_of_different_lengths() {
    kernel::accumulate(&mut [0.0; 3], 1.0, &[1f32; 2]);
}

/// The rule, written down another way: level by level.
fn inner_product(x: &[f64], y: &[f64]) -> f64 {
    let block = |(x, y): (&[f64], &[f64])| {
        let lane = |lane: usize| {
            let products = x.iter().zip(y).skip(lane).step_by(8).map(|(x, y)| x * y);
            products.fold(0.0, |sum, product| sum + product)
        };
        (0..8).map(lane).fold(0.0, |sum, lane| sum + lane)
    };
    let mut sums: Vec<f64> = x.chunks(4096).zip(y.chunks(4096)).map(block).collect();
    while sums.len() > 1 {
        sums = sums.chunks(2).map(|pair| pair.iter().copied().reduce(|a, b| a + b).unwrap_or(0.0)).collect();
    }
    sums.first().copied().unwrap_or(0.0)
}

#[test]
fn inner_products_are_added_up_in_one_order() {
    fn drawn<S: Storage>(length: usize, seed: u64) -> Vec<S> {
        let unit = |place| bfc_schedule::random::unit(seed, place) - 0.5;
        (0..length as u64).map(|place| S::store(Number::from_f64(unit(place)))).collect()
    }
    fn check<S: Storage, U: Storage>(length: usize) {
        let (x, y) = (drawn::<S>(length, 1), drawn::<U>(length, 2));
        let exact_x: Vec<f64> = x.iter().map(|x| x.load().to_f64()).collect();
        let exact_y: Vec<f64> = y.iter().map(|y| y.load().to_f64()).collect();
        let expected = inner_product(&exact_x, &exact_y);
        for mode in modes() {
            let found = mode.dot(&x, &y);
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{} · {}, {length}",
                S::DTYPE.name(),
                U::DTYPE.name()
            );
        }
    }
    for length in
        [0, 1, 7, 8, 9, 255, 257, 4095, 4096, 4097, 8192, 12_289, 5 * 4096, 6 * 4096 + 1, 7 * 4096 + 100]
    {
        check::<f64, f64>(length);
        check::<f32, f32>(length);
        check::<bf16, bf16>(length);
        check::<f16, f16>(length);
        check::<f32, f64>(length);
        check::<bf16, f32>(length);
    }
    assert_eq!(kernel::dot(&[1f32, 2.0, 3.0], &[4f64, 5.0]), 14.0, "as far as both go");
}
