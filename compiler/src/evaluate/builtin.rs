//! The built-in functions.

use super::error::{EvaluateError, Result};
use super::expression::{Evaluator, has_symbol, wrong_type_at};
use super::number;
use super::random;
use super::value::{List, Value};
use bfc_dsl::tree::{Argument, Name, Span};
use bfc_schedule::Rational;
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// A built-in function: its name, the least and the most arguments, what it does.
pub struct Builtin {
    /// How it is called.
    pub name: &'static str,
    /// The fewest arguments.
    pub least: usize,
    /// The most arguments.
    pub most: usize,
    apply: fn(&mut Call) -> Result<Value>,
}

const MANY: usize = usize::MAX;

macro_rules! builtins {
    ($($name:ident $least:literal..=$most:expr),* $(,)?) => {
        [$(Builtin { name: stringify!($name), least: $least, most: $most, apply: $name }),*]
    };
}

/// All of them, by name.
pub const BUILTINS: [Builtin; 26] = builtins![
    abs 1..=1, ceil 1..=1, ceil_log 2..=2, connected 1..=1, contains 2..=2, floor 1..=1, floor_log 2..=2,
    floor_sqrt 1..=1, gcd 1..=MANY, is_power 2..=2, is_prime 1..=1, lcm 1..=MANY, len 1..=1, log 1..=2, max 1..=MANY,
    min 1..=MANY, prime_factors 1..=1, product 1..=1, random 2..=MANY, random_int 3..=MANY, reversed 1..=1,
    shuffle 3..=MANY, sort 1..=1, sqrt 1..=1, sum 1..=1, without 2..=2,
];

/// The built-in function of a name.
pub fn find(name: &str) -> Option<&'static Builtin> {
    let at = BUILTINS.binary_search_by(|builtin| builtin.name.cmp(name)).ok()?;
    BUILTINS.get(at)
}

/// A call under way.
struct Call<'e, 'a> {
    evaluator: &'e mut Evaluator<'a>,
    name: &'static str,
    values: Vec<Value>,
    spans: Vec<Span>,
    span: Span,
}

impl<'a> Evaluator<'a> {
    /// Calls the built-in function of this name.
    pub(super) fn call_builtin(
        &mut self,
        name: &'a Name,
        arguments: &'a [Argument],
        span: Span,
    ) -> Result<Value> {
        let Some(builtin) = find(&name.text) else {
            return Err(self.unknown_function(name));
        };
        check_arity(builtin, arguments, span)?;
        let values =
            arguments.iter().map(|argument| self.operand(&argument.value)).collect::<Result<Vec<_>>>()?;
        let spans = arguments.iter().map(|argument| argument.value.span).collect();
        self.apply_builtin(builtin, values, spans, span)
    }

    /// Applies a built-in function to as many values as it takes; `spans` are their places.
    pub(super) fn apply_builtin(
        &mut self,
        builtin: &Builtin,
        values: Vec<Value>,
        spans: Vec<Span>,
        span: Span,
    ) -> Result<Value> {
        (builtin.apply)(&mut Call { evaluator: self, name: builtin.name, values, spans, span })
    }

    fn unknown_function(&self, name: &Name) -> Box<EvaluateError> {
        let near = super::nearest(&name.text, BUILTINS.iter().map(|builtin| builtin.name));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        Box::new(EvaluateError::UnknownName { name: name.text.clone(), span: name.span, help })
    }
}

/// Whether a built-in function can be called with these arguments.
pub(super) fn check_arity(builtin: &Builtin, arguments: &[Argument], span: Span) -> Result<()> {
    if builtin.takes(arguments) {
        return Ok(());
    }
    let (function, expected) = (builtin.name.to_string(), builtin.expected());
    Err(Box::new(EvaluateError::WrongArity { function, expected, found: arguments.len(), span }))
}

impl Builtin {
    /// Whether it can be called with these arguments.
    pub fn takes(&self, arguments: &[Argument]) -> bool {
        let by_place = arguments.iter().all(|argument| argument.name.is_none());
        by_place && (self.least..=self.most).contains(&arguments.len())
    }

    /// What it takes, in words.
    pub fn expected(&self) -> String {
        let count = match (self.least, self.most) {
            (1, 1) => "one argument".to_string(),
            (1, MANY) => "one argument or more".to_string(),
            (least, MANY) => format!("{least} arguments or more"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        };
        format!("{count}, by place")
    }
}

impl Call<'_, '_> {
    fn number(&self, argument: usize) -> Result<Rational> {
        let value = &self.values[argument];
        value.as_number().ok_or_else(|| wrong_type_at("a number", value, self.spans[argument]))
    }

