//! Expressions to values. Names live on one stack, of which a function sees only its own part; a call in tail position
//! replaces that part. Every expression visited costs a step, every list cell and every level of recursion is counted.

use super::expect::{has_symbol, out_of_range, wrong_type_at};
use super::number;
use super::{List, Value};
use crate::builtin_names::{self, GLOBALS};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::evaluate::topology::construction::Made;
use bfc_dsl::tree::{
    BinaryOperator, Clause, Expression, ExpressionKind, Item, Let, Pattern, Span, UnaryOperator,
};
use bfc_schedule::Rational;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::Zero;
use std::cmp::Ordering;

impl<'a> Evaluator<'a> {
    /// The value of an expression.
    pub fn evaluate(&mut self, expression: &'a Expression) -> Result<Value> {
        if self.depth >= self.limits.depth {
            let limit = self.limits.depth;
            return Err(Box::new(EvaluateError::RecursionTooDeep { limit, span: expression.span }));
        }
        let (base, height) = (self.base, self.scope.len());
        self.depth += 1;
        let result = self.run(expression, height);
        self.depth -= 1;
        self.scope.truncate(height);
        self.base = base;
        result
    }

    /// The loop of tail positions; everything above `height` belongs to it.
    fn run(&mut self, mut expression: &'a Expression, height: usize) -> Result<Value> {
        loop {
            let span = expression.span;
            self.spend(1, span)?;
            match &*expression.kind {
                ExpressionKind::If(condition, yes, no) => {
                    expression = if self.truth(condition)? { yes } else { no };
                }
                ExpressionKind::Block(lets, result) => {
                    for binding in lets {
                        self.bind_let(binding)?;
                    }
                    expression = result;
                }
                ExpressionKind::Call(name, arguments) => {
                    match self.program.find(name.span.file, &name.text) {
                        Some((_, Item::Function(function))) => {
                            self.enter(function, arguments, span, height)?;
                            expression = &function.body;
                        }
                        Some((id, Item::Topology(_))) => {
                            return self.instance(id, arguments, &[], span).map(Value::Topology);
                        }
                        _ => return self.call_builtin(name, arguments, span),
                    }
                }
                _ => return self.plain(expression),
            }
        }
    }

    /// Expressions without a tail position.
    fn plain(&mut self, expression: &'a Expression) -> Result<Value> {
        let span = expression.span;
        match &*expression.kind {
            ExpressionKind::Number(text) => self.literal(text, span),
            ExpressionKind::Truth(value) => Ok(Value::Truth(*value)),
            ExpressionKind::Name(name) => self.name(name, span),
            ExpressionKind::Primed(name) => Err(Box::new(EvaluateError::UnknownName {
                name: format!("{name}'"),
                span,
                help: Some("a prime means the value after the step; it belongs to algorithms".into()),
            })),
            ExpressionKind::Unary(UnaryOperator::Not, operand) => Ok(Value::Truth(!self.truth(operand)?)),
            ExpressionKind::Unary(UnaryOperator::Negate, operand) => {
                let value = self.operand(operand)?;
                let result = number::negate(&value, self.size);
                result.map_err(|problem| self.explain(problem, span, &[(operand, &value)]))
            }
            ExpressionKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            ExpressionKind::Index(list, index) => self.index(list, index),
            ExpressionKind::Slice(list, from, to) => self.slice(list, from.as_ref(), to.as_ref()),
            ExpressionKind::List(items) => {
                let values = items.iter().map(|item| self.operand(item)).collect::<Result<Vec<_>>>()?;
                self.list(values, span)
            }
            ExpressionKind::Comprehension(item, clauses) => {
                let mut values = Vec::new();
                self.each(clauses, &mut |evaluator| {
                    values.push(evaluator.operand(item)?);
                    evaluator.spend_cells(1, span)
                })?;
                self.list_of_counted(values, span)
            }
            ExpressionKind::If(..) | ExpressionKind::Block(..) | ExpressionKind::Call(..) => {
                self.evaluate(expression)
            }
        }
    }

    /// As [`evaluate`](Self::evaluate), with a short way for leaves.
    pub(in crate::evaluate) fn operand(&mut self, expression: &'a Expression) -> Result<Value> {
        match &*expression.kind {
            ExpressionKind::Name(_) | ExpressionKind::Number(_) => {
                self.spend(1, expression.span)?;
                self.plain(expression)
            }
            _ => self.evaluate(expression),
        }
    }

