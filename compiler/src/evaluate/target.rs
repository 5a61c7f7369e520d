//! The target of a request to what the later stages work on: one algorithm and the topologies that it mixes over.

use super::topology::{Errors, one};
use super::value::call::Override;
use super::{Construction, EvaluateError, Evaluator, Value, algorithm};
use crate::model::algorithm as flow;
use crate::model::algorithm::{Algorithm, State, ValueId, ValueKind};
use crate::model::claim::Statement;
use crate::model::topology::Topology;
use crate::resolve::Program;
use crate::resolve::target::{Chosen, Instance, Target};
use bfc_dsl::tree::{self, Expression, Span};
use bfc_schedule::program::Shape;
use std::rc::Rc;

/// What a request comes to.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The topologies in the order in which the algorithm names them, then, once bound, their rounds within a step; empty
    /// where there is an algorithm alone.
    pub topologies: Vec<Topology>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Why there are no topologies, if the algorithm asks for some.
    pub missing: Option<EvaluateError>,
    /// The name of the topology, where no algorithm is given and plain averaging stands in.
    pub bare: Option<Span>,
}

/// Evaluates a target.
///
/// # Errors
/// All that is wrong with its topologies and its algorithm.
pub fn evaluate<'p>(evaluator: &mut Evaluator<'p>, target: &Target<'p>) -> Result<Evaluated, Errors> {
    let mut overrides = overrides(evaluator, target)?.into_iter();
    let mut errors = Errors::new();
    let mut topologies = Vec::new();
    let mark = evaluator.mark();
    for (alias, chosen) in &target.topologies {
        let given = given(evaluator, *alias, (chosen, target.weights), &overrides.next().unwrap_or_default());
        match given {
            Ok(given) => {
                if let Some(name) = alias {
                    // Later ones may speak of it.
                    evaluator.bind(name, Value::Topology(given.value.clone()));
                }
                topologies.push(given);
            }
            Err(found) => errors.extend(found),
        }
        if !errors.is_empty() && alias.is_some() {
            break;
        }
    }
    evaluator.release(mark);
    let evaluated = match &target.algorithm {
        None => Ok(plain()),
        Some(instance) => of_instance(evaluator, instance, &overrides.next().unwrap_or_default()),
    };
    match evaluated {
        Ok(algorithm) if errors.is_empty() => match_up(evaluator, target, algorithm, topologies),
        Ok(_) => Err(errors),
        Err(found) => {
            errors.extend(found);
            Err(errors)
        }
    }
}

/// What the command line gives for the parameters of each topology, and then of the algorithm.
fn overrides<'p>(evaluator: &mut Evaluator<'p>, target: &Target<'p>) -> Result<Vec<Vec<Override>>, Errors> {
    let of_topology = |(_, chosen): &(_, Chosen<'p>)| match chosen {
        Chosen::Item(_, instance) => instance.given.clone(),
        Chosen::Value(_) => vec![],
    };
    let of_algorithm = target.algorithm.iter().map(|instance| instance.given.clone());
    let (mut overrides, mut errors) = (vec![], Errors::new());
    for given in target.topologies.iter().map(of_topology).chain(of_algorithm) {
        let mut values = vec![];
        for (name, expression) in given {
            match evaluator.evaluate(expression) {
                Ok(value) => values.push((name, value, expression.span)),
                Err(error) => errors.push(*error),
            }
        }
        overrides.push(values);
    }
    if errors.is_empty() { Ok(overrides) } else { Err(errors) }
}

/// A topology that a schedule gives.
struct Given<'p> {
    name: Option<&'p str>,
    value: Rc<Construction>,
    topology: Topology,
}

fn given<'p>(
    evaluator: &mut Evaluator<'p>,
    name: Option<&'p str>,
    (chosen, weights): (&Chosen<'p>, Option<&'p Expression>),
    overrides: &[Override],
) -> Result<Given<'p>, Errors> {
    let value = match chosen {
        Chosen::Item(id, instance) => evaluator.instance(*id, instance.arguments, overrides, instance.span),
        Chosen::Value(expression) => evaluator.topology(expression),
    };
    let mut value = value.map_err(one)?;
    if let Some(rule) = weights {
        value = evaluator.with_weights(value, rule).map_err(one)?;
    }
    realized(evaluator, name, value)
}

fn realized<'p>(
    evaluator: &mut Evaluator<'p>,
    name: Option<&'p str>,
    value: Rc<Construction>,
) -> Result<Given<'p>, Errors> {
    let topology = (*evaluator.realize(&value, evaluator.size)?).clone();
    Ok(Given { name, value, topology })
}

