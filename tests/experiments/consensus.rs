//! Averaging alone, from rank i at i: how much of the disagreement is left after 8 and after 32 steps.

use crate::problem::{Vector, scalar};
use crate::run::{run, schedule};

/// A topology and the relative error after 8 and after 32 steps at sizes 8, 16, 32, 33 and 100.
type Row = (&'static str, &'static [[f64; 2]]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("ring", &[[0.142, 7.72e-4], [0.523, 0.149], [0.759, 0.523], [0.766, 0.536], [0.922, 0.844]]),
    ("ring_directed", &[[0.429, 6.40e-2], [0.709, 0.424], [0.854, 0.705], [0.858, 0.714], [0.953, 0.905]]),
    ("star", &[[0.281, 1.14e-2], [0.542, 0.115], [0.740, 0.345], [0.746, 0.357], [0.909, 0.714]]),
    ("grid2d", &[[0.137, 3.07e-3], [0.323, 1.10e-2], [0.384, 8.22e-2], [0.319, 0.179], [0.842, 0.512]]),
    ("torus2d", &[[3.81e-3, 2.27e-10], [1.50e-2, 7.12e-8], [7.53e-2, 3.71e-3], [0.157, 3.23e-2], [0.423, 6.26e-2]]),
    ("hypercube", &[[3.91e-3, 2.33e-10], [1.68e-2, 7.96e-8], [3.90e-2, 2.32e-6]]),
    ("exponential", &[[1.88e-3, 5.29e-11], [5.38e-3, 8.71e-9], [1.08e-2, 1.27e-7], [1.51e-2, 9.41e-8], [1.26e-2, 1.74e-6]]),
    ("exponential(base = 3)", &[[1.08e-2, 2.03e-8], [1.85e-2, 1.81e-6], [2.84e-2, 1.29e-6], [2.52e-2, 2.94e-6], [4.43e-2, 1.00e-5]]),
    ("path", &[[0.655, 0.188], [0.897, 0.657], [0.972, 0.897], [0.973, 0.902], [0.997, 0.988]]),
    ("binary_tree", &[[0.115, 2.57e-3], [0.227, 8.59e-2], [0.320, 0.185], [0.337, 0.156], [0.400, 0.251]]),
    ("de_bruijn", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [3.91e-3, 2.33e-10], [3.90e-3, 2.33e-10]]),
    ("kautz(degree = 3)", &[[1.52e-4, 0.0], [1.52e-4, 0.0], [1.52e-4, 0.0], [1.52e-4, 0.0], [1.52e-4, 0.0]]),
    ("p_peer_exponential", &[[1.52e-4, 0.0], [1.09e-2, 4.22e-9], [1.23e-2, 4.76e-8], [1.29e-2, 5.83e-8], [8.84e-2, 3.36e-6]]),
    ("simple_base", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.137, 0.0], [0.448, 0.0]]),
    ("base", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.137, 0.0], [0.973, 0.0]]),
    ("base(k = 2)", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    ("p_peer_hypercuboid", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    ("one_peer_exp2", &[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.74e-2, 2.50e-8], [0.157, 1.01e-3]]),
];

const SIZES: [usize; 5] = [8, 16, 32, 33, 100];

/// The models after every step, from `start` of the rank; no gradient is asked for.
fn averaging(
    topology: &str,
    algorithm: &str,
    size: usize,
    steps: usize,
    start: impl Fn(f64) -> f64 + Sync,
) -> Vec<Vec<Vector>> {
    let schedule = schedule(topology, algorithm, size);
    run(&schedule, &scalar(size), 0.0, steps, 1, |rank| vec![start(rank as f64)])
}

/// ‖X − 1 x̄‖ / ‖X⁰ − 1 x̄‖.
fn disagreement(models: &[Vector]) -> f64 {
    let mean = (models.len() - 1) as f64 / 2.0;
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| (x - mean).powi(2)).sum::<f64>().sqrt();
    norm(&mut models.iter().map(|x| x[0])) / norm(&mut (0..models.len()).map(|rank| rank as f64))
}

#[test]
fn disagreement_is_the_published_one() {
    for (topology, expected) in ROWS {
        for (size, expected) in SIZES.into_iter().zip(*expected) {
            let models = averaging(topology, "neighbor_averaging", size, 32, |rank| rank);
            for (steps, expected) in [8, 32].into_iter().zip(expected) {
                let found = disagreement(&models[steps - 1]);
                let near = (found - expected).abs() <= 5.1e-3 * expected + 1e-14;
                assert!(near, "{topology} of {size} after {steps}: {found} instead of {expected}");
            }
        }
    }
}

#[test]
fn ceca_averages_exactly_at_any_size() {
    for (size, ports) in [(1, 2), (2, 1), (3, 2), (5, 2), (6, 1), (7, 2), (12, 1), (13, 2), (33, 2), (64, 1)]
    {
        let steps = usize::BITS - (size - 1usize).leading_zeros();
        let (topology, length) = (format!("ceca(ports = {ports})"), 3 * steps.max(1) as usize);
        let models = averaging(&topology, "ceca_average", size, length, |rank| rank);
        // It stays there.
        for models in &models[steps.max(1) as usize - 1..] {
            assert!(disagreement(models) < 1e-14 || size == 1, "{topology} of {size}");
        }
        if size == 5 {
            let first: Vec<f64> = models[..3].iter().map(|models| models[0][0]).collect();
            first.iter().zip([2.0, 7.0 / 3.0, 2.0]).for_each(|(x, y)| assert!((x - y).abs() < 1e-14));
        }
    }
}

#[test]
fn push_sum_averages_on_directed_graphs() {
    for (size, steps) in [(8, 82), (16, 204), (33, 481)] {
        let models = averaging("hub_push", "push_sum", size, steps + 1, |rank| rank);
        let mean = (size - 1) as f64 / 2.0;
        let worst = |models: &Vec<Vector>| models.iter().map(|x| (x[0] - mean).abs()).fold(0.0, f64::max);
        let found = models.iter().position(|models| worst(models) <= 1e-6).map(|index| index + 1);
        assert_eq!(found, Some(steps), "{size} ranks");
    }
}

#[test]
fn chebyshev_polynomials_accelerate_averaging() {
    for (size, steps) in [(8, 22), (128, 362)] {
        // The slowest vector of a ring: after k steps 1 / T_k(1 / rho) of it is left.
        let angle = std::f64::consts::TAU / size as f64;
        let slowest = |rank: f64| (angle * rank).cos();
        let models = averaging("ring", "chebyshev_averaging", size, steps + 1, slowest);
        let rho = (1.0 + 2.0 * angle.cos()) / 3.0;
        let left = |k: usize| 1.0 / (k as f64 * (1.0 / rho).acosh()).cosh();
        for (index, models) in models.iter().enumerate() {
            for (rank, x) in models.iter().enumerate() {
                let expected = left(index + 1) * slowest(rank as f64);
                // The compiler rounds rho to 2^-40.
                assert!((x[0] - expected).abs() < 1e-8, "rank {rank} after {}: {}", index + 1, x[0]);
            }
        }
        let found = models.iter().position(|models| models[0][0].abs() <= 1e-6).map(|index| index + 1);
        assert_eq!(found, Some(steps), "{size} ranks");
    }
}
