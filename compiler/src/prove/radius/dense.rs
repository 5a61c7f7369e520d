//! The same question for phases without structure: a dense operator A on s n numbers.
//!
//! The radius is below 1 if some power has norm below 1, or if there is a positive definite P with P − AᵀPA positive
//! definite (Stein, 1952): P = Σ (Aᵀ)ᵏAᵏ is summed by doubling without any care and then checked with it, so that
//! nothing of its errors enters. The radius is above 1 if the trace of some power exceeds the dimension.

use super::{Block, FORMED, Space, Verdict, phase_of, shown, undecided};
use crate::prove::facts::Facts;
use crate::spectrum::UNIT;
use crate::spectrum::dense::{Rows, disagreement, gamma, positive_definite};
use bfc_algebra::{Mat, eigenvalues, multiply};
use bfc_schedule::{MixingMatrix, Rational};
use std::collections::BTreeMap;

/// Multiplications to form the operator.
const BUDGET: u64 = 1 << 32;

/// Entries and coefficients below the range of `f64` lose less than this, over any number of entries.
const UNDERFLOW: f64 = 1e-290;

/// Ranks of matrices whose norms are computed where signs make an easy bound exceed 1, and how many different ones.
const NORM_LIMIT: (usize, usize) = (256, 64);

/// Steps of a part of a long period, and rows of the operator up to which it is cut.
const PART: (usize, usize) = (32, 256);

/// Squarings before giving up.
const SQUARINGS: usize = 40;

/// A matrix and a bound on its error in the Frobenius norm.
struct Operator {
    matrix: Mat<f64>,
    error: f64,
}

/// Whether the radius of the block is below 1 on what has to shrink.
pub(super) fn decide(block: &Block, topologies: &[&Facts]) -> Verdict {
    let size = topologies[block.topologies()[0]].size() as usize;
    let rows = size * block.size();
    if rows > FORMED as usize {
        return Verdict::undecided(format!("an operator on {rows} numbers is too large to enclose"));
    }
    let terms = block
        .variants
        .iter()
        .flatten()
        .map(|polynomial| polynomial.terms.keys().map(|w| w.len() + 1).sum::<usize>());
    let widest = terms.max().unwrap_or(0) as u64 * (block.size() * block.size()) as u64;
    if block.steps.len() as u64 * widest * (rows * rows) as u64 > BUDGET {
        return Verdict::undecided("the joint period of phases and conditions is too long to enclose");
    }
    let operator = period(block, topologies, size);
    let over = block.over();
    let radius = eigenvalues(&operator.matrix).map_or(f64::NAN, |values| {
        values.into_iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max)
    });
    let evidence = format!("the radius is about {}{over}", shown(radius));
    let dimension = |space: &Space| match space {
        Space::None => 0,
        Space::Common => 1,
        Space::Disagreement => size - 1,
        Space::Whole => size,
    };
    match radius_below_one(&operator, block.spaces.iter().map(dimension).sum()) {
        Some(true) => Verdict::proved(evidence),
        Some(false) => Verdict::refuted(evidence),
        None => undecided(radius, &over, ""),
    }
}

/// Bounds on the spectral norms of matrices, each computed once.
#[derive(Default)]
struct Norms<'a>(Vec<(&'a MixingMatrix, f64)>);

impl<'a> Norms<'a> {
    fn of(&mut self, matrix: &'a MixingMatrix, rows: &Rows) -> f64 {
        if rows.norm <= 1.0 + 1e-9 || rows.len() > NORM_LIMIT.0 {
            return rows.norm;
        }
        if let Some((_, norm)) = self.0.iter().find(|(known, _)| *known == matrix) {
            return *norm;
        }
        if self.0.len() == NORM_LIMIT.1 {
            return rows.norm;
        }
        self.0.push((matrix, rows.spectral_norm()));
        self.0.last().map_or(rows.norm, |(_, norm)| *norm)
    }
}

/// The product over the joint period, applied to what has to shrink. Over many steps bounds on errors may grow though the
/// product shrinks; so it is cut into parts, each applied to what has to shrink, which changes nothing: what counts as 0
/// stays so.
fn period(block: &Block, topologies: &[&Facts], size: usize) -> Operator {
    let mut norms = Norms::default();
    let mut part = |steps: &[(usize, u64)]| product(block, steps, topologies, size, &mut norms);
    if block.steps.len() <= 2 * PART.0 || block.size() * size > PART.1 {
        return part(&block.steps);
    }
    let mut parts = block.steps.chunks(PART.0).map(&mut part);
    let first = parts.next().expect("there are steps");
    parts.fold(first, |done, next| next.times(&done))
}

