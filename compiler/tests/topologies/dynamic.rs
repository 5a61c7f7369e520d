//! Schedules of several phases that are not base graphs: exactness, contraction and lengths as published or in closed form.

use super::dense::{Matrix, ask, is_average, is_doubly_stochastic, is_symmetric, matrix, product};
use bfc_schedule::Rational;
use std::f64::consts::{PI, TAU};

fn contraction(name: &str, parameters: &[(&str, &str)], size: u32, expected: f64) {
    let found = ask(name, size).with(parameters).analyze().period_contraction.unwrap();
    assert!((found - expected).abs() < 6e-6, "{name} at {size}: {found}, expected {expected}");
}

/// max over 1 ≤ m < n of |sin(πNm/n) / (N sin(πm/n))|: the mean of N successive shifts.
fn mean_of_shifts(n: u32, shifts: u32) -> f64 {
    let ratio = |m: u32| {
        let x = PI * f64::from(m) / f64::from(n);
        ((f64::from(shifts) * x).sin() / (f64::from(shifts) * x.sin())).abs()
    };
    (1..n).map(ratio).fold(0.0, f64::max)
}

#[test]
fn p_peer_exponential_graphs_are_means_of_shifts() {
    contraction("p_peer_exponential", &[], 8, 1.0 / 9.0);
    contraction("p_peer_exponential", &[], 16, 0.157851);
    contraction("p_peer_exponential", &[], 100, 0.127858);
    for peers in 1..=3u32 {
        let text = peers.to_string();
        let given = [("peers", text.as_str())];
        for n in (3..40).chain([64, 81, 100, 125, 128, 130]) {
            let (mut shifts, mut period) = (1, 0);
            while shifts < n {
                (shifts, period) = (shifts * (peers + 1), period + 1);
            }
            let analysis = ask("p_peer_exponential", n).with(&given).analyze();
            assert_eq!(analysis.period, period);
            assert_eq!(analysis.exact_average, Some(shifts % n == 0), "{peers} peers, size {n}");
            let found = analysis.period_contraction.unwrap();
            assert!((found - mean_of_shifts(n, shifts)).abs() < 1e-9, "{peers} peers, size {n}");
        }
    }
    // Multiplicity: at 4 ranks 2 hops of 2 add up with the way round, and hop 4 stays.
    let phases = ask("p_peer_exponential", 4).with(&[("peers", "4")]).phases();
    let hop = |h: usize| (0..4).map(move |i| ((i + h) % 4, i, Rational::new(1, 5)));
    assert!(phases == [matrix(4, (1..=4).flat_map(hop))]);
}

#[test]
fn hypercuboids_average_exactly_at_every_size() {
    for n in 2..=130u32 {
        let analysis = ask("p_peer_hypercuboid", n).analyze();
        let (mut rest, mut primes) = (n, vec![]);
        for p in 2..=n {
            while rest % p == 0 {
                primes.push(p);
                rest /= p;
            }
        }
        assert_eq!((analysis.exact_average, analysis.period), (Some(true), primes.len()), "{n}");
        assert_eq!(analysis.max_in_degree, primes.last().unwrap() - 1);
    }
    let first = &ask("p_peer_hypercuboid", 12).phases()[2];
    let digit = |i: usize| (1..3).map(move |step| (i, (i + 4 * step) % 12, Rational::new(1, 3)));
    assert!(*first == matrix(12, (0..12).flat_map(digit)));
}

#[test]
fn bipartite_exponential_graphs_contract_as_published() {
    for (size, expected) in [(8, 0.5f64.sqrt()), (16, 0.653281), (128, 0.636876), (130, 1.0 / 64.0)] {
        contraction("bipartite_exponential", &[], size, expected);
    }
    let phases = ask("bipartite_exponential", 10).phases();
    assert_eq!(phases.len(), 3);
    for (phase, hop) in phases.iter().zip([1, 3, 7]) {
        let pair =
            |i: usize| [(i, (i + hop) % 10), ((i + hop) % 10, i)].map(|(a, b)| (a, b, Rational::new(1, 2)));
        assert!(*phase == matrix(10, (1..10).step_by(2).flat_map(pair)));
    }
}

