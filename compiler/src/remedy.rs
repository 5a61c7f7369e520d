//! What to write instead of what was refused, found by trying: every weight rule on these edges, and every algorithm
//! of the library on this topology.

use crate::algorithm::Algorithm;
use crate::asks::Asks;
use crate::evaluate::Limits;
use crate::evaluate::request::Evaluated;
use crate::evaluate::weights::{RULES, WeightRule};
use crate::evaluate::{Evaluator, algorithm, phase};
use crate::prove::Prover;
use crate::topology::Topology;
use crate::{NoFiles, library, resolve};
use bfc_dsl::tree::{Item, Span};
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational};

/// The most ranks of a table for which trying is quick.
const MAX_RANKS: u32 = 256;

/// How many algorithms are named.
const MAX_NAMED: usize = 3;

/// Rules and algorithms for which all requirements hold, in words.
pub fn of(evaluated: &Evaluated) -> Option<String> {
    let [topology] = &evaluated.topologies[..] else { return None };
    let symbolic = topology.phases.iter().all(|phase| matches!(phase, MixingMatrix::Cayley(_)));
    if !symbolic && topology.size > MAX_RANKS {
        return None;
    }
    let refused = &evaluated.algorithm;
    let candidates = candidates(refused, topology.size);
    // Numbers that the algorithm computes with are those of its topology as it is.
    let variants = if refused.numbers.is_empty() { variants(topology) } else { vec![] };
    let these_edges = match is_by_rule(topology) {
        true => "these edges pass",
        false => "these edges, without the weights that they have, pass",
    };
    let passes = variants.iter().filter(|(_, variant)| passes(variant, refused));
    let mut rules: Vec<String> = passes.map(|(rule, _)| rule.clone()).collect();
    if rules.first().is_some_and(|first| !is_lazy(first)) {
        rules.retain(|rule| !is_lazy(rule));
    }
    let algorithms = passing(topology, &candidates);
    let mut remedies = Vec::new();
    remedies.extend(one_of(&format!("{these_edges} with "), rules));
    remedies.extend(one_of("this topology passes with ", algorithms));
    if remedies.is_empty() {
        remedies.extend(variants.iter().find_map(|(rule, variant)| {
            one_of(&format!("with {rule} {these_edges} with "), passing(variant, &candidates))
        }));
    }
    if remedies.is_empty() { None } else { Some(remedies.join("; ")) }
}

fn is_lazy(rule: &str) -> bool {
    rule.contains("lazy")
}

fn one_of(start: &str, choices: Vec<String>) -> Option<String> {
    if choices.is_empty() { None } else { Some(format!("{start}{}", choices.join(" or "))) }
}

/// Whether the weights are those of a rule without parameters, so that nothing is said of weights edge by edge.
fn is_by_rule(topology: &Topology) -> bool {
    RULES.into_iter().any(|(_, base)| {
        let rule = WeightRule::plain(base);
        let mut phases = topology.phases.iter();
        phases.all(|phase| {
            phase::reweighted(phase, &rule, Span::default()).is_ok_and(|new| new.matrix == *phase)
        })
    })
}

/// The edges with the weights of each rule, where it gives weights that no rule before it gave.
fn variants(topology: &Topology) -> Vec<(String, Topology)> {
    let half = Rational::new(1, 2);
    let plain = RULES.into_iter().map(|(word, base)| (word.to_string(), WeightRule::plain(base)));
    let lazy = RULES
        .into_iter()
        .map(|(word, base)| (format!("lazy({word}, 1/2)"), WeightRule { base, moved: half.clone() }));
    let mut variants: Vec<(String, Topology)> = Vec::new();
    for (rule, weights) in plain.chain(lazy) {
        let reweighted = |old| phase::reweighted(old, &weights, Span::default()).map(|new| new.matrix);
        let phases = topology.phases.iter().map(reweighted);
        let Ok(phases) = phases.collect::<Result<Vec<_>, _>>() else { continue };
        let known = variants.iter().any(|(_, earlier)| earlier.phases == phases);
        if !known && phases != topology.phases {
            variants.push((format!("`weights {rule}`"), Topology { phases, ..topology.clone() }));
        }
    }
    variants
}

