//! From a topology to the number of steps after which disagreement has shrunk below a tolerance.

use super::exact::ExactAfter;
use super::formed::Formed;
use super::ladder::{Course, Ladder};
use super::{Characters, Enclosure, Known, Maps, Method, Numbers, Source, fourier};
use bfc_schedule::MixingMatrix;

/// The tolerances that reports give.
pub(crate) const TOLERANCES: [f64; 2] = [1e-3, 1e-6];

/// Steps past which counting ends.
pub(crate) const LIMIT: u64 = 10_000_000;

/// A relative excess over the tolerance that an estimate takes for rounding, so that 0.1³ ≤ 0.001.
pub(crate) const SLACK: f64 = 1e-11;

/// What logarithms and powers round off, relatively, in what is compared with the tolerance.
const ROUNDING: f64 = 1e-13;

/// Ranks, and multiplications, for the proof of a count.
const PROVED: (u32, u64) = (1 << 10, 1 << 32);

/// A number of steps, `None` where there are more than 10⁷, and how far to trust it.
type Count = (Option<u64>, Method);

/// Phases whose steps are counted, and what is known of them.
pub(crate) struct Counted<'c> {
    pub(crate) phases: &'c [MixingMatrix],
    pub(crate) numbers: Numbers,
    pub(crate) source: &'c Source,
    pub(crate) known: Known,
    pub(crate) exact_after: ExactAfter,
    /// The phases as maps, where they have few enough entries.
    pub(crate) maps: &'c dyn Fn() -> Option<&'c Maps>,
}

/// The least k with ‖W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J‖₂ ≤ ε for each ε of [`TOLERANCES`].
pub(crate) fn rounds_to(counted: &Counted) -> [Count; 2] {
    TOLERANCES.map(|epsilon| match (steps(counted, epsilon), counted.exact_after) {
        // Rounding may hide what exact arithmetic knows: then there is J.
        ((found, method), ExactAfter::Steps(exact)) if found.is_none_or(|found| found > exact) => {
            (Some(exact), if method == Method::Exact { method } else { Method::Estimate })
        }
        (count, _) => count,
    })
}

fn steps(counted: &Counted, epsilon: f64) -> Count {
    let Counted { phases, numbers, known, .. } = counted;
    if phases[0].size() == 1 {
        return (Some(0), Method::Exact);
    }
    if known.averaging() && known.primitive == Some(false) {
        return (None, Method::Exact);
    }
    let contraction = numbers.period_contraction;
    let course = Course {
        is_monotone: known.averaging(),
        vanishes: known.column_stochastic && numbers.period_radius.value < 1.0,
    };
    let trusted = |found: Option<(u64, bool)>| match found {
        Some((steps, true)) => (Some(steps), Method::Enclosed),
        other => (other.map(|(steps, _)| steps), Method::Estimate),
    };
    match counted.source {
        Source::Normal => by_powers(contraction, epsilon),
        Source::Characters { .. } if phases.len() == 1 && known.row_stochastic => {
            by_powers(contraction, epsilon)
        }
        Source::Characters { characters, prefixes, errors, moduli } => {
            let within = |before| of_characters(characters, moduli, before, prefixes.len());
            let error = errors.last().copied().unwrap_or(f64::INFINITY);
            Prefixes(prefixes).certain(epsilon, error, known.averaging(), within)
        }
        Source::Fourier { prefixes, moduli } => {
            let enough = epsilon * (1.0 + SLACK);
            let within = |before| fourier::norms_within(phases, moduli, before);
            (Prefixes(prefixes).steps(enough, within), Method::Estimate)
        }
        Source::Dense(powers) if known.row_stochastic => trusted(powers.least_steps(epsilon, course)),
        Source::Permuted(powers) => trusted(powers.least_steps(epsilon, course)),
        Source::Dense(_) => (None, Method::Estimate),
        Source::Krylov { .. } => by_maps(counted, epsilon),
    }
}

/// By the products themselves, applied: counted where norms only fall, and proved where they can be formed as well.
fn by_maps(counted: &Counted, epsilon: f64) -> Count {
    let Counted { phases, numbers, known, .. } = counted;
    let Some(maps) = (counted.maps)().filter(|_| known.row_stochastic && known.column_stochastic) else {
        return (None, Method::Estimate);
    };
    let factor = numbers.period_radius.root(phases.len()).value;
    let (steps, is_counted) = maps.least_steps(epsilon, factor);
    let is_proved = |steps| known.averaging() && is_least(phases, steps, epsilon);
    match steps.filter(|steps| is_counted && is_proved(*steps)) {
        Some(steps) => (Some(steps), Method::Enclosed),
        None => (steps, Method::Estimate),
    }
}

