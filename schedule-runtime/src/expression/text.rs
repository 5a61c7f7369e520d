//! The same expressions as CUDA text: one kernel for each, whose threads compute an element in the order of the operations.

use super::{Operand, Place, Scope, VectorExpression, scalar};
use crate::storage::{Dtype, arithmetic};
use bfc_schedule::Rational;
use bfc_schedule::program::Operation;
use std::fmt::Write;

impl VectorExpression {
    /// The kernel `name` for a target of this type, which takes words: the number of elements, the target, the
    /// [vectors](Self::reads), and the [uniforms](Self::uniforms) as `f64`.
    pub(crate) fn text(&self, name: &str, target: Dtype, dtype: impl Fn(usize) -> Dtype) -> String {
        let (stored, computed) = (target.name(), arithmetic(target).name());
        let mut fields = format!("u64 n; {stored} *target;");
        let mut body = String::new();
        let mut line = |text: String| writeln!(body, "        const {computed} {text};").expect("a string");
        if self.reads_target {
            line(format!("t = read_{stored}(a.target[i])"));
        }
        for (index, vector) in self.vectors.iter().enumerate() {
            let dtype = dtype(vector.register).name();
            write!(fields, " const {dtype} *v{index};").expect("a string");
            line(format!("v{index} = ({computed})read_{dtype}(a.v{index}[i])"));
        }
        for index in 0..self.uniforms.len() {
            write!(fields, " f64 u{index};").expect("a string");
            line(format!("u{index} = ({computed})a.u{index}"));
        }
        // What each slot holds: the result of an operation, which has a name of its own.
        let mut slots = vec![0; self.slots];
        for (index, applied) in self.operations.iter().enumerate() {
            let operands: Vec<String> =
                applied.operands.iter().map(|operand| self.term(*operand, &slots)).collect();
            let is_square = matches!(
                applied.operands.get(1),
                Some(Operand { place: Place::Uniform(exponent), factor: None })
                    if self.uniforms[*exponent] == [Operation::Constant(Rational::integer(2))]
            );
            let text = match operands.as_slice() {
                [a, _] if is_square && applied.operation == Operation::Power => format!("{a} * {a}"),
                [a] => unary(&applied.operation, a, computed),
                [a, b] => binary(&applied.operation, a, b, computed),
                _ => unreachable!("{:?} has no operands", applied.operation),
            };
            line(format!("r{index} = {text}"));
            slots[applied.into] = index;
        }
        let result = self.term(self.result, &slots);
        let body = format!("{body}        a.target[i] = write_{stored}({result});\n");
        format!("KERNEL({name}, {{ {fields} }}) {{\n    EACH(i, a.n) {{\n{body}    }}\n}}\n")
    }

    /// The vectors that a kernel reads besides its target, by register, and whether it reads the part of an edge.
    pub(crate) fn reads(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.vectors.iter().map(|vector| (vector.register, vector.per_edge))
    }

    /// What is the same for all elements.
    pub(crate) fn uniforms(&self, scope: &Scope<'_>) -> Vec<f64> {
        self.uniforms.iter().map(|uniform| scalar(uniform, scope)).collect()
    }

    fn term(&self, Operand { place, factor }: Operand, slots: &[usize]) -> String {
        let place = match place {
            Place::Target => "t".to_owned(),
            Place::Vector(index) => format!("v{index}"),
            Place::Slot(slot) => format!("r{}", slots[slot]),
            Place::Uniform(index) => format!("u{index}"),
        };
        match factor {
            Some(factor) => format!("(u{factor} * {place})"),
            None => place,
        }
    }
}

fn unary(operation: &Operation, a: &str, computed: &str) -> String {
    match operation {
        Operation::Negate => format!("-{a}"),
        Operation::Not => format!("truth_{computed}({a} == 0)"),
        Operation::SquareRoot => format!("square_root_{computed}({a})"),
        Operation::Log => format!("logarithm_{computed}({a})"),
        Operation::Absolute => format!("absolute_{computed}({a})"),
        Operation::Floor => format!("floor_{computed}({a})"),
        _ => unreachable!("{operation:?} does not take one operand"),
    }
}

fn binary(operation: &Operation, a: &str, b: &str, computed: &str) -> String {
    let truth = |condition: String| format!("truth_{computed}({condition})");
    let call = |function: &str| format!("{function}_{computed}({a}, {b})");
    match operation {
        Operation::Add => format!("{a} + {b}"),
        Operation::Subtract => format!("{a} - {b}"),
        Operation::Multiply => format!("{a} * {b}"),
        Operation::Divide => format!("{a} / {b}"),
        Operation::Power => call("power"),
        Operation::Minimum => call("minimum"),
        Operation::Maximum => call("maximum"),
        Operation::Mod => call("mod"),
        Operation::Div => call("div"),
        Operation::Random => call("random"),
        Operation::Equal => truth(format!("{a} == {b}")),
        Operation::NotEqual => truth(format!("{a} != {b}")),
        Operation::Less => truth(format!("{a} < {b}")),
        Operation::LessEqual => truth(format!("{a} <= {b}")),
        Operation::Greater => truth(format!("{a} > {b}")),
        Operation::GreaterEqual => truth(format!("{a} >= {b}")),
        Operation::And => truth(format!("{a} != 0 && {b} != 0")),
        Operation::Or => truth(format!("{a} != 0 || {b} != 0")),
        _ => unreachable!("{operation:?} does not take two operands"),
    }
}
