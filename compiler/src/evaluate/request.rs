//! The target of a request to what the later stages work on: one algorithm and the topologies that it mixes over.

use super::topology::{Errors, Topologies};
use super::{EvaluateError, Evaluator, algorithm};
use crate::algorithm::{Algorithm, State, Value, ValueId, ValueKind};
use crate::entry::{Instance, Target};
use crate::topology::Topology;
use bfc_dsl::tree::{self, Span};
use bfc_schedule::program::Shape;

/// What a request comes to.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The topologies in the order in which the algorithm names them; empty where there is an algorithm alone.
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
    let mut errors = Errors::new();
    let mut topologies = Vec::new();
    for (alias, instance) in &target.topologies {
        let evaluated = Topologies::new(evaluator).instance(
            instance.item,
            instance.arguments,
            &instance.overrides,
            instance.span,
        );
        match evaluated {
            Ok(topology) => topologies.push((*alias, topology)),
            Err(found) => errors.extend(found),
        }
    }
    let evaluated = match &target.algorithm {
        None => Ok(plain()),
        Some(instance) => of_instance(evaluator, instance),
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

fn of_instance<'p>(
    evaluator: &mut Evaluator<'p>,
    instance: &Instance<'p, tree::Algorithm>,
) -> Result<Algorithm, Errors> {
    let item = instance.item;
    let arguments = evaluator
        .given(&item.name.text, &item.parameters, instance.arguments, &instance.overrides, instance.span)
        .map_err(|error| vec![*error])?;
    algorithm::algorithm(evaluator, item, arguments)
}

/// x ← mix(x), which requires nothing.
fn plain() -> Algorithm {
    let vector = |kind| Value { kind, shape: Shape::Vector };
    let values = vec![
        vector(ValueKind::Parameters),
        vector(ValueKind::State(0)),
        vector(ValueKind::Mix(0, ValueId(1))),
    ];
    Algorithm {
        name: "neighbor_averaging".into(),
        topologies: vec!["W".into()],
        inputs: vec![],
        values,
        states: vec![State { name: "x".into(), shape: Shape::Vector, initial: ValueId(0) }],
        conditions: vec![],
        steps: vec![vec![ValueId(2)]],
        model: ValueId(1),
        requires: vec![],
    }
}

/// Finds the topology of each name of the algorithm: of the schedule by that name, its only one, or the default.
fn match_up<'p>(
    evaluator: &mut Evaluator<'p>,
    target: &Target<'p>,
    algorithm: Algorithm,
    mut given: Vec<(Option<&str>, Topology)>,
) -> Result<Evaluated, Errors> {
    let names = &algorithm.topologies;
    let bare = match &target.algorithm {
        None => target.topologies.first().map(|(_, instance)| instance.span),
        Some(_) => None,
    };
    if let ([_], [_]) = (&names[..], &given[..]) {
        let topologies = given.pop().map(|(_, topology)| topology).into_iter().collect();
        return Ok(Evaluated { topologies, algorithm, missing: None, bare });
    }
    let mut topologies = Vec::new();
    for name in names {
        let at = given.iter().position(|(alias, _)| *alias == Some(name));
        let default = target.algorithm.as_ref().and_then(|instance| {
            let over = instance.item.over.iter().find(|(over, _)| over.text == *name)?;
            over.1.as_ref()
        });
        match (at, default) {
            (Some(at), _) => {
                let (_, mut topology) = given.swap_remove(at);
                topology.name = name.clone();
                topologies.push(topology);
            }
            (None, Some(default)) => {
                let mut topology = Topologies::new(evaluator).expression(default, &[])?;
                topology.name = name.clone();
                topologies.push(topology);
            }
            (None, None) => {
                let error = no_topology(target, &algorithm, name);
                return match target.topologies[..] {
                    [] => Ok(Evaluated {
                        topologies: vec![],
                        missing: needs(&algorithm).then_some(error),
                        algorithm,
                        bare,
                    }),
                    _ => Err(vec![error]),
                };
            }
        }
    }
    match given.first() {
        Some((alias, _)) => Err(vec![unused(target, *alias, names)]),
        None => Ok(Evaluated { topologies, algorithm, missing: None, bare }),
    }
}

/// Whether an algorithm mixes at all.
fn needs(algorithm: &Algorithm) -> bool {
    algorithm.values.iter().any(|value| matches!(value.kind, ValueKind::Mix(..)))
}

fn no_topology(target: &Target, algorithm: &Algorithm, name: &str) -> EvaluateError {
    let span = target.algorithm.as_ref().map(|instance| instance.span).unwrap_or_default();
    let line = if algorithm.topologies.len() == 1 {
        "topology …".into()
    } else {
        format!("topology {name} = …")
    };
    let help =
        format!("say over which: a `schedule` with the lines `{line}` and `algorithm {}`", algorithm.name);
    EvaluateError::NoTopology { algorithm: algorithm.name.clone(), topology: name.to_string(), help, span }
}

fn unused(target: &Target, alias: Option<&str>, names: &[String]) -> EvaluateError {
    let instance = target.topologies.iter().find(|(known, _)| *known == alias);
    let span = instance.map(|(_, instance)| instance.span).unwrap_or_default();
    let name = alias.unwrap_or("").to_string();
    EvaluateError::UnusedTopology { name, known: names.join(" = …, "), span }
}
