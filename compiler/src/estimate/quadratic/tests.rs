//! Rates, largest steps and limits against closed forms and the reference experiment of scalar quadratics.

use super::space::{Functions, Ranks};
use super::*;
use crate::model::algorithm::ValueId;
use crate::prove::tests::build::{Builder, diffusion};
use crate::prove::tests::{cayley, tables};
use crate::prove::timeline::Moment;
use bfc_schedule::program::Operation;
use bfc_schedule::{CayleyMatrix, Group, MixingMatrix, Rank};

/// x' = W x − lr ∇f(x), x' = W (x − lr ∇f(x)), and exact diffusion, with this step size.
fn algorithms() -> [Algorithm; 3] {
    let adapt_while_communicate = {
        let mut b = Builder::new();
        let x = b.state();
        let (gradient, mixed) = (b.gradient(x), b.mix(x));
        let next = b.descend(mixed, gradient);
        b.algorithm(&[next])
    };
    let adapt_then_combine = {
        let mut b = Builder::new();
        let x = b.state();
        let gradient = b.gradient(x);
        let moved = b.descend(x, gradient);
        let next = b.mix(moved);
        b.algorithm(&[next])
    };
    // The first value is x in each.
    let on_x = |algorithm| Algorithm { model: ValueId(0), ..algorithm };
    [adapt_while_communicate, adapt_then_combine, diffusion(true)].map(on_x)
}

fn ring() -> Vec<MixingMatrix> {
    vec![cayley(&[8], [1, 7])]
}

fn analyzed(algorithm: &Algorithm, phases: &[MixingMatrix]) -> Quadratic {
    quadratic(algorithm, &[Facts::new(phases)], [0.1, 1.0]).expect("it asks for gradients")
}

#[test]
fn largest_steps_are_those_of_the_closed_forms() {
    // Eigenvalues of the ring of 8: the least is −1/3, so AWC takes (1 + λ_min) / L; the others 2 / L.
    for (algorithm, expected) in algorithms().iter().zip([2.0 / 3.0, 2.0, 2.0]) {
        let largest = analyzed(algorithm, &ring()).largest_step.expect("it converges");
        assert!((largest - expected).abs() < 1e-6, "{largest} and {expected}");
    }
}

#[test]
fn modes_and_the_whole_agree() {
    let tables = tables(&ring());
    for algorithm in algorithms() {
        let (by_characters, by_eigenvalues) = (analyzed(&algorithm, &ring()), analyzed(&algorithm, &tables));
        let facts = [Facts::new(&tables)];
        let knob = Knob::new(&algorithm);
        let problem = Problem { algorithm: &algorithm, topologies: &facts, knob, curvature: [0.1, 1.0] };
        let whole = problem.radius_of_whole(by_characters.step.clone().map(|step| step.1));
        let rates = [by_characters.rate, by_eigenvalues.rate, whole.ok()].map(|rate| rate.expect("a rate"));
        assert!(rates.iter().all(|rate| (rate - rates[0]).abs() < 1e-7), "{rates:?}");
    }
}

/// Each rank takes from the next, and from one that is far away and another in each phase.
fn one_way(size: u32, phases: u32) -> Vec<MixingMatrix> {
    tables(&(0..phases).map(|phase| cayley(&[size], [1, 5 + 3 * phase])).collect::<Vec<_>>())
}

/// The same both ways, where each rank keeps half: exact diffusion converges.
fn both_ways(size: u32, phases: u32) -> Vec<MixingMatrix> {
    let phase = |phase: u32| {
        let far = 5 + 3 * phase;
        let hops = [1, far, size - far, size - 1].map(|hop| (Rank(hop), Rational::new(1, 8)));
        let lazy = CayleyMatrix::new(Group::cyclic(size), Rational::new(1, 2), hops.to_vec());
        MixingMatrix::Cayley(lazy.expect("hops of the group"))
    };
    tables(&(0..phases).map(phase).collect::<Vec<_>>())
}

#[test]
fn a_step_that_is_applied_has_the_numbers_of_its_matrix() {
    let sizes = [(30, 1), (61, 1), (64, 3)];
    let directed = sizes.map(|(size, phases)| one_way(size, phases));
    let undirected = sizes.map(|(size, phases)| both_ways(size, phases));
    let mut diverging = 0;
    for phases in directed.into_iter().chain(undirected) {
        let size = phases[0].size();
        let facts = [Facts::new(&phases)];
        for algorithm in algorithms() {
            let knob = Knob::new(&algorithm);
            let problem = Problem { algorithm: &algorithm, topologies: &facts, knob, curvature: [0.1, 1.0] };
            let (algorithm, descent) = problem.with_step(Some(0.1));
            let affine = Affine::new(&algorithm, descent);
            let timeline = problem.timeline(&affine).expect("it repeats");
            let (curvatures, optima) = problem.spread(size as usize);
            let linear: Vec<f64> = curvatures.iter().zip(&optima).map(|(h, z)| h * z).collect();
            let rows = problem.rows();
            let space = Points { phases: &rows, curvatures: &curvatures, linear: &linear };
            let whole = Whole::new(&affine, space, &timeline).expect("affine");
            let [by_matrix, applied] = [whole.eigenvalues(), whole.dominant_eigenvalues()]
                .map(|values| radius(&values.expect("affine"), true));
            assert!((by_matrix - applied).abs() < 1e-7, "{size}: {by_matrix} and {applied}");
            let limits =
                [whole.limit_by_matrix(), whole.limit_by_applying()].map(|limit| limit.expect("affine"));
            let [Some(by_matrix), Some(applied)] = limits else {
                assert!(by_matrix > 1.0 && limits == [None, None], "{size}: {by_matrix}, {limits:?}");
                diverging += 1;
                continue;
            };
            let apart = by_matrix.iter().zip(&applied).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(apart < 1e-7, "{size}: {apart}");
        }
    }
    assert_eq!(diverging, sizes.len(), "only exact diffusion on directed graphs");
}

