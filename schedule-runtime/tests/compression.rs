//! Codecs: what is read is what was meant, never farther away than promised, and short.

use bfc_runtime::conformance::schedules::{X, program, ring, schedule};
use bfc_runtime::{Element, Flat, State, local};
use bfc_schedule::compression::{Float, LowRank};
use bfc_schedule::program::{Instruction, Register, Shape};
use bfc_schedule::{Codec, Rank};
use proptest::prelude::*;

/// What becomes of `x` on a rank of its own, written and read in each of `steps` steps.
fn compressed<T: Element>(codec: Codec, x: &[T], steps: usize) -> Vec<Vec<T>> {
    let (code, y) = (Register(1), Register(2));
    let step = vec![Instruction::Encode { from: X, into: code }, Instruction::Decode { from: code, into: y }];
    let shapes = vec![Shape::Vector, Shape::Code(codec), Shape::Vector];
    let mut program = program("coded", shapes, vec![("x", X), ("y", y)], step);
    program
        .initial
        .push(Instruction::Compute { into: y, expression: vec![bfc_schedule::program::Operation::Step] });
    let schedule = schedule(program, 1, vec![vec![ring(1)]]);
    let mut runs = local::spmd(1, |transport| {
        let mut machine = Flat::<T, _>::new(schedule.rank(Rank(0)), transport, x)?;
        let read = (0..steps).map(|_| {
            machine.step(&mut |_| ())?;
            match machine.state("y")? {
                State::Vector(y) => Ok(y.to_vec()),
                other => unreachable!("{other:?}"),
            }
        });
        read.collect::<Result<Vec<_>, bfc_runtime::RuntimeError>>()
    })
    .expect("a run");
    runs.remove(0)
}

fn once<T: Element>(codec: Codec, x: &[T]) -> Vec<T> {
    compressed(codec, x, 1).remove(0)
}

fn square(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

fn error(x: &[f64], y: &[f64]) -> f64 {
    square(&x.iter().zip(y).map(|(x, y)| x - y).collect::<Vec<_>>())
}

fn vectors() -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        4 => -10.0..10.0f64,
        1 => Just(0.0),
        1 => (-1.0..1.0f64, -30i32..30).prop_map(|(x, k)| x * 2f64.powi(k)),
    ];
    prop::collection::vec(number, 1..80)
}

