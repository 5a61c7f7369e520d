//! Semidefinite programs over weighted Laplacians: minimise u₀ such that
//!
//! - C_b + u₀ I + σ_b Σ_e u_{k(e)} a_e a_eᵀ ⪰ 0 for every block b, where a_e = e_i − e_j for an edge e = (i, j) of class k(e),
//! - h_r + g_rᵀ u ≥ 0 for every row r.
//!
//! A primal-dual interior-point method with the direction of Helmberg, Rendl, Vanderbei and Wolkowicz (1996) and
//! Mehrotra's predictor and corrector. Since the a_e a_eᵀ have rank one, the Newton matrix is a sum of products of entries.
//! The bound is not what the method believes: it follows from its dual matrices, checked with care.

use crate::reproducible::{Square, dot};

/// The most steps; ten to twenty are usual.
const STEPS: usize = 60;

/// The gap at which the method rests.
const GAP: f64 = 1e-11;

/// How far towards the boundary a step goes.
const REACH: f64 = 0.95;

/// A program. `u` has `variables` entries.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The number of variables, u₀ included.
    pub variables: usize,
    /// (i, j, k): an edge between rows i and j, of class k ≥ 1.
    pub edges: Vec<(usize, usize, usize)>,
    /// Matrix inequalities, all of one size.
    pub blocks: Vec<Block>,
    /// Linear inequalities.
    pub rows: Vec<Row>,
}

/// C + u₀ I + σ L(u) ⪰ 0.
#[derive(Clone, Debug)]
pub struct Block {
    /// C, symmetric.
    pub constant: Square,
    /// σ, 1 or −1.
    pub sign: f64,
}

/// h + gᵀu ≥ 0.
#[derive(Clone, Debug)]
pub struct Row {
    /// h.
    pub constant: f64,
    /// g, as (variable, coefficient), without repetitions.
    pub coefficients: Vec<(usize, f64)>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// A point that satisfies all inequalities strictly, as far as rounding allows.
    pub point: Vec<f64>,
    /// No point with |u₁|, |u₂|, … ≤ 1 that fulfils them has a smaller u₀.
    pub bound: f64,
}

/// Solves a program from a start that fulfils all inequalities strictly; `None` if it does not.
pub fn solve(program: &Program, start: Vec<f64>) -> Option<Solution> {
    let slack = Slack::at(program, &start)?;
    let mut state = State::new(program, start, slack);
    let mut bound = f64::NEG_INFINITY;
    for _ in 0..STEPS {
        if state.gap() < 1e-3 {
            bound = bound.max(state.bound());
        }
        if state.gap() < GAP || !state.advance() {
            break;
        }
    }
    Some(Solution { bound: bound.max(state.bound()), point: state.u })
}

impl Row {
    fn value(&self, u: &[f64]) -> f64 {
        self.constant + self.change(u)
    }

    fn change(&self, u: &[f64]) -> f64 {
        self.coefficients.iter().map(|&(k, g)| g * u[k]).sum()
    }
}

impl Program {
    /// u₀ I + σ L(u), without C.
    fn linear(&self, block: &Block, u: &[f64]) -> Square {
        let mut sum = Square::zeros(block.constant.size());
        sum.add_to_diagonal(u[0]);
        for &(i, j, k) in &self.edges {
            sum.add_edge(i, j, block.sign * u[k]);
        }
        sum
    }

    /// Adds what a symmetric matrix R of a block has along every variable: tr R, and σ Σ a_eᵀ R a_e.
    fn add_along(&self, block: &Block, r: &Square, to: &mut [f64]) {
        to[0] += r.trace();
        for &(i, j, k) in &self.edges {
            to[k] += block.sign * (r.row(i)[i] + r.row(j)[j] - 2.0 * r.row(i)[j]);
        }
    }
}

/// The values of the inequalities at a point: S and s; with their inverses.
struct Slack {
    inverses: Vec<Square>,
    factors: Vec<crate::reproducible::Lower>,
    matrices: Vec<Square>,
    numbers: Vec<f64>,
}

