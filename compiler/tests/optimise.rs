//! Optimised weights: published values, closed forms, and that nothing beats them.

use bfc_compiler::Analysis;
use bfc_compiler::model::topology::Number;
use bfc_compiler::{Entry, NoFiles, Request, analyze, compile};
use bfc_schedule::{MixingMatrix, Rank, Rational};
use proptest::prelude::*;
use std::f64::consts::PI;

const RING: &str = "for i in ranks { i -- (i + 1) mod size }";
const PATH: &str = "for i in 0..size - 1 { i -- i + 1 }";
const STAR: &str = "for i in 1..size { 0 -- i }";
const GRID: &str = "for r in 0..3, c in 0..3 {
    if c < 2 { 3 * r + c -- 3 * r + c + 1 }
    if r < 2 { 3 * r + c -- 3 * r + c + 3 }
}";
const MATCHA: &str = "for [i, j] in [[1, 5], [6, 7], [0, 4], [2, 3], [1, 7], [3, 6], [1, 0], [3, 7], [5, 6], [1, 2], [7, 0], [3, 1]] { i -- j }";
/// Davis' southern women and the events that they came to, numbered as networkx does (women first).
const DAVIS: &str = "for [w, e] in [
    [0, 18], [0, 19], [0, 20], [0, 21], [0, 22], [0, 23], [0, 25], [0, 26], [1, 18], [1, 19], [1, 20], [1, 22], [1, 23],
    [1, 24], [1, 25], [2, 19], [2, 20], [2, 21], [2, 22], [2, 23], [2, 24], [2, 25], [2, 26], [3, 18], [3, 20], [3, 21],
    [3, 22], [3, 23], [3, 24], [3, 25], [4, 20], [4, 21], [4, 22], [4, 24], [5, 20], [5, 22], [5, 23], [5, 25], [6, 22],
    [6, 23], [6, 24], [6, 25], [7, 23], [7, 25], [7, 26], [8, 22], [8, 24], [8, 25], [8, 26], [9, 24], [9, 25], [9, 26],
    [9, 29], [10, 25], [10, 26], [10, 27], [10, 29], [11, 25], [11, 26], [11, 27], [11, 29], [11, 30], [11, 31], [12, 24],
    [12, 25], [12, 26], [12, 27], [12, 29], [12, 30], [12, 31], [13, 23], [13, 24], [13, 26], [13, 27], [13, 28], [13, 29],
    [13, 30], [13, 31], [14, 24], [14, 25], [14, 27], [14, 28], [14, 29], [15, 25], [15, 26], [16, 26], [16, 28], [17, 26],
    [17, 28]
] { w -- e }";

fn request(edges: &str, rule: &str, size: u32) -> Request {
    let text = format!("topology t {{\n{edges}\nweights {rule}\n}}\n");
    let entry = Entry::Source { name: "t.bf".into(), text };
    Request::new(entry, size)
}

fn analysis(edges: &str, rule: &str, size: u32) -> Analysis {
    analyze(&request(edges, rule, size), &NoFiles)
        .unwrap_or_else(|errors| panic!("{rule} at {size}: {errors}"))
}

fn rho(edges: &str, rule: &str, size: u32) -> f64 {
    analysis(edges, rule, size).rho.expect("a number")
}

fn matrix(edges: &str, rule: &str, size: u32) -> MixingMatrix {
    let compiled = compile(&request(edges, rule, size), &NoFiles).unwrap();
    compiled.schedule.topologies()[0].phases[0].matrix.clone()
}

