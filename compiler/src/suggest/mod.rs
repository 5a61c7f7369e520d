//! What to write instead of what was refused, found by trying: other weights on these edges, other topologies made of this
//! one, other algorithms of the library, and what stands there without a value that was given.

mod algorithms;
mod entry;
mod variants;
mod written;

use crate::candidate;
use crate::diagnostic::{Diagnostics, Edit, Remedy};
use crate::evaluate::Limits;
use crate::evaluate::target::Evaluated;
use crate::model::algorithm::Algorithm;
use crate::model::topology::Topology;
use crate::prove::Prover;
use crate::prove::claims::{check_mixing, of_averaging};
use crate::request::Request;
use crate::resolve::Program;
use algorithms::candidates;
use bfc_schedule::MixingMatrix;
use entry::EntryFile;
use variants::{is_by_rule, is_lazy, keeping_the_rest, variants};
use written::Written;

/// The most ranks of a table for which trying is quick.
const MAX_RANKS: u32 = 256;

/// The most phases of a topology of which others are made.
const MAX_PHASES: usize = 64;

/// How many rules or algorithms are named.
const MAX_NAMED: usize = 3;

/// What was refused: a request, its program, and what it came to.
#[derive(Clone, Copy)]
pub struct Refused<'a> {
    /// The request.
    pub request: &'a Request,
    /// Its program.
    pub program: &'a Program,
    /// Its topologies and its algorithm.
    pub evaluated: &'a Evaluated,
    /// Evaluates a changed program, within limits.
    pub evaluate: &'a (dyn Fn(&Program) -> Option<Evaluated> + Sync),
}

/// The refusals for which remedies are sought.
pub const CODES: [&str; 2] = ["bfc::prove::requirement_refuted", "bfc::prove::requirement_not_decided"];

/// A refusal with remedies for the first requirement: they are the same for all. What takes long to decide is not tried in
/// many ways.
pub fn explain(refused: Refused, diagnostics: Diagnostics) -> Diagnostics {
    let remedies = if diagnostics.errors().iter().any(|error| error.code == CODES[0]) {
        remedies(refused)
    } else {
        simple(refused).into_iter().collect()
    };
    diagnostics.with_remedies(&CODES, remedies)
}

/// What to write instead of a program whose requirements are refuted.
fn remedies(refused: Refused) -> Vec<Remedy> {
    let mut remedies: Vec<Remedy> = simple(refused).into_iter().collect();
    if let [topology] = &refused.evaluated.topologies[..]
        && is_quick(topology)
    {
        remedies.extend(of_topology(refused, topology));
    }
    remedies
}

/// What helps by leaving out what was said: a value of a parameter, or self weights.
fn simple(refused: Refused) -> Option<Remedy> {
    defaults(refused).or_else(|| row_rests(refused))
}

fn is_quick(topology: &Topology) -> bool {
    let symbolic = topology.phases.iter().all(|phase| matches!(phase, MixingMatrix::Cayley(_)));
    symbolic || topology.size <= MAX_RANKS
}

fn of_topology(refused: Refused, topology: &Topology) -> Vec<Remedy> {
    let algorithm = &refused.evaluated.algorithm;
    let candidates = candidates(algorithm, topology.size);
    let written = Written::new(refused);
    // Numbers that the algorithm computes with are those of its topology as it is.
    let mut variants = if algorithm.numbers.is_empty() { variants(topology) } else { vec![] };
    if written.as_ref().is_some_and(|written| written.own.is_some()) {
        variants.retain(|(_, variant)| keeps_promises(variant));
    }
    let rules = passing_rules(refused, &variants);
    let algorithms = passing(topology, &candidates);
    let mut remedies = vec![];
    if let Some(written) = &written {
        remedies.extend(of_weights(refused, topology, written, &rules));
        if rules.is_empty() && algorithms.is_empty() {
            remedies.extend(variants.iter().find_map(|(rule, variant)| {
                let edges = these_edges(topology);
                written.with_rule_and_algorithms(rule, edges, &passing(variant, &candidates))
            }));
        }
    }
    remedies.extend(of_algorithms(refused, &algorithms));
    remedies
}

