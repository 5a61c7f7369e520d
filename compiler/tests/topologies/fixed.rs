//! Static topologies: spectra against published values and closed forms, entries against the formulas of the papers.

use super::dense::{Ask, Matrix, ask, is_average, matrix, metropolis, product, source};
use bfc_compiler::{NoFiles, analyze};
use bfc_schedule::Rational;
use std::f64::consts::PI;

const SIZES: [u32; 7] = [8, 16, 32, 33, 100, 128, 1000];

/// Six digits, or four digits of what is missing to 1.
fn near(found: Option<f64>, expected: f64, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what} has no value"));
    let tolerance = if (0.9992..1.0).contains(&expected) { (1.0 - expected) * 2e-4 } else { 6e-7 };
    assert!((found - expected).abs() < tolerance, "{what}: {found}, expected {expected}");
}

/// Checks ρ at as many of `SIZES` as there are values; 0 stands where a size is not possible.
fn rho(name: &str, parameters: &[(&str, &str)], expected: &[f64]) {
    for (size, expected) in SIZES.into_iter().zip(expected) {
        let asked = ask(name, size).with(parameters);
        if *expected == 0.0 {
            assert!(asked.is_refused(), "{name} at {size}");
        } else {
            near(asked.analyze().rho, *expected, &format!("{name} at {size}"));
        }
    }
}

#[test]
fn rho_of_circulant_graphs() {
    let half = [("base", "2")];
    rho("exponential_symmetric", &half, &[0.333333, 0.5, 0.6, 0.39748, 0.692308, 0.714286, 0.847297]);
    rho("exponential_symmetric", &[], &[0.5, 0.6, 0.666667, 0.702251, 0.857839, 0.75, 0.818182]);
    rho("chordal_ring", &[], &[0.482843, 0.6, 0.814542, 0.824794, 0.923607, 0.94261, 0.992428]);
    rho("ring_antipodal", &[], &[0.5, 0.853553, 0.96194, 0.0, 0.996057, 0.997592, 1.0 - 3.948e-5]);
}

#[test]
fn rho_of_paths_trees_and_cliques() {
    rho("path", &[], &[0.949253, 0.98719, 0.99679, 0.996981, 1.0 - 3.290e-4, 1.0 - 2.008e-4]);
    rho("binary_tree", &[], &[0.945928, 0.97796, 0.990326, 0.990763, 0.997077, 0.99789]);
    rho("barbell", &[], &[0.92915, 0.977315, 0.993423, 0.0, 1.0 - 7.547e-4, 1.0 - 4.664e-4]);
    rho("complete_bipartite", &[], &[0.6, 0.777778, 0.882353, 0.0, 0.960784, 0.969231]);
}

#[test]
fn grids_take_other_weights_by_name() {
    let text = "use topology::grid2d\ntopology flat = grid2d weights max_degree\nschedule { topology flat }";
    let of = |size| analyze(&source(text, size), &NoFiles).unwrap().rho;
    for (size, expected) in
        SIZES.into_iter().zip([0.853553, 0.882843, 0.969552, 0.983797, 0.980423, 0.992314])
    {
        near(of(size), expected, &format!("a grid of {size}"));
    }
    for side in 3..8u32 {
        let expected = 1.0 - 0.4 * (1.0 - (PI / f64::from(side)).cos());
        near(of(side * side), expected, &format!("a square of {side}"));
    }
}

#[test]
fn rho_of_expanders_and_social_networks() {
    let cases = [
        ("margulis", 16, 0.603553),
        ("margulis", 100, 0.736690),
        ("chung_inverse", 11, 0.854380),
        ("chung_inverse", 31, 0.924574),
        ("chung_inverse", 101, 0.964028),
        ("chung_inverse", 127, 0.962207),
        ("paley", 13, 0.328968),
        ("paley", 29, 0.212839),
        ("paley", 101, 0.108332),
        ("petersen", 10, 0.5),
        ("karate_club", 34, 0.968764),
        ("florentine_families", 15, 0.942559),
        ("davis_southern_women", 32, 0.917902),
    ];
    for (name, size, expected) in cases {
        near(ask(name, size).analyze().rho, expected, name);
    }
    near(ask("petersen", 10).analyze().lambda_min, -0.25, "petersen");
}

#[test]
fn rho_of_seeded_graphs() {
    rho("erdos_renyi", &[], &[0.771967, 0.877346, 0.793195, 0.84127, 0.75099, 0.86452]);
    rho("geometric", &[], &[0.25, 0.804457, 0.875023, 0.866621, 0.920647, 0.935979]);
    rho("watts_strogatz", &[], &[0.638637, 0.871855, 0.895928, 0.920385, 0.934595, 0.938594]);
    let directed = [0.458333, 0.630542, 0.545023, 0.511283, 0.71368, 0.514603, 0.577027];
    let both_ways = [0.458333, 0.523438, 0.480959, 0.486389, 0.702753, 0.464329, 0.550137];
    for (at, size) in SIZES.into_iter().enumerate() {
        let seed = size.to_string();
        let seed = [("seed", seed.as_str())];
        near(ask("d_equistatic", size).with(&seed).analyze().rho, directed[at], "d_equistatic");
        near(ask("u_equistatic", size).with(&seed).analyze().rho, both_ways[at], "u_equistatic");
    }
}

