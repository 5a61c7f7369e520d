//! Programs over weighted Laplacians that are too large for the interior-point method: minimise over weights w the largest
//! eigenvalue of I − L(w), or of both I − L(w) and L(w) − I, on the vectors that sum to 0.
//!
//! The dual is a pair of matrices X, Y ⪰ 0 of trace 1 together, here X = U Uᵀ and Y = V Vᵀ with few columns (Burer,
//! Monteiro, A nonlinear programming algorithm for solving semidefinite programs via low-rank factorization, 2003). The
//! weights are the multipliers of an augmented Lagrangian: every outer step is a proximal step on the largest eigenvalue
//! (Rockafellar, 1976). What a pair (U, V) proves of all weights holds however far the method has come.

use crate::descent::{Descent, descend};
use crate::lanczos::extreme_eigenvalues;
use crate::reproducible::scattered;
use std::cell::Cell;

/// Steps of a descent between two steps of the weights.
const STEPS: usize = 150;

/// Columns of a factor.
const COLUMNS: (usize, usize) = (3, 40);

/// What a change of the penalty multiplies it with.
const GROWTH: f64 = 3.0;

/// The gap at which the method rests, as a part of what the eigenvalue lacks to 1.
const GAP: f64 = 1e-5;

/// The reciprocal of the share of work spent on the weights alone: every step starts from the best of them, and is shorter.
const CENTRED: u64 = 4;

/// The fewest evaluations of the Lagrangian that make sense.
const FEWEST: u64 = 100;

/// A program. Weights may have any sign, or are at least 0 and keep limits.
#[derive(Clone, Debug)]
pub struct Program {
    /// The number of ranks.
    pub size: usize,
    /// (i, j, k): an edge between ranks i and j with the weight w_k.
    pub edges: Vec<(usize, usize, usize)>,
    /// The number of weights.
    pub variables: usize,
    /// Whether L(w) − I counts too.
    pub both_ends: bool,
    /// Where weights are at least 0: what else they must keep.
    pub limits: Option<Vec<Limit>>,
}

/// gᵀw ≤ h, where g ≥ 0 and h > 0; every weight has a limit.
#[derive(Clone, Debug)]
pub struct Limit {
    /// h.
    pub most: f64,
    /// g, as (weight, coefficient), without repetitions.
    pub coefficients: Vec<(usize, f64)>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The best weights found; they satisfy all limits as far as rounding allows.
    pub weights: Vec<f64>,
    /// No weights that are allowed have a smaller value than this.
    pub bound: f64,
}

/// What (U, V) and the multipliers of the limits say of all weights.
struct Dual {
    /// tr X − tr Y, where tr X + tr Y = 1.
    constant: f64,
    /// ⟨L_k, X − Y⟩ for every weight.
    along: Vec<f64>,
    /// ⟨L_k, X + Y⟩, summed.
    magnitude: f64,
}

/// The present weights, penalty and factors.
struct State<'p> {
    program: &'p Program,
    columns: usize,
    /// The columns of U; the others are of V.
    upper: usize,
    weights: Vec<f64>,
    penalty: f64,
    /// U and V by ranks, and then the roots of the multipliers of the limits.
    point: Vec<f64>,
}

/// Solves a program from weights that are allowed, as well as `work` operations do; `None` if those are not even a few steps.
pub fn solve(program: &Program, start: Vec<f64>, work: u64) -> Option<Solution> {
    let cost = program.cost();
    if !program.is_within(work) {
        return None;
    }
    let mut state = State::new(program, start);
    let mut best = Best { value: program.value(&state.weights).0, weights: state.weights.clone() };
    let room = (1.0 - best.value).clamp(1e-9, 1.0);
    let mean = state.weights.iter().map(|w| w.abs()).sum::<f64>() / program.variables as f64;
    state.penalty = 0.3 * mean * mean * program.variables as f64 / room;
    let mut length = 0.2 * room;
    let (mut bound, mut violation) = (f64::NEG_INFINITY, f64::INFINITY);
    let evaluations = work / cost;
    let (mut left, mut is_centred) = (evaluations, false);
    while left > 0 && best.value - bound > GAP * room {
        let found = state.descend(STEPS.min(left as usize), length);
        bound = bound.max(state.bound());
        let (moved, farthest) = state.advance();
        let (is_better, looked) = best.improve(program, &state.weights, 0.01 * GAP * room);
        left = left.saturating_sub(found.evaluations + (looked / cost).max(1));
        if found.is_settled {
            length *= 0.5;
            if moved > 0.5 * violation {
                state.penalty *= GROWTH;
            }
            if is_centred && !is_better {
                state.penalty /= GROWTH;
            }
        } else if farthest > 1.0 {
            state.penalty /= GROWTH;
        }
        violation = moved;
        if left < evaluations / CENTRED {
            if !is_centred {
                (is_centred, state.penalty) = (true, 0.1 * state.penalty);
            }
            state.weights.clone_from(&best.weights);
        }
    }
    Some(Solution { weights: best.weights, bound })
}