impl Slack {
    fn at(program: &Program, u: &[f64]) -> Option<Self> {
        let numbers: Vec<f64> = program.rows.iter().map(|row| row.value(u)).collect();
        if !numbers.iter().all(|value| *value > 0.0) {
            return None;
        }
        let matrix = |block: &Block| {
            let mut matrix = program.linear(block, u);
            matrix.add(1.0, &block.constant);
            matrix
        };
        let matrices: Vec<Square> = program.blocks.iter().map(matrix).collect();
        let factors = matrices.iter().map(Square::cholesky).collect::<Option<Vec<_>>>()?;
        let inverses = factors.iter().map(|factor| factor.inverse()).collect();
        Some(Self { inverses, factors, matrices, numbers })
    }
}

/// A point and the dual matrices and numbers.
struct State<'p> {
    program: &'p Program,
    u: Vec<f64>,
    slack: Slack,
    x: Vec<Square>,
    y: Vec<f64>,
}

/// A direction of the dual, and of the slack.
struct Direction {
    u: Vec<f64>,
    x: Vec<Square>,
    y: Vec<f64>,
    matrices: Vec<Square>,
    numbers: Vec<f64>,
}

impl<'p> State<'p> {
    fn new(program: &'p Program, u: Vec<f64>, slack: Slack) -> Self {
        let size = program.blocks.first().map_or(0, |block| block.constant.size());
        let share = 1.0 / (size * program.blocks.len() + program.rows.len()).max(1) as f64;
        let mut identity = Square::zeros(size);
        identity.add_to_diagonal(share);
        let x = vec![identity; program.blocks.len()];
        Self { program, u, slack, x, y: vec![share; program.rows.len()] }
    }

    fn gap(&self) -> f64 {
        let blocks: f64 = self.x.iter().zip(&self.slack.matrices).map(|(x, s)| x.inner(s)).sum();
        blocks + dot(&self.y, &self.slack.numbers)
    }

    /// The number of complementary pairs.
    fn degree(&self) -> f64 {
        (self.x.iter().map(Square::size).sum::<usize>() + self.y.len()) as f64
    }

    /// A step of predictor and corrector; false where rounding ends the progress.
    fn advance(&mut self) -> bool {
        let Some(newton) = self.newton().cholesky() else { return false };
        let mean = self.gap() / self.degree();
        let affine = self.direction(&newton, 0.0, None);
        let (primal, dual) = self.reach(&affine);
        let left = self.gap_after(&affine, primal, dual) / self.degree();
        let share = (left / mean).clamp(0.0, 1.0);
        let centering = (share * share * share).max(1e-6);
        let direction = self.direction(&newton, centering * mean, Some(&affine));
        let (primal, dual) = self.reach(&direction);
        primal.min(dual) > 1e-4 && self.take(&direction, primal, dual)
    }

    fn take(&mut self, direction: &Direction, mut primal: f64, dual: f64) -> bool {
        for _ in 0..8 {
            let u: Vec<f64> = self.u.iter().zip(&direction.u).map(|(u, d)| u + primal * d).collect();
            if let Some(slack) = Slack::at(self.program, &u) {
                (self.u, self.slack) = (u, slack);
                self.x.iter_mut().zip(&direction.x).for_each(|(x, d)| x.add(dual, d));
                self.y.iter_mut().zip(&direction.y).for_each(|(y, d)| *y += dual * d);
                return true;
            }
            primal *= 0.5;
        }
        false
    }

    /// M[k][l] = Σ tr(A_k X A_l S⁻¹).
    fn newton(&self) -> Square {
        let mut newton = Square::zeros(self.program.variables);
        for ((block, x), z) in self.program.blocks.iter().zip(&self.x).zip(&self.slack.inverses) {
            let product = x.times(z).symmetrized();
            *newton.at_mut(0, 0) += product.trace();
            for (at, &(i, j, k)) in self.program.edges.iter().enumerate() {
                let along = product.row(i)[i] + product.row(j)[j] - 2.0 * product.row(i)[j];
                *newton.at_mut(k, 0) += block.sign * along;
                let (xi, xj, zi, zj) = (x.row(i), x.row(j), z.row(i), z.row(j));
                for &(p, q, l) in &self.program.edges[..=at] {
                    let entry = (xi[p] - xi[q] - xj[p] + xj[q]) * (zi[p] - zi[q] - zj[p] + zj[q]);
                    *newton.at_mut(k.max(l), k.min(l)) += entry;
                    if k == l && (p, q) != (i, j) {
                        *newton.at_mut(k, k) += entry;
                    }
                }
            }
        }
        for ((row, y), s) in self.program.rows.iter().zip(&self.y).zip(&self.slack.numbers) {
            for &(k, g) in &row.coefficients {
                for &(l, h) in row.coefficients.iter().filter(|(l, _)| *l <= k) {
                    *newton.at_mut(k, l) += g * h * (y / s);
                }
            }
        }
        newton
    }