#[test]
fn closed_forms() {
    for n in 3..24u32 {
        let gap = 2.0 / 3.0 * (1.0 - (PI / f64::from(n)).cos());
        near(ask("path", n).analyze().spectral_gap, gap, "path");
        let bipartite = ask("complete_bipartite", 2 * n).analyze();
        let m = f64::from(n);
        near(bipartite.spectral_gap, 2.0 / (m + 1.0), "complete_bipartite");
        near(bipartite.lambda_min, -(m - 1.0) / (m + 1.0), "complete_bipartite");
    }
    for n in [5u32, 17, 37, 61] {
        let p = f64::from(n);
        near(ask("paley", n).analyze().rho, (1.0 + p.sqrt()) / (p + 1.0), "paley");
    }
}

/// The p-th root of ‖P^2p − J‖ / ‖P^p − J‖ in the largest entry.
fn asymptotic(one: &Matrix, power: usize) -> f64 {
    let far = |matrix: &Matrix| {
        let mean = 1.0 / matrix.len() as f64;
        matrix.iter().flatten().map(|entry| (entry.to_f64() - mean).abs()).fold(0.0, f64::max)
    };
    let first = product(&vec![one.clone(); power]);
    (far(&product(&[first.clone(), first.clone()])) / far(&first)).powf(1.0 / power as f64)
}

#[test]
fn graphs_of_least_diameter_average_in_finite_time_where_the_size_is_a_power() {
    for name in ["de_bruijn", "kautz"] {
        for (degree, size, steps) in [(2u32, 8, 3), (2, 16, 4), (2, 64, 6), (3, 27, 3), (5, 25, 2)] {
            let degree = degree.to_string();
            let analysis = ask(name, size).with(&[("degree", &degree)]).analyze();
            assert_eq!((analysis.exact_after, analysis.rho), (Some(steps), Some(0.0)), "{name} at {size}");
        }
    }
    for (size, sigma) in [(16, 1.0), (33, 0.995472), (100, 1.0)] {
        near(ask("de_bruijn", size).analyze().sigma2, sigma, "de_bruijn");
    }
    // ρ = 1/2 off the powers of two, and 1/degree for Kautz. The powers are such that eigenvalues of modulus ρ repeat.
    let rate = |name, size, degree: &str, power| {
        asymptotic(&ask(name, size).with(&[("degree", degree)]).phases()[0], power)
    };
    near(Some(rate("de_bruijn", 33, "2", 10)), 0.5, "de_bruijn");
    [6, 12, 24].into_iter().for_each(|size| near(Some(rate("kautz", size, "2", 8)), 0.5, "kautz"));
    [8, 16, 32].into_iter().for_each(|size| near(Some(rate("kautz", size, "3", 8)), 1.0 / 3.0, "kautz"));
}

fn same(asked: Ask, expected: Matrix) {
    let found = asked.phases();
    assert_eq!(found.len(), 1, "{}", asked.name);
    assert!(found[0] == expected, "{} at {}", asked.name, asked.size);
}

fn power_of(base: usize, number: usize) -> bool {
    std::iter::successors(Some(1), |power| Some(power * base))
        .take_while(|power| *power <= number)
        .any(|p| p == number)
}

#[test]
fn entries_of_undirected_graphs_are_those_of_their_formulas() {
    for n in 2..20usize {
        let size = n as u32;
        let apart = |i: usize, j: usize| (i + n - j) % n;
        let s = (n as f64).sqrt() as usize;
        same(ask("path", size), metropolis(n, |i, j| i + 1 == j));
        same(ask("binary_tree", size), metropolis(n, |i, j| i > 0 && j == (i - 1) / 2));
        same(ask("binary_tree_relay", size), metropolis(n, |i, j| i > 0 && j == i / 2));
        same(ask("chordal_ring", size), metropolis(n, |i, j| [1, s].contains(&apart(i, j))));
        let near_power = |i, j| power_of(4, apart(i, j).min(n - apart(i, j)));
        same(ask("exponential_symmetric", size), metropolis(n, near_power));
        if n % 2 == 0 {
            let half = n / 2;
            same(ask("complete_bipartite", size), metropolis(n, |i, j| i < half && j >= half));
            same(ask("ring_antipodal", size), metropolis(n, |i, j| [1, half].contains(&apart(i, j))));
            let clique = |i: usize, j: usize| (i < half) == (j < half) || (i, j) == (0, half);
            same(ask("barbell", size), metropolis(n, clique));
        }
        if [5, 13, 17].contains(&n) {
            let square = |i, j| (1..n).any(|x| x * x % n == apart(i, j));
            same(ask("paley", size), metropolis(n, square));
        }
    }
    // Petersen: pairs out of five, adjacent where disjoint; any such graph has these powers on its diagonal.
    let petersen = &ask("petersen", 10).phases()[0];
    let closed = |length: usize| product(&vec![petersen.clone(); length])[0][0].clone();
    assert_eq!(
        [closed(2), closed(3), closed(5)],
        [(1, 4), (5, 32), (59, 512)].map(|(a, b)| Rational::new(a, b))
    );
    assert!(
        ask("petersen", 12).is_refused() && ask("paley", 7).is_refused() && ask("barbell", 9).is_refused()
    );
}

