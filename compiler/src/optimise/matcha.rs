//! MATCHA (Wang, Sahu, Joshi, Kar, Matcha: speeding up decentralized SGD via matching decomposition sampling, 2019): with
//! which probability to activate each matching of a graph, and how far to mix.

use super::{Signs, TooLarge, fraction, rounded};
use bfc_algebra::reproducible::Square;
use bfc_algebra::semidefinite::{Block, Program, Row, solve};
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
/// a step may take so many `operations`.
pub fn probabilities(
    matchings: &Matchings,
    budget: &Rational,
    operations: u64,
) -> Result<Vec<Rational>, TooLarge> {
    let count = matchings.edges.len();
    if *budget >= Rational::one() {
        return Ok(vec![Rational::one(); count]);
    }
    let edges: u64 = matchings.edges.iter().map(|matching| matching.len() as u64).sum();
    if 16 * edges * edges + 60 * (matchings.size as u64).pow(3) > operations {
        return Err(TooLarge);
    }
    let most = budget.to_f64() * count as f64;
    // u₀ = −λ: L(p) − λ ⪰ 0 where L is raised along 1 above all its eigenvalues.
    let raised = 2.0 * matchings.size as f64 * count as f64;
    let constant = Square::from_fn(matchings.size, |_, _| raised / matchings.size as f64);
    let listed = matchings.edges.iter().zip(1..);
    let edges = listed.flat_map(|(matching, k)| matching.iter().map(move |&(i, j)| (i, j, k))).collect();
    let at_least = |k: usize| Row { constant: 0.0, coefficients: vec![(k, 1.0)] };
    let at_most = |k: usize| Row { constant: 1.0, coefficients: vec![(k, -1.0)] };
    let mut rows: Vec<Row> = (1..=count).flat_map(|k| [at_least(k), at_most(k)]).collect();
    rows.push(Row { constant: most, coefficients: (1..=count).map(|k| (k, -1.0)).collect() });
    let blocks = vec![Block { constant, sign: 1.0 }];
    let program = Program { variables: count + 1, edges, blocks, rows };
    let mut start = vec![0.5 * budget.to_f64(); count + 1];
    start[0] = 1.0;
    let solution = solve(&program, start).ok_or(TooLarge)?;
    let exact = |p: &f64| match *p {
        p if p < NEAR => Rational::zero(),
        p if p > 1.0 - NEAR => Rational::one(),
        p => rounded(p, Signs::Nonnegative),
    };
    let mut probabilities: Vec<Rational> = solution.point[1..].iter().map(exact).collect();
    if probabilities.iter().cloned().sum::<Rational>() > budget * &Rational::integer(count as u64) {
        probabilities = solution.point[1..].iter().map(|p| rounded(*p, Signs::Nonnegative)).collect();
    }
    Ok(probabilities)
}

/// How far to mix, α, and what is expected of ‖WᵀW − J‖₂ for W = I − α Σ B_j L_j, where each B_j is 1 with probability
/// p_j.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The α for which `contraction` is least.
    pub weight: Rational,
    /// ρ(α) = λ_max(I − 2αL̄ + α²(L̄² + 2L̃) − J), L̄ = Σ p_j L_j and L̃ = Σ p_j (1 − p_j) L_j.
    pub contraction: f64,
}

/// The best step for these probabilities, with at most so many operations for an eigenvalue.
pub fn step(matchings: &Matchings, probabilities: &[Rational], operations: u64) -> Result<Step, TooLarge> {
    let n = matchings.size;
    if 120 * (n as u64).pow(3) > operations {
        return Err(TooLarge);
    }
    let p: Vec<f64> = probabilities.iter().map(Rational::to_f64).collect();
    let mean = matchings.laplacian(|j| p[j]);
    let mut second = mean.times(&mean).symmetrized();
    second.add(2.0, &matchings.laplacian(|j| p[j] * (1.0 - p[j])));
    let greatest = mean.eigenvalues(&[n - 1])[0];
    let contraction = |alpha: f64| {
        let mut matrix = Square::from_fn(n, |i, j| f64::from(i == j) - 1.0 / n as f64);
        matrix.add(-2.0 * alpha, &mean);
        matrix.add(alpha * alpha, &second);
        matrix.eigenvalues(&[n - 1])[0]
    };
    let best = if greatest > 0.0 { minimum(contraction, 2.0 / greatest) } else { 0.0 };
    let weight = fraction(best);
    Ok(Step { contraction: contraction(weight.to_f64()), weight })
}

/// Where a convex function of 0..=end is least, by the golden section.
fn minimum(f: impl Fn(f64) -> f64, end: f64) -> f64 {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (0.0, end);
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (f(left), f(right));
    while high - low > end * 1e-13 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = f(right);
        }
    }
    0.5 * (low + high)
}

impl Matchings {
    fn laplacian(&self, weight: impl Fn(usize) -> f64) -> Square {
        let mut laplacian = Square::zeros(self.size);
        for (number, matching) in self.edges.iter().enumerate() {
            let weight = weight(number);
            for &(i, j) in matching {
                *laplacian.at_mut(i, i) += weight;
                *laplacian.at_mut(j, j) += weight;
                *laplacian.at_mut(i, j) -= weight;
                *laplacian.at_mut(j, i) -= weight;
            }
        }
        laplacian
    }
}

#[cfg(test)]
mod tests {
    use super::super::BUDGET;
    use super::*;

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
            let p = probabilities(&graph, &budget, BUDGET).expect("small");
            let most = &budget * &Rational::integer(p.len());
            assert!(p.iter().cloned().sum::<Rational>() <= most);
            assert!(p.iter().all(|p| !p.is_negative() && *p <= Rational::one()));
            near(step(&graph, &p, BUDGET).expect("small").contraction, rho);
        }
        let one = vec![Rational::one(); 5];
        assert_eq!(step(&figure(), &one, BUDGET).expect("small").weight, Rational::new(2, 7));
        let half = probabilities(&figure(), &Rational::new(1, 2), BUDGET).expect("small");
        near(step(&figure(), &half, BUDGET).expect("small").weight.to_f64(), 0.396429);
    }

    #[test]
    fn graphs_that_are_not_connected_have_some_answer() {
        let apart = Matchings { size: 5, edges: vec![vec![(0, 1), (2, 3)]] };
        let p = probabilities(&apart, &Rational::new(1, 2), BUDGET).expect("small");
        assert!(p[0] <= Rational::new(1, 2));
        assert!(step(&apart, &p, BUDGET).is_ok());
        assert_eq!(step(&apart, &[Rational::zero()], BUDGET).expect("small").weight, Rational::zero());
    }
}
