//! The edges of a graph → what the language says of them: those both ways, those one way, and what ranks keep of their own.
//! Numbers stay as the file has them, except where its own digits show that a row was rounded, or the user asks for more.

use crate::decimal::Decimal;
use crate::error::{ImportError, Text};
use crate::graph::{Edge, Graph};
use crate::options::{Normalise, Options};
use std::fmt;

/// By how much the sum of a row may miss 1 at most, however few digits its numbers have.
const COARSEST: f64 = 5e-3;
/// What a sum in floating point may miss.
const ROUNDING: f64 = 1e-12;
/// A weight below this part of the largest is one that a solver left, not one that was meant.
const SOLVER_ZERO: f64 = 1e-6;

/// A weight as the language writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight<'g> {
    number: &'g Decimal,
    /// By what it is divided.
    divisor: Option<&'g Decimal>,
}

impl fmt::Display for Weight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number.text())?;
        match self.divisor {
            Some(divisor) => write!(f, "/{}", divisor.text()),
            None => Ok(()),
        }
    }
}

/// An edge: one end, the other, and its weight.
pub type Listed<'g> = (u32, u32, Option<Weight<'g>>);

/// The edges as the language says them.
#[derive(Default)]
pub struct Lists<'g> {
    /// `i -- j`, i < j.
    pub both_ways: Vec<Listed<'g>>,
    /// `i -> j`.
    pub one_way: Vec<Listed<'g>>,
    /// What a rank takes of itself, where that is not what its row leaves.
    pub own: Vec<(u32, Decimal)>,
}

/// What rank `to` takes of rank `from`.
#[derive(Clone, Copy)]
struct Arc<'g> {
    to: u32,
    from: u32,
    weight: Option<&'g Decimal>,
    /// The weight as a floating-point number; not a number where there is none.
    value: f64,
}

/// Rows of arcs, by receiver and then by sender, without those that were dropped.
pub struct Rows<'g> {
    arcs: Vec<Arc<'g>>,
    offsets: Vec<usize>,
    /// Whether the weights of each row were rounded to a sum of 1.
    is_average: Vec<bool>,
    /// The exact sum of each row that is divided by it.
    sums: Vec<Option<Decimal>>,
    is_weighted: bool,
    is_matrix: bool,
    normalise: Option<Normalise>,
    /// What a user should know of the weights.
    pub notes: Vec<String>,
    /// What is probably wrong with them.
    pub warnings: Vec<String>,
}

impl<'g> Rows<'g> {
    /// The rows of a graph.
    ///
    /// # Errors
    /// An edge has two weights, or some have none.
    pub fn new(graph: &'g Graph, options: &Options, text: &Text) -> Result<Self, ImportError> {
        let is_weighted = graph.is_weighted(text)?;
        let arcs = arcs(graph, is_weighted, text)?;
        let size = graph.labels.len();
        let mut rows = Self {
            offsets: offsets(&arcs, size),
            arcs,
            is_average: vec![],
            sums: vec![None; size],
            is_weighted,
            is_matrix: graph.is_matrix && is_weighted,
            normalise: options.normalise,
            notes: vec![],
            warnings: vec![],
        };
        if is_weighted {
            rows.weigh(graph, options);
        }
        Ok(rows)
    }

    /// Whether edges have weights.
    pub fn is_weighted(&self) -> bool {
        self.is_weighted
    }

    fn row(&self, rank: usize) -> &[Arc<'g>] {
        &self.arcs[self.offsets[rank]..self.offsets[rank + 1]]
    }

    fn size(&self) -> usize {
        self.offsets.len() - 1
    }

