//! From phases to whether, and when, their product is exactly J = 11ᵀ/n.
//!
//! Products are computed modulo primes: one that differs from J refutes; agreement modulo primes whose product exceeds
//! the size that the integers in question can have proves. Under a common group one column is enough. When rows sum
//! to 1, P − J is nilpotent on n − 1 dimensions if it ever vanishes, so a static W is J after n − 1 steps or never.

use super::group_spectrum::common_group;
use super::modular::Field;
use super::properties::{nonnegative, over_one_denominator, row_stochastic};
use bfc_schedule::{Group, MixingMatrix, Rank, Rational};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

/// Multiplications that one question may cost.
const BUDGET: u64 = 1 << 30;

/// Whether a product is J.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exact {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Too large to decide.
    TooLarge,
}

/// When the product of the phases, repeated, first is J.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExactAfter {
    /// After this many steps.
    Steps(u64),
    /// Never.
    Never,
    /// Not within this many steps; beyond was not searched.
    NotWithin(u64),
}

impl ExactAfter {
    /// The steps, where it ever is.
    pub(crate) fn steps(self) -> Option<u64> {
        if let Self::Steps(steps) = self { Some(steps) } else { None }
    }
}

/// Whether W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ = J.
pub(crate) fn is_average(phases: &[MixingMatrix], steps: u64) -> Exact {
    let size = phases[0].size();
    if !wide_enough(phases, steps) {
        return Exact::No;
    }
    let columns = if common_group(phases).is_some() { 1 } else { size };
    let bits = integer_bits(phases, steps);
    let mut budget = BUDGET;
    for field in Field::all().take((bits.unwrap_or(0) / 60 + 1) as usize) {
        let Some(operator) = Operator::new(phases, field) else { return Exact::TooLarge };
        for start in 0..columns {
            let mut column = Column::start(size, start);
            for step in 0..steps {
                let phase = (step % phases.len() as u64) as usize;
                let Some(left) = budget.checked_sub(operator.cost(phase, &column)) else {
                    return Exact::TooLarge;
                };
                budget = left;
                operator.advance(phase, &mut column);
            }
            if !operator.is_average(&column) {
                return Exact::No;
            }
        }
    }
    if bits.is_some() { Exact::Yes } else { Exact::TooLarge }
}

/// The first k with W⁽ᵏ⁻¹⁾ … W⁽⁰⁾ = J; the rows of all phases must sum to 1.
pub(crate) fn exact_after(phases: &[MixingMatrix]) -> ExactAfter {
    let size = phases[0].size();
    if size == 1 {
        return ExactAfter::Steps(0);
    }
    let period = phases.len() as u64;
    if period == 1 && !trace_is_one(&phases[0]) {
        return ExactAfter::Never;
    }
    let bound = period * (size as u64 - 1);
    let field = Field::all().next().expect("there are primes");
    let Some(operator) = Operator::new(phases, field) else { return ExactAfter::NotWithin(0) };
    let mut column = Column::start(size, 0);
    let mut budget = BUDGET >> 3;
    for step in 0..bound {
        let phase = (step % period) as usize;
        let Some(left) = budget.checked_sub(operator.cost(phase, &column)) else {
            return ExactAfter::NotWithin(step);
        };
        budget = left;
        operator.advance(phase, &mut column);
        if operator.is_average(&column) {
            match is_average(phases, step + 1) {
                Exact::Yes => return ExactAfter::Steps(step + 1),
                Exact::No => {}
                Exact::TooLarge => return ExactAfter::NotWithin(step),
            }
        }
    }
    ExactAfter::Never
}

/// Whether a rank can have heard from all others at all.
fn wide_enough(phases: &[MixingMatrix], steps: u64) -> bool {
    let size = phases[0].size() as u64;
    let mut reach = 1u64;
    for step in 0..steps {
        if reach >= size {
            break;
        }
        let widest = max_in_degree(&phases[(step % phases.len() as u64) as usize]);
        if widest == 0 && phases.len() == 1 {
            break;
        }
        reach = reach.saturating_mul(widest + 1);
    }
    reach >= size
}

fn max_in_degree(matrix: &MixingMatrix) -> u64 {
    match matrix {
        MixingMatrix::Cayley(cayley) => cayley.hops().len() as u64,
        MixingMatrix::Sparse(sparse) => {
            (0..matrix.size()).map(|rank| sparse.in_edges(Rank(rank)).len() as u64).max().unwrap_or(0)
        }
    }
}