/// What has to shrink of a state, as a projection, and the bound on its rounding.
fn projection(space: Space, size: usize) -> (Mat<f64>, f64) {
    match space {
        Space::None => (Mat::zeros(size, size), 0.0),
        Space::Common => (Mat::from_fn(size, size, |_, _| 1.0 / size as f64), UNIT),
        Space::Disagreement => disagreement(size),
        Space::Whole => (Mat::identity(size, size), 0.0),
    }
}

/// Whether a step mixes nothing.
fn is_local(block: &Block, variant: usize) -> bool {
    block.variants[variant].iter().flat_map(|polynomial| polynomial.terms.keys()).all(Vec::is_empty)
}

/// The product over steps that mix nothing: what one rank does with its numbers.
fn numbers(block: &Block, steps: &[(usize, u64)]) -> Operator {
    let s = block.size();
    let step = |variant: usize| {
        // Without words, a polynomial is a number.
        let number = |terms: &BTreeMap<_, Rational>| terms.values().next().map_or(0.0, Rational::to_f64);
        let entry = |a: usize, b: usize| number(&block.variants[variant][a * s + b].terms);
        let matrix = Mat::from_fn(s, s, entry);
        let error = UNIT * matrix.norm_l2() * (1.0 + 1e-12) + UNDERFLOW;
        Operator { matrix, error }
    };
    let start = Operator { matrix: Mat::identity(s, s), error: 0.0 };
    steps.iter().fold(start, |done, (variant, _)| step(*variant).times(&done))
}

/// The product over some steps, applied to what has to shrink.
fn product<'a>(
    block: &Block,
    steps: &[(usize, u64)],
    topologies: &[&Facts<'a>],
    size: usize,
    norms: &mut Norms<'a>,
) -> Operator {
    let s = block.size();
    let mut state: Vec<Operator> = block
        .spaces
        .iter()
        .enumerate()
        .map(|(a, space)| {
            let (start, error) = projection(*space, size);
            let entry = |i: usize, j: usize| if j / size == a { start[(i, j % size)] } else { 0.0 };
            Operator { matrix: Mat::from_fn(size, s * size, entry), error }
        })
        .collect();
    let zero = || Operator { matrix: Mat::zeros(size, s * size), error: 0.0 };
    let mut steps = steps;
    while let Some((&(variant, phase), rest)) = steps.split_first() {
        let run = steps.iter().take_while(|(variant, _)| is_local(block, *variant)).count();
        // Long periods are mostly local steps, whose product is as small as one rank's numbers.
        if run > 1 {
            let (local, rest) = steps.split_at(run);
            state = numbers(block, local).on_each_rank(&state);
            steps = rest;
            continue;
        }
        steps = rest;
        let matrix = |k: usize| phase_of(topologies[k], phase);
        let mut known: Vec<Option<(Rows, f64)>> = topologies.iter().map(|_| None).collect();
        let next = (0..s)
            .map(|a| {
                let mut sum: Option<Operator> = None;
                for (b, from) in state.iter().enumerate() {
                    for (word, coefficient) in &block.variants[variant][a * s + b].terms {
                        let mut term = Operator { matrix: from.matrix.clone(), error: from.error };
                        for &k in word.iter().rev() {
                            let (rows, norm) = known[k].get_or_insert_with(|| {
                                let rows = Rows::new(matrix(k));
                                let norm = norms.of(matrix(k), &rows);
                                (rows, norm)
                            });
                            let underflow = UNDERFLOW * (1.0 + term.matrix.norm_l2());
                            term.error = *norm * term.error + rows.times_error(&term.matrix) + underflow;
                            term.matrix = rows.times(&term.matrix);
                        }
                        if sum.is_none() && *coefficient == Rational::one() {
                            sum = Some(term);
                            continue;
                        }
                        sum.get_or_insert_with(zero).add(&term, coefficient.to_f64());
                    }
                }
                sum.unwrap_or_else(zero)
            })
            .collect();
        state = next;
    }
    let error = state.iter().map(|part| part.error * part.error).sum::<f64>().sqrt() * (1.0 + 1e-12);
    let matrix = Mat::from_fn(s * size, s * size, |i, j| state[i / size].matrix[(i % size, j)]);
    Operator { matrix, error }
}

impl Operator {
    /// A ⊗ I, applied to the parts of an operator.
    fn on_each_rank(&self, parts: &[Self]) -> Vec<Self> {
        // ‖(E ⊗ I) B‖_F ≤ ‖E‖_F ‖B‖_F.
        let norms = parts.iter().map(|part| part.matrix.norm_l2() + part.error);
        let all = norms.map(|norm| norm * norm).sum::<f64>().sqrt() * (1.0 + 1e-12);
        let row = |a: usize| {
            let zero = Mat::zeros(parts[0].matrix.nrows(), parts[0].matrix.ncols());
            let mut sum = Self { matrix: zero, error: self.error * all * (1.0 + 1e-12) };
            parts.iter().enumerate().for_each(|(b, part)| sum.add(part, self.matrix[(a, b)]));
            sum
        };
        (0..parts.len()).map(row).collect()
    }