#[test]
fn rings_by_matchings_contract_by_the_cosine() {
    for (size, rounds) in [(8u32, 41), (100, 6996)] {
        contraction("ring_matching", &[], size, (TAU / f64::from(size)).cos());
        assert_eq!(ask("ring_matching", size).analyze().rounds_to_1e_6, Some(rounds));
    }
    assert!(is_average(&product(&ask("ring_matching", 4).phases())));
}

/// Runs CECA's arithmetic over the permutations, on the ramp: the models of a period's end.
fn average_by_ceca(n: usize, phases: &[Matrix]) -> (Vec<Rational>, Vec<Rational>) {
    let mut x: Vec<Rational> = (0..n).map(Rational::integer).collect();
    let mut y = x.clone();
    let mut e = 0usize;
    let bits = usize::BITS - (n - 1).leading_zeros();
    for (r, phase) in phases.iter().enumerate() {
        let bit = (n - 1) >> (bits as usize - 1 - r) & 1;
        let from = |i: usize| (0..n).find(|&j| !phase[i][j].is_zero()).unwrap();
        let sent = if bit == 1 { x.clone() } else { y.clone() };
        let blend = |a: &Rational, p: usize, b: &Rational, q: usize| {
            &Rational::new(p, p + q) * a + &Rational::new(q, p + q) * b
        };
        for i in 0..n {
            let got = &sent[from(i)];
            (x[i], y[i]) = match bit {
                1 => (blend(&x[i], 1, got, 1), blend(&y[i], e, got, e + 1)),
                _ => (blend(&x[i], e + 1, got, e), blend(&y[i], 1, got, 1)),
            };
        }
        e = 2 * e + bit;
    }
    (x, y)
}

#[test]
fn the_exchanges_of_ceca_serve_its_arithmetic() {
    for n in 2..=70usize {
        for (ports, text) in [(2, "2"), (1, "1")] {
            let asked = ask("ceca", n as u32);
            let parameters = [("ports", text)];
            let asked = asked.with(&parameters);
            if ports == 1 && n % 2 == 1 {
                assert!(asked.is_refused());
                continue;
            }
            let phases = asked.phases();
            assert_eq!(phases.len() as u32, usize::BITS - (n - 1).leading_zeros(), "⌈log₂ {n}⌉ rounds");
            assert!(ports == 2 || phases.iter().all(is_symmetric));
            let (all, others) = average_by_ceca(n, &phases);
            assert!(all.iter().all(|mean| *mean == Rational::new(n - 1, 2)), "{ports} ports, {n} ranks");
            let total = Rational::new(n * (n - 1), 2);
            let without = |i: usize| (&total - &Rational::integer(i)) * Rational::new(1, n - 1);
            assert!((0..n).all(|i| others[i] == without(i)), "{ports} ports, {n} ranks");
        }
    }
    let phases = ask("ceca", 5).phases();
    let prefix = |rounds| average_by_ceca(5, &phases[..rounds]).0[0].clone();
    assert_eq!([prefix(1), prefix(2), prefix(3)], [(2, 1), (7, 3), (2, 1)].map(|(a, b)| Rational::new(a, b)));
}

#[test]
fn matrices_of_all_schedules_are_doubly_stochastic_by_another_count() {
    let names = [
        "bipartite_exponential",
        "ring_matching",
        "hyper_hypercube",
        "p_peer_exponential",
        "p_peer_hypercuboid",
    ];
    for name in names {
        for size in [2, 4, 8, 16] {
            assert!(ask(name, size).phases().iter().all(is_doubly_stochastic), "{name} at {size}");
        }
    }
}
