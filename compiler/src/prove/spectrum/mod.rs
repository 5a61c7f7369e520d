//! From phases to their spectral numbers, each exact, enclosed or an estimate.
//!
//! Phases of one group go by characters, at any size; a static symmetric phase and products of moderate size by dense
//! algebra with measured residuals; the rest by Krylov spaces, as estimates. What combinatorics or exact arithmetic
//! know (a product that is J, a schedule that never mixes) replaces computed values.

pub(super) mod characters;
pub(super) mod dense;
mod enclosure;
mod fourier;
mod krylov;
mod rounds;
pub(super) mod twins;

pub use enclosure::{Enclosure, Method};

use super::exact::{Exact, ExactAfter};
use super::support::common_group;
use bfc_algebra::reproducible::extreme_eigenvalues;
use bfc_schedule::MixingMatrix;
use characters::Characters;
use dense::Rows;
pub(super) use rounds::rounds_to;
use twins::Eigenvalues;

/// The unit roundoff of `f64`.
pub(super) const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

/// Ranks of any other product for dense algebra.
const GENERAL_LIMIT: u32 = 640;

/// Ranks for Fourier transforms.
const FOURIER_LIMIT: u32 = 1 << 24;

/// Edges for Krylov spaces.
const KRYLOV_LIMIT: u64 = 1 << 26;

/// Operations for the extreme eigenvalues of a large symmetric matrix.
const LANCZOS_BUDGET: usize = 1 << 32;

/// Multiplications of a dense product of phases.
const PRODUCT_BUDGET: u64 = 1 << 31;

/// What is known exactly of phases before any number is computed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) row_stochastic: bool,
    pub(super) column_stochastic: bool,
    pub(super) nonnegative: bool,
    pub(super) symmetric: bool,
    /// Whether the product over a period is primitive, where decided.
    pub(super) primitive: Option<bool>,
}

impl Known {
    /// Norms of phases are at most 1, and products only contract.
    pub(super) fn averaging(&self) -> bool {
        self.row_stochastic && self.column_stochastic && self.nonnegative
    }
}

/// The spectral numbers of a topology. Those of a single phase are absent where there are several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) rho: Option<Enclosure>,
    pub(super) sigma2: Option<Enclosure>,
    pub(super) lambda_min: Option<Enclosure>,
    /// n_W(0.9), of one normal matrix whose rows sum to 1.
    pub(super) effective_neighbours: Option<Enclosure>,
    pub(super) period_contraction: Enclosure,
    /// ρ of the period product minus J; its T-th root is the asymptotic rate.
    pub(super) period_radius: Enclosure,
}

/// The spectral numbers of a topology and where they come from.
pub(super) struct Spectrum {
    pub(super) numbers: Numbers,
    pub(super) source: Source,
}

/// Where the numbers of a spectrum come from.
pub(super) enum Source {
    /// ‖W⁽ʳ⁾…W⁽⁰⁾ − J‖ for every r of a period and bounds on its error, and the moduli of the period product's
    /// eigenvalues, from character 1 on.
    Characters { characters: Characters, prefixes: Vec<f64>, errors: Vec<f64>, moduli: Vec<f64> },
    /// The matrix is normal: powers of ρ.
    Normal,
    /// Dense products can be formed.
    Dense,
    /// Only estimates.
    Krylov,
}

/// The numbers of `phases`.
pub(super) fn spectrum(phases: &[MixingMatrix], known: &Known) -> Spectrum {
    let size = phases[0].size();
    let single = phases.len() == 1;
    let mut spectrum = if size == 1 {
        Spectrum::normal(Enclosure::exact(0.0), Enclosure::exact(1.0))
    } else if let Some(characters) = Characters::new(phases) {
        by_characters(characters, phases, known)
    } else if single
        && known.symmetric
        && known.row_stochastic
        && let Some(eigenvalues) = Eigenvalues::of(&phases[0])
    {
        by_eigenvalues(&eigenvalues, size)
    } else if size <= GENERAL_LIMIT && edges(phases) * size as u64 <= PRODUCT_BUDGET {
        by_product(phases, known).unwrap_or_else(|| by_krylov(phases, known))
    } else if common_group(phases).is_some() && size <= FOURIER_LIMIT {
        by_fourier(phases)
    } else {
        by_krylov(phases, known)
    };
    let numbers = &mut spectrum.numbers;
    if known.averaging() {
        numbers.each(|number| number.within(0.0, 1.0));
        if known.primitive == Some(false) && size > 1 {
            numbers.each(|_| Enclosure::exact(1.0));
        }
    }
    if !single {
        (numbers.rho, numbers.sigma2, numbers.lambda_min) = (None, None, None);
    }
    if !known.symmetric {
        numbers.lambda_min = None;
    }
    spectrum
}