fn of_instance<'p>(
    evaluator: &mut Evaluator<'p>,
    instance: &Instance<'p, tree::Algorithm>,
    overrides: &[Override],
) -> Result<Algorithm, Errors> {
    let item = instance.item;
    let arguments = evaluator
        .given(&item.name.text, &item.parameters, instance.arguments, overrides, instance.span)
        .map_err(|error| vec![*error])?;
    algorithm::algorithm(evaluator, item, arguments)
}

/// x ← mix(x), which requires nothing.
fn plain() -> Algorithm {
    let vector = |kind| flow::Value { kind, shape: Shape::Vector };
    let values = vec![
        vector(ValueKind::Parameters),
        vector(ValueKind::State(0)),
        vector(ValueKind::Mix(0, ValueId(1))),
    ];
    Algorithm {
        name: "neighbor_averaging".into(),
        asynchronous: None,
        topologies: vec!["W".into()],
        inputs: vec![],
        reals: vec![],
        values,
        states: vec![State { name: "x".into(), shape: Shape::Vector, initial: ValueId(0) }],
        conditions: vec![],
        steps: vec![vec![ValueId(2)]],
        model: ValueId(1),
        numbers: vec![],
        rounds: vec![],
        requires: vec![],
    }
}

/// Finds the topology of each name of the algorithm: of the schedule by that name, its only one, or the default.
fn match_up<'p>(
    evaluator: &mut Evaluator<'p>,
    target: &Target<'p>,
    algorithm: Algorithm,
    mut given: Vec<Given<'p>>,
) -> Result<Evaluated, Errors> {
    let names = &algorithm.topologies;
    let bare = match &target.algorithm {
        None => target.topologies.first().map(|(_, chosen)| chosen.span()),
        Some(_) => None,
    };
    if let ([_], [_]) = (&names[..], &given[..]) {
        let topologies = given.pop().map(|given| given.topology).into_iter().collect();
        return Ok(Evaluated { topologies, algorithm, missing: None, bare });
    }
    if let Some(chosen) = surplus(target, names) {
        return Err(vec![unused(evaluator.program, target, &algorithm, chosen)]);
    }
    let over = target.algorithm.as_ref().map_or(&[][..], |instance| &instance.item.over);
    let mut topologies = Vec::new();
    let mark = evaluator.mark();
    for (place, name) in names.iter().enumerate() {
        // The only one of a schedule needs no name to be the first.
        let alone = place == 0 && given.len() == 1;
        let at = given.iter().position(|given| given.name.map_or(alone, |alias| alias == name));
        let default =
            over.iter().find(|(over, _)| over.text == *name).and_then(|(_, default)| default.as_ref());
        let found = match (at, default) {
            (Some(at), _) => given.swap_remove(at),
            (None, Some(default)) => {
                let value = evaluator.topology(default).map_err(one)?;
                realized(evaluator, None, value)?
            }
            (None, None) => {
                let error = no_topology(evaluator.program, target, &algorithm, name);
                return match target.topologies[..] {
                    [] if !target.scheduled => Ok(Evaluated {
                        topologies: vec![],
                        missing: needs_topology(&algorithm).then_some(error),
                        algorithm,
                        bare,
                    }),
                    _ => Err(vec![error]),
                };
            }
        };
        if let Some((known, _)) = over.iter().find(|(over, _)| over.text == *name) {
            evaluator.bind(&known.text, Value::Topology(found.value));
        }
        topologies.push(Topology { name: name.clone(), ..found.topology });
    }
    evaluator.release(mark);
    let left = |name: &Option<&str>| given.iter().any(|given| given.name == *name);
    match target.topologies.iter().find(|(name, _)| left(name)) {
        Some((_, chosen)) => Err(vec![unused(evaluator.program, target, &algorithm, chosen)]),
        None => Ok(Evaluated { topologies, algorithm, missing: None, bare }),
    }
}

/// Whether an algorithm mixes over topologies.
fn mixes(algorithm: &Algorithm) -> bool {
    algorithm
        .values
        .iter()
        .any(|value| value.kind.communicates() && !matches!(value.kind, ValueKind::Average(_)))
}

/// Whether it does, or says or computes something of them.
fn needs_topology(algorithm: &Algorithm) -> bool {
    let mut required = algorithm.requires.iter().map(|claim| &claim.statement);
    let of_topologies =
        |number: &flow::Unbound| !matches!(number.quantity, flow::UnboundQuantity::Contraction(_));
    let computes = algorithm.numbers.iter().any(of_topologies);
    mixes(algorithm) || computes || required.any(Statement::is_about_topologies)
}

