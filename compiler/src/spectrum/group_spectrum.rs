//! From phases with a common group to their eigenvalues: the character sums `λ_χ = Σ_h w_h χ(h)`.
//!
//! All such matrices commute and are diagonal in the characters, so the eigenvalue of a product is the product of the
//! eigenvalues, and norms are moduli. Conjugate characters have conjugate eigenvalues: the leading digit of a
//! character runs over half of its radix.
//!
//! Rounding: table entries are within [`ROOT_ERROR`] of the roots of unity; a sum of k weighted entries is within
//! `Σ|w| (ROOT_ERROR + 2 (k + 8) u)` of its value, u = 2⁻⁵³.

use bfc_algebra::c64;
use bfc_algebra::reproducible::roots_of_unity;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational};
use std::collections::BTreeMap;
use std::ops::Range;

/// The unit roundoff of `f64`.
const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

/// Bound on the error of a tabulated root of unity.
const ROOT_ERROR: f64 = 1e-15;

/// Additions that a whole pass over all characters may cost.
const BUDGET: u64 = 1 << 28;

/// Roots of unity to tabulate.
const ROOTS: u64 = 1 << 24;

/// Characters evaluated at a time.
const CHUNK: usize = 1024;

/// The group under which all phases are invariant, if there is one; a phase without hops is invariant under any.
pub(crate) fn common_group(phases: &[MixingMatrix]) -> Option<Group> {
    let mut common: Option<&Group> = None;
    for phase in phases {
        let MixingMatrix::Cayley(cayley) = phase else { return None };
        if cayley.hops().is_empty() {
            continue;
        }
        match common {
            Some(group) if group != cayley.group() => return None,
            _ => common = Some(cayley.group()),
        }
    }
    Some(common.cloned().unwrap_or_else(|| Group::cyclic(phases[0].size())))
}

/// The eigenvalues of phases that share a group.
pub(crate) struct Characters {
    group: Group,
    exponent: u64,
    roots: Vec<c64>,
    phases: Vec<PhaseSum>,
}

/// The character sum of one phase, valid for every character but the trivial one.
struct PhaseSum {
    constant: f64,
    weights: Vec<f64>,
    /// For digit j, how far the root's index moves when the character's digit j grows by one, by term.
    moves: Vec<Vec<u64>>,
    error: f64,
}

impl Characters {
    /// `None` if the phases share no group or the sums cost too much.
    pub(crate) fn new(phases: &[MixingMatrix]) -> Option<Self> {
        let group = common_group(phases)?;
        let exponent = group.exponent();
        if exponent > ROOTS {
            return None;
        }
        let mut characters = Self { group, exponent, roots: vec![], phases: vec![] };
        let mut cost = 0;
        for phase in phases {
            let MixingMatrix::Cayley(cayley) = phase else { return None };
            let sum = characters.phase_sum(cayley);
            cost += (sum.weights.len() as u64 + 1) * characters.count() as u64;
            if cost > BUDGET {
                return None;
            }
            characters.phases.push(sum);
        }
        let roots = roots_of_unity(exponent).into_iter();
        characters.roots = roots.map(|(re, im)| c64::new(re, im)).collect();
        Some(characters)
    }

    /// Characters `0..count` represent all; 0 is the trivial one.
    pub(crate) fn count(&self) -> usize {
        match self.group.radices() {
            [] => 1,
            [leading, rest @ ..] => (*leading as usize / 2 + 1) * rest.iter().product::<u32>() as usize,
        }
    }

    /// How many characters a character stands for: itself, and its conjugate where that is not among the `count`.
    pub(crate) fn multiplicity(&self, character: usize) -> f64 {
        let Some(&leading) = self.group.radices().first() else { return 1.0 };
        let digit = (character / (self.group.order() / leading) as usize) as u32;
        if digit == 0 || 2 * digit == leading { 1.0 } else { 2.0 }
    }

    /// A bound on the error of the eigenvalues of a phase.
    pub(crate) fn error(&self, phase: usize) -> f64 {
        self.phases[phase].error
    }

    /// The digits of a character, for messages.
    pub(crate) fn digits(&self, character: usize) -> Vec<u32> {
        self.group.digits(Rank(character as u32))
    }

