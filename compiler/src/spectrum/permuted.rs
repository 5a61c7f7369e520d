//! From phases whose edges are i → d i + c, modulo the number of ranks n, to their numbers: de Bruijn's and Kautz' graphs
//! and their like (Imase, Itoh, "Design to minimize diameter on building-block network", 1981), and moves.
//!
//! With χ_k(i) = ω^{ik} and ω an n-th root of unity, Wᵀχ_k = s(k) χ_{dk}, where s(k) = Σ_c w_c ω^{ck}: characters are
//! permuted and scaled. So is a product; its norm is the largest length of the factors that lead to one character, and its
//! eigenvalues are 0 and, for every cycle of k ↦ D k, the roots of the product of the factors around it.

use super::group::Growth;
use super::ladder::{Ladder, Powers};
use super::{Enclosure, Method, Source, Spectrum, UNIT};
use bfc_algebra::c64;
use bfc_algebra::reproducible::roots_of_unity;
use bfc_schedule::{MixingMatrix, Rank};
use num_integer::gcd;
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

/// Numbers that the factors of all phases may be.
const LIMIT: u64 = 1 << 25;

/// Entries of all phases, each a multiplication for every character at most.
const BUDGET: u64 = 1 << 28;

/// Multipliers that are tried for a phase.
const TRIED: usize = 16;

/// Bound on the error of a tabulated root of unity.
pub(super) const ROOT_ERROR: f64 = 1e-15;

/// The factors of phases, by character.
pub(crate) struct Permuted {
    size: u64,
    phases: Vec<Factors>,
    is_pull: bool,
}

/// A map of characters: k goes to `multiplier` k with a factor.
#[derive(Clone)]
pub(crate) struct Factors {
    multiplier: u64,
    /// The moduli of the factors.
    moduli: Vec<f64>,
    /// A bound on the error of each.
    error: f64,
}

/// The edges of a phase: rank i sends to (or hears from) `multiplier` i + c with a weight for every c.
struct Edges {
    multiplier: u64,
    weights: Vec<(u32, f64)>,
}

impl Permuted {
    /// `None` where phases are not of this kind, or too large.
    pub(crate) fn new(phases: &[MixingMatrix]) -> Option<Self> {
        let size = u64::from(phases[0].size());
        if size * phases.len() as u64 > LIMIT || super::edges(phases) > BUDGET {
            return None;
        }
        let all = |is_pull| phases.iter().map(|phase| Edges::new(phase, is_pull)).collect::<Option<Vec<_>>>();
        let (is_pull, edges) = [false, true].into_iter().find_map(|pull| Some((pull, all(pull)?)))?;
        let roots = roots_of_unity(size);
        let phases = edges.iter().map(|edges| edges.factors(&roots)).collect();
        Some(Self { size, phases, is_pull })
    }

    /// ‖W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J‖: characters with one image are orthogonal, so their factors add up by squares.
    pub(crate) fn norm(&self, product: &Factors) -> Enclosure {
        let mut squares = vec![0.0f64; self.size as usize];
        for (k, modulus) in product.moduli.iter().enumerate().skip(1) {
            squares[product.image(k)] += modulus * modulus;
        }
        let norm = squares.into_iter().fold(0.0, f64::max).sqrt();
        let sources = match product.multiplier {
            0 => self.size,
            multiplier => gcd(multiplier, self.size),
        } as f64;
        let error = sources.sqrt() * product.error + (sources + 4.0) * UNIT * norm;
        Enclosure::around(norm, error * (1.0 + 1e-12)).within(0.0, f64::INFINITY)
    }

    /// The largest modulus of an eigenvalue of a product less J.
    pub(crate) fn radius(&self, product: &Factors) -> Enclosure {
        let cycles = cycles(self.size, product.multiplier).into_iter();
        cycles.map(|start| product.cycle(start)).fold(Enclosure::exact(0.0), Enclosure::max)
    }

