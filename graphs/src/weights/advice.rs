//! Notes and warnings about imported weights: rounded rows, zeros that a solver left, and weights that do not average.

use super::{Arc, ROUNDING, Rows};
use crate::graph::Graph;
use crate::number::Number;

/// A weight below this part of the largest is one that a solver left, not one that was meant.
const SOLVER_ZERO: f64 = 1e-6;

impl Rows<'_> {
    /// Says by how much rows that were rounded miss 1.
    pub(super) fn note_rounding(&mut self) {
        let worst = |is_meant: &dyn Fn(usize) -> bool| {
            let rounded = (0..self.size()).filter(|rank| self.is_average[*rank] && is_meant(*rank));
            rounded.map(|rank| self.miss(rank)).fold(0.0, f64::max)
        };
        let given = worst(&|rank| self.own(rank).is_some());
        let zero = worst(&|rank| self.is_matrix && self.own(rank).is_none());
        if given > ROUNDING {
            self.notes.push(format!(
                "rows miss 1 by up to {given:.1e}, as their digits allow: each rank's own weight is what its row leaves; \
                 `--normalise rows` divides rows by their sums instead"
            ));
        }
        if zero > ROUNDING {
            self.warnings.push(format!(
                "rows of ranks without an own weight miss 1 by up to {zero:.1e}, as their digits allow; `--normalise rows` \
                 divides rows by their sums"
            ));
        }
    }

    /// Says what weights cost that a solver left beside much larger ones.
    pub(super) fn note_solver_zeros(&mut self) {
        let between = || self.arcs.iter().filter(|arc| arc.to != arc.from);
        let largest = between().map(|arc| arc.value.abs()).fold(0.0, f64::max);
        let is_small = |arc: &&Arc<'_>| arc.value != 0.0 && arc.value.abs() < SOLVER_ZERO * largest;
        let small = || between().filter(is_small);
        let Some(greatest) = small().max_by(|a, b| a.value.abs().total_cmp(&b.value.abs())) else { return };
        let (count, limit) = (small().count(), greatest.value.abs());
        let shown = greatest.weight.as_deref().map_or("", Number::text);
        let (rounds, without) = (self.rounds(0.0), self.rounds(limit));
        if rounds == without {
            return;
        }
        self.warnings.push(format!(
            "{count} weights are at most {shown}, beside {largest}: such zeros of a solver cost {rounds} rounds instead of \
             {without}; `--drop {limit:e}` leaves them out"
        ));
    }

    /// The rounds of a step, by the largest degree, of arcs above a weight.
    pub(super) fn rounds(&self, above: f64) -> u32 {
        let mut degrees = vec![[0u32; 2]; self.size()];
        for arc in &self.arcs {
            if arc.to != arc.from && arc.value.abs() > above {
                degrees[arc.to as usize][0] += 1;
                degrees[arc.from as usize][1] += 1;
            }
        }
        degrees.into_iter().flatten().max().unwrap_or(0)
    }

    /// A warning where neither rows nor columns are averages. What a row leaves is its rank's own weight, unless the file
    /// gives that.
    pub(super) fn strange(&self, graph: &Graph) -> Option<String> {
        let mut columns = vec![0.0; self.size()];
        for arc in &self.arcs {
            columns[arc.from as usize] += arc.value;
        }
        let given = |rank: usize| self.is_matrix || self.own(rank).is_some();
        let is_average = |rank: usize| match given(rank) {
            true => self.is_average[rank] || self.miss(rank) < 1e-6,
            false => self.sum(rank) < 1.0 + 1e-6,
        };
        let strange = (0..self.size()).filter(|&rank| !is_average(rank));
        let strange = strange.max_by(|&a, &b| self.sum(a).abs().total_cmp(&self.sum(b).abs()))?;
        if (0..self.size()).all(|rank| given(rank) && (columns[rank] - 1.0).abs() < 1e-6) {
            return None;
        }
        let remedy = if self.is_matrix && (0..self.size()).all(|rank| self.own(rank).is_none()) {
            "`--normalise own` gives each rank what its row leaves, "
        } else {
            ""
        };
        Some(format!(
            "the weights that `{}` takes sum to {:.6}, so they hardly average anything; they are kept as mixing weights: \
             {remedy}`--normalise rows` divides rows by their sums, and `--as adjacency` imports the edges alone",
            graph.labels[strange],
            self.sum(strange)
        ))
    }
}
