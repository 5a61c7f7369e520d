//! The meaning of operations: exact values rounded once, and what is agreed on where there is no exact value.

use bfc_schedule::Rational;
use bfc_schedule::program::Operation::{self, *};
use bfc_schedule::program::scalar::{self, Number};
use proptest::prelude::*;

fn binary(operation: Operation, a: f64, b: f64) -> f64 {
    scalar::binary(&operation, a, b)
}

/// Numbers whose combinations have exact values that meet every case of rounding.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-1e3..1e3),
        (-40i32..40).prop_map(|quarters| f64::from(quarters) / 4.0),
        (any::<i64>(), -60i32..10).prop_map(|(digits, exponent)| digits as f64 * 2f64.powi(exponent)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What floating point computes is the exact value, rounded once.
    #[test]
    fn results_are_the_exact_ones_rounded(a in number(), b in number()) {
        let [exact_a, exact_b] = [a, b].map(|value| Rational::from_f64(value).unwrap());
        for operation in [
            Add, Subtract, Multiply, Divide, Minimum, Maximum, Mod, Equal, NotEqual, Less, LessEqual, Greater,
            GreaterEqual, And, Or,
        ] {
            let exact = scalar::exact(&operation, &[exact_a.clone(), exact_b.clone()]);
            let found = scalar::binary(&operation, a, b);
            prop_assert!(exact.is_none_or(|exact| exact.to_f64() == found), "{:?}: {}", operation, found);
        }
        for operation in [Negate, Not, SquareRoot, Absolute, Floor] {
            let exact = scalar::exact(&operation, std::slice::from_ref(&exact_a));
            let found = scalar::unary(&operation, a);
            prop_assert!(exact.is_none_or(|exact| exact.to_f64() == found), "{:?}: {}", operation, found);
        }
        let whole = scalar::exact(&Div, &[exact_a, exact_b]).map(|whole| whole.to_f64());
        if let Some(whole) = whole.filter(|whole| whole.abs() < 2f64.powi(51)) {
            prop_assert_eq!(binary(Div, a, b), whole);
        }
    }

    /// `a = b · (a div b) + a mod b` for positive b; the rest is never negative, and below |b|.
    #[test]
    fn integers_are_divided_with_a_remainder(a in -1000i64..1000, b in -50i64..50) {
        prop_assume!(b != 0);
        let (whole, rest) = (binary(Div, a as f64, b as f64), binary(Mod, a as f64, b as f64));
        prop_assert_eq!(rest, a.rem_euclid(b) as f64);
        prop_assert_eq!(whole, (a as f64 / b as f64).floor());
        prop_assert!(b < 0 || whole * b as f64 + rest == a as f64);
    }

    #[test]
    fn a_square_is_one_product(value: f64, single: f32) {
        prop_assert_eq!(binary(Power, value, 2.0).to_bits(), (value * value).to_bits());
        prop_assert_eq!(scalar::binary(&Power, single, 2.0).to_bits(), (single * single).to_bits());
    }

    /// 1 is never drawn, in single precision either.
    #[test]
    fn random_numbers_are_below_one(bits: u64) {
        prop_assert!(f64::unit(bits) < 1.0 && f32::unit(bits) < 1.0);
        prop_assert!(f32::unit(u64::MAX) < 1.0 && f64::unit(u64::MAX) < 1.0);
        prop_assert!(f64::from(f32::unit(bits)) <= f64::unit(bits));
    }
}

#[test]
fn where_implementations_differ() {
    // Flooring, truncating and Euclid's remainder are three things.
    assert_eq!(binary(Mod, 7.0, -3.0), 1.0);
    assert_eq!(binary(Mod, -7.0, -3.0), 2.0);
    assert_eq!(binary(Mod, -7.0, 3.0), 2.0);
    assert_eq!([binary(Div, 7.0, -3.0), binary(Div, -7.0, 3.0)], [-3.0, -3.0]);
    assert!(binary(Mod, 1.0, 0.0).is_nan() && binary(Div, 1.0, 0.0).is_nan());
    // Of two zeros the second, and a number rather than NaN.
    assert!(binary(Minimum, -0.0, 0.0).is_sign_positive() && binary(Minimum, 0.0, -0.0).is_sign_negative());
    assert!(binary(Maximum, -0.0, 0.0).is_sign_positive() && binary(Maximum, 0.0, -0.0).is_sign_negative());
    assert_eq!([binary(Minimum, f64::NAN, 1.0), binary(Maximum, 1.0, f64::NAN)], [1.0, 1.0]);
    // libm's bits, whatever the machine's own library says.
    assert_eq!(scalar::unary(&Log, 3.0f64).to_bits(), libm::log(3.0).to_bits());
    assert_eq!(binary(Power, 3.0, 1.5).to_bits(), libm::pow(3.0, 1.5).to_bits());
    // A quotient just below an integer stays below it.
    assert_eq!(binary(Div, 0.3, 0.1), 2.0);
    assert_eq!(binary(Div, 2f64.powi(52) + 1.0, 1.0), 2f64.powi(52) + 1.0);
    // A condition that is NaN holds.
    assert!(scalar::holds(f64::NAN) && !scalar::holds(-0.0));
}