    /// The numbers of the phases.
    pub(crate) fn spectrum(self) -> Spectrum {
        let product = self.extended(&self.start(), 0..self.phases.len());
        let (norm, radius) = (self.norm(&product), self.radius(&product));
        let ladder = Powers::new(self);
        Spectrum::new(norm, radius, Enclosure::estimate(f64::NAN), Source::Permuted(ladder))
    }

    /// The number of ranks.
    pub(crate) fn size(&self) -> usize {
        self.size as usize
    }

    /// What Σ γᵐ⁻¹ |S|² over the factors S of the last m steps comes to for every character, after one more step; with the
    /// errors of its factors added to them where asked for.
    pub(crate) fn noise_after(&self, phase: usize, memory: f64, noise: &[f64], with_error: bool) -> Vec<f64> {
        let factors = &self.phases[phase];
        let error = if with_error { factors.error } else { 0.0 };
        let square = |k: usize| (factors.moduli[k] + error).powi(2);
        if !self.is_pull {
            let after = |k| square(k) * (1.0 + memory * noise[factors.image(k)]);
            return (0..noise.len()).map(after).collect();
        }
        let mut next = vec![0.0; noise.len()];
        (0..noise.len()).for_each(|k| next[factors.image(k)] += square(k) * (1.0 + memory * noise[k]));
        next
    }
}

impl Ladder for Permuted {
    type Product = Factors;

    fn period(&self) -> u64 {
        self.phases.len() as u64
    }

    fn start(&self) -> Factors {
        Factors { multiplier: 1 % self.size, moduli: vec![1.0; self.size as usize], error: 0.0 }
    }

    fn extended(&self, done: &Factors, phases: Range<usize>) -> Factors {
        phases.fold(done.clone(), |done, phase| self.joined(&done, &self.phases[phase]))
    }

    /// Transposes act in the opposite order.
    fn joined(&self, done: &Factors, then: &Factors) -> Factors {
        if self.is_pull { done.before(then) } else { then.before(done) }
    }

    fn is_below(&self, product: &Factors, epsilon: f64) -> bool {
        self.norm(product).value <= epsilon
    }

    fn certainly(&self, product: &Factors, epsilon: f64) -> Option<bool> {
        let norm = self.norm(product);
        if norm.high <= epsilon { Some(true) } else { (norm.low > epsilon).then_some(false) }
    }
}

impl Factors {
    fn image(&self, character: usize) -> usize {
        (self.multiplier * character as u64 % self.moduli.len() as u64) as usize
    }

    /// This map, then another.
    fn before(&self, then: &Self) -> Self {
        let size = self.moduli.len() as u64;
        let moduli: Vec<f64> =
            self.moduli.iter().enumerate().map(|(k, modulus)| modulus * then.moduli[self.image(k)]).collect();
        let largest = |factors: &Self| factors.moduli.iter().copied().fold(0.0, f64::max);
        let mut growth = Growth { product: largest(self), error: self.error };
        let error = growth.step(largest(then), then.error);
        Self { multiplier: self.multiplier * then.multiplier % size, moduli, error }
    }

    /// The modulus of the eigenvalues of the cycle of a character: the geometric mean of its factors.
    fn cycle(&self, start: usize) -> Enclosure {
        let mut sums = [0.0f64; 3];
        let mut lost = [0.0f64; 3];
        let (mut at, mut length) = (start, 0.0f64);
        loop {
            let modulus = self.moduli[at];
            for (k, x) in
                [modulus, (modulus - self.error).max(0.0), modulus + self.error].into_iter().enumerate()
            {
                // Compensated (Kahan, 1965): a cycle may be as long as there are ranks.
                let term = x.ln() - lost[k];
                let sum = sums[k] + term;
                lost[k] = if sum.is_finite() { (sum - sums[k]) - term } else { 0.0 };
                sums[k] = sum;
            }
            (at, length) = (self.image(at), length + 1.0);
            if at == start {
                break;
            }
        }
        let mean = |k: usize| (sums[k] / length).exp();
        let slack =
            |k: usize| if sums[k].is_finite() { 1e-14 * (1.0 + (sums[k] / length).abs()) } else { 0.0 };
        let (low, high) = (mean(1) * (1.0 - slack(1)), mean(2) * (1.0 + slack(2)));
        Enclosure { value: mean(0), low, high, method: Method::Enclosed }.within(0.0, f64::INFINITY)
    }
}

