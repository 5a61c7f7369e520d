//! A topology that is being built: its phases so far, and how they become matrices.

use super::phase::{Draft, reweighted};
use super::structure;
use super::structure::{Move, in_one_group};
use super::weights::WeightRule;
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::scope::Evaluator;
use crate::model::claim::Claim;
use crate::model::topology::{Place, Topology};
use crate::rank_names::named;
use bfc_dsl::tree::Span;
use bfc_schedule::{Group, MixingMatrix};
use std::sync::Arc;

/// A topology that is being built.
pub(in crate::evaluate) struct Builder<'a> {
    pub name: &'a str,
    pub phases: Vec<Phase>,
    /// Inside of a `phase` block: what it has so far.
    pub open: Option<Draft>,
    /// Edges outside of phases, which make one phase.
    pub single: Draft,
    pub rule: Option<(WeightRule, Span)>,
    pub ensures: Vec<Claim>,
    /// What ranks are called in messages.
    pub names: Option<Arc<[String]>>,
    /// The extent of the scope where the body begins, for messages.
    pub start: usize,
    /// Within a loop over ranks in which the rank is unknown.
    pub rank_unknown: bool,
    /// Whether every phase so far had random draws of its own.
    pub is_drawn: bool,
    draws: u64,
}

/// A phase and its place in the source.
pub(in crate::evaluate) enum Phase {
    /// By edges.
    Said(Box<Draft>, Span),
    /// Of another topology.
    Taken(MixingMatrix, Span),
}

impl Phase {
    fn span(&self) -> Span {
        let (Self::Said(_, span) | Self::Taken(_, span)) = self;
        *span
    }

    fn draft(&self) -> Option<&Draft> {
        if let Self::Said(draft, _) = self { Some(draft) } else { None }
    }

    fn place(&self, size: u32) -> Place {
        let statements = self.draft().map(|draft| draft.statements(size)).unwrap_or_default();
        Place { span: self.span(), statements }
    }
}

/// One end of an edge: a rank, or a move of every rank.
pub(in crate::evaluate) enum End {
    /// A rank.
    Rank(u32),
    /// A move of every rank.
    Move(Move),
}

impl<'a> Builder<'a> {
    pub fn new(name: &'a str, start: usize, draws: u64) -> Self {
        Self {
            name,
            phases: vec![],
            open: None,
            single: Draft::default(),
            rule: None,
            ensures: vec![],
            names: None,
            start,
            rank_unknown: false,
            is_drawn: true,
            draws,
        }
    }

    /// After a phase: how often something has been drawn so far.
    pub fn note_draws(&mut self, draws: u64) {
        self.is_drawn &= draws > self.draws;
        self.draws = draws;
    }

    /// What edges are added to.
    pub fn draft(&mut self) -> &mut Draft {
        self.open.as_mut().unwrap_or(&mut self.single)
    }

    pub fn known_rank(&self) -> Result<()> {
        if self.rank_unknown { Err(Box::new(EvaluateError::Symbolic)) } else { Ok(()) }
    }

    pub fn outside_of_phase(&self, statement: &'static str, span: Span) -> Result<()> {
        match self.open {
            Some(_) => Err(Box::new(EvaluateError::MisplacedStatement { statement, span })),
            None => Ok(()),
        }
    }

    pub fn set_rule(&mut self, rule: WeightRule, span: Span) -> Result<()> {
        let place = match &mut self.open {
            Some(draft) => &mut draft.rule,
            None => &mut self.rule,
        };
        if let Some((earlier, first)) = place {
            // A loop may say the same again.
            if *first != span || *earlier != rule {
                return Err(Box::new(EvaluateError::WeightsTwice { span, first: *first }));
            }
        }
        *place = Some((rule, span));
        Ok(())
    }

    pub fn finish(mut self, evaluator: &mut Evaluator, span: Span) -> Result<Topology> {
        let size = evaluator.size;
        if let (Some(edge), Some(phase)) = (self.single.first, self.phases.first().map(Phase::span)) {
            return Err(Box::new(EvaluateError::EdgeOutsidePhase { edge, phase }));
        }
        let is_drawn = self.is_drawn && !self.phases.is_empty();
        if self.phases.is_empty() {
            if let (Some(with), Some((_, rule))) = (self.single.with_weight, &self.rule) {
                return Err(Box::new(EvaluateError::WeightsTwice { span: *rule, first: with }));
            }
            self.phases.push(Phase::Said(Box::new(self.single), span));
        }
        let places: Arc<[Place]> = self.phases.iter().map(|phase| phase.place(size)).collect();
        let drafts: Vec<&Draft> = self.phases.iter().filter_map(Phase::draft).collect();
        let common = common_group(&drafts, size);
        let rule = self.rule.as_ref();
        let phases = self.phases.iter().map(|phase| {
            let weighed = match phase {
                Phase::Said(draft, span) => {
                    let own = if common.is_some() { None } else { common_group(&[draft], size) };
                    draft.matrix(size, rule, common.as_ref().or(own.as_ref()), *span)?
                }
                Phase::Taken(matrix, _) => match rule {
                    Some((rule, span)) => reweighted(matrix, rule, *span)?,
                    None => matrix.clone().into(),
                },
            };
            evaluator.weighed(weighed, phase.span())
        });
        let phases = phases.collect::<Result<Vec<_>>>();
        let phases = phases.map_err(|error| with_names(error, self.names.as_deref().unwrap_or_default()))?;
        let phases = in_one_group(phases);
        let (name, ensures, names) = (self.name.to_string(), self.ensures, self.names);
        Ok(Topology { name, size, phases, is_drawn, ensures, optimised: vec![], names, places })
    }
}

/// An error that names ranks, with what the topology calls them.
fn with_names(mut error: Box<EvaluateError>, names: &[String]) -> Box<EvaluateError> {
    if let EvaluateError::OneWayEdge { from, to, .. } = &mut *error {
        [from, to].into_iter().for_each(|rank| *rank = named(rank, names));
    }
    error
}

/// A group for all phases that are said for every rank at once.
fn common_group(drafts: &[&Draft], size: u32) -> Option<Group> {
    let symmetric = drafts.iter().filter(|draft| draft.edges.is_symmetric());
    let moves = symmetric.flat_map(|draft| &draft.edges.moved);
    structure::common_group(moves.flat_map(|(from, to, _)| [from, to]), size)
}
