//! From phases whose edges are i → d i + c, modulo the number of ranks n, to their numbers: de Bruijn's and Kautz' graphs
//! and their like (Imase, Itoh, "Design to minimize diameter on building-block network", 1981), and moves.
//!
//! With χ_k(i) = ω^{ik} and ω an n-th root of unity, Wᵀχ_k = s(k) χ_{dk}, where s(k) = Σ_c w_c ω^{ck}: characters are
//! permuted and scaled. So is a product; its norm is the largest length of the factors that lead to one character, and its
//! eigenvalues are 0 and, for every cycle of k ↦ D k, the roots of the product of the factors around it.

use super::group::Growth;
use super::ladder::{Ladder, Powers};
use super::{Enclosure, Method, Source, Spectrum, UNIT};
use bfc_algebra::reproducible::roots_of_unity;
use bfc_schedule::{MixingMatrix, Rank};
use num_integer::gcd;
use std::collections::BTreeMap;
use std::ops::Range;

/// Numbers that the factors of all phases may be.
const LIMIT: u64 = 1 << 25;

/// Entries of all phases, each a multiplication for every character at most.
const BUDGET: u64 = 1 << 28;

/// Multipliers that are tried for a phase.
const TRIED: usize = 16;

/// Bound on the error of a tabulated root of unity.
const ROOT_ERROR: f64 = 1e-15;

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
        let mut radius = Enclosure::exact(0.0);
        // Characters by the walk that met them first; those of the present walk may close a cycle.
        let mut met = vec![0u64; self.size as usize];
        met[0] = u64::MAX;
        for start in 1..self.size {
            let mut at = start as usize;
            while met[at] == 0 {
                met[at] = start;
                at = product.image(at);
            }
            if met[at] == start {
                radius = radius.max(product.cycle(at));
            }
        }
        radius
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

    /// The moduli of s(k) for all characters k.
    fn factors(&self, roots: &[(f64, f64)]) -> Factors {
        let size = roots.len() as u64;
        let modulus = |k: u64| {
            let add = |(re, im): (f64, f64), &(to, weight): &(u32, f64)| {
                let root = roots[(u64::from(to) * k % size) as usize];
                (re + weight * root.0, im + weight * root.1)
            };
            let (re, im) = self.weights.iter().fold((0.0, 0.0), add);
            f64::hypot(re, im)
        };
        let total: f64 = self.weights.iter().map(|(_, weight)| weight.abs()).sum();
        let error = total * (ROOT_ERROR + 2.0 * (self.weights.len() as f64 + 8.0) * UNIT);
        Factors { multiplier: self.multiplier, moduli: (0..size).map(modulus).collect(), error }
    }
}

/// For every rank to whom it sends, itself among them, ascending, and the ids of the weights; with `is_pull`, from whom it
/// hears. `None` where ranks differ in how many that are, and the first has nobody.
fn lines(matrix: &MixingMatrix, is_pull: bool) -> Option<Vec<Vec<(u32, u32)>>> {
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