impl Edges {
    /// `None` where the edges are not of this kind, seen from the senders, or with `is_pull` from the receivers.
    fn new(matrix: &MixingMatrix, is_pull: bool) -> Option<Self> {
        match matrix {
            MixingMatrix::Cayley(cayley) => {
                let group = cayley.group();
                let is_cyclic = cayley.hops().is_empty() || group.radices().len() == 1;
                let toward = |hop: Rank| if is_pull { group.negate(hop).0 } else { hop.0 };
                let hops = cayley.hops().iter().map(|(hop, weight)| (toward(*hop), weight.to_f64()));
                let weights = hops.chain([(0, cayley.self_weight().to_f64())]).collect();
                is_cyclic.then_some(Self { multiplier: 1 % u64::from(matrix.size()), weights })
            }
            MixingMatrix::Sparse(sparse) => {
                let lines = lines(matrix, is_pull)?;
                let size = matrix.size();
                let (first, second) = (&lines[0], lines.get(1).unwrap_or(&lines[0]));
                let &(origin, weight) = first.first()?;
                let images = second.iter().filter(|(_, other)| *other == weight).take(TRIED);
                let multiplier = images.map(|(to, _)| (to + size - origin) % size).find(|multiplier| {
                    let moved = |rank: u32, to: u32| {
                        (u64::from(*multiplier) * u64::from(rank) + u64::from(to)) % u64::from(size)
                    };
                    let of_rank = |rank: u32| -> BTreeMap<u32, u32> {
                        first.iter().map(|&(to, weight)| (moved(rank, to) as u32, weight)).collect()
                    };
                    (0..).zip(&lines).all(|(rank, line)| {
                        line.len() == first.len() && of_rank(rank).into_iter().eq(line.iter().copied())
                    })
                })?;
                let weight = |id: u32| sparse.weights()[id as usize].to_f64();
                let weights = first.iter().map(|&(to, id)| (to, weight(id))).collect();
                Some(Self { multiplier: u64::from(multiplier), weights })
            }
        }
    }

    /// s(k) for all characters k, roots of unity being given.
    fn sums<'e>(&'e self, roots: &'e [(f64, f64)]) -> impl Iterator<Item = c64> + 'e {
        let size = roots.len() as u64;
        let term = move |k: u64, &(to, weight): &(u32, f64)| {
            let root = roots[(u64::from(to) * k % size) as usize];
            c64::new(weight * root.0, weight * root.1)
        };
        let sum = move |k| self.weights.iter().fold(c64::new(0.0, 0.0), |sum, edge| sum + term(k, edge));
        (0..size).map(sum)
    }

    /// A bound on the error of each s(k).
    fn error(&self) -> f64 {
        let total: f64 = self.weights.iter().map(|(_, weight)| weight.abs()).sum();
        total * (ROOT_ERROR + 2.0 * (self.weights.len() as f64 + 8.0) * UNIT)
    }

    /// The moduli of s(k) for all characters k.
    fn factors(&self, roots: &[(f64, f64)]) -> Factors {
        let moduli = self.sums(roots).map(|sum| sum.re.hypot(sum.im)).collect();
        Factors { multiplier: self.multiplier, moduli, error: self.error() }
    }
}

/// A character of every cycle of k ↦ `multiplier` k, the trivial character aside.
fn cycles(size: u64, multiplier: u64) -> Vec<usize> {
    // Characters by the walk that met them first; those of the present walk may close a cycle.
    let mut met = vec![0u64; size as usize];
    met[0] = u64::MAX;
    let mut cycles = vec![];
    for start in 1..size {
        let mut at = start;
        while met[at as usize] == 0 {
            met[at as usize] = start;
            at = multiplier * at % size;
        }
        if met[at as usize] == start {
            cycles.push(at as usize);
        }
    }
    cycles
}

