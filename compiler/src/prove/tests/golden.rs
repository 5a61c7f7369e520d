//! The values of the reference tables.

use super::*;
use crate::analysis::{Analysis, of_topology};

fn analyzed(phases: Vec<MixingMatrix>) -> Analysis {
    of_topology(&topology(phases))
}

fn close(actual: Option<f64>, expected: f64, tolerance: f64, what: &str) {
    let actual = actual.expect(what);
    assert!((actual - expected).abs() <= tolerance, "{what}: {actual}, expected {expected}");
}

const SIZES: [u32; 7] = [8, 16, 32, 33, 100, 128, 1000];

/// Checks ρ to the six digits given, and where W is symmetric or circulant that σ₂ is the same.
fn rho(name: &str, build: impl Fn(u32) -> MixingMatrix, expected: &[f64], upto: u32) {
    for (size, expected) in SIZES.into_iter().zip(expected).filter(|(size, _)| *size <= upto) {
        if expected.is_nan() {
            continue;
        }
        let analysis = analyzed(vec![build(size)]);
        close(analysis.rho, *expected, 6e-7, &format!("{name} {size}"));
        close(analysis.sigma2, *expected, 6e-7, &format!("{name} {size}"));
        assert_eq!(analysis.methods["rho"], "enclosed", "{name} {size}");
        let [low, high] = analysis.bounds["rho"];
        assert!(high - low < 1e-9 && low <= analysis.rho.unwrap() && analysis.rho.unwrap() <= high);
        assert_eq!((analysis.connected, analysis.contracting), (true, Some(true)));
    }
}

#[test]
fn rho_of_rings() {
    rho("ring", ring, &[0.804738, 0.949253, 0.98719, 0.987952, 0.998684, 0.999197, 1.0 - 1.316e-5], 1000);
    let directed = [0.92388, 0.980785, 0.995185, 0.995472, 1.0 - 4.934e-4, 1.0 - 3.012e-4, 1.0 - 4.935e-6];
    rho("ring_directed", ring_directed, &directed, 1000);
}

#[test]
fn rho_of_irregular_graphs() {
    rho("path", path, &[0.949253, 0.98719, 0.99679, 0.996981, 1.0 - 3.290e-4, 1.0 - 2.008e-4], 1000);
    rho("star", star, &[0.875, 0.9375, 0.96875, 0.969697, 0.99, 0.992188], 1000);
    rho("grid2d", grid2d, &[0.853553, 0.868641, 0.965778, 0.981102, 0.97947, 0.991838], 1000);
}

#[test]
fn rho_of_symmetric_graphs() {
    rho("torus2d", torus2d, &[0.5, 0.6, 0.882843, 0.936501, 0.923607, 0.969552, 0.995075], 1000);
    rho("hypercube", hypercube, &[0.5, 0.6, 0.666667, f64::NAN, f64::NAN, 0.75], 128);
    rho("expo2", |n| exponential(2, n), &[0.5, 0.6, 0.666667, 0.6078, 0.75, 0.75, 0.818182], 1000);
    rho(
        "expo3",
        |n| exponential(3, n),
        &[0.57735, 0.680726, 0.659582, 0.72111, 0.728968, 0.767995, 0.800113],
        1000,
    );
    rho(
        "expo4",
        |n| exponential(4, n),
        &[0.745356, 0.789735, 0.808582, 0.796259, 0.824621, 0.837891, 0.863948],
        1000,
    );
}

#[test]
fn contraction_of_one_peer_exponential() {
    for (size, expected) in
        [(33, 0.03111), (100, 0.19164), (1000, 0.02342), (6, 0.21651), (12, 0.20913), (25, 0.19212)]
    {
        let analysis = analyzed(one_peer_exp2(size));
        close(analysis.period_contraction, expected, 6e-6, &size.to_string());
        assert_eq!((analysis.rho, analysis.exact_average, analysis.exact_after), (None, Some(false), None));
    }
    let exact = analyzed(one_peer_exp2(64));
    assert_eq!((exact.period_contraction, exact.methods["period_contraction"]), (Some(0.0), "exact"));
    assert_eq!((exact.exact_average, exact.exact_after), (Some(true), Some(6)));
}