    /// Calls `visit` with every nontrivial character and its eigenvalue in each phase; stops when it answers false.
    pub(crate) fn each(&self, mut visit: impl FnMut(usize, &[c64]) -> bool) {
        let count = self.count();
        let mut values = vec![c64::new(0.0, 0.0); CHUNK * self.phases.len()];
        let mut one = vec![c64::new(0.0, 0.0); self.phases.len()];
        let mut start = 1;
        while start < count {
            let range = start..count.min(start + CHUNK);
            for (phase, out) in self.phases.iter().zip(values.chunks_exact_mut(CHUNK)) {
                self.fill(phase, range.clone(), out);
            }
            for at in 0..range.len() {
                one.iter_mut().zip(values.chunks_exact(CHUNK)).for_each(|(to, phase)| *to = phase[at]);
                if !visit(range.start + at, &one) {
                    return;
                }
            }
            start = range.end;
        }
    }

    /// The eigenvalues of one character in each phase.
    pub(crate) fn at(&self, character: usize) -> Vec<c64> {
        let mut value = [c64::new(0.0, 0.0)];
        let at = |phase| {
            self.fill(phase, character..character + 1, &mut value);
            value[0]
        };
        self.phases.iter().map(at).collect()
    }

    fn fill(&self, phase: &PhaseSum, range: Range<usize>, out: &mut [c64]) {
        let radices = self.group.radices();
        let mut digits = self.digits(range.start);
        let mut index = vec![0u64; phase.weights.len()];
        for (digit, moves) in digits.iter().zip(&phase.moves) {
            for (at, step) in index.iter_mut().zip(moves) {
                *at = (*at + *digit as u64 * step) % self.exponent;
            }
        }
        for value in &mut out[..range.len()] {
            let (mut re, mut im) = (phase.constant, 0.0);
            for (weight, at) in phase.weights.iter().zip(&index) {
                let root = &self.roots[*at as usize];
                re += weight * root.re;
                im += weight * root.im;
            }
            *value = c64::new(re, im);
            for (j, moves) in phase.moves.iter().enumerate().rev() {
                // A digit that wraps has moved its roots by a whole turn.
                for (at, step) in index.iter_mut().zip(moves) {
                    *at += step;
                    if *at >= self.exponent {
                        *at -= self.exponent;
                    }
                }
                digits[j] += 1;
                if digits[j] < radices[j] {
                    break;
                }
                digits[j] = 0;
            }
        }
    }

    /// The weights as differences from the most frequent one: a constant over the group adds nothing to a nontrivial
    /// character, so the complete graph has no terms at all.
    fn phase_sum(&self, cayley: &CayleyMatrix) -> PhaseSum {
        let radices = self.group.radices();
        let base = most_frequent(cayley);
        let constant = (cayley.self_weight() - &base).to_f64();
        let mut terms: Vec<(Rank, Rational)> = vec![];
        if base.is_zero() {
            terms.extend(cayley.hops().iter().filter(|(_, weight)| !weight.is_zero()).cloned());
        } else {
            let mut hops = cayley.hops().iter().peekable();
            for element in (1..self.group.order()).map(Rank) {
                let weight =
                    hops.next_if(|(hop, _)| *hop == element).map_or_else(Rational::zero, |(_, w)| w.clone());
                if weight != base {
                    terms.push((element, weight - base.clone()));
                }
            }
        }
        let weights: Vec<f64> = terms.iter().map(|(_, weight)| weight.to_f64()).collect();
        let digits: Vec<Vec<u32>> = terms.iter().map(|(hop, _)| self.group.digits(*hop)).collect();
        let stride = |j: usize| self.exponent / radices[j] as u64;
        let moves =
            (0..radices.len()).map(|j| digits.iter().map(|d| d[j] as u64 * stride(j)).collect()).collect();
        let total = constant.abs() + weights.iter().map(|weight| weight.abs()).sum::<f64>();
        let error = total * (ROOT_ERROR + 2.0 * (weights.len() as f64 + 8.0) * UNIT);
        PhaseSum { constant, weights, moves, error }
    }
}

/// The most frequent weight over the elements of the group; elements that are not hops have 0.
fn most_frequent(cayley: &CayleyMatrix) -> Rational {
    let missing = cayley.group().order() as usize - 1 - cayley.hops().len();
    if missing >= cayley.hops().len() {
        return Rational::zero();
    }
    let mut counts: BTreeMap<&Rational, usize> = BTreeMap::new();
    cayley.hops().iter().for_each(|(_, weight)| *counts.entry(weight).or_default() += 1);
    match counts.into_iter().max_by_key(|(_, count)| *count) {
        Some((weight, count)) if count > missing => weight.clone(),
        _ => Rational::zero(),
    }
}