/// The best weights so far.
struct Best {
    value: f64,
    weights: Vec<f64>,
}

impl Best {
    /// Takes new weights, or those on the way there, if they are better by more than `margin`. Answers whether they are, and
    /// with the operations that this took.
    fn improve(&mut self, program: &Program, weights: &[f64], margin: f64) -> (bool, u64) {
        let towards = program.allowed(weights);
        let mut work = 0;
        for part in [1.0, 0.4, 0.16, 0.064] {
            let between = |(from, to): (&f64, &f64)| from + part * (to - from);
            let weights: Vec<f64> = self.weights.iter().zip(&towards).map(between).collect();
            let (value, looked) = program.value(&weights);
            work += looked;
            if value < self.value - margin {
                *self = Self { value, weights };
                return (true, work);
            }
        }
        (false, work)
    }
}

impl Program {
    /// Whether [`solve`] takes it on for this work.
    pub fn is_within(&self, work: u64) -> bool {
        self.cost().saturating_mul(FEWEST) <= work
    }

    /// Operations of an evaluation of the Lagrangian and of what a descent does between two.
    fn cost(&self) -> u64 {
        let (upper, lower) = self.columns();
        (upper + lower) as u64 * (8 * self.edges.len() as u64 + 60 * self.size as u64)
    }

    /// The columns of U and V. A program with k constraints has a solution of rank √(2k) (Pataki, 1998).
    fn columns(&self) -> (usize, usize) {
        let rank = (2.0 * self.variables as f64).sqrt().ceil() as usize;
        let rank = if self.both_ends { rank / 2 + 2 } else { rank + 2 };
        let columns = rank.clamp(COLUMNS.0, COLUMNS.1).min(self.size.max(2) - 1);
        (columns, if self.both_ends { columns } else { 0 })
    }

    /// The value of weights, estimated, and the operations that this took.
    fn value(&self, weights: &[f64]) -> (f64, u64) {
        let images = Cell::new(0u64);
        let map = |x: &[f64]| {
            images.set(images.get() + 1);
            let mut y = x.to_vec();
            for &(i, j, k) in &self.edges {
                let flow = weights[k] * (x[i] - x[j]);
                y[i] -= flow;
                y[j] += flow;
            }
            y
        };
        let (least, greatest) = extreme_eigenvalues(self.size, 2 * self.size, map, |x| center(x, 1));
        let value = if self.both_ends { greatest.max(-least) } else { greatest };
        (value, images.get() * (4 * self.edges.len() + 12 * self.size) as u64)
    }

    /// Weights that keep the limits: each is divided by the largest factor by which one of its limits is exceeded.
    fn allowed(&self, weights: &[f64]) -> Vec<f64> {
        let mut factors = vec![1.0f64; weights.len()];
        for limit in self.limits.iter().flatten() {
            let sum: f64 = limit.coefficients.iter().map(|&(k, g)| g * weights[k]).sum();
            if sum > limit.most {
                limit.coefficients.iter().for_each(|&(k, _)| factors[k] = factors[k].max(sum / limit.most));
            }
        }
        weights.iter().zip(factors).map(|(weight, factor)| weight / factor).collect()
    }
}

impl<'p> State<'p> {
    fn new(program: &'p Program, weights: Vec<f64>) -> Self {
        let (upper, lower) = program.columns();
        let columns = upper + lower;
        let mut point: Vec<f64> = (0..(program.size * columns) as u64).map(scattered).collect();
        point.resize(point.len() + program.limits.as_ref().map_or(0, Vec::len), 0.05);
        let mut state = Self { program, columns, upper, weights, penalty: 1.0, point };
        state.normalise();
        state
    }