#[test]
fn rounds_to_a_tolerance() {
    assert_eq!(analyzed(vec![ring(8)]).rounds_to_1e_6, Some(64));
    assert_eq!(analyzed(vec![ring(1000)]).rounds_to_1e_6, Some(1_049_850));
    for (size, coarse, fine) in [(33, 11, 23), (100, 34, 62), (1000, 20, 40)] {
        let analysis = analyzed(one_peer_exp2(size));
        assert_eq!((analysis.rounds_to_1e_3, analysis.rounds_to_1e_6), (Some(coarse), Some(fine)), "{size}");
    }
    for size in [33, 100] {
        let dense = analyzed(tables(&one_peer_exp2(size)));
        let structured = analyzed(one_peer_exp2(size));
        assert_eq!(dense.rounds_to_1e_6, structured.rounds_to_1e_6);
        assert_eq!(dense.rounds_to_1e_3, structured.rounds_to_1e_3);
    }
}

#[test]
fn ring_matching_contracts_by_the_cosine() {
    let matching = |parity: u32, size: u32| {
        let pairs: Vec<_> = (0..size).filter(|i| i % 2 == parity).map(|i| (i, (i + 1) % size)).collect();
        metropolis(size, &pairs)
    };
    for (size, rounds) in [(8u32, 41), (100, 6996)] {
        let analysis = analyzed(vec![matching(0, size), matching(1, size)]);
        close(
            analysis.period_contraction,
            (std::f64::consts::TAU / size as f64).cos(),
            1e-9,
            "ring matching",
        );
        assert_eq!(analysis.rounds_to_1e_6, Some(rounds));
    }
    assert_eq!(analyzed(vec![matching(0, 4), matching(1, 4)]).exact_average, Some(true));
}

#[test]
fn complete_graphs_average_at_once() {
    for size in [2, 7, 256, 5000] {
        let analysis = analyzed(vec![complete(size)]);
        assert_eq!(
            (analysis.rho, analysis.exact_after, analysis.rounds_to_1e_6),
            (Some(0.0), Some(1), Some(1))
        );
        assert_eq!((analysis.methods["rho"], analysis.rounds), ("exact", size - 1));
    }
}

#[test]
fn size_one_is_exact() {
    let analysis = analyzed(vec![MixingMatrix::identity(1)]);
    assert_eq!(
        (analysis.rho, analysis.exact_average, analysis.exact_after),
        (Some(0.0), Some(true), Some(0))
    );
    assert_eq!(
        (analysis.connected, analysis.contracting, analysis.spectral_gap),
        (true, Some(true), Some(1.0))
    );
    assert_eq!(analysis.bytes_per_rank_per_model_byte, 0.0);
}

