//! Matrices that mislead: permutations, nilpotent and defective ones, nearly disconnected and nearly stochastic ones.

use super::*;
use crate::analysis::{Analysis, of_topology};
use crate::model::claim::{Claim, Comparison, Number, Property, Quantity, Statement};
use crate::prove::{Verdict, decide};
use proptest::prelude::*;

fn analyzed(phases: Vec<MixingMatrix>) -> Analysis {
    of_topology(&topology(phases))
}

fn claim(phases: Vec<MixingMatrix>, statement: Statement) -> Verdict {
    decide(&[topology(phases)], None, &Claim { statement, text: String::new(), span: Default::default() })
}

fn property(phases: Vec<MixingMatrix>, property: Property) -> Verdict {
    claim(phases, Statement::Property(property, vec![0]))
}

fn entries(list: &[(u32, u32, i64, i64)]) -> Vec<(u32, u32, Rational)> {
    list.iter().map(|&(i, j, p, q)| (i, j, Rational::new(p, q))).collect()
}

fn rotation(size: u32) -> MixingMatrix {
    matrix(size, &(0..size).map(|i| ((i + 1) % size, i, Rational::one())).collect::<Vec<_>>())
}

#[test]
fn permutations_never_mix() {
    for size in [2, 3, 4, 5, 8, 33] {
        let analysis = analyzed(vec![rotation(size)]);
        assert_eq!(
            (analysis.connected, analysis.primitive, analysis.contracting),
            (true, Some(false), Some(false))
        );
        assert_eq!((analysis.rho, analysis.methods["rho"]), (Some(1.0), "exact"));
        assert_eq!((analysis.exact_after, analysis.rounds_to_1e_3), (None, None));
        let symbolic =
            CayleyMatrix::new(Group::cyclic(size), Rational::zero(), vec![(Rank(1), Rational::one())]);
        let analysis = analyzed(vec![MixingMatrix::Cayley(symbolic.expect("a hop"))]);
        assert_eq!((analysis.connected, analysis.contracting, analysis.rho), (true, Some(false), Some(1.0)));
    }
}

#[test]
fn there_and_back_again_is_not_contracting() {
    let there = entries(&[(1, 0, 1, 1), (2, 1, 1, 1), (0, 2, 1, 1)]);
    let back: Vec<_> = there.iter().map(|(i, j, w)| (*j, *i, w.clone())).collect();
    let phases = vec![matrix(3, &there), matrix(3, &back)];
    let analysis = analyzed(phases);
    assert_eq!(
        (analysis.connected, analysis.contracting, analysis.asymptotic_rate),
        (true, Some(false), Some(1.0))
    );
    let hop = |h: u32| {
        MixingMatrix::Cayley(
            CayleyMatrix::new(Group::cyclic(7), Rational::zero(), vec![(Rank(h), Rational::one())])
                .expect("hop"),
        )
    };
    assert_eq!(analyzed(vec![hop(2), hop(5)]).contracting, Some(false));
}

