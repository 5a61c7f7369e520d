//! Extreme eigenvalues by elimination, triangular products, limits, curves and means over draws, against dense algebra,
//! closed forms and the reference.

use super::*;
use crate::analysis::{Analysis, of_topology};
use crate::prove::Prover;
use crate::prove::facts::Facts;
use crate::spectrum::dense::{Rows, symmetric_eigenvalues};
use crate::spectrum::{Enclosure, by_elimination};
use proptest::prelude::*;

fn with_curves(phases: Vec<MixingMatrix>, is_drawn: bool) -> Analysis {
    let topologies = [crate::model::topology::Topology { is_drawn, ..topology(phases) }];
    let prover = Prover::new(&topologies, None);
    Analysis::new(&prover.facts()[0], crate::analysis::NOISE_MEMORY).with_curves(&prover.facts()[0], is_drawn)
}

/// A cycle, so that all is connected, and more edges.
fn graph(size: u32, more: &[(u32, u32)]) -> MixingMatrix {
    let cycle = (0..size).map(|i| (i, (i + 1) % size));
    let more = more.iter().map(|(i, j)| (i % size, j % size)).filter(|(i, j)| i != j);
    let mut pairs: Vec<(u32, u32)> = cycle.chain(more).map(|(i, j)| (i.min(j), i.max(j))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    metropolis(size, &pairs)
}

fn holds(found: Enclosure, value: f64, error: f64) {
    assert!(found.low - error <= value && value <= found.high + error, "{value} in {found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn elimination_encloses_what_dense_algebra_finds(
        size in 3u32..70, more in prop::collection::vec((any::<u32>(), any::<u32>()), 0..90)
    ) {
        let matrix = graph(size, &more);
        let (values, error) = symmetric_eigenvalues(&Rows::new(&matrix)).expect("small");
        let numbers = by_elimination(&matrix).expect("small").numbers;
        let others = &values[..values.len() - 1];
        let rho = others.iter().fold(0.0f64, |rho, value| rho.max(value.abs()));
        holds(numbers.rho.expect("one phase"), rho, error);
        holds(numbers.lambda_min.expect("symmetric"), values[0], error);
        let [rho, least] = [numbers.rho.expect("one phase"), numbers.lambda_min.expect("symmetric")];
        prop_assert!(rho.high - rho.low < 1e-8 && least.high - least.low < 1e-8, "{:?} {:?}", rho, least);
    }
}

#[test]
fn elimination_stops_at_what_it_cannot_tell() {
    // Two parts: the second eigenvalue is 1 as well.
    assert!(by_elimination(&metropolis(6, &[(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)])).is_none());
    // Nearly two parts.
    let bridge = Rational::new(1, 1_000_000_000_000u64);
    let half = Rational::new(1, 2);
    let line = [(0, 1, half.clone()), (1, 2, bridge.clone()), (2, 3, half)];
    let both = line.iter().flat_map(|(i, j, w)| [(*i, *j, w.clone()), (*j, *i, w.clone())]);
    let matrix = matrix(4, &both.collect::<Vec<_>>());
    if let Some(found) = by_elimination(&matrix) {
        holds(found.numbers.rho.expect("one phase"), 1.0 - bridge.to_f64(), 0.0);
    }
    // Signed: the second eigenvalue is below −1.
    let exploding = metropolis(4, &[(0, 1), (1, 2), (2, 3), (3, 0)]);
    let weighted: Vec<_> =
        edges(&exploding).into_iter().map(|(i, j, _)| (i, j, Rational::new(3, 5))).collect();
    assert!(by_elimination(&super::matrix(4, &weighted)).is_none());
}

#[test]
fn large_sparse_graphs_are_enclosed() {
    // A ring whose names hide it, where leading parts of half its length are nearly singular.
    let size = 2048u32;
    let name = |i: u32| (i * 5) % size;
    let pairs: Vec<_> = (0..size).map(|i| (name(i), name((i + 1) % size))).collect();
    let analysis = of_topology(&topology(vec![metropolis(size, &pairs)]));
    let exact = (1.0 + 2.0 * (std::f64::consts::TAU / f64::from(size)).cos()) / 3.0;
    let [low, high] = analysis.bounds["rho"];
    assert!(low <= exact && exact <= high && high - low < 2e-9, "{exact} in {low}..{high}");
    let [low, high] = analysis.bounds["lambda_min"];
    assert!(low <= -1.0 / 3.0 && -1.0 / 3.0 <= high && high - low < 1e-8, "{low}..{high}");
    let gap = 1.0 - exact;
    assert!((analysis.spectral_gap.expect("a gap") - gap).abs() < 2e-3 * gap);
}

#[test]
fn what_elimination_fills_is_estimated() {
    // A hypercube whose names hide it: no order of elimination keeps it sparse.
    let (size, digits) = (1u32 << 13, 13);
    let name = |i: u32| (i * 5) % size;
    let edges = (0..size).flat_map(|i| (0..digits).map(move |bit| (i, i ^ 1 << bit))).filter(|(i, j)| i < j);
    let pairs: Vec<_> = edges.map(|(i, j)| (name(i), name(j))).collect();
    let found = of_topology(&topology(vec![metropolis(size, &pairs)]));
    assert_eq!((found.methods["rho"], found.contracting), ("at least", Some(true)));
    assert!((found.rho.expect("one phase") - 6.0 / 7.0).abs() < 1e-11, "{:?}", found.rho);
    assert!((found.lambda_min.expect("symmetric") + 6.0 / 7.0).abs() < 1e-11);
}

/// Rank i takes everything from the parent, except for what it keeps.
fn pull(size: u32, keep: Rational) -> MixingMatrix {
    let taken = Rational::one() - keep;
    matrix(size, &(1..size).map(|i| (i, (i - 1) / 2, taken.clone())).collect::<Vec<_>>())
}

#[test]
fn eigenvalues_without_cycles_are_the_self_weights() {
    let tree = of_topology(&topology(vec![pull(31, Rational::zero())]));
    assert_eq!(
        (tree.rho, tree.methods["rho"], tree.methods["asymptotic_rate"]),
        (Some(0.0), "exact", "exact")
    );
    let lazy = of_topology(&topology(vec![pull(31, Rational::new(1, 4))]));
    assert_eq!((lazy.rho, lazy.methods["rho"]), (Some(0.25), "exact"));
    let third = of_topology(&topology(vec![pull(31, Rational::new(1, 3))]));
    let [low, high] = third.bounds["rho"];
    assert!(low <= 1.0 / 3.0 && 1.0 / 3.0 <= high && high - low < 1e-15);
    let period = vec![pull(9, Rational::new(1, 2)), pull(9, Rational::new(1, 8))];
    assert_eq!(of_topology(&topology(period)).asymptotic_rate, Some(0.25));
    // Large: nothing dense.
    assert_eq!(of_topology(&topology(vec![pull(5000, Rational::zero())])).rho, Some(0.0));
}

#[test]
fn eigenvalues_of_components_are_those_of_all() {
    // Ranks 0 to 3 average among themselves; the others follow, in a cycle of their own.
    let w = |p, q| Rational::new(p, q);
    let inside =
        [(0, 1), (1, 2), (2, 3), (3, 0), (1, 0), (2, 1), (3, 2), (0, 3)].map(|(i, j)| (i, j, w(1, 3)));
    let outside = [(4, 5), (5, 6), (6, 4)].map(|(i, j)| (i, j, w(1, 2)));
    let between = [(4, 0, w(1, 4)), (7, 4, w(3, 4))];
    let edges: Vec<_> = inside.into_iter().chain(outside).chain(between).collect();
    let found = of_topology(&topology(vec![matrix(8, &edges)]));
    let dense = bfc_algebra::eigenvalues(&Rows::new(&matrix(8, &edges)).dense()).expect("small");
    let mut moduli: Vec<f64> = dense.iter().map(|z| z.re.hypot(z.im)).collect();
    moduli.sort_by(f64::total_cmp);
    assert!((found.rho.expect("one phase") - moduli[6]).abs() < 1e-12 && found.methods["rho"] == "estimate");
}

#[test]
fn limits_are_those_of_the_reference() {
    // D(8): i → i + 1, and 0 → j for even j ≥ 2; each rank sends equal parts to all that it sends to and itself.
    let mut out: Vec<Vec<u32>> = (0..8).map(|i| vec![i, (i + 1) % 8]).collect();
    out[0].extend([2, 4, 6]);
    let mut rows = vec![BTreeMap::new(); 8];
    for (from, to) in (0u32..).zip(&out) {
        to.iter().for_each(|j| drop(rows[*j as usize].insert(from, Rational::new(1, to.len() as u64))));
    }
    let limit = with_curves(vec![explicit(rows)], false).stationary.expect("a limit");
    let expected = [0.930233, 0.372093, 0.744186, 0.744186, 1.116279, 1.116279, 1.488372, 1.488372];
    let close = limit.weights.iter().zip(expected).all(|(w, e)| (8.0 * w - e).abs() < 1e-6);
    assert!(close && limit.residual < 1e-13, "{limit:?}");
    assert!(limit.least.0 == 1 && limit.greatest.0 >= 6);
    // A star with equal weights: the hub counts n / (3 n − 2), for 8 ranks 4/11.
    let star: Vec<_> =
        (1..8).flat_map(|i| [(0, i, Rational::new(1, 8)), (i, 0, Rational::new(1, 2))]).collect();
    let limit = with_curves(vec![matrix(8, &star)], false).stationary.expect("a limit");
    assert_eq!(limit.greatest.0, 0);
    assert!((limit.greatest.1 - 4.0 / 11.0).abs() < 1e-13 && (limit.least.1 - 1.0 / 11.0).abs() < 1e-13);
    assert!(with_curves(vec![ring(8)], false).stationary.is_none());
}

#[test]
fn slow_limits_are_found_by_elimination() {
    // A directed cycle whose ranks keep different parts of what they have, most of it: weights are 1 / (1 − keep).
    let take = |i: u32| Rational::new(1 + i % 3, 100_000u64);
    let edges: Vec<_> = (0..60).map(|i| ((i + 1) % 60, i, take(i))).collect();
    let limit = with_curves(vec![matrix(60, &edges)], false).stationary.expect("a limit");
    let unscaled: Vec<f64> = (0..60u32).map(|i| 1.0 / f64::from(1 + (i + 59) % 60 % 3)).collect();
    let sum: f64 = unscaled.iter().sum();
    assert!(limit.weights.iter().zip(&unscaled).all(|(w, u)| (w - u / sum).abs() < 1e-12), "{limit:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The curve is the norm of the product, whichever way it is computed.
    #[test]
    fn curves_are_norms_of_products(size in 3u32..12, shifts in prop::collection::vec(1u32..11, 1..5), as_tables: bool) {
        let phases: Vec<_> = shifts.iter().map(|shift| cayley(&[size], [shift % size])).collect();
        let phases = if as_tables { tables(&phases) } else { phases };
        let curve = with_curves(phases.clone(), false).consensus_error.expect("rows sum to 1");
        let rows: Vec<Rows> = phases.iter().map(Rows::new).collect();
        let n = size as usize;
        for (steps, error) in curve.into_iter().filter(|(steps, _)| *steps < 200) {
            let start = bfc_algebra::Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) - 1.0 / n as f64);
            let product = (0..steps as usize).fold(start, |m, step| rows[step % rows.len()].times(&m));
            let norm = bfc_algebra::singular_values(&product).expect("small").1[0];
            prop_assert!((norm - error).abs() < 1e-7 + 1e-6 * norm, "{} at {}: {}", error, steps, norm);
        }
    }
}