    fn own(&self, rank: usize) -> Option<&'g Decimal> {
        let row = self.row(rank);
        let at = row.binary_search_by_key(&(rank as u32), |arc| arc.from).ok()?;
        row[at].weight
    }

    fn weigh(&mut self, graph: &Graph, options: &Options) {
        self.is_average = (0..self.size()).map(|rank| self.was_average(rank)).collect();
        let warning = self.strange(graph);
        match options.drop {
            Some(limit) => self.drop(limit),
            None => self.note_solver_zeros(),
        }
        if self.normalise == Some(Normalise::Rows) {
            for rank in 0..self.size() {
                let sum = Decimal::sum(self.row(rank).iter().filter_map(|arc| arc.weight));
                self.sums[rank] = (!sum.is_one() && !sum.is_zero()).then_some(sum);
            }
        } else {
            self.note_rounding();
            self.warnings.extend(warning.filter(|_| self.normalise.is_none()));
        }
    }

    fn values(&self, rank: usize) -> impl Iterator<Item = f64> {
        self.row(rank).iter().filter(|arc| arc.weight.is_some()).map(|arc| arc.value)
    }

    /// Whether the row of a rank, its own weight included, sums to 1 as far as its digits go.
    fn was_average(&self, rank: usize) -> bool {
        let units: f64 = self.row(rank).iter().filter_map(|arc| arc.weight).map(Decimal::unit).sum();
        let miss = (self.values(rank).sum::<f64>() - 1.0).abs();
        miss <= units.clamp(ROUNDING, COARSEST)
    }

    /// Says by how much rows that were rounded miss 1.
    fn note_rounding(&mut self) {
        let given = |rank: &usize| self.own(*rank).is_some() && self.is_average[*rank];
        let miss = (0..self.size()).filter(given).map(|rank| (self.values(rank).sum::<f64>() - 1.0).abs());
        let worst = miss.fold(0.0, f64::max);
        if worst > ROUNDING && self.normalise.is_none() {
            self.notes.push(format!(
                "rows miss 1 by up to {worst:.1e}, as their digits allow: each rank's own weight is what its row leaves; \
                 `--normalise rows` divides rows by their sums instead"
            ));
        }
        let kept = |rank: &usize| self.is_matrix && self.own(*rank).is_none() && self.is_average[*rank];
        let miss = (0..self.size()).filter(kept).map(|rank| (self.values(rank).sum::<f64>() - 1.0).abs());
        let worst = miss.fold(0.0, f64::max);
        if worst > ROUNDING && self.normalise.is_none() {
            self.warnings.push(format!(
                "rows of ranks without an own weight miss 1 by up to {worst:.1e}, as their digits allow; `--normalise rows` \
                 divides rows by their sums"
            ));
        }
    }

    /// Leaves out arcs between ranks of at most this weight.
    fn drop(&mut self, limit: f64) {
        let before = self.arcs.len();
        let rounds = self.rounds(0.0);
        self.arcs.retain(|arc| arc.to == arc.from || (arc.weight.is_none() || arc.value.abs() > limit));
        self.offsets = offsets(&self.arcs, self.size());
        let dropped = before - self.arcs.len();
        let after = self.rounds(0.0);
        self.notes.push(format!(
            "{dropped} weights of at most {limit:e} are dropped: {after} rounds instead of {rounds}"
        ));
    }

    /// Says what weights cost that a solver left beside much larger ones.
    fn note_solver_zeros(&mut self) {
        let between = || self.arcs.iter().filter(|arc| arc.to != arc.from && arc.weight.is_some());
        let largest = between().map(|arc| arc.value.abs()).fold(0.0, f64::max);
        let is_small = |arc: &&Arc<'_>| arc.value != 0.0 && arc.value.abs() < SOLVER_ZERO * largest;
        let small = || between().filter(is_small);
        let Some(greatest) = small().max_by(|a, b| a.value.abs().total_cmp(&b.value.abs())) else { return };
        let (count, limit) = (small().count(), greatest.value.abs());
        let shown = greatest.weight.map_or("", Decimal::text);
        let (rounds, without) = (self.rounds(0.0), self.rounds(limit));
        self.warnings.push(format!(
            "{count} weights are at most {shown}, beside {largest}: such zeros of a solver cost {rounds} rounds instead of \
             {without}; `--drop {limit:e}` leaves them out"
        ));
    }

    /// The rounds of a step, by the largest degree, of arcs above a weight.
    fn rounds(&self, above: f64) -> u32 {
        let mut degrees = vec![[0u32; 2]; self.size()];
        for arc in &self.arcs {
            if arc.to != arc.from && (arc.weight.is_none() || arc.value.abs() > above) {
                degrees[arc.to as usize][0] += 1;
                degrees[arc.from as usize][1] += 1;
            }
        }
        degrees.into_iter().flatten().max().unwrap_or(0)
    }

    /// A warning where neither rows nor columns are averages. What a row leaves is its rank's own weight, unless the file
    /// gives that.
    fn strange(&self, graph: &Graph) -> Option<String> {
        let mut columns = vec![0.0; self.size()];
        for arc in &self.arcs {
            columns[arc.from as usize] += arc.value;
        }
        let given = |rank: usize| self.is_matrix || self.own(rank).is_some();
        let sum = |rank: usize| self.values(rank).sum::<f64>();
        let is_average = |rank: usize| match given(rank) {
            true => self.is_average[rank] || (sum(rank) - 1.0).abs() < 1e-6,
            false => sum(rank) < 1.0 + 1e-6,
        };
        let strange = (0..self.size()).filter(|&rank| !is_average(rank));
        let strange = strange.max_by(|&a, &b| sum(a).abs().total_cmp(&sum(b).abs()))?;
        if (0..self.size()).all(|rank| given(rank) && (columns[rank] - 1.0).abs() < 1e-6) {
            return None;
        }
        let remedy = if self.is_matrix && (0..self.size()).all(|rank| self.own(rank).is_none()) {
            "`--normalise own` gives each rank what its row leaves, "
        } else {
            ""
        };
        Some(format!(
            "what `{}` takes of its neighbours and itself sums to {:.6}, so these are hardly the weights of an average; \
             they are kept as mixing weights: {remedy}`--normalise rows` divides rows by their sums, and `--as adjacency` \
             imports the edges alone",
            graph.labels[strange],
            sum(strange)
        ))
    }

    /// The lists of edges: those that stand there in both directions with one weight go both ways.
    pub fn lists(&self) -> Lists<'_> {
        let mut lists = Lists::default();
        for rank in 0..self.size() {
            for arc in self.row(rank).iter().filter(|arc| arc.from != arc.to) {
                let weight = self.weight(*arc);
                let back = self.back(*arc).filter(|back| self.weight(*back) == weight);
                if back.is_none() {
                    lists.one_way.push((arc.from, arc.to, weight));
                } else if arc.from < arc.to {
                    lists.both_ways.push((arc.from, arc.to, weight));
                }
            }
            lists.own.extend(self.kept(rank).map(|own| (rank as u32, own)));
        }
        lists.both_ways.sort_unstable_by_key(|edge| (edge.0, edge.1));
        lists.one_way.sort_unstable_by_key(|edge| (edge.0, edge.1));
        lists
    }

    fn weight(&self, arc: Arc<'g>) -> Option<Weight<'_>> {
        arc.weight.map(|number| Weight { number, divisor: self.sums[arc.to as usize].as_ref() })
    }

    fn back(&self, arc: Arc) -> Option<Arc<'g>> {
        let row = self.row(arc.from as usize);
        row.binary_search_by_key(&arc.to, |back| back.from).ok().map(|at| row[at])
    }

    /// The own weight of a rank, where that has to be said: the language takes what the row leaves.
    fn kept(&self, rank: usize) -> Option<Decimal> {
        if !self.is_weighted || self.normalise.is_some() {
            return None;
        }
        match self.own(rank) {
            Some(own) => (!self.is_average[rank]).then(|| own.clone()),
            None if !self.is_matrix => None,
            None => {
                let others = Decimal::sum(self.row(rank).iter().filter_map(|arc| arc.weight));
                if others.is_one() { None } else { Decimal::parse("0") }
            }
        }
    }
}

