//! Postfix expressions become loops over chunks that stay in the first-level cache.
//!
//! What is the same for all elements is computed once, in `f64`, and rounded to the element type where it meets a vector.

use crate::element::Element;
use crate::registers::Buffer;
use bfc_schedule::program::{Operation, Register, Shape, scalar};

/// Elements in a chunk: three or four of them fit the first-level cache.
const CHUNK: usize = 1024;

/// What scalar operations read.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Scalar registers, and the present edge's of scalars per edge; other places are unused.
    pub(crate) scalars: &'a [f64],
    /// Run-time inputs.
    pub(crate) inputs: &'a [f64],
    /// The number of steps done.
    pub(crate) step: u64,
}

/// An element-wise expression whose result is a vector.
#[derive(Debug)]
pub(crate) struct VectorExpression {
    uniforms: Vec<Vec<Operation>>,
    operations: Vec<Applied>,
    result: Operand,
    /// The slot to which a chunk of the target is copied first, where the expression reads it.
    own: Option<usize>,
    slots: usize,
}

#[derive(Debug)]
struct Applied {
    operation: Operation,
    operands: Vec<Operand>,
    into: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operand {
    Register(usize),
    /// A vector per edge: the present edge's.
    Edge(usize),
    Slot(usize),
    Uniform(usize),
}

enum Entry {
    Uniform(Vec<Operation>),
    Vector(Operand),
}

/// Evaluates an expression without vectors.
pub(crate) fn scalar(expression: &[Operation], scope: &Scope<'_>) -> f64 {
    let leaf = |operation: &Operation| match operation {
        Operation::Register(register) => scope.scalars[register.0 as usize],
        Operation::Input(input) => scope.inputs[*input as usize],
        Operation::Step => scope.step as f64,
        Operation::Constant(constant) => constant.to_f64(),
        _ => unreachable!("{operation:?} takes operands"),
    };
    scalar::evaluate(expression, leaf).expect("a checked expression has a value")
}

impl VectorExpression {
    /// Compiles a checked expression for a target register.
    pub(crate) fn new(expression: &[Operation], into: Register, registers: &[Shape]) -> Self {
        let reads_own = expression.contains(&Operation::Register(into));
        let mut compiled = Self {
            uniforms: vec![],
            operations: vec![],
            result: Operand::Uniform(0),
            own: reads_own.then_some(0),
            slots: reads_own as usize,
        };
        let mut stack: Vec<Entry> = vec![];
        for operation in expression {
            let operands = stack.split_off(stack.len() - operation.arity());
            let entry = match operation {
                Operation::Register(register) if is_vector(registers[register.0 as usize]) => {
                    let index = register.0 as usize;
                    Entry::Vector(match registers[index] {
                        _ if *register == into => Operand::Slot(0),
                        Shape::EdgeVector => Operand::Edge(index),
                        _ => Operand::Register(index),
                    })
                }
                _ if operands.iter().all(|operand| matches!(operand, Entry::Uniform(_))) => {
                    Entry::Uniform(postfix(operands, operation))
                }
                _ => Entry::Vector(compiled.apply(operation, operands, &stack)),
            };
            stack.push(entry);
        }
        let result = stack.pop().expect("a result");
        compiled.result = compiled.operand(result);
        compiled
    }

    fn operand(&mut self, entry: Entry) -> Operand {
        match entry {
            Entry::Vector(operand) => operand,
            Entry::Uniform(expression) => {
                self.uniforms.push(expression);
                Operand::Uniform(self.uniforms.len() - 1)
            }
        }
    }

    /// The result goes to a slot that neither an operand nor a waiting entry holds.
    fn apply(&mut self, operation: &Operation, operands: Vec<Entry>, waiting: &[Entry]) -> Operand {
        let operands: Vec<_> = operands.into_iter().map(|entry| self.operand(entry)).collect();
        let held = |slot: usize| {
            self.own == Some(slot)
                || operands.contains(&Operand::Slot(slot))
                || waiting
                    .iter()
                    .any(|entry| matches!(entry, Entry::Vector(Operand::Slot(other)) if *other == slot))
        };
        let into = (0..).find(|&slot| !held(slot)).expect("a free slot");
        self.slots = self.slots.max(into + 1);
        self.operations.push(Applied { operation: operation.clone(), operands, into });
        Operand::Slot(into)
    }

