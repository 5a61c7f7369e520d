//! Postfix expressions become loops over chunks that stay in the first-level cache.
//!
//! What is the same for all elements is computed once, in `f64`, and rounded to the element type where it meets a vector.

use crate::element::Element;
use crate::memory::Buffer;
use crate::storage::{Dtype, Storage, with_dtype};
use bfc_schedule::program::scalar::Number;
use bfc_schedule::program::{Operation, Register, Shape, scalar};
use bytemuck::cast_slice_mut;
use std::ops::Range;

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

    /// Computes these elements of `target`; `edge` is where the present edge's part of vectors per edge begins. `vectors` are
    /// all registers, the target's taken out.
    pub(crate) fn run(
        &self,
        target: &mut Buffer,
        elements: Range<usize>,
        edge: usize,
        vectors: &[Buffer],
        scope: &Scope<'_>,
    ) {
        with_dtype!(target.dtype(), S => self.run_as(&mut target.values_mut::<S>()[elements], edge, vectors, scope));
    }

    fn run_as<S: Storage>(&self, into: &mut [S], edge: usize, vectors: &[Buffer], scope: &Scope<'_>) {
        let uniforms: Vec<S::Arithmetic> =
            self.uniforms.iter().map(|expression| Number::from_f64(scalar(expression, scope))).collect();
        let chunk = || vec![<S::Arithmetic>::default(); CHUNK.min(into.len())];
        let mut slots: Vec<_> = (0..self.slots).map(|_| chunk()).collect();
        let mut result = chunk();
        let mut loaded: Vec<(Operand, Vec<S::Arithmetic>)> =
            self.shorter(vectors, <S::Arithmetic>::DTYPE).map(|operand| (operand, chunk())).collect();
        for start in (0..into.len()).step_by(CHUNK) {
            let length = CHUNK.min(into.len() - start);
            let target = &mut into[start..start + length];
            for (operand, chunk) in &mut loaded {
                load(vectors, *operand, edge, start, &mut chunk[..length]);
            }
            let sources = Sources { vectors, loaded: &loaded, edge, uniforms: &uniforms, start, length };
            if let Some(own) = self.own {
                slots[own].iter_mut().zip(&*target).for_each(|(slot, own)| *slot = own.load());
            }
            let (last, others) = match self.operations.split_last() {
                Some((last, others)) => (Some(last), others),
                None => (None, &[][..]),
            };
            for applied in others {
                let mut slot = std::mem::take(&mut slots[applied.into]);
                applied.run(&mut slot[..length], |operand| sources.get(operand, &slots));
                slots[applied.into] = slot;
            }
            let whole = S::DTYPE == <S::Arithmetic>::DTYPE;
            let values = if whole { cast_slice_mut(&mut *target) } else { &mut result[..length] };
            match (last, sources.get(self.result, &slots)) {
                (Some(applied), _) => applied.run(values, |operand| sources.get(operand, &slots)),
                (None, Source::One(value)) => values.fill(value),
                (None, Source::Each(each)) => values.copy_from_slice(each),
            }
            if !whole {
                target.iter_mut().zip(&result).for_each(|(to, from)| *to = S::store(*from));
            }
        }
    }

    /// The operands that are stored shorter than they are computed.
    fn shorter(&self, vectors: &[Buffer], computed: Dtype) -> impl Iterator<Item = Operand> {
        let operands = self.operations.iter().flat_map(|applied| &applied.operands).chain([&self.result]);
        let mut shorter: Vec<Operand> = operands
            .copied()
            .filter(|operand| match operand {
                Operand::Register(register) | Operand::Edge(register) => {
                    vectors[*register].dtype() != computed
                }
                Operand::Slot(_) | Operand::Uniform(_) => false,
            })
            .collect();
        shorter.dedup();
        shorter.into_iter()
    }
}

/// A piece of a register in the type that it is computed in.
fn load<T: Element>(vectors: &[Buffer], operand: Operand, edge: usize, start: usize, into: &mut [T]) {
    let (register, start) = match operand {
        Operand::Register(register) => (register, start),
        Operand::Edge(register) => (register, edge + start),
        Operand::Slot(_) | Operand::Uniform(_) => return,
    };
    with_dtype!(vectors[register].dtype(), R => {
        let values = &vectors[register].values::<R>()[start..start + into.len()];
        into.iter_mut().zip(values).for_each(|(to, from)| *to = T::from_f64(from.load().to_f64()));
    });
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

/// What a chunk is computed from.
struct Sources<'a, T> {
    vectors: &'a [Buffer],
    /// Chunks of registers that are stored shorter.
    loaded: &'a [(Operand, Vec<T>)],
    /// Where the present edge's part of vectors per edge begins.
    edge: usize,
    uniforms: &'a [T],
    start: usize,
    length: usize,
}

impl<'a, T: Element> Sources<'a, T> {
    fn get<'s>(&'s self, operand: Operand, slots: &'s [Vec<T>]) -> Source<'s, T> {
        if let Some((_, chunk)) = self.loaded.iter().find(|(loaded, _)| *loaded == operand) {
            return Source::Each(&chunk[..self.length]);
        }
        let piece = |register: usize, start: usize| {
            Source::Each(&self.vectors[register].values::<T>()[start..start + self.length])
        };
        match operand {
            Operand::Register(register) => piece(register, self.start),
            Operand::Edge(register) => piece(register, self.edge + self.start),
            Operand::Slot(slot) => Source::Each(&slots[slot][..self.length]),
            Operand::Uniform(uniform) => Source::One(self.uniforms[uniform]),
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