    /// Goes down on the Lagrangian.
    fn descend(&mut self, steps: usize, length: f64) -> Descent {
        let start = std::mem::take(&mut self.point);
        let found = descend(start, steps, length, |point| self.lagrangian(point));
        self.point.clone_from(&found.point);
        self.normalise();
        found
    }

    /// The number of entries of U and V.
    fn factors(&self) -> usize {
        self.program.size * self.columns
    }

    /// 1 for a column of U, −1 for one of V.
    fn side(&self, column: usize) -> f64 {
        if column < self.upper { 1.0 } else { -1.0 }
    }

    /// Makes the columns sum to 0, and the traces to 1.
    fn normalise(&mut self) {
        let (count, columns) = (self.factors(), self.columns);
        let factors = &mut self.point[..count];
        center(factors, columns);
        let norm = factors.iter().map(|x| x * x).sum::<f64>().sqrt();
        factors.iter_mut().for_each(|x| *x /= norm);
    }

    /// What the factors of this trace say.
    fn dual(&self, factors: &[f64], trace: f64) -> Dual {
        let mut along = vec![0.0; self.program.variables];
        let mut magnitude = 0.0;
        for &(i, j, k) in &self.program.edges {
            let (a, b) = (self.row(factors, i), self.row(factors, j));
            let square = |(a, b): (&f64, &f64)| (a - b) * (a - b);
            let (ua, va) = a.split_at(self.upper);
            let (ub, vb) = b.split_at(self.upper);
            let upper: f64 = ua.iter().zip(ub).map(square).sum();
            let lower: f64 = va.iter().zip(vb).map(square).sum();
            along[k] += (upper - lower) / trace;
            magnitude += (upper + lower) / trace;
        }
        let mut constant = 0.0;
        for row in factors.chunks_exact(self.columns) {
            let (u, v) = row.split_at(self.upper);
            let square = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>();
            constant += (square(u) - square(v)) / trace;
        }
        Dual { constant, along, magnitude }
    }

