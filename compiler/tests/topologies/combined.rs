//! Topologies made of topologies: published values, exactness, and the hand-written forms that they generalise.

use super::dense::{Ask, Matrix, ask, is_average, product};
use bfc_schedule::Rational;

fn near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-6)
}

fn of_base<'a>(name: &'a str, size: u32, parameters: &'a [(&'a str, &'a str)]) -> Ask<'a> {
    ask(name, size).with(parameters)
}

#[test]
fn tori_and_grids_of_any_dimension() {
    assert!(near(ask("torus", 1000).analyze().rho, 0.945433));
    let cube = ask("torus", 1_000_000).analyze();
    let expected = 1.0 - 2.0 / 7.0 * (1.0 - (std::f64::consts::TAU / 100.0).cos());
    assert!(near(cube.rho, expected) && cube.max_in_degree == 6, "{:?}", cube.rho);
    assert!(near(of_base("grid", 9, &[("dims", "[3,3]")]).analyze().rho, 0.767423));
    // By hand and by product, entry for entry.
    for (sides, rows, size) in [("[4,5]", "4", 20), ("[2,6]", "2", 12), ("[1,7]", "1", 7)] {
        let (sides, rows) = ([("dims", sides)], [("rows", rows)]);
        assert_eq!(of_base("torus", size, &sides).phases(), of_base("torus2d", size, &rows).phases());
        assert_eq!(of_base("grid", size, &sides).phases(), of_base("grid2d", size, &rows).phases());
    }
    assert_eq!(ask("torus", 8).phases(), ask("hypercube", 8).phases());
    assert!(of_base("torus", 12, &[("dims", "[2,5]")]).is_refused());
}

#[test]
fn hierarchies_contract_as_their_machines_do() {
    let hierarchy = |across| {
        let parameters = [("across", across)];
        ask("hierarchical", 128).sharing(8).with(&parameters).analyze()
    };
    assert!(near(hierarchy("topology::exponential").rho, 0.6));
    assert!(near(hierarchy("topology::ring").rho, 0.949253));
    let exact = ask("hierarchical", 128).sharing(8).phases();
    assert_eq!(exact.len(), 4);
    assert!(is_average(&product(&exact)));
    let entries: std::collections::BTreeSet<String> =
        exact[0].concat().iter().map(Rational::to_string).collect();
    assert_eq!(entries.into_iter().collect::<Vec<_>>(), ["0", "1/16"]);
}

/// The largest |P[i][j] − 1/n| of the product of the phases.
fn distance(phases: &[Matrix]) -> f64 {
    let mean = Rational::new(1, phases[0].len());
    let product = product(phases);
    product.iter().flatten().map(|entry| (entry - &mean).to_f64().abs()).fold(0.0, f64::max)
}

#[test]
fn static_matrices_average_in_as_many_steps_as_they_have_eigenvalues() {
    let cases = [
        ("topology::star", 5, 2, true),
        ("topology::star", 16, 2, true),
        ("topology::complete", 7, 1, true),
        ("topology::hypercube", 16, 4, true),
        ("topology::petersen", 10, 2, true),
        ("topology::ring", 6, 3, true),
        ("topology::ring", 8, 4, false),
        ("topology::path", 8, 7, false),
        ("topology::grid2d", 9, 6, false),
        ("topology::ring", 31, 15, false),
    ];
    for (base, size, steps, exact) in cases {
        let parameters = [("base", base)];
        let phases = ask("static_finite", size).with(&parameters).phases();
        assert_eq!(phases.len(), steps, "{base} at {size}");
        assert_eq!(is_average(&product(&phases)), exact, "{base} at {size}");
        assert!(distance(&phases) < 1e-11, "{base} at {size}: {}", distance(&phases));
    }
}

#[test]
fn chebyshev_steps_reach_their_bound() {
    for (base, size, steps) in [
        ("topology::ring", 8, "4"),
        ("topology::ring", 64, "16"),
        ("topology::star", 9, "2"),
        ("topology::path", 12, "8"),
    ] {
        let parameters = [("base", base), ("steps", steps)];
        let found = ask("chebyshev", size).with(&parameters).analyze();
        // `ensure` compares with the closed form; the plain product of as many steps is worse.
        assert!(found.checks.iter().all(|check| check.holds()), "{base}: {:?}", found.checks);
        let plain = ask(&base["topology::".len()..], size).analyze().rho.unwrap();
        let power = plain.powi(steps.parse().unwrap());
        assert!(found.period_contraction.unwrap() < 0.9 * power || power < 1e-3, "{base} at {size}");
    }
}

#[test]
fn schedules_of_schedules() {
    // The ways to take turns that exist by hand.
    let base = |base| [("base", base)];
    assert_eq!(
        ask("one_peer_undirected", 16).with(&base("topology::hypercube")).phases(),
        ask("one_peer_hypercube", 16).phases()
    );
    assert_eq!(ask("one_peer", 33).phases(), ask("one_peer_exp2", 33).phases());
    let mut turns = ask("one_peer_undirected", 12).phases();
    let mut by_hand = ask("ring_matching", 12).phases();
    turns.sort();
    by_hand.sort();
    assert_eq!(turns, by_hand);
    let local = ask("local_steps", 16).with(&[("base", "topology::one_peer_exp2"), ("period", "3")]).phases();
    assert_eq!(local.len(), 12);
    assert!(is_average(&product(&local)) && !is_average(&product(&local[..11])));
    let reset = ask("periodic_average", 12).phases();
    assert_eq!(reset.len(), 8);
    assert!(is_average(&product(&reset)) && !is_average(&product(&reset[..7])));
}

#[test]
fn a_thousand_ranks_compile() {
    let names = [
        "torus",
        "grid",
        "hierarchical",
        "local_steps",
        "periodic_average",
        "one_peer",
        "one_peer_undirected",
        "static_finite",
        "chebyshev",
    ];
    for name in names {
        let compiled = ask(name, 1000).compile();
        assert!(compiled.report.checks.iter().all(|check| check.holds()), "{name}");
    }
}
