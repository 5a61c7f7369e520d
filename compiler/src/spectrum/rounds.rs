//! From a spectrum to the number of steps after which disagreement has shrunk below a tolerance.

use super::dense;
use super::dense::Rows;
use super::{Characters, Enclosure, Known, Method, Numbers, Source};
use bfc_algebra::lanczos::extreme_eigenvalues;
use bfc_algebra::reproducible::center;
use bfc_algebra::{Mat, apply, multiply};
use bfc_schedule::MixingMatrix;

/// The tolerances that reports give.
pub(crate) const TOLERANCES: [f64; 2] = [1e-3, 1e-6];

/// Steps of the recurrence that finds a norm, at most.
const NORM_STEPS: usize = 128;

/// Steps past which counting ends.
const LIMIT: u64 = 10_000_000;

/// A relative excess over the tolerance that an estimate takes for rounding, so that 0.1³ ≤ 0.001.
const SLACK: f64 = 1e-11;

/// What logarithms and powers round off, relatively, in what is compared with the tolerance.
const ROUNDING: f64 = 1e-13;

/// The least k with ‖W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J‖₂ ≤ ε for each ε of [`TOLERANCES`], `None` where there is none up to 10⁷, and how
/// far to trust them.
pub(crate) fn rounds_to(
    phases: &[MixingMatrix],
    numbers: &Numbers,
    source: &Source,
    known: &Known,
) -> [(Option<u64>, Method); 2] {
    if phases[0].size() == 1 {
        return [(Some(0), Method::Exact); 2];
    }
    if known.averaging() && known.primitive == Some(false) {
        return [(None, Method::Exact); 2];
    }
    let contraction = numbers.period_contraction;
    match source {
        Source::Normal => TOLERANCES.map(|epsilon| by_powers(contraction, epsilon)),
        Source::Characters { .. } if phases.len() == 1 && known.row_stochastic => {
            TOLERANCES.map(|epsilon| by_powers(contraction, epsilon))
        }
        Source::Characters { characters, prefixes, errors, moduli } => {
            let last = prefixes.last().copied().unwrap_or(1.0);
            let error = errors.last().copied().unwrap_or(f64::INFINITY);
            TOLERANCES.map(|epsilon| {
                let steps = |factor: f64| by_moduli(characters, prefixes, moduli, epsilon * factor);
                let found = steps(1.0 + SLACK);
                // How far off, relatively, the norms near the tolerance are: errors of whole periods add up, and those of
                // the last period are at most `error` ε / `last`.
                let periods = found.unwrap_or(0) as f64 / prefixes.len() as f64 + 2.0;
                let relative = 2.0 * error * (periods / last + 1.0 / epsilon) + ROUNDING;
                let is_certain = known.averaging()
                    && relative < 0.1
                    && found.is_some()
                    && steps(1.0 - relative) == found
                    && steps(1.0 + relative) == found;
                (found, if is_certain { Method::Enclosed } else { Method::Estimate })
            })
        }
        Source::Dense if known.row_stochastic => {
            let rows: Vec<Rows> = phases.iter().map(Rows::new).collect();
            let period = after(&dense::disagreement(rows[0].rows.len()).0, &rows);
            TOLERANCES.map(|epsilon| (by_products(&rows, &period, numbers, known, epsilon), Method::Estimate))
        }
        Source::Dense | Source::Krylov { .. } => {
            let radius = if known.row_stochastic && known.column_stochastic {
                numbers.period_radius.value
            } else {
                1.0
            };
            let steps = |epsilon| Some(powers_until(radius, epsilon, SLACK)? * phases.len() as u64);
            TOLERANCES.map(|epsilon| (steps(epsilon).filter(|&steps| steps <= LIMIT), Method::Estimate))
        }
    }
}

