//! The parts of a system, states that feed each other, and the verdict on each.

use super::spaces::{Agreement, Space};
use super::{System, named};
use crate::prove::Verdict;
use crate::prove::linear::{Form, Polynomial};
use crate::prove::operators::Operators;
use crate::prove::radius::{self, Block};
use crate::prove::timing::Numbers;
use petgraph::graph::DiGraph;
use std::collections::BTreeSet;

/// A system taken apart.
pub(super) struct Parts<'a> {
    system: &'a System<'a>,
    spaces: &'a [Space],
    /// The maps of the period without what vanishes in the spaces; empty where the period does not use them.
    maps: Vec<Vec<Form>>,
    /// The steps of the period: which map, and after how many steps that communicate.
    steps: Vec<(usize, u64)>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(system: &'a System<'a>, agreement: &'a Agreement) -> Result<Self, String> {
        let spaces = &agreement.spaces;
        let mut maps = vec![vec![]; system.maps.len()];
        for &(map, _) in &system.period {
            if maps[map].is_empty() {
                let forms = system.forms(map)?.into_iter().zip(spaces);
                maps[map] = forms.map(|(form, space)| remaining(form, *space, system)).collect();
            }
        }
        let mut steps = system.period.clone();
        if let (Some(first), true) = (steps.first_mut(), agreement.starts_common.contains(&true)) {
            let start = |form: &Form| from_start(form, agreement, system.operators);
            maps.push(maps[first.0].iter().map(start).collect());
            first.0 = maps.len() - 1;
        }
        Ok(Self { system, spaces, maps, steps })
    }

    pub(super) fn verdict(&self) -> Verdict {
        let algorithm = self.system.algorithm;
        let mut open = None;
        let mut evidence = vec![];
        for part in self.parts() {
            let defaults = self.defaults(&part);
            let names = format!("{}{defaults}", named(&part, algorithm));
            match self.part_verdict(&part) {
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
    fn defaults(&self, part: &[usize]) -> String {
        let algorithm = self.system.algorithm;
        let numbers: &Numbers = self.system.numbers;
        let conditions = algorithm.conditions.iter().flat_map(|condition| numbers.inputs(*condition));
        let rows = self.maps.iter().flat_map(|map| part.iter().filter_map(|a| map.get(*a)));
        let entries = rows.flat_map(|form| &form.terms);
        let inside = entries.filter(|(b, _)| part.contains(b)).flat_map(|(_, polynomial)| &polynomial.inputs);
        let used: BTreeSet<u16> = conditions.chain(inside).copied().collect();
        let inputs = used.iter().filter_map(|index| algorithm.inputs.get(usize::from(*index)));
        let values: Vec<_> = inputs.map(|input| format!("`{}` = {}", input.name, input.default)).collect();
        if values.is_empty() { String::new() } else { format!(" with {}", values.join(" and ")) }
    }

    /// The states that count, in parts that feed each other, each ascending.
    fn parts(&self) -> Vec<Vec<usize>> {
        let counts = |state: &usize| self.spaces[*state] != Space::None;
        let rows = self.maps.iter().flat_map(|map| map.iter().enumerate());
        let edges = rows
            .flat_map(|(to, form)| form.terms.keys().chain(&form.directions).map(move |from| (*from, to)));
        components(self.spaces.len(), edges.filter(|(from, to)| counts(from) && counts(to)))
            .into_iter()
            .filter(|part| part.iter().all(counts))
            .collect()
    }

    fn part_verdict(&self, part: &[usize]) -> Verdict {
        let algorithm = self.system.algorithm;
        let mut directions = part.iter().flat_map(|state| {
            self.maps.iter().filter_map(|map| map.get(*state)).flat_map(|form| &form.directions)
        });
        if let Some(direction) = directions.find(|direction| part.contains(direction)) {
            return Verdict::undecided(format!(
                "the trainer's optimizer follows `{}`, which depends on its result",
                algorithm.states[*direction].name
            ));
        }
        let block = self.block(part);
        // A step that sets all states of the part afresh ends what came before.
        if block.steps.iter().any(|(variant, _)| block.variants[*variant].iter().all(Polynomial::is_zero)) {
            return Verdict::proved("");
        }
        let verdict = radius::decide(&block, &self.system.operators.facts);
        let why = if block.is_disagreement() { None } else { self.disagreement(part) };
        match (verdict, why) {
            (Verdict::Refuted { evidence }, Some(why)) => Verdict::refuted(format!("{evidence}: {why}")),
            (Verdict::NotDecided { reason }, Some(why)) => Verdict::undecided(format!("{reason}: {why}")),
            (verdict, _) => verdict,
        }
    }

    fn block(&self, part: &[usize]) -> Block {
        let entry = |map: &Vec<Form>, a: usize, b: usize| {
            map.get(a).and_then(|form| form.terms.get(&b)).cloned().unwrap_or_default()
        };
        let entries = |map: &Vec<Form>| {
            part.iter().flat_map(|a| part.iter().map(|b| entry(map, *a, *b))).collect::<Vec<_>>()
        };
        Block {
            spaces: part.iter().map(|state| self.spaces[*state]).collect(),
            variants: self.maps.iter().map(entries).collect(),
            steps: self.steps.clone(),
        }
    }

    /// Why ranks that agree in a part do not stay so.
    fn disagreement(&self, part: &[usize]) -> Option<String> {
        let operators = self.system.operators;
        let columns = self.maps.iter().flatten().flat_map(|form| &form.terms);
        let words = columns.filter(|(from, _)| part.contains(from)).flat_map(|(_, p)| p.terms.keys());
        let guilty = words.flatten().find(|operator| !operators.keeps_agreement(**operator));
        let why = guilty.map(|operator| operators.disagrees(*operator, self.system.algorithm));
        Some(match why {
            Some(why) => format!("ranks that agree do not stay so, since {why}"),
            None => "ranks that agree do not stay so".into(),
        })
    }
}

/// A row of a map without what vanishes in the space of its state: of disagreement, all that an average makes common.
fn remaining(form: &Form, space: Space, system: &System) -> Form {
    let mut form = form.clone();
    if space == Space::Disagreement {
        let operators = system.operators;
        let vanishes = |word: &[usize]| {
            let average = word.iter().position(|&operator| operators.always_averages(operator));
            average.is_some_and(|at| word[..at].iter().all(|&operator| operators.keeps_agreement(operator)))
        };
        form.terms.values_mut().for_each(|polynomial| polynomial.terms.retain(|word, _| !vanishes(word)));
        form.terms.retain(|_, polynomial| !(polynomial.is_zero() && polynomial.inputs.is_empty()));
    }
    form
}

/// A row of the first map of a period, where states that are common then have nothing but one number.
fn from_start(form: &Form, agreement: &Agreement, operators: &Operators) -> Form {
    let mut form = form.clone();
    for (from, polynomial) in &mut form.terms {
        match (agreement.starts_common[*from], agreement.spaces[*from]) {
            (true, Space::Disagreement) => polynomial.terms.clear(),
            (true, _) => *polynomial = polynomial.before(operators.average()),
            _ => {}
        }
    }
    form
}

/// The strongly connected components of a graph, each ascending.
pub(super) fn components(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    let indices: Vec<_> = (0..nodes).map(|_| graph.add_node(())).collect();
    for (from, to) in edges {
        graph.update_edge(indices[from], indices[to], ());
    }
    let mut parts: Vec<Vec<usize>> = petgraph::algo::kosaraju_scc(&graph)
        .into_iter()
        .map(|part| part.into_iter().map(|node| node.index()).collect())
        .collect();
    parts.iter_mut().for_each(|part| part.sort_unstable());
    parts.sort();
    parts
}