#[test]
fn effective_neighbours_of_the_paper() {
    let barbell: Vec<_> = (0..16u32)
        .flat_map(|i| (0..i).flat_map(move |j| [(i, j), (16 + i, 16 + j)]))
        .chain([(0, 16)])
        .collect();
    for (phase, expected) in [
        (ring(8), 5.91979),
        (ring(32), 6.63211),
        (star(8), 3.22921),
        (star(32), 1.67358),
        (complete(32), 32.0),
        (hypercube(16), 12.2346),
        (metropolis(32, &barbell), 16.9906),
    ] {
        for phases in [vec![phase.clone()], tables(&[phase])] {
            let found = analyzed(phases);
            close(found.effective_neighbours, expected, 6e-5, "effective neighbours");
            let [low, high] = found.bounds["effective_neighbours"];
            assert!(high - low < 1e-8 && found.methods["effective_neighbours"] == "enclosed");
        }
    }
    // Several phases, by the covariance C ← W (0.9 C + 1) Wᵀ of circulant steps that average with the rank `hop` behind.
    let (mut covariance, mut traces) = ([0.0; 6], vec![]);
    for step in 0..900 {
        let hop = [1, 2, 4][step % 3];
        let noisy: Vec<f64> = (0..6).map(|d| 0.9 * covariance[d] + f64::from(u8::from(d == 0))).collect();
        covariance = std::array::from_fn(|d| {
            0.5 * noisy[d] + 0.25 * (noisy[(d + hop) % 6] + noisy[(d + 6 - hop) % 6])
        });
        traces.push(covariance[0]);
    }
    let mean = traces[897..].iter().sum::<f64>() / 3.0;
    close(analyzed(one_peer_exp2(6)).effective_neighbours, 10.0 / mean, 1e-9, "three phases");
    // An odd and a directed one against the trace: Σ |λ|²ᵏ = ‖Wᵏ‖_F².
    for (n, directed) in [(7u32, true), (8, true), (7, false), (9, false)] {
        let hops: Vec<u32> = if directed { vec![1] } else { vec![1, n - 1] };
        let weight = 1.0 / (hops.len() + 1) as f64;
        let mut row = vec![0.0; n as usize];
        row[0] = 1.0;
        let (mut sum, mut factor) = (0.0, 1.0);
        for _ in 0..400 {
            row = (0..n)
                .map(|i| {
                    hops.iter().map(|h| row[((i + n - h) % n) as usize]).sum::<f64>() * weight
                        + row[i as usize] * weight
                })
                .collect();
            sum += factor * row.iter().map(|x| x * x).sum::<f64>();
            factor *= 0.9;
        }
        close(analyzed(vec![cayley(&[n], hops)]).effective_neighbours, 10.0 / sum, 1e-9, "by the trace");
    }
}

#[test]
fn rounds_near_the_tolerance_are_not_certain() {
    // ρ = 1/10 and 0.1³ = 0.001, but not within any enclosure; 0.0999³ is clear.
    let lazy = |tenth: Rational| {
        let weight = (Rational::one() - tenth) * Rational::new(1, 5);
        let hops = (1..5).map(|hop| (Rank(hop), weight.clone())).collect();
        let own = Rational::one() - Rational::integer(4) * weight;
        MixingMatrix::Cayley(CayleyMatrix::new(Group::cyclic(5), own, hops).expect("hops"))
    };
    let marginal = analyzed(vec![lazy(Rational::new(1, 10))]);
    assert_eq!((marginal.rounds_to_1e_3, marginal.methods["rounds_to_1e-3"]), (Some(3), "estimate"));
    assert_eq!((marginal.rounds_to_1e_6, marginal.methods["rounds_to_1e-6"]), (Some(6), "estimate"));
    let clear = analyzed(vec![lazy(Rational::new(999, 10_000))]);
    assert_eq!((clear.rounds_to_1e_3, clear.methods["rounds_to_1e-3"]), (Some(3), "enclosed"));
    assert_eq!(analyzed(vec![ring(1000)]).methods["rounds_to_1e-6"], "enclosed");
    assert_eq!(analyzed(vec![path(50)]).methods["rounds_to_1e-6"], "enclosed");
    assert_eq!(analyzed(one_peer_exp2(100)).methods["rounds_to_1e-6"], "enclosed");
    assert_eq!(analyzed(vec![complete(6)]).methods["rounds_to_1e-6"], "exact");
}

#[test]
fn large_graphs_of_hidden_structure_are_enclosed() {
    // A ring in disguise: its gap is 1.6e-6.
    let size = 4099u32;
    let place = |i: u32| (i as u64 * 1234 % size as u64) as u32;
    let pairs: Vec<_> = (0..size).map(|i| (place(i), place((i + 1) % size))).collect();
    let found = analyzed(vec![metropolis(size, &pairs)]);
    let expected = (1.0 + 2.0 * (std::f64::consts::TAU / f64::from(size)).cos()) / 3.0;
    close(found.rho, expected, 1e-12, "ring");
    close(found.lambda_min, (1.0 - 2.0 * (std::f64::consts::PI / f64::from(size)).cos()) / 3.0, 1e-9, "ring");
    let [low, high] = found.bounds["rho"];
    assert!(low <= expected && expected <= high && high - low < 2e-9, "{expected} in {low}..{high}");
    assert_eq!(found.contracting, Some(true));
}