fn no_topology(program: &Program, target: &Target, algorithm: &Algorithm, name: &str) -> EvaluateError {
    let relation = if mixes(algorithm) { "mixes over" } else { "says something of" };
    let Some(instance) = &target.algorithm else {
        let help = "say what to do with several topologies: add `algorithm …`".to_string();
        let span = target.topologies.last().map(|(_, chosen)| chosen.span()).unwrap_or_default();
        let (algorithm, topology) = (algorithm.name.clone(), name.to_string());
        return EvaluateError::NoTopology { algorithm, topology, help, relation, span };
    };
    let span = instance.span;
    let line = topology_line(program, target, algorithm);
    let help =
        format!("say over which: a `schedule` with the lines `{line}` and `algorithm {}`", algorithm.name);
    let (algorithm, topology) = (algorithm.name.clone(), name.to_string());
    EvaluateError::NoTopology { algorithm, topology, help, relation, span }
}

/// The line of a schedule that gives an algorithm all its topologies: those that are given, in order where they have no
/// name of the algorithm, and dots for the others.
fn topology_line(program: &Program, target: &Target, algorithm: &Algorithm) -> String {
    let over = target.algorithm.as_ref().map_or(&[][..], |instance| &instance.item.over);
    let text = |chosen: &Chosen| program.text(chosen.span()).to_string();
    let known = |alias: &str| algorithm.topologies.iter().any(|name| name == alias);
    let mut unnamed = target.topologies.iter().filter(|(alias, _)| !alias.is_some_and(known));
    let bindings = algorithm.topologies.iter().filter_map(|name| {
        let named = target.topologies.iter().find(|(alias, _)| *alias == Some(name));
        let has_default = over.iter().any(|(known, default)| known.text == *name && default.is_some());
        match (named.or_else(|| unnamed.next()), has_default) {
            (Some((_, chosen)), _) => Some((name, text(chosen))),
            (None, true) => None,
            (None, false) => Some((name, "…".to_string())),
        }
    });
    let bindings: Vec<(&String, String)> = bindings.collect();
    match &bindings[..] {
        [(_, only)] if algorithm.topologies.len() == 1 => format!("topology {only}"),
        all => {
            let all: Vec<_> = all.iter().map(|(name, text)| format!("{name} = {text}")).collect();
            format!("topology {}", all.join(", "))
        }
    }
}

/// A topology of a schedule that its algorithm has no name for, or that is one too many.
fn surplus<'t, 'p>(target: &'t Target<'p>, names: &[String]) -> Option<&'t Chosen<'p>> {
    target.algorithm.as_ref()?;
    let foreign = |alias: &Option<&str>| alias.is_some_and(|alias| names.iter().all(|name| name != alias));
    let foreign = target.topologies.iter().find(|(alias, _)| foreign(alias));
    foreign.or(target.topologies.get(names.len())).map(|(_, chosen)| chosen)
}

/// The error for a topology of a schedule over which its algorithm does not mix.
fn unused(program: &Program, target: &Target, algorithm: &Algorithm, chosen: &Chosen) -> EvaluateError {
    let text = |chosen: &Chosen| program.text(chosen.span()).to_string();
    let given = target.topologies.iter().map(|(alias, chosen)| match alias {
        Some(alias) => format!("`{alias}`"),
        None => format!("`{}`", text(chosen)),
    });
    let names = algorithm.topologies.iter().map(|name| format!("`{name}`"));
    let line = topology_line(program, target, algorithm);
    let (wanted, help) = match (algorithm.topologies.len(), target.topologies.len()) {
        (1, 2..) => {
            let all: Vec<String> = target.topologies.iter().map(|(_, chosen)| text(chosen)).collect();
            let all = format!("`topology concat({})`, which takes one after the other", all.join(", "));
            (format!("one topology, {}", joined(names)), format!("write `{line}`, or {all}"))
        }
        _ => (joined(names), format!("write `{line}`")),
    };
    let (algorithm, given) = (algorithm.name.clone(), joined(given));
    EvaluateError::UnusedTopology { algorithm, wanted, given, help, span: chosen.span() }
}

/// "a, b and c".
fn joined(words: impl Iterator<Item = String>) -> String {
    let words: Vec<String> = words.collect();
    match &words[..] {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
