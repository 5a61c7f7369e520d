//! Postfix expressions become loops over chunks that stay in the first-level cache.
//!
//! What is the same for all elements is computed once, in `f64`, and rounded to the arithmetic type where it meets a vector.
//! Vectors may be of any storage type: their chunks are converted to the arithmetic type of the target, and the result is
//! rounded once, when it is stored. A product with a number waits for the sum that it goes to, which spares a loop.

mod loops;
mod run;
#[cfg(test)]
mod tests;
mod text;

use bfc_schedule::program::{Operation, Register, Shape, scalar};

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
    /// The vectors that it reads besides its target.
    vectors: Vec<Vector>,
    operations: Vec<Applied>,
    result: Operand,
    reads_target: bool,
    slots: usize,
}

/// A register that holds a vector, or one per edge.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Vector {
    register: usize,
    per_edge: bool,
}

#[derive(Debug)]
struct Applied {
    operation: Operation,
    operands: Vec<Operand>,
    into: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Operand {
    place: Place,
    /// The number that it is multiplied by, in sums and differences.
    factor: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Target,
    Vector(usize),
    Slot(usize),
    Uniform(usize),
}

impl From<Place> for Operand {
    fn from(place: Place) -> Self {
        Self { place, factor: None }
    }
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
        let mut compiled = Self {
            uniforms: vec![],
            vectors: vec![],
            operations: vec![],
            result: Place::Uniform(0).into(),
            reads_target: expression.contains(&Operation::Register(into)),
            slots: 0,
        };
        let mut stack: Vec<Entry> = vec![];
        for operation in expression {
            let operands = stack.split_off(stack.len() - operation.arity());
            let entry = match operation {
                Operation::Register(register) if *register == into => Entry::Vector(Place::Target.into()),
                Operation::Register(register) if is_vector(registers[register.0 as usize]) => {
                    Entry::Vector(compiled.vector(*register, registers))
                }
                _ if operands.iter().all(|operand| matches!(operand, Entry::Uniform(_))) => {
                    Entry::Uniform(postfix(operands, operation))
                }
                _ => Entry::Vector(compiled.apply(operation, operands, &stack)),
            };
            stack.push(entry);
        }
        let result = stack.pop().expect("a result");
        let result = compiled.operand(result);
        compiled.result = compiled.multiplied(result, &[], &[]);
        compiled
    }

    fn vector(&mut self, register: Register, registers: &[Shape]) -> Operand {
        let register = register.0 as usize;
        let vector = Vector { register, per_edge: registers[register] == Shape::EdgeVector };
        let known = self.vectors.iter().position(|known| *known == vector);
        Place::Vector(known.unwrap_or_else(|| {
            self.vectors.push(vector);
            self.vectors.len() - 1
        }))
        .into()
    }

    fn operand(&mut self, entry: Entry) -> Operand {
        match entry {
            Entry::Vector(operand) => operand,
            Entry::Uniform(expression) => {
                self.uniforms.push(expression);
                Place::Uniform(self.uniforms.len() - 1).into()
            }
        }
    }

    fn apply(&mut self, operation: &Operation, operands: Vec<Entry>, waiting: &[Entry]) -> Operand {
        let mut operands: Vec<_> = operands.into_iter().map(|entry| self.operand(entry)).collect();
        if !matches!(operation, Operation::Add | Operation::Subtract) {
            for index in 0..operands.len() {
                operands[index] = self.multiplied(operands[index], &operands, waiting);
            }
        }
        match (operation, operands.as_slice()) {
            (Operation::Multiply, [Operand { place: Place::Uniform(factor), .. }, vector])
            | (Operation::Multiply, [vector, Operand { place: Place::Uniform(factor), .. }]) => {
                Operand { factor: Some(*factor), ..*vector }
            }
            _ => self.push(operation.clone(), operands.clone(), &operands, waiting),
        }
    }

    /// An operand without a factor.
    fn multiplied(&mut self, operand: Operand, beside: &[Operand], waiting: &[Entry]) -> Operand {
        match operand.factor {
            Some(factor) => {
                let operands = vec![Place::Uniform(factor).into(), operand.place.into()];
                self.push(Operation::Multiply, operands, beside, waiting)
            }
            None => operand,
        }
    }

    /// The result goes to a slot that neither an operand, one beside it, nor a waiting entry holds.
    fn push(
        &mut self,
        operation: Operation,
        operands: Vec<Operand>,
        beside: &[Operand],
        waiting: &[Entry],
    ) -> Operand {
        let waiting = waiting.iter().filter_map(|entry| match entry {
            Entry::Vector(operand) => Some(operand),
            Entry::Uniform(_) => None,
        });
        let held: Vec<Place> =
            operands.iter().chain(beside).chain(waiting).map(|operand| operand.place).collect();
        let into = (0..).find(|&slot| !held.contains(&Place::Slot(slot))).expect("a free slot");
        self.slots = self.slots.max(into + 1);
        self.operations.push(Applied { operation, operands, into });
        Place::Slot(into).into()
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