#[test]
fn curves_are_there_where_ranks_that_agree_stay_so() {
    let push = matrix(2, &[(0, 1, Rational::new(1, 2))]);
    assert!(with_curves(vec![push], false).consensus_error.is_some());
    let column = explicit(vec![
        BTreeMap::from([(0, Rational::one()), (1, Rational::new(1, 2))]),
        BTreeMap::from([(1, Rational::new(1, 2))]),
    ]);
    assert!(with_curves(vec![column], false).consensus_error.is_none());
    assert!(of_topology(&topology(vec![ring(5)])).consensus_error.is_none());
    assert_eq!(with_curves(vec![complete(5)], false).consensus_error, Some(vec![(1, 0.0)]));
}

#[test]
fn means_are_of_draws_alone() {
    let phases: Vec<_> = (0..20).map(|t| cayley(&[8], [1 + t % 3])).collect();
    assert!(with_curves(phases.clone(), false).expected_contraction.is_none());
    let found = with_curves(phases, true).expected_contraction.expect("draws");
    assert_eq!(found.draws, 20);
    assert!(found.interval[0] <= found.mean && found.mean <= found.interval[1]);
    assert!(with_curves(vec![ring(8)], true).expected_contraction.is_none());
}

#[test]
fn residuals_are_told_of_estimates() {
    // Too large for dense algebra, and not normal.
    let size = 900u32;
    let edges: Vec<_> = (0..size)
        .flat_map(|i| {
            [(i, (i + 1) % size, Rational::new(1, 4)), (i, (i * 7 + 3) % size, Rational::new(1, 2))]
        })
        .filter(|(i, j, _)| i != j)
        .collect();
    let phases = [matrix(size, &edges)];
    let facts = Facts::new(&phases);
    assert!(facts.doubly_stochastic() || facts.row_stochastic().is_ok());
    let found = of_topology(&topology(phases.to_vec()));
    assert_eq!(found.methods["rho"], "estimate");
    assert!(found.residuals["rho"] < 1e-10, "{:?}", found.residuals);
}
