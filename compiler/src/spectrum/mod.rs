//! From phases to their spectral numbers, each exact, enclosed or an estimate.
//!
//! Phases of one group go by characters, at any size, and so do those that permute and scale them; a static symmetric phase
//! by its classes of twins, or where these are many by iteration and an elimination that counts; products of moderate size
//! by dense algebra with measured residuals; the rest by Krylov spaces, as estimates. What combinatorics or exact arithmetic
//! know (ranks in an order in which all phases are triangular, a product that is J, a schedule that never mixes) replaces
//! computed values.

mod block_circulant;
pub(crate) mod colouring;
pub(crate) mod dense;
mod elimination;
mod enclosure;
pub(crate) mod exact;
mod formed;
mod fourier;
mod group;
pub(crate) mod group_spectrum;
pub(crate) mod interchangeable;
mod iterative;
mod ladder;
mod lattice;
mod maps;
mod modular;
pub(crate) mod permuted;
mod product;
pub(crate) mod properties;
mod rounds;
pub(crate) mod support;
mod symmetric;
mod triangular;

pub use enclosure::{Enclosure, Method};

use bfc_schedule::MixingMatrix;
pub(crate) use block_circulant::BlockCirculant;
use exact::{Exact, ExactAfter};
use formed::Formed;
use group_spectrum::{Characters, common_group};
use interchangeable::Eigenvalues;
pub(crate) use ladder::{Ladder, Powers};
pub(crate) use maps::Maps;
pub(crate) use permuted::Permuted;
pub(crate) use rounds::{Counted, rounds_to};
use support::Support;
#[cfg(test)]
pub(crate) use symmetric::by_elimination;

/// The unit roundoff of `f64`.
pub(crate) const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

/// Ranks of any other product for dense algebra.
pub(crate) const GENERAL_LIMIT: u32 = 640;

/// Ranks for Fourier transforms.
const FOURIER_LIMIT: u32 = 1 << 24;

/// Entries of phases that are made tables of.
pub(crate) const TABLE_LIMIT: u64 = 1 << 26;

/// Classes of twins up to which all eigenvalues of a symmetric matrix are computed, and not only the extreme ones.
const ALL_LIMIT: usize = 512;

/// Multiplications of a dense product of phases.
const PRODUCT_BUDGET: u64 = 1 << 31;

/// What is known exactly of phases before any number is computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) row_stochastic: bool,
    pub(crate) column_stochastic: bool,
    pub(crate) nonnegative: bool,
    pub(crate) symmetric: bool,
    /// Whether the product over a period is primitive, where decided.
    pub(crate) primitive: Option<bool>,
}

impl Known {
    /// Norms of phases are at most 1, and products only contract.
    pub(crate) fn averaging(&self) -> bool {
        self.row_stochastic && self.column_stochastic && self.nonnegative
    }
}

/// The spectral numbers of a topology. Those of a single phase are absent where there are several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) rho: Option<Enclosure>,
    pub(crate) sigma2: Option<Enclosure>,
    pub(crate) lambda_min: Option<Enclosure>,
    pub(crate) period_contraction: Enclosure,
    /// ρ of the period product minus J; its T-th root is the asymptotic rate.
    pub(crate) period_radius: Enclosure,
}

/// The spectral numbers of a topology and where they come from.
pub(crate) struct Spectrum {
    pub(crate) numbers: Numbers,
    pub(crate) source: Source,
}

/// Where the numbers of a spectrum come from.
pub(crate) enum Source {
    /// ‖W⁽ʳ⁾…W⁽⁰⁾ − J‖ for every r of a period and bounds on its error, and the moduli of the period product's
    /// eigenvalues, from character 1 on.
    Characters { characters: Characters, prefixes: Vec<f64>, errors: Vec<f64>, moduli: Vec<f64> },
    /// The same by transforms, without bounds: phases with many hops.
    Fourier { prefixes: Vec<f64>, moduli: Vec<f64> },
    /// The factors of characters that phases permute.
    Permuted(Powers<Permuted>),
    /// The matrix is normal: powers of ρ.
    Normal,
    /// Dense products can be formed.
    Dense(Powers<Formed>),
    /// Only estimates; the residual of the eigenvalue that ρ of the product was taken from, where there is one.
    Krylov { residual: Option<f64> },
}

