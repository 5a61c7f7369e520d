//! Weight rules, and from the edges of a phase to its exact mixing matrix.
//!
//! uniform: 1/(in-degree + 1). sender_uniform: 1/(out-degree + 1), column-stochastic. metropolis: 1/(1 + the larger
//! degree) (Metropolis et al. 1953; Xiao, Boyd, Lall 2006). max_degree: 1/(1 + the largest degree). constant(a):
//! I − aL. lazy(rule, θ): θI + (1 − θ)W. best_constant, fastest and fastest(nonnegative): see `optimise`.

use super::structure::Move;
use crate::optimise::{Effort, Graph, Hops, Optimum, Signs, TooLarge};
use crate::spectrum::properties::over_one_denominator;
use bfc_schedule::matrix::Interner;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational, SparseMatrix};
use num_bigint::BigInt;
use std::collections::{BTreeMap, HashMap};

/// How weights follow from edges.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightRule {
    /// The rule before laziness.
    pub base: BaseRule,
    /// The part of W that is moved: the product of all 1 − θ.
    pub moved: Rational,
}

/// The weights of hops, with the rule that optimised them and how good they are.
type Chosen = (Vec<Rational>, Option<(&'static str, Optimum)>);

/// A rule by itself. The weight of an edge is 1/k for an integer k, except for `Constant` and the last two.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum BaseRule {
    Uniform,
    SenderUniform,
    Metropolis,
    MaxDegree,
    Constant(Rational),
    BestConstant,
    Fastest(Signs),
}

/// The rules that take no argument and are found by optimisation.
pub const OPTIMISED: [(&str, BaseRule); 2] =
    [("best_constant", BaseRule::BestConstant), ("fastest", BaseRule::Fastest(Signs::Any))];

/// The other rules that take no argument.
pub const RULES: [(&str, BaseRule); 4] = [
    ("uniform", BaseRule::Uniform),
    ("sender_uniform", BaseRule::SenderUniform),
    ("metropolis", BaseRule::Metropolis),
    ("max_degree", BaseRule::MaxDegree),
];

/// Why a matrix cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A rule for undirected edges, and an edge that goes one way only.
    OneWay(&'static str, u32, u32),
    /// Too many edges and ranks for a rule that optimises.
    TooLargeToOptimise(&'static str),
    /// Too many ranks for a table of rows.
    TooManyRanks,
    /// Too many edges for a table of rows.
    TooManyEdges,
    /// A weight of too many bits.
    NumberTooLarge,
}

/// The most ranks for which rows are written out.
pub const MAX_TABLE: u32 = 1 << 24;

/// The most edges that are written out.
pub const MAX_EDGES: u64 = 1 << 24;

/// The mixing matrix of a phase.
pub struct Weighed {
    /// The matrix.
    pub matrix: MixingMatrix,
    /// What its weights were optimised by, and how good they are.
    pub optimum: Option<(&'static str, Optimum)>,
}

impl From<MixingMatrix> for Weighed {
    fn from(matrix: MixingMatrix) -> Self {
        Self { matrix, optimum: None }
    }
}

/// The edges of one phase as they were said.
#[derive(Clone, Debug, Default)]
pub struct Edges {
    /// Sender, receiver, and an index of `weights` where edges have weights.
    pub listed: Vec<(u32, u32, Option<u32>)>,
    /// Edges of all ranks at once: sender and receiver as moves of one rank.
    pub moved: Vec<(Move, Move, Option<u32>)>,
    /// W[i][i], where said.
    pub selves: BTreeMap<u32, u32>,
    /// W[i][i] for all i, where said for all at once.
    pub every_self: Option<u32>,
    /// The distinct weights.
    pub weights: Weights,
}

/// Distinct weights by number.
#[derive(Clone, Default)]
pub struct Weights(Interner);

impl Weights {
    /// The number of a weight.
    pub fn id(&mut self, weight: &Rational) -> u32 {
        self.0.id(weight)
    }

    fn get(&self, id: u32) -> &Rational {
        &self.0.values[id as usize]
    }
}

/// What is left of 1 besides some weights. Sums are taken over one denominator if there is a small one: sums of fractions
/// reduce each step to lowest terms.
enum Rests<'w> {
    /// The denominator, and each weight in units of it.
    Common(BigInt, Vec<BigInt>),
    /// The weights.
    Fractions(&'w [Rational]),
}

impl<'w> Rests<'w> {
    fn new(weights: &'w [Rational]) -> Self {
        match over_one_denominator(weights) {
            Some((unit, values)) => Self::Common(unit, values),
            None => Self::Fractions(weights),
        }
    }

    /// What weights leave, by ascending number.
    fn rest(&self, ids: &[u32]) -> Rational {
        match self {
            Self::Common(unit, values) => {
                let sum: BigInt = ids.iter().map(|id| &values[*id as usize]).sum();
                Rational::new(unit - sum, unit.clone())
            }
            Self::Fractions(weights) => {
                let alike = ids.chunk_by(|a, b| a == b);
                let sums = alike.map(|ids| &Rational::integer(ids.len()) * &weights[ids[0] as usize]);
                &Rational::one() - &sums.sum()
            }
        }
    }
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.values.fmt(f)
    }
}

impl BaseRule {
    /// Its name, where every edge must go both ways.
    fn undirected(&self) -> Option<&'static str> {
        match self {
            Self::Metropolis => Some("metropolis"),
            Self::BestConstant => Some("best_constant"),
            Self::Fastest(_) => Some("fastest"),
            Self::Uniform | Self::SenderUniform | Self::MaxDegree | Self::Constant(_) => None,
        }
    }

    fn too_large(&self) -> impl FnOnce(TooLarge) -> Problem + use<> {
        let rule = self.undirected().unwrap_or_default();
        move |TooLarge| Problem::TooLargeToOptimise(rule)
    }
}

impl WeightRule {
    /// A rule without laziness.
    pub fn plain(base: BaseRule) -> Self {
        Self { base, moved: Rational::one() }
    }

    /// The weights of these hops, before laziness, and how good they are where they were optimised.
    fn of_hops(&self, group: &Group, hops: &[Rank]) -> Result<Chosen, Problem> {
        let problem = Hops { group, hops };
        let too_large = self.base.too_large();
        let alike = match &self.base {
            BaseRule::Constant(a) => a.clone(),
            BaseRule::BestConstant => problem.best_constant().map_err(too_large)?,
            BaseRule::Fastest(signs) => {
                let (weights, optimum) = problem.fastest(*signs, Effort::FULL).map_err(too_large)?;
                let optimum = (!hops.is_empty()).then(|| (self.optimised(*signs), optimum));
                return Ok((weights, optimum));
            }
            _ => Rational::new(1, hops.len() as u32 + 1),
        };
        Ok((vec![alike; hops.len()], None))
    }

    /// What an optimisation for this rule is called: laziness comes after it, and changes the number.
    fn optimised(&self, signs: Signs) -> &'static str {
        if self.moved == Rational::one() { signs.rule() } else { signs.rule_before_lazy() }
    }

    fn edge(&self, k: u32) -> Rational {
        &self.moved * &Rational::new(1, k)
    }

    /// θ + (1 − θ) w.
    fn own(&self, weight: &Rational) -> Rational {
        &(&Rational::one() - &self.moved) + &(&self.moved * weight)
    }
}