    /// A B.
    fn times(&self, other: &Self) -> Self {
        let rounding = gamma(self.matrix.nrows() + 2) * self.matrix.norm_l2() * other.matrix.norm_l2();
        let error =
            self.norm() * other.error + self.error * (other.norm() + other.error) + rounding + UNDERFLOW;
        Self { matrix: multiply(self.matrix.as_ref(), other.matrix.as_ref()), error: error * (1.0 + 1e-12) }
    }

    /// Adds `factor`, itself rounded, times another.
    fn add(&mut self, other: &Self, factor: f64) {
        let mut product = other.matrix.clone();
        for j in 0..product.ncols() {
            let column = product.col_as_slice_mut(j);
            column.iter_mut().zip(self.matrix.col_as_slice_mut(j)).for_each(|(x, sum)| {
                *x *= factor;
                *sum += *x;
            });
        }
        let underflow = UNDERFLOW * (1.0 + other.matrix.norm_l2());
        let rounding = gamma(3) * (product.norm_l2() + self.matrix.norm_l2()) + underflow;
        self.error = (self.error + factor.abs() * other.error * (1.0 + 1e-14) + rounding) * (1.0 + 1e-12);
    }

    /// A bound on the spectral norm of the computed matrix: ‖A‖₂² ≤ ‖A‖₁ ‖A‖_∞, and ‖A‖₂ ≤ ‖A‖_F.
    fn norm(&self) -> f64 {
        let n = self.matrix.nrows();
        let mut rows = vec![0.0; n];
        let mut tallest = 0.0f64;
        for j in 0..n {
            let column = self.matrix.col_as_slice(j);
            rows.iter_mut().zip(column).for_each(|(row, x)| *row += x.abs());
            tallest = tallest.max(column.iter().map(|x| x.abs()).sum());
        }
        let widest = rows.into_iter().fold(0.0, f64::max);
        (widest * tallest).sqrt().min(self.matrix.norm_l2()) * (1.0 + 1e-12)
    }
}

/// Whether the radius is below 1 or above.
fn radius_below_one(operator: &Operator, dimension: usize) -> Option<bool> {
    let n = operator.matrix.nrows();
    let mut power = Operator { matrix: operator.matrix.clone(), error: operator.error };
    let mut sum: Mat<f64> = Mat::identity(n, n);
    for _ in 0..SQUARINGS {
        let norm = power.norm();
        if norm + power.error < 1.0 {
            return Some(true);
        }
        let frobenius = power.matrix.norm_l2() * (1.0 + 1e-12);
        let trace: f64 = (0..n).map(|i| power.matrix[(i, i)]).sum();
        let slack = (n as f64).sqrt() * (power.error + gamma(n) * frobenius);
        if trace.abs() - slack > dimension as f64 {
            return Some(false);
        }
        if frobenius.is_nan() || frobenius > 1e140 {
            return None;
        }
        let image = multiply(sum.as_ref(), power.matrix.as_ref());
        let further = multiply(power.matrix.transpose(), image.as_ref());
        sum = Mat::from_fn(n, n, |i, j| sum[(i, j)] + further[(i, j)]);
        if norm < 1e-3 {
            return certified(operator, &sum).then_some(true);
        }
        let error =
            2.0 * norm * power.error + power.error * power.error + gamma(n + 2) * frobenius * frobenius;
        power = Operator {
            matrix: multiply(power.matrix.as_ref(), power.matrix.as_ref()),
            error: error * (1.0 + 1e-12),
        };
    }
    None
}

/// Whether P and P − AᵀPA are positive definite, for A within its error: the latter is close to 1.
fn certified(operator: &Operator, p: &Mat<f64>) -> bool {
    let n = p.nrows();
    let a = &operator.matrix;
    // Exactly symmetric; the mean of two equal floats is exact.
    let p = Mat::from_fn(n, n, |i, j| 0.5 * (p[(i, j)] + p[(j, i)]));
    let image = multiply(p.as_ref(), a.as_ref());
    let q = multiply(a.transpose(), image.as_ref());
    let (a_norm, p_norm) = (a.norm_l2(), p.norm_l2());
    let rounding = 2.0 * gamma(2 * n + 4) * (p_norm + a_norm * a_norm * p_norm);
    let from_error = p_norm * operator.error * (2.0 * operator.norm() + operator.error);
    let one = |i: usize, j: usize| if i == j { 1.0 } else { 0.0 };
    let distance = Mat::from_fn(n, n, |i, j| p[(i, j)] - q[(i, j)] - one(i, j));
    let defect = (distance.norm_l2() + rounding + from_error) * (1.0 + 1e-12);
    defect < 1.0 && positive_definite(p).is_some()
}
