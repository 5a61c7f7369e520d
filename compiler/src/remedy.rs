//! What to write instead of what was refused, found by trying: every weight rule on these edges, and every algorithm
//! of the library on this topology.

use crate::algorithm::Algorithm;
use crate::evaluate::Limits;
use crate::evaluate::request::Evaluated;
use crate::evaluate::weights::{BaseRule, RULES, WeightRule};
use crate::evaluate::{Evaluator, algorithm, phase};
use crate::prove::Prover;
use crate::topology::Topology;
use crate::{NoFiles, library, resolve};
use bfc_dsl::tree::{Item, Span};
use bfc_schedule::{MixingMatrix, Rational};

/// The most ranks of a table for which trying is quick.
const MAX_RANKS: u32 = 256;

/// Rules and algorithms for which all requirements hold, in words.
pub fn of(evaluated: &Evaluated) -> Option<String> {
    let [topology] = &evaluated.topologies[..] else { return None };
    let small = topology.phases.iter().all(|phase| matches!(phase, MixingMatrix::Cayley(_)));
    if !small && topology.size > MAX_RANKS {
        return None;
    }
    let rules = rules(topology, &evaluated.algorithm);
    let algorithms = algorithms(topology, &evaluated.algorithm.name);
    let mut remedies = Vec::new();
    if !rules.is_empty() {
        remedies.push(format!("these edges pass with {}", rules.join(", ")));
    }
    if !algorithms.is_empty() {
        remedies.push(format!("this topology passes with {}", algorithms.join(", ")));
    }
    if remedies.is_empty() { None } else { Some(remedies.join("; ")) }
}

fn rules(topology: &Topology, algorithm: &Algorithm) -> Vec<String> {
    let half = Rational::new(1, 2);
    let plain = RULES.into_iter().map(|(word, base)| (word.to_string(), WeightRule::plain(base)));
    let lazy = RULES
        .into_iter()
        .map(|(word, base)| (format!("lazy({word}, 1/2)"), WeightRule { base, moved: half.clone() }));
    let mut passing = Vec::new();
    for (text, rule) in plain.chain(lazy) {
        let lazy_is_needless =
            rule.moved == half && passing.iter().any(|known: &String| !known.contains("lazy"));
        if lazy_is_needless || is_default(&rule.base) && passing.len() > 2 {
            continue;
        }
        let phases = topology.phases.iter().map(|old| phase::reweighted(old, &rule, Span::default()));
        let Ok(phases) = phases.collect::<Result<Vec<_>, _>>() else { continue };
        if phases != topology.phases && passes(&Topology { phases, ..topology.clone() }, algorithm) {
            passing.push(format!("`weights {text}`"));
        }
    }
    passing
}

fn is_default(rule: &BaseRule) -> bool {
    matches!(rule, BaseRule::Metropolis)
}

fn algorithms(topology: &Topology, refused: &str) -> Vec<String> {
    let names = library::names().into_iter().filter(|name| name.starts_with("algorithm::"));
    let mut passing = Vec::new();
    for name in names {
        let Some(algorithm) = library_algorithm(name, topology.size) else { continue };
        let asks = !algorithm.requires.is_empty() && algorithm.topologies.len() == 1;
        if asks && algorithm.name != refused && passes(topology, &algorithm) {
            passing.push(format!("`{name}`"));
        }
    }
    passing
}

fn library_algorithm(name: &str, size: u32) -> Option<Algorithm> {
    let program = resolve::load(name, library::source(name)?, &[], &NoFiles).ok()?;
    let mut evaluator = Evaluator::new(&program, size, 1, Limits::default());
    program.items().iter().find_map(|item| match item {
        Item::Algorithm(item) if name.ends_with(&format!("::{}", item.name.text)) => {
            algorithm::algorithm(&mut evaluator, item, vec![None; item.parameters.len()]).ok()
        }
        _ => None,
    })
}

fn passes(topology: &Topology, algorithm: &Algorithm) -> bool {
    let topologies = std::slice::from_ref(topology);
    let prover = Prover::new(topologies, Some(algorithm));
    algorithm.requires.iter().all(|stated| prover.decide(stated).holds())
}
