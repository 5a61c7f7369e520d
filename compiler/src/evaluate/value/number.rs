//! Exact arithmetic on values. Results past the size limit are refused before they are computed where that matters.

use super::Value;
use crate::evaluate::topology::structure::Symbol;
use bfc_dsl::tree::BinaryOperator;
use bfc_schedule::Rational;
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// The most bits that a number may have, numerator and denominator together.
pub const MAX_BITS: u64 = 1 << 16;

/// Why an operation has no result; operands are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// An operand is not a number.
    NotANumber(usize),
    /// An operand is a number, but not an integer.
    NotAnInteger(usize),
    /// An operand is negative.
    Negative(usize),
    /// An operand must not be zero.
    Zero(usize),
    /// The result would be too large.
    TooLarge,
    /// The result depends on the rank in a way that is not kept.
    Symbolic,
}

type Outcome = Result<Value, Problem>;

/// What an operation with this result costs, in steps: fractions are put in lowest terms, in time quadratic in the bits.
pub fn cost(result: &Value) -> u64 {
    let words = if let Value::Number(large) = result { large.bits() / 64 } else { 0 };
    1 + words + words * words / 2
}

/// `a op b` for the arithmetic operators; `size` is the number of ranks.
pub fn binary(operator: BinaryOperator, a: &Value, b: &Value, size: u32) -> Outcome {
    use BinaryOperator::*;
    if let (Value::Integer(a), Value::Integer(b)) = (a, b)
        && let Some(small) = small(operator, *a, *b)
    {
        return Ok(Value::Integer(small));
    }
    if matches!(a, Value::Symbol(_)) || matches!(b, Value::Symbol(_)) {
        return Symbol::binary(operator, a, b, size).ok_or(Problem::Symbolic);
    }
    match operator {
        Mod | Div | Xor => integral(operator, &integer(a, 0)?, &integer(b, 1)?),
        Power => power(&rational(a, 0)?, &integer(b, 1)?),
        _ => {
            let (a, b) = (rational(a, 0)?, rational(b, 1)?);
            check(match operator {
                Add => &a + &b,
                Subtract => &a - &b,
                Multiply => &a * &b,
                _ if b.is_zero() => return Err(Problem::Zero(1)),
                _ => &a / &b,
            })
        }
    }
}

/// The common case, in machine integers; `None` where it does not apply.
fn small(operator: BinaryOperator, a: i64, b: i64) -> Option<i64> {
    use BinaryOperator::*;
    match operator {
        Add => a.checked_add(b),
        Subtract => a.checked_sub(b),
        Multiply => a.checked_mul(b),
        Divide if b != 0 && a.checked_rem(b)? == 0 => a.checked_div(b),
        Mod => a.checked_rem_euclid(b),
        Div if b > 0 => a.checked_div_euclid(b),
        Xor if a >= 0 && b >= 0 => Some(a ^ b),
        Power => a.checked_pow(u32::try_from(b).ok()?),
        _ => None,
    }
}

fn integral(operator: BinaryOperator, a: &BigInt, b: &BigInt) -> Outcome {
    if operator == BinaryOperator::Xor {
        return match (a.is_negative(), b.is_negative()) {
            (true, _) => Err(Problem::Negative(0)),
            (_, true) => Err(Problem::Negative(1)),
            _ => check(Rational::integer(a ^ b)),
        };
    }
    if b.is_zero() {
        return Err(Problem::Zero(1));
    }
    let result = if operator == BinaryOperator::Div { a.div_floor(b) } else { a.mod_floor(&b.abs()) };
    check(Rational::integer(result))
}

fn power(base: &Rational, exponent: &BigInt) -> Outcome {
    if exponent.is_negative() && base.is_zero() {
        return Err(Problem::Zero(0));
    }
    let trivial = base.is_zero() || base.abs() == Rational::one();
    let times = if trivial {
        // The parity is all that matters.
        if exponent.is_zero() { 0 } else { 2 - exponent.is_odd() as u32 }
    } else {
        exponent.magnitude().to_u32().ok_or(Problem::TooLarge)?
    };
    if !trivial && (base.bits() - 2).saturating_mul(times as u64) > MAX_BITS {
        return Err(Problem::TooLarge);
    }
    let (numerator, denominator) = (base.numerator().pow(times), base.denominator().pow(times));
    check(if exponent.is_negative() {
        Rational::new(denominator, numerator)
    } else {
        Rational::new(numerator, denominator)
    })
}

/// `a^b mod c` without computing `a^b`; `None` where the operands do not allow it.
pub fn power_modulo(a: &Value, b: &Value, c: &Value) -> Option<Value> {
    let (a, b, c) = (integer(a, 0).ok()?, integer(b, 0).ok()?, integer(c, 0).ok()?);
    let defined = !b.is_negative() && c.is_positive();
    defined.then(|| Value::number(Rational::integer(a.mod_floor(&c).modpow(&b, &c))))
}