/// The eigenvalues of a phase besides that of the trivial character, and a bound on the error of each; `None` where its
/// edges are not of this kind, or too many. An eigenvalue that is exactly 0 has no error.
pub(crate) fn eigenvalues(matrix: &MixingMatrix) -> Option<Vec<(c64, f64)>> {
    let size = u64::from(matrix.size());
    if size > LIMIT || super::edges(std::slice::from_ref(matrix)) > BUDGET {
        return None;
    }
    let edges = [false, true].into_iter().find_map(|is_pull| Edges::new(matrix, is_pull))?;
    let roots = roots_of_unity(size);
    let sums: Vec<c64> = edges.sums(&roots).collect();
    let mut values = vec![];
    // Characters outside of all cycles lead into one, and add nothing but 0.
    if gcd(edges.multiplier, size) > 1 {
        values.push((c64::new(0.0, 0.0), 0.0));
    }
    for start in cycles(size, edges.multiplier) {
        let next = |at: &usize| {
            let next = (edges.multiplier * *at as u64 % size) as usize;
            (next != start).then_some(next)
        };
        let factors: Vec<c64> = std::iter::successors(Some(start), next).map(|at| sums[at]).collect();
        values.extend(of_cycle(&factors, edges.error()));
    }
    Some(values)
}

/// The roots of the product of the factors around a cycle of length L, by the sum of their logarithms: errors in it are
/// divided by L.
fn of_cycle(factors: &[c64], error: f64) -> Vec<(c64, f64)> {
    let length = factors.len() as f64;
    let (mut logarithm, mut angle, mut slack, mut total) = (0.0, 0.0, 0.0, 0.0);
    for factor in factors {
        let modulus = factor.re.hypot(factor.im);
        if error >= 0.25 * modulus {
            // The product may be 0: its roots are no larger than those of the largest that it may be.
            let most: f64 = factors.iter().map(|s| (s.re.hypot(s.im) + error).ln()).sum();
            return vec![(c64::new(0.0, 0.0), (most / length).exp() * (1.0 + 1e-6))];
        }
        let (own, turn) = (modulus.ln(), factor.im.atan2(factor.re));
        (logarithm, angle) = (logarithm + own, angle + turn);
        slack += 2.0 * error / modulus + 8.0 * UNIT * (1.0 + own.abs());
        total += own.abs() + turn.abs();
    }
    let modulus = (logarithm / length).exp();
    // Additions, then what a quotient, an exponential, and a cosine of an angle below 10 may lose.
    let off = slack / length + total * UNIT + 128.0 * UNIT * (1.0 + (logarithm / length).abs());
    let error = modulus * off.exp_m1() * (1.0 + 1e-9);
    let root = |turns: usize| {
        let angle = (angle + TAU * turns as f64) / length;
        (c64::new(modulus * angle.cos(), modulus * angle.sin()), error)
    };
    (0..factors.len()).map(root).collect()
}

/// For every rank to whom it sends, itself among them, ascending, and the ids of the weights; with `is_pull`, from whom it
/// hears. `None` where ranks differ in how many that are, and the first has nobody.
pub(super) fn lines(matrix: &MixingMatrix, is_pull: bool) -> Option<Vec<Vec<(u32, u32)>>> {
    let MixingMatrix::Sparse(sparse) = matrix else { return None };
    let is_zero: Vec<bool> = sparse.weights().iter().map(|weight| weight.is_zero()).collect();
    let mut lines = vec![vec![]; matrix.size() as usize];
    for to in 0..matrix.size() {
        let own = (Rank(to), sparse.self_weight(Rank(to)));
        for &(from, id) in std::iter::once(&own).chain(sparse.in_edges(Rank(to))) {
            match (is_zero[id as usize], is_pull) {
                (true, _) => {}
                (false, true) => lines[to as usize].push((from.0, id)),
                (false, false) => lines[from.index()].push((to, id)),
            }
        }
    }
    lines.iter_mut().for_each(|line| line.sort_unstable());
    Some(lines)
}
