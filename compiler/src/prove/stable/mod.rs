//! From an algorithm and its topologies to whether it is stable: with gradients held constant, the step is a linear
//! map of the states, and its radius on the disagreement, over the joint period of phases and conditions, is below 1.
//!
//! The states fall into parts that feed each other (strongly connected components of the dependence of states on
//! states); the map is block triangular, so its radius is the largest of its parts'. What couples different parts, as
//! a step size does, has no influence. A state that no step changes is a constant, and one that is computed from numbers
//! and averages alone is the same on all ranks.
//! Inputs have their defaults, and the verdict says so where one multiplies a state; the trainer's optimizer is a constant
//! step.

use super::Verdict;
use super::facts::Facts;
use super::linear;
use super::linear::{Form, Polynomial};
use super::radius;
use super::radius::Block;
use super::timeline;
use super::timeline::{Moment, Timeline};
use super::timing::Numbers;
use crate::model::algorithm::{Algorithm, ValueKind};
use bfc_schedule::Rational;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the algorithm is stable on these topologies.
pub(super) fn stable(algorithm: &Algorithm, topologies: &[Facts]) -> Verdict {
    if topologies.first().is_some_and(|facts| facts.size() == 1) {
        return Verdict::proved("one rank has no disagreement");
    }
    if let Some(undefined) = timeline::undefined(algorithm) {
        return Verdict::refuted(undefined);
    }
    match Schedule::new(algorithm, topologies) {
        Ok(schedule) => schedule.verdict(algorithm, topologies),
        Err(reason) => Verdict::undecided(reason),
    }
}

/// The maps of the steps of a joint period.
struct Schedule {
    maps: Vec<Vec<Form>>,
    /// Which map, and after how many steps that communicate.
    steps: Vec<(usize, u64)>,
}

impl Schedule {
    fn new(algorithm: &Algorithm, topologies: &[Facts]) -> Result<Self, String> {
        let numbers = Numbers::new(algorithm);
        let coefficients = linear::coefficients(algorithm, &numbers);
        let timeline = Timeline::new(algorithm, &numbers, &coefficients, topologies)?;
        let shares: Vec<_> = topologies.iter().map(Facts::share).collect();
        let mut schedule = Self { maps: vec![], steps: vec![] };
        let mut known: BTreeMap<(usize, Vec<Option<Rational>>), usize> = BTreeMap::new();
        for Moment { mask, step, phase } in timeline.period {
            let values =
                coefficients.iter().map(|id| numbers.repeats(*id).and_then(|_| numbers.value(*id, step)));
            let key = (mask, values.collect());
            let map = match known.get(&key) {
                Some(map) => *map,
                None => {
                    schedule.maps.push(linear::step_map(algorithm, &numbers, &shares, mask, step)?);
                    known.insert(key, schedule.maps.len() - 1);
                    schedule.maps.len() - 1
                }
            };
            schedule.steps.push((map, phase));
        }
        Ok(schedule)
    }

    fn verdict(&self, algorithm: &Algorithm, topologies: &[Facts]) -> Verdict {
        let mut open = None;
        let mut evidence = vec![];
        for part in self.parts(algorithm) {
            let defaults = self.defaults(&part, algorithm);
            let names = format!("{}{defaults}", named(&part, algorithm));
            match self.part_verdict(&part, algorithm, topologies) {
                Verdict::Refuted { evidence } => return Verdict::refuted(format!("for {names}, {evidence}")),
                Verdict::NotDecided { reason } => open = open.or(Some(format!("for {names}, {reason}"))),
                verdict => match verdict.evidence() {
                    "" if !defaults.is_empty() => evidence.push(format!("for {names}")),
                    "" => {}
                    numbers => evidence.push(format!("for {names}, {numbers}")),
                },
            }
        }
        match open {
            Some(reason) => Verdict::undecided(reason),
            None => Verdict::proved(evidence.join("; ")),
        }
    }

    /// The inputs that the map of a part, or when it applies, depends on, with their values.
    fn defaults(&self, part: &[usize], algorithm: &Algorithm) -> String {
        let numbers = Numbers::new(algorithm);
        let conditions = algorithm.conditions.iter().flat_map(|condition| numbers.inputs(*condition));
        let entries = self.maps.iter().flat_map(|map| part.iter().flat_map(|a| map[*a].terms.iter()));
        let inside = entries.filter(|(b, _)| part.contains(b)).flat_map(|(_, polynomial)| &polynomial.inputs);
        let used: BTreeSet<u16> = conditions.chain(inside).copied().collect();
        let default = |index: &u16| {
            let input = &algorithm.inputs[usize::from(*index)];
            format!("`{}` = {}", input.name, input.default)
        };
        match used.is_empty() {
            true => String::new(),
            false => format!(" with {}", used.iter().map(default).collect::<Vec<_>>().join(" and ")),
        }
    }

