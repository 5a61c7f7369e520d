//! Codecs as values: their names, and the functions that make them.

use super::builtin::Call;
use super::expect::wrong_type_at;
use crate::builtin_names;
use crate::evaluate::Value;
use crate::evaluate::error::Result;
use bfc_schedule::Codec;
use bfc_schedule::compression::{Float, LowRank};
use num_traits::ToPrimitive;

/// The codec of a name: one without parameters, or a format of numbers, which is the cast to it.
pub fn named(name: &str) -> Option<Codec> {
    if name == builtin_names::SIGN { Some(Codec::Sign) } else { Float::from_name(name).map(Codec::Cast) }
}

pub(in crate::evaluate) fn cast(call: &mut Call) -> Result<Value> {
    match &call.values[0] {
        Value::Codec(codec @ Codec::Cast(_)) => Ok(Value::Codec(*codec)),
        other => Err(wrong_type_at("`bf16`, `f16`, `f32` or `f64`", other, call.spans[0])),
    }
}

pub(in crate::evaluate) fn low_rank(call: &mut Call) -> Result<Value> {
    const HELP: &str = "ranks and rows are at least 1";
    let at_least_one = |call: &Call, at| match call.integer(at)?.to_u32().filter(|number| *number >= 1) {
        Some(number) => Ok(number),
        None => Err(call.outside(at, HELP)),
    };
    let rows = if call.values.len() > 1 { Some(at_least_one(call, 1)?) } else { None };
    Ok(Value::Codec(Codec::LowRank(LowRank { rank: at_least_one(call, 0)?, rows })))
}

pub(in crate::evaluate) fn quantize(call: &mut Call) -> Result<Value> {
    let bits = call.integer(0)?.to_u8().filter(|bits| (2..=16).contains(bits));
    let bits = bits.ok_or_else(|| call.outside(0, "vectors are quantized to 2 to 16 bits"))?;
    let seed = if call.values.len() > 1 { Some(call.key(1)?) } else { None };
    Ok(Value::Codec(Codec::Quantize { bits, seed }))
}

pub(in crate::evaluate) fn random_k(call: &mut Call) -> Result<Value> {
    Ok(Value::Codec(Codec::RandomK { count: count(call)?, seed: call.key(1)? }))
}

pub(in crate::evaluate) fn top_k(call: &mut Call) -> Result<Value> {
    Ok(Value::Codec(Codec::TopK(count(call)?)))
}

fn count(call: &Call) -> Result<u64> {
    let count = call.integer(0)?.to_u64().filter(|count| *count >= 1);
    count.ok_or_else(|| call.outside(0, "at least one element is kept"))
}

pub(in crate::evaluate) fn top_fraction(call: &mut Call) -> Result<Value> {
    let fraction = call.number(0)?;
    match (fraction.numerator().to_u64(), fraction.denominator().to_u64()) {
        (Some(numerator), Some(denominator)) if (1..=denominator).contains(&numerator) => {
            Ok(Value::Codec(Codec::TopFraction { numerator, denominator }))
        }
        _ => Err(call.outside(0, "a fraction of the elements lies above 0 and is at most 1")),
    }
}