    fn literal(&mut self, text: &str, span: Span) -> Result<Value> {
        match text.parse() {
            Ok(small) => Ok(Value::Integer(small)),
            Err(_) => parse_number(text)
                .ok_or_else(|| Box::new(EvaluateError::NumberTooLarge { limit: number::MAX_BITS, span })),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Result<Value> {
        if let Some(value) = self.lookup(name) {
            return Ok(value);
        }
        if let Some((id, Item::Topology(item))) = self.program.find(span.file, name) {
            let made = Made::Item(id, vec![None; item.parameters.len()]);
            return self.construct(made, &item.name.text, span).map(Value::Topology);
        }
        Err({
            let bound = self.scope[self.base..].iter().map(|(bound, _)| *bound).chain(GLOBALS);
            let topology =
                |known: &&str| matches!(self.program.find(span.file, known), Some((_, Item::Topology(_))));
            let known = bound.chain(self.program.names(span.file).filter(topology));
            let help =
                if builtin_names::find(name).is_some() || self.program.function(span.file, name).is_some() {
                    Some(format!("`{name}` is a function: call it, `{name}(…)`"))
                } else {
                    crate::builtin_names::nearest(name, known).map(|near| format!("did you mean `{near}`?"))
                };
            Box::new(EvaluateError::UnknownName { name: name.to_string(), span, help })
        })
    }

    /// `t at m`.
    fn at(&mut self, topology: &'a Expression, size: &'a Expression, span: Span) -> Result<Value> {
        let inner = self.topology(topology)?;
        let value = self.operand(size)?;
        let size = match u32::try_from(self.as_small(&value, size)?) {
            Ok(size) if size > 0 => size,
            _ => {
                let (function, found) = ("at".into(), value.to_string());
                let help = "a topology has at least one rank, and fewer than 2^32";
                return Err(Box::new(EvaluateError::OutsideDomain {
                    function,
                    found,
                    help,
                    span: size.span,
                }));
            }
        };
        let name = inner.name().to_string();
        self.construct(Made::At(inner, size), &name, span).map(Value::Topology)
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a Expression,
        right: &'a Expression,
        span: Span,
    ) -> Result<Value> {
        use BinaryOperator::*;
        match operator {
            At => return self.at(left, right, span),
            And => return Ok(Value::Truth(self.truth(left)? && self.truth(right)?)),
            Or => return Ok(Value::Truth(self.truth(left)? || self.truth(right)?)),
            Mod => {
                if let ExpressionKind::Binary(Power, base, exponent) = &*left.kind {
                    return self.power_modulo(left, base, exponent, right, span);
                }
            }
            _ => {}
        }
        let (a, b) = (self.operand(left)?, self.operand(right)?);
        match operator {
            Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual => {
                self.compare(operator, &a, &b, span)
            }
            Range => {
                let ends = (self.as_small(&a, left)?, self.as_small(&b, right)?);
                let range = List::range(ends.0, ends.1).map(Value::List);
                range.ok_or_else(|| Box::new(EvaluateError::RangeTooLong { span }))
            }
            Append => {
                let (xs, ys) = (self.as_list(&a, left)?, self.as_list(&b, right)?);
                let Some((list, written)) = xs.append(ys) else {
                    return Err(self.too_many_cells(span));
                };
                self.spend_cells(written, span)?;
                Ok(Value::List(list))
            }
            _ => self.arithmetic(operator, (left, &a), (right, &b), span),
        }
    }

    pub(in crate::evaluate) fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        (left, a): (&Expression, &Value),
        (right, b): (&Expression, &Value),
        span: Span,
    ) -> Result<Value> {
        let result = number::binary(operator, a, b, self.size)
            .map_err(|problem| self.explain(problem, span, &[(left, a), (right, b)]))?;
        if matches!(result, Value::Number(_)) {
            self.spend(number::cost(&result), span)?;
        }
        Ok(result)
    }

    fn power_modulo(
        &mut self,
        power: &'a Expression,
        base: &'a Expression,
        exponent: &'a Expression,
        modulus: &'a Expression,
        span: Span,
    ) -> Result<Value> {
        let (a, b, c) = (self.operand(base)?, self.operand(exponent)?, self.operand(modulus)?);
        if let Some(value) = number::power_modulo(&a, &b, &c) {
            let words = |value: &Value| value.as_number().map_or(1, |number| 1 + number.bits() / 64);
            self.spend(words(&b) * words(&c) * words(&c), span)?;
            return Ok(value);
        }
        let value = self.arithmetic(BinaryOperator::Power, (base, &a), (exponent, &b), power.span)?;
        self.arithmetic(BinaryOperator::Mod, (power, &value), (modulus, &c), span)
    }

    pub(in crate::evaluate) fn compare(
        &mut self,
        operator: BinaryOperator,
        a: &Value,
        b: &Value,
        span: Span,
    ) -> Result<Value> {
        use BinaryOperator::*;
        let unknown = |_: &mut Self| {
            if has_symbol(a) || has_symbol(b) {
                return Box::new(EvaluateError::Symbolic);
            }
            Box::new(EvaluateError::NotComparable { left: a.kind(), right: b.kind(), span })
        };
        if let (Value::List(a), Value::List(b)) = (a, b) {
            self.spend(a.len().min(b.len()) as u64 / 4, span)?;
        }
        let truth = match operator {
            Equal => a.same(b).ok_or_else(|| unknown(self))?,
            NotEqual => !a.same(b).ok_or_else(|| unknown(self))?,
            _ => {
                let order = a.order(b).ok_or_else(|| unknown(self))?;
                match operator {
                    Less => order == Ordering::Less,
                    LessEqual => order != Ordering::Greater,
                    Greater => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                }
            }
        };
        Ok(Value::Truth(truth))
    }

    fn index(&mut self, list: &'a Expression, index: &'a Expression) -> Result<Value> {
        let (xs, at) = (self.operand(list)?, self.operand(index)?);
        let (xs, at) = (self.as_list(&xs, list)?, self.as_small(&at, index)?);
        match usize::try_from(at).ok().filter(|at| *at < xs.len()) {
            Some(at) => Ok(xs.get(at)),
            None => Err(out_of_range(at, xs, index)),
        }
    }

    fn slice(
        &mut self,
        list: &'a Expression,
        from: Option<&'a Expression>,
        to: Option<&'a Expression>,
    ) -> Result<Value> {
        let xs = self.operand(list)?;
        let xs = self.as_list(&xs, list)?;
        let mut bound = |expression: Option<&'a Expression>, absent: usize| match expression {
            None => Ok(absent),
            Some(expression) => {
                let value = self.operand(expression)?;
                let at = self.as_small(&value, expression)?;
                let inside = usize::try_from(at).ok().filter(|at| *at <= xs.len());
                inside.ok_or_else(|| out_of_range(at, xs, expression))
            }
        };
        let (from, to) = (bound(from, 0)?, bound(to, xs.len())?);
        Ok(Value::List(xs.slice(from, to)))
    }

