//! Rounds of gossip within a step: from indices that count rounds to topologies.
//!
//! A topology of one phase stays as it is. Of one with T phases W₀ … W_{T−1} that a step mixes over K times, round r of the
//! k-th step that communicates uses phase (k K + r) mod T. So round r is a topology of its own, whose phases are every K-th
//! of these from the r-th on: T / gcd(T, K) of them. What follows, schedules included, sees several topologies and no rounds.
//! Claims remain about the topology as it is written, whose phases the rounds use one after the other. This holds only
//! where every mix over it has as many rounds.

use crate::evaluate::EvaluateError;
use crate::evaluate::algorithm::AlgorithmError;
use crate::model::algorithm::{Algorithm, Rounds};
use crate::model::topology::Topology;
use num_integer::Integer;

/// Gives every round its topology.
///
/// # Errors
/// For every topology of several phases that is mixed over more often in one place than in another.
pub(super) fn bind(
    topologies: &mut Vec<Topology>,
    algorithm: &mut Algorithm,
) -> Result<(), Vec<EvaluateError>> {
    let errors: Vec<_> =
        (0..topologies.len()).filter_map(|k| different(k, &topologies[k], algorithm)).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let named = topologies.len();
    let firsts: Vec<Option<usize>> = (0..named).map(|k| unrolled(k, topologies, algorithm)).collect();
    algorithm.topologies.extend(topologies.iter().skip(named).map(|topology| topology.name.clone()));
    for topology in algorithm.values.iter_mut().filter_map(|value| value.kind.topology_mut()) {
        let (round, named) = (*topology / named, *topology % named);
        *topology = firsts[named].map_or(named, |first| first + round);
    }
    Ok(())
}

fn uses(topology: usize, algorithm: &Algorithm) -> impl Iterator<Item = &Rounds> {
    algorithm.rounds.iter().filter(move |rounds| rounds.topology == topology)
}

fn different(k: usize, topology: &Topology, algorithm: &Algorithm) -> Option<EvaluateError> {
    let (phases, name) = (topology.phases.len(), algorithm.topologies[k].clone());
    let mut uses = uses(k, algorithm);
    match (uses.next(), uses.next()) {
        (Some(first), Some(other)) if phases > 1 => {
            let error = AlgorithmError::DifferentTimes {
                topology: name,
                phases,
                first_times: first.times,
                times: other.times,
                first: first.span,
                span: other.span,
            };
            Some(error.into())
        }
        _ => None,
    }
}

/// Appends the rounds of a topology that a step mixes over more than once; where they start.
fn unrolled(k: usize, topologies: &mut Vec<Topology>, algorithm: &Algorithm) -> Option<usize> {
    let (first, phases) = (topologies.len(), topologies[k].phases.len());
    let times =
        uses(k, algorithm).map(|rounds| rounds.times).max().filter(|times| *times > 1 && phases > 1)?;
    for round in 0..times {
        let whole = &topologies[k];
        let steps = 0..phases / phases.gcd(&times);
        topologies.push(Topology {
            name: format!("{}_round_{}", whole.name, round + 1),
            size: whole.size,
            phases: steps.map(|step| whole.phases[(step * times + round) % phases].clone()).collect(),
            is_drawn: whole.is_drawn,
            ensures: vec![],
            optimised: vec![],
            names: whole.names.clone(),
            places: [].into(),
        });
    }
    Some(first)
}