impl Numbers {
    /// With what exact arithmetic knows.
    pub(super) fn refined(mut self, average: Exact, after: ExactAfter, row_stochastic: bool) -> Self {
        if average == Exact::Yes {
            self.each(|_| Enclosure::exact(0.0));
        } else if row_stochastic && matches!(after, ExactAfter::Steps(_)) {
            // Rows sum to 1, so what is J stays J: some power of P is J, and P − J is nilpotent.
            self.period_radius = Enclosure::exact(0.0);
            self.rho = self.rho.map(|_| Enclosure::exact(0.0));
        }
        self
    }

    /// Changes all but λ_min.
    fn each(&mut self, change: impl Fn(Enclosure) -> Enclosure) {
        self.period_contraction = change(self.period_contraction);
        self.period_radius = change(self.period_radius);
        self.rho = self.rho.map(&change);
        self.sigma2 = self.sigma2.map(&change);
    }
}

impl Spectrum {
    /// Of a product with this norm and radius.
    fn new(norm: Enclosure, radius: Enclosure, lambda_min: Enclosure, source: Source) -> Self {
        let numbers = Numbers {
            rho: Some(radius),
            sigma2: Some(norm),
            lambda_min: Some(lambda_min),
            effective_neighbours: None,
            period_contraction: norm,
            period_radius: radius,
        };
        Self { numbers, source }
    }

    /// Of a normal matrix.
    fn normal(rho: Enclosure, lambda_min: Enclosure) -> Self {
        Self::new(rho, rho, lambda_min, Source::Normal)
    }
}

fn by_characters(characters: Characters, phases: &[MixingMatrix], known: &Known) -> Spectrum {
    let period = phases.len();
    let errors = match known.averaging() {
        true => prefix_errors(&characters, period),
        false => own_errors(&characters, period),
    };
    let mut prefixes = vec![0.0f64; period];
    let mut moduli = Vec::with_capacity(if period > 1 { characters.count() } else { 0 });
    let mut least = 1.0f64;
    let mut noise = Noise::default();
    let mut largest_two = LargestTwo::default();
    characters.each(|character, values| {
        let mut modulus = 1.0;
        for (value, largest) in values.iter().zip(&mut prefixes) {
            modulus *= value.re * value.re + value.im * value.im;
            *largest = largest.max(modulus);
        }
        if period > 1 {
            moduli.push(modulus.sqrt());
        }
        least = least.min(values[0].re);
        let multiplicity = characters.multiplicity(character);
        noise.add(modulus, multiplicity);
        largest_two.add(modulus.sqrt(), multiplicity);
        true
    });
    prefixes.iter_mut().for_each(|square| *square = square.sqrt());
    let mut number = Enclosure::around(prefixes[period - 1], errors[period - 1]).within(0.0, f64::INFINITY);
    let mut lambda_min = Enclosure::around(least, characters.error(0));
    let error = characters.error(0);
    if !known.row_stochastic {
        // The trivial character: rows and columns have one and the same sum.
        let sums: f64 = phases.iter().map(phase_sum).product();
        number =
            number.max(Enclosure::around((sums - 1.0).abs(), 1e-13 * sums.abs().max(1.0) * period as f64));
        lambda_min = Enclosure::estimate(least.min(sums));
        largest_two.add(sums.abs(), 1.0);
    }
    let mut spectrum = Spectrum::new(
        number,
        number,
        lambda_min,
        Source::Characters { characters, prefixes, errors, moduli },
    );
    if !known.row_stochastic && period == 1 {
        let second = Enclosure::around(largest_two.second, error + 1e-13 * largest_two.first.max(1.0));
        spectrum.numbers.rho = Some(second.within(0.0, f64::INFINITY));
    }
    if known.row_stochastic && period == 1 {
        spectrum.numbers.effective_neighbours = noise.effective_neighbours(phases[0].size(), error);
    }
    spectrum
}

/// The two largest of moduli, each with its multiplicity.
#[derive(Default)]
struct LargestTwo {
    first: f64,
    second: f64,
}