fn trace_is_one(matrix: &MixingMatrix) -> bool {
    let trace: BigRational = match matrix {
        MixingMatrix::Cayley(cayley) => cayley.self_weight().to_big() * BigInt::from(matrix.size()),
        MixingMatrix::Sparse(sparse) => {
            let mut counts = vec![0u64; sparse.weights().len()];
            (0..matrix.size()).for_each(|rank| counts[sparse.self_weight(Rank(rank)) as usize] += 1);
            let terms = counts.into_iter().zip(sparse.weights()).filter(|(count, _)| *count > 0);
            terms.map(|(count, weight)| weight.to_big() * BigInt::from(count)).sum()
        }
    };
    trace.is_one()
}

/// A bound on the bits of the integers n D (P − J)[i][j], D being the product of the common denominators of the
/// factors of P; `None` where there are too many.
fn integer_bits(phases: &[MixingMatrix], steps: u64) -> Option<u64> {
    let used = phases.len().min(steps as usize);
    let factors: Vec<BigInt> = phases[..used].iter().map(row_bound).collect::<Option<_>>()?;
    let mut bound = BigInt::from(phases[0].size());
    for step in 0..steps {
        bound *= &factors[(step % phases.len() as u64) as usize];
        if bound.bits() > 1 << 14 {
            return None;
        }
    }
    Some(bound.bits() + 2)
}

/// The common denominator of a matrix, or the largest sum of absolute values of a row in units of it, if larger.
fn row_bound(matrix: &MixingMatrix) -> Option<BigInt> {
    let (unit, values) = match matrix {
        MixingMatrix::Sparse(sparse) => over_one_denominator(sparse.weights())?,
        MixingMatrix::Cayley(cayley) => {
            let mut distinct: Vec<_> = cayley.hops().iter().map(|(_, weight)| weight.clone()).collect();
            distinct.push(cayley.self_weight().clone());
            distinct.sort();
            distinct.dedup();
            over_one_denominator(&distinct)?
        }
    };
    let phase = std::slice::from_ref(matrix);
    if nonnegative(phase).is_ok() && row_stochastic(phase).is_ok() {
        return Some(unit);
    }
    let largest = values.iter().map(|value| value.abs()).max().unwrap_or_default();
    Some(unit.max(largest * (max_in_degree(matrix) + 1)))
}

/// The phases modulo a prime, by columns.
struct Operator {
    field: Field,
    phases: Vec<PhaseOperator>,
    average: u64,
}

enum PhaseOperator {
    Cayley(Group, Vec<(Rank, u64)>),
    /// For each sender the range of its receivers, and those with their weights; the senders that do more than keep what
    /// they have.
    Table {
        offsets: Vec<usize>,
        receivers: Vec<(u32, u64)>,
        active: Vec<u32>,
    },
}

/// A column of a product: its entries, and the ranks where it has been different from 0.
struct Column {
    values: Vec<u64>,
    moving: Vec<(u32, u64)>,
    reached: Vec<u32>,
    seen: Vec<bool>,
}

impl Column {
    /// Column `start` of the identity.
    fn start(size: u32, start: u32) -> Self {
        let mut values = vec![0; size as usize];
        let mut seen = vec![false; size as usize];
        values[start as usize] = 1;
        seen[start as usize] = true;
        Self { values, moving: vec![], reached: vec![start], seen }
    }

    fn reach(&mut self, rank: u32) {
        if !std::mem::replace(&mut self.seen[rank as usize], true) {
            self.reached.push(rank);
        }
    }
}

impl Operator {
    /// `None` if the prime divides a denominator.
    fn new(phases: &[MixingMatrix], field: Field) -> Option<Self> {
        let average = field.residue(&Rational::new(1, phases[0].size()))?;
        let phases = phases.iter().map(|phase| PhaseOperator::new(phase, field)).collect::<Option<_>>()?;
        Some(Self { field, phases, average })
    }

    fn cost(&self, phase: usize, column: &Column) -> u64 {
        let per_rank = match &self.phases[phase] {
            PhaseOperator::Cayley(_, terms) => terms.len(),
            PhaseOperator::Table { receivers, .. } => receivers.len() / column.values.len() + 1,
        };
        (self.phases[phase].senders(column).len() * per_rank) as u64
    }

    fn is_average(&self, column: &Column) -> bool {
        column.reached.len() == column.values.len()
            && column.values.iter().all(|value| *value == self.average)
    }

