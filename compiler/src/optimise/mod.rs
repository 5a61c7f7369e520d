//! From the edges of a phase to the weights that mix fastest: `best_constant`, `fastest` (Xiao, Boyd, Fast linear
//! iterations for distributed averaging, 2004) and `fastest(nonnegative)` (Boyd, Diaconis, Xiao, Fastest mixing Markov
//! chain on a graph, 2004).
//!
//! Computed with the same bits on every machine, then rounded to fractions, so that sums of rows are exact. A component
//! of a phase is optimised by itself: what a disconnected phase leaves apart, other phases join.

mod cayley;
mod graph;
mod matcha;
mod symmetry;

pub use cayley::Hops;
pub use graph::Graph;
pub use matcha::{Matchings, Step, probabilities, step};

use bfc_schedule::{MixingMatrix, Rank, Rational};

/// Weights are multiples of 2⁻⁴⁰.
const UNIT: f64 = (1u64 << 40) as f64;

/// Operations of a step of the interior-point method, for weights.
pub const BUDGET: u64 = 3_000_000_000;

/// The same, for a number in a report.
const REPORT_BUDGET: u64 = 18_000_000;

/// Ranks of a phase in a report.
const REPORT_RANKS: u32 = 64;

/// How good the weights of a phase are. Both numbers are certified; for a phase that is not connected, they are about the
/// component that mixes most slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// ‖W − J‖₂ is at most this.
    pub value: f64,
    /// No weights that the rule allows on these edges have a smaller ‖W − J‖₂ than this.
    pub bound: f64,
}

/// Too large for the method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Optimum {
    /// Of two components with these.
    fn slowest(self, other: Self) -> Self {
        Self { value: self.value.max(other.value), bound: self.bound.max(other.bound) }
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
            Hops { group, hops: &hops }.fastest(signs, REPORT_BUDGET)
        }
        MixingMatrix::Sparse(sparse) => {
            let into = |i: u32| sparse.in_edges(Rank(i)).iter().map(move |(j, _)| (i, j.0));
            let all: Vec<(u32, u32)> = (0..matrix.size()).flat_map(into).collect();
            if all.iter().any(|&(i, j)| all.binary_search(&(j, i)).is_err()) {
                return None;
            }
            let edges: Vec<(u32, u32)> = all.into_iter().filter(|(i, j)| i < j).collect();
            Graph { size: matrix.size() as usize, edges: &edges }.fastest(signs, REPORT_BUDGET)
        }
    };
    optimum.ok().map(|(_, optimum)| optimum)
}

/// The nearest weight, or where it must not grow, the nearest below.
fn rounded(weight: f64, signs: Signs) -> Rational {
    let scaled = match signs {
        Signs::Any => (weight * UNIT).round(),
        Signs::Nonnegative => (weight * UNIT).floor().max(0.0),
    };
    Rational::new(scaled as i64, 1u64 << 40)
}

/// Weights that are optimal within some 10⁻⁸, as simple fractions if those are allowed and cost less than 10⁻⁹ in value,
/// else as multiples of 2⁻⁴⁰.
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

/// The first convergent of the continued fraction of x that is as near as `error`, if its denominator is at most `most`.
fn simple(x: f64, error: f64, most: i64) -> Option<Rational> {
    if !x.is_finite() {
        return None;
    }
    let (mut p, mut q) = ([1i64, x.floor() as i64], [0i64, 1i64]);
    let mut rest = x - x.floor();
    while (p[1] as f64 / q[1] as f64 - x).abs() > error {
        rest = 1.0 / rest;
        let whole = rest.floor();
        if whole > most as f64 {
            return None;
        }
        rest -= whole;
        p = [p[1], whole as i64 * p[1] + p[0]];
        q = [q[1], whole as i64 * q[1] + q[0]];
        if q[1] > most {
            return None;
        }
    }
    Some(Rational::new(p[1], q[1]))
}

/// 2/(least + greatest): the α for which I − αL contracts most, where L has these positive eigenvalues.
fn best_step(least: f64, greatest: f64, signs: Signs, degree: u32) -> Rational {
    let best = fraction(2.0 / (least + greatest));
    match signs {
        Signs::Nonnegative => best.min(Rational::new(1, degree)),
        Signs::Any => best,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_near_a_fraction_are_that_fraction() {
        for (p, q) in [(1, 3), (2, 7), (0, 1), (1, 1), (999, 1000), (-2, 3), (37, 11)] {
            assert_eq!(fraction(p as f64 / q as f64 + 1e-14), Rational::new(p, q));
        }
        assert_eq!(simple(0.25 + 2e-8, 1e-6, 100), Some(Rational::new(1, 4)));
        assert_eq!([simple(1.0 / 101.0, 1e-6, 100), simple(f64::NAN, 1e-6, 100)], [None, None]);
        let root = fraction(2f64.sqrt());
        assert_eq!(root, rounded(2f64.sqrt(), Signs::Any));
        assert!((root.to_f64() - 2f64.sqrt()).abs() < 1e-12);
    }
}