impl Edges {
    /// Whether edges carry weights of their own.
    pub fn is_weighted(&self) -> bool {
        let listed = self.listed.first().map(|edge| edge.2);
        listed.or(self.moved.first().map(|edge| edge.2)).flatten().is_some()
    }

    /// Whether all is said for every rank at once.
    pub fn is_symmetric(&self) -> bool {
        self.listed.is_empty() && self.selves.is_empty()
    }

    /// The mixing matrix: in the given group, or as a table. Without a rule the default is taken.
    pub fn matrix(
        &self,
        size: u32,
        rule: Option<&WeightRule>,
        group: Option<&Group>,
    ) -> Result<Weighed, Problem> {
        match group {
            Some(group) if self.is_symmetric() => self.cayley(group, rule),
            _ if self.listed.is_empty() && self.moved.is_empty() && self.selves.is_empty() => {
                self.cayley(&Group::cyclic(size), rule)
            }
            _ if size > MAX_TABLE => Err(Problem::TooManyRanks),
            _ if self.count(size) > MAX_EDGES => Err(Problem::TooManyEdges),
            _ => self.table(size, rule),
        }
    }

    /// The edges of a table of rows.
    pub fn count(&self, size: u32) -> u64 {
        self.listed.len() as u64 + self.moved.len() as u64 * u64::from(size)
    }