/// `-a`.
pub fn negate(a: &Value, size: u32) -> Outcome {
    binary(BinaryOperator::Subtract, &Value::Integer(0), a, size).map_err(|problem| match problem {
        Problem::NotANumber(_) => Problem::NotANumber(0),
        other => other,
    })
}

/// A number as a rational.
pub fn rational(value: &Value, operand: usize) -> Result<Rational, Problem> {
    match value {
        Value::Symbol(_) => Err(Problem::Symbolic),
        _ => value.as_number().ok_or(Problem::NotANumber(operand)),
    }
}

/// An integer of any size.
pub fn integer(value: &Value, operand: usize) -> Result<BigInt, Problem> {
    match value {
        Value::Integer(value) => Ok(BigInt::from(*value)),
        Value::Number(value) if value.is_integer() => Ok(value.numerator()),
        Value::Number(_) => Err(Problem::NotAnInteger(operand)),
        Value::Symbol(_) => Err(Problem::Symbolic),
        _ => Err(Problem::NotANumber(operand)),
    }
}

/// The value of a number, if it is not too large.
pub fn check(value: Rational) -> Outcome {
    if value.bits() > MAX_BITS { Err(Problem::TooLarge) } else { Ok(Value::number(value)) }
}

/// The `f64` nearest to √a, for a ≥ 0.
pub fn square_root(a: &Rational) -> Rational {
    // ⌊√(a·4^k)⌋ with at least 64 bits, and a last bit that says whether anything was cut off.
    let [p, q] = &[a.numerator(), a.denominator()].map(|part| part.into_parts().1);
    let k = 66 + (q.bits().saturating_sub(p.bits())) / 2;
    let scaled = (p << (2 * k)) / q;
    let root = scaled.sqrt();
    let exact = &root * &root * q == (p << (2 * k));
    let doubled = (root << 1u32) + if exact { BigUint::zero() } else { BigUint::one() };
    nearest(Rational::new(BigInt::from(doubled), BigInt::one() << (k + 1)))
}

/// The `f64` nearest to ln a, for a > 0, from 256 bits of fixed point.
pub fn logarithm(a: &Rational) -> Rational {
    let (mantissa, exponent) = halves(a);
    let value = artanh_doubled(&mantissa) + artanh_doubled(&Rational::integer(2)) * BigInt::from(exponent);
    nearest(Rational::new(value, BigInt::one() << PRECISION))
}

const PRECISION: u32 = 256;

/// `a = mantissa · 2^exponent` with mantissa in [1/2, 2].
fn halves(a: &Rational) -> (Rational, i64) {
    let exponent = a.numerator().bits() as i64 - a.denominator().bits() as i64;
    let shift = BigInt::one() << exponent.unsigned_abs();
    let power = Rational::integer(shift);
    (if exponent >= 0 { a / &power } else { a * &power }, exponent)
}

/// ln m = 2 artanh((m − 1)/(m + 1)) in fixed point.
fn artanh_doubled(m: &Rational) -> BigInt {
    let ratio = &(m - &Rational::one()) / &(m + &Rational::one());
    let x = (ratio.numerator() << PRECISION) / ratio.denominator();
    let square = (&x * &x) >> PRECISION;
    let (mut term, mut sum, mut k) = (x, BigInt::zero(), 1);
    while !term.is_zero() && term.sign() != Sign::NoSign && k < 2 * PRECISION {
        sum += &term / k;
        // Truncation, so that a negative term reaches zero too.
        term = (&term * &square) / (BigInt::one() << PRECISION);
        k += 2;
    }
    sum * 2
}

/// The `f64` nearest to a number, as an exact number.
pub fn nearest(value: Rational) -> Rational {
    Rational::from_f64(value.to_f64()).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_and_logarithms_agree_with_the_machine() {
        for value in [1e-9, 0.1, 0.5, 1.0, 2.0, 3.0, 10.0, 1e6, 12345.678, 1e300] {
            let exact = Rational::from_f64(value).unwrap();
            assert_eq!(square_root(&exact).to_f64(), value.sqrt(), "sqrt {value}");
            let log = logarithm(&exact).to_f64();
            assert!((log - value.ln()).abs() <= log.abs() * f64::EPSILON, "log {value}: {log}");
        }
        assert_eq!(logarithm(&Rational::one()), Rational::zero());
    }

    #[test]
    fn powers_of_minus_one_know_their_parity() {
        let large: BigInt = BigInt::one() << 100;
        let minus_one =
            |exponent| power(&Rational::integer(-1), exponent).ok().and_then(|value| value.as_integer());
        assert_eq!(minus_one(&large), Some(1));
        assert_eq!(minus_one(&(&large + 1)), Some(-1));
    }
}
