//! The built-in functions: their names, how they are called, and what they ask of their arguments.

mod functions;
mod matcha;
mod topologies;

use super::expect::{has_symbol, wrong_type_at};
use super::number;
use super::{List, Value};
use crate::builtin_names::{self, BUILTINS, Builtin, nearest};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use bfc_dsl::tree::{Argument, Name, Span};
use bfc_schedule::{Rational, random};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, ToPrimitive};
use std::cmp::Ordering;

/// What a built-in function does with its arguments.
type Apply = fn(&mut Call) -> Result<Value>;

/// What the functions do, by name.
mod table {
    pub(super) use super::functions::*;
    pub(super) use super::matcha::*;
    pub(super) use super::topologies::*;
}

macro_rules! functions {
    ($($name:ident)*) => { [$((stringify!($name), table::$name as Apply)),*] };
}

/// The functions of [`BUILTINS`], in the same order.
const FUNCTIONS: [(&str, Apply); BUILTINS.len()] = functions![
    abs cartesian cast ceil ceil_log concat connected contains cycle edges eigenvalues floor floor_log
    floor_sqrt gcd is_power is_prime kronecker lazy lcm len log low_rank matcha_probabilities
    matcha_step matching matchings max min permute phases prime_factors product quantize random
    random_int random_k reversed shuffle sort sqrt sum symmetrize top_fraction top_k transpose union
    without
];

/// A call that is evaluated.
pub(in crate::evaluate) struct Call<'e, 'a> {
    evaluator: &'e mut Evaluator<'a>,
    name: &'static str,
    pub(in crate::evaluate) values: Vec<Value>,
    pub(in crate::evaluate) spans: Vec<Span>,
    span: Span,
}

impl<'a> Evaluator<'a> {
    /// Calls the built-in function of this name.
    pub(in crate::evaluate) fn call_builtin(
        &mut self,
        name: &'a Name,
        arguments: &'a [Argument],
        span: Span,
    ) -> Result<Value> {
        let Some(builtin) = builtin_names::find(&name.text) else {
            return Err(self.unknown_function(&name.text, name.span));
        };
        check_arity(builtin, arguments, span)?;
        let values =
            arguments.iter().map(|argument| self.operand(&argument.value)).collect::<Result<Vec<_>>>()?;
        let spans = arguments.iter().map(|argument| argument.value.span).collect();
        self.apply_builtin(builtin, values, spans, span)
    }

    /// Applies a built-in function to as many values as it takes; `spans` are their places.
    pub(in crate::evaluate) fn apply_builtin(
        &mut self,
        builtin: &Builtin,
        values: Vec<Value>,
        spans: Vec<Span>,
        span: Span,
    ) -> Result<Value> {
        let place = FUNCTIONS.iter().position(|(name, _)| *name == builtin.name);
        let Some((name, apply)) = place.and_then(|at| FUNCTIONS.get(at)) else {
            return Err(self.unknown_function(builtin.name, span));
        };
        apply(&mut Call { evaluator: self, name, values, spans, span })
    }

    fn unknown_function(&self, name: &str, span: Span) -> Box<EvaluateError> {
        let own = self.program.names(span.file).filter(|own| self.program.function(span.file, own).is_some());
        let near = nearest(name, own.chain(BUILTINS.iter().map(|builtin| builtin.name)));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        Box::new(EvaluateError::UnknownName { name: name.to_string(), span, help })
    }
}

/// Whether a built-in function can be called with these arguments.
pub(in crate::evaluate) fn check_arity(builtin: &Builtin, arguments: &[Argument], span: Span) -> Result<()> {
    if builtin.takes(arguments) {
        return Ok(());
    }
    let (function, expected) = (builtin.name.to_string(), builtin.expected());
    Err(Box::new(EvaluateError::WrongArity { function, expected, found: arguments.len(), span }))
}

impl Call<'_, '_> {
    pub(in crate::evaluate) fn number(&self, argument: usize) -> Result<Rational> {
        let value = &self.values[argument];
        value.as_number().ok_or_else(|| wrong_type_at("a number", value, self.spans[argument]))
    }

    pub(in crate::evaluate) fn integer(&self, argument: usize) -> Result<BigInt> {
        let value = &self.values[argument];
        number::integer(value, 0).map_err(|_| {
            let span = self.spans[argument];
            if !value.is_number() {
                return wrong_type_at("an integer", value, span);
            }
            let what = self.evaluator.program.text(span).to_string();
            Box::new(EvaluateError::NotAnInteger { what, found: value.to_string(), span })
        })
    }

    fn list(&self, argument: usize) -> Result<List> {
        match &self.values[argument] {
            Value::List(list) => Ok(list.clone()),
            other => Err(wrong_type_at("a list", other, self.spans[argument])),
        }
    }

    /// An integer as a key of a random stream, modulo 2^64.
    pub(in crate::evaluate) fn key(&self, argument: usize) -> Result<u64> {
        let modulus = BigInt::one() << 64;
        Ok(self.integer(argument)?.mod_floor(&modulus).to_u64().unwrap_or(0))
    }

