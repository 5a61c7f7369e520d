//! What the compiler must refuse: corrected and momentum methods on topologies where their recursion is unstable. The
//! derived `stable` against the closed formula of the theory, the evidence, and remedies that compile.

use crate::run::{compiled, source};
use bfc_compiler::prove::{Check, Verdict};
use bfc_compiler::{Entry, NoFiles, Request, analyze};
use miette::Diagnostic;

/// Whether the compiler calls an algorithm stable.
fn is_stable(topology: &str, algorithm: &str, size: usize) -> bool {
    let text = source(topology, algorithm, "");
    let entry = Entry::Source { name: "experiment.bf".into(), text };
    let request = Request::new(entry, size as u32);
    let analysis = analyze(&request, &NoFiles).expect("a topology");
    let check = analysis.checks.iter().find(|check| check.text() == "stable").expect("a verdict");
    let Check { verdict, .. } = check;
    let is_decided = matches!(verdict, Verdict::Proved { .. } | Verdict::Refuted { .. });
    assert!(is_decided, "{topology} of {size}: {}", verdict.evidence());
    check.holds()
}

/// A complex number as (real, imaginary).
type Complex = (f64, f64);

/// 2 |λ| |1 − λ| < 1 − |λ|² for every eigenvalue λ of the matrix that is applied, but the first, which is 1: W, or
/// (I + W)/2 where half of it is kept. `None` within rounding of equality.
fn criterion(eigenvalues: &[Complex], keep: f64) -> bool {
    eigenvalues.iter().skip(1).all(|(re, im)| {
        let (re, im) = (keep + (1.0 - keep) * re, (1.0 - keep) * im);
        let (size, rest) = (re.hypot(im), (1.0 - re).hypot(im));
        // Equality is marginal, and refused.
        2.0 * size * rest < 1.0 - size * size - 1e-12
    })
}

/// Eigenvalues of a sum of shifts with equal weights, one of them 0.
fn circulant(size: usize, hops: &[usize]) -> Vec<Complex> {
    let weight = 1.0 / (hops.len() + 1) as f64;
    let angle = |m: usize, hop: usize| std::f64::consts::TAU * ((m * hop) % size) as f64 / size as f64;
    let sum = |m: usize, part: fn(f64) -> f64| hops.iter().map(|hop| part(angle(m, *hop))).sum::<f64>();
    (0..size).map(|m| (weight * (1.0 + sum(m, f64::cos)), weight * sum(m, f64::sin))).collect()
}

fn exponential(size: usize) -> Vec<Complex> {
    let hops: Vec<usize> = (0..).map(|k| 1 << k).take_while(|hop| *hop < size).collect();
    circulant(size, &hops)
}

fn real(eigenvalues: impl IntoIterator<Item = f64>) -> Vec<Complex> {
    eigenvalues.into_iter().map(|value| (value, 0.0)).collect()
}

/// What each of the four applies: W, or the mean of it and the identity.
const CORRECTED: [(&str, f64); 4] = [("d2", 0.0), ("exact_diffusion", 0.5), ("nids", 0.5), ("extra", 0.5)];

fn assert_criterion(topology: &str, size: usize, eigenvalues: &[Complex]) {
    for (algorithm, keep) in CORRECTED {
        let expected = criterion(eigenvalues, keep);
        assert_eq!(is_stable(topology, algorithm, size), expected, "{algorithm} over {topology} of {size}");
    }
}

#[test]
fn corrected_methods_are_stable_where_the_formula_says_so() {
    for size in 2..=40 {
        assert_criterion("exponential", size, &exponential(size));
    }
    for size in 3..=24 {
        assert_criterion("ring_directed", size, &circulant(size, &[1]));
        assert_criterion("ring", size, &circulant(size, &[1, size - 1]));
    }
    for dimension in 1..=6 {
        let weight = 1.0 / f64::from(dimension + 1);
        let eigenvalues = (0..=dimension).map(|bits| 1.0 - 2.0 * weight * f64::from(bits));
        assert_criterion("hypercube", 1 << dimension, &real(eigenvalues));
    }
    for half in 2..=6 {
        let (size, weight) = (2 * half, 1.0 / (half + 1) as f64);
        let eigenvalues = [1.0, weight, 1.0 - 2.0 * half as f64 * weight];
        assert_criterion("complete_bipartite", size, &real(eigenvalues));
    }
}

#[test]
fn tori() {
    let torus = |rows: usize, columns: usize| {
        let cycle = |m: usize, length: usize| match length {
            2 => (std::f64::consts::PI * m as f64).cos(),
            _ => 2.0 * (std::f64::consts::TAU * m as f64 / length as f64).cos(),
        };
        let degree = |length: usize| if length == 2 { 1.0 } else { 2.0 };
        let weight = 1.0 / (1.0 + degree(rows) + degree(columns));
        let pairs = (0..rows).flat_map(|a| (0..columns).map(move |b| (a, b)));
        real(pairs.map(|(a, b)| weight * (1.0 + cycle(a, rows) + cycle(b, columns))))
    };
    for (rows, columns) in [(2, 3), (3, 3), (2, 4), (3, 4), (4, 4), (3, 5), (5, 5)] {
        let topology = format!("torus2d(rows = {rows})");
        assert_criterion(&topology, rows * columns, &torus(rows, columns));
    }
    assert!(is_stable("torus2d(rows = 3)", "d2", 9) && is_stable("torus2d(rows = 2)", "d2", 6));
    assert!(!is_stable("torus2d(rows = 4)", "d2", 16));
}