/// Whether the product of the first `steps` averaging phases is proved to be at most ε from J, and that of one less is not.
fn is_least(phases: &[MixingMatrix], steps: u64, epsilon: f64) -> bool {
    let size = phases[0].size();
    let entries = super::edges(phases).div_ceil(phases.len() as u64) * u64::from(size);
    if size > PROVED.0 || steps.saturating_mul(entries) > PROVED.1 {
        return false;
    }
    let formed = Formed::new(phases, true);
    formed.is_least(&formed.after(steps - 1), steps, epsilon)
}

/// The least k with xᵏ ≤ ε for a number x; certain where both of its bounds agree.
fn by_powers(x: Enclosure, epsilon: f64) -> Count {
    let steps = powers_until(x.value, epsilon, SLACK);
    if x.method == Method::Exact && (x.value == 0.0 || x.value == 1.0) {
        return (steps, Method::Exact);
    }
    let from_below = powers_until(x.low.max(0.0), epsilon, ROUNDING);
    let is_certain = x.method != Method::Estimate
        && powers_until(x.high, epsilon, -ROUNDING) == steps
        && from_below == steps;
    match x.method {
        _ if is_certain => (steps, Method::Enclosed),
        Method::AtLeast => (from_below, Method::AtLeast),
        _ => (steps, Method::Estimate),
    }
}

/// The least k ≥ 1 with xᵏ ≤ ε (1 + slack), within [`LIMIT`].
fn powers_until(x: f64, epsilon: f64, slack: f64) -> Option<u64> {
    let enough = epsilon * (1.0 + slack);
    if x <= enough {
        return Some(1);
    }
    let exponent = (enough.ln() / x.ln()).ceil();
    (x < 1.0 && exponent <= LIMIT as f64).then_some(exponent as u64)
}

/// Norms after 1, 2, … steps of a period of phases that are diagonal in the characters.
struct Prefixes<'s>(&'s [f64]);

impl Prefixes<'_> {
    /// For moduli at most 1 the answer lies in the period in which the whole products pass the tolerance; `within` gives the
    /// norms of that period after the whole ones before it.
    fn steps(&self, enough: f64, within: impl Fn(Periods) -> Vec<f64>) -> Option<u64> {
        if let Some(first) = self.0.iter().position(|norm| *norm <= enough) {
            return Some(first as u64 + 1);
        }
        let period = self.0.len() as u64;
        let periods = powers_until(*self.0.last()?, enough, 0.0)?;
        if period == 1 {
            return Some(periods);
        }
        let before = Periods { count: (periods - 1) as f64, enough };
        let position = within(before).iter().position(|norm| *norm <= enough)? as u64;
        Some((periods - 1) * period + position + 1).filter(|&steps| steps <= LIMIT)
    }

    /// The count, and whether it stays what it is when all norms move by their errors, that of a period being given.
    fn certain(
        &self,
        epsilon: f64,
        error: f64,
        averages: bool,
        within: impl Fn(Periods) -> Vec<f64>,
    ) -> Count {
        let steps = |factor: f64| self.steps(epsilon * factor, &within);
        let found = steps(1.0 + SLACK);
        // How far off, relatively, the norms near the tolerance are: errors of whole periods add up, and those of the last
        // period are at most `error` ε / `last`.
        let last = self.0.last().copied().unwrap_or(1.0);
        let periods = found.map_or(0, |steps| (steps - 1) / self.0.len() as u64) as f64;
        let of_periods = if periods > 0.0 { (periods + 2.0) / last } else { 0.0 };
        let relative = 2.0 * error * (of_periods + 1.0 / epsilon) + ROUNDING;
        let is_certain = averages
            && relative < 0.1
            && found.is_some()
            && steps(1.0 - relative) == found
            && steps(1.0 + relative) == found;
        (found, if is_certain { Method::Enclosed } else { Method::Estimate })
    }
}

/// Whole periods that are done, and the norm that one more brings about.
#[derive(Clone, Copy)]
pub(crate) struct Periods {
    pub(crate) count: f64,
    pub(crate) enough: f64,
}

impl Periods {
    /// Only characters that have not passed the tolerance by now matter: the modulus of those, to the power of the periods.
    pub(crate) fn left_of(&self, modulus: f64) -> Option<f64> {
        let left = modulus.powf(self.count);
        (left > self.enough).then_some(left)
    }
}

/// The norms after 1, 2, … phases of one more period.
fn of_characters(characters: &Characters, moduli: &[f64], before: Periods, period: usize) -> Vec<f64> {
    let mut norms = vec![0.0f64; period];
    for (character, modulus) in (1..).zip(moduli) {
        let Some(mut product) = before.left_of(*modulus) else { continue };
        for (norm, value) in norms.iter_mut().zip(characters.at(character)) {
            product *= value.re.hypot(value.im);
            *norm = norm.max(product);
        }
    }
    norms
}