/// The algorithms that pass over the topology as it is.
fn of_algorithms(refused: Refused, algorithms: &[&str]) -> Option<Remedy> {
    let flag = if refused.request.combination.algorithm.is_some() { "--algorithm " } else { "" };
    let text = one_of("this topology passes with ", quoted(flag, algorithms))?;
    let file = EntryFile::new(refused);
    let edits = |path: &&str| file.as_ref()?.with_algorithm(path, None);
    let choices = algorithms.iter().filter_map(edits).collect();
    Some(Remedy { without: written::given_to_algorithm(refused), ..tried(text, choices) })
}

/// The first rules for which all requirements hold; lazy ones only where no other does.
fn passing_rules(refused: Refused, variants: &[(String, Topology)]) -> Vec<String> {
    let passing = variants.iter().filter(|(_, variant)| passes(variant, refused.evaluated));
    let mut rules: Vec<String> = passing.map(|(rule, _)| rule.clone()).collect();
    if rules.first().is_some_and(|first| !is_lazy(first)) {
        rules.retain(|rule| !is_lazy(rule));
    }
    rules.truncate(MAX_NAMED);
    rules
}

/// What to write for other weights on these edges, or else for a topology made of this one.
fn of_weights(refused: Refused, topology: &Topology, written: &Written, rules: &[String]) -> Option<Remedy> {
    let fixed = !refused.evaluated.algorithm.numbers.is_empty();
    let no_plain = rules.first().is_none_or(|first| is_lazy(first));
    let prefers_made = no_plain && !fixed && (written.own.is_none() || rules.is_empty());
    let made = if prefers_made { combined(refused, topology, written) } else { None };
    match made {
        Some(made) => Some(written.with_topology(&made)),
        None => written.with_rules(rules, these_edges(topology)),
    }
}

fn these_edges(topology: &Topology) -> &'static str {
    match is_by_rule(topology) {
        true => "these edges pass",
        false => "these edges, without the weights that they have, pass",
    }
}

/// A remedy whose choices were checked.
fn tried(text: String, choices: Vec<Vec<Edit>>) -> Remedy {
    Remedy { text, choices, without: vec![], is_tried: true }
}

fn quoted(word: &str, names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| format!("`{word}{}`", name.as_ref())).collect()
}

fn one_of(start: &str, choices: Vec<String>) -> Option<String> {
    if choices.is_empty() { None } else { Some(format!("{start}{}", choices.join(" or "))) }
}

/// A topology made of this one for which all requirements hold, as an expression.
fn combined(refused: Refused, topology: &Topology, written: &Written) -> Option<String> {
    // The weights of the command line would replace those that are made.
    if topology.phases.len() > MAX_PHASES || refused.request.combination.weights.is_some() {
        return None;
    }
    let t = &written.expression;
    let forms = match topology.phases.len() {
        1 => {
            vec![format!("lazy({t}, 1/2)"), format!("symmetrize({t})"), format!("lazy(symmetrize({t}), 1/2)")]
        }
        _ => vec![
            format!("lazy({t}, 1/2)"),
            format!("symmetrize({t})"),
            format!("union(phases({t}))"),
            format!("symmetrize(union(phases({t})))"),
        ],
    };
    forms.into_iter().find(|form| {
        let made = written.topology(refused, form);
        made.is_some_and(|made| made.phases != topology.phases && passes(&made, refused.evaluated))
    })
}

/// How long a source may be evaluated again: some tenths of a second.
pub fn limits(request: &Request) -> Limits {
    Limits { optimisation: Limits::default().optimisation, ..candidate::limits(request) }
}