    fn row<'x>(&self, factors: &'x [f64], rank: usize) -> &'x [f64] {
        &factors[rank * self.columns..(rank + 1) * self.columns]
    }

    /// By how much every weight violates its constraint: ⟨L_k, X − Y⟩ less what the limits take.
    fn violations(&self, dual: &Dual, roots: &[f64]) -> Vec<f64> {
        let mut violations = dual.along.clone();
        for (limit, root) in self.program.limits.iter().flatten().zip(roots) {
            limit.coefficients.iter().for_each(|&(k, g)| violations[k] -= g * root * root);
        }
        violations
    }

    /// The weights after a step along these violations.
    fn next(&self, violations: &[f64]) -> Vec<f64> {
        let is_limited = self.program.limits.is_some();
        let next = |(w, violation): (&f64, &f64)| {
            let next = w + self.penalty * violation;
            if is_limited { next.max(0.0) } else { next }
        };
        self.weights.iter().zip(violations).map(next).collect()
    }

    /// The augmented Lagrangian at a point, to be minimised, and its gradient.
    fn lagrangian(&self, point: &[f64]) -> (f64, Vec<f64>) {
        let (factors, roots) = point.split_at(self.factors());
        let trace: f64 = factors.iter().map(|x| x * x).sum();
        let dual = self.dual(factors, trace);
        let next = self.next(&self.violations(&dual, roots));
        let squares = next.iter().zip(&self.weights).map(|(next, w)| next * next - w * w);
        let mut value = squares.sum::<f64>() / (2.0 * self.penalty) - dual.constant;
        let mut gradient = vec![0.0; point.len()];
        let (of_factors, of_roots) = gradient.split_at_mut(factors.len());
        for &(i, j, k) in &self.program.edges {
            for column in 0..self.columns {
                let (a, b) = (i * self.columns + column, j * self.columns + column);
                let flow = next[k] * (factors[a] - factors[b]);
                of_factors[a] += flow;
                of_factors[b] -= flow;
            }
        }
        for (entry, x) in of_factors.iter_mut().zip(factors) {
            *entry -= x;
        }
        for row in of_factors.chunks_exact_mut(self.columns) {
            row.iter_mut().enumerate().for_each(|(column, entry)| *entry *= 2.0 * self.side(column) / trace);
        }
        // The trace is divided by: nothing along the point itself, or along 1.
        let radial = of_factors.iter().zip(factors).map(|(g, x)| g * x).sum::<f64>() / trace;
        of_factors.iter_mut().zip(factors).for_each(|(g, x)| *g -= radial * x);
        center(of_factors, self.columns);
        let limits = self.program.limits.iter().flatten();
        for ((limit, root), entry) in limits.zip(roots).zip(of_roots) {
            let sum: f64 = limit.coefficients.iter().map(|&(k, g)| g * next[k]).sum();
            value += limit.most * root * root;
            *entry = 2.0 * root * (limit.most - sum);
        }
        (value, gradient)
    }

    /// Moves the weights; how far the constraints were violated, and how far a weight moved.
    fn advance(&mut self) -> (f64, f64) {
        let (factors, roots) = self.point.split_at(self.factors());
        let next = self.next(&self.violations(&self.dual(factors, 1.0), roots));
        let moved: Vec<f64> = next.iter().zip(&self.weights).map(|(next, w)| (next - w).abs()).collect();
        self.weights = next;
        let length = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
        (length / self.penalty, moved.into_iter().fold(0.0, f64::max))
    }

    /// A lower bound on the value of all weights that are allowed: tr X − tr Y − max Σ w_k ⟨L_k, X − Y⟩.
    fn bound(&self) -> f64 {
        let (factors, roots) = self.point.split_at(self.factors());
        let trace: f64 = factors.iter().map(|x| x * x).sum();
        let dual = self.dual(factors, trace);
        let most = match &self.program.limits {
            None => self.most_of_any(&dual),
            Some(limits) => most_of_limited(limits, &dual, roots),
        };
        let terms = (factors.len() + 2 * self.program.edges.len() + 64) as f64;
        let rounding = 4.0 * terms * f64::EPSILON * (1.0 + dual.magnitude + most.abs());
        dual.constant - most - rounding
    }

    /// The most of Σ w_k ⟨L_k, X − Y⟩ where the value is at most 1, as that of w = 0 is: every row of I − L(w) − J has a
    /// norm of at most 1, so the weights around a rank, less 1/n, have one.
    fn most_of_any(&self, dual: &Dual) -> f64 {
        let mut members = vec![0.0; self.program.variables];
        self.program.edges.iter().for_each(|edge| members[edge.2] += 1.0);
        let mut around = vec![0.0; self.program.size];
        for &(i, j, k) in &self.program.edges {
            let of_edge: f64 = dual.along[k] / members[k];
            around[i] += of_edge * of_edge;
            around[j] += of_edge * of_edge;
        }
        let spread: f64 = around.into_iter().map(f64::sqrt).sum();
        dual.along.iter().sum::<f64>() / self.program.size as f64 + 0.5 * spread
    }
}

/// The most of Σ w_k c_k where w ≥ 0 keeps the limits, by multipliers z ≥ 0 with Σ_r g_rk z_r ≥ c_k: Σ h_r z_r. Those of the
/// method are made to fulfil this, and then as small as they can be one by one.
fn most_of_limited(limits: &[Limit], dual: &Dual, roots: &[f64]) -> f64 {
    let mut multipliers: Vec<f64> = roots.iter().map(|root| root * root).collect();
    let mut covered = vec![0.0; dual.along.len()];
    for (limit, z) in limits.iter().zip(&multipliers) {
        limit.coefficients.iter().for_each(|&(k, g)| covered[k] += g * z);
    }
    for (limit, z) in limits.iter().zip(&mut multipliers) {
        let needed = limit.coefficients.iter().map(|&(k, g)| (dual.along[k] - (covered[k] - g * *z)) / g);
        let least = needed.fold(0.0, f64::max);
        limit.coefficients.iter().for_each(|&(k, g)| covered[k] += g * (least - *z));
        *z = least;
    }
    limits.iter().zip(multipliers).map(|(limit, z)| limit.most * z).sum()
}