/// 1/count on every one of `count` arrows from each rank.
fn arrows<const N: usize>(n: usize, to: impl Fn(i64) -> [i64; N]) -> Matrix {
    let receivers =
        |i: usize| to(i as i64).map(|j| (j.rem_euclid(n as i64) as usize, i, Rational::new(1, N)));
    matrix(n, (0..n).flat_map(receivers))
}

#[test]
fn entries_of_sums_of_permutations_are_those_of_their_formulas() {
    for n in 2..20usize {
        let size = n as u32;
        same(ask("de_bruijn", size), arrows(n, |i| [2 * i, 2 * i + 1]));
        same(ask("kautz", size), arrows(n, |i| [-2 * i - 1, -2 * i - 2]));
        let three = [("degree", "3")];
        same(ask("de_bruijn", size).with(&three), arrows(n, |i| [3 * i, 3 * i + 1, 3 * i + 2]));
        same(ask("kautz", size).with(&three), arrows(n, |i| [-3 * i - 1, -3 * i - 2, -3 * i - 3]));
        if [2, 3, 5, 7, 11, 13, 17, 19].contains(&n) {
            let inverse = |x: i64| (1..n as i64).find(|y| x * y % n as i64 == 1).unwrap_or(0);
            same(ask("chung_inverse", size), arrows(n, |x| [x + 1, x - 1, inverse(x)]));
        }
    }
    for m in [2i64, 3, 4, 5] {
        let at = |x: i64, y: i64| m * x.rem_euclid(m) + y.rem_euclid(m);
        let neighbours = |i: i64| {
            let (x, y) = (i / m, i % m);
            let (a, b) = (2 * y, 2 * x);
            let across = [at(x + a, y), at(x - a, y), at(x + a + 1, y), at(x - a - 1, y)];
            let along = [at(x, y + b), at(x, y - b), at(x, y + b + 1), at(x, y - b - 1)];
            [across[0], across[1], across[2], across[3], along[0], along[1], along[2], along[3]]
        };
        same(ask("margulis", (m * m) as u32), arrows((m * m) as usize, neighbours));
    }
}

#[test]
fn equistatic_graphs_are_means_of_shifts() {
    let n = 12usize;
    let shifts = [5usize, 1, 5, 3];
    let listed = [("shifts", "[5, 1, 5, 3]")];
    let weight = |share: usize| Rational::new(n - 1, n * shifts.len() * share);
    let ahead = |i: usize| shifts.map(|u| (i, (i + u) % n, weight(1)));
    same(ask("d_equistatic", 12).with(&listed), matrix(n, (0..n).flat_map(ahead)));
    let both = |i: usize| shifts.map(|u| [(i, (i + u) % n, weight(2)), ((i + u) % n, i, weight(2))]);
    same(ask("u_equistatic", 12).with(&listed), matrix(n, (0..n).flat_map(both).flatten()));
    assert!(ask("d_equistatic", 12).with(&[("shifts", "[2, 4]")]).is_refused());
}

#[test]
fn trees_of_push_pull_gather_and_spread() {
    for (size, branches, depth) in [(2, "2", 1), (7, "2", 2), (8, "2", 3), (13, "3", 2), (5, "1", 4)] {
        let branches = [("branches", branches)];
        let pull = &ask("tree_pull", size).with(&branches).phases()[0];
        let push = &ask("tree_push", size).with(&branches).phases()[0];
        let n = size as usize;
        assert!((0..n).all(|i| (0..n).all(|j| pull[i][j] == push[j][i])), "transposes at {size}");
        let steps = |k| product(&vec![pull.clone(); k]);
        let only_root = |matrix: &Matrix| matrix.iter().all(|row| row[0] == Rational::one());
        assert!(only_root(&steps(depth)) && (depth == 1 || !only_root(&steps(depth - 1))), "{size}");
    }
    let lazy = &ask("tree_push", 7).with(&[("keep", "1/4")]).phases()[0];
    assert_eq!(
        (&lazy[6][6], &lazy[2][6], &lazy[0][0]),
        (&Rational::new(1, 4), &Rational::new(3, 4), &Rational::one())
    );
    assert!(!is_average(lazy));
}