    /// The stream and the position that the arguments from `first` on name.
    fn stream(&mut self, first: usize) -> Result<(u64, u64)> {
        self.evaluator.draws += 1;
        let keys = (first..self.values.len()).map(|at| self.key(at)).collect::<Result<Vec<_>>>()?;
        let (seed, rest) = keys.split_first().unwrap_or((&0, &[]));
        let (position, substreams) = rest.split_last().unwrap_or((&0, &[]));
        Ok((random::substream(*seed, substreams), *position))
    }

    /// The elements of the only list, or else the arguments themselves.
    fn operands(&mut self) -> Result<Vec<Value>> {
        let operands: Vec<Value> = match &self.values[..] {
            [Value::List(list)] => list.iter().collect(),
            _ => self.values.clone(),
        };
        self.evaluator.spend(operands.len() as u64, self.span)?;
        Ok(operands)
    }

    fn integers(&mut self) -> Result<Vec<BigInt>> {
        let operands = self.operands()?;
        let integer = |value: &Value| {
            number::integer(value, 0).map_err(|_| wrong_type_at("integers", value, self.spans[0]))
        };
        operands.iter().map(integer).collect()
    }

    pub(in crate::evaluate) fn outside(&self, argument: usize, help: &'static str) -> Box<EvaluateError> {
        let found = self.values[argument].to_string();
        Box::new(EvaluateError::OutsideDomain {
            function: self.name.into(),
            found,
            help,
            span: self.spans[argument],
        })
    }

    fn order(&self, a: &Value, b: &Value) -> Result<Ordering> {
        if has_symbol(a) || has_symbol(b) {
            return Err(Box::new(EvaluateError::Symbolic));
        }
        a.order(b).ok_or_else(|| {
            let (left, right) = (a.kind(), b.kind());
            Box::new(EvaluateError::NotComparable { left, right, span: self.spans[0] })
        })
    }

    fn sorted(&self, mut values: Vec<Value>) -> Result<Vec<Value>> {
        if let [only] = &values[..] {
            self.order(only, only)?;
        }
        let mut failure = None;
        values.sort_by(|a, b| {
            self.order(a, b).unwrap_or_else(|error| {
                failure = Some(error);
                a.total_order(b)
            })
        });
        failure.map_or(Ok(values), Err)
    }

    fn fold(&mut self, start: i64, operator: bfc_dsl::tree::BinaryOperator) -> Result<Value> {
        let list = self.list(0)?;
        let mut total = Value::Integer(start);
        for value in list.iter() {
            total =
                number::binary(operator, &total, &value, self.evaluator.size).map_err(
                    |problem| match problem {
                        number::Problem::Symbolic => Box::new(EvaluateError::Symbolic),
                        number::Problem::TooLarge => Box::new(EvaluateError::NumberTooLarge {
                            limit: number::MAX_BITS,
                            span: self.span,
                        }),
                        _ => wrong_type_at("numbers", &value, self.spans[0]),
                    },
                )?;
            self.evaluator.spend(number::cost(&total), self.span)?;
        }
        Ok(total)
    }

    fn extreme(&mut self, wanted: Ordering) -> Result<Value> {
        let mut operands = self.operands()?.into_iter();
        let Some(mut best) = operands.next() else {
            return Err(self.outside(0, "an empty list has no least or greatest element"));
        };
        for value in operands {
            if self.order(&value, &best)? == wanted {
                best = value;
            }
        }
        Ok(best)
    }

    /// For b ≥ 2 and x ≥ 1: the greatest k with b^k ≤ x, and whether b^k = x.
    fn logarithm(&mut self) -> Result<(i64, bool)> {
        let (x, base) = (self.number(0)?, self.integer(1)?);
        if x < Rational::one() {
            return Err(self.outside(0, "a logarithm that rounds takes a number that is at least 1"));
        }
        if base < BigInt::from(2) {
            return Err(self.outside(1, "the base must be at least 2"));
        }
        self.evaluator.spend(x.bits() / 8, self.span)?;
        let (mut k, mut power) = (0, BigInt::one());
        let whole = x.floor().numerator();
        loop {
            let next = &power * &base;
            if next > whole {
                return Ok((k, Rational::integer(power) == x));
            }
            power = next;
            k += 1;
        }
    }

    fn prime_factors(&mut self) -> Result<Vec<i64>> {
        let number = self.integer(0)?.to_i64().filter(|number| (1..1 << 40).contains(number));
        let mut rest = number.ok_or_else(|| self.outside(0, "factors are found from 1 up to 2^40"))?;
        let (mut factors, mut candidate) = (vec![], 2);
        while candidate * candidate <= rest {
            while rest % candidate == 0 {
                factors.push(candidate);
                rest /= candidate;
            }
            candidate += 1;
        }
        self.evaluator.spend(candidate as u64 / 8, self.span)?;
        if rest > 1 {
            factors.push(rest);
        }
        Ok(factors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_function() {
        assert_eq!(FUNCTIONS.map(|(name, _)| name), BUILTINS.map(|builtin| builtin.name));
        assert!(BUILTINS.is_sorted_by_key(|builtin| builtin.name));
    }
}