    fn cayley(&self, group: &Group, rule: Option<&WeightRule>) -> Result<Weighed, Problem> {
        let mut hops: BTreeMap<Rank, Rational> = BTreeMap::new();
        for (from, to, weight) in &self.moved {
            let hop = group.subtract(to.element(), from.element());
            let weight = weight.map_or_else(Rational::zero, |id| self.weights.get(id).clone());
            if hop != Rank(0) {
                hops.entry(hop).and_modify(|sum| *sum = &*sum + &weight).or_insert(weight);
            }
        }
        if let Some(name) = rule.and_then(|rule| rule.base.undirected())
            && let Some(hop) = hops.keys().find(|hop| !hops.contains_key(&group.negate(**hop)))
        {
            return Err(Problem::OneWay(name, 0, hop.0));
        }
        let (mut own, mut optimum) = (None, None);
        if !self.is_weighted() {
            let default = WeightRule::plain(BaseRule::Uniform);
            let rule = rule.unwrap_or(&default);
            let edges: Vec<Rank> = hops.keys().copied().collect();
            let (chosen, reached) = rule.of_hops(group, &edges)?;
            optimum = reached;
            for (weight, chosen) in hops.values_mut().zip(chosen) {
                *weight = &rule.moved * &chosen;
            }
            if let Some(edge) = hops.values().next()
                && hops.values().all(|weight| weight == edge)
            {
                own = Some(&Rational::one() - &(&Rational::integer(hops.len()) * edge));
            }
        }
        let rest = || &Rational::one() - &hops.values().cloned().sum();
        let own = match self.every_self {
            Some(id) => self.weights.get(id).clone(),
            None => own.unwrap_or_else(rest),
        };
        let hops = hops.into_iter().collect();
        let matrix = CayleyMatrix::new(group.clone(), own, hops);
        let matrix = matrix.expect("hops of a map are distinct and elements of the group");
        Ok(Weighed { matrix: MixingMatrix::Cayley(matrix), optimum })
    }

    /// All edges between different ranks, by receiver and then by sender.
    fn sorted(&self, size: u32) -> Vec<(u32, u32, Option<u32>)> {
        let mut edges: Vec<_> = self.listed.iter().map(|&(from, to, weight)| (to, from, weight)).collect();
        for (from, to, weight) in &self.moved {
            edges.extend((0..size).map(|rank| (to.apply(rank), from.apply(rank), *weight)));
        }
        edges.retain(|(to, from, _)| to != from);
        edges.sort_unstable();
        if !self.is_weighted() {
            edges.dedup();
        }
        edges
    }

    fn table(&self, size: u32, rule: Option<&WeightRule>) -> Result<Weighed, Problem> {
        let edges = self.sorted(size);
        let rows = Rows::new(&edges, size);
        let table = match self.is_weighted() {
            true => self.explicit(&rows, &self.weights.0, |rank| self.self_weight(rank).cloned()),
            false => self.by_rule(&rows, rule)?,
        };
        let optimum = table.optimum;
        Ok(Weighed { matrix: MixingMatrix::Sparse(table.matrix()), optimum })
    }

    fn self_weight(&self, rank: u32) -> Option<&Rational> {
        self.selves.get(&rank).copied().or(self.every_self).map(|id| self.weights.get(id))
    }

    /// Edges with weights by number; `own` says what ranks keep whose rows do not leave it.
    fn explicit(&self, rows: &Rows, weights: &Interner, own: impl Fn(u32) -> Option<Rational>) -> Table {
        let mut table = Table { weights: weights.clone(), ..Table::default() };
        let weights = &weights.values;
        // Many rows hold the same weights.
        let mut rests: HashMap<Vec<u32>, u32> = HashMap::new();
        let left = Rests::new(weights);
        for rank in 0..rows.size() {
            let listed = rows.row(rank);
            let said = own(rank).map(|own| table.weights.id(&own));
            if listed.windows(2).any(|pair| pair[0].1 == pair[1].1) {
                let row = summed(listed, weights);
                let rest = || &Rational::one() - &row.iter().map(|(_, weight)| weight.clone()).sum();
                let own = said.unwrap_or_else(|| table.weights.id(&rest()));
                let row = row.iter().map(|(from, weight)| (*from, table.weights.id(weight))).collect();
                table.push(own, row);
                continue;
            }
            let mut ids: Vec<u32> = listed.iter().filter_map(|edge| edge.2).collect();
            let row = listed.iter().zip(&ids).map(|(edge, weight)| (Rank(edge.1), *weight)).collect();
            let own = said.unwrap_or_else(|| {
                ids.sort_unstable();
                *rests.entry(ids).or_insert_with_key(|ids| table.weights.id(&left.rest(ids)))
            });
            table.push(own, row);
        }
        table
    }