/// The algorithms of the library that mix over one topology, require something of it, and train by gradients, by
/// minimizers or not, and wait for each other or not, as this one does: first those that reach the optimum if this one
/// does, and of these those that ask the same of the trainer, the simplest first.
fn candidates(refused: &Algorithm, size: u32) -> Vec<(&'static str, Algorithm)> {
    let kind = |algorithm: &Algorithm| {
        let asks = Asks::of(algorithm);
        (asks.gradients + asks.adapts > 0, asks.proxes > 0, algorithm.asynchronous.is_some())
    };
    let names = library::names().into_iter();
    let algorithms = names.filter_map(|name| Some((name, library_algorithm(name, size)?)));
    let mut candidates: Vec<_> = algorithms
        .filter(|(_, algorithm)| {
            let asks = !algorithm.requires.is_empty() && algorithm.topologies.len() == 1;
            asks && algorithm.name != refused.name && kind(algorithm) == kind(refused)
        })
        .collect();
    let calm = calm_ring();
    let is_exact = |algorithm: &Algorithm| Prover::new(&calm, Some(algorithm)).is_exact([0.5, 1.0]);
    let exact = kind(refused).0 && is_exact(refused);
    candidates.sort_by_cached_key(|(_, algorithm)| {
        let biased = exact && !is_exact(algorithm);
        let others = Asks::of(algorithm) != Asks::of(refused);
        (biased, others, algorithm.states.len(), algorithm.values.len())
    });
    candidates
}

/// Five ranks in a ring that keep half of what they have: a topology on which every algorithm does what it can.
fn calm_ring() -> Vec<Topology> {
    let quarter = || Rational::new(1, 4);
    let hops = vec![(Rank(1), quarter()), (Rank(4), quarter())];
    let ring = CayleyMatrix::new(Group::cyclic(5), Rational::new(1, 2), hops);
    let phases: Vec<_> = ring.into_iter().map(MixingMatrix::Cayley).collect();
    vec![Topology {
        name: "ring".into(),
        size: 5,
        phases,
        is_drawn: false,
        ensures: vec![],
        optimised: vec![],
    }]
}

/// An algorithm of the library that does not bring a topology of its own.
fn library_algorithm(name: &str, size: u32) -> Option<Algorithm> {
    let program = resolve::load(name, library::source(name)?, &[], &NoFiles).ok()?;
    let mut evaluator = Evaluator::new(&program, size, 1, Limits::default());
    program.items().iter().find_map(|item| match item {
        Item::Algorithm(item)
            if name.ends_with(&format!("::{}", item.name.text))
                && item.over.iter().all(|(_, default)| default.is_none()) =>
        {
            algorithm::algorithm(&mut evaluator, item, vec![None; item.parameters.len()]).ok()
        }
        _ => None,
    })
}

/// The first candidates whose requirements hold.
fn passing(topology: &Topology, candidates: &[(&str, Algorithm)]) -> Vec<String> {
    let mut prover = Prover::new(std::slice::from_ref(topology), None);
    let passing = candidates.iter().filter(|(_, algorithm)| {
        prover.turn_to(algorithm);
        holds(&prover, algorithm)
    });
    passing.map(|(name, _)| format!("`{name}`")).take(MAX_NAMED).collect()
}

fn passes(topology: &Topology, algorithm: &Algorithm) -> bool {
    holds(&Prover::new(std::slice::from_ref(topology), Some(algorithm)), algorithm)
}

fn holds(prover: &Prover, algorithm: &Algorithm) -> bool {
    algorithm.requires.iter().all(|stated| prover.decide(stated).holds())
}