#[test]
fn the_published_lists() {
    let passes = |algorithm: &str, sizes: &[usize]| -> Vec<usize> {
        sizes.iter().copied().filter(|size| is_stable("exponential", algorithm, *size)).collect()
    };
    let sizes: Vec<usize> = (2..=40).chain([48, 64, 96, 100, 128, 300, 1000]).collect();
    assert_eq!(passes("exact_diffusion", &sizes), [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 20]);
    assert_eq!(passes("d2", &sizes), [2, 3, 4, 5, 6, 7, 9, 12, 17, 24]);
    let hypercubes: Vec<bool> = [2, 4, 8, 16].map(|size| is_stable("hypercube", "d2", size)).to_vec();
    assert_eq!(hypercubes, [true, false, false, false], "marginal at 4, where the radius is 1");
    assert!(!is_stable("ring", "d2", 8), "marginal");
    assert!(is_stable("ring", "d2", 9));
    assert!(!is_stable("ring_directed", "qg_dmsgd(beta = 1/2, mu = 1/2)", 8));
}

/// Refused cases, and the evidence that the message gives.
const REFUSED: [(&str, &str, usize, &str); 6] = [
    ("exponential", "exact_diffusion", 16, "the radius is 1.031262, at the eigenvalue 0.326197"),
    ("exponential", "exact_diffusion", 32, "the radius is 1.054946, at the eigenvalue 0.435295"),
    ("exponential", "exact_diffusion", 64, "the radius is 1.065059, at the eigenvalue 0.515279"),
    ("hypercube", "d2", 8, "the radius is 1.366025, at the eigenvalue -0.5"),
    ("base", "exact_diffusion", 12, "the radius is about 1.309017 over 5 steps"),
    ("ring_directed", "qg_dmsgd(beta = 1/2, mu = 1/2)", 8, "the radius is 1.056579"),
];

#[test]
fn remedies_compile() {
    for (topology, algorithm, size, evidence) in REFUSED {
        let name = format!("{algorithm} over {topology} of {size}");
        let errors = compiled(&source(topology, algorithm, ""), size, &[]).expect_err(&name);
        let [error] = errors.errors() else { panic!("{name}: {errors}") };
        assert!(error.to_string().contains(evidence), "{name}: {error}");
        let help = error.help().expect("a remedy").to_string();
        let quoted: Vec<&str> = help.split('`').skip(1).step_by(2).collect();
        let of_kind = |kind: &'static str| quoted.iter().filter_map(move |remedy| remedy.strip_prefix(kind));
        let others = of_kind("algorithm::").map(|other| source(topology, other, ""));
        let changed = of_kind("topology ").map(|changed| source(changed, algorithm, ""));
        assert!(others.clone().count() > 0 && changed.clone().count() > 0, "{name}: {help}");
        for text in others.chain(changed) {
            if let Err(errors) = compiled(&text, size, &[]) {
                panic!("{name}, remedy\n{text}\n{:?}", errors.errors());
            }
        }
    }
}

/// Mistakes in published code, and near ones: own topologies, what is scheduled, and the claim that does not hold.
const MISTAKES: [(&str, &str, &str, &str); 8] = [
    // Each rank divides evenly what it sees, on a graph that is not regular.
    ("topology t {\nfor i in 1..size { 0 -- i }\nweights uniform\n}", "t", "dgd", "doubly_stochastic"),
    ("topology t = cycle(star) weights uniform", "t", "dgd", "doubly_stochastic"),
    // Push-sum with weights that its receivers chose.
    ("", "hub_pull", "push_sum_sgd", "column_stochastic"),
    ("", "R = hub_push, C = hub_pull", "ab", "row_stochastic(R)"),
    // What R pulls from is not what C pushes to.
    (
        "topology up {\nfor i in 1..size { i - 1 -> i weight 1/2\nself i - 1 weight 1/2 }\nself size - 1 weight 1\n}",
        "R = tree_pull, C = up",
        "push_pull",
        "common_root(R, C)",
    ),
    // Values that only move round, and weights that make disagreement grow.
    ("topology t { for i in ranks { i -> (i + 1) mod size weight 1 } }", "t", "dgd", "stable"),
    (
        "topology t {\nfor i in ranks { i -- (i + 1) mod size }\nweights constant(3/5)\n}",
        "t",
        "dgd",
        "stable",
    ),
    ("topology t { for i in ranks, if i mod 2 == 0 { i -- i + 1 } }", "t", "gradient_tracking", "stable"),
];

#[test]
fn mistakes_are_refused_by_name() {
    for (own, topology, algorithm, claim) in MISTAKES {
        let uses = if own.contains("star") { "use topology::star\n" } else { "" };
        let text = source(topology, algorithm, &format!("{uses}{own}"));
        let errors = compiled(&text, 8, &[]).expect_err(claim);
        let expected = format!("`{claim}` is required and does not hold");
        let found: Vec<String> = errors.errors().iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|error| error.starts_with(&expected)), "{algorithm}, {own}: {found:?}");
    }
}

#[test]
fn what_is_refuted_can_be_allowed_and_is_recorded() {
    let text = source("hypercube", "d2", "");
    for code in ["requirement_not_decided", "stable"] {
        compiled(&text, 8, &[code]).expect_err("a proof to the contrary");
    }
    for code in ["requirement_refuted", "bfc::prove::requirement_refuted"] {
        let compiled = compiled(&text, 8, &[code]).expect("allowed");
        let [allowed] = compiled.schedule.overrides() else { panic!("one override") };
        let recorded = "stable: bfc::prove::requirement_refuted: for `x`, `psi`, the radius is 1.366025";
        assert!(allowed.starts_with(recorded), "{allowed}");
        let check = compiled.report.checks.iter().find(|check| check.text() == "stable").expect("a check");
        assert!(matches!(check.verdict, Verdict::Refuted { .. }));
    }
}
