//! Exact rational numbers, the numbers of the language and of mixing weights.
//!
//! Nearly all of them are quotients of two machine words, which are kept as such: a graph may have millions.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// An exact rational number in lowest terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rational(Terms);

/// Numerator and denominator in lowest terms, the denominator positive; equal numbers have equal terms.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Terms {
    /// Two words. The least word is none of them, so that all can be negated.
    Words(i64, i64),
    /// What does not fit.
    Big(Box<BigRational>),
}

use Terms::{Big, Words};

/// Up to here, all integers are doubles.
const EXACT_DOUBLES: u64 = 1 << 53;

impl Hash for Rational {
    /// The hash of a ratio in general takes a long division; lowest terms are the same for equal numbers.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Words(numerator, denominator) => (numerator, denominator).hash(state),
            Big(ratio) => (ratio.numer(), ratio.denom()).hash(state),
        }
    }
}

impl Rational {
    /// `numerator / denominator`; the denominator must not be zero.
    pub fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Self {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        match (numerator.to_i64(), denominator.to_i64()) {
            (Some(n), Some(d)) if d != 0 => Self::of_wide(i128::from(n), i128::from(d)),
            _ => BigRational::new(numerator, denominator).into(),
        }
    }

    /// A quotient of two integers of at most 127 bits, the second not zero.
    fn of_wide(numerator: i128, denominator: i128) -> Self {
        let divisor =
            match (u64::try_from(numerator.unsigned_abs()), u64::try_from(denominator.unsigned_abs())) {
                (Ok(n), Ok(d)) => i128::from(n.gcd(&d)),
                _ => numerator.gcd(&denominator),
            };
        let divisor = divisor * denominator.signum();
        let (n, d) = (numerator / divisor, denominator / divisor);
        Self(match (word(n), word(d)) {
            (Some(n), Some(d)) => Words(n, d),
            _ => Big(Box::new(BigRational::new_raw(n.into(), d.into()))),
        })
    }

    /// The integer `value`.
    pub fn integer(value: impl Into<BigInt>) -> Self {
        BigRational::from_integer(value.into()).into()
    }

    /// 0.
    pub fn zero() -> Self {
        Self(Words(0, 1))
    }

    /// 1.
    pub fn one() -> Self {
        Self(Words(1, 1))
    }

    /// The exact value of a finite `f64`; `None` for NaN and infinities.
    pub fn from_f64(value: f64) -> Option<Self> {
        BigRational::from_float(value).map(Self::from)
    }

    /// The nearest `f64`; infinite where the magnitude is past its range.
    pub fn to_f64(&self) -> f64 {
        match self.0 {
            Words(n, d) if n.unsigned_abs().max(d.unsigned_abs()) <= EXACT_DOUBLES => n as f64 / d as f64,
            _ => self.big().to_f64().unwrap_or(f64::NAN),
        }
    }

    /// The numerator, in lowest terms, with the sign.
    pub fn numerator(&self) -> BigInt {
        match &self.0 {
            Words(n, _) => (*n).into(),
            Big(ratio) => ratio.numer().clone(),
        }
    }

    /// The denominator, in lowest terms, positive.
    pub fn denominator(&self) -> BigInt {
        match &self.0 {
            Words(_, d) => (*d).into(),
            Big(ratio) => ratio.denom().clone(),
        }
    }

    /// Numerator and denominator, if both are machine words.
    pub fn to_words(&self) -> Option<(i64, i64)> {
        if let Words(n, d) = self.0 { Some((n, d)) } else { None }
    }

    /// The value as an `i64`, if it is an integer in range.
    pub fn to_i64(&self) -> Option<i64> {
        match &self.0 {
            Words(n, 1) => Some(*n),
            Words(..) => None,
            Big(ratio) => ratio.is_integer().then(|| ratio.numer().to_i64()).flatten(),
        }
    }