    fn integer(&self, argument: usize) -> Result<BigInt> {
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
    fn key(&self, argument: usize) -> Result<u64> {
        let modulus = BigInt::one() << 64;
        Ok(self.integer(argument)?.mod_floor(&modulus).to_u64().unwrap_or(0))
    }

    /// The stream and the position that the arguments from `first` on name.
    fn stream(&self, first: usize) -> Result<(u64, u64)> {
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

    fn outside(&self, argument: usize, help: &'static str) -> Box<EvaluateError> {
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
            let words = if let Value::Number(large) = &total { large.bits() / 64 } else { 0 };
            self.evaluator.spend(1 + words * words / 8, self.span)?;
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
        let whole = x.floor().numerator().clone();
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

fn number_value(value: Rational) -> Result<Value> {
    Ok(Value::number(value))
}

fn abs(call: &mut Call) -> Result<Value> {
    number_value(call.number(0)?.abs())
}

fn ceil(call: &mut Call) -> Result<Value> {
    number_value(-&(-&call.number(0)?).floor())
}

fn floor(call: &mut Call) -> Result<Value> {
    number_value(call.number(0)?.floor())
}

fn floor_sqrt(call: &mut Call) -> Result<Value> {
    let x = call.number(0)?;
    if x.is_negative() {
        return Err(call.outside(0, "a square root takes a number that is not negative"));
    }
    number_value(Rational::integer(x.floor().numerator().sqrt()))
}

fn sqrt(call: &mut Call) -> Result<Value> {
    let x = call.number(0)?;
    if x.is_negative() {
        return Err(call.outside(0, "a square root takes a number that is not negative"));
    }
    number_value(number::square_root(&x))
}

fn log(call: &mut Call) -> Result<Value> {
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

fn floor_log(call: &mut Call) -> Result<Value> {
    Ok(Value::Integer(call.logarithm()?.0))
}

fn ceil_log(call: &mut Call) -> Result<Value> {
    let (k, exact) = call.logarithm()?;
    Ok(Value::Integer(if exact { k } else { k + 1 }))
}

fn is_power(call: &mut Call) -> Result<Value> {
    let below_one = call.integer(0)? < BigInt::one();
    Ok(Value::Truth(!below_one && call.logarithm()?.1))
}

fn is_prime(call: &mut Call) -> Result<Value> {
    let small = call.integer(0)? < BigInt::from(2);
    Ok(Value::Truth(!small && call.prime_factors()?.len() == 1))
}

fn prime_factors(call: &mut Call) -> Result<Value> {
    let factors = call.prime_factors()?.into_iter().map(Value::Integer).collect();
    call.evaluator.list(factors, call.span)
}

fn gcd(call: &mut Call) -> Result<Value> {
    let gcd = call.integers()?.iter().fold(BigInt::zero(), |a, b| a.gcd(b));
    number_value(Rational::integer(gcd))
}

fn lcm(call: &mut Call) -> Result<Value> {
    let mut total = BigInt::one();
    for integer in call.integers()? {
        total = total.lcm(&integer).abs();
        if total.bits() > number::MAX_BITS {
            return Err(Box::new(EvaluateError::NumberTooLarge { limit: number::MAX_BITS, span: call.span }));
        }
    }
    number_value(Rational::integer(total))
}

fn len(call: &mut Call) -> Result<Value> {
    Ok(Value::Integer(call.list(0)?.len() as i64))
}

fn max(call: &mut Call) -> Result<Value> {
    call.extreme(Ordering::Greater)
}

fn min(call: &mut Call) -> Result<Value> {
    call.extreme(Ordering::Less)
}

fn sum(call: &mut Call) -> Result<Value> {
    call.fold(0, bfc_dsl::tree::BinaryOperator::Add)
}

fn product(call: &mut Call) -> Result<Value> {
    call.fold(1, bfc_dsl::tree::BinaryOperator::Multiply)
}

fn reversed(call: &mut Call) -> Result<Value> {
    let reversed = call.list(0)?.iter().rev().collect();
    call.evaluator.list(reversed, call.span)
}

fn sort(call: &mut Call) -> Result<Value> {
    let list = call.list(0)?;
    call.evaluator.spend(list.len() as u64, call.span)?;
    let values = call.sorted(list.iter().collect())?;
    call.evaluator.list(values, call.span)
}

/// Whether a list has an element.
fn contains(call: &mut Call) -> Result<Value> {
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
fn without(call: &mut Call) -> Result<Value> {
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

fn random(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(0)?;
    number_value(random::unit(random::output(seed, position)))
}

fn random_int(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(1)?;
    let below = call.integer(0)?;
    if !below.is_positive() {
        return Err(call.outside(0, "a random integer is drawn below a number that is at least 1"));
    }
    number_value(Rational::integer(BigInt::from(random::output(seed, position)) % below))
}

fn shuffle(call: &mut Call) -> Result<Value> {
    let (seed, position) = call.stream(1)?;
    let mut values: Vec<Value> = call.list(0)?.iter().collect();
    random::shuffle(&mut values, seed, position);
    call.evaluator.list(values, call.span)
}

/// Whether pairs of ranks, taken both ways, connect all ranks.
fn connected(call: &mut Call) -> Result<Value> {
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

fn rank_pair(call: &Call, value: &Value) -> Result<(u32, u32)> {
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