    /// The states that some step changes, in parts that feed each other, each ascending.
    fn parts(&self, algorithm: &Algorithm) -> Vec<Vec<usize>> {
        let kept = |state: usize| {
            algorithm.steps.iter().all(|next| algorithm.value(next[state]).kind == ValueKind::State(state))
        };
        let common = common_states(algorithm);
        let changes: Vec<bool> =
            (0..algorithm.states.len()).map(|state| !kept(state) && !common[state]).collect();
        let mut graph = DiGraph::<(), ()>::new();
        let nodes: Vec<_> = changes.iter().map(|_| graph.add_node(())).collect();
        for map in &self.maps {
            for (state, form) in map.iter().enumerate() {
                for from in form.terms.keys().chain(&form.directions).filter(|from| changes[**from]) {
                    graph.update_edge(nodes[*from], nodes[state], ());
                }
            }
        }
        let mut parts: Vec<Vec<usize>> = petgraph::algo::kosaraju_scc(&graph)
            .into_iter()
            .map(|part| part.into_iter().map(|node| node.index()).filter(|state| changes[*state]).collect())
            .filter(|part: &Vec<usize>| !part.is_empty())
            .collect();
        parts.iter_mut().for_each(|part| part.sort_unstable());
        parts.sort();
        parts
    }

    fn part_verdict(&self, part: &[usize], algorithm: &Algorithm, topologies: &[Facts]) -> Verdict {
        let inside = |state: &usize| part.contains(state);
        for state in part {
            if let Some(direction) =
                self.maps.iter().flat_map(|map| &map[*state].directions).find(|d| inside(d))
            {
                return Verdict::undecided(format!(
                    "the trainer's optimizer follows `{}`, which depends on its result",
                    algorithm.states[*direction].name
                ));
            }
        }
        let entries = |map: &Vec<Form>| {
            let row = |a: &usize| {
                part.iter().map(|b| map[*a].terms.get(b).cloned().unwrap_or_default()).collect::<Vec<_>>()
            };
            part.iter().flat_map(row).collect()
        };
        let block = Block {
            size: part.len(),
            variants: self.maps.iter().map(entries).collect(),
            steps: self.steps.clone(),
        };
        // A step that sets all states of the part afresh ends what came before.
        if block.steps.iter().any(|(variant, _)| block.variants[*variant].iter().all(Polynomial::is_zero)) {
            return Verdict::proved("");
        }
        let words = block.variants.iter().flatten().flat_map(|polynomial| polynomial.terms.keys()).flatten();
        for topology in words.copied().collect::<BTreeSet<_>>() {
            let Some(facts) = topologies.get(topology) else {
                return Verdict::undecided("a topology is missing");
            };
            if let Err(rows) = facts.row_stochastic() {
                return Verdict::undecided(format!("W does not keep agreement: {rows}"));
            }
        }
        radius::decide(&block, topologies)
    }
}

/// How many states of a part are named.
const MAX_NAMED: usize = 4;

/// The states of a part, the first of many.
fn named(part: &[usize], algorithm: &Algorithm) -> String {
    let shown = if part.len() > MAX_NAMED { MAX_NAMED - 1 } else { part.len() };
    let names: Vec<&str> = part[..shown].iter().map(|state| algorithm.states[*state].name.as_str()).collect();
    match part.len() - shown {
        0 => format!("`{}`", names.join("`, `")),
        others => format!("`{}` and {others} more", names.join("`, `")),
    }
}

/// For every state whether it is the same on all ranks whatever the trainer answers: all that it starts with and becomes
/// are numbers, averages and states of this kind.
fn common_states(algorithm: &Algorithm) -> Vec<bool> {
    let mut common = vec![true; algorithm.states.len()];
    loop {
        let mut same: Vec<bool> = Vec::with_capacity(algorithm.values.len());
        for value in &algorithm.values {
            same.push(match &value.kind {
                ValueKind::Average(_) => true,
                ValueKind::State(state) => common[*state],
                ValueKind::Apply(_, operands) => operands.iter().all(|operand| same[operand.0 as usize]),
                _ => false,
            });
        }
        let next: Vec<bool> = (0..common.len())
            .map(|state| {
                let initial = algorithm.states[state].initial;
                let mut values = algorithm.steps.iter().map(|next| next[state]).chain([initial]);
                values.all(|id| same[id.0 as usize])
            })
            .collect();
        if next == common {
            return common;
        }
        common = next.iter().zip(&common).map(|(a, b)| *a && *b).collect();
    }
}