/// Takes the mean of every column away from it.
fn center(x: &mut [f64], columns: usize) {
    let mut means = vec![0.0; columns];
    for row in x.chunks_exact(columns) {
        means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x);
    }
    let rows = (x.len() / columns) as f64;
    means.iter_mut().for_each(|mean| *mean /= rows);
    for row in x.chunks_exact_mut(columns) {
        row.iter_mut().zip(&means).for_each(|(x, mean)| *x -= mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproducible::Square;
    use crate::semidefinite::{self, Block, Row};

    /// A cycle with chords that follow from a seed.
    fn graph(size: usize, seed: u64) -> Vec<(usize, usize, usize)> {
        let is_chord = |i: usize, j: usize| scattered(seed * 1000 + (i * size + j) as u64) > 0.3;
        let pairs = (0..size).flat_map(|i| (0..i).map(move |j| (j, i)));
        let kept = pairs.filter(|&(j, i)| j + 1 == i || is_chord(j, i));
        kept.zip(0..).map(|((i, j), k)| (i, j, k)).collect()
    }

    fn around(size: usize, edges: &[(usize, usize, usize)]) -> Vec<Limit> {
        let mut limits = vec![Limit { most: 1.0, coefficients: vec![] }; size];
        for &(i, j, k) in edges {
            [i, j].into_iter().for_each(|rank| limits[rank].coefficients.push((k, 1.0)));
        }
        limits
    }

    /// The optimum by the interior-point method, from both sides.
    fn optimum(program: &Program) -> (f64, f64) {
        let n = program.size;
        let block = |sign: f64| Block {
            constant: Square::from_fn(n, |i, j| -sign * (f64::from(i == j) - 1.0 / n as f64)),
            sign,
        };
        let blocks = [1.0, -1.0].into_iter().take(1 + usize::from(program.both_ends)).map(block).collect();
        let mut rows = vec![];
        if let Some(limits) = &program.limits {
            let positive = |k| Row { constant: 0.0, coefficients: vec![(k, 1.0)] };
            rows.extend((1..=program.variables).map(positive));
            rows.extend(limits.iter().map(|limit| Row {
                constant: limit.most,
                coefficients: limit.coefficients.iter().map(|&(k, g)| (k + 1, -g)).collect(),
            }));
        }
        let edges = program.edges.iter().map(|&(i, j, k)| (i, j, k + 1)).collect();
        let exact = semidefinite::Program { variables: program.variables + 1, edges, blocks, rows };
        let first = if program.limits.is_some() { 0.5 / n as f64 } else { 0.0 };
        let mut start = vec![first; program.variables + 1];
        start[0] = 2.0;
        let solution = semidefinite::solve(&exact, start).expect("a strict start");
        (solution.bound, solution.point[0])
    }

    fn compare(program: &Program, start: Vec<f64>, near: f64) {
        let (low, high) = optimum(program);
        let found = solve(program, start, 50_000_000).expect("small");
        let (value, _) = program.value(&found.weights);
        assert!(found.bound <= high + 1e-9 && low <= value + 1e-9, "{} {low} {high} {value}", found.bound);
        assert!(value - found.bound < near, "{value} {}", found.bound);
        for limit in program.limits.iter().flatten() {
            let sum: f64 = limit.coefficients.iter().map(|&(k, g)| g * found.weights[k]).sum();
            assert!(sum <= limit.most + 1e-12);
        }
        assert!(program.limits.is_none() || found.weights.iter().all(|weight| *weight >= 0.0));
    }

    #[test]
    fn what_the_interior_point_method_finds_lies_between() {
        for (size, seed) in [(4, 1), (6, 2), (7, 3), (9, 4), (12, 5)] {
            let edges = graph(size, seed);
            let variables = edges.len();
            let any = Program { size, edges, variables, both_ends: true, limits: None };
            let start = vec![1.0 / size as f64; variables];
            compare(&any, start.clone(), 2e-4);
            let limits = Some(around(size, &any.edges));
            compare(&Program { limits, ..any }, start, 2e-4);
        }
    }

    #[test]
    fn the_least_positive_eigenvalue_is_maximised_too() {
        // A budget for three classes of edges.
        let edges: Vec<_> = graph(10, 7).into_iter().map(|(i, j, k)| (i, j, k % 3)).collect();
        let mut limits: Vec<Limit> =
            (0..3).map(|k| Limit { most: 1.0, coefficients: vec![(k, 1.0)] }).collect();
        limits.push(Limit { most: 1.5, coefficients: vec![(0, 1.0), (1, 1.0), (2, 1.0)] });
        let program = Program { size: 10, edges, variables: 3, both_ends: false, limits: Some(limits) };
        compare(&program, vec![0.5; 3], 1e-4);
    }

    #[test]
    fn too_little_work_is_refused() {
        let edges = graph(8, 1);
        let variables = edges.len();
        let program = Program { size: 8, edges, variables, both_ends: true, limits: None };
        assert!(solve(&program, vec![0.1; variables], 1000).is_none());
    }
}