#[test]
fn published_values() {
    let rows = [
        ("best_constant", [0.744521, 0.923880, 0.777778, 0.714286, 0.808565, 0.891564]),
        ("fastest", [0.744521, 0.923880, 0.777778, 0.692551, 0.745356, 0.829305]),
        ("fastest(nonnegative)", [0.744521, 0.923880, 0.857143, 0.692551, 0.773046, 0.869687]),
        ("lazy(fastest, 0)", [0.744521, 0.923880, 0.777778, 0.692551, 0.745356, 0.829305]),
    ];
    let graphs = [(RING, 8), (PATH, 8), (STAR, 8), (GRID, 9), (MATCHA, 8), (DAVIS, 32)];
    for (rule, expected) in rows {
        for ((edges, size), expected) in graphs.into_iter().zip(expected) {
            let found = analysis(edges, rule, size);
            let rho = found.rho.expect("a number");
            assert!((rho - expected).abs() < 1e-6, "{rule}: {rho}, expected {expected}");
            assert!(found.doubly_stochastic && found.symmetric, "{rule}: {expected}");
            assert!(found.nonnegative || !rule.contains("nonnegative"), "{rule}: {expected}");
        }
    }
}

#[test]
fn closed_forms() {
    for size in [3, 5, 16, 40] {
        let n = f64::from(size);
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-8, "{found}, {expected}");
        near(rho(PATH, "fastest", size), (PI / n).cos());
        near(rho(PATH, "best_constant", size), (PI / n).cos());
        near(rho(PATH, "fastest(nonnegative)", size), (PI / n).cos());
        near(rho(STAR, "fastest", size), (n - 1.0) / (n + 1.0));
        near(rho(STAR, "fastest(nonnegative)", size), (n - 2.0) / (n - 1.0));
        near(rho(RING, "fastest", size), rho(RING, "best_constant", size));
    }
}

#[test]
fn what_is_symmetric_stays_symbolic_and_exact() {
    let hops = |edges: &str, rule: &str, size: u32| match matrix(edges, rule, size) {
        MixingMatrix::Cayley(matrix) => (matrix.self_weight().clone(), matrix.hops().to_vec()),
        MixingMatrix::Sparse(_) => panic!("{edges} lost its symmetry"),
    };
    let hypercube = "for i in ranks, b in 0..floor_log(size, 2) { i -- i xor 2^b }";
    for rule in ["best_constant", "fastest", "fastest(nonnegative)"] {
        for size in [16, 4096, 65536] {
            let (own, hops) = hops(hypercube, rule, size);
            let weight = Rational::new(1, size.ilog2() + 1);
            assert!(own == weight && hops.iter().all(|(_, found)| *found == weight), "{rule} at {size}");
        }
        let complete = analysis("for i in ranks, h in 1..size { i -> (i + h) mod size }", rule, 60);
        assert_eq!((complete.rho, complete.exact_after), (Some(0.0), Some(1)), "{rule}");
        let listed = analysis("for i in ranks, j in 0..i { i -- j }", rule, 12);
        assert_eq!((listed.rho, listed.exact_after), (Some(0.0), Some(1)), "{rule}");
    }
    let chords = "for i in ranks, h in [1, 7] { i -- (i + h) mod size }";
    for size in [40, 5000] {
        let best = rho(chords, "fastest", size);
        assert!(best < rho(chords, "best_constant", size) && best < rho(chords, "uniform", size));
    }
    // The same edges, once as moves and once as a table.
    let table = "for i in 0..size - 1 { i -- i + 1\n i -- (i + 7) mod size }\n size - 1 -- 0\n size - 1 -- 6";
    for rule in ["fastest", "fastest(nonnegative)"] {
        assert!((rho(chords, rule, 40) - rho(table, rule, 40)).abs() < 1e-8, "{rule}");
    }
}

#[test]
fn components_of_a_phase_are_optimised_by_themselves() {
    let edges = "0 -- 1\n2 -- 3\n3 -- 4\n";
    let weight = |matrix: &MixingMatrix, i: u32, j: u32| {
        let row = matrix.row(Rank(i));
        row.in_weights.into_iter().find(|(source, _)| source.0 == j).expect("an edge").1
    };
    let fastest = matrix(edges, "fastest", 6);
    let half = Rational::new(1, 2);
    assert_eq!([weight(&fastest, 0, 1), weight(&fastest, 4, 3)], [half.clone(), half]);
    assert_eq!(fastest.row(Rank(5)).self_weight, Rational::one());
    // λ₂ = 1 and λ_n = 3.
    assert_eq!(weight(&matrix(edges, "best_constant", 6), 0, 1), Rational::new(1, 2));
}

