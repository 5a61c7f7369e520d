//! MATCHA (Wang, Sahu, Joshi, Kar, Matcha: speeding up decentralized SGD via matching decomposition sampling, 2019): with
//! which probability to activate each matching of a graph.

use super::enclose::Map;
use super::{Effort, Optimum, Signs, TooLarge, floats, rounded};
use bfc_algebra::lowrank::{self, Limit};
use bfc_algebra::reproducible::Square;
use bfc_algebra::semidefinite::{self, Block, Row};
use bfc_schedule::Rational;

/// Probabilities within this of 0 or 1 are 0 or 1.
const NEAR: f64 = 1e-7;

/// Matchings of ranks 0, …, size − 1.
pub struct Matchings {
    /// The number of ranks.
    pub size: usize,
    /// For every matching its edges.
    pub edges: Vec<Vec<(usize, usize)>>,
}

/// The probabilities p, at most 1, that maximise λ₂(Σ p_j L_j) where Σ p_j is at most `budget` times the number of matchings;
/// and how good they are, as −λ₂, unless all are 1.
pub fn probabilities(
    matchings: &Matchings,
    budget: &Rational,
    effort: Effort,
) -> Result<(Vec<Rational>, Option<Optimum>), TooLarge> {
    let count = matchings.edges.len();
    if *budget >= Rational::one() || count == 0 {
        return Ok((vec![Rational::one(); count], None));
    }
    let most = budget.to_f64() * count as f64;
    let (found, bound) = match matchings.newton() <= effort.interior {
        true => matchings.by_interior_point(budget.to_f64(), most),
        false => matchings.by_low_rank(budget.to_f64(), most, effort.first_order),
    }
    .ok_or(TooLarge)?;
    let exact = |p: &f64| match *p {
        p if p < NEAR => Rational::zero(),
        p if p > 1.0 - NEAR => Rational::one(),
        p => rounded(p, Signs::Nonnegative),
    };
    let mut probabilities: Vec<Rational> = found.iter().map(exact).collect();
    if probabilities.iter().cloned().sum::<Rational>() > budget * &Rational::integer(count as u64) {
        probabilities = found.iter().map(|p| rounded(p.min(1.0), Signs::Nonnegative)).collect();
    }
    let optimum = matchings.optimum(&floats(&probabilities), bound);
    Ok((probabilities, Some(optimum)))
}

impl Matchings {
    /// Operations of a step of the interior-point method.
    pub fn newton(&self) -> u64 {
        Effort::of_interior_point(self.size, self.listed().count(), self.edges.len())
    }

    /// Edges with the number of their matching.
    pub(super) fn listed(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.edges.iter().zip(0..).flat_map(|(matching, k)| matching.iter().map(move |&(i, j)| (i, j, k)))
    }

    /// Σ w_j L_j x.
    pub(super) fn flows(&self, weights: &[f64], x: &[f64]) -> Vec<f64> {
        let mut flows = vec![0.0; self.size];
        for (i, j, k) in self.listed() {
            let flow = weights[k] * (x[i] - x[j]);
            flows[i] += flow;
            flows[j] -= flow;
        }
        flows
    }

    pub(super) fn map<F: Fn(&[f64]) -> Vec<f64>>(&self, laplacians: usize, image: F) -> Map<F> {
        Map { size: self.size, cost: 4 * laplacians * self.listed().count(), image }
    }

    /// How good probabilities are, given a bound on −λ₂ of all.
    fn optimum(&self, probabilities: &[f64], bound: f64) -> Optimum {
        let map = self.map(1, |x| self.flows(probabilities, x).into_iter().map(|flow| -flow).collect());
        let (_, greatest) = map.extremes();
        let proved = map.upper_bound(greatest, false);
        let value = proved.unwrap_or(greatest).min(0.0).max(bound);
        let work = self.newton().min(Effort::FULL.interior);
        Optimum { value, bound, is_enclosed: proved.is_some(), is_of_part: false, work }
    }

    /// Probabilities and a bound on −λ₂.
    fn by_interior_point(&self, budget: f64, most: f64) -> Option<(Vec<f64>, f64)> {
        let count = self.edges.len();
        // u₀ = −λ: L(p) − λ ⪰ 0 where L is raised along 1 above all its eigenvalues.
        let raised = 2.0 * self.size as f64 * count as f64;
        let constant = Square::from_fn(self.size, |_, _| raised / self.size as f64);
        let edges = self.listed().map(|(i, j, k)| (i, j, k + 1)).collect();
        let at_least = |k: usize| Row { constant: 0.0, coefficients: vec![(k, 1.0)] };
        let at_most = |k: usize| Row { constant: 1.0, coefficients: vec![(k, -1.0)] };
        let mut rows: Vec<Row> = (1..=count).flat_map(|k| [at_least(k), at_most(k)]).collect();
        rows.push(Row { constant: most, coefficients: (1..=count).map(|k| (k, -1.0)).collect() });
        let blocks = vec![Block { constant, sign: 1.0 }];
        let program = semidefinite::Program { variables: count + 1, edges, blocks, rows };
        let mut start = vec![0.5 * budget; count + 1];
        start[0] = 1.0;
        let solution = semidefinite::solve(&program, start)?;
        Some((solution.point[1..].to_vec(), solution.bound))
    }

