//! A phase that is being built: its edges, and the rules that hold among them.

use super::builder::End;
use super::weights;
use super::weights::{Edges, MAX_EDGES, MAX_TABLE, Problem, Weighed, WeightRule};
use crate::evaluate::error::{EvaluateError, Result};
use crate::evaluate::value::number::MAX_BITS;
use crate::model::topology::{MatrixEntry, Place};
use bfc_dsl::tree::Span;
use bfc_schedule::{Group, MixingMatrix, Rank, Rational};
use std::collections::{BTreeMap, BTreeSet};

/// A phase that is being built.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What was said so far.
    pub edges: Edges,
    /// The rule of its own block.
    pub rule: Option<(WeightRule, Span)>,
    /// The first edge or self weight.
    pub first: Option<Span>,
    /// The first edge with a weight.
    pub with_weight: Option<Span>,
    without_weight: Option<Span>,
    self_spans: BTreeMap<Option<u32>, Span>,
    runs: Vec<Run>,
}

/// Edges that one statement said in a row: those after the run before, up to these numbers of edges.
#[derive(Clone, Debug)]
struct Run {
    span: Span,
    listed: usize,
    moved: usize,
}

/// A state of a draft to come back to.
pub struct Checkpoint {
    listed: usize,
    moved: usize,
    every_self: Option<u32>,
    first: Option<Span>,
    with_weight: Option<Span>,
    without_weight: Option<Span>,
    runs: usize,
    last_run: Option<Run>,
}

impl Draft {
    /// What to come back to if a symbolic attempt fails.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            listed: self.edges.listed.len(),
            moved: self.edges.moved.len(),
            every_self: self.edges.every_self,
            first: self.first,
            with_weight: self.with_weight,
            without_weight: self.without_weight,
            runs: self.runs.len(),
            last_run: self.runs.last().cloned(),
        }
    }

    /// Takes back a symbolic attempt, which cannot have given single ranks a self weight.
    pub fn restore(&mut self, checkpoint: Checkpoint) {
        self.edges.listed.truncate(checkpoint.listed);
        self.edges.moved.truncate(checkpoint.moved);
        self.edges.every_self = checkpoint.every_self;
        if checkpoint.every_self.is_none() {
            self.self_spans.remove(&None);
        }
        self.first = checkpoint.first;
        self.with_weight = checkpoint.with_weight;
        self.without_weight = checkpoint.without_weight;
        self.runs.truncate(checkpoint.runs.saturating_sub(1));
        self.runs.extend(checkpoint.last_run);
    }

    /// Notes that a statement has said the edges that are new.
    pub fn said(&mut self, span: Span, size: u32) {
        if size > Place::MOST_RANKS {
            return;
        }
        self.runs.pop_if(|last| last.span == span);
        self.runs.push(Run { span, listed: self.edges.listed.len(), moved: self.edges.moved.len() });
    }

    /// What each statement said, in order of the source.
    pub fn statements(&self, size: u32) -> Vec<(Span, Vec<MatrixEntry>)> {
        if size > Place::MOST_RANKS {
            return vec![];
        }
        let mut statements: BTreeMap<Span, BTreeSet<MatrixEntry>> = BTreeMap::new();
        let (mut listed, mut moved) = (0, 0);
        for run in &self.runs {
            let entries = statements.entry(run.span).or_default();
            entries.extend(self.edges.listed[listed..run.listed].iter().map(|(from, to, _)| (*to, *from)));
            for (from, to, _) in &self.edges.moved[moved..run.moved] {
                entries.extend((0..size).map(|rank| (to.apply(rank), from.apply(rank))));
            }
            (listed, moved) = (run.listed, run.moved);
        }
        for (rank, span) in &self.self_spans {
            let ranks = rank.map_or(0..size, |rank| rank..rank + 1);
            statements.entry(*span).or_default().extend(ranks.map(|rank| (rank, rank)));
        }
        statements.into_iter().map(|(span, entries)| (span, entries.into_iter().collect())).collect()
    }

    /// Registers the weight of an edge, or that it has none.
    pub fn weight(&mut self, weight: Option<Rational>, span: Span) -> Result<Option<u32>> {
        self.first.get_or_insert(span);
        let place = if weight.is_some() { &mut self.with_weight } else { &mut self.without_weight };
        place.get_or_insert(span);
        if let (Some(with), Some(without)) = (self.with_weight, self.without_weight) {
            return Err(Box::new(EvaluateError::MixedWeights { with, without }));
        }
        Ok(weight.map(|weight| self.edges.weights.id(&weight)))
    }

    /// Gives a rank, or all of them, a self weight.
    pub(in crate::evaluate) fn self_weight(&mut self, end: End, weight: Rational, span: Span) -> Result<()> {
        let rank = match end {
            End::Rank(rank) => Some(rank),
            End::Move(_) => None,
        };
        let earlier = match rank {
            None => self.self_spans.values().next(),
            Some(_) => self.self_spans.get(&rank).or_else(|| self.self_spans.get(&None)),
        };
        if let Some(first) = earlier {
            return Err(Box::new(EvaluateError::WeightsTwice { span, first: *first }));
        }
        self.first.get_or_insert(span);
        self.self_spans.insert(rank, span);
        let id = self.edges.weights.id(&weight);
        match rank {
            Some(rank) => drop(self.edges.selves.insert(rank, id)),
            None => self.edges.every_self = Some(id),
        }
        Ok(())
    }

    /// The mixing matrix, by its own rule or that of the topology.
    pub fn matrix(
        &self,
        size: u32,
        topology_rule: Option<&(WeightRule, Span)>,
        group: Option<&Group>,
        span: Span,
    ) -> Result<Weighed> {
        if let (Some((_, rule)), Some(first)) = (&self.rule, self.with_weight) {
            return Err(Box::new(EvaluateError::WeightsTwice { span: *rule, first }));
        }
        let rule = self.rule.as_ref().or(topology_rule);
        let matrix = self.edges.matrix(size, rule.map(|(rule, _)| rule), group);
        let rule_span = rule.map_or(span, |(_, span)| *span);
        matrix.map_err(|problem| explain(problem, size, rule_span, self.first.unwrap_or(span)))
    }
}

