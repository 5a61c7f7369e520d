//! Counts, rates and norms against products that are formed here, dense algebra and closed forms.

use crate::topologies::dense::{Ask, Matrix, ask, phases, source};
use bfc_algebra::{Mat, eigenvalues, multiply, singular_values};
use bfc_compiler::{Analysis, Assumptions, Detail, NoFiles, analyze_on, compile};
use proptest::prelude::*;
use std::f64::consts::PI;

fn floats(matrix: &Matrix) -> Mat<f64> {
    Mat::from_fn(matrix.len(), matrix.len(), |i, j| matrix[i][j].to_f64())
}

fn less_average(matrix: &Mat<f64>) -> Mat<f64> {
    let n = matrix.nrows();
    Mat::from_fn(n, n, |i, j| matrix[(i, j)] - 1.0 / n as f64)
}

fn norm(matrix: &Mat<f64>) -> f64 {
    let (_, values, _) = singular_values(matrix).expect("small");
    values.into_iter().fold(0.0, f64::max)
}

fn analysis_of(text: &str, size: u32) -> (Analysis, Vec<Mat<f64>>) {
    let request = source(text, size);
    let analysis = analyze_on(&request, &NoFiles, Assumptions::default(), Detail::Curves);
    let phases = phases(&compile(&request, &NoFiles).unwrap_or_else(|error| panic!("{text}: {error}")));
    (analysis.unwrap(), phases.iter().map(floats).collect())
}

/// The norms of the products of the first 1, 2, … phases less J.
fn norms(phases: &[Mat<f64>], steps: usize) -> Vec<f64> {
    let n = phases[0].nrows();
    let mut product = Mat::identity(n, n);
    (0..steps)
        .map(|step| {
            product = multiply(phases[step % phases.len()].as_ref(), product.as_ref());
            norm(&less_average(&product))
        })
        .collect()
}

#[test]
fn steps_are_counted_on_the_products() {
    let names = [
        "one_peer_exp2",
        "ring_matching",
        "base",
        "inner_outer_ring",
        "random_matching",
        "od_equidyn",
        "de_bruijn",
        "kautz",
        "bipartite_exponential",
        "p_peer_exponential",
        "el_local",
        "pairwise_gossip",
        "chebyshev",
        "u_equistatic",
    ];
    let mut counted = 0;
    for (name, size) in names.into_iter().flat_map(|name| [6, 9, 12].map(|size| (name, size))) {
        let asked = ask(name, size);
        if asked.is_refused() {
            continue;
        }
        let found = asked.analyze();
        let phases: Vec<Mat<f64>> = asked.phases().iter().map(floats).collect();
        for (steps, epsilon) in [(found.rounds_to_1e_3, 1e-3), (found.rounds_to_1e_6, 1e-6)] {
            let Some(steps) = steps.map(|steps| steps as usize).filter(|steps| *steps <= 400) else {
                continue;
            };
            let all = norms(&phases, steps);
            let is_first = all[..steps - 1].iter().all(|norm| *norm > epsilon)
                && all[steps - 1] <= epsilon * (1.0 + 1e-9);
            assert!(is_first, "{name} at {size}: {steps} steps to {epsilon}, {all:?}");
            counted += 1;
        }
    }
    assert!(counted > 40, "{counted}");
}

#[test]
fn steps_of_large_products_are_counted_too() {
    let counts = |asked: Ask| {
        let found = asked.analyze();
        (found.rounds_to_1e_3.unwrap(), found.rounds_to_1e_6.unwrap(), found.methods["rounds_to_1e-3"])
    };
    assert_eq!(counts(ask("de_bruijn", 1024)), (10, 10, "enclosed"));
    assert_eq!(counts(ask("de_bruijn", 1000)), (17, 29, "enclosed"));
    assert_eq!(counts(ask("kautz", 1000).with(&[("degree", "3")])), (10, 18, "enclosed"));
    let machines = ask("inner_outer_expo2", 1000).sharing(8).analyze();
    assert_eq!((machines.rounds_to_1e_3, machines.methods["rounds_to_1e-3"]), (Some(216), "enclosed"));
    // Half of the square in every step: 2 log₂ 1000 steps, and a few for what starts worst.
    let (coarse, fine, method) = counts(ask("random_matching", 1000).with(&[("horizon", "40")]));
    assert!(
        (20..30).contains(&coarse) && (40..56).contains(&fine) && method == "enclosed",
        "{coarse} {fine} {method}"
    );
}

