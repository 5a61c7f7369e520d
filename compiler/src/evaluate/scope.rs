//! What an evaluation knows and may spend: names on one stack, steps, list cells, depth.

use super::error::{EvaluateError, Result};
use super::topology::weights::Weighed;
use super::value::codec;
use super::value::{LIST_DEPTH, List, Value};
use crate::builtin_names::BEST;
use crate::model::topology::{Number, Optimised};
use crate::optimise::{Effort, Optimum};
use crate::resolve::Program;
use bfc_dsl::tree::{Item, Span};
use bfc_schedule::{MixingMatrix, Rational};

/// How much an evaluation may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Expressions visited, and work of that order.
    pub steps: u64,
    /// List elements written.
    pub cells: u64,
    /// Expressions within expressions, calls included.
    pub depth: u32,
    /// How much the optimisations of MATCHA may do.
    pub optimisation: Effort,
}

/// Operations of an optimisation that count as a step.
const OPERATIONS: u64 = 512;

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 50_000_000, cells: 16_000_000, depth: 50_000, optimisation: Effort::FULL }
    }
}

/// Evaluates expressions of one program at one size.
pub struct Evaluator<'a> {
    /// The program, for functions and for the text of messages.
    pub program: &'a Program,
    /// The number of ranks.
    pub size: u32,
    /// Ranks that share a machine.
    pub local_size: u32,
    /// Whether loops over ranks are tried symbolically; without, all is enumerated, with the same meaning.
    pub symbolic: bool,
    pub(super) topology_depth: u8,
    /// What was optimised so far for the topologies that are being built.
    pub(super) optimised: Vec<Optimised>,
    pub(super) limits: Limits,
    steps: u64,
    cells: u64,
    /// How often something was drawn at random.
    pub(super) draws: u64,
    pub(super) depth: u32,
    pub(super) scope: Vec<(&'a str, Value)>,
    pub(super) base: usize,
}

impl<'a> Evaluator<'a> {
    /// An evaluator in which only the built-in names are known.
    pub fn new(program: &'a Program, size: u32, local_size: u32, limits: Limits) -> Self {
        Self {
            program,
            size,
            local_size,
            symbolic: true,
            topology_depth: 0,
            optimised: vec![],
            limits,
            steps: 0,
            cells: 0,
            draws: 0,
            depth: 0,
            scope: vec![],
            base: 0,
        }
    }

    /// Gives a name a value until [`release`](Self::release) of an earlier mark.
    pub fn bind(&mut self, name: &'a str, value: Value) {
        self.scope.push((name, value));
    }

    /// The present extent of the scope.
    pub fn mark(&self) -> usize {
        self.scope.len()
    }

    /// Forgets all names bound since `mark`.
    pub fn release(&mut self, mark: usize) {
        self.scope.truncate(mark);
    }

    /// The names bound since `mark`, with their values, oldest first.
    pub fn bound_since(&self, mark: usize) -> &[(&'a str, Value)] {
        &self.scope[mark..]
    }

    /// The value of a name that is known here.
    pub fn lookup(&self, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.scope[self.base..].iter().rev().find(|(bound, _)| *bound == name) {
            return Some(value.clone());
        }
        match name {
            "size" => Some(Value::Integer(self.size as i64)),
            "ranks" => List::range(0, self.size as i64).map(Value::List),
            "local_size" => Some(Value::Integer(self.local_size as i64)),
            "machines" => Some(Value::number(Rational::new(self.size, self.local_size))),
            BEST => Some(Value::Best),
            _ => codec::named(name).map(Value::Codec),
        }
    }

    /// Whether a name has a value here.
    pub fn knows(&self, name: &str, span: Span) -> bool {
        let topology = || matches!(self.program.find(span.file, name), Some((_, Item::Topology(_))));
        self.lookup(name).is_some() || topology()
    }

    /// Counts and makes a list.
    pub(super) fn list(&mut self, values: Vec<Value>, span: Span) -> Result<Value> {
        self.spend_cells(values.len(), span)?;
        self.list_of_counted(values, span)
    }

    pub(super) fn list_of_counted(&mut self, values: Vec<Value>, span: Span) -> Result<Value> {
        Value::list(values).ok_or_else(|| Box::new(EvaluateError::ValueTooDeep { limit: LIST_DEPTH, span }))
    }

    /// Uses up steps.
    pub fn spend(&mut self, steps: u64, span: Span) -> Result<()> {
        self.steps += steps;
        if self.steps > self.limits.steps {
            return Err(Box::new(EvaluateError::TooManySteps { limit: self.limits.steps, span }));
        }
        Ok(())
    }

    /// Pays for what was optimised and keeps it in mind.
    pub(super) fn optimised(
        &mut self,
        what: &'static str,
        number: Number,
        optimum: Optimum,
        span: Span,
    ) -> Result<()> {
        // The optimisation makes −λ₂ small.
        let value = if number == Number::Connectivity { -optimum.value } else { optimum.value };
        let gap = (optimum.value - optimum.bound).next_up();
        let is_enclosed = optimum.is_enclosed;
        self.optimised.push(Optimised { what, number, value, gap, is_enclosed, times: 1 });
        self.spend(optimum.work / OPERATIONS, span)
    }

    /// A matrix whose weights may have been optimised.
    pub(super) fn weighed(&mut self, weighed: Weighed, span: Span) -> Result<MixingMatrix> {
        if let Some((rule, optimum)) = weighed.optimum {
            let number = if optimum.is_of_part { Number::NormOfPart } else { Number::Norm };
            self.optimised(rule, number, optimum, span)?;
        }
        Ok(weighed.matrix)
    }

    pub(super) fn spend_cells(&mut self, cells: usize, span: Span) -> Result<()> {
        self.cells += cells as u64;
        self.spend(cells as u64 / 8, span)?;
        if self.cells > self.limits.cells { Err(self.too_many_cells(span)) } else { Ok(()) }
    }

    pub(super) fn too_many_cells(&self, span: Span) -> Box<EvaluateError> {
        Box::new(EvaluateError::TooManyCells { limit: self.limits.cells, span })
    }
}
