//! From an algorithm and its topologies to whether it is stable: with gradients held constant, the step is a linear
//! map of the states, and what is not agreement shrinks under it, over the joint period of phases and conditions.
//!
//! What of each state has to shrink is found first (see [`spaces`]). The states then fall into parts that feed each other
//! (strongly connected components of the dependence of states on states); the map is block triangular, so its radius is
//! the largest of its parts'. What couples different parts, as a step size does, has no influence.
//! Inputs have their defaults, and the verdict says so where one multiplies a state; the trainer's optimizer is a constant
//! step.

mod mean;
mod parts;
mod spaces;

pub(super) use spaces::Space;

use super::Verdict;
use super::compressed;
use super::facts::Facts;
use super::linear::{self, Form, Linear, Map};
use super::operators::{self, Derived, Operators};
use super::timeline::{self, Moment, Timeline};
use super::timing::Numbers;
use crate::model::algorithm::Algorithm;
use bfc_schedule::Rational;
use mean::Mean;
use parts::Parts;
use spaces::{Agreement, Unclear};
use std::collections::BTreeMap;

/// Whether the algorithm is stable on these topologies.
pub(super) fn stable(algorithm: &Algorithm, topologies: &[Facts]) -> Verdict {
    if topologies.first().is_some_and(|facts| facts.size() == 1) {
        return Verdict::proved("one rank has no disagreement");
    }
    let algorithm = operators::with_equal_degrees(algorithm, topologies);
    if let Some(undefined) = timeline::undefined(&algorithm) {
        return Verdict::refuted(undefined);
    }
    let verdict =
        with_system(&algorithm, topologies, |system| system.verdict()).unwrap_or_else(Verdict::undecided);
    match verdict {
        Verdict::NotDecided { .. } => compressed::stable(&algorithm, topologies).unwrap_or(verdict),
        decided => decided,
    }
}

/// How the states grow where all ranks agree, in words; `None` where they do not, or it is not known.
pub(super) fn growth(algorithm: &Algorithm, topologies: &[Facts]) -> Option<String> {
    let algorithm = operators::with_equal_degrees(algorithm, topologies);
    let growth = |system: &System| {
        let agreement = Agreement::new(system, Unclear::Differing).ok()?;
        Mean::new(system, &agreement)?.growth(&algorithm)
    };
    with_system(&algorithm, topologies, growth).ok().flatten()
}

fn with_system<T>(
    algorithm: &Algorithm,
    topologies: &[Facts],
    judge: impl FnOnce(&System) -> T,
) -> Result<T, String> {
    let missing = |k: usize| k >= topologies.len();
    if algorithm.values.iter().any(|value| value.kind.topology().is_some_and(missing)) {
        return Err("a topology is missing".into());
    }
    let derived = Derived::new(algorithm, topologies);
    let facts = derived.facts();
    let operators = Operators::new(topologies, &derived, &facts);
    let numbers = Numbers::new(algorithm);
    let linear = Linear { algorithm, numbers: &numbers, operators: &operators };
    System::new(linear, topologies).map(|system| judge(&system))
}

/// The maps of the steps of an algorithm.
struct System<'a> {
    algorithm: &'a Algorithm,
    numbers: &'a Numbers<'a>,
    operators: &'a Operators<'a>,
    maps: Vec<Map>,
    /// The steps before all repeats: which map, and after how many steps that communicate.
    transient: Vec<(usize, u64)>,
    /// Those of the joint period.
    period: Vec<(usize, u64)>,
}

impl<'a> System<'a> {
    fn new(linear: Linear<'a>, topologies: &[Facts]) -> Result<Self, String> {
        let Linear { algorithm, numbers, operators } = linear;
        let coefficients = linear::coefficients(algorithm, numbers);
        let timeline = Timeline::new(algorithm, numbers, &coefficients, topologies)?;
        let mut maps = vec![];
        let mut known: BTreeMap<(usize, Vec<Option<Rational>>), usize> = BTreeMap::new();
        let mut place = |Moment { mask, step, phase }: Moment| {
            let values =
                coefficients.iter().map(|id| numbers.repeats(*id).and_then(|_| numbers.value(*id, step)));
            let map = *known.entry((mask, values.collect())).or_insert_with(|| {
                maps.push(linear.step_map(mask, step));
                maps.len() - 1
            });
            (map, phase)
        };
        let transient = timeline.transient.into_iter().map(&mut place).collect();
        let period = timeline.period.into_iter().map(&mut place).collect();
        Ok(Self { algorithm, numbers, operators, maps, transient, period })
    }

    /// The rows of a map; or why one is not linear.
    fn forms(&self, map: usize) -> Result<Vec<&Form>, String> {
        self.maps[map].iter().map(|row| row.as_ref().map_err(String::clone)).collect()
    }

    /// What holds whether or not constants of different ranks cancel.
    fn verdict(&self) -> Verdict {
        match self.verdict_where(Unclear::Differing) {
            Verdict::Refuted { evidence } => match self.verdict_where(Unclear::Common) {
                Verdict::Refuted { .. } => Verdict::refuted(evidence),
                _ => Verdict::undecided(
                    "whether states that start the same stay so depends on what operators make of constants",
                ),
            },
            verdict => verdict,
        }
    }

    fn verdict_where(&self, unclear: Unclear) -> Verdict {
        let agreement = match Agreement::new(self, unclear) {
            Ok(agreement) => agreement,
            Err(reason) => return Verdict::undecided(reason),
        };
        let mean = Mean::new(self, &agreement);
        let parts = match Parts::new(self, &agreement) {
            Ok(parts) => parts,
            Err(reason) => return Verdict::undecided(reason),
        };
        match (parts.verdict(), mean) {
            (Verdict::Proved { .. }, Some(mean)) if mean.grows() && self.is_followed() => Verdict::undecided(
                "the trainer's optimizer follows a direction, and where ranks agree states grow without bound",
            ),
            (Verdict::Proved { evidence }, Some(mean)) => {
                let all = [evidence, mean.evidence()];
                let all: Vec<String> = all.into_iter().filter(|text| !text.is_empty()).collect();
                Verdict::proved(all.join("; "))
            }
            (verdict, _) => verdict,
        }
    }

    /// Whether the trainer's optimizer follows a direction that depends on states.
    fn is_followed(&self) -> bool {
        self.maps.iter().flatten().flatten().any(|form| !form.directions.is_empty())
    }
}

/// How many states are named.
const MAX_NAMED: usize = 4;

/// The names of states, the first of many.
fn named(states: &[usize], algorithm: &Algorithm) -> String {
    let shown = if states.len() > MAX_NAMED { MAX_NAMED - 1 } else { states.len() };
    let names: Vec<&str> =
        states[..shown].iter().map(|state| algorithm.states[*state].name.as_str()).collect();
    match states.len() - shown {
        0 => format!("`{}`", names.join("`, `")),
        others => format!("`{}` and {others} more", names.join("`, `")),
    }
}