#[test]
fn characters_that_edges_permute_give_closed_forms() {
    for size in [12u32, 96, 999, 1000, 1001, 3000] {
        for (name, degree) in [("de_bruijn", "2"), ("kautz", "2"), ("kautz", "3"), ("de_bruijn", "5")] {
            let found = ask(name, size).with(&[("degree", degree)]).analyze();
            let exact = 1.0 / degree.parse::<f64>().unwrap();
            let [low, high] = found.bounds["rho"];
            assert!(
                low <= exact && exact <= high && high - low < 1e-12,
                "{name} {degree} {size}: {low} {high}"
            );
        }
    }
    // A power of the degree: all walks of that length end everywhere alike.
    let nilpotent = ask("de_bruijn", 1 << 13).analyze();
    assert_eq!(
        (nilpotent.rho, nilpotent.methods["rho"], nilpotent.exact_after),
        (Some(0.0), "exact", Some(13))
    );
    // An odd size: every character has one image, and the largest cosine is next to 1.
    let sigma = ask("de_bruijn", 1001).analyze();
    let [low, high] = sigma.bounds["sigma2"];
    let cosine = (PI / 1001.0).cos();
    assert!(low <= cosine && cosine <= high && high - low < 1e-13, "{low} {high}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn permuted_characters_agree_with_dense_algebra(
        size in 4u32..28,
        kinds in prop::collection::vec((1u32..4, 0u32..28, any::<bool>()), 1..4),
        hears: bool,
    ) {
        let phase = |(degree, offset, negative): (u32, u32, bool)| {
            let sign = if negative { "-" } else { "" };
            let to = format!("({sign}{degree} * i + a + {offset}) mod size");
            let edge = if hears { format!("{to} -> i") } else { format!("i -> {to}") };
            format!("phase {{ for i in ranks, a in 0..{degree} {{ {edge} weight 1 / {degree} }} }}")
        };
        let text = format!("topology t {{\n{}\n}}", kinds.iter().copied().map(phase).collect::<Vec<_>>().join("\n"));
        let (found, phases) = analysis_of(&text, size);
        prop_assert!(found.doubly_stochastic, "{}", text);
        let product = phases.iter().fold(Mat::identity(size as usize, size as usize), |product, phase| multiply(phase.as_ref(), product.as_ref()));
        let off = less_average(&product);
        prop_assert!((found.period_contraction.unwrap() - norm(&off)).abs() < 1e-9, "{}: {:?}", text, found);
        let radius = eigenvalues(&off).unwrap().into_iter().map(|value| value.re.hypot(value.im)).fold(0.0, f64::max);
        // Eigenvalues of a matrix with Jordan blocks are off by a root of the rounding.
        let rate = found.asymptotic_rate.unwrap().powi(found.period as i32);
        let rounding = if radius < 0.35 { 0.35 } else { 1e-3 };
        prop_assert!((rate - radius).abs() < rounding && rate <= norm(&off) + 1e-9, "{}: {} {}", text, rate, radius);
        let long = norms(&phases, 24 * phases.len());
        prop_assert!(rate.powi(24) <= long[long.len() - 1] * (1.0 + 1e-6) + 1e-12, "{}: {} {:?}", text, rate, long.last());
        for (steps, error) in found.consensus_error.unwrap().into_iter().filter(|(steps, _)| *steps <= long.len() as u64) {
            prop_assert!((error - long[steps as usize - 1]).abs() < 1e-9, "{}: {} after {}", text, error, steps);
        }
    }

    /// Curves of what diverges end, at numbers, and never come down again.
    #[test]
    fn curves_of_what_diverges_are_numbers(
        size in 3u32..9, weights in prop::collection::vec(-9i32..10, 1..5), phases in 1usize..4, far in any::<bool>()
    ) {
        let mut text = "topology t {\n".to_string();
        for (at, weight) in weights.iter().enumerate() {
            let (from, to) = (at as u32 % size, (at as u32 * 2 + 1) % size);
            let scale = if far { 1_000_000_007 } else { 1 };
            if from != to && at < phases * 2 {
                text += &format!("phase {{ {from} -> {to} weight {weight} * {scale} / 2\n {to} -> {from} weight {weight} }}\n");
            }
        }
        let request = source(&(text + "}"), size);
        let Ok(found) = analyze_on(&request, &NoFiles, Assumptions::default(), Detail::Curves) else { return Ok(()) };
        let Some(points) = found.consensus_error else { return Ok(()) };
        prop_assert!(points.iter().all(|(_, error)| error.is_finite() && *error >= 0.0), "{:?}", points);
        let top = points.iter().position(|(_, error)| *error >= 1e6).unwrap_or(points.len());
        prop_assert!(top + 1 >= points.len(), "{:?}", points);
        for (key, value) in serde_json::to_value(&found.bounds).unwrap().as_object().unwrap() {
            prop_assert!(value[0].is_number() && value[1].is_number(), "{} {}", key, value);
        }
    }
}

