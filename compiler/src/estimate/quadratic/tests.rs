//! Rates, largest steps and limits against closed forms and the reference experiment of scalar quadratics.

use super::*;
use crate::model::algorithm::ValueId;
use crate::prove::tests::build::{Builder, diffusion};
use crate::prove::tests::{cayley, tables};

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

fn ring() -> Vec<bfc_schedule::MixingMatrix> {
    vec![cayley(&[8], [1, 7])]
}

fn analyzed(algorithm: &Algorithm, phases: &[bfc_schedule::MixingMatrix]) -> Quadratic {
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