    /// The Newton direction towards complementary products of `target`, with the corrector of an affine direction.
    fn direction(
        &self,
        newton: &crate::reproducible::Lower,
        target: f64,
        affine: Option<&Direction>,
    ) -> Direction {
        let program = self.program;
        let mut right = vec![0.0; program.variables];
        right[0] = -1.0;
        // What X and y would become if u stayed.
        let mut x: Vec<Square> = vec![];
        for (b, (block, z)) in program.blocks.iter().zip(&self.slack.inverses).enumerate() {
            let mut next = Square::zeros(z.size());
            next.add(target, z);
            if let Some(affine) = affine {
                let second = affine.x[b].times(&affine.matrices[b]).times(z).symmetrized();
                next.add(-1.0, &second);
            }
            program.add_along(block, &next, &mut right);
            x.push(next);
        }
        let mut y: Vec<f64> = vec![];
        for (r, (row, s)) in program.rows.iter().zip(&self.slack.numbers).enumerate() {
            let second = affine.map_or(0.0, |affine| affine.y[r] * affine.numbers[r]);
            let next = (target - second) / s;
            row.coefficients.iter().for_each(|&(k, g)| right[k] += g * next);
            y.push(next);
        }
        let u = newton.solve(&right);
        let matrices: Vec<Square> = program.blocks.iter().map(|block| program.linear(block, &u)).collect();
        let numbers: Vec<f64> = program.rows.iter().map(|row| row.change(&u)).collect();
        for (b, next) in x.iter_mut().enumerate() {
            let follow = self.x[b].times(&matrices[b]).times(&self.slack.inverses[b]).symmetrized();
            next.add(-1.0, &follow);
            next.add(-1.0, &self.x[b]);
        }
        for (r, next) in y.iter_mut().enumerate() {
            *next -= self.y[r] * numbers[r] / self.slack.numbers[r] + self.y[r];
        }
        Direction { u, x, y, matrices, numbers }
    }

    /// How far, at most 1, the point and the dual may go.
    fn reach(&self, direction: &Direction) -> (f64, f64) {
        let ratio = |values: &[f64], changes: &[f64]| {
            values.iter().zip(changes).map(|(v, d)| -d / v).fold(0.0f64, f64::max)
        };
        let mut primal = ratio(&self.slack.numbers, &direction.numbers);
        for (factor, change) in self.slack.factors.iter().zip(&direction.matrices) {
            primal = primal.max(-factor.least_eigenvalue(change));
        }
        let mut dual = ratio(&self.y, &direction.y);
        for (x, change) in self.x.iter().zip(&direction.x) {
            dual = dual.max(x.cholesky().map_or(f64::INFINITY, |factor| -factor.least_eigenvalue(change)));
        }
        let step = |steepest: f64| if steepest > REACH { REACH / steepest } else { 1.0 };
        (step(primal), step(dual))
    }

    fn gap_after(&self, direction: &Direction, primal: f64, dual: f64) -> f64 {
        let mut gap = 0.0;
        for b in 0..self.x.len() {
            let (mut x, mut s) = (self.x[b].clone(), self.slack.matrices[b].clone());
            x.add(dual, &direction.x[b]);
            s.add(primal, &direction.matrices[b]);
            gap += x.inner(&s);
        }
        for r in 0..self.y.len() {
            gap +=
                (self.y[r] + dual * direction.y[r]) * (self.slack.numbers[r] + primal * direction.numbers[r]);
        }
        gap
    }