/// 1/(1 − γ) over what z ← W (√γ z + ξ) comes to, by covariances.
fn neighbours(phases: &[Mat<f64>], memory: f64) -> f64 {
    let n = phases[0].nrows();
    let mut covariance = Mat::<f64>::zeros(n, n);
    let mut sum = 0.0;
    let (steps, period) = (600 * phases.len(), phases.len());
    for step in 0..steps {
        let phase = &phases[step % period];
        let noisy = Mat::from_fn(n, n, |i, j| memory * covariance[(i, j)] + f64::from(u8::from(i == j)));
        covariance = multiply(multiply(phase.as_ref(), noisy.as_ref()).as_ref(), phase.transpose());
        if step + period >= steps {
            sum += (0..n).map(|i| covariance[(i, i)]).sum::<f64>() / n as f64;
        }
    }
    1.0 / (1.0 - memory) / (sum / period as f64)
}

#[test]
fn effective_neighbours_divide_the_variance_of_noise() {
    let names = [
        "ring",
        "star",
        "complete",
        "one_peer_exp2",
        "ring_directed",
        "de_bruijn",
        "kautz",
        "random_matching",
        "tree_pull",
        "el_local",
        "inner_outer_ring",
        "exponential",
        "ring_matching",
        "hypercube",
    ];
    for name in names {
        let asked = ask(name, 8);
        let phases: Vec<Mat<f64>> = asked.phases().iter().map(floats).collect();
        for noise_memory in [0.0, 0.5, 0.9] {
            let found = asked.analyze_with(Assumptions { noise_memory, ..Assumptions::default() });
            let expected = neighbours(&phases, noise_memory);
            let value = found.effective_neighbours.unwrap_or(f64::NAN);
            assert!((value - expected).abs() < 1e-8 * expected, "{name} {noise_memory}: {value}, {expected}");
            if let Some([low, high]) = found.bounds.get("effective_neighbours") {
                assert!(
                    low - 1e-9 <= expected && expected <= high + 1e-9 && high - low < 1e-9,
                    "{name}: {low} {high}"
                );
            }
        }
    }
    // All ranks of a tree hear of the root alone, whose noise nothing averages.
    let one = ask("tree_pull", 8).analyze();
    assert_eq!(one.effective_neighbours, Some(1.0), "without the digits of rounding");
    for size in [7, 40] {
        let all = ask("complete", size).analyze();
        assert_eq!(all.effective_neighbours, Some(f64::from(size)));
    }
}

#[test]
fn long_paths_are_enclosed_or_bounded() {
    for size in [1000u32, 5000] {
        let found = ask("path", size).analyze();
        let gap = 2.0 / 3.0 * (1.0 - (PI / f64::from(size)).cos());
        let [low, high] = found.bounds["spectral_gap"];
        assert!(
            low <= gap * (1.0 + 1e-6) && gap * (1.0 - 1e-6) <= high,
            "{size}: {gap:e} in {low:e}..{high:e}"
        );
        assert!((found.spectral_gap.unwrap() / gap - 1.0).abs() < 1e-4, "{size}");
    }
    let found = ask("path", 100_000).analyze();
    assert_eq!((found.methods["rho"], found.methods["spectral_gap"]), ("at least", "at most"));
    assert!(found.rho.unwrap() <= 1.0 - 2.0 / 3.0 * (1.0 - (PI / 1e5).cos()));
}

#[test]
fn what_elimination_cannot_enclose_is_said_to_be_at_least() {
    // A symmetric graph that is not sparse in any order, whose names hide that it is a group's.
    let text = "topology t {\n for i in ranks, b in 0..floor_log(size, 2) {\n  let j = i xor 2^b\n  i * 5 mod size -- j * 5 mod size\n }\n weights metropolis\n}";
    let found =
        analyze_on(&source(text, 1 << 13), &NoFiles, Assumptions::default(), Detail::Numbers).unwrap();
    let rho = 1.0 - 2.0 / 14.0;
    assert_eq!((found.methods["rho"], found.methods["spectral_gap"]), ("at least", "at most"));
    let value = found.rho.unwrap();
    assert!(value <= rho && rho - value < 1e-9, "{value}");
    assert!(found.rounds_to_1e_3.is_some());
}
