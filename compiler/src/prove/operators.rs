//! The linear maps that a step is made of: mixing over a topology, its parts, sums over neighbours, averages, and numbers
//! that every rank computes from its own degree.
//!
//! Each is a matrix for every phase. Operator k is the mixing matrix of topology k; the others follow in the order in
//! which the algorithm uses them, the average last.

use super::facts::Facts;
use super::radius::FORMED;
use super::timing;
use crate::model::algorithm::{Algorithm, ValueId, ValueKind, reachable};
use crate::spectrum::properties::Degrees;
use bfc_schedule::matrix::Row;
use bfc_schedule::program::Operation;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational, SparseMatrix};
use num_integer::Integer;
use std::collections::{BTreeMap, BTreeSet};

/// An operator beside the mixing matrices; topologies by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// The diagonal of W.
    Own(usize),
    /// W without its diagonal.
    Others(usize),
    /// The sum over the in-neighbours.
    Incoming(usize),
    /// A product with a scalar that depends on degrees.
    Scale(ValueId),
    /// A division by such a scalar.
    Divide(ValueId),
    /// J.
    Average,
}

/// Phases of several topologies together.
const PHASES: usize = 1 << 10;

/// The matrices of the operators of an algorithm beside its mixing matrices.
pub(super) struct Derived {
    operators: Vec<Operator>,
    phases: Vec<Vec<MixingMatrix>>,
    shares: Vec<Option<Rational>>,
}

impl Derived {
    /// Those that the algorithm's steps use and that have a matrix.
    pub(super) fn new(algorithm: &Algorithm, topologies: &[Facts]) -> Self {
        let scalars = Scalars::new(algorithm);
        let shares: Vec<_> = topologies.iter().map(Facts::share).collect();
        let differs = |k: &usize| shares.get(*k).is_some_and(Option::is_none);
        let mut derived = Self { operators: vec![], phases: vec![], shares: shares.clone() };
        let needed = reachable(&algorithm.values, algorithm.steps.iter().flatten().copied());
        for (value, _) in algorithm.values.iter().zip(needed).filter(|(_, needed)| *needed) {
            let operator = match &value.kind {
                ValueKind::Own(k, _) if differs(k) => Some(Operator::Own(*k)),
                ValueKind::Others(k, _) if differs(k) => Some(Operator::Others(*k)),
                ValueKind::Incoming(k, _) => Some(Operator::Incoming(*k)),
                ValueKind::Apply(Operation::Multiply, operands) => {
                    operands.iter().find(|id| scalars.is_local(**id)).map(|id| Operator::Scale(*id))
                }
                ValueKind::Apply(Operation::Divide, operands) => {
                    operands.get(1).filter(|id| scalars.is_local(**id)).map(|id| Operator::Divide(*id))
                }
                _ => None,
            };
            let new = operator.filter(|operator| !derived.operators.contains(operator));
            if let Some(operator) = new
                && let Some(phases) = scalars.matrices(operator, topologies)
            {
                derived.phases.push(phases);
                derived.operators.push(operator);
            }
        }
        derived.operators.push(Operator::Average);
        if let Some(size) = topologies.first().map(Facts::size).filter(|size| *size <= FORMED) {
            derived.phases.extend(average(size).map(|average| vec![average]));
        }
        derived
    }

    /// What is known of the matrices, in order.
    pub(super) fn facts(&self) -> Vec<Facts<'_>> {
        self.phases.iter().map(|phases| Facts::new(phases)).collect()
    }
}

/// The operators by index, and what is known of them.
pub(super) struct Operators<'a> {
    /// Of the topologies, then of the others; J is missing where there are many ranks.
    pub(super) facts: Vec<&'a Facts<'a>>,
    topologies: usize,
    derived: &'a [Operator],
    /// Of every topology what all ranks keep of themselves in all phases, where that is one number.
    pub(super) shares: &'a [Option<Rational>],
}

impl<'a> Operators<'a> {
    pub(super) fn new(topologies: &'a [Facts<'a>], derived: &'a Derived, facts: &'a [Facts<'a>]) -> Self {
        Self {
            facts: topologies.iter().chain(facts).collect(),
            topologies: topologies.len(),
            derived: &derived.operators,
            shares: &derived.shares,
        }
    }

    /// The index of an operator, if the algorithm uses it.
    pub(super) fn find(&self, operator: Operator) -> Option<usize> {
        self.derived.iter().position(|known| *known == operator).map(|at| self.topologies + at)
    }

    /// The index of J.
    pub(super) fn average(&self) -> usize {
        self.topologies + self.derived.len() - 1
    }

    pub(super) fn is_average(&self, index: usize) -> bool {
        index == self.average()
    }

    /// The number that an operator makes of a common 1 in a phase, where it is the same on all ranks.
    pub(super) fn row_sum(&self, index: usize, phase: u64) -> Option<Rational> {
        match self.facts.get(index) {
            Some(facts) => at_phase(facts.row_sums(), phase).clone(),
            None => self.is_average(index).then(Rational::one),
        }
    }