fn offsets(arcs: &[Arc], size: usize) -> Vec<usize> {
    let mut offsets = vec![0; size + 1];
    arcs.iter().for_each(|arc| offsets[arc.to as usize + 1] += 1);
    for rank in 0..size {
        offsets[rank + 1] += offsets[rank];
    }
    offsets
}

/// All arcs, sorted, each once.
///
/// # Errors
/// An edge has two weights.
fn arcs<'g>(graph: &'g Graph, is_weighted: bool, text: &Text) -> Result<Vec<Arc<'g>>, ImportError> {
    let mut arcs: Vec<(Arc, &Edge)> = Vec::with_capacity(graph.edges.len());
    for edge in &graph.edges {
        let weight = edge.weight.as_ref();
        let value = weight.map_or(f64::NAN, Decimal::value);
        let arc = |to: usize, from: usize| Arc { to: to as u32, from: from as u32, weight, value };
        arcs.push((arc(edge.to, edge.from), edge));
        if edge.both_ways && edge.from != edge.to {
            arcs.push((arc(edge.from, edge.to), edge));
        }
    }
    arcs.sort_by_key(|(arc, _)| (arc.to, arc.from));
    if is_weighted {
        for pair in arcs.windows(2) {
            let [(first, known), (second, edge)] = [pair[0], pair[1]];
            // The other half of an edge that is listed from both of its ends.
            let is_half = edge.both_ways && known.weight == edge.weight && known.from != edge.from;
            if (first.to, first.from) == (second.to, second.from) && !is_half {
                let label = |node: usize| graph.labels[node].clone();
                let (from, to) = (label(edge.from), label(edge.to));
                return Err(ImportError::RepeatedEdge { from, to, text: text.clone(), at: edge.at });
            }
        }
    }
    let mut arcs: Vec<Arc> = arcs.into_iter().map(|(arc, _)| arc).collect();
    arcs.dedup_by_key(|arc| (arc.to, arc.from));
    Ok(arcs)
}
