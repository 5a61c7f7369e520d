//! The algorithms of the library that may stand in for one that was refused.

use crate::estimate::quadratic;
use crate::evaluate::{Evaluator, Limits, algorithm};
use crate::model::algorithm::Algorithm;
use crate::model::oracle::Oracles;
use crate::model::topology::Topology;
use crate::prove::Prover;
use crate::request::{Combination, NoFiles};
use crate::{library, resolve};
use bfc_dsl::tree::Item;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank, Rational};

/// How an algorithm trains, if it does: by gradients, by minimizers; and whether its ranks wait for each other.
type Kind = (bool, bool, bool);

fn kind(algorithm: &Algorithm) -> Kind {
    let asks = Oracles::new(algorithm);
    (asks.gradients + asks.adapts > 0, asks.proxes > 0, algorithm.asynchronous.is_some())
}

/// Whether two algorithms are for the same: to train or not, waiting or not.
fn serves(algorithm: &Algorithm, refused: &Algorithm) -> bool {
    let purpose = |(gradients, proxes, asynchronous): Kind| (gradients || proxes, asynchronous);
    purpose(kind(algorithm)) == purpose(kind(refused))
}

/// The algorithms of the library that mix over one topology, require something of it, and train or not, and wait for each
/// other or not, as this one does: first those that do so in its way, by gradients or by minimizers, of these those that
/// reach the optimum if this one does, and then those that ask the same of the trainer, the simplest first.
pub fn candidates(refused: &Algorithm, size: u32) -> Vec<(&'static str, Algorithm)> {
    let names = library::names().into_iter();
    let algorithms = names.filter_map(|name| Some((name, library_algorithm(name, size)?)));
    let mut candidates: Vec<_> = algorithms
        .filter(|(_, algorithm)| {
            let asks = !algorithm.requires.is_empty() && algorithm.topologies.len() == 1;
            asks && algorithm.name != refused.name && serves(algorithm, refused)
        })
        .collect();
    let calm = calm_ring();
    let is_exact =
        |algorithm: &Algorithm| quadratic::is_exact(algorithm, Prover::new(&calm, None).facts(), [0.5, 1.0]);
    let exact = kind(refused).0 && is_exact(refused);
    candidates.sort_by_cached_key(|(_, algorithm)| {
        let biased = exact && !is_exact(algorithm);
        let others = Oracles::new(algorithm) != Oracles::new(refused);
        let another_way = kind(algorithm) != kind(refused);
        (another_way, biased, others, algorithm.states.len(), algorithm.values.len())
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
        names: None,
        places: [].into(),
    }]
}

/// An algorithm of the library that does not bring a topology of its own.
fn library_algorithm(name: &str, size: u32) -> Option<Algorithm> {
    let program = resolve::load(name, library::source(name)?, &[], &Combination::default(), &NoFiles)
        .into_result()
        .ok()?;
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