    /// Whether what is common stays so in every phase.
    pub(super) fn keeps_agreement(&self, index: usize) -> bool {
        match self.facts.get(index) {
            Some(facts) => facts.row_sums().iter().all(Option::is_some),
            None => self.is_average(index),
        }
    }

    /// Whether ranks agree after an operator in a phase, whatever they held.
    pub(super) fn averages(&self, index: usize, phase: u64) -> bool {
        match self.facts.get(index) {
            Some(facts) => *at_phase(facts.equal_rows(), phase),
            None => self.is_average(index),
        }
    }

    /// Whether they do in every phase.
    pub(super) fn always_averages(&self, index: usize) -> bool {
        match self.facts.get(index) {
            Some(facts) => facts.equal_rows().iter().all(|equal| *equal),
            None => self.is_average(index),
        }
    }

    /// Whether nothing is left after an operator in a phase, whatever ranks held.
    pub(super) fn vanishes(&self, index: usize, phase: u64) -> bool {
        self.facts.get(index).is_some_and(|facts| match at_phase(facts.phases, phase) {
            MixingMatrix::Cayley(matrix) => {
                let mut weights = matrix.hops().iter().map(|(_, weight)| weight);
                matrix.self_weight().is_zero() && weights.all(Rational::is_zero)
            }
            MixingMatrix::Sparse(matrix) => matrix.weights().iter().all(Rational::is_zero),
        })
    }

    /// Why an operator does not keep agreement.
    pub(super) fn disagrees(&self, index: usize, algorithm: &Algorithm) -> String {
        let derived = index.checked_sub(self.topologies).and_then(|at| self.derived.get(at));
        match (derived, self.facts.get(index).map(|facts| facts.row_stochastic())) {
            (None, Some(Err(rows))) if self.topologies > 1 => {
                format!("of `{}`, {rows}", algorithm.topologies[index])
            }
            (None, Some(Err(rows))) => rows.clone(),
            (Some(Operator::Own(_) | Operator::Others(_)), _) => {
                "ranks keep different shares of what they mix with a delay".into()
            }
            _ => "ranks have different numbers of neighbours".into(),
        }
    }
}

/// The entry of a phase, of those that repeat.
pub(super) fn at_phase<T>(all: &[T], phase: u64) -> &T {
    &all[(phase % all.len() as u64) as usize]
}

/// The algorithm with a number in place of each degree that is the same on all ranks in all phases.
pub(super) fn with_equal_degrees(algorithm: &Algorithm, topologies: &[Facts]) -> Algorithm {
    let mut algorithm = algorithm.clone();
    for value in &mut algorithm.values {
        if let ValueKind::Degree(k) = value.kind
            && let Some(degree) = topologies.get(k).and_then(equal_degree)
        {
            value.kind = ValueKind::Apply(Operation::Constant(Rational::integer(degree)), vec![]);
        }
    }
    algorithm
}

fn equal_degree(facts: &Facts) -> Option<u32> {
    let mut degrees = facts.phases.iter().flat_map(|phase| Degrees::new(phase).receives);
    let first = degrees.next()?;
    degrees.all(|degree| degree == first).then_some(first)
}

/// The scalars that ranks compute from their degrees, constants and inputs alone.
struct Scalars<'a> {
    algorithm: &'a Algorithm,
    /// Of every value the topologies whose degrees it depends on, if it is such a scalar or a constant.
    degrees: Vec<Option<BTreeSet<usize>>>,
}

impl<'a> Scalars<'a> {
    fn new(algorithm: &'a Algorithm) -> Self {
        let mut degrees: Vec<Option<BTreeSet<usize>>> = vec![];
        for value in &algorithm.values {
            let found = match &value.kind {
                ValueKind::Degree(k) => Some(BTreeSet::from([*k])),
                ValueKind::Apply(Operation::Step | Operation::Random, _) => None,
                ValueKind::Apply(_, operands) => operands.iter().try_fold(BTreeSet::new(), |mut all, id| {
                    all.extend(degrees[id.0 as usize].as_ref()?);
                    Some(all)
                }),
                _ => None,
            };
            degrees.push(found);
        }
        Self { algorithm, degrees }
    }

    fn is_local(&self, id: ValueId) -> bool {
        self.degrees[id.0 as usize].as_ref().is_some_and(|degrees| !degrees.is_empty())
    }

    /// The matrices of the phases of an operator.
    fn matrices(&self, operator: Operator, topologies: &[Facts]) -> Option<Vec<MixingMatrix>> {
        let of = |k: usize, part: fn(&MixingMatrix) -> Option<MixingMatrix>| {
            topologies.get(k).and_then(|facts| facts.phases.iter().map(part).collect())
        };
        match operator {
            Operator::Own(k) => of(k, own),
            Operator::Others(k) => of(k, others),
            Operator::Incoming(k) => of(k, incoming),
            Operator::Scale(id) => self.diagonals(id, topologies, |number| Some(number.clone())),
            Operator::Divide(id) => self
                .diagonals(id, topologies, |number| (!number.is_zero()).then(|| &Rational::one() / number)),
            Operator::Average => topologies.first().and_then(|facts| Some(vec![average(facts.size())?])),
        }
    }

