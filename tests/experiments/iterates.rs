//! Algorithms without published iterates, against their equations written out on all ranks at once.

use crate::problem::{Vector, scalar};
use crate::run::{models, schedule};

const RANKS: usize = 8;
const LR: f64 = 0.05;

/// W x on a ring with weights 1/3.
fn mix(x: &[f64]) -> Vector {
    (0..RANKS).map(|i| (x[(i + RANKS - 1) % RANKS] + x[i] + x[(i + 1) % RANKS]) / 3.0).collect()
}

/// Every rank's gradient at its own number.
fn gradient(x: &[f64]) -> Vector {
    let (problem, mut gradient) = (scalar(RANKS), [0.0]);
    let at = |rank: usize| {
        problem.gradient(rank, &x[rank..=rank], &mut gradient);
        gradient[0]
    };
    (0..RANKS).map(at).collect()
}

fn each(a: &[f64], b: &[f64], combine: impl Fn(f64, f64) -> f64) -> Vector {
    a.iter().zip(b).map(|(a, b)| combine(*a, *b)).collect()
}

/// Runs `step`, which is given the states and the number of the step from 1 and returns the next states, x the first.
fn assert_follows(algorithm: &str, states: usize, step: impl Fn(&[Vector], i32) -> Vec<Vector>) {
    let found = models(&schedule("ring", algorithm, RANKS), &scalar(RANKS), LR, 40, 1);
    let mut now = vec![vec![0.0; RANKS]; states];
    for (number, models) in (1..).zip(&found) {
        now = step(&now, number);
        for (model, expected) in models.iter().zip(&now[0]) {
            let close = (model[0] - expected).abs() <= 1e-12 * expected.abs().max(1.0);
            assert!(close, "{algorithm}, step {number}: {} instead of {expected}", model[0]);
        }
    }
}

#[test]
fn momentum_of_nesterov() {
    let beta = 0.6;
    assert_follows("dmsgd(beta = 3/5, nesterov = true)", 2, |now, _| {
        let g = gradient(&now[0]);
        let m = each(&now[1], &g, |m, g| beta * m + g);
        let along = each(&g, &m, |g, m| g + beta * m);
        vec![mix(&each(&now[0], &along, |x, d| x - LR * d)), m]
    });
    let mu = 0.8;
    assert_follows("qg_dmsgd(beta = 3/5, mu = 4/5, nesterov = true)", 2, |now, _| {
        let g = gradient(&now[0]);
        let d = each(&now[1], &g, |m, g| beta * m + g);
        let along = each(&g, &d, |g, d| g + beta * d);
        let x = mix(&each(&now[0], &along, |x, d| x - LR * d));
        let moved = each(&now[0], &x, |before, after| (before - after) / LR);
        let m = each(&now[1], &moved, |m, moved| mu * m + (1.0 - mu) * moved);
        vec![x, m]
    });
}

#[test]
fn adam() {
    let (first, second, epsilon) = (0.9, 0.99, 1e-6);
    let algorithm = "dadam(beta1 = 9/10, beta2 = 99/100, epsilon = 1e-6)";
    assert_follows(algorithm, 3, |now, step| {
        let g = gradient(&now[0]);
        let m = each(&now[1], &g, |m, g| first * m + (1.0 - first) * g);
        let v = each(&now[2], &g, |v, g| second * v + (1.0 - second) * g * g);
        let mean = |m: f64| m / (1.0 - f64::powi(first, step));
        let root = |v: f64| (v / (1.0 - f64::powi(second, step))).sqrt();
        let along = each(&m, &v, |m, v| mean(m) / (root(v) + epsilon));
        vec![each(&mix(&now[0]), &along, |x, d| x - LR * d), m, v]
    });
}

#[test]
fn amsgrad_with_a_shared_preconditioner() {
    let (first, second, epsilon) = (0.9, 0.9, 1e-6);
    let algorithm = "d_amsgrad(beta1 = 9/10, beta2 = 9/10, epsilon = 1e-6)";
    assert_follows(algorithm, 5, |now, _| {
        let g = gradient(&now[0]);
        let m = each(&now[1], &g, |m, g| first * m + (1.0 - first) * g);
        let v = each(&now[2], &g, |v, g| second * v + (1.0 - second) * g * g);
        let top = each(&now[3], &v, f64::max);
        let grown = each(&top, &now[3], |after, before| after - before);
        let u = each(&mix(&now[4]), &grown, |u, grown| u + grown);
        let along = each(&m, &u, |m, u| m / u.max(epsilon).sqrt());
        vec![each(&mix(&now[0]), &along, |x, d| x - LR * d), m, v, top, u]
    });
}

#[test]
fn dual_averaging() {
    assert_follows("dual_averaging", 2, |now, step| {
        let z = each(&mix(&now[1]), &gradient(&now[0]), |z, g| z + g);
        vec![z.iter().map(|z| -LR / f64::from(step).sqrt() * z).collect(), z]
    });
    // The step size falls: slow, and without bias.
    let problem = scalar(RANKS);
    let models = models(&schedule("ring", "dual_averaging", RANKS), &problem, 1.0, 4, 1000);
    let errors: Vec<f64> = models.iter().map(|models| problem.error(models)).collect();
    assert!(errors.windows(2).all(|pair| pair[1] < pair[0]) && errors[3] < 0.6 * errors[0], "{errors:?}");
}