impl LargestTwo {
    fn add(&mut self, modulus: f64, multiplicity: f64) {
        let next = if multiplicity > 1.0 { modulus } else { self.first };
        if modulus > self.first {
            (self.first, self.second) = (modulus, next);
        } else {
            self.second = self.second.max(modulus);
        }
    }
}

/// The part of old neighbours' values that still counts after a step, in the number of effective neighbours.
const MEMORY: f64 = 0.9;

/// Σ |λ|²/(1 − γ|λ|²) over eigenvalues besides 1.
#[derive(Default)]
struct Noise {
    sum: f64,
    largest: f64,
}

impl Noise {
    /// Adds an eigenvalue by the square of its modulus.
    fn add(&mut self, square: f64, multiplicity: f64) {
        self.sum += multiplicity * square / (1.0 - MEMORY * square);
        self.largest = self.largest.max(square);
    }

    /// 1/(1 − γ) over the mean, given a bound on the error of an eigenvalue; `None` where an eigenvalue is so far outside
    /// of the unit circle that the noise grows.
    fn effective_neighbours(&self, size: u32, error: f64) -> Option<Enclosure> {
        let room = 1.0 - MEMORY * (self.largest.sqrt() + error).powi(2);
        if room.is_nan() || room <= 1e-3 {
            return None;
        }
        let one = 1.0 / (1.0 - MEMORY);
        let n = f64::from(size);
        let sum = one + self.sum;
        // d/d|λ| of |λ|²/(1 − γ|λ|²) is 2|λ|/(1 − γ|λ|²)²; n of them, and n roundings of the sum.
        let steepest = 2.0 * (self.largest.sqrt() + error) / (room * room);
        let off = n * steepest * error + 4.0 * UNIT * n * sum;
        let value = one * n / sum;
        Some(Enclosure::around(value, value * (off / (sum - off).max(1e-300) + 8.0 * UNIT)))
    }
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
struct Growth {
    product: f64,
    error: f64,
}

impl Default for Growth {
    fn default() -> Self {
        Self { product: 1.0, error: 0.0 }
    }
}

impl Growth {
    /// One more factor, at most `modulus` up to an error.
    fn step(&mut self, modulus: f64, own: f64) -> f64 {
        let rounding = 16.0 * UNIT * self.product * (modulus + own);
        self.error =
            (self.error * (modulus + own) + self.product * own + rounding) * (1.0 + 1e-12) + UNDERFLOW;
        self.product *= modulus;
        self.error
    }
}

/// What squares of moduli may lose below the least `f64`, after the root is taken.
const UNDERFLOW: f64 = 1e-150;

fn by_eigenvalues(eigenvalues: &Eigenvalues, size: u32) -> Spectrum {
    let error = eigenvalues.error;
    let mut noise = Noise::default();
    eigenvalues.others().for_each(|(value, count)| noise.add(value * value, f64::from(count)));
    let number = Enclosure::around(noise.largest.sqrt(), 3.0 * error).within(0.0, f64::INFINITY);
    let least = eigenvalues.values.first().map_or(1.0, |(value, _)| *value);
    let mut spectrum = Spectrum::normal(number, Enclosure::around(least, error));
    spectrum.numbers.effective_neighbours = noise.effective_neighbours(size, 3.0 * error);
    spectrum
}

/// Entries of all phases together.
fn edges(phases: &[MixingMatrix]) -> u64 {
    let entries = |phase: &MixingMatrix| match phase {
        MixingMatrix::Cayley(cayley) => (cayley.hops().len() as u64 + 1) * phase.size() as u64,
        MixingMatrix::Sparse(sparse) => {
            let ranks = (0..phase.size()).map(bfc_schedule::Rank);
            ranks.map(|rank| sparse.in_edges(rank).len() as u64 + 1).sum()
        }
    };
    phases.iter().map(entries).sum()
}

fn by_product(phases: &[MixingMatrix], known: &Known) -> Option<Spectrum> {
    let rows: Vec<Rows> = phases.iter().map(Rows::of).collect();
    let (product, error) = product_minus_average(&rows, known.row_stochastic);
    let (norm, norm_error) = dense::norm(&product, error)?;
    let contraction = Enclosure::around(norm, norm_error).within(0.0, f64::INFINITY);
    let normal = phases.len() == 1 && super::properties::normal(&phases[0]) == Some(true);
    let radius = if normal && known.row_stochastic {
        contraction
    } else {
        let values = dense::eigenvalues(&product)?;
        let largest = values.iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max);
        Enclosure::estimate(largest.min(contraction.high))
    };
    let lambda_min = Enclosure::estimate(least_eigenvalue(&rows[0])?);
    let source = if normal && known.averaging() { Source::Normal } else { Source::Dense };
    let mut spectrum = Spectrum::new(contraction, radius, lambda_min, source);
    if phases.len() == 1 && !known.row_stochastic && !known.column_stochastic {
        spectrum.numbers.rho = second_largest(&rows[0]).map(Enclosure::estimate);
    }
    Some(spectrum)
}

