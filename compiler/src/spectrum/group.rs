//! From phases that are invariant under one group to their spectral numbers: by character sums, with bounds on every error,
//! or where those cost too much by Fourier transforms, as estimates.

use super::group_spectrum::Characters;
use super::{Enclosure, Known, Source, Spectrum, UNIT, fourier};
use bfc_schedule::MixingMatrix;

/// The numbers of the phases that `characters` are of.
pub(crate) fn by_characters(characters: Characters, phases: &[MixingMatrix], known: &Known) -> Spectrum {
    let period = phases.len();
    let errors = match known.averaging() {
        true => prefix_errors(&characters, period),
        false => own_errors(&characters, period),
    };
    let mut prefixes = vec![0.0f64; period];
    let mut moduli = Vec::with_capacity(if period > 1 { characters.count() } else { 0 });
    let mut least = 1.0f64;
    characters.each(|_, values| {
        let mut modulus = 1.0;
        for (value, largest) in values.iter().zip(&mut prefixes) {
            modulus *= value.re * value.re + value.im * value.im;
            *largest = largest.max(modulus);
        }
        if period > 1 {
            moduli.push(modulus.sqrt());
        }
        least = least.min(values[0].re);
        true
    });
    prefixes.iter_mut().for_each(|square| *square = square.sqrt());
    let mut number = Enclosure::around(prefixes[period - 1], errors[period - 1]).within(0.0, f64::INFINITY);
    let mut lambda_min = Enclosure::around(least, characters.error(0));
    if !known.row_stochastic {
        // The trivial character: rows and columns have one and the same sum.
        let sums: f64 = phases.iter().map(phase_sum).product();
        number =
            number.max(Enclosure::around((sums - 1.0).abs(), 1e-13 * sums.abs().max(1.0) * period as f64));
        lambda_min = Enclosure::estimate(least.min(sums));
    }
    Spectrum::new(number, number, lambda_min, Source::Characters { characters, prefixes, errors, moduli })
}

fn phase_sum(phase: &MixingMatrix) -> f64 {
    let row = phase.row(bfc_schedule::Rank(0));
    (row.self_weight + row.in_weights.into_iter().map(|(_, weight)| weight).sum()).to_f64()
}

/// Bounds on the error of the product of the first 1, 2, … eigenvalues of a character: with |λ_t| ≤ N_t and errors
/// e_t, the product P_t of the bounds and its error E_t grow as E_t = E_{t−1} (N_t + e_t) + P_{t−1} e_t.
///
/// Where phases average, all norms are at most 1.
fn prefix_errors(characters: &Characters, period: usize) -> Vec<f64> {
    let mut growth = Growth::default();
    (0..period).map(|phase| growth.step(1.0, characters.error(phase))).collect()
}

/// The same where weights are negative and norms say little: each character has its own |λ_t|.
fn own_errors(characters: &Characters, period: usize) -> Vec<f64> {
    let mut errors = vec![0.0f64; period];
    characters.each(|_, values| {
        let mut growth = Growth::default();
        for (phase, (value, largest)) in values.iter().zip(&mut errors).enumerate() {
            *largest = largest.max(growth.step(value.re.hypot(value.im), characters.error(phase)));
        }
        true
    });
    errors
}

/// A product of eigenvalues and its error.
pub(crate) struct Growth {
    pub(crate) product: f64,
    pub(crate) error: f64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { product: 1.0, error: 0.0 }
    }
}

impl Growth {
    /// One more factor, at most `modulus` up to an error.
    pub(crate) fn step(&mut self, modulus: f64, own: f64) -> f64 {
        let rounding = 16.0 * UNIT * self.product * (modulus + own);
        self.error =
            (self.error * (modulus + own) + self.product * own + rounding) * (1.0 + 1e-12) + UNDERFLOW;
        self.product *= modulus;
        self.error
    }
}

/// What squares of moduli may lose below the least `f64`, after the root is taken.
const UNDERFLOW: f64 = 1e-150;

/// The numbers of phases with many hops.
pub(crate) fn by_fourier(phases: &[MixingMatrix]) -> Spectrum {
    let mut moduli = vec![1.0; phases[0].size() as usize - 1];
    let mut prefixes = vec![];
    let (mut least, mut sums) = (1.0f64, 1.0);
    for phase in phases {
        let MixingMatrix::Cayley(cayley) = phase else { continue };
        let values = fourier::eigenvalues(cayley);
        sums *= values[0].re;
        moduli.iter_mut().zip(&values[1..]).for_each(|(modulus, value)| *modulus *= value.re.hypot(value.im));
        prefixes.push(moduli.iter().copied().fold(0.0, f64::max));
        least = values.iter().map(|value| value.re).fold(least, f64::min);
    }
    let number = Enclosure::estimate(prefixes.last().unwrap_or(&1.0).max((sums - 1.0).abs()));
    let source = if phases.len() == 1 { Source::Normal } else { Source::Fourier { prefixes, moduli } };
    Spectrum::new(number, number, Enclosure::estimate(least), source)
}
