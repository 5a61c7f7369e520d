//! Combinations that give edges: products along axes, unions, both directions, and schedules that take edges in turn.

use super::keep::entries_written;
use super::{Workshop, common_multiple};
use crate::evaluate::error::Result;
use crate::evaluate::topology::structure::{Move, common_group};
use crate::evaluate::topology::weights::{Edges, support};
use crate::evaluate::value::matching;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank};

impl Workshop<'_, '_> {
    /// The matrix of edges by the default rule, symbolic where there is a group.
    fn weighed(&mut self, edges: &Edges, group: Option<&Group>, size: u32) -> Result<MixingMatrix> {
        let symbolic = group.is_some() && edges.is_symmetric();
        self.spend(if symbolic { edges.moved.len() as u64 } else { edges.count(size) })?;
        edges.matrix(size, None, group).map(|weighed| weighed.matrix).map_err(|problem| self.explain(problem))
    }

    /// Ranks are points of a grid with one axis for each matrix, the last varying fastest; edges run along the axes.
    pub(super) fn cartesian(&mut self, phases: &[&MixingMatrix]) -> Result<MixingMatrix> {
        let size = self.evaluator.size;
        let mut edges = Edges::default();
        let group =
            phases.iter().map(|phase| Some(cayley(phase)?.group().radices())).collect::<Option<Vec<_>>>();
        let group = group.and_then(|radices| Group::new(radices.concat()));
        let mut stride = size;
        for phase in phases {
            stride /= phase.size();
            match (cayley(phase), &group) {
                (Some(matrix), Some(group)) => {
                    let hops = matrix.hops().iter().map(|(hop, _)| Move::new(group, Rank(hop.0 * stride)));
                    edges.moved.extend(hops.map(|hop| (Move::Digits(vec![]), hop, None)));
                }
                _ => self.along(phase, stride, &mut edges)?,
            }
        }
        self.weighed(&edges, group.as_ref(), size)
    }

    /// The edges of a matrix on every line of a grid along the axis with this stride.
    fn along(&mut self, phase: &MixingMatrix, stride: u32, edges: &mut Edges) -> Result<()> {
        let size = self.evaluator.size;
        let lines = size / phase.size();
        let count = entries_written(phase) * u64::from(lines);
        self.check_table(size, count)?;
        self.spend(count)?;
        for to in 0..phase.size() {
            let row = phase.row(Rank(to)).in_weights;
            for line in 0..lines {
                let start = line / stride * stride * phase.size() + line % stride;
                let ends = row.iter().map(|(from, _)| (start + from.0 * stride, start + to * stride, None));
                edges.listed.extend(ends);
            }
        }
        Ok(())
    }

    /// The edges of all.
    pub(super) fn union(&mut self, phases: &[&MixingMatrix]) -> Result<MixingMatrix> {
        let mut edges = Edges::default();
        for phase in phases {
            let (more, _) = support(phase);
            edges.listed.extend(more.listed);
            edges.moved.extend(more.moved);
        }
        let group = common_group(edges.moved.iter().map(|(_, hop, _)| hop), self.evaluator.size);
        self.weighed(&edges, group.as_ref(), self.evaluator.size)
    }

    /// Every edge both ways.
    pub(super) fn symmetrized(&mut self, phase: &MixingMatrix) -> Result<MixingMatrix> {
        let (mut edges, group) = support(phase);
        let back: Vec<_> = edges.listed.iter().map(|&(from, to, weight)| (to, from, weight)).collect();
        edges.listed.extend(back);
        let back: Vec<_> =
            edges.moved.iter().map(|(from, to, weight)| (to.clone(), from.clone(), *weight)).collect();
        edges.moved.extend(back);
        self.weighed(&edges, group.as_ref(), self.evaluator.size)
    }

    /// In phase p every rank sends to its p-th out-neighbour, those being sorted by how far ahead they are; a rank with
    /// fewer than others begins again.
    pub(super) fn cycle(&mut self, phase: &MixingMatrix) -> Result<Vec<MixingMatrix>> {
        let size = self.evaluator.size;
        if let Some(matrix) = cayley(phase).filter(|matrix| matrix.group().radices().len() <= 1) {
            return self.by_hop(matrix);
        }
        self.check_table(size, entries_written(phase))?;
        self.spend(entries_written(phase))?;
        let mut targets = vec![vec![]; size as usize];
        for to in 0..size {
            for (from, _) in phase.row(Rank(to)).in_weights {
                targets[from.index()].push((to + size - from.0) % size);
            }
        }
        targets.iter_mut().for_each(|ahead| ahead.sort_unstable());
        let degrees = targets.iter().map(|ahead| ahead.len() as u64).filter(|degree| *degree > 0);
        let period = common_multiple(degrees);
        self.spend(period.saturating_mul(u64::from(size)))?;
        let phase = |p: usize| {
            let senders = (0..).zip(&targets).filter(|(_, ahead)| !ahead.is_empty());
            let edges = senders.map(|(from, ahead)| (from, (from + ahead[p % ahead.len()]) % size, None));
            Edges { listed: edges.collect(), ..Edges::default() }
        };
        (0..period as usize).map(|p| self.weighed(&phase(p), None, size)).collect()
    }

    /// One phase for each hop, ascending.
    fn by_hop(&mut self, matrix: &CayleyMatrix) -> Result<Vec<MixingMatrix>> {
        let group = matrix.group();
        if matrix.hops().is_empty() {
            return Ok(vec![MixingMatrix::identity(group.order())]);
        }
        let hops = matrix.hops().iter();
        hops.map(|(hop, _)| {
            let moved = vec![(Move::Digits(vec![]), Move::new(group, *hop), None)];
            self.weighed(&Edges { moved, ..Edges::default() }, Some(group), group.order())
        })
        .collect()
    }

    /// Phases in which a rank exchanges with one partner at most and which together have all edges, both ways.
    pub(super) fn matchings(&mut self, phase: &MixingMatrix) -> Result<Vec<MixingMatrix>> {
        let size = self.evaluator.size;
        let own_inverse =
            |matrix: &&CayleyMatrix| matrix.hops().iter().all(|(hop, _)| matrix.group().negate(*hop) == *hop);
        if let Some(matrix) = cayley(phase).filter(own_inverse) {
            return self.by_hop(matrix);
        }
        self.check_table(size, entries_written(phase))?;
        self.spend(entries_written(phase))?;
        let rows = (0..size)
            .flat_map(|to| phase.row(Rank(to)).in_weights.into_iter().map(move |edge| (edge.0.0, to)));
        let pairs = matching::undirected(rows);
        let span = self.span;
        let colours = matching::colour(&pairs, &mut |steps| self.evaluator.spend(steps, span))?;
        if colours.is_empty() {
            return Ok(vec![MixingMatrix::identity(size)]);
        }
        let both_ways = |pairs: &Vec<(u32, u32)>| Edges {
            listed: pairs.iter().flat_map(|&(a, b)| [(a, b, None), (b, a, None)]).collect(),
            ..Edges::default()
        };
        colours.iter().map(|pairs| self.weighed(&both_ways(pairs), None, size)).collect()
    }
}

fn cayley(matrix: &MixingMatrix) -> Option<&CayleyMatrix> {
    match matrix {
        MixingMatrix::Cayley(matrix) => Some(matrix),
        MixingMatrix::Sparse(_) => None,
    }
}
