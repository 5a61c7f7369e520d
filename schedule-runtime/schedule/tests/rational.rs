//! Numbers of two words and larger ones are the same numbers: against `num_rational`, around the bounds of a word.

use bfc_schedule::Rational;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Small integers, those near the bounds of a word and of exact doubles, and larger ones.
fn integer() -> impl Strategy<Value = BigInt> {
    let near = |bound: i128| (-3i128..=3).prop_map(move |offset| BigInt::from(bound + offset));
    prop_oneof![
        (-20i128..=20).prop_map(BigInt::from),
        any::<i64>().prop_map(BigInt::from),
        near(i128::from(i64::MIN)),
        near(i128::from(i64::MAX)),
        near(1 << 53),
        near(-(1 << 53)),
        any::<i128>().prop_map(BigInt::from),
    ]
}

fn number() -> impl Strategy<Value = BigRational> {
    let divisor = integer().prop_filter("a divisor", |divisor| !divisor.is_zero());
    (integer(), divisor).prop_map(|(numerator, divisor)| BigRational::new(numerator, divisor))
}

fn hash(value: &Rational) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #[test]
    fn operations_are_those_of_big_numbers(a in number(), b in number()) {
        let (x, y) = (Rational::from(a.clone()), Rational::from(b.clone()));
        let same = |found: Rational, expected: BigRational| {
            let kept = Rational::new(expected.numer().clone(), expected.denom().clone());
            prop_assert_eq!(&found, &kept);
            prop_assert_eq!(hash(&found), hash(&kept));
            prop_assert_eq!(found.to_big(), expected);
            Ok(())
        };
        same(&x + &y, &a + &b)?;
        same(&x - &y, &a - &b)?;
        same(&x * &y, &a * &b)?;
        if !b.is_zero() {
            same(&x / &y, &a / &b)?;
        }
        same(-&x, -a.clone())?;
        same(x.abs(), a.abs())?;
        same(x.floor(), a.floor())?;
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x == y, a == b);
    }

    #[test]
    fn what_is_asked_of_a_number_is_that_of_the_big_one(a in number()) {
        let x = Rational::from(a.clone());
        prop_assert_eq!((&x.numerator(), &x.denominator()), (a.numer(), a.denom()));
        prop_assert_eq!(x.to_f64(), a.to_f64().expect("a finite number"));
        prop_assert_eq!((x.is_zero(), x.is_negative(), x.is_integer()), (a.is_zero(), a.is_negative(), a.is_integer()));
        prop_assert_eq!(x.to_i64(), a.is_integer().then(|| a.numer().to_i64()).flatten());
        prop_assert_eq!(x.bits(), a.numer().bits() + a.denom().bits());
        prop_assert_eq!(x.to_string(), a.to_string());
        if let Some((numerator, denominator)) = x.to_words() {
            prop_assert_eq!(Rational::new(numerator, denominator), x);
        }
    }
}

#[test]
#[should_panic = "denominator == 0"]
fn nothing_is_divided_by_zero() {
    let _ = Rational::new(1, 0);
}
