//! From the edges of a phase to the weights that mix fastest: `best_constant`, `fastest` (Xiao, Boyd, Fast linear
//! iterations for distributed averaging, 2004) and `fastest(nonnegative)` (Boyd, Diaconis, Xiao, Fastest mixing Markov
//! chain on a graph, 2004).
//!
//! By an interior-point method, or by low-rank duals if that is too much work; in both cases a bound shows how far
//! from the optimum the result may be. Computed with the same bits on every machine, then rounded to fractions, so that
//! sums of rows are exact. A component of a phase is optimised by itself: what a disconnected phase leaves apart, other
//! phases join.

mod cayley;
mod enclose;
mod graph;
mod matcha;
mod step;
mod symmetry;

pub use cayley::Hops;
pub use graph::Graph;
pub use matcha::{Matchings, probabilities};
pub use step::step;

use crate::fraction::simple;
use bfc_schedule::{MixingMatrix, Rank, Rational};

/// Weights are multiples of 2⁻⁴⁰.
const UNIT: f64 = (1u64 << 40) as f64;

/// How much an optimisation may do.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Operations of a step of the interior-point method; beyond, the first-order method is taken.
    interior: u64,
    /// Operations of the first-order method.
    first_order: u64,
}

impl Effort {
    /// For what a schedule is made of.
    pub const FULL: Self = Self { interior: 3_000_000_000, first_order: 6_000_000_000 };

    /// What a step of the interior-point method costs, measured in operations of its factorization.
    fn of_interior_point(ranks: usize, edges: usize, variables: usize) -> u64 {
        let [ranks, edges, variables] = [ranks, edges, variables].map(|count| count as u64);
        let newton =
            (variables.saturating_pow(3) / 3).saturating_add(edges.saturating_pow(2).saturating_mul(16));
        newton.saturating_add(ranks.saturating_pow(3).saturating_mul(360))
    }

    /// For a number in a report, and for schedules that are only weighed.
    pub const QUICK: Self = Self { interior: 100_000_000, first_order: 0 };
}

/// Ranks of a phase in a report.
const REPORT_RANKS: u32 = 64;

/// How good an optimised number is: it should be small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// What the rounded weights come to: at most this where it is enclosed, else about this.
    pub value: f64,
    /// Nothing that is allowed comes to less than this: certified.
    pub bound: f64,
    /// Whether the value is certified.
    pub is_enclosed: bool,
    /// Whether both are about the slowest of several parts that are not connected: the whole does not mix.
    pub is_of_part: bool,
    /// Operations, up to a factor that is the same for all.
    pub work: u64,
}

/// Too large for the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Optimum {
    /// Of nothing.
    const ZERO: Self = Self { value: 0.0, bound: 0.0, is_enclosed: true, is_of_part: false, work: 0 };

    /// Of two components with these.
    fn slowest(self, other: Self) -> Self {
        Self {
            value: self.value.max(other.value),
            bound: self.bound.max(other.bound),
            is_enclosed: self.is_enclosed && other.is_enclosed,
            is_of_part: self.is_of_part || other.is_of_part,
            work: self.work.saturating_add(other.work),
        }
    }
}

/// What `fastest` may choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// Any weights.
    Any,
    /// No weight below 0, self weights included.
    Nonnegative,
}

impl Signs {
    /// The rule that chooses from them.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Any => "fastest",
            Self::Nonnegative => "fastest(nonnegative)",
        }
    }

    /// The rule, of which ranks then keep a part of their own value.
    pub fn rule_before_lazy(self) -> &'static str {
        match self {
            Self::Any => "fastest, before lazy",
            Self::Nonnegative => "fastest(nonnegative), before lazy",
        }
    }
}

/// How small ‖W − J‖₂ can be made by symmetric weights on the edges of a matrix; `None` where an edge goes one way, or
/// where that is too much work for a report.
pub fn of_edges(matrix: &MixingMatrix, signs: Signs) -> Option<Optimum> {
    if matrix.size() > REPORT_RANKS {
        return None;
    }
    let optimum = match matrix {
        MixingMatrix::Cayley(cayley) => {
            let (group, hops) =
                (cayley.group(), cayley.hops().iter().map(|(hop, _)| *hop).collect::<Vec<_>>());
            if hops.iter().any(|hop| hops.binary_search(&group.negate(*hop)).is_err()) {
                return None;
            }
            Hops { group, hops: &hops }.fastest(signs, Effort::QUICK)
        }
        MixingMatrix::Sparse(sparse) => {
            let into = |i: u32| sparse.in_edges(Rank(i)).iter().map(move |(j, _)| (i, j.0));
            let all: Vec<(u32, u32)> = (0..matrix.size()).flat_map(into).collect();
            if all.iter().any(|&(i, j)| all.binary_search(&(j, i)).is_err()) {
                return None;
            }
            let edges: Vec<(u32, u32)> = all.into_iter().filter(|(i, j)| i < j).collect();
            Graph { size: matrix.size() as usize, edges: &edges }.fastest(signs, Effort::QUICK)
        }
    };
    optimum.ok().map(|(_, optimum)| optimum).filter(|optimum| optimum.is_enclosed)
}

/// The nearest weight, or where it must not grow, the nearest below.
fn rounded(weight: f64, signs: Signs) -> Rational {
    let scaled = match signs {
        Signs::Any => (weight * UNIT).round(),
        Signs::Nonnegative => (weight * UNIT).floor().max(0.0),
    };
    let is_held = scaled.abs() < (1u64 << 62) as f64;
    if is_held {
        Rational::new(scaled as i64, 1u64 << 40)
    } else {
        Rational::from_f64(weight).unwrap_or_else(Rational::zero)
    }
}

/// Optimised weights as simple fractions if those are allowed and cost less than 10⁻⁹ in value, else as multiples of 2⁻⁴⁰.
fn exact(
    weights: &[f64],
    signs: Signs,
    is_allowed: impl Fn(&[Rational]) -> bool,
    value: impl Fn(&[Rational]) -> f64,
) -> Vec<Rational> {
    let multiples: Vec<Rational> = weights.iter().map(|weight| rounded(*weight, signs)).collect();
    match weights.iter().map(|weight| simple(*weight, 1e-6, 100)).collect::<Option<Vec<_>>>() {
        Some(simple) if is_allowed(&simple) && value(&simple) <= value(&multiples) + 1e-9 => simple,
        _ => multiples,
    }
}

/// A number that was computed to full precision, as the fraction with a denominator up to 1,000 that it is within
/// 2⁻⁴⁰, or else as a multiple of 2⁻⁴⁰.
fn fraction(x: f64) -> Rational {
    simple(x, 1.0 / UNIT, 1000).unwrap_or_else(|| rounded(x, Signs::Any))
}

/// 2/(least + greatest): the α for which I − αL contracts most, where L has these positive eigenvalues.
fn best_step(least: f64, greatest: f64, signs: Signs, degree: u32) -> Rational {
    let best = fraction(2.0 / (least + greatest));
    match signs {
        Signs::Nonnegative => best.min(Rational::new(1, degree)),
        Signs::Any => best,
    }
}

fn floats(weights: &[Rational]) -> Vec<f64> {
    weights.iter().map(Rational::to_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_fraction_near_by_are_multiples() {
        assert_eq!(fraction(1.0 / 3.0 + 1e-14), Rational::new(1, 3));
        let root = fraction(2f64.sqrt());
        assert_eq!(root, rounded(2f64.sqrt(), Signs::Any));
        assert!((root.to_f64() - 2f64.sqrt()).abs() < 1e-12);
    }
}
