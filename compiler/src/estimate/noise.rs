//! From a topology to its effective number of neighbours: how much of independent noise averaging takes away.
//!
//! In z ← W (√γ z + ξ) with ξ of variance 1, ranks that never mix have the variance 1/(1 − γ) in the end; what they have with
//! W, as the mean over ranks and a period, is that divided by the number (Vogels, Hendrikx, Jaggi, Beyond spectral gap: the
//! role of the topology in decentralized learning, 2022). It is tr C/n with C ← W (γ C + 1) Wᵀ, and falls into one
//! recursion for each character where phases share them.

use crate::prove::facts::Facts;
use crate::spectrum::dense::Rows;
use crate::spectrum::group_spectrum::Characters;
use crate::spectrum::{Enclosure, GENERAL_LIMIT, Ladder, Permuted, Source, UNIT, edges};
use bfc_algebra::Mat;

/// The part of a value that is left after a step, in a report that does not say otherwise.
pub const MEMORY: f64 = 0.9;

/// How much of noise is still there when a recursion that forgets it ends, relatively.
const FORGOTTEN: f64 = 1e-16;

/// Operations of a recursion.
const BUDGET: f64 = (1u64 << 31) as f64;

/// The number for a memory γ in [0, 1); `None` where rows do not sum to 1, noise grows, or there are too many ranks.
pub(crate) fn effective_neighbours(facts: &Facts, memory: f64) -> Option<Enclosure> {
    facts.row_stochastic().as_ref().ok()?;
    let size = f64::from(facts.size());
    let alone = 1.0 / (1.0 - memory);
    let variance = match &facts.spectrum().source {
        _ if facts.size() == 1 => return Some(Enclosure::exact(1.0)),
        Source::Characters { characters, .. } => of_characters(characters, facts.phases.len(), memory)?,
        Source::Permuted(powers) if facts.known().averaging() => of_permuted(&powers.ladder, memory)?,
        Source::Normal if facts.has_all_eigenvalues() => of_eigenvalues(facts, memory)?,
        _ if facts.size() <= GENERAL_LIMIT => {
            return Some(Enclosure::estimate(alone * size / of_products(facts, memory)?));
        }
        _ => return None,
    };
    let [value, low, high] = [variance.value, variance.high, variance.low].map(|sum| alone * size / sum);
    Some(Enclosure { value, low: low.next_down(), high: high.next_up(), method: variance.method })
}

/// The variances of a mode in the steps of a period, added up, from the squares of its eigenvalues.
fn of_mode(squares: &[f64], memory: f64) -> Option<f64> {
    let step = |variance: f64, square: &f64| square * (memory * variance + 1.0);
    let fresh = squares.iter().fold(0.0, step);
    let kept = squares.iter().fold(1.0, |kept, square| kept * memory * square);
    if kept.is_nan() || kept >= 1.0 {
        return None;
    }
    let mut variance = fresh / (1.0 - kept);
    let mut sum = 0.0;
    for square in squares {
        variance = step(variance, square);
        sum += variance;
    }
    Some(sum)
}

/// A sum over modes of something that grows with the moduli of eigenvalues and is convex in them: so an error below moves it
/// less than one above. `terms` are roundings of each of its terms.
fn enclosed(value: f64, above: f64, terms: f64) -> Enclosure {
    Enclosure::around(value, (above - value).max(0.0) + terms * 4.0 * UNIT * above)
}

fn of_characters(characters: &Characters, period: usize, memory: f64) -> Option<Enclosure> {
    let alone = period as f64 / (1.0 - memory);
    let mut sums = Some([alone; 2]);
    let errors: Vec<f64> = (0..period).map(|phase| characters.error(phase)).collect();
    let mut squares = [vec![0.0; period], vec![0.0; period]];
    characters.each(|character, values| {
        for (phase, value) in values.iter().enumerate() {
            let modulus = value.re.hypot(value.im);
            squares[0][phase] = modulus * modulus;
            squares[1][phase] = (modulus + errors[phase]).powi(2);
        }
        let count = characters.multiplicity(character);
        sums = sums.and_then(|[value, above]| {
            Some([
                value + count * of_mode(&squares[0], memory)?,
                above + count * of_mode(&squares[1], memory)?,
            ])
        });
        sums.is_some()
    });
    let [value, above] = sums?.map(|sum| sum / period as f64);
    Some(enclosed(value, above, (characters.count() + 8 * period) as f64))
}

fn of_eigenvalues(facts: &Facts, memory: f64) -> Option<Enclosure> {
    let eigenvalues = facts.eigenvalues()?;
    let mut sums = [1.0 / (1.0 - memory); 2];
    for (value, count) in eigenvalues.others() {
        for (sum, error) in sums.iter_mut().zip([0.0, 3.0 * eigenvalues.error]) {
            *sum += f64::from(count) * of_mode(&[(value.abs() + error).powi(2)], memory)?;
        }
    }
    Some(enclosed(sums[0], sums[1], (eigenvalues.values.len() + 8) as f64))
}

/// How many steps forget what was before, in whole periods.
fn steps(memory: f64, period: usize) -> f64 {
    let steps = if memory == 0.0 { 1.0 } else { FORGOTTEN.ln() / memory.ln() };
    (steps / period as f64).ceil() * period as f64
}

fn of_permuted(permuted: &Permuted, memory: f64) -> Option<Enclosure> {
    let period = permuted.period() as usize;
    let steps = steps(memory, period);
    let size = permuted.size();
    if (steps + period as f64) * size as f64 * 8.0 > BUDGET {
        return None;
    }
    let run = |with_error: bool| {
        let mut noise = vec![0.0; size];
        let mut sum = 0.0;
        for step in 0..steps as usize + period {
            noise = permuted.noise_after(step % period, memory, &noise, with_error);
            if step >= steps as usize {
                sum += noise.iter().sum::<f64>() / period as f64;
            }
        }
        sum
    };
    Some(enclosed(run(false), run(true), size as f64 + steps))
}

/// By the covariances of all ranks.
fn of_products(facts: &Facts, memory: f64) -> Option<f64> {
    let (n, period) = (facts.size() as usize, facts.phases.len());
    let burn_in = steps(memory, period) as usize;
    let each = 2.0 * n as f64 * (edges(facts.phases) as f64 / period as f64 + n as f64);
    if (burn_in + period) as f64 * each > BUDGET {
        return None;
    }
    let rows: Vec<Rows> = facts.phases.iter().map(Rows::new).collect();
    let mut covariance = Mat::zeros(n, n);
    let mut of_periods = [0.0; 2];
    for step in 0..burn_in + period {
        let phase = step % period;
        let noisy = Mat::from_fn(n, n, |i, j| memory * covariance[(i, j)] + f64::from(u8::from(i == j)));
        covariance = rows[phase].times(&rows[phase].times(&noisy).transpose().to_owned());
        if phase == 0 {
            of_periods = [of_periods[1], 0.0];
        }
        of_periods[1] += (0..n).map(|i| covariance[(i, i)]).sum::<f64>() / period as f64;
    }
    let [before, last] = of_periods;
    // Where norms are not known to be at most 1, noise may grow.
    let is_steady = facts.known().averaging() || (last - before).abs() <= 1e-9 * last;
    (is_steady && last.is_finite()).then_some(last)
}
