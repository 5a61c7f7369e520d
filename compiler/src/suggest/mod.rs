//! What to write instead of what was refused, found by trying: other weights on these edges, other topologies made of this
//! one, other algorithms of the library, and what stands there without a value that was given.

mod algorithms;
mod written;

use crate::candidate;
use crate::diagnostic::{Diagnostics, Remedy};
use crate::evaluate::Limits;
use crate::evaluate::target::Evaluated;
use crate::evaluate::topology::phase;
use crate::evaluate::topology::weights::{RULES, WeightRule};
use crate::model::algorithm::Algorithm;
use crate::model::topology::Topology;
use crate::prove::Prover;
use crate::prove::claims::{check_mixing, of_averaging};
use crate::request::Request;
use crate::resolve::Program;
use algorithms::candidates;
use bfc_dsl::tree::Span;
use bfc_schedule::matrix::Row;
use bfc_schedule::{CayleyMatrix, MixingMatrix, Rank, Rational, SparseMatrix};
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
    let remedy = |text| Remedy { text, choices: vec![], is_tried: true };
    diagnostics.with_remedies(&CODES, remedies.into_iter().map(remedy).collect())
}

/// What to write instead of a program whose requirements are refuted, in words.
fn remedies(refused: Refused) -> Vec<String> {
    let mut remedies: Vec<String> = simple(refused).into_iter().collect();
    if let [topology] = &refused.evaluated.topologies[..]
        && is_quick(topology)
    {
        remedies.extend(of_topology(refused, topology));
    }
    remedies
}

/// What helps by leaving out what was said, in words: a value of a parameter, or self weights.
fn simple(refused: Refused) -> Option<String> {
    defaults(refused).or_else(|| row_rests(refused))
}

fn is_quick(topology: &Topology) -> bool {
    let symbolic = topology.phases.iter().all(|phase| matches!(phase, MixingMatrix::Cayley(_)));
    symbolic || topology.size <= MAX_RANKS
}

fn of_topology(refused: Refused, topology: &Topology) -> Vec<String> {
    let algorithm = &refused.evaluated.algorithm;
    let candidates = candidates(algorithm, topology.size);
    let written = Written::new(refused);
    // Numbers that the algorithm computes with are those of its topology as it is.
    let variants = if algorithm.numbers.is_empty() { variants(topology) } else { vec![] };
    let rules = passing_rules(refused, &variants);
    let algorithms = passing(topology, &candidates);
    let mut remedies = vec![];
    if let Some(written) = &written {
        remedies.extend(of_weights(refused, topology, written, &rules));
        if rules.is_empty() && algorithms.is_empty() {
            remedies.extend(variants.iter().find_map(|(rule, variant)| {
                let start = match written.is_own {
                    true => format!("with `weights {rule}` {} with ", these_edges(topology)),
                    false => format!("`{} weights {rule}` passes with ", written.expression),
                };
                one_of(&start, passing(variant, &candidates))
            }));
        }
    }
    remedies.extend(one_of("this topology passes with ", algorithms));
    remedies
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
fn of_weights(refused: Refused, topology: &Topology, written: &Written, rules: &[String]) -> Option<String> {
    let fixed = !refused.evaluated.algorithm.numbers.is_empty();
    let no_plain = rules.first().is_none_or(|first| is_lazy(first));
    let prefers_made = no_plain && !fixed && (!written.is_own || rules.is_empty());
    let made = if prefers_made { combined(refused, topology, written) } else { None };
    match made {
        Some(made) => Some(written.in_schedule(&made)),
        None if rules.is_empty() => None,
        None if written.is_own => {
            one_of(&format!("{} with ", these_edges(topology)), quoted("weights ", rules))
        }
        None => Some(written.with_rules(rules)),
    }
}

fn these_edges(topology: &Topology) -> &'static str {
    match is_by_rule(topology) {
        true => "these edges pass",
        false => "these edges, without the weights that they have, pass",
    }
}

fn is_lazy(rule: &str) -> bool {
    rule.contains("lazy")
}

fn quoted(word: &str, names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("`{word}{name}`")).collect()
}

fn one_of(start: &str, choices: Vec<String>) -> Option<String> {
    if choices.is_empty() { None } else { Some(format!("{start}{}", choices.join(" or "))) }
}

/// A topology made of this one for which all requirements hold, as an expression.
fn combined(refused: Refused, topology: &Topology, written: &Written) -> Option<String> {
    if topology.phases.len() > MAX_PHASES {
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
        let made = written::topology(refused, form);
        made.is_some_and(|made| made.phases != topology.phases && passes(&made, refused.evaluated))
    })
}

/// How long a source may be evaluated again: some tenths of a second.
pub fn limits(request: &Request) -> Limits {
    Limits { optimisation: Limits::default().optimisation, ..candidate::limits(request) }
}

/// The value of a parameter without which all requirements hold.
fn defaults(refused: Refused) -> Option<String> {
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
            return Some(without(refused, &given, name.rsplit('.').next().unwrap_or(name)));
        }
    }
    refused.program.named_arguments().into_iter().find_map(|(name, value)| {
        let program = refused.program.without_argument(&name);
        holds_for(&program)
            .then(|| without(refused, &format!("{name} = {}", refused.program.text(value)), &name))
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

/// Whether all requirements hold where each rank keeps what its row leaves, and some now keep something else.
fn row_rests(refused: Refused) -> Option<String> {
    let [topology] = &refused.evaluated.topologies[..] else { return None };
    if !is_quick(topology) || !Written::new(refused)?.is_own {
        return None;
    }
    let phases = topology.phases.iter().map(keeping_the_rest).collect::<Option<Vec<_>>>()?;
    let kept = Topology { phases, ..topology.clone() };
    (kept.phases != topology.phases && passes(&kept, refused.evaluated)).then(|| {
        "leave `self … weight …` out: a rank keeps what the other weights of its row leave, and then it passes".into()
    })
}

/// The matrix with W[i][i] = 1 − Σ W[i][j].
fn keeping_the_rest(matrix: &MixingMatrix) -> Option<MixingMatrix> {
    let rest = |weights: &[(Rank, Rational)]| {
        let sum: Rational = weights.iter().map(|(_, weight)| weight.clone()).sum();
        &Rational::one() - &sum
    };
    match matrix {
        MixingMatrix::Cayley(matrix) => {
            let hops = matrix.hops().to_vec();
            CayleyMatrix::new(matrix.group().clone(), rest(&hops), hops).map(MixingMatrix::Cayley)
        }
        MixingMatrix::Sparse(sparse) => {
            let rows = (0..sparse.size()).map(|rank| {
                let Row { in_weights, .. } = matrix.row(Rank(rank));
                Row { self_weight: rest(&in_weights), in_weights }
            });
            SparseMatrix::from_rows(rows).map(MixingMatrix::Sparse)
        }
    }
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
            variants.push((rule, Topology { phases, ..topology.clone() }));
        }
    }
    variants
}

/// The first candidates whose requirements hold.
fn passing(topology: &Topology, candidates: &[(&str, Algorithm)]) -> Vec<String> {
    let mut prover = Prover::new(std::slice::from_ref(topology), None);
    let passing = candidates.iter().filter(|(_, algorithm)| {
        prover.turn_to(algorithm);
        algorithm.requires.iter().all(|claim| prover.decide(claim).holds())
    });
    passing.map(|(name, _)| format!("`{name}`")).take(MAX_NAMED).collect()
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