    /// With the weight of each undirected edge, ascending.
    fn by_edge(&self, rows: &Rows, weights: &[Rational], moved: &Rational) -> Table {
        let pairs = rows.edges.iter().map(|&(to, from, _)| (to, from)).filter(|(i, j)| i < j);
        let weight_of: HashMap<(u32, u32), Rational> =
            pairs.zip(weights).map(|(pair, weight)| (pair, moved * weight)).collect();
        let mut table = Table::default();
        for rank in 0..rows.size() {
            let weight = |from: u32| &weight_of[&(rank.min(from), rank.max(from))];
            let row = rows.row(rank).iter().map(|edge| edge.1);
            let rest = || &Rational::one() - &row.clone().map(|from| weight(from).clone()).sum();
            let own = self.self_weight(rank).cloned().unwrap_or_else(rest);
            let own = table.weights.id(&own);
            let row = row.map(|from| (Rank(from), table.weights.id(weight(from)))).collect();
            table.push(own, row);
        }
        table
    }

    fn by_rule(&self, rows: &Rows, rule: Option<&WeightRule>) -> Result<Table, Problem> {
        let one_way = rows.one_way();
        let default = WeightRule::plain(match one_way {
            None => BaseRule::Metropolis,
            Some(_) => BaseRule::Uniform,
        });
        let rule = rule.unwrap_or(&default);
        if let (Some(name), Some((from, to))) = (rule.base.undirected(), one_way) {
            return Err(Problem::OneWay(name, from, to));
        }
        match &rule.base {
            BaseRule::BestConstant => {
                let weight = rows.with_graph(|graph| graph.best_constant());
                let constant = WeightRule { base: BaseRule::Constant(weight), moved: rule.moved.clone() };
                return self.by_rule(rows, Some(&constant));
            }
            BaseRule::Fastest(signs) => {
                let found = rows.with_graph(|graph| graph.fastest(*signs, Effort::FULL));
                let (weights, optimum) = found.map_err(rule.base.too_large())?;
                let optimum = Some((rule.optimised(*signs), optimum));
                return Ok(Table { optimum, ..self.by_edge(rows, &weights, &rule.moved) });
            }
            _ => {}
        }
        let degrees = Degrees::new(rows);
        let mut weights = Interner::default();
        let mut by_denominator: Vec<Option<u32>> = vec![None; degrees.largest as usize + 2];
        let weighed = |&(to, from, _): &(u32, u32, Option<u32>)| {
            let k = degrees.denominator(&rule.base, from, to);
            let id = *by_denominator[k as usize].get_or_insert_with(|| {
                weights.id(&match &rule.base {
                    BaseRule::Constant(a) => &rule.moved * a,
                    _ => rule.edge(k),
                })
            });
            (to, from, Some(id))
        };
        let edges: Vec<_> = rows.edges.iter().map(weighed).collect();
        let rows = Rows::new(&edges, rows.size());
        let own = |rank: u32| match self.self_weight(rank) {
            None if rule.base == BaseRule::SenderUniform => {
                Some(rule.own(&Rational::new(1, degrees.outgoing[rank as usize] + 1)))
            }
            said => said.cloned(),
        };
        Ok(self.explicit(&rows, &weights, own))
    }
}

/// A row in which edges that stand there several times have the sum of their weights.
fn summed(listed: &[(u32, u32, Option<u32>)], weights: &[Rational]) -> Vec<(Rank, Rational)> {
    let mut row: Vec<(Rank, Rational)> = Vec::new();
    for &(_, from, id) in listed {
        let weight = id.map_or_else(Rational::zero, |id| weights[id as usize].clone());
        match row.last_mut() {
            Some((source, sum)) if source.0 == from => *sum = &*sum + &weight,
            _ => row.push((Rank(from), weight)),
        }
    }
    row
}

/// Sorted edges with the place where each receiver's begin.
struct Rows<'e> {
    edges: &'e [(u32, u32, Option<u32>)],
    offsets: Vec<usize>,
}

impl<'e> Rows<'e> {
    /// What a function says of the undirected graph; every edge goes both ways.
    fn with_graph<T>(&self, of: impl FnOnce(Graph) -> T) -> T {
        let pairs = self.edges.iter().map(|&(to, from, _)| (to, from));
        let edges: Vec<(u32, u32)> = pairs.filter(|(i, j)| i < j).collect();
        of(Graph { size: self.size() as usize, edges: &edges })
    }