/// The least k with xᵏ ≤ ε for a number x; certain where both of its bounds agree.
fn by_powers(x: Enclosure, epsilon: f64) -> (Option<u64>, Method) {
    let steps = powers_until(x.value, epsilon, SLACK);
    if x.method == Method::Exact && (x.value == 0.0 || x.value == 1.0) {
        return (steps, Method::Exact);
    }
    let is_certain = x.method != Method::Estimate
        && powers_until(x.high, epsilon, -ROUNDING) == steps
        && powers_until(x.low.max(0.0), epsilon, ROUNDING) == steps;
    (steps, if is_certain { Method::Enclosed } else { Method::Estimate })
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

/// For eigenvalues by character. For moduli at most 1 the answer lies in the period in which the whole products pass
/// the tolerance; only characters that have not passed it by the period before matter there.
fn by_moduli(characters: &Characters, prefixes: &[f64], moduli: &[f64], enough: f64) -> Option<u64> {
    if let Some(first) = prefixes.iter().position(|norm| *norm <= enough) {
        return Some(first as u64 + 1);
    }
    let period = prefixes.len() as u64;
    let periods = powers_until(*prefixes.last()?, enough, 0.0)?;
    if period == 1 {
        return Some(periods);
    }
    let before = (periods - 1) as f64;
    let last = enough.powf(1.0 / before);
    let mut norms = vec![0.0f64; prefixes.len()];
    for (character, modulus) in (1..).zip(moduli).filter(|(_, modulus)| **modulus > last) {
        let mut product = modulus.powf(before);
        for (norm, value) in norms.iter_mut().zip(characters.at(character)) {
            product *= value.re.hypot(value.im);
            *norm = norm.max(product);
        }
    }
    let within = norms.iter().position(|norm| *norm <= enough)? as u64;
    Some((periods - 1) * period + within + 1).filter(|&steps| steps <= LIMIT)
}

/// By dense products, of which that of a period is given: the periods by repeated squaring, then the steps of the last.
fn by_products(
    rows: &[Rows],
    product: &Mat<f64>,
    numbers: &Numbers,
    known: &Known,
    epsilon: f64,
) -> Option<u64> {
    let period = rows.len() as u64;
    let monotone = known.averaging();
    let (start, _) = dense::disagreement(rows[0].rows.len());
    if (!monotone || below(product, epsilon))
        && let Some(steps) = first_below(rows, start.clone(), epsilon, monotone)
    {
        return Some(steps);
    }
    if !(known.column_stochastic && numbers.period_radius.value < 1.0) {
        return None;
    }
    let mut powers = vec![product.clone()];
    loop {
        let last = powers.last().expect("never empty");
        if below(last, epsilon) {
            break;
        }
        if (1u64 << powers.len()) * period > 2 * LIMIT {
            return None;
        }
        powers.push(multiply(last.as_ref(), last.as_ref()));
    }
    let (mut done, mut periods) = (start, 0u64);
    for (bit, power) in powers.iter().enumerate().rev() {
        let further = multiply(power.as_ref(), done.as_ref());
        if !below(&further, epsilon) {
            done = further;
            periods += 1 << bit;
        }
    }
    let steps = periods * period + first_below(rows, done, epsilon, monotone)?;
    Some(steps).filter(|&steps| steps <= LIMIT)
}

/// The product of phases, applied to `start`.
fn after(start: &Mat<f64>, phases: &[Rows]) -> Mat<f64> {
    phases.iter().fold(start.clone(), |product, phase| phase.times(&product))
}

/// How many steps of one period bring `start` to the tolerance; by halving where no step lets norms grow and the whole
/// period is enough.
fn first_below(rows: &[Rows], start: Mat<f64>, epsilon: f64, monotone: bool) -> Option<u64> {
    if monotone {
        let (mut done, mut from, mut to) = (start, 0, rows.len());
        while to - from > 1 {
            let middle = (from + to) / 2;
            let product = after(&done, &rows[from..middle]);
            match below(&product, epsilon) {
                true => to = middle,
                false => (done, from) = (product, middle),
            }
        }
        return Some(to as u64);
    }
    let mut product = start;
    for (step, phase) in (1..).zip(rows) {
        product = phase.times(&product);
        if below(&product, epsilon) {
            return Some(step);
        }
    }
    None
}

/// ‖A‖₂ ≤ ε, from ‖A‖_F where that decides.
fn below(matrix: &Mat<f64>, epsilon: f64) -> bool {
    let n = matrix.nrows();
    let frobenius = matrix.norm_l2();
    if frobenius <= epsilon {
        return true;
    }
    if frobenius > epsilon * (n as f64).sqrt() {
        return false;
    }
    let gram = |x: &[f64]| apply(matrix.transpose(), &apply(matrix.as_ref(), x));
    extreme_eigenvalues(n, NORM_STEPS, gram, center).1.max(0.0).sqrt() <= epsilon * (1.0 + SLACK)
}
