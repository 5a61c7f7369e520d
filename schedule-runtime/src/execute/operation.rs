//! An instruction for one rank: its registers by shape, and what it does where that concerns this rank alone.

use super::flight::Operands;
use crate::expression::{Scope, VectorExpression, scalar};
use crate::registers::{Bucket, Registers};
use crate::storage::with_computed;
use crate::trace::Asked;
use bfc_schedule::Rank;
use bfc_schedule::compression::LowRank;
use bfc_schedule::program::{Expression, Flight, Instruction, Operator, Register, Shape};
use std::sync::Arc;

/// An instruction with its registers resolved by shape.
#[derive(Debug)]
pub(super) enum Operation {
    Parameters { into: usize },
    Vector { into: usize, expression: VectorExpression },
    Scalar { into: usize, expression: Expression },
    Edges { into: usize, expression: VectorExpression },
    EdgeScalars { into: usize, expression: Expression },
    Exchange { operator: Operator, operands: Arc<Operands> },
    Begin { flight: Flight, operator: Operator, operands: Arc<Operands> },
    Finish { flight: Flight },
    Ask(Question),
    Swap(usize, usize),
    Dot { a: usize, b: usize, into: usize },
    Degree { topology: usize, into: usize },
    Gather { from: usize, into: usize, vector: bool },
    Encode { from: usize, into: usize },
    Decode { from: usize, into: usize },
    Start { low_rank: LowRank, into: usize },
    Project { low_rank: LowRank, from: usize, factor: usize, into: usize },
    Difference { low_rank: LowRank, mine: usize, theirs: usize, into: usize },
    Correct { low_rank: LowRank, at: usize, factor: usize, difference: usize, into: usize },
}

/// What the trainer is asked; registers by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// `into ←` the gradient at `at`.
    Gradient { at: usize, into: usize },
    /// `into ←` one step of the trainer's optimizer from `at`.
    Adapt { at: usize, direction: Option<usize>, into: usize },
    /// `into ← argmin_x f(x) + ρ/2 ‖x − at‖²`.
    Prox { at: usize, rho: usize, into: usize },
}

impl Question {
    /// What a trace calls it.
    pub(crate) fn asked(self) -> Asked {
        match self {
            Self::Gradient { .. } => Asked::Gradient,
            Self::Adapt { .. } => Asked::Adapt,
            Self::Prox { .. } => Asked::Prox,
        }
    }

    /// The point that it is about.
    pub(crate) fn at(self) -> usize {
        match self {
            Self::Gradient { at, .. } | Self::Adapt { at, .. } | Self::Prox { at, .. } => at,
        }
    }

    /// Where the answer goes.
    pub(crate) fn answer(self) -> usize {
        match self {
            Self::Gradient { into, .. } | Self::Adapt { into, .. } | Self::Prox { into, .. } => into,
        }
    }
}

impl Operation {
    pub(super) fn new(instruction: &Instruction, registers: &[Shape]) -> Self {
        let index = |register: Register| register.0 as usize;
        match instruction {
            Instruction::Parameters { into } => Self::Parameters { into: index(*into) },
            Instruction::Compute { into, expression } => {
                let compiled = || VectorExpression::new(expression, *into, registers);
                match (registers[index(*into)], index(*into)) {
                    (Shape::EdgeVector, into) => Self::Edges { into, expression: compiled() },
                    (Shape::Scalar, into) => Self::Scalar { into, expression: expression.clone() },
                    (Shape::EdgeScalar, into) => Self::EdgeScalars { into, expression: expression.clone() },
                    (Shape::Vector | Shape::Code(_) | Shape::EdgeFactor(_), into) => {
                        Self::Vector { into, expression: compiled() }
                    }
                }
            }
            Instruction::Exchange { operator, transfers } => {
                Self::Exchange { operator: *operator, operands: Operands::new(transfers, registers).into() }
            }
            Instruction::Begin { flight, operator, transfers } => {
                let operands = Operands::new(transfers, registers).into();
                Self::Begin { flight: *flight, operator: *operator, operands }
            }
            Instruction::Finish { flight } => Self::Finish { flight: *flight },
            Instruction::Gradient { at, into } => {
                Self::Ask(Question::Gradient { at: index(*at), into: index(*into) })
            }
            Instruction::Adapt { at, direction, into } => Self::Ask(Question::Adapt {
                at: index(*at),
                direction: direction.map(index),
                into: index(*into),
            }),
            Instruction::Swap(a, b) => Self::Swap(index(*a), index(*b)),
            Instruction::Prox { at, rho, into } => {
                Self::Ask(Question::Prox { at: index(*at), rho: index(*rho), into: index(*into) })
            }
            Instruction::Dot { a, b, into } => Self::Dot { a: index(*a), b: index(*b), into: index(*into) },
            Instruction::Degree { topology, into } => {
                Self::Degree { topology: *topology as usize, into: index(*into) }
            }
            Instruction::Gather { from, into } => {
                let vector = registers[index(*from)] == Shape::EdgeVector;
                Self::Gather { from: index(*from), into: index(*into), vector }
            }
            Instruction::Encode { from, into } => Self::Encode { from: index(*from), into: index(*into) },
            Instruction::Decode { from, into } => Self::Decode { from: index(*from), into: index(*into) },
            Instruction::Start { into } => {
                Self::Start { low_rank: low_rank(registers, *into), into: index(*into) }
            }
            Instruction::Project { from, factor, into } => Self::Project {
                low_rank: low_rank(registers, *into),
                from: index(*from),
                factor: index(*factor),
                into: index(*into),
            },
            Instruction::Difference { mine, theirs, into } => Self::Difference {
                low_rank: low_rank(registers, *into),
                mine: index(*mine),
                theirs: index(*theirs),
                into: index(*into),
            },
            Instruction::Correct { at, factor, difference, into } => Self::Correct {
                low_rank: low_rank(registers, *factor),
                at: index(*at),
                factor: index(*factor),
                difference: index(*difference),
                into: index(*into),
            },
        }
    }