    /// Applies one phase.
    fn advance(&self, phase: usize, column: &mut Column) {
        let (field, phase) = (self.field, &self.phases[phase]);
        let mut moving = std::mem::take(&mut column.moving);
        let taken = phase.senders(column).iter().map(|&from| (from, column.values[from as usize]));
        moving.extend(taken.filter(|(_, value)| *value != 0));
        moving.iter().for_each(|(from, _)| column.values[*from as usize] = 0);
        for (from, value) in moving.drain(..) {
            let mut give = |to: u32, weight: u64| {
                let sum = field.add(column.values[to as usize], field.multiply(weight, value));
                column.values[to as usize] = sum;
                column.reach(to);
            };
            match phase {
                PhaseOperator::Cayley(group, terms) => {
                    terms.iter().for_each(|(hop, weight)| give(group.add(Rank(from), *hop).0, *weight));
                }
                PhaseOperator::Table { offsets, receivers, .. } => {
                    let own = offsets[from as usize]..offsets[from as usize + 1];
                    receivers[own].iter().for_each(|&(to, weight)| give(to, weight));
                }
            }
        }
        column.moving = moving;
    }
}

impl PhaseOperator {
    /// Ranks among which are all whose values move, few if possible.
    fn senders<'s>(&'s self, column: &'s Column) -> &'s [u32] {
        match self {
            Self::Table { active, .. } if active.len() < column.reached.len() => active,
            _ => &column.reached,
        }
    }

    fn new(matrix: &MixingMatrix, field: Field) -> Option<Self> {
        match matrix {
            MixingMatrix::Cayley(cayley) => {
                let own = std::iter::once((Rank(0), cayley.self_weight()));
                let all = own.chain(cayley.hops().iter().map(|(hop, weight)| (*hop, weight)));
                let terms = all.filter(|(_, weight)| !weight.is_zero());
                let terms =
                    terms.map(|(hop, weight)| Some((hop, field.residue(weight)?))).collect::<Option<_>>()?;
                Some(Self::Cayley(cayley.group().clone(), terms))
            }
            MixingMatrix::Sparse(sparse) => {
                let weights: Vec<u64> =
                    sparse.weights().iter().map(|weight| field.residue(weight)).collect::<Option<_>>()?;
                let mut columns = vec![vec![]; matrix.size() as usize];
                for rank in 0..matrix.size() {
                    columns[rank as usize].push((rank, weights[sparse.self_weight(Rank(rank)) as usize]));
                    for (source, id) in sparse.in_edges(Rank(rank)) {
                        columns[source.index()].push((rank, weights[*id as usize]));
                    }
                }
                let mut offsets = vec![0];
                let mut receivers = vec![];
                for column in columns {
                    receivers.extend(column.into_iter().filter(|(_, weight)| *weight != 0));
                    offsets.push(receivers.len());
                }
                let one = field.residue(&Rational::one());
                let keeps = |rank: u32| match receivers[offsets[rank as usize]..offsets[rank as usize + 1]] {
                    [(to, weight)] => to == rank && Some(weight) == one,
                    _ => false,
                };
                let active = (0..matrix.size()).filter(|rank| !keeps(*rank)).collect();
                Some(Self::Table { offsets, receivers, active })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::tests::*;

    #[test]
    fn one_peer_exponential_averages_exactly_at_powers_of_two() {
        for size in 2..140 {
            let phases = one_peer_exp2(size);
            let expected = if size.is_power_of_two() { Exact::Yes } else { Exact::No };
            assert_eq!(is_average(&phases, phases.len() as u64), expected, "{size}");
            let after = if size.is_power_of_two() {
                ExactAfter::Steps(phases.len() as u64)
            } else {
                ExactAfter::Never
            };
            assert_eq!(exact_after(&phases), after);
            assert_eq!(exact_after(&tables(&phases)), after);
        }
    }

    #[test]
    fn de_bruijn_is_exact_after_several_periods() {
        assert_eq!(exact_after(&[de_bruijn(2, 16)]), ExactAfter::Steps(4));
        assert_eq!(exact_after(&[de_bruijn(3, 27)]), ExactAfter::Steps(3));
        assert_eq!(exact_after(&[de_bruijn(2, 33)]), ExactAfter::Never);
        assert_eq!(is_average(&[de_bruijn(2, 16)], 1), Exact::No);
    }

    #[test]
    fn almost_average_is_not_average() {
        // Weights off by 1e-15, in one pair of an exact schedule.
        let mut phases = tables(&one_peer_exp2(8));
        let off = Rational::new(1, 2) + Rational::new(1, 1_000_000_000_000_000u64);
        phases[1] = matrix(
            8,
            &edges(&phases[1])
                .into_iter()
                .map(|(i, j, w)| (i, j, if i == 3 { off.clone() } else { w }))
                .collect::<Vec<_>>(),
        );
        assert_eq!(is_average(&phases, 3), Exact::No);
        assert_eq!(exact_after(&phases), ExactAfter::Never);
    }
}