/// The numbers of `phases`, which have these supports; all eigenvalues of the first, which is symmetric, and the phases as
/// maps are made where they are asked for.
pub(crate) fn spectrum<'e>(
    phases: &[MixingMatrix],
    supports: &[Support],
    known: &Known,
    eigenvalues: impl FnOnce() -> Option<&'e Eigenvalues>,
    maps: impl Fn() -> Option<&'e Maps>,
) -> Spectrum {
    let size = phases[0].size();
    let single = phases.len() == 1;
    let mut spectrum = if size == 1 {
        Spectrum::normal(Enclosure::exact(0.0), Enclosure::exact(1.0))
    } else if let Some(characters) = Characters::new(phases) {
        group::by_characters(characters, phases, known)
    } else if single
        && known.symmetric
        && known.row_stochastic
        && let Some(found) = of_symmetric(&phases[0], eigenvalues)
    {
        found
    } else if known.row_stochastic
        && known.column_stochastic
        && let Some(permuted) = Permuted::new(phases)
    {
        permuted.spectrum()
    } else if size <= GENERAL_LIMIT && edges(phases) * size as u64 <= PRODUCT_BUDGET {
        product::by_product(phases, known).unwrap_or_else(|| iterative::spectrum(phases, known, maps))
    } else if common_group(phases).is_some() && size <= FOURIER_LIMIT {
        group::by_fourier(phases)
    } else {
        iterative::spectrum(phases, known, maps)
    };
    let numbers = &mut spectrum.numbers;
    if numbers.period_radius.method == Method::Estimate
        && (known.row_stochastic || known.column_stochastic)
        && edges(phases) <= TABLE_LIMIT
        && let Some(radius) = triangular::radius(phases, supports)
    {
        numbers.set_radius(radius);
    }
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

/// Whether all eigenvalues of a symmetric matrix are computed.
pub(crate) fn are_few(matrix: &MixingMatrix) -> bool {
    interchangeable::classes(matrix) <= ALL_LIMIT
}

/// The numbers of a symmetric matrix whose rows sum to 1; `None` where its graph is too large for that.
fn of_symmetric<'e>(
    matrix: &MixingMatrix,
    eigenvalues: impl FnOnce() -> Option<&'e Eigenvalues>,
) -> Option<Spectrum> {
    match are_few(matrix) {
        true => eigenvalues().map(symmetric::by_eigenvalues),
        false if edges(std::slice::from_ref(matrix)) <= TABLE_LIMIT => symmetric::by_elimination(matrix),
        false => None,
    }
}

/// The operations that [`spectrum`] and what follows of it take, roughly.
pub(crate) fn work(phases: &[MixingMatrix]) -> f64 {
    let (size, period) = (f64::from(phases[0].size()), phases.len() as f64);
    if Characters::new(phases).is_some() || Permuted::new(phases).is_some() {
        return size * period;
    }
    if phases.len() > 1 || properties::symmetric(phases).is_err() {
        return 30.0 * size.powi(3) + 60.0 * period * size.powi(2);
    }
    match interchangeable::classes(&phases[0]) {
        classes if classes <= ALL_LIMIT => 0.5 * (classes as f64).powi(3),
        _ => 500.0 * edges(phases) as f64,
    }
}

impl Numbers {
    /// With what exact arithmetic knows.
    pub(crate) fn refined(mut self, average: Exact, after: ExactAfter, row_stochastic: bool) -> Self {
        if average == Exact::Yes {
            self.each(|_| Enclosure::exact(0.0));
        } else if row_stochastic && matches!(after, ExactAfter::Steps(_)) {
            // Rows sum to 1, so what is J stays J: some power of P is J, and P − J is nilpotent.
            self.set_radius(Enclosure::exact(0.0));
        }
        self
    }

    /// ρ of the product minus J, and where that is one matrix, its own.
    fn set_radius(&mut self, radius: Enclosure) {
        self.period_radius = radius;
        self.rho = self.rho.map(|_| radius);
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

/// Entries of all phases together.
pub(crate) fn edges(phases: &[MixingMatrix]) -> u64 {
    let entries = |phase: &MixingMatrix| match phase {
        MixingMatrix::Cayley(cayley) => (cayley.hops().len() as u64 + 1) * phase.size() as u64,
        MixingMatrix::Sparse(sparse) => {
            let ranks = (0..phase.size()).map(bfc_schedule::Rank);
            ranks.map(|rank| sparse.in_edges(rank).len() as u64 + 1).sum()
        }
    };
    phases.iter().map(entries).sum()
}