#[test]
fn what_is_optimised_of_a_phase_is_its_own_number_or_that_of_a_part() {
    let apart = ["0 -- 1\n2 -- 3\n3 -- 4\n", "for i in ranks { i -- (i + 2) mod size }", "0 -- 1", ""];
    for edges in apart {
        let found = analysis(edges, "fastest", 6);
        assert_eq!((found.sigma2, found.connected), (Some(1.0), false), "{edges}");
        for one in &found.optimised {
            assert!(one.number == Number::NormOfPart && one.value < 1.0, "{edges}: {one:?}");
        }
    }
    for edges in [RING, PATH, STAR] {
        for rule in ["fastest", "fastest(nonnegative)", "lazy(fastest, 1/4)"] {
            let found = analysis(edges, rule, 8);
            let [one] = &found.optimised[..] else { panic!("{:?}", found.optimised) };
            let sigma = found.sigma2.expect("a number");
            let is_lazy = rule.starts_with("lazy");
            assert_eq!((one.number, one.what.ends_with("before lazy")), (Number::Norm, is_lazy), "{rule}");
            assert!(is_lazy || (one.value - sigma).abs() < 1e-8, "{rule}: {one:?} and {sigma}");
        }
    }
}

#[test]
fn the_bounds_of_the_report_hold_the_optimum() {
    for (edges, size, best, nonnegative) in
        [(RING, 8, 0.744521, 0.744521), (MATCHA, 8, 0.745356, 0.773046), (DAVIS, 32, 0.829305, 0.869687)]
    {
        let found = analysis(edges, "metropolis", size);
        for (key, expected) in [("least_sigma2", best), ("least_sigma2_nonnegative", nonnegative)] {
            let [low, high] = found.bounds[key];
            assert!(high - low < 1e-6 && low - 1e-6 < expected && expected < high + 1e-6, "{low} {high}");
        }
    }
    assert_eq!(analysis("for i in ranks { i -> (i + 1) mod size }", "uniform", 8).least_sigma2, None);
}

/// Too many ranks for the interior-point method: `rows` by 2 `rows`.
fn grid(rows: u32) -> String {
    format!(
        "for r in 0..{rows}, c in 0..2 * {rows} {{
            if c + 1 < 2 * {rows} {{ 2 * {rows} * r + c -- 2 * {rows} * r + c + 1 }}
            if r + 1 < {rows} {{ 2 * {rows} * r + c -- 2 * {rows} * (r + 1) + c }}
        }}"
    )
}

#[test]
fn large_graphs_come_near_the_optimum_and_tell_how_near() {
    let (edges, size) = (grid(11), 242);
    for rule in ["fastest", "fastest(nonnegative)"] {
        let found = analysis(&edges, rule, size);
        let [one] = &found.optimised[..] else { panic!("{:?}", found.optimised) };
        assert_eq!((one.what, one.is_enclosed, one.times), (rule, true, 1));
        // Lines of a grid mix no faster than the longer path.
        let rho = found.rho.expect("a number");
        assert!((rho - one.value).abs() < 1e-7 && one.gap < 1e-4, "{rho} {one:?}");
        assert!(one.value - one.gap > 0.98 && rho < self::rho(&edges, "best_constant", size) - 1e-4);
        assert!(found.doubly_stochastic && found.symmetric);
        assert!(found.nonnegative || rule == "fastest");
    }
}

#[test]
fn matcha_takes_graphs_of_a_thousand_ranks() {
    let text = "use topology::matcha\nuse topology::random_regular
        topology t = matcha(base = random_regular(degree = 4), horizon = 4)\n schedule { topology t }";
    let entry = Entry::Source { name: "t.bf".into(), text: text.into() };
    let allow = vec!["requirement_not_decided".to_string()];
    let request = Request { entry, allow, ..request("", "", 1000) };
    let compiled = compile(&request, &NoFiles).unwrap_or_else(|errors| panic!("{errors}"));
    let found: Vec<_> = compiled.report.optimised.iter().map(|one| &one.optimised).collect();
    let [connectivity, contraction] = &found[..] else { panic!("{found:?}") };
    assert_eq!([connectivity.what, contraction.what], ["matcha_probabilities", "matcha_step"]);
    assert!(connectivity.gap < 1e-3 * connectivity.value, "{connectivity:?}");
    assert!(contraction.value < 1.0 && contraction.gap < 1e-6, "{contraction:?}");
}

