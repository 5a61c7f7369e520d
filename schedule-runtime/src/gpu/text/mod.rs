//! The kernels of programs as CUDA text. The numbers are those of the host's kernels, bit for bit: products and sums are
//! rounded one by one in the same order, and the bits of what is not a number are all that a machine may choose. Logarithms and
//! powers other than squares are the exception: they are those of the GPU's library for `f64`, and near the host's.
//!
//! Every kernel takes one structure whose fields have 8 bytes each, so that a caller passes words.

use crate::expression::VectorExpression;
use crate::storage::{Dtype, arithmetic};
use bfc_schedule::program::{Expression, Instruction, Program, Shape};
use std::collections::{BTreeMap, BTreeSet};

const PRELUDE: &str = include_str!("prelude.cu");
const SCALAR: &str = include_str!("scalar.cu");
const SUMS: &str = include_str!("sums.cu");
const CONVERT: &str = include_str!("convert.cu");
const AVERAGE: &str = include_str!("average.cu");
const DOT: &str = include_str!("dot.cu");
const JOIN: &str = include_str!("join.cu");
const CODES: &str = include_str!("codes.cu");
const CODECS: &str = include_str!("codecs.cu");
const TREES: &str = include_str!("trees.cu");
const ORTHONORMAL: &str = include_str!("orthonormal.cu");
const THIN: &str = include_str!("thin.cu");

/// The CUDA text of all kernels that programs need for vectors of some types.
#[derive(Debug)]
pub struct Text {
    source: String,
    assignments: Vec<Assignment>,
    /// Names by texts: equal ones are compiled once.
    known: BTreeMap<String, String>,
}

/// An element-wise assignment to a vector of a bucket, as a kernel.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// The program, by index.
    pub(crate) program: usize,
    pub(crate) source: Expression,
    pub(crate) expression: VectorExpression,
    /// The register, by index.
    pub(crate) into: usize,
    /// The type of the bucket.
    pub(crate) bucket: Dtype,
}

impl Text {
    /// For the programs' vectors in buckets of these types.
    pub fn new(programs: &[&Program], dtypes: &[Dtype]) -> Self {
        let dtypes: BTreeSet<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
        let dtypes: Vec<Dtype> = dtypes.into_iter().filter_map(Dtype::from_name).collect();
        let mut source = [PRELUDE, CODES, JOIN].join("\n");
        for (from, to) in [(Dtype::F32, Dtype::F32), (Dtype::F32, Dtype::F64), (Dtype::F64, Dtype::F64)] {
            source += &of_types(TREES, from, to);
        }
        source += ORTHONORMAL;
        // Numbers that are averaged are those of the host, in `f64`.
        source += &[Dtype::F32, Dtype::F64].map(|computed| of_types(AVERAGE, computed, computed)).concat();
        for computed in [Dtype::F32, Dtype::F64] {
            if dtypes.iter().any(|&dtype| arithmetic(dtype) == computed) {
                source += &[SCALAR, CODECS, THIN].map(|text| of_types(text, computed, computed)).concat();
            }
        }
        let mut pairs = BTreeSet::new();
        for &dtype in &dtypes {
            let types = [dtype, arithmetic(dtype)];
            for (from, to) in types.iter().flat_map(|from| types.map(|to| (*from, to))) {
                if pairs.insert((from.name(), to.name())) {
                    source += &[SUMS, CONVERT, DOT].map(|text| of_types(text, from, to)).concat();
                }
            }
        }
        let mut text = Self { source, assignments: vec![], known: BTreeMap::new() };
        for (index, program) in programs.iter().enumerate() {
            for &dtype in &dtypes {
                text.assign(index, program, dtype);
            }
        }
        text
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of the kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &str> {
        let begins = self.source.lines().filter_map(|line| line.strip_prefix("KERNEL("));
        begins.filter_map(|rest| rest.split_once(',')).map(|(name, _)| name)
    }

    pub(crate) fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The assignment of an expression to a register, of the first program.
    pub(crate) fn assignment(&self, into: usize, bucket: Dtype, source: &Expression) -> &Assignment {
        let is_it = |assignment: &&Assignment| {
            (assignment.program, assignment.into, assignment.bucket) == (0, into, bucket)
                && assignment.source == *source
        };
        self.assignments.iter().find(is_it).expect("each assignment has a kernel")
    }

    fn assign(&mut self, index: usize, program: &Program, bucket: Dtype) {
        let points = program.points();
        let dtype = |register: usize| if points[register] { bucket } else { arithmetic(bucket) };
        let blocks = [&program.initial, &program.model].into_iter().chain(&program.steps);
        for instruction in blocks.flatten() {
            let Instruction::Compute { into, expression } = instruction else { continue };
            let register = into.0 as usize;
            if !matches!(program.registers[register], Shape::Vector | Shape::EdgeVector) {
                continue;
            }
            let compiled = VectorExpression::new(expression, *into, &program.registers);
            let text = compiled.text("$N", dtype(register), dtype);
            let new = format!("assign_{}", self.known.len());
            let name = self.known.entry(text).or_insert_with_key(|text| {
                self.source += &text.replace("$N", &new);
                new
            });
            let name = name.clone();
            self.assignments.push(Assignment {
                name,
                program: index,
                source: expression.clone(),
                expression: compiled,
                into: register,
                bucket,
            });
        }
    }
}

/// A template for vectors of one type and results of another; functions of the C library end in `f` for single numbers.
fn of_types(text: &str, from: Dtype, to: Dtype) -> String {
    let computed = arithmetic(from);
    let text = text.replace("$S", from.name()).replace("$T", to.name()).replace("$A", computed.name());
    text.replace("$F", if computed == Dtype::F32 { "f" } else { "" }) + "\n"
}
