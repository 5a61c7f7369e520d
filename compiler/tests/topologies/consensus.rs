//! Plain averaging from x_i = i: how far ranks are apart after 8 and after 32 steps, against published runs.

use super::dense::{Ask, ask};

const SIZES: [u32; 6] = [8, 16, 32, 33, 100, 128];

/// ‖x − mean‖ after 8 and after 32 steps, in units of what it was.
fn errors(asked: Ask) -> [f64; 2] {
    let phases: Vec<Vec<Vec<(usize, f64)>>> = asked
        .phases()
        .into_iter()
        .map(|phase| {
            let used = |row: Vec<bfc_schedule::Rational>| {
                row.iter().map(|w| w.to_f64()).enumerate().filter(|(_, weight)| *weight != 0.0).collect()
            };
            phase.into_iter().map(used).collect()
        })
        .collect();
    let mut x: Vec<f64> = (0..asked.size).map(f64::from).collect();
    let mean = f64::from(asked.size - 1) / 2.0;
    let apart = |x: &[f64]| x.iter().map(|entry| (entry - mean).powi(2)).sum::<f64>().sqrt();
    let start = apart(&x);
    let mut found = vec![];
    for step in 0..32 {
        let phase = &phases[step % phases.len()];
        x = phase.iter().map(|row| row.iter().map(|(j, weight)| weight * x[*j]).sum()).collect();
        if [7, 31].contains(&step) {
            found.push(apart(&x) / start);
        }
    }
    [found[0], found[1]]
}

/// Three digits; 0 stands for what is exact up to rounding. NaN where the size is not possible.
fn run(name: &str, parameters: &[(&str, &str)], after_8: [f64; 6], after_32: [f64; 6]) {
    for ((size, early), late) in SIZES.into_iter().zip(after_8).zip(after_32) {
        if early.is_nan() {
            continue;
        }
        let found = errors(ask(name, size).with(parameters));
        for (found, expected) in found.into_iter().zip([early, late]) {
            let near = (found - expected).abs() <= 0.006 * expected + 1e-13;
            assert!(near, "{name} {parameters:?} at {size}: {found:e}, expected {expected:e}");
        }
    }
}

const ODD: f64 = f64::NAN;

#[test]
fn slow_graphs() {
    run("path", &[], [0.655, 0.897, 0.972, 0.973, 0.997, 0.998], [0.188, 0.657, 0.897, 0.902, 0.988, 0.993]);
    let tree = ([0.115, 0.227, 0.320, 0.337, 0.400, 0.411], [2.57e-3, 8.59e-2, 0.185, 0.156, 0.251, 0.294]);
    run("binary_tree", &[], tree.0, tree.1);
    let barbell = ([0.478, 0.720, 0.822, ODD, 0.861, 0.863], [8.20e-2, 0.415, 0.701, ODD, 0.845, 0.853]);
    run("barbell", &[], barbell.0, barbell.1);
    let matching = ([7.72e-2, 0.462, 0.727, ODD, 0.912, 0.931], [1.88e-5, 6.89e-2, 0.432, ODD, 0.813, 0.854]);
    run("ring_matching", &[], matching.0, matching.1);
}

#[test]
fn fast_graphs() {
    run("de_bruijn", &[], [0.0, 0.0, 0.0, 3.91e-3, 3.90e-3, 0.0], [0.0, 0.0, 0.0, 2.33e-10, 2.33e-10, 0.0]);
    run("kautz", &[("degree", "3")], [1.52e-4; 6], [0.0; 6]);
    let shifts = (
        [1.52e-4, 1.09e-2, 1.23e-2, 1.29e-2, 8.84e-2, 4.11e-2],
        [0.0, 4.22e-9, 4.76e-8, 5.83e-8, 3.36e-6, 1.76e-8],
    );
    run("p_peer_exponential", &[], shifts.0, shifts.1);
    let bipartite = (
        [5.46e-2, 4.29e-2, 6.20e-2, ODD, 0.140, 2.64e-2],
        [1.33e-5, 6.54e-7, 2.37e-7, ODD, 9.95e-5, 2.52e-8],
    );
    run("bipartite_exponential", &[], bipartite.0, bipartite.1);
    let early = [4.26e-4, 5.42e-3, 4.46e-3, 2.45e-3, 2.14e-3, 8.12e-4];
    let late = [3.14e-12, 8.46e-8, 8.60e-10, 1.89e-10, 6.36e-7, 2.59e-11];
    for (at, size) in SIZES.into_iter().enumerate() {
        let seed = size.to_string();
        let found = errors(ask("d_equistatic", size).with(&[("seed", &seed)]));
        assert!(
            (found[0] / early[at] - 1.0).abs() < 0.006 && (found[1] / late[at] - 1.0).abs() < 0.006,
            "{size}"
        );
    }
}

#[test]
fn exact_schedules() {
    run("simple_base", &[], [0.0, 0.0, 0.0, 0.137, 0.448, 0.0], [0.0; 6]);
    run("base", &[], [0.0, 0.0, 0.0, 0.137, 0.973, 0.0], [0.0; 6]);
    run("base", &[("k", "2")], [0.0; 6], [0.0; 6]);
    run("base", &[("k", "4")], [0.0; 6], [0.0; 6]);
    run("p_peer_hypercuboid", &[], [0.0; 6], [0.0; 6]);
}