    /// A lower bound on u₀ over all points with |u_k| ≤ 1 that fulfil the inequalities.
    ///
    /// For X ⪰ 0 and y ≥ 0: u₀ (1 − T) ≤ u₀ − Σ⟨X, S(u)⟩ − Σ y s(u) where T is what they have along u₀; divided by T, and
    /// with what they have along the other variables taken at its worst. X is within γ_{n+1} tr X of L Lᵀ ⪰ 0 for its
    /// computed factor L (Higham, 2002, theorem 10.3); γ is doubled for all other rounding.
    fn bound(&self) -> f64 {
        let program = self.program;
        let is_positive = self.x.iter().all(|x| x.cholesky().is_some()) && self.y.iter().all(|y| *y >= 0.0);
        if !is_positive {
            return f64::NEG_INFINITY;
        }
        let gamma = |k: usize| 2.0 * k as f64 * f64::EPSILON;
        let mut along = vec![0.0; program.variables];
        let (mut constant, mut rounding) = (0.0, 0.0);
        for (block, x) in program.blocks.iter().zip(&self.x) {
            let n = x.size();
            let c = &block.constant;
            program.add_along(block, x, &mut along);
            constant += c.inner(x);
            let c_norm = c.inner(c).sqrt();
            rounding += x.trace()
                * (gamma(n + 4) * (1.0 + n as f64 + 4.0 * program.edges.len() as f64)
                    + gamma(n * n) * c_norm);
        }
        for (row, y) in program.rows.iter().zip(&self.y) {
            constant += row.constant * y;
            row.coefficients.iter().for_each(|&(k, g)| along[k] += g * y);
            let magnitude = row.constant.abs() + row.coefficients.iter().map(|(_, g)| g.abs()).sum::<f64>();
            rounding += gamma(program.rows.len() + 8) * magnitude * y;
        }
        let worst: f64 = along[1..].iter().map(|residual| residual.abs()).sum();
        let lowest = -constant - (worst + rounding) * (1.0 + 1e-12);
        let total = along[0] + if lowest > 0.0 { rounding } else { -rounding };
        if total > 0.0 { (lowest / total).next_down().next_down() } else { f64::NEG_INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fdla(n: usize, edges: &[(usize, usize, usize)], classes: usize) -> Solution {
        let average = Square::from_fn(n, |_, _| 1.0 / n as f64);
        let minus = |sign: f64| Square::from_fn(n, |i, j| sign * (average.row(i)[j] - f64::from(i == j)));
        let blocks =
            vec![Block { constant: minus(1.0), sign: 1.0 }, Block { constant: minus(-1.0), sign: -1.0 }];
        let program = Program { variables: classes + 1, edges: edges.to_vec(), blocks, rows: vec![] };
        let mut start = vec![0.0; classes + 1];
        start[0] = 2.0;
        solve(&program, start).expect("a strict start")
    }

    #[test]
    fn fastest_weights_of_a_path() {
        let edges: Vec<_> = (1..8).map(|i| (i - 1, i, i)).collect();
        let solution = fdla(8, &edges, 7);
        let optimum = (std::f64::consts::PI / 8.0).cos();
        assert!((solution.point[0] - optimum).abs() < 1e-8, "{}", solution.point[0] - optimum);
        assert!(solution.bound <= optimum && optimum - solution.bound < 1e-7, "{}", optimum - solution.bound);
    }

    #[test]
    fn a_start_on_the_boundary_is_refused() {
        let block = Block { constant: Square::zeros(2), sign: 1.0 };
        let program = Program { variables: 2, edges: vec![(0, 1, 1)], blocks: vec![block], rows: vec![] };
        assert!(solve(&program, vec![0.0, 1.0]).is_none());
    }

    #[test]
    fn linear_programs_are_solved_too() {
        // The least u₀ with u₀ ≥ |1 − 4 u₁| and u₀ ≥ |1 − u₁|: u₁ = 2/5.
        let row = |constant: f64, u1: f64| Row { constant, coefficients: vec![(0, 1.0), (1, u1)] };
        let rows = vec![row(1.0, -4.0), row(-1.0, 4.0), row(1.0, -1.0), row(-1.0, 1.0)];
        let program = Program { variables: 2, rows, ..Program::default() };
        let solution = solve(&program, vec![2.0, 0.0]).expect("a strict start");
        assert!((solution.point[0] - 0.6).abs() < 1e-9 && (solution.point[1] - 0.4).abs() < 1e-8);
        assert!(solution.bound <= 0.6 && solution.bound > 0.6 - 1e-9);
    }
}