/// The value of a parameter, or the weights of the command line, without which all requirements hold.
fn defaults(refused: Refused) -> Option<Remedy> {
    if !refused.evaluated.topologies.iter().all(is_quick) {
        return None;
    }
    let holds_for =
        |program: &Program| (refused.evaluate)(program).is_some_and(|evaluated| all_hold(&evaluated));
    let parameters = &refused.program.parameters;
    for (at, (name, value)) in parameters.iter().enumerate() {
        let mut program = refused.program.clone();
        program.parameters.remove(at);
        if holds_for(&program) {
            let given = format!("--param {name}={}", refused.program.text(value.span));
            let text = without(refused, &given, name.rsplit('.').next().unwrap_or(name));
            return Some(Remedy { without: vec![name.clone()], ..tried(text, vec![]) });
        }
    }
    if let Some(rule) = &refused.request.combination.weights {
        let mut program = refused.program.clone();
        program.combination.weights = None;
        if holds_for(&program) {
            let text = format!("without `{}` it passes", written::flag("weights", rule));
            return Some(tried(text, vec![]));
        }
    }
    refused.program.named_arguments().into_iter().find_map(|(name, value)| {
        if !holds_for(&refused.program.without_argument(&name)) {
            return None;
        }
        let given = format!("{name} = {}", refused.program.text(value));
        let edits = EntryFile::new(refused)?.without_argument(&name);
        Some(tried(without(refused, &given, &name), vec![edits]))
    })
}

fn without(refused: Refused, given: &str, parameter: &str) -> String {
    match refused.program.default_of(parameter) {
        Some(default) => format!("without `{given}` it passes, with the default `{parameter} = {default}`"),
        None => format!("without `{given}` it passes"),
    }
}

fn all_hold(evaluated: &Evaluated) -> bool {
    evaluated.missing.is_none()
        && holds(&Prover::new(&evaluated.topologies, Some(&evaluated.algorithm)), evaluated)
}

/// Self weights without which all requirements hold: each rank then keeps what its row leaves.
fn row_rests(refused: Refused) -> Option<Remedy> {
    let [topology] = &refused.evaluated.topologies[..] else { return None };
    let written = Written::new(refused)?;
    let edits = written.without_self_weights().filter(|_| is_quick(topology))?;
    let kept = keeping_the_rest(topology)?;
    if !passes(&kept, refused.evaluated) || !keeps_promises(&kept) {
        return None;
    }
    let text = "leave `self … weight …` out: a rank keeps what the other weights of its row leave, and then it passes";
    Some(tried(text.to_string(), vec![edits]))
}

/// The first candidates whose requirements hold.
fn passing<'c>(topology: &Topology, candidates: &'c [(&str, Algorithm)]) -> Vec<&'c str> {
    let mut prover = Prover::new(std::slice::from_ref(topology), None);
    let passing = candidates.iter().filter(|(_, algorithm)| {
        prover.turn_to(algorithm);
        algorithm.requires.iter().all(|claim| prover.decide(claim).holds())
    });
    passing.map(|(name, _)| *name).take(MAX_NAMED).collect()
}

/// Whether all that is required holds over another topology.
fn passes(topology: &Topology, refused: &Evaluated) -> bool {
    holds(&Prover::new(std::slice::from_ref(topology), Some(&refused.algorithm)), refused)
}

/// Whether all that is required holds, what nobody wrote down included.
fn holds(prover: &Prover, evaluated: &Evaluated) -> bool {
    let unwritten = of_averaging(evaluated, prover);
    let mixes = check_mixing(&evaluated.algorithm).is_ok();
    mixes && evaluated.algorithm.requires.iter().chain(&unwritten).all(|claim| prover.decide(claim).holds())
}

/// Whether a topology still gives what it ensures.
fn keeps_promises(topology: &Topology) -> bool {
    let prover = Prover::new(std::slice::from_ref(topology), None);
    topology.ensures.iter().all(|claim| prover.decide(claim).holds())
}