/// The 8-node graph of the paper in its matchings.
const MATCHINGS: &str = "[[[1, 5], [6, 7], [0, 4], [2, 3]], [[1, 7], [3, 6]], [[1, 0], [3, 7], [5, 6]], [[1, 2], [7, 0]], [[3, 1]]]";

#[test]
fn matcha_activates_within_its_budget() {
    let all = format!(
        "let m = {MATCHINGS}\nlet p = matcha_probabilities(m, 1)\nlet a = matcha_step(m, p)\n0 -- 4 weight a"
    );
    let text =
        |edges: &str| Entry::Source { name: "t.bf".into(), text: format!("topology t {{\n{edges}\n}}\n") };
    let compiled = |edges: &str| {
        let request = Request { entry: text(edges), ..request("", "", 8) };
        compile(&request, &NoFiles).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let row = compiled(&all).schedule.topologies()[0].phases[0].matrix.row(Rank(4));
    assert_eq!(row.in_weights, [(Rank(0), Rational::new(2, 7))]);
    let half = format!(
        "let m = {MATCHINGS}\nlet p = matcha_probabilities(m, 1/2)\nlet a = matcha_step(m, p)
         requires sum(p) <= len(m) / 2, sum(p) > len(m) / 2 - 1/1000, min(p) >= 0, max(p) <= 1
         requires abs(a - 0.396429) < 5/1000000
         0 -- 4 weight a"
    );
    compiled(&half);
    let library = |parameters: &[(&str, &str)]| {
        let parameters =
            parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let entry = Entry::Library("topology::matcha".into());
        let request = Request { entry, parameters, ..request("", "", 8) };
        analyze(&request, &NoFiles).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let found = library(&[("horizon", "40"), ("seed", "7")]);
    assert_eq!((found.period, found.contracting, found.doubly_stochastic), (40, Some(true), true));
    // Two messages a step at most, one on average.
    assert!((0.7..1.3).contains(&found.bytes_per_rank_per_model_byte) && found.rounds == 2);
    assert_eq!(library(&[("horizon", "2"), ("budget", "1")]).rho, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn nothing_beats_the_fastest(size in 4u32..11, extra in prop::collection::vec((0u32..64, 0u32..64), 0..16), tree in prop::collection::vec(0u32..64, 10)) {
        let mut edges = String::new();
        for i in 1..size {
            edges += &format!("{i} -- {}\n", tree[i as usize - 1] % i);
        }
        for (i, j) in extra.iter().map(|(i, j)| (i % size, j % size)).filter(|(i, j)| i != j) {
            edges += &format!("{i} -- {j}\n");
        }
        let any = analysis(&edges, "fastest", size);
        let nonnegative = analysis(&edges, "fastest(nonnegative)", size);
        prop_assert!(nonnegative.nonnegative && nonnegative.symmetric && any.symmetric);
        for (found, key) in [(&any, "least_sigma2"), (&nonnegative, "least_sigma2_nonnegative")] {
            let [low, high] = found.bounds[key];
            let sigma = found.sigma2.expect("a number");
            prop_assert!(low <= sigma + 1e-12 && sigma <= high + 1e-12 && high - low < 1e-6, "{} {} {}", low, sigma, high);
        }
        let (any, nonnegative) = (any.rho.expect("a number"), nonnegative.rho.expect("a number"));
        prop_assert!(any <= nonnegative + 1e-6);
        for rule in ["metropolis", "max_degree", "lazy(metropolis, 1/3)"] {
            prop_assert!(nonnegative <= rho(&edges, rule, size) + 1e-6, "{}", rule);
        }
        for rule in ["best_constant", "constant(1/4)"] {
            prop_assert!(any <= rho(&edges, rule, size) + 1e-6, "{}", rule);
        }
    }
}