/// The error for a problem, given where the rule and the edges stand.
pub(in crate::evaluate) fn explain(
    problem: Problem,
    size: u32,
    rule: Span,
    edge: Span,
) -> Box<EvaluateError> {
    Box::new(match problem {
        Problem::OneWay(name, from, to) => {
            let [from, to] = [from, to].map(|rank| format!("rank {rank}"));
            EvaluateError::OneWayEdge { rule: name, from, to, span: rule }
        }
        Problem::TooLargeToOptimise(name) => EvaluateError::TooLargeToOptimise { rule: name, span: rule },
        Problem::NumberTooLarge => EvaluateError::NumberTooLarge { limit: MAX_BITS, span: edge },
        Problem::TooManyEdges => EvaluateError::TooManyEdges { limit: MAX_EDGES, span: edge },
        Problem::TooManyRanks => EvaluateError::TooManyRanks { size, limit: MAX_TABLE, span: edge },
    })
}

/// The numbers that a matrix is kept in.
pub fn entries(matrix: &MixingMatrix) -> u64 {
    match matrix {
        MixingMatrix::Cayley(matrix) => matrix.hops().len() as u64 + 1,
        MixingMatrix::Sparse(matrix) => {
            let degrees = (0..matrix.size()).map(|rank| matrix.in_edges(Rank(rank)).len() as u64 + 1);
            degrees.sum()
        }
    }
}

/// The edges of a matrix with weights by another rule.
pub fn reweighted(matrix: &MixingMatrix, rule: &WeightRule, span: Span) -> Result<Weighed> {
    let (edges, group) = weights::support(matrix);
    let result = edges.matrix(matrix.size(), Some(rule), group.as_ref());
    result.map_err(|problem| explain(problem, matrix.size(), span, span))
}