/// P − J and a bound on its error. Where rows sum to 1, P − J = P (1 − J): no digits cancel.
fn product_minus_average(rows: &[Rows], row_stochastic: bool) -> (bfc_algebra::Mat<f64>, f64) {
    let n = rows[0].rows.len();
    if row_stochastic {
        let (start, error) = dense::disagreement(n);
        return dense::product(rows, start, error);
    }
    let (product, error) = dense::product(rows, bfc_algebra::Mat::identity(n, n), 0.0);
    let mean = 1.0 / n as f64;
    let error = error + 4.0 * UNIT * (product.norm_l2() + 1.0);
    (bfc_algebra::Mat::from_fn(n, n, |i, j| product[(i, j)] - mean), error)
}

fn second_largest(rows: &Rows) -> Option<f64> {
    let values = dense::eigenvalues(&rows.dense())?;
    let mut moduli: Vec<f64> = values.iter().map(|value| value.re.hypot(value.im)).collect();
    moduli.sort_by(f64::total_cmp);
    moduli.len().checked_sub(2).map(|at| moduli[at])
}

fn least_eigenvalue(rows: &Rows) -> Option<f64> {
    let values = dense::eigenvalues(&rows.dense())?;
    values.iter().map(|value| value.re).min_by(f64::total_cmp)
}

fn by_fourier(phases: &[MixingMatrix]) -> Spectrum {
    let mut moduli = vec![1.0; phases[0].size() as usize - 1];
    let mut prefixes = vec![];
    let mut least = 1.0f64;
    for phase in phases {
        let MixingMatrix::Cayley(cayley) = phase else { continue };
        let values = fourier::eigenvalues(cayley);
        moduli.iter_mut().zip(&values[1..]).for_each(|(modulus, value)| *modulus *= value.re.hypot(value.im));
        prefixes.push(moduli.iter().copied().fold(0.0, f64::max));
        least = values.iter().map(|value| value.re).fold(least, f64::min);
    }
    let number = Enclosure::estimate(*prefixes.last().unwrap_or(&1.0));
    let source = if phases.len() == 1 { Source::Normal } else { Source::Krylov };
    Spectrum::new(number, number, Enclosure::estimate(least), source)
}

fn by_krylov(phases: &[MixingMatrix], known: &Known) -> Spectrum {
    if edges(phases) > KRYLOV_LIMIT {
        let unknown = Enclosure::estimate(f64::NAN);
        return Spectrum::new(unknown, unknown, unknown, Source::Krylov);
    }
    let n = phases[0].size() as usize;
    let rows: Vec<Rows> = phases.iter().map(Rows::of).collect();
    if let ([rows], true) = (&rows[..], known.symmetric && known.row_stochastic) {
        let most = LANCZOS_BUDGET / (2 * edges(phases) as usize + 12 * n);
        let (least, greatest) =
            extreme_eigenvalues(n, most.clamp(64, 2 * n), |x| rows.apply(x), krylov::center);
        let rho = Enclosure::estimate(least.abs().max(greatest.abs()));
        return Spectrum::normal(rho, Enclosure::estimate(least.min(1.0)));
    }
    let forward = |x: &[f64]| {
        rows.iter().fold(x.to_vec(), |x, phase| {
            let mut next = phase.apply(&x);
            krylov::center(&mut next);
            next
        })
    };
    let values = krylov::ritz_values(n, &forward);
    let radius = values.iter().map(|value| value.0).fold(0.0, f64::max);
    let transposes: Vec<Rows> = rows.iter().map(Rows::transpose).collect();
    let gram = |x: &[f64]| transposes.iter().rev().fold(forward(x), |x, phase| phase.apply(&x));
    let norm = krylov::ritz_values(n, &gram).iter().map(|value| value.0).fold(0.0, f64::max).sqrt();
    let radius = Enclosure::estimate(radius.min(norm));
    let lambda_min = Enclosure::estimate(values.iter().map(|value| value.1).fold(1.0, f64::min));
    Spectrum::new(Enclosure::estimate(norm), radius, lambda_min, Source::Krylov)
}
