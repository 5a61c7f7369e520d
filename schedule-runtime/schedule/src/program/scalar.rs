//! What the operations of an [`Expression`](super::Expression) mean: the only place where that is written.
//!
//! The runtime's loops, the predictor and the prover compute with these functions, so a condition holds for all of them
//! or for none. In floating point every operation is rounded once, ties to even, except for logarithms and general powers,
//! which libm computes with the same bits on every machine. [`exact`] is the same without rounding.

use super::Operation;
use crate::verify::MOST_WEIGHT_BITS;
use crate::{Rational, random};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

/// A binary floating-point number.
pub trait Number:
    Copy
    + Default
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Rem<Output = Self>
    + Neg<Output = Self>
{
    /// The nearest number.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The natural logarithm.
    fn log(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The greatest integer not above.
    fn floor(self) -> Self;
    /// The nearest integer.
    fn round(self) -> Self;
    /// `self` to the power `exponent`, as libm computes it; the meaning of `^` is [`binary`]'s.
    fn pow(self, exponent: Self) -> Self;
    /// 64 random bits as a number in [0, 1).
    fn unit(bits: u64) -> Self;
}

macro_rules! number {
    ($float:ident, $log:path, $pow:path) => {
        impl Number for $float {
            fn from_f64(value: f64) -> Self {
                value as $float
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn sqrt(self) -> Self {
                $float::sqrt(self)
            }
            fn log(self) -> Self {
                $log(self)
            }
            fn abs(self) -> Self {
                $float::abs(self)
            }
            fn floor(self) -> Self {
                $float::floor(self)
            }
            fn round(self) -> Self {
                $float::round(self)
            }
            fn pow(self, exponent: Self) -> Self {
                $pow(self, exponent)
            }
            fn unit(bits: u64) -> Self {
                // As many of the upper bits as the mantissa holds: rounding could give 1.
                let digits = $float::MANTISSA_DIGITS;
                (bits >> (64 - digits)) as $float / (1u64 << digits) as $float
            }
        }
    };
}
number!(f64, libm::log, libm::pow);
number!(f32, libm::logf, libm::powf);

/// An operation on one number.
///
/// # Panics
/// Where the operation takes another number of operands.
#[inline(always)]
pub fn unary<T: Number>(operation: &Operation, a: T) -> T {
    match operation {
        Operation::Negate => -a,
        Operation::Not => truth(!holds(a)),
        Operation::SquareRoot => a.sqrt(),
        Operation::Log => a.log(),
        Operation::Absolute => a.abs(),
        Operation::Floor => a.floor(),
        _ => unreachable!("{operation:?} does not take one operand"),
    }
}

/// An operation on two numbers.
///
/// # Panics
/// Where the operation takes another number of operands.
#[inline(always)]
pub fn binary<T: Number>(operation: &Operation, a: T, b: T) -> T {
    match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide => a / b,
        Operation::Power => power(a, b),
        Operation::Minimum => pick(a, b, a < b),
        Operation::Maximum => pick(a, b, a > b),
        Operation::Mod => modulo(a, b),
        Operation::Div => quotient(a, b),
        Operation::Equal => truth(a == b),
        Operation::NotEqual => truth(a != b),
        Operation::Less => truth(a < b),
        Operation::LessEqual => truth(a <= b),
        Operation::Greater => truth(a > b),
        Operation::GreaterEqual => truth(a >= b),
        Operation::And => truth(holds(a) && holds(b)),
        Operation::Or => truth(holds(a) || holds(b)),
        Operation::Random => T::unit(random::output(key(a), key(b))),
        _ => unreachable!("{operation:?} does not take two operands"),
    }
}

/// The value of an expression in postfix form; `leaf` gives what takes no operand. `None` where it is not well formed,
/// which no expression of a verified program is.
pub fn evaluate(expression: &[Operation], leaf: impl Fn(&Operation) -> f64) -> Option<f64> {
    let mut stack = vec![];
    for operation in expression {
        let value = match operation.arity() {
            0 => leaf(operation),
            1 => unary(operation, stack.pop()?),
            _ => {
                let (b, a) = (stack.pop()?, stack.pop()?);
                binary(operation, a, b)
            }
        };
        stack.push(value);
    }
    stack.pop()
}

/// Whether a number is true: NaN is.
#[inline(always)]
pub fn holds<T: Number>(value: T) -> bool {
    value != T::default()
}

/// The integer part of a seed or a key, negative ones modulo 2⁶⁴.
fn key<T: Number>(value: T) -> u64 {
    value.to_f64() as i64 as u64
}

#[inline(always)]
fn truth<T: Number>(value: bool) -> T {
    T::from_f64(f64::from(u8::from(value)))
}

/// The one that is a number, or else `a` where it `wins`: of −0 and 0 the second. `f64::min` leaves that to the machine.
#[inline(always)]
#[allow(clippy::eq_op)]
fn pick<T: Number>(a: T, b: T, wins: bool) -> T {
    if wins || b != b { a } else { b }
}

/// A square is a product, rounded once.
#[inline(always)]
fn power<T: Number>(base: T, exponent: T) -> T {
    if exponent == T::from_f64(2.0) { base * base } else { base.pow(exponent) }
}

/// What is left of `a` above a multiple of `b`, never negative.
#[inline(always)]
fn modulo<T: Number>(a: T, b: T) -> T {
    let remainder = a % b;
    if remainder < T::default() { remainder + b.abs() } else { remainder }
}

/// `⌊a / b⌋`. Rounding `a / b` first could reach the next integer; dividing the multiple of `b` below `a` is off by less
/// than a half, up to a quarter of the integers that the type holds.
#[inline(always)]
fn quotient<T: Number>(a: T, b: T) -> T {
    let (a, b) = if b < T::default() { (-a, -b) } else { (a, b) };
    ((a - modulo(a, b)) / b).round()
}

/// The value in exact arithmetic of an operation on rational numbers, a root being the nearest `f64`; `None` where there
/// is none, it is not rational, or too long to be followed.
pub fn exact(operation: &Operation, operands: &[Rational]) -> Option<Rational> {
    use Operation::*;
    let truth = |holds: bool| Some(Rational::integer(u8::from(holds)));
    let nonzero = |value: &Rational| Some(value.clone()).filter(|value| !value.is_zero());
    match (operation, operands) {
        (Constant(value), []) => Some(value.clone()),
        (Negate, [a]) => Some(-a),
        (Not, [a]) => truth(a.is_zero()),
        (SquareRoot, [a]) if !a.is_negative() => Rational::from_f64(a.to_f64().sqrt()),
        (Absolute, [a]) => Some(a.abs()),
        (Floor, [a]) => Some(a.floor()),
        (Add, [a, b]) => Some(a + b),
        (Subtract, [a, b]) => Some(a - b),
        (Multiply, [a, b]) => Some(a * b),
        (Divide, [a, b]) => Some(a / &nonzero(b)?),
        (Power, [a, b]) => exact_power(a, b),
        (Minimum, [a, b]) => Some(a.min(b).clone()),
        (Maximum, [a, b]) => Some(a.max(b).clone()),
        (Mod, [a, b]) => {
            let divisor = nonzero(b)?.abs();
            Some(a - &((a / &divisor).floor() * divisor))
        }
        (Div, [a, b]) => Some((a / &nonzero(b)?).floor()),
        (Equal, [a, b]) => truth(a == b),
        (NotEqual, [a, b]) => truth(a != b),
        (Less, [a, b]) => truth(a < b),
        (LessEqual, [a, b]) => truth(a <= b),
        (Greater, [a, b]) => truth(a > b),
        (GreaterEqual, [a, b]) => truth(a >= b),
        (And, [a, b]) => truth(!a.is_zero() && !b.is_zero()),
        (Or, [a, b]) => truth(!a.is_zero() || !b.is_zero()),
        (Random, [a, b]) => Some(random::exact_unit(key(a.to_f64()), key(b.to_f64()))),
        _ => None,
    }
}

fn exact_power(base: &Rational, exponent: &Rational) -> Option<Rational> {
    let times = exponent.to_i64()?;
    if times.unsigned_abs().saturating_mul(base.bits()) > MOST_WEIGHT_BITS || (base.is_zero() && times < 0) {
        return None;
    }
    let result = num_traits::pow(base.to_big(), times.unsigned_abs() as usize);
    Some(Rational::from(if times < 0 { result.recip() } else { result }))
}