#[test]
fn a_run_of_steps_alone_is_these_steps_one_by_one() {
    // Heavy ball with a constant, mixed at every seventh step.
    let mut b = Builder::new();
    let (x, m) = (b.state(), b.state());
    let (step, one, seven, zero) = (b.step(), b.number(1, 1), b.number(7, 1), b.number(0, 1));
    let next = b.add(step, one);
    let rest = b.apply(Operation::Mod, &[next, seven]);
    let seventh = b.apply(Operation::Equal, &[rest, zero]);
    let (gradient, half) = (b.gradient(x), b.times(m, 1, 2));
    let pushed = b.add(half, gradient);
    let moved = b.add(pushed, one);
    let alone = b.descend(x, moved);
    let mixed = b.mix(alone);
    let algorithm = b.conditional(vec![seventh], vec![vec![alone, moved], vec![mixed, moved]]);
    let phases = one_way(12, 2);
    let facts = [Facts::new(&phases)];
    let problem = Problem { algorithm: &algorithm, topologies: &facts, knob: None, curvature: [0.1, 1.0] };
    let affine = Affine::new(&algorithm, 0.1);
    let timeline = problem.timeline(&affine).expect("it repeats");
    assert_eq!(timeline.period.len(), 14);
    let (curvatures, linear) = problem.spread(12);
    let rows = problem.rows();
    let ranks = Ranks { phases: &rows, states: 2, curvatures: &curvatures };
    let points = Points { phases: &rows, curvatures: &curvatures, linear: &linear };
    let course = |moments: &[Moment]| Course::new(&affine, moments, &curvatures).expect("affine");
    let period = course(&timeline.period);
    assert_eq!(period.len(), 4, "a run and a step of each phase");
    let steps: Vec<Course> = timeline.period.iter().map(|moment| course(&[*moment])).collect();

    let start = vec![linear.clone(), curvatures.clone()];
    let by_runs = period.follow(&affine, &points, start.clone()).expect("affine");
    let step = |states, step: &Course| step.follow(&affine, &points, states);
    let by_steps = steps.iter().try_fold(start, step).expect("affine");
    let apart =
        by_runs.concat().iter().zip(by_steps.concat()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-12, "{apart}");

    let start = (0..2).map(|state| ranks.state(state)).collect();
    let step = |states, step: &Course| step.follow(&affine, &ranks, states);
    let by_steps = steps.iter().try_fold(start, step).expect("affine");
    for (by_runs, by_steps) in period.map(&affine, &ranks).expect("affine").iter().zip(&by_steps) {
        assert!((by_runs - by_steps).norm_max() < 1e-12);
    }
}

#[test]
fn limits_are_those_of_the_reference_experiment() {
    // f_i = a_i (x − i)² / 2 with a_i = 1 + (i mod 4) / 4 and step 0.1; the errors are relative to the optimum 41/11.
    let curvatures: Vec<f64> = (0..8).map(|i| 1.0 + f64::from(i % 4) / 4.0).collect();
    let optima: Vec<f64> = (0..8).map(f64::from).collect();
    let phases = ring();
    let facts = [Facts::new(&phases)];
    for (algorithm, expected) in algorithms().iter().zip([0.21212, 0.18149, 0.0]) {
        let knob = Knob::new(algorithm);
        let problem = Problem { algorithm, topologies: &facts, knob, curvature: [1.0, 1.75] };
        let models = problem.limit(Some(0.1), &curvatures, &optima).expect("affine").expect("a limit");
        let optimum = 41.0 / 11.0;
        let distance = models.iter().map(|x| (x - optimum).powi(2)).sum::<f64>().sqrt();
        let relative = distance / (optimum * 8f64.sqrt());
        assert!((relative - expected).abs() < 5e-6, "{relative} and {expected}");
    }
}

#[test]
fn what_only_averages_has_no_rate() {
    let mut b = Builder::new();
    let x = b.state();
    let next = b.mix(x);
    let algorithm = b.algorithm(&[next]);
    let phases = ring();
    assert!(quadratic(&algorithm, &[Facts::new(&phases)], [0.1, 1.0]).is_none());
}