    fn new(edges: &'e [(u32, u32, Option<u32>)], size: u32) -> Self {
        let mut offsets = vec![0; size as usize + 1];
        for edge in edges {
            offsets[edge.0 as usize + 1] += 1;
        }
        for rank in 0..size as usize {
            offsets[rank + 1] += offsets[rank];
        }
        Self { edges, offsets }
    }

    fn size(&self) -> u32 {
        self.offsets.len() as u32 - 1
    }

    fn row(&self, rank: u32) -> &'e [(u32, u32, Option<u32>)] {
        &self.edges[self.offsets[rank as usize]..self.offsets[rank as usize + 1]]
    }

    /// The least edge, as sender and receiver, whose opposite is missing.
    fn one_way(&self) -> Option<(u32, u32)> {
        let lonely = self
            .edges
            .iter()
            .filter(|(to, from, _)| self.row(*from).binary_search_by_key(to, |edge| edge.1).is_err());
        lonely.map(|&(to, from, _)| (from, to)).min()
    }
}

/// Degrees, the self loop not counted.
struct Degrees {
    incoming: Vec<u32>,
    outgoing: Vec<u32>,
    largest: u32,
}

impl Degrees {
    fn new(rows: &Rows) -> Self {
        let incoming: Vec<u32> = (0..rows.size()).map(|rank| rows.row(rank).len() as u32).collect();
        let mut outgoing = vec![0; incoming.len()];
        for edge in rows.edges {
            outgoing[edge.1 as usize] += 1;
        }
        let largest = incoming.iter().chain(&outgoing).copied().max().unwrap_or(0);
        Self { incoming, outgoing, largest }
    }

    /// The k of the weight 1/k of an edge; meaningless for rules of which that is not the form.
    fn denominator(&self, rule: &BaseRule, from: u32, to: u32) -> u32 {
        1 + match rule {
            BaseRule::Uniform => self.incoming[to as usize],
            BaseRule::SenderUniform => self.outgoing[from as usize],
            BaseRule::Metropolis => self.incoming[from as usize].max(self.incoming[to as usize]),
            BaseRule::MaxDegree => self.largest,
            BaseRule::Constant(_) | BaseRule::BestConstant | BaseRule::Fastest(_) => 0,
        }
    }
}

/// A table of rows that is being built.
struct Table {
    weights: Interner,
    own: Vec<u32>,
    offsets: Vec<usize>,
    edges: Vec<(Rank, u32)>,
    optimum: Option<(&'static str, Optimum)>,
}

impl Default for Table {
    fn default() -> Self {
        let weights = Interner::default();
        Self { weights, own: vec![], offsets: vec![0], edges: vec![], optimum: None }
    }
}

impl Table {
    fn push(&mut self, own: u32, row: Vec<(Rank, u32)>) {
        self.own.push(own);
        self.edges.extend(row);
        self.offsets.push(self.edges.len());
    }

    /// The matrix, whose weights are those that rows use, numbered as rows name them, a rank's own weight first: equal
    /// matrices have equal parts.
    fn matrix(self) -> SparseMatrix {
        let Self { weights, mut own, offsets, mut edges, .. } = self;
        let mut numbers = vec![None; weights.values.len()];
        let mut used = vec![];
        let mut number = |id: &mut u32| {
            *id = *numbers[*id as usize].get_or_insert_with(|| {
                used.push(weights.values[*id as usize].clone());
                used.len() as u32 - 1
            });
        };
        for (rank, own) in own.iter_mut().enumerate() {
            number(own);
            edges[offsets[rank]..offsets[rank + 1]].iter_mut().for_each(|(_, weight)| number(weight));
        }
        let matrix = SparseMatrix::from_parts(used, own, offsets, edges);
        matrix.expect("rows are sorted, distinct and in range")
    }
}

/// The edges of a matrix, without weights, and its group where it has one.
pub fn support(matrix: &MixingMatrix) -> (Edges, Option<Group>) {
    let mut edges = Edges::default();
    if let MixingMatrix::Cayley(matrix) = matrix {
        let stay = Move::Digits(vec![]);
        let hops = matrix.hops().iter().map(|(hop, _)| (stay.clone(), Move::new(matrix.group(), *hop), None));
        edges.moved = hops.collect();
        return (edges, Some(matrix.group().clone()));
    }
    for rank in 0..matrix.size() {
        let row = matrix.row(Rank(rank));
        edges.listed.extend(row.in_weights.iter().map(|(source, _)| (source.0, rank, None)));
    }
    (edges, None)
}