    /// Whether it does the same to each bucket, apart from all others.
    pub(super) fn is_by_bucket(&self) -> bool {
        matches!(self, Self::Vector { .. } | Self::Encode { .. } | Self::Decode { .. })
    }

    /// Runs what concerns one bucket of this rank.
    pub(super) fn run_by_bucket(&self, bucket: &mut Bucket, scope: &Scope<'_>, rank: Rank) {
        match self {
            Self::Vector { into, expression } => bucket.compute(expression, *into, scope),
            Self::Encode { from, into } => {
                with_computed!(bucket.dtype, T => bucket.encode::<T>(*from, *into, scope.step, rank.0));
            }
            Self::Decode { from, into } => {
                with_computed!(bucket.dtype, T => bucket.decode::<T>(*from, *into, scope.step));
            }
            _ => unreachable!("{self:?} needs all buckets"),
        }
    }

    /// Runs what concerns this rank alone.
    pub(super) fn run(&self, registers: &mut Registers, inputs: &[f64], step: u64, rank: Rank) {
        if self.is_by_bucket() {
            let Registers { scalars, buckets, .. } = registers;
            let scope = Scope { scalars, inputs, step };
            return buckets.iter_mut().for_each(|bucket| self.run_by_bucket(bucket, &scope, rank));
        }
        match self {
            Self::Scalar { into, expression } => {
                let scope = Scope { scalars: &registers.scalars, inputs, step };
                registers.scalars[*into] = scalar(expression, &scope);
            }
            Self::Edges { into, expression } => {
                for edge in 0..registers.edges() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    for bucket in &mut registers.buckets {
                        bucket.compute_edge(expression, *into, edge, &scope);
                    }
                }
            }
            Self::EdgeScalars { into, expression } => {
                for edge in 0..registers.edge_scalars[*into].len() {
                    let scope = Scope { scalars: &registers.scalars_at(edge), inputs, step };
                    registers.edge_scalars[*into][edge] = scalar(expression, &scope);
                }
            }
            Self::Swap(a, b) => registers.swap(*a, *b),
            Self::Dot { a, b, into } => registers.scalars[*into] = registers.dot(*a, *b),
            Self::Gather { from, into, vector: true } => {
                registers.buckets.iter_mut().for_each(|bucket| bucket.gather(*from, *into));
            }
            Self::Gather { from, into, vector: false } => {
                registers.scalars[*into] = registers.edge_scalars[*from].iter().sum();
            }
            Self::Start { low_rank, into } => {
                for bucket in &mut registers.buckets {
                    with_computed!(bucket.dtype, T => bucket.start::<T>(*low_rank, *into));
                }
            }
            Self::Project { low_rank, from, factor, into } => {
                for bucket in &mut registers.buckets {
                    with_computed!(bucket.dtype, T => bucket.project::<T>(*low_rank, [*from, *factor], *into));
                }
            }
            Self::Vector { .. }
            | Self::Encode { .. }
            | Self::Decode { .. }
            | Self::Parameters { .. }
            | Self::Exchange { .. }
            | Self::Begin { .. }
            | Self::Finish { .. }
            | Self::Degree { .. }
            | Self::Difference { .. }
            | Self::Correct { .. }
            | Self::Ask(_) => {
                unreachable!("{self:?} needs more than registers")
            }
        }
    }
}

fn low_rank(registers: &[Shape], register: Register) -> LowRank {
    match registers[register.0 as usize] {
        Shape::EdgeFactor(low_rank) => low_rank,
        other => unreachable!("a checked program finds factors there, not a {}", other.name()),
    }
}
