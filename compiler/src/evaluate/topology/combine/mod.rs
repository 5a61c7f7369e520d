//! Topologies combined into others, phase by phase. What is invariant under a group stays so.
//!
//! `keep` has what keeps weights, `edges` what gives edges, which the default rule then weighs.

mod edges;
mod keep;

use super::construction::Combinator;
use super::phase::{entries, explain};
use super::statement::PHASE_STEPS;
use super::structure::in_one_group;
use super::weights::Problem;
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::model::topology::Topology;
use bfc_dsl::tree::Span;
use bfc_schedule::MixingMatrix;
use std::rc::Rc;

/// A combination that is being built: it counts its work and knows its place in the source.
struct Workshop<'w, 'a> {
    evaluator: &'w mut Evaluator<'a>,
    span: Span,
}

impl Evaluator<'_> {
    /// The phases that a combinator makes of those of its operands; there is at least one operand.
    pub(in crate::evaluate) fn combine(
        &mut self,
        combinator: &Combinator,
        operands: &[Rc<Topology>],
        span: Span,
    ) -> Result<Vec<MixingMatrix>> {
        let mut workshop = Workshop { evaluator: self, span };
        let phases = match combinator {
            Combinator::Concat => workshop.concat(operands)?,
            Combinator::Transpose => workshop.each(operands, |workshop, phase| {
                workshop.spend(entries(phase))?;
                Ok(vec![keep::transposed(phase)])
            })?,
            Combinator::Lazy(theta) => {
                workshop.each(operands, |workshop, phase| Ok(vec![workshop.lazy(phase, theta)?]))?
            }
            Combinator::Permute(places) => {
                workshop.each(operands, |workshop, phase| Ok(vec![workshop.permuted(phase, places)?]))?
            }
            Combinator::Kronecker => workshop.together(operands, |workshop, phases| {
                let mut product = phases[0].clone();
                for phase in &phases[1..] {
                    product = workshop.kronecker(&product, phase)?;
                }
                Ok(product)
            })?,
            Combinator::Cartesian => workshop.together(operands, Workshop::cartesian)?,
            Combinator::Union => workshop.together(operands, Workshop::union)?,
            Combinator::Symmetrize => {
                workshop.each(operands, |workshop, phase| Ok(vec![workshop.symmetrized(phase)?]))?
            }
            Combinator::Cycle => workshop.each(operands, Workshop::cycle)?,
            Combinator::Matchings => workshop.each(operands, Workshop::matchings)?,
        };
        Ok(in_one_group(phases))
    }
}

impl Workshop<'_, '_> {
    fn spend(&mut self, steps: u64) -> Result<()> {
        self.evaluator.spend(steps.saturating_add(PHASE_STEPS), self.span)
    }

    fn explain(&self, problem: Problem) -> Box<EvaluateError> {
        explain(problem, self.evaluator.size, self.span, self.span)
    }

    fn concat(&mut self, operands: &[Rc<Topology>]) -> Result<Vec<MixingMatrix>> {
        let mut all = Vec::new();
        for phase in operands.iter().flat_map(|operand| &operand.phases) {
            self.spend(entries(phase))?;
            all.push(phase.clone());
        }
        Ok(all)
    }

    /// The phases that each phase of the only operand becomes.
    fn each(
        &mut self,
        operands: &[Rc<Topology>],
        mut change: impl FnMut(&mut Self, &MixingMatrix) -> Result<Vec<MixingMatrix>>,
    ) -> Result<Vec<MixingMatrix>> {
        let mut all = Vec::new();
        for phase in operands.iter().flat_map(|operand| &operand.phases) {
            all.extend(change(self, phase)?);
        }
        Ok(all)
    }

    /// Phase t of each operand, in its own period, together make phase t, up to the least common multiple of the
    /// periods.
    fn together(
        &mut self,
        operands: &[Rc<Topology>],
        mut combine: impl FnMut(&mut Self, &[&MixingMatrix]) -> Result<MixingMatrix>,
    ) -> Result<Vec<MixingMatrix>> {
        let period = common_multiple(operands.iter().map(|operand| operand.phases.len() as u64));
        let phase_of = |operand: &Rc<Topology>, t| (t % operand.phases.len() as u64) as usize;
        (0..period)
            .map(|t| {
                let phases: Vec<&MixingMatrix> =
                    operands.iter().map(|operand| &operand.phases[phase_of(operand, t)]).collect();
                combine(self, &phases)
            })
            .collect()
    }
}

/// The least common multiple of numbers above 0, or the largest `u64` where it is larger.
fn common_multiple(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(1u64, |all, number| (all / num_integer::gcd(all, number)).saturating_mul(number))
}
