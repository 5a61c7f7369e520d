//! What each built-in function does.

use super::Call;
use crate::evaluate::Value;
use crate::evaluate::error::{EvaluateError, Result};
pub(super) use crate::evaluate::value::codec::{cast, low_rank, quantize, random_k, top_fraction, top_k};
use crate::evaluate::value::expect::wrong_type_at;
use crate::evaluate::value::number;
use bfc_dsl::tree::BinaryOperator;
use bfc_schedule::{Rational, random as stream};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::cmp::Ordering;

fn number_value(value: Rational) -> Result<Value> {
    Ok(Value::number(value))
}

pub(super) fn abs(call: &mut Call) -> Result<Value> {
    number_value(call.number(0)?.abs())
}

pub(super) fn ceil(call: &mut Call) -> Result<Value> {
    number_value(-&(-&call.number(0)?).floor())
}

pub(super) fn floor(call: &mut Call) -> Result<Value> {
    number_value(call.number(0)?.floor())
}

pub(super) fn floor_sqrt(call: &mut Call) -> Result<Value> {
    let x = call.number(0)?;
    if x.is_negative() {
        return Err(call.outside(0, "a square root takes a number that is not negative"));
    }
    number_value(Rational::integer(x.floor().numerator().sqrt()))
}

pub(super) fn sqrt(call: &mut Call) -> Result<Value> {
    let x = call.number(0)?;
    if x.is_negative() {
        return Err(call.outside(0, "a square root takes a number that is not negative"));
    }
    number_value(number::square_root(&x))
}

pub(super) fn log(call: &mut Call) -> Result<Value> {
    let mut logarithms = vec![];
    for at in 0..call.values.len() {
        let x = call.number(at)?;
        if x <= Rational::zero() || (at == 1 && x == Rational::one()) {
            return Err(call.outside(at, "a logarithm takes a number above 0, and a base that is not 1"));
        }
        call.evaluator.spend(200, call.span)?;
        logarithms.push(number::logarithm(&x));
    }
    match &logarithms[..] {
        [x, base] => number_value(number::nearest(x / base)),
        _ => number_value(logarithms.swap_remove(0)),
    }
}

pub(super) fn floor_log(call: &mut Call) -> Result<Value> {
    Ok(Value::Integer(call.logarithm()?.0))
}

pub(super) fn ceil_log(call: &mut Call) -> Result<Value> {
    let (k, exact) = call.logarithm()?;
    Ok(Value::Integer(if exact { k } else { k + 1 }))
}

pub(super) fn is_power(call: &mut Call) -> Result<Value> {
    let below_one = call.integer(0)? < BigInt::one();
    Ok(Value::Truth(!below_one && call.logarithm()?.1))
}

pub(super) fn is_prime(call: &mut Call) -> Result<Value> {
    let small = call.integer(0)? < BigInt::from(2);
    Ok(Value::Truth(!small && call.prime_factors()?.len() == 1))
}

pub(super) fn prime_factors(call: &mut Call) -> Result<Value> {
    let factors = call.prime_factors()?.into_iter().map(Value::Integer).collect();
    call.evaluator.list(factors, call.span)
}

pub(super) fn gcd(call: &mut Call) -> Result<Value> {
    let gcd = call.integers()?.iter().fold(BigInt::zero(), |a, b| a.gcd(b));
    number_value(Rational::integer(gcd))
}

pub(super) fn lcm(call: &mut Call) -> Result<Value> {
    let mut total = BigInt::one();
    for integer in call.integers()? {
        total = total.lcm(&integer).abs();
        if total.bits() > number::MAX_BITS {
            return Err(Box::new(EvaluateError::NumberTooLarge { limit: number::MAX_BITS, span: call.span }));
        }
    }
    number_value(Rational::integer(total))
}

pub(super) fn len(call: &mut Call) -> Result<Value> {
    Ok(Value::Integer(call.list(0)?.len() as i64))
}

pub(super) fn max(call: &mut Call) -> Result<Value> {
    call.extreme(Ordering::Greater)
}

pub(super) fn min(call: &mut Call) -> Result<Value> {
    call.extreme(Ordering::Less)
}

pub(super) fn sum(call: &mut Call) -> Result<Value> {
    call.fold(0, BinaryOperator::Add)
}

pub(super) fn product(call: &mut Call) -> Result<Value> {
    call.fold(1, BinaryOperator::Multiply)
}

pub(super) fn reversed(call: &mut Call) -> Result<Value> {
    let reversed = call.list(0)?.iter().rev().collect();
    call.evaluator.list(reversed, call.span)
}

pub(super) fn sort(call: &mut Call) -> Result<Value> {
    let list = call.list(0)?;
    call.evaluator.spend(list.len() as u64, call.span)?;
    let values = call.sorted(list.iter().collect())?;
    call.evaluator.list(values, call.span)
}

/// Whether a list has an element.
pub(super) fn contains(call: &mut Call) -> Result<Value> {
    let list = call.list(0)?;
    call.evaluator.spend(list.len() as u64 / 4, call.span)?;
    for value in list.iter() {
        if call.order(&value, &call.values[1])? == Ordering::Equal {
            return Ok(Value::Truth(true));
        }
    }
    Ok(Value::Truth(false))
}

/// The elements of one list, in order, that another does not have.
pub(super) fn without(call: &mut Call) -> Result<Value> {
    let (list, excluded) = (call.list(0)?, call.list(1)?);
    call.evaluator.spend((list.len() + excluded.len()) as u64, call.span)?;
    let excluded = call.sorted(excluded.iter().collect())?;
    let mut kept = Vec::new();
    for value in list.iter() {
        if let Some(first) = excluded.first() {
            call.order(&value, first)?;
        }
        let found = excluded.binary_search_by(|other| other.total_order(&value));
        if found.is_err() {
            kept.push(value);
        }
    }
    call.evaluator.list(kept, call.span)
}

pub(super) fn random(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(0)?;
    number_value(stream::exact_unit(seed, position))
}

pub(super) fn random_int(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(1)?;
    let below = call.integer(0)?;
    if !below.is_positive() {
        return Err(call.outside(0, "a random integer is drawn below a number that is at least 1"));
    }
    number_value(Rational::integer(BigInt::from(stream::output(seed, position)) % below))
}

pub(super) fn shuffle(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(1)?;
    let mut values: Vec<Value> = call.list(0)?.iter().collect();
    stream::shuffle(&mut values, seed, position);
    call.evaluator.list(values, call.span)
}

/// Whether pairs of ranks, taken both ways, connect all ranks.
pub(super) fn connected(call: &mut Call) -> Result<Value> {
    let size = call.evaluator.size as usize;
    let list = call.list(0)?;
    call.evaluator.spend((list.len() + size) as u64 / 4, call.span)?;
    let mut parts = petgraph::unionfind::UnionFind::<u32>::new(size);
    let mut joined = 1;
    for value in list.iter() {
        let (a, b) = rank_pair(call, &value)?;
        joined += usize::from(parts.union(a, b));
    }
    Ok(Value::Truth(joined == size))
}

pub(super) fn rank_pair(call: &Call, value: &Value) -> Result<(u32, u32)> {
    let size = call.evaluator.size;
    let rank = |value: &Value| {
        value.as_integer().and_then(|rank| u32::try_from(rank).ok()).filter(|rank| *rank < size)
    };
    let pair = match value {
        Value::List(list) if list.len() >= 2 => rank(&list.get(0)).zip(rank(&list.get(1))),
        _ => None,
    };
    pair.ok_or_else(|| wrong_type_at("a list of pairs of ranks", value, call.spans[0]))
}