#[test]
fn de_bruijn_contracts_at_once_or_not_at_all() {
    let analysis = analyzed(vec![de_bruijn(2, 16)]);
    assert_eq!((analysis.rho, analysis.methods["rho"], analysis.exact_after), (Some(0.0), "exact", Some(4)));
    assert!((analysis.sigma2.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!((analysis.contracting, analysis.rounds_to_1e_6), (Some(true), Some(4)));
    let analysis = analyzed(vec![de_bruijn(2, 33)]);
    assert!((analysis.sigma2.unwrap() - 0.995472).abs() < 1e-6);
    assert!((analysis.rho.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!((analysis.methods["rho"], analysis.exact_after), ("enclosed", None));
}

#[test]
fn an_estimate_decides_nothing() {
    let less = |value: Rational| {
        Statement::Compare(Quantity::Of(Number::Rho, 0), Comparison::Less, Quantity::Exact(value))
    };
    assert!(claim(vec![de_bruijn(2, 33)], less(Rational::new(9, 10))).holds(), "an enclosure decides");
    // A rank halves with the next one and with one that no rule gives.
    let order = |i: u32| (i.wrapping_mul(2_654_435_761).rotate_left(7), i);
    let mut drawn: Vec<u32> = (0..33).collect();
    drawn.sort_by_key(|i| order(*i));
    let half = || Rational::new(1, 2);
    let edges: Vec<_> =
        (0..33).flat_map(|i| [(i, (i + 1) % 33, half()), (i, drawn[i as usize], half())]).collect();
    let mut rows = vec![BTreeMap::<u32, Rational>::new(); 33];
    for (i, j, weight) in edges {
        let entry = rows[i as usize].entry(j).or_insert_with(Rational::zero);
        *entry = entry.clone() + weight;
    }
    let irregular = explicit(rows);
    assert_eq!(analyzed(vec![irregular.clone()]).methods["rho"], "estimate");
    assert!(matches!(claim(vec![irregular], less(Rational::new(9, 10))), Verdict::NotDecided { .. }));
    assert!(claim(vec![de_bruijn(2, 16)], less(Rational::new(1, 10))).holds());
    assert!(claim(vec![ring(16)], less(Rational::new(95, 100))).holds());
    assert!(matches!(claim(vec![ring(16)], less(Rational::new(94, 100))), Verdict::Refuted { .. }));
    let equal = |value: Rational| {
        Statement::Compare(Quantity::Of(Number::SpectralGap, 0), Comparison::Equal, Quantity::Exact(value))
    };
    assert!(
        matches!(claim(vec![exponential(2, 16)], equal(Rational::new(2, 5))), Verdict::Within { bound, .. } if bound < 1e-12)
    );
}

#[test]
fn sums_are_exact() {
    let off = Rational::new(1, 3) + Rational::new(1, 1_000_000_000_000_000u64);
    let mut edges = edges(&ring(5));
    edges[2].2 = off;
    let verdict = property(vec![matrix(5, &edges)], Property::DoublyStochastic);
    assert!(matches!(&verdict, Verdict::Refuted { evidence } if evidence.contains("column")), "{verdict:?}");
    let analysis = analyzed(vec![matrix(5, &edges)]);
    assert_eq!(
        (analysis.row_stochastic, analysis.column_stochastic, analysis.symmetric),
        (true, false, false)
    );
    assert_eq!(analysis.contracting, Some(true));
    let star = matrix(
        4,
        &entries(&[(0, 1, 1, 4), (0, 2, 1, 4), (0, 3, 1, 4), (1, 0, 1, 2), (2, 0, 1, 2), (3, 0, 1, 2)]),
    );
    let verdict = property(vec![star.clone()], Property::ColumnStochastic);
    assert_eq!(verdict.evidence(), "column 0 sums to 7/4");
    assert!(analyzed(vec![star]).notes[0].contains("weighted average"));
}

#[test]
fn sums_of_numbers_from_a_file_hold_within_their_rounding() {
    let third = Rational::new(3_333_333_333_333_333i64, 10_000_000_000_000_000i64);
    let last = Rational::new(3_333_333_333_333_334i64, 10_000_000_000_000_000i64);
    let imported = |last: Rational| {
        let edges = [(0, 1), (1, 2), (2, 0)].map(|(i, j)| [(i, j, third.clone()), (j, i, third.clone())]);
        let mut edges = edges.concat();
        edges[0].2 = last;
        matrix(3, &edges)
    };
    for claimed in [Property::ColumnStochastic, Property::DoublyStochastic] {
        let verdict = property(vec![imported(last.clone())], claimed);
        assert!(verdict.holds() && verdict.word() == "holds within 1.0e-16", "{verdict:?}");
        assert_eq!(property(vec![imported(third.clone())], claimed).word(), "proved");
        let far = Rational::new(3_333_333_433_333_333i64, 10_000_000_000_000_000i64);
        assert!(matches!(property(vec![imported(far)], claimed), Verdict::Refuted { .. }));
        let repeating = Rational::new(1, 3) + Rational::new(1, 10_000_000_000_000_000i64);
        assert!(matches!(property(vec![imported(repeating)], claimed), Verdict::Refuted { .. }));
    }
    assert_eq!(property(vec![imported(last)], Property::RowStochastic).word(), "proved");
}

#[test]
fn broken_connections_are_named() {
    let two = metropolis(6, &[(0, 1), (1, 2), (2, 3), (4, 5)]);
    assert_eq!(
        property(vec![two.clone()], Property::Connected).evidence(),
        "ranks {4, 5} never hear from rank 0"
    );
    assert_eq!((analyzed(vec![two.clone()]).rho, analyzed(vec![two]).contracting), (Some(1.0), Some(false)));
    let even = cayley(&[8], [2, 6]);
    assert!(property(vec![even], Property::Connected).evidence().contains("ranks {1, 3, 5, 7}"));
    // Nearly disconnected is connected.
    let thin = matrix(2, &entries(&[(0, 1, 1, 1_000_000_000_000), (1, 0, 1, 1_000_000_000_000)]));
    assert_eq!(analyzed(vec![thin]).contracting, Some(true));
}

#[test]
fn signed_weights_need_numbers() {
    let constant = |p: i64, q: i64| {
        let a = Rational::new(p, q);
        let edges = (0..8u32).flat_map(|i| [(i, (i + 1) % 8, a.clone()), ((i + 1) % 8, i, a.clone())]);
        matrix(8, &edges.collect::<Vec<_>>())
    };
    assert_eq!(analyzed(vec![constant(2, 5)]).contracting, Some(true));
    let exploding = analyzed(vec![constant(3, 5)]);
    assert_eq!(
        (exploding.contracting, exploding.nonnegative, exploding.primitive),
        // Powers of signed weights may have zeros that their edges do not have.
        (Some(false), false, None)
    );
    assert!((exploding.rho.unwrap() - 1.4).abs() < 1e-12 && exploding.rounds_to_1e_3.is_none());
    let overshooting = analyzed(vec![constant(11, 20)]);
    assert_eq!(overshooting.contracting, Some(false));
    assert!((analyzed(vec![constant(15, 32)]).rho.unwrap() - 0.875).abs() < 1e-12);
}

#[test]
fn shapes() {
    let holds = |phases: Vec<MixingMatrix>, p: Property| property(phases, p).holds();
    assert!(holds(vec![path(5)], Property::Tree) && holds(vec![star(6)], Property::Tree));
    assert!(
        !holds(vec![ring(5)], Property::Tree)
            && !holds(vec![metropolis(4, &[(0, 1), (2, 3)])], Property::Tree)
    );
    assert!(
        holds(vec![ring_directed(5)], Property::Permutation) && !holds(vec![ring(5)], Property::Permutation)
    );
    assert!(holds(vec![hypercube(2)], Property::Matching) && !holds(vec![path(3)], Property::Matching));
    assert!(holds(vec![metropolis(5, &[(0, 1), (2, 3)])], Property::Matching));
    assert!(
        holds(vec![ring(5)], Property::Undirected) && !holds(vec![ring_directed(5)], Property::Undirected)
    );
    assert!(holds(vec![ring(5)], Property::Static) && !holds(one_peer_exp2(8), Property::Static));
    // Pull from a tree and push to it have the root of the tree in common.
    let pull = matrix(7, &(1..7).map(|i| (i, (i - 1) / 2, Rational::one())).collect::<Vec<_>>());
    let push: Vec<BTreeMap<u32, Rational>> = (0..7u32)
        .map(|i| {
            (0..7)
                .filter(|j| (*j == 0 && i == 0) || (*j > 0 && (j - 1) / 2 == i))
                .map(|j| (j, Rational::one()))
                .collect()
        })
        .collect();
    let both = [topology(vec![pull]), topology(vec![explicit(push)])];
    let claim = |indices| Claim {
        statement: Statement::Property(Property::CommonRoot, indices),
        text: String::new(),
        span: Default::default(),
    };
    assert!(decide(&both, None, &claim(vec![0, 1])).holds());
    assert!(!decide(&both, None, &claim(vec![1, 0])).holds());
    for (index, property) in [
        (0, Property::Contracting),
        (1, Property::Contracting),
        (0, Property::RowStochastic),
        (1, Property::ColumnStochastic),
    ] {
        let claim = Claim {
            statement: Statement::Property(property, vec![index]),
            text: String::new(),
            span: Default::default(),
        };
        assert!(decide(&both, None, &claim).holds(), "{property:?} of {index}");
    }
}

fn any_phases() -> impl Strategy<Value = Vec<MixingMatrix>> {
    let phase = (prop::collection::vec(any::<u32>(), 1..4), 0u64..3);
    (prop::collection::vec(2u32..5, 1..3), prop::collection::vec(phase, 1..4)).prop_map(
        |(radices, phases)| {
            let group = Group::new(radices).expect("radices");
            let build = |(hops, own): (Vec<u32>, u64)| {
                let mut hops: Vec<u32> =
                    hops.into_iter().map(|hop| hop % group.order()).filter(|hop| *hop > 0).collect();
                hops.sort_unstable();
                hops.dedup();
                let own = if hops.is_empty() { 1 } else { own };
                let total = own + hops.len() as u64;
                let weights = hops.into_iter().map(|hop| (Rank(hop), Rational::new(1, total))).collect();
                MixingMatrix::Cayley(
                    CayleyMatrix::new(group.clone(), Rational::new(own, total), weights).expect("hops"),
                )
            };
            phases.into_iter().map(build).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn symmetry_and_tables_agree(phases in any_phases()) {
        let (symbolic, table) = (analyzed(phases.clone()), analyzed(tables(&phases)));
        prop_assert_eq!((symbolic.connected, symbolic.primitive, symbolic.contracting), (table.connected, table.primitive, table.contracting));
        prop_assert_eq!((symbolic.doubly_stochastic, symbolic.symmetric, symbolic.rounds), (table.doubly_stochastic, table.symmetric, table.rounds));
        prop_assert_eq!((symbolic.exact_average, symbolic.exact_after), (table.exact_average, table.exact_after));
        let contraction = (symbolic.period_contraction.unwrap(), table.period_contraction.unwrap());
        prop_assert!((contraction.0 - contraction.1).abs() < 1e-12, "{:?}", contraction);
        for analysis in [&symbolic, &table] {
            if let Some([low, high]) = analysis.bounds.get("period_contraction") {
                prop_assert!(*low <= contraction.0 && contraction.0 <= *high && *low <= contraction.1 && contraction.1 <= *high);
            }
        }
        prop_assert_eq!(symbolic.rounds_to_1e_6, table.rounds_to_1e_6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Long periods of signed phases, of which some let disagreement grow, against the eigenvalues of their product.
    #[test]
    fn long_signed_periods_are_decided_as_their_product(
        size in 3u32..6,
        pairs in prop::collection::vec((0u32..5, 1u32..5, 0i64..9), 65..140)
    ) {
        let phase = |&(i, step, w): &(u32, u32, i64)| {
            let (i, j) = (i % size, (i % size + 1 + step % (size - 1)) % size);
            // Weights from −1/16 to 17/16: up to 9/8 times the disagreement of a pair.
            let weight = Rational::new(9 * w / 4 - 1, 16);
            matrix(size, &[(i, j, weight.clone()), (j, i, weight)])
        };
        let phases: Vec<_> = pairs.iter().map(phase).collect();
        let n = size as usize;
        let mut product: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j)) - 1.0 / n as f64).collect()).collect();
        for phase in &phases {
            product = (0..size)
                .map(|i| {
                    let row = phase.row(Rank(i));
                    let mut out: Vec<f64> = product[i as usize].iter().map(|x| x * row.self_weight.to_f64()).collect();
                    for (source, weight) in &row.in_weights {
                        out.iter_mut().zip(&product[source.index()]).for_each(|(x, y)| *x += weight.to_f64() * y);
                    }
                    out
                })
                .collect();
        }
        let matrix = bfc_algebra::Mat::from_fn(n, n, |i, j| product[i][j]);
        let radius = bfc_algebra::eigenvalues(&matrix).expect("small").iter().map(|z| z.re.hypot(z.im)).fold(0.0, f64::max);
        prop_assume!((radius - 1.0).abs() > 1e-3);
        match property(phases, Property::Contracting) {
            Verdict::Proved { .. } => prop_assert!(radius < 1.0, "{}", radius),
            Verdict::Refuted { .. } => prop_assert!(radius > 1.0, "{}", radius),
            other => prop_assert!(!(1e-6..0.5).contains(&radius), "{} {:?}", radius, other),
        }
    }
}