    /// Computes `into`, the part of that edge where it is a vector per edge; `vectors` are all registers, the target's
    /// taken out.
    pub(crate) fn run<T: Element>(
        &self,
        into: &mut [T],
        edge: usize,
        vectors: &[Buffer<'_, T>],
        scope: &Scope<'_>,
    ) {
        let sources = Sources { vectors, edge: edge * into.len() };
        let uniforms: Vec<T> =
            self.uniforms.iter().map(|expression| T::from_f64(scalar(expression, scope))).collect();
        let mut slots = vec![vec![T::default(); CHUNK.min(into.len())]; self.slots];
        for start in (0..into.len()).step_by(CHUNK) {
            let length = CHUNK.min(into.len() - start);
            let target = &mut into[start..start + length];
            if let Some(own) = self.own {
                slots[own][..length].copy_from_slice(target);
            }
            let (last, others) = match self.operations.split_last() {
                Some((last, others)) => (Some(last), others),
                None => (None, &[][..]),
            };
            for applied in others {
                let mut slot = std::mem::take(&mut slots[applied.into]);
                let source = |operand| sources.get(operand, &slots, &uniforms, start, length);
                applied.run(&mut slot[..length], source);
                slots[applied.into] = slot;
            }
            let source = |operand| sources.get(operand, &slots, &uniforms, start, length);
            match last {
                Some(applied) => applied.run(target, source),
                None => match source(self.result) {
                    Source::One(value) => target.fill(value),
                    Source::Each(values) => target.copy_from_slice(values),
                },
            }
        }
    }
}

fn postfix(operands: Vec<Entry>, operation: &Operation) -> Vec<Operation> {
    let mut expression = vec![];
    for operand in operands {
        if let Entry::Uniform(own) = operand {
            expression.extend(own);
        }
    }
    expression.push(operation.clone());
    expression
}

fn is_vector(shape: Shape) -> bool {
    matches!(shape, Shape::Vector | Shape::EdgeVector)
}

/// Registers, and where the present edge's part of vectors per edge begins.
struct Sources<'a, 'b, T> {
    vectors: &'a [Buffer<'b, T>],
    edge: usize,
}

impl<'a, T: Element> Sources<'a, '_, T> {
    fn get<'s>(
        &self,
        operand: Operand,
        slots: &'s [Vec<T>],
        uniforms: &[T],
        start: usize,
        length: usize,
    ) -> Source<'s, T>
    where
        'a: 's,
    {
        match operand {
            Operand::Register(register) => Source::Each(&self.vectors[register][start..start + length]),
            Operand::Edge(register) => {
                let start = self.edge + start;
                Source::Each(&self.vectors[register][start..start + length])
            }
            Operand::Slot(slot) => Source::Each(&slots[slot][..length]),
            Operand::Uniform(uniform) => Source::One(uniforms[uniform]),
        }
    }
}

impl Applied {
    fn run<'a, T: Element>(&self, into: &mut [T], source: impl Fn(Operand) -> Source<'a, T>) {
        match (self.operands.as_slice(), source(self.operands[0])) {
            ([_], Source::Each(a)) => unary(&self.operation, a, into),
            ([_, b], a) => binary(&self.operation, a, source(*b), into),
            _ => unreachable!("a vector operation has a vector operand"),
        }
    }
}

/// An operand: the same for all elements, or one for each.
#[derive(Clone, Copy)]
enum Source<'a, T> {
    One(T),
    Each(&'a [T]),
}

/// The loops know each operation when they are compiled, which lets them use the machine's vectors.
macro_rules! hoisted {
    ($operation:expr, $apply:ident: $($known:ident)*) => {
        match $operation {
            $(Operation::$known => $apply!(Operation::$known),)*
            other => unreachable!("{other:?} has another arity"),
        }
    };
}

fn unary<T: Element>(operation: &Operation, a: &[T], into: &mut [T]) {
    macro_rules! apply {
        ($known:expr) => {
            for (into, &a) in into.iter_mut().zip(a) {
                *into = scalar::unary(&$known, a);
            }
        };
    }
    hoisted!(operation, apply: Negate Not SquareRoot Log Absolute Floor)
}

fn binary<T: Element>(operation: &Operation, a: Source<'_, T>, b: Source<'_, T>, into: &mut [T]) {
    #[inline(always)]
    fn map<T: Element>(a: Source<'_, T>, b: Source<'_, T>, into: &mut [T], f: impl Fn(T, T) -> T) {
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
    macro_rules! apply {
        ($known:expr) => {
            map(a, b, into, |a, b| scalar::binary(&$known, a, b))
        };
    }
    // A call of libm in the loop would keep squares from being vectors.
    if let (Operation::Power, Source::Each(base), Source::One(exponent)) = (operation, a, b)
        && exponent == T::from_f64(2.0)
    {
        return binary(&Operation::Multiply, Source::Each(base), Source::Each(base), into);
    }
    hoisted!(
        operation,
        apply: Add Subtract Multiply Divide Power Minimum Maximum Mod Div
            Equal NotEqual Less LessEqual Greater GreaterEqual And Or Random
    )
}