    /// The same for many edges: the first-order method minimises 1 − λ₂.
    fn by_low_rank(&self, budget: f64, most: f64, work: u64) -> Option<(Vec<f64>, f64)> {
        let count = self.edges.len();
        let mut limits: Vec<Limit> =
            (0..count).map(|k| Limit { most: 1.0, coefficients: vec![(k, 1.0)] }).collect();
        limits.push(Limit { most, coefficients: (0..count).map(|k| (k, 1.0)).collect() });
        let edges = self.listed().collect();
        let program = lowrank::Program {
            size: self.size,
            edges,
            variables: count,
            both_ends: false,
            limits: Some(limits),
        };
        let solution = lowrank::solve(&program, vec![budget; count], work)?;
        Some((solution.weights, (solution.bound - 1.0).next_down()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::step;

    /// The graph of the paper's first figure.
    fn figure() -> Matchings {
        let edges = vec![
            vec![(1, 5), (6, 7), (0, 4), (2, 3)],
            vec![(1, 7), (3, 6)],
            vec![(1, 0), (3, 7), (5, 6)],
            vec![(1, 2), (7, 0)],
            vec![(3, 1)],
        ];
        Matchings { size: 8, edges }
    }

    fn ring() -> Matchings {
        let parity = |parity: usize| (0..8).filter(|i| i % 2 == parity).map(|i| (i, (i + 1) % 8)).collect();
        Matchings { size: 8, edges: vec![parity(0), parity(1)] }
    }

    #[test]
    fn published_values() {
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 5e-6, "{found}, {expected}");
        for (graph, budget, rho) in [
            (figure(), (1, 1), 0.653777),
            (figure(), (1, 2), 0.643977),
            (figure(), (2, 5), 0.705132),
            (figure(), (1, 5), 0.857692),
            (ring(), (1, 1), 0.554311),
            (ring(), (1, 2), 0.783905),
        ] {
            let budget = Rational::new(budget.0, budget.1);
            let (p, optimum) = probabilities(&graph, &budget, Effort::FULL).expect("small");
            assert!(
                optimum.is_none_or(|optimum| optimum.is_enclosed && optimum.value - optimum.bound < 1e-6)
            );
            let most = &budget * &Rational::integer(p.len());
            assert!(p.iter().cloned().sum::<Rational>() <= most);
            assert!(p.iter().all(|p| !p.is_negative() && *p <= Rational::one()));
            let (_, optimum) = step(&graph, &p, Effort::FULL).expect("small");
            near(optimum.value, rho);
            assert!(optimum.is_enclosed && optimum.value - optimum.bound < 1e-6, "{optimum:?}");
        }
        let one = vec![Rational::one(); 5];
        assert_eq!(step(&figure(), &one, Effort::FULL).expect("small").0, Rational::new(2, 7));
        let (half, _) = probabilities(&figure(), &Rational::new(1, 2), Effort::FULL).expect("small");
        near(step(&figure(), &half, Effort::FULL).expect("small").0.to_f64(), 0.396429);
    }

    #[test]
    fn graphs_that_are_not_connected_have_some_answer() {
        let apart = Matchings { size: 5, edges: vec![vec![(0, 1), (2, 3)]] };
        let (p, optimum) = probabilities(&apart, &Rational::new(1, 2), Effort::FULL).expect("small");
        assert!(p[0] <= Rational::new(1, 2));
        assert_eq!(optimum.map(|optimum| optimum.value), Some(0.0));
        let (_, optimum) = step(&apart, &p, Effort::FULL).expect("small");
        assert!(optimum.value >= 1.0 && optimum.bound > 1.0 - 1e-9 && optimum.value < 1.0 + 1e-6);
        assert_eq!(step(&apart, &[Rational::zero()], Effort::FULL).expect("small").0, Rational::zero());
        let rare = Matchings { size: 2, edges: vec![vec![(0, 1)]] };
        let (weight, _) = step(&rare, &[Rational::new(1, 1u64 << 40)], Effort::FULL).expect("small");
        assert!(weight > Rational::zero() && weight <= Rational::one(), "{weight}");
    }

    /// A ring of more ranks than the interior-point method takes, in its two matchings and a chord.
    #[test]
    fn large_graphs_come_near_the_optimum() {
        let n = 240;
        let parity = |parity: usize| (0..n).filter(|i| i % 2 == parity).map(|i| (i, (i + 1) % n)).collect();
        let graph = Matchings { size: n, edges: vec![parity(0), parity(1), vec![(0, n / 2)]] };
        assert!(graph.newton() > Effort::FULL.interior);
        let (p, optimum) = probabilities(&graph, &Rational::new(1, 2), Effort::FULL).expect("sparse");
        assert!(probabilities(&graph, &Rational::new(1, 2), Effort::QUICK).is_err());
        assert!(p.iter().cloned().sum::<Rational>() <= Rational::new(3, 2));
        let optimum = optimum.expect("less than all");
        assert!(optimum.is_enclosed && optimum.value - optimum.bound < -0.05 * optimum.value, "{optimum:?}");
        assert!(step(&graph, &p, Effort::QUICK).is_err());
        let (weight, optimum) = step(&graph, &p, Effort::FULL).expect("sparse");
        assert!(!weight.is_negative() && optimum.is_enclosed);
        assert!(optimum.value < 1.0 && optimum.value - optimum.bound < 1e-7, "{optimum:?}");
    }
}
