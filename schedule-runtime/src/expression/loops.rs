//! The loops of operations. Each operation is known when its loop is compiled, which lets the loop use the machine's
//! vectors.

use crate::element::Element;
use crate::kernel::{Loop, Set};
use bfc_schedule::program::{Operation, scalar};

/// An operand: the same for all elements, or one for each.
#[derive(Clone, Copy)]
pub(super) enum Source<'a, A> {
    One(A),
    Each(&'a [A]),
}

/// An operand, times a factor where it goes to a sum or a difference.
#[derive(Clone, Copy)]
pub(super) struct Term<'a, A> {
    pub(super) source: Source<'a, A>,
    pub(super) factor: Option<A>,
}

/// `into ← operation(a, b)`, or of `a` alone.
pub(super) struct Elementwise<'a, A> {
    operation: &'a Operation,
    a: Term<'a, A>,
    b: Option<Term<'a, A>>,
    into: &'a mut [A],
}

impl<'a, A: Element> Elementwise<'a, A> {
    pub(super) fn new(
        operation: &'a Operation,
        mut operands: impl Iterator<Item = Term<'a, A>>,
        into: &'a mut [A],
    ) -> Self {
        let a = operands.next().expect("an operand");
        Self { operation, a, b: operands.next(), into }
    }
}

impl<A: Element> Loop for Elementwise<'_, A> {
    type Output = ();

    #[inline(always)]
    fn run<I: Set>(self) {
        let Self { operation, a, b, into } = self;
        match (operation, a, b) {
            (Operation::Add, a, Some(b)) => sum(a, b, into, |a, b| a + b),
            (Operation::Subtract, a, Some(b)) => sum(a, b, into, |a, b| a - b),
            (_, a, Some(b)) => binary(operation, a.source, b.source, into),
            (_, Term { source: Source::Each(a), .. }, None) => unary(operation, a, into),
            _ => unreachable!("a vector operation has a vector operand"),
        }
    }
}

macro_rules! hoisted {
    ($operation:expr, $apply:ident: $($known:ident)*) => {
        match $operation {
            $(Operation::$known => $apply!(Operation::$known),)*
            other => unreachable!("{other:?} has another arity"),
        }
    };
}

#[inline(always)]
fn unary<A: Element>(operation: &Operation, a: &[A], into: &mut [A]) {
    macro_rules! apply {
        ($known:expr) => {
            for (into, &a) in into.iter_mut().zip(a) {
                *into = scalar::unary(&$known, a);
            }
        };
    }
    hoisted!(operation, apply: Negate Not SquareRoot Log Absolute Floor)
}

#[inline(always)]
fn binary<A: Element>(operation: &Operation, a: Source<'_, A>, b: Source<'_, A>, into: &mut [A]) {
    macro_rules! apply {
        ($known:expr) => {
            map(a, b, into, |a, b| scalar::binary(&$known, a, b))
        };
    }
    // A call of libm in the loop would keep squares from being vectors.
    if let (Operation::Power, Source::Each(_), Source::One(exponent)) = (operation, a, b)
        && exponent == A::from_f64(2.0)
    {
        return map(a, a, into, |a, b| scalar::binary(&Operation::Multiply, a, b));
    }
    hoisted!(
        operation,
        apply: Multiply Divide Power Minimum Maximum Mod Div
            Equal NotEqual Less LessEqual Greater GreaterEqual And Or Random
    )
}

/// A sum or a difference of products, each rounded before.
#[inline(always)]
fn sum<A: Element>(a: Term<'_, A>, b: Term<'_, A>, into: &mut [A], f: impl Fn(A, A) -> A) {
    match (a.factor, b.factor) {
        (None, None) => map(a.source, b.source, into, f),
        (Some(v), None) => map(a.source, b.source, into, |a, b| f(v * a, b)),
        (None, Some(w)) => map(a.source, b.source, into, |a, b| f(a, w * b)),
        (Some(v), Some(w)) => map(a.source, b.source, into, |a, b| f(v * a, w * b)),
    }
}

#[inline(always)]
fn map<A: Element>(a: Source<'_, A>, b: Source<'_, A>, into: &mut [A], f: impl Fn(A, A) -> A) {
    match (a, b) {
        (Source::Each(a), Source::Each(b)) => {
            for ((into, &a), &b) in into.iter_mut().zip(a).zip(b) {
                *into = f(a, b);
            }
        }
        (Source::Each(a), Source::One(b)) => {
            for (into, &a) in into.iter_mut().zip(a) {
                *into = f(a, b);
            }
        }
        (Source::One(a), Source::Each(b)) => {
            for (into, &b) in into.iter_mut().zip(b) {
                *into = f(a, b);
            }
        }
        (Source::One(a), Source::One(b)) => into.fill(f(a, b)),
    }
}