    /// Runs `body` for each binding that clauses give, left to right.
    pub fn each(
        &mut self,
        clauses: &'a [Clause],
        body: &mut dyn FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        match clauses.split_first() {
            None => body(self),
            Some((Clause::If(condition), rest)) => {
                if self.truth(condition)? {
                    self.each(rest, body)
                } else {
                    Ok(())
                }
            }
            Some((Clause::In(pattern, list), rest)) => {
                let values = self.operand(list)?;
                let values = self.as_list(&values, list)?;
                let mark = self.mark();
                for value in values.iter() {
                    self.spend(1, list.span)?;
                    self.bind_pattern(pattern, value)?;
                    self.each(rest, body)?;
                    self.release(mark);
                }
                Ok(())
            }
        }
    }

    /// Binds what a `let` names.
    pub fn bind_let(&mut self, binding: &'a Let) -> Result<()> {
        let value = self.operand(&binding.value)?;
        self.bind_pattern(&binding.pattern, value)
    }

    /// Binds the names of a pattern to the parts of a value.
    pub fn bind_pattern(&mut self, pattern: &'a Pattern, value: Value) -> Result<()> {
        match pattern {
            Pattern::Name(name) => self.bind(&name.text, value),
            Pattern::List(parts, span) => {
                let Value::List(list) = &value else {
                    return Err(wrong_type_at("a list", &value, *span));
                };
                if list.len() != parts.len() {
                    let (expected, found) = (parts.len(), list.len());
                    return Err(Box::new(EvaluateError::PatternMismatch { expected, found, span: *span }));
                }
                for (part, value) in parts.iter().zip(list.iter()) {
                    self.bind_pattern(part, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The value of a number as a file of edges has it: `0.25`, `-1e-8`, `0.25/0.75`; `None` where it is too long.
pub(in crate::evaluate) fn written(text: &str) -> Option<Rational> {
    let number = |text: &str| match parse_number(text)? {
        Value::Integer(small) => Some(Rational::integer(small)),
        Value::Number(large) => Some(large.as_ref().clone()),
        _ => None,
    };
    match text.split_once('/') {
        Some((above, below)) => Some(&number(above)? / &number(below)?),
        None => number(text),
    }
}

/// `numerator / 10^places` in lowest terms. Twos and fives are all that can be cancelled, and counting them is much cheaper
/// than a greatest common divisor: a file may have a million weights.
fn over_power_of_ten(mut numerator: BigInt, places: u32) -> Rational {
    if numerator.is_zero() {
        return Rational::zero();
    }
    let twos = numerator.trailing_zeros().unwrap_or(0).min(u64::from(places)) as u32;
    numerator >>= twos;
    let five = BigInt::from(5);
    let mut fives = 0;
    while fives < places && numerator.is_multiple_of(&five) {
        numerator /= &five;
        fives += 1;
    }
    let denominator = five.pow(places - fives) << (places - twos);
    BigRational::new_raw(numerator, denominator).into()
}

/// The value of a literal such as `12`, `0.1` or `1e-8`; `None` where it is too long.
fn parse_number(text: &str) -> Option<Value> {
    let digits = text.replace('_', "");
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (&*digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i64::from(exponent) - fraction.len() as i64;
    if mantissa.len() as u64 + scale.unsigned_abs() > number::MAX_BITS / 4 {
        return None;
    }
    let unscaled: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let places = scale.unsigned_abs() as u32;
    let value = match scale < 0 {
        true => over_power_of_ten(unscaled, places),
        false => Rational::integer(unscaled * BigInt::from(10).pow(places)),
    };
    number::check(value).ok()
}