    /// A scalar of every rank on the diagonal, for each phase of the topologies that it depends on.
    fn diagonals(
        &self,
        id: ValueId,
        topologies: &[Facts],
        change: fn(&Rational) -> Option<Rational>,
    ) -> Option<Vec<MixingMatrix>> {
        let used = self.degrees[id.0 as usize].as_ref()?;
        let facts: Vec<&Facts> = used.iter().map(|k| topologies.get(*k)).collect::<Option<_>>()?;
        let phases = facts.iter().fold(1usize, |all, facts| all.lcm(&facts.phases.len()));
        if phases > PHASES {
            return None;
        }
        let size = facts.first()?.size();
        let diagonal = |phase: usize| {
            let degrees: Vec<(usize, Degrees)> = used
                .iter()
                .zip(&facts)
                .map(|(k, facts)| (*k, Degrees::new(&facts.phases[phase % facts.phases.len()])))
                .collect();
            let number = |rank| {
                let known = BTreeMap::new();
                OnRank { algorithm: self.algorithm, rank, degrees: &degrees, known }.value(id)
            };
            let numbers = (0..size as usize).map(|rank| change(&number(rank)?));
            diagonal_matrix(numbers.collect::<Option<Vec<_>>>()?)
        };
        (0..phases).map(diagonal).collect()
    }
}

/// The scalars of one rank in one phase.
struct OnRank<'a> {
    algorithm: &'a Algorithm,
    rank: usize,
    /// Of each topology that they depend on.
    degrees: &'a [(usize, Degrees)],
    /// Values are shared: those computed before.
    known: BTreeMap<ValueId, Option<Rational>>,
}

impl OnRank<'_> {
    fn value(&mut self, id: ValueId) -> Option<Rational> {
        if let Some(value) = self.known.get(&id) {
            return value.clone();
        }
        let value = self.compute(id);
        self.known.insert(id, value.clone());
        value
    }

    fn compute(&mut self, id: ValueId) -> Option<Rational> {
        match &self.algorithm.value(id).kind {
            ValueKind::Degree(k) => {
                let (_, degrees) = self.degrees.iter().find(|(known, _)| known == k)?;
                // One entry stands for all ranks where they are alike.
                let degree = degrees.receives.get(self.rank).or(degrees.receives.first())?;
                Some(Rational::integer(*degree))
            }
            ValueKind::Apply(operation, operands) => {
                let operands: Option<Vec<Rational>> =
                    operands.iter().map(|operand| self.value(*operand)).collect();
                timing::exact(self.algorithm, operation, &operands?, 0)
            }
            _ => None,
        }
    }
}

/// J.
fn average(size: u32) -> Option<MixingMatrix> {
    let weight = Rational::new(1, size);
    let hops = (1..size).map(|hop| (Rank(hop), weight.clone())).collect();
    CayleyMatrix::new(Group::cyclic(size), weight, hops).map(MixingMatrix::Cayley)
}

/// The matrix of these numbers on the diagonal; where they are equal, as one of any group.
fn diagonal_matrix(numbers: Vec<Rational>) -> Option<MixingMatrix> {
    let first = numbers.first()?;
    if numbers.iter().all(|number| number == first) {
        let group = Group::cyclic(numbers.len() as u32);
        return CayleyMatrix::new(group, first.clone(), vec![]).map(MixingMatrix::Cayley);
    }
    let rows = numbers.into_iter().map(|self_weight| Row { self_weight, in_weights: vec![] });
    SparseMatrix::from_rows(rows).map(MixingMatrix::Sparse)
}

fn own(matrix: &MixingMatrix) -> Option<MixingMatrix> {
    changed(matrix, Rational::clone, |_| None)
}

fn others(matrix: &MixingMatrix) -> Option<MixingMatrix> {
    changed(matrix, |_| Rational::zero(), |weight| Some(weight.clone()))
}

fn incoming(matrix: &MixingMatrix) -> Option<MixingMatrix> {
    changed(matrix, |_| Rational::zero(), |_| Some(Rational::one()))
}

/// The matrix with other weights; edges without one are left out.
fn changed(
    matrix: &MixingMatrix,
    own: fn(&Rational) -> Rational,
    edge: fn(&Rational) -> Option<Rational>,
) -> Option<MixingMatrix> {
    let kept = |edges: &[(Rank, Rational)]| -> Vec<(Rank, Rational)> {
        edges.iter().filter_map(|(rank, weight)| Some((*rank, edge(weight)?))).collect()
    };
    match matrix {
        MixingMatrix::Cayley(cayley) => {
            let hops = kept(cayley.hops());
            CayleyMatrix::new(cayley.group().clone(), own(cayley.self_weight()), hops)
                .map(MixingMatrix::Cayley)
        }
        MixingMatrix::Sparse(sparse) => {
            let rows = (0..sparse.size()).map(|rank| {
                let row = matrix.row(Rank(rank));
                Row { self_weight: own(&row.self_weight), in_weights: kept(&row.in_weights) }
            });
            SparseMatrix::from_rows(rows).map(MixingMatrix::Sparse)
        }
    }
}