/// Codecs that contract every vector, with the least δ for a vector of that length.
fn contracting(length: usize) -> Vec<(Codec, f64)> {
    let d = length as f64;
    let rows = length.isqrt() as f64;
    vec![
        (Codec::Cast(Float::F64), 1.0),
        (Codec::Cast(Float::F32), 1.0 - 2f64.powi(-48)),
        (Codec::Cast(Float::Bf16), 1.0 - 2f64.powi(-16)),
        (Codec::Quantize { bits: 2, seed: None }, 1.0 / d),
        (Codec::Quantize { bits: 8, seed: None }, 1.0 / d),
        (Codec::TopK(1), 1.0 / d),
        (Codec::TopK(5), 5f64.min(d) / d),
        (Codec::TopFraction { numerator: 1, denominator: 3 }, 1.0 / 3.0),
        (Codec::TopFraction { numerator: 1, denominator: 1 }, 1.0),
        (Codec::Sign, 1.0 / d),
        (Codec::LowRank(LowRank { rank: 1, rows: None }), 1.0 / rows),
        (Codec::LowRank(LowRank { rank: 3, rows: Some(4) }), 1.0 / d.min(4.0)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_error_is_contracted(x in vectors()) {
        for (codec, delta) in contracting(x.len()) {
            let y = once(codec, &x);
            let bound = (1.0 - delta) * square(&x);
            prop_assert!(error(&x, &y) <= bound + 1e-13 * square(&x), "{codec}: {x:?} became {y:?}");
        }
    }

    #[test]
    fn the_largest_are_kept(x in vectors(), count in 1u64..20) {
        let mut order: Vec<usize> = (0..x.len()).collect();
        order.sort_by(|a, b| x[*b].abs().total_cmp(&x[*a].abs()).then(a.cmp(b)));
        let kept = &order[..x.len().min(count as usize)];
        let expected: Vec<f64> =
            (0..x.len()).map(|index| if kept.contains(&index) { x[index] } else { 0.0 }).collect();
        prop_assert_eq!(once(Codec::TopK(count), &x), expected);
    }

    /// Reading what was read changes nothing: levels are levels again.
    #[test]
    fn rounding_twice_is_rounding_once(x in vectors(), bits in 2u8..=16) {
        for codec in [
            Codec::Quantize { bits, seed: None },
            Codec::Cast(Float::Bf16),
            Codec::Cast(Float::F16),
            Codec::Cast(Float::F32),
        ] {
            let y = once(codec, &x);
            prop_assert_eq!(once(codec, &y), y);
        }
    }

    /// Levels are evenly spaced from minus the largest magnitude to it, and the nearest is taken.
    #[test]
    fn levels_are_the_nearest(x in vectors(), bits in 2u8..=8) {
        let top = f64::from((1i32 << (bits - 1)) - 1);
        let scale = x.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (x, y) in x.iter().zip(once(Codec::Quantize { bits, seed: None }, &x)) {
            prop_assert!((x - y).abs() <= scale / top / 2.0 * (1.0 + 1e-12), "{x} became {y}");
        }
    }

    /// A matrix whose rank is at most that of the codec survives.
    #[test]
    fn a_thin_matrix_is_kept(left in prop::collection::vec(-3.0..3.0f64, 10), right in prop::collection::vec(-3.0..3.0f64, 12)) {
        let entry = |row: usize, column: usize| left[row] * right[column] + left[5 + row] * right[6 + column];
        let x: Vec<f64> = (0..30).map(|index| entry(index / 6, index % 6)).collect();
        let y = once(Codec::LowRank(LowRank { rank: 2, rows: Some(5) }), &x);
        prop_assert!(error(&x, &y) <= 1e-18 * (1.0 + square(&x)), "{x:?} became {y:?}");
    }
}

#[test]
fn short_formats_round_to_the_nearest_and_stay_finite() {
    // 1 + 2^-8 lies between two bf16 numbers, and the even one is 1; 1 + 3 · 2^-8 between two of which 1 + 2^-6 is even.
    let x = [1.0, 1.0 + 2f64.powi(-8), 1.0 + 3.0 * 2f64.powi(-8), -2.5, 1e300, -1e39, 0.0, 2f64.powi(-133)];
    let largest = (2.0 - 2f64.powi(-7)) * 2f64.powi(127);
    let expected = [1.0, 1.0, 1.0 + 2f64.powi(-6), -2.5, largest, -largest, 0.0, 2f64.powi(-133)];
    assert_eq!(once(Codec::Cast(Float::Bf16), &x), expected);
    let x = [
        1.0 + 2f64.powi(-11),
        65504.0,
        65519.0,
        1e6,
        2f64.powi(-24),
        2f64.powi(-25),
        3.0 * 2f64.powi(-25),
        6e-5,
    ];
    let expected =
        [1.0, 65504.0, 65504.0, 65504.0, 2f64.powi(-24), 0.0, 2f64.powi(-23), 1007.0 * 2f64.powi(-24)];
    assert_eq!(once(Codec::Cast(Float::F16), &x), expected);
    let every: Vec<f64> =
        (0..=2047).flat_map(|k| [-14, 0, 15].map(|e| f64::from(k) * 2f64.powi(e - 10))).collect();
    assert_eq!(once(Codec::Cast(Float::F16), &every), every);
    assert_eq!(once(Codec::Cast(Float::F32), &[1e300, 0.1]), [f32::MAX as f64, 0.1f32 as f64]);
    let strange = once(Codec::Cast(Float::F16), &[f64::INFINITY, f64::NAN, f64::NEG_INFINITY]);
    assert!(strange[0] == f64::INFINITY && strange[1].is_nan() && strange[2] == f64::NEG_INFINITY);
    assert_eq!(once(Codec::Cast(Float::F64), &[0.1f32, -3.0]), [0.1f32, -3.0]);
}

/// bf16 is the upper half of an `f32`: each number, what lies halfway to the next, and what lies just before and after that.
#[test]
fn bf16_is_the_nearest_upper_half() {
    let number = |bits: u32| f64::from(f32::from_bits(bits));
    let most = 0x7f7f;
    for sign in [0, 0x8000u32] {
        let upper = |half: u32| number((sign | half.min(most)) << 16);
        let next_to = |half: u32, low: u32| number((sign | half) << 16 | low);
        let x: Vec<f64> =
            (0..=most).flat_map(|half| [0, 0x7fff, 0x8000, 0x8001].map(|low| next_to(half, low))).collect();
        let expected: Vec<f64> = (0..=most)
            .flat_map(|half| [upper(half), upper(half), upper(half + (half & 1)), upper(half + 1)])
            .collect();
        assert!(once(Codec::Cast(Float::Bf16), &x) == expected);
    }
}

#[test]
fn signs_carry_the_mean_magnitude() {
    assert_eq!(once(Codec::Sign, &[1.0, -2.0, 0.0, 5.0]), [2.0, -2.0, 2.0, 2.0]);
    assert_eq!(once(Codec::Sign, &[1.0f32, -2.0, 0.0, 5.0]), [2.0f32, -2.0, 2.0, 2.0]);
}

#[test]
fn what_is_no_number_stays_none() {
    let x = [1.0, f64::NAN, -3.0, 2.0];
    for codec in [
        Codec::TopK(1),
        Codec::Quantize { bits: 4, seed: None },
        Codec::Sign,
        Codec::LowRank(LowRank { rank: 1, rows: None }),
    ] {
        assert!(once(codec, &x).iter().any(|y| y.is_nan()), "{codec}");
    }
}

#[test]
fn drawn_levels_are_right_on_average() {
    let x = [0.3, -0.7, 1.0, 0.05, 0.0];
    let draws = compressed(Codec::Quantize { bits: 2, seed: Some(5) }, &x, 4000);
    for (index, x) in x.iter().enumerate() {
        let mean = draws.iter().map(|y| y[index]).sum::<f64>() / draws.len() as f64;
        assert!((mean - x).abs() < 0.03, "{mean} for {x}");
        assert!(draws.iter().all(|y| [-1.0, 0.0, 1.0].contains(&y[index])));
    }
}

#[test]
fn drawn_elements_are_kept_equally_often() {
    let x: Vec<f64> = (1..=10).map(f64::from).collect();
    let draws = compressed(Codec::RandomK { count: 3, seed: 11 }, &x, 4000);
    for y in &draws {
        assert_eq!(y.iter().filter(|y| **y != 0.0).count(), 3);
        assert!(y.iter().zip(&x).all(|(y, x)| *y == 0.0 || y == x));
    }
    for index in 0..10 {
        let kept = draws.iter().filter(|y| y[index] != 0.0).count();
        assert!(kept.abs_diff(1200) < 120, "{kept} of {index}");
    }
    assert_ne!(draws[0], draws[1]);
}

#[test]
fn codes_are_short() {
    for (codec, bytes) in [
        (Codec::Cast(Float::Bf16), 2000),
        (Codec::Cast(Float::F64), 4000),
        (Codec::Quantize { bits: 4, seed: None }, 504),
        (Codec::TopK(10), 80),
        (Codec::TopFraction { numerator: 1, denominator: 300 }, 32),
        (Codec::RandomK { count: 10, seed: 0 }, 40),
        (Codec::Sign, 129),
        (Codec::LowRank(LowRank { rank: 2, rows: None }), (31 + 33) * 2 * 4),
    ] {
        assert_eq!(codec.bytes(1000, 4), bytes, "{codec}");
    }
    for codec in contracting(0).into_iter().map(|(codec, _)| codec) {
        assert_eq!(once::<f64>(codec, &[]), Vec::<f64>::new(), "{codec}");
    }
}
