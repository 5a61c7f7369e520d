//! The edges of a graph → what the language says of them: those both ways, those one way, and what ranks keep of their own.
//! Numbers stay as the file has them, except where its own digits show that a row was rounded, or the user asks for more.

mod advice;

use crate::error::{ImportError, Text};
use crate::graph::{Edge, Graph};
use crate::number::Number;
use crate::options::{Normalise, Options};
use bfc_schedule::Rational;
use std::borrow::Cow;

/// By how much the sum of a row may miss 1 at most, however few digits its numbers have.
pub const COARSEST: f64 = 5e-3;
/// What a sum in floating point may miss.
const ROUNDING: f64 = 1e-12;

/// An edge: one end, the other, and its weight.
pub type Listed<'g> = (u32, u32, Option<&'g Number>);

/// The edges as the language says them.
#[derive(Default)]
pub struct Lists<'g> {
    /// `i -- j`, i < j.
    pub both_ways: Vec<Listed<'g>>,
    /// `i -> j`.
    pub one_way: Vec<Listed<'g>>,
    /// What a rank takes of itself, where that is not what its row leaves.
    pub own: Vec<(u32, Number)>,
}

/// What rank `to` takes of rank `from`.
#[derive(Clone)]
struct Arc<'g> {
    to: u32,
    from: u32,
    weight: Option<Cow<'g, Number>>,
    /// The weight as a floating-point number; not a number where there is none.
    value: f64,
}