    /// Whether the value is an integer.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Words(_, d) => *d == 1,
            Big(ratio) => ratio.is_integer(),
        }
    }

    /// Whether the value is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self.0, Words(0, _))
    }

    /// Whether the value is below 0.
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Words(n, _) => *n < 0,
            Big(ratio) => ratio.is_negative(),
        }
    }

    /// The greatest integer not above the value.
    pub fn floor(&self) -> Self {
        match &self.0 {
            Words(n, d) => Self(Words(n.div_euclid(*d), 1)),
            Big(ratio) => ratio.floor().into(),
        }
    }

    /// The absolute value.
    pub fn abs(&self) -> Self {
        if self.is_negative() { -self } else { self.clone() }
    }

    /// The value as `num_rational`'s type.
    pub fn to_big(&self) -> BigRational {
        self.big().into_owned()
    }

    fn big(&self) -> Cow<'_, BigRational> {
        match &self.0 {
            Words(n, d) => Cow::Owned(BigRational::new_raw((*n).into(), (*d).into())),
            Big(ratio) => Cow::Borrowed(ratio),
        }
    }

    /// Bits of numerator and denominator together: what the value costs.
    pub fn bits(&self) -> u64 {
        let bits = |word: i64| u64::from(u64::BITS - word.unsigned_abs().leading_zeros());
        match &self.0 {
            Words(n, d) => bits(*n) + bits(*d),
            Big(ratio) => ratio.numer().bits() + ratio.denom().bits(),
        }
    }
}

/// An integer as one of [`Words`], if it is one.
fn word(value: i128) -> Option<i64> {
    i64::try_from(value).ok().filter(|word| *word != i64::MIN)
}

impl From<BigRational> for Rational {
    fn from(value: BigRational) -> Self {
        let words = |value: &BigInt| value.to_i64().filter(|word| *word != i64::MIN);
        Self(match (words(value.numer()), words(value.denom())) {
            (Some(n), Some(d)) => Words(n, d),
            _ => Big(Box::new(value)),
        })
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.big().fmt(f)
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Words(a, b), Words(c, d)) => wide(*a, *d).cmp(&wide(*c, *b)),
            _ => self.big().cmp(&other.big()),
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The product of two words: 126 bits.
fn wide(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

impl Add for &Rational {
    type Output = Rational;
    fn add(self, other: &Rational) -> Rational {
        match (&self.0, &other.0) {
            (Words(a, b), Words(c, d)) if b == d => {
                Rational::of_wide(i128::from(*a) + i128::from(*c), (*b).into())
            }
            (Words(a, b), Words(c, d)) => Rational::of_wide(wide(*a, *d) + wide(*c, *b), wide(*b, *d)),
            _ => (&*self.big() + &*other.big()).into(),
        }
    }
}

impl Sub for &Rational {
    type Output = Rational;
    fn sub(self, other: &Rational) -> Rational {
        self + &-other
    }
}

impl Mul for &Rational {
    type Output = Rational;
    fn mul(self, other: &Rational) -> Rational {
        match (&self.0, &other.0) {
            (Words(a, b), Words(c, d)) => Rational::of_wide(wide(*a, *c), wide(*b, *d)),
            _ => (&*self.big() * &*other.big()).into(),
        }
    }
}

impl Div for &Rational {
    type Output = Rational;
    fn div(self, other: &Rational) -> Rational {
        match (&self.0, &other.0) {
            (Words(a, b), Words(c, d)) if *c != 0 => Rational::of_wide(wide(*a, *d), wide(*b, *c)),
            _ => (&*self.big() / &*other.big()).into(),
        }
    }
}

macro_rules! owned {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                (&self).$method(&other)
            }
        }
    )*};
}
owned!(Add add, Sub sub, Mul mul, Div div);

impl Neg for &Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        match &self.0 {
            Words(n, d) => Rational(Words(-n, *d)),
            Big(ratio) => (-&**ratio).into(),
        }
    }
}

impl std::iter::Sum for Rational {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::zero(), |a, b| a + b)
    }
}
