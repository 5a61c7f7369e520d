//! From an algorithm and its topologies to the steps of one joint period of its conditions, its coefficients and the
//! phases that it meets.

use super::facts::Facts;
use super::linear;
use super::timing::{LONGEST, Numbers};
use crate::model::algorithm::{Algorithm, ValueId, reachable};
use num_integer::Integer;
use std::collections::BTreeSet;

/// The steps before everything repeats, and those of a period.
pub(crate) struct Timeline {
    pub(crate) transient: Vec<Moment>,
    pub(crate) period: Vec<Moment>,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Bit c: whether condition c holds.
    pub(crate) mask: usize,
    /// Its number; steps of a period repeat those of its first cycle of conditions and coefficients.
    pub(crate) step: u64,
    /// How many steps before it communicated, up to multiples of the periods of all topologies that steps use.
    pub(crate) phase: u64,
}

impl Timeline {
    /// The timeline on which `coefficients` repeat as well; or why there is none.
    pub(crate) fn new(
        algorithm: &Algorithm,
        numbers: &Numbers,
        coefficients: &[ValueId],
        topologies: &[Facts],
    ) -> Result<Self, String> {
        if algorithm.asynchronous.is_some() {
            return Err("ranks that do not wait for each other make no steps in common".into());
        }
        let (start, cycle) = rhythm(algorithm, numbers, coefficients)?;
        let masks: Vec<usize> =
            (0..start + cycle).map(|step| mask(algorithm, numbers, step)).collect::<Result<_, _>>()?;
        let communicates: Vec<bool> =
            (0..algorithm.steps.len()).map(|mask| linear::communicates(algorithm, mask)).collect();
        let sends = |step: &u64| communicates[masks[*step as usize]];
        let needed = reachable(&algorithm.values, algorithm.steps.iter().flatten().copied());
        let used: BTreeSet<usize> = algorithm
            .values
            .iter()
            .zip(needed)
            .filter_map(|(value, needed)| value.kind.topology().filter(|_| needed))
            .collect();
        let used = topologies.iter().enumerate().filter(|(index, _)| used.contains(index));
        let phases = used.fold(1u64, |all, (_, facts)| all.lcm(&(facts.phases.len() as u64)));
        // After this number of cycles, these topologies are back at the phase in which the cycle started.
        let cycles = phases / phases.gcd(&((start..start + cycle).filter(sends).count() as u64));
        if cycles.checked_mul(cycle).is_none_or(|steps| steps > LONGEST) {
            return Err(format!(
                "phases and conditions repeat together after more than {LONGEST} steps, which is not followed"
            ));
        }
        let mut phase = 0;
        let mut moment = |step: u64| {
            let moment = Moment { mask: masks[step as usize], step, phase };
            phase = (phase + u64::from(sends(&step))) % phases;
            moment
        };
        let transient = (0..start).map(&mut moment).collect();
        let period = (0..cycles).flat_map(|_| start..start + cycle).map(moment).collect();
        Ok(Self { transient, period })
    }
}

/// When ranks send anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// In no step.
    Never,
    /// In none after this many steps.
    AtFirst(u64),
    /// Again and again, as far as it is known.
    Always,
}

/// When the ranks of an algorithm send anything.
pub(crate) fn sends(algorithm: &Algorithm) -> Sends {
    let communicates: Vec<bool> =
        (0..algorithm.steps.len()).map(|mask| linear::communicates(algorithm, mask)).collect();
    if !communicates.contains(&true) {
        return Sends::Never;
    }
    let numbers = Numbers::new(algorithm);
    let Ok((start, cycle)) = rhythm(algorithm, &numbers, &[]) else { return Sends::Always };
    let sends = |step: u64| mask(algorithm, &numbers, step).map_or(true, |mask| communicates[mask]);
    match (0..start + cycle).rev().find(|step| sends(*step)) {
        None => Sends::Never,
        Some(last) if last < start => Sends::AtFirst(last + 1),
        Some(_) => Sends::Always,
    }
}

/// The first step in which numbers are computed that do not exist, and what that is.
pub(crate) fn undefined(algorithm: &Algorithm) -> Option<String> {
    let numbers = Numbers::new(algorithm);
    let (start, cycle) = rhythm(algorithm, &numbers, &[]).unwrap_or((0, 1));
    (0..(start + cycle).clamp(2, LOOKED_AT)).find_map(|step| {
        let next = &algorithm.steps[mask(algorithm, &numbers, step).ok()?];
        let needed = reachable(&algorithm.values, next.iter().copied());
        let ids = (0..algorithm.values.len() as u32).map(ValueId).filter(|id| needed[id.0 as usize]);
        let what = ids.into_iter().find_map(|id| numbers.undefined(id, step))?;
        Some(match step {
            0 => format!("{what} in the first step, where `t` is 0: `t + 1` counts from 1"),
            step => format!("{what} in the step where `t` is {step}"),
        })
    })
}

/// Steps in which numbers are looked at.
const LOOKED_AT: u64 = 256;

/// From when on, and how often, conditions and coefficients repeat.
fn rhythm(algorithm: &Algorithm, numbers: &Numbers, coefficients: &[ValueId]) -> Result<(u64, u64), String> {
    let (mut start, mut cycle) = (0, 1u64);
    for condition in &algorithm.conditions {
        let Some((from, period)) = numbers.decides(*condition) else {
            return Err(format!("a condition of the step {}", numbers.irregularity(*condition)));
        };
        (start, cycle) = (start.max(from), cycle.lcm(&period));
    }
    // A coefficient that does not repeat matters only if it multiplies a state; then the map says so.
    for (from, period) in coefficients.iter().filter_map(|id| numbers.repeats(*id)) {
        (start, cycle) = (start.max(from), cycle.lcm(&period));
    }
    if start.max(cycle) > LONGEST {
        return Err(format!(
            "conditions and coefficients repeat together after more than {LONGEST} steps, which is not followed"
        ));
    }
    // As early as possible: what is common only since a later start would not have to shrink.
    let of_coefficients = |step: u64| -> Vec<_> {
        let repeating = coefficients.iter().filter(|id| numbers.repeats(**id).is_some());
        repeating.map(|id| numbers.value(*id, step)).collect()
    };
    let of_conditions = |step: u64| -> Vec<_> {
        algorithm.conditions.iter().map(|condition| numbers.holds(*condition, step)).collect()
    };
    let repeats = |step: u64| {
        of_conditions(step) == of_conditions(step + cycle)
            && of_coefficients(step) == of_coefficients(step + cycle)
    };
    let first = (0..start).rev().take_while(|step| repeats(*step)).last();
    Ok((first.unwrap_or(start), cycle))
}

/// Bit c: whether condition c holds.
fn mask(algorithm: &Algorithm, numbers: &Numbers, step: u64) -> Result<usize, String> {
    algorithm.conditions.iter().enumerate().try_fold(0, |mask, (bit, condition)| {
        match numbers.holds(*condition, step) {
            Some(holds) => Ok(mask | usize::from(holds) << bit),
            None => Err("a condition of the step has no value".into()),
        }
    })
}