/// Rows of arcs, by receiver and then by sender, without those that were dropped.
pub struct Rows<'g> {
    arcs: Vec<Arc<'g>>,
    offsets: Vec<usize>,
    /// Whether the weights of each row were rounded to a sum of 1.
    is_average: Vec<bool>,
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
        // A matrix of nothing but zeros has weights, and no edges.
        let is_weighted = graph.is_weighted(text)? || graph.is_matrix;
        let arcs = arcs(graph, is_weighted, text)?;
        let mut rows = Self {
            offsets: offsets(&arcs, graph.labels.len()),
            arcs,
            is_average: vec![],
            is_weighted,
            is_matrix: graph.is_matrix,
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

    fn weights(&self, rank: usize) -> impl Iterator<Item = &Number> + Clone {
        self.row(rank).iter().filter_map(|arc| arc.weight.as_deref())
    }

    fn own(&self, rank: usize) -> Option<&Number> {
        let row = self.row(rank);
        let at = row.binary_search_by_key(&(rank as u32), |arc| arc.from).ok()?;
        row[at].weight.as_deref()
    }

    fn weigh(&mut self, graph: &Graph, options: &Options) {
        self.is_average = (0..self.size()).map(|rank| self.was_average(rank)).collect();
        let warning = self.strange(graph);
        match options.drop {
            Some(limit) => self.drop(limit),
            None => self.note_solver_zeros(),
        }
        match self.normalise {
            Some(Normalise::Rows) => (0..self.size()).for_each(|rank| self.divide(rank)),
            Some(Normalise::Own) => {}
            None => {
                self.note_rounding();
                self.warnings.extend(warning);
            }
        }
    }

    fn sum(&self, rank: usize) -> f64 {
        self.row(rank).iter().map(|arc| arc.value).sum()
    }

    /// By how much a row misses 1.
    fn miss(&self, rank: usize) -> f64 {
        (self.sum(rank) - 1.0).abs()
    }

    /// Whether the row of a rank, its own weight included, sums to 1 as far as its digits go.
    fn was_average(&self, rank: usize) -> bool {
        let miss = self.miss(rank);
        if miss > COARSEST {
            return false;
        }
        match self.weights(rank).map(Number::unit).sum::<f64>() {
            0.0 => Number::sum(self.weights(rank)) == Rational::one(),
            units => miss <= units.max(ROUNDING),
        }
    }

    /// Divides a row by its sum, which takes time in exact numbers.
    fn divide(&mut self, rank: usize) {
        let sum = Number::sum(self.weights(rank));
        if sum.is_zero() || sum == Rational::one() {
            return;
        }
        for arc in &mut self.arcs[self.offsets[rank]..self.offsets[rank + 1]] {
            let part = arc.weight.as_deref().map(|weight| Number::from(&(&weight.rational() / &sum)));
            arc.weight = part.map(Cow::Owned);
        }
    }

    /// Leaves out arcs between ranks of at most this weight.
    fn drop(&mut self, limit: f64) {
        let before = self.arcs.len();
        let rounds = self.rounds(0.0);
        self.arcs.retain(|arc| arc.to == arc.from || arc.value.abs() > limit);
        self.offsets = offsets(&self.arcs, self.size());
        let dropped = before - self.arcs.len();
        let after = self.rounds(0.0);
        self.notes.push(format!(
            "{dropped} weights of at most {limit:e} are dropped: {after} rounds instead of {rounds}"
        ));
    }

    /// The lists of edges: those that stand there in both directions with one weight go both ways.
    pub fn lists(&self) -> Lists<'_> {
        let mut lists = Lists::default();
        // Receivers ascend, and so do those that a rank sends to in its row.
        let mut passed = self.offsets.clone();
        for rank in 0..self.size() {
            for arc in self.row(rank).iter().filter(|arc| arc.from != arc.to) {
                let weight = arc.weight.as_deref();
                let row = &self.arcs[..self.offsets[arc.from as usize + 1]];
                let next = &mut passed[arc.from as usize];
                *next += row[*next..].iter().take_while(|back| back.from < arc.to).count();
                let back = row.get(*next).filter(|back| back.from == arc.to);
                let back = back.filter(|back| back.weight.as_deref() == weight);
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

    /// The own weight of a rank, where that has to be said: the language takes what the row leaves.
    fn kept(&self, rank: usize) -> Option<Number> {
        if !self.is_weighted || self.normalise.is_some() {
            return None;
        }
        match self.own(rank) {
            Some(own) => (!self.is_average[rank]).then(|| own.clone()),
            None if !self.is_matrix => None,
            None if self.miss(rank) <= ROUNDING && Number::sum(self.weights(rank)) == Rational::one() => None,
            None => Number::parse("0"),
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
    let mut arcs: Vec<(u32, u32, usize)> = Vec::with_capacity(2 * graph.edges.len());
    for (place, edge) in graph.edges.iter().enumerate() {
        arcs.push((edge.to as u32, edge.from as u32, place));
        if edge.both_ways && edge.from != edge.to {
            arcs.push((edge.from as u32, edge.to as u32, place));
        }
    }
    arcs.sort_by_key(|(to, from, _)| (*to, *from));
    if is_weighted {
        for pair in arcs.windows(2) {
            let [(to, from, known), (next_to, next_from, again)] = [pair[0], pair[1]];
            if (to, from) != (next_to, next_from) {
                continue;
            }
            let (known, edge) = (&graph.edges[known], &graph.edges[again]);
            // The other half of an edge that is listed from both of its ends.
            let is_half = edge.both_ways && known.weight == edge.weight && known.from != edge.from;
            if !is_half {
                let label = |node: usize| graph.labels[node].clone();
                let (from, to) = (label(edge.from), label(edge.to));
                return Err(ImportError::RepeatedEdge { from, to, text: text.clone(), at: edge.at });
            }
        }
    }
    arcs.dedup_by_key(|(to, from, _)| (*to, *from));
    let value = |edge: &Edge| edge.weight.as_ref().map_or(f64::NAN, Number::value);
    let values: Vec<f64> = graph.edges.iter().map(value).collect();
    let arc = |(to, from, place): (u32, u32, usize)| {
        let weight = graph.edges[place].weight.as_ref().map(Cow::Borrowed);
        Arc { to, from, weight, value: values[place] }
    };
    Ok(arcs.into_iter().map(arc).collect())
}
