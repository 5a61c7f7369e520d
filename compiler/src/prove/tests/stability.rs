//! Which algorithms are stable on which topologies, against closed formulas and reference values.

use super::build::{Builder, diffusion};
use super::*;
use crate::model::algorithm::{Algorithm, ValueKind};
use crate::model::claim::{Claim, Property, Statement};
use crate::prove::{Verdict, decide};
use bfc_algebra::Mat;
use bfc_schedule::program::Operation;

fn stable(phases: Vec<MixingMatrix>, algorithm: &Algorithm) -> Verdict {
    let claim = Claim {
        statement: Statement::Property(Property::Stable, vec![]),
        text: "stable".into(),
        span: Default::default(),
    };
    decide(&[topology(phases)], Some(algorithm), &claim)
}

fn proved(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Proved { .. } => true,
        Verdict::Refuted { .. } => false,
        other => panic!("{other:?}"),
    }
}

fn averaging() -> Algorithm {
    let mut b = Builder::new();
    let x = b.state();
    let next = b.mix(x);
    b.algorithm(&[next])
}

fn gradient_tracking() -> Algorithm {
    let mut b = Builder::new();
    let (x, g, y) = (b.state(), b.state(), b.state());
    let moved = b.descend(x, y);
    let x1 = b.mix(moved);
    let g1 = b.gradient(x1);
    let tracked = b.add(y, g1);
    let change = b.subtract(tracked, g);
    let y1 = b.mix(change);
    b.algorithm(&[x1, g1, y1])
}

/// x' = W (x − lr (β m + g)), m' = μ m + (1 − μ) (x − x') / lr.
fn quasi_global(beta: i64, mu: i64, over: i64) -> Algorithm {
    let mut b = Builder::new();
    let (x, m) = (b.state(), b.state());
    let gradient = b.gradient(x);
    let momentum = b.times(m, beta, over);
    let direction = b.add(momentum, gradient);
    let moved = b.descend(x, direction);
    let x1 = b.mix(moved);
    let change = b.subtract(x, x1);
    let rate = b.apply(Operation::Input(0), &[]);
    let change = b.apply(Operation::Divide, &[change, rate]);
    let kept = b.times(m, mu, over);
    let fresh = b.times(change, over - mu, over);
    let m1 = b.add(kept, fresh);
    b.algorithm(&[x1, m1])
}

#[test]
fn exact_diffusion_on_directed_exponential_graphs() {
    let passing = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 20];
    for size in 2..70 {
        let verdict = proved(stable(vec![exponential(2, size)], &diffusion(true)));
        assert_eq!(verdict, passing.contains(&size), "{size}");
    }
    let d2 = [2, 3, 4, 5, 6, 7, 9, 12, 17, 24];
    for size in 2..50 {
        let verdict = proved(stable(vec![exponential(2, size)], &diffusion(false)));
        assert_eq!(verdict, d2.contains(&size), "{size}");
    }
}

#[test]
fn d2_on_hypercubes_and_rings() {
    assert!(proved(stable(vec![hypercube(2)], &diffusion(false))));
    for marginal in [vec![hypercube(4)], vec![ring(8)], vec![ring(1000)], vec![ring(6)]] {
        let verdict = stable(marginal, &diffusion(false));
        assert!(
            matches!(&verdict, Verdict::Refuted { evidence } if evidence.contains("exactly")),
            "{verdict:?}"
        );
    }
    assert!(!proved(stable(vec![hypercube(8)], &diffusion(false))));
    for (rows, columns, expected) in [(3u32, 3u32, true), (2, 3, true), (4, 4, false)] {
        let torus = cayley(&[rows, columns], [1, columns - 1, columns, (rows - 1) * columns]);
        assert_eq!(proved(stable(vec![torus], &diffusion(false))), expected, "{rows}×{columns}");
    }
    for static_symmetric in [ring(8), ring(999), hypercube(8), path(9), star(9), grid2d(12)] {
        assert!(proved(stable(vec![static_symmetric], &diffusion(true))));
    }
    // Tables: the marginal eigenvalue -1/3 is found by elimination.
    let verdict = stable(tables(&[ring(8)]), &diffusion(false));
    assert!(matches!(&verdict, Verdict::Refuted { evidence } if evidence.contains("-1/3")), "{verdict:?}");
    assert!(!proved(stable(tables(&[hypercube(8)]), &diffusion(false))));
    let bipartite: Vec<_> = (0..3).flat_map(|i| (3..6).map(move |j| (i, j))).collect();
    assert!(!proved(stable(vec![metropolis(6, &bipartite)], &diffusion(false))));
}

#[test]
fn not_every_schedule_bears_a_correction() {
    assert!(proved(stable(one_peer_exp2(16), &diffusion(true))));
    assert!(!proved(stable(one_peer_exp2(16), &diffusion(false))));
    assert!(proved(stable(vec![de_bruijn(2, 16)], &diffusion(true))));
    assert!(proved(stable(vec![de_bruijn(2, 16)], &diffusion(false))));
    // Close to the margin, without structure: the pairs of a ring in turn.
    let pairs = |parity: u32| {
        metropolis(40, &(0..40).filter(|i| i % 2 == parity).map(|i| (i, (i + 1) % 40)).collect::<Vec<_>>())
    };
    assert!(proved(stable(vec![pairs(0), pairs(1)], &averaging())));
    assert!(proved(stable(vec![pairs(0), pairs(1)], &diffusion(true))));
    for size in [4, 8, 12] {
        let dense = proved(stable(tables(&one_peer_exp2(size)), &diffusion(true)));
        assert_eq!(dense, proved(stable(one_peer_exp2(size), &diffusion(true))), "{size}");
    }
}

#[test]
fn quasi_global_momentum_on_the_directed_ring() {
    let verdict = stable(vec![ring_directed(8)], &quasi_global(1, 1, 2));
    assert!(matches!(&verdict, Verdict::Refuted { evidence } if evidence.contains("1.05657")), "{verdict:?}");
    assert!(proved(stable(vec![ring(8)], &quasi_global(1, 1, 2))));
}

#[test]
fn what_feeds_nothing_back_is_averaged() {
    let rotation = matrix(6, &(0..6).map(|i| ((i + 1) % 6, i, Rational::one())).collect::<Vec<_>>());
    for algorithm in [averaging(), gradient_tracking()] {
        assert!(proved(stable(vec![ring(8)], &algorithm)));
        assert!(proved(stable(one_peer_exp2(12), &algorithm)));
        assert!(proved(stable(tables(&one_peer_exp2(12)), &algorithm)));
        assert!(!proved(stable(vec![rotation.clone()], &algorithm)));
        assert!(!proved(stable(vec![MixingMatrix::identity(5)], &algorithm)));
    }
    assert!(proved(stable(vec![MixingMatrix::identity(1)], &diffusion(false))));
}

#[test]
fn weights_too_large_are_found() {
    // I − aL on the ring of 8 explodes at a = 3/5 and contracts at 2/5.
    let constant = |a: Rational| {
        let edges = (0..8u32).flat_map(|i| [(i, (i + 1) % 8, a.clone()), ((i + 1) % 8, i, a.clone())]);
        matrix(8, &edges.collect::<Vec<_>>())
    };
    assert!(!proved(stable(vec![constant(Rational::new(3, 5))], &averaging())));
    assert!(!proved(stable(vec![constant(Rational::new(1, 2))], &averaging())));
    assert!(proved(stable(vec![constant(Rational::new(2, 5))], &averaging())));
}

#[test]
fn long_rings_are_close_to_the_margin() {
    for size in [999, 20_000, 100_001] {
        assert!(proved(stable(vec![ring(size)], &diffusion(true))), "{size}");
    }
    assert!(proved(stable(vec![path(120)], &diffusion(true))));
}

#[test]
fn local_steps_and_first_steps() {
    // Mix at every third step only.
    let every_third = |length: i64| {
        let mut b = Builder::new();
        let x = b.state();
        let (step, one, three, zero) = (b.step(), b.number(1, 1), b.number(length, 1), b.number(0, 1));
        let next = b.add(step, one);
        let rest = b.apply(Operation::Mod, &[next, three]);
        let condition = b.apply(Operation::Equal, &[rest, zero]);
        let mixed = b.mix(x);
        b.conditional(vec![condition], vec![vec![x], vec![mixed]])
    };
    assert!(proved(stable(one_peer_exp2(16), &every_third(3))));
    assert!(proved(stable(one_peer_exp2(16), &every_third(4))));
    // A first step that is different does not matter.
    let mut b = Builder::new();
    let x = b.state();
    let (step, zero) = (b.step(), b.number(0, 1));
    let first = b.apply(Operation::Equal, &[step, zero]);
    let (mixed, doubled) = (b.mix(x), b.times(x, 2, 1));
    let algorithm = b.conditional(vec![first], vec![vec![mixed], vec![doubled]]);
    assert!(proved(stable(vec![ring(8)], &algorithm)));
}

#[test]
fn what_is_not_linear_is_not_decided() {
    let open = |algorithm: &Algorithm, word: &str| {
        let verdict = stable(vec![ring(8)], algorithm);
        assert!(matches!(&verdict, Verdict::NotDecided { reason } if reason.contains(word)), "{verdict:?}");
    };
    let mut b = Builder::new();
    let x = b.state();
    let (mixed, zero) = (b.mix(x), b.number(0, 1));
    let clipped = b.apply(Operation::Maximum, &[mixed, zero]);
    open(&b.algorithm(&[clipped]), "max");
    let mut b = Builder::new();
    let (x, w) = (b.state(), b.state());
    let ratio = b.apply(Operation::Divide, &[x, w]);
    let (ratio, w1) = (b.mix(ratio), b.mix(w));
    open(&b.algorithm(&[ratio, w1]), "division");
    let mut b = Builder::new();
    let x = b.state();
    let (step, one) = (b.step(), b.number(1, 1));
    let count = b.add(step, one);
    let shrunk = b.apply(Operation::Divide, &[x, count]);
    let mixed = b.mix(shrunk);
    open(&b.algorithm(&[mixed]), "repeat");
    // The trainer's optimizer is a constant step, unless its direction depends on its own result.
    let mut b = Builder::new();
    let (x, y) = (b.state(), b.state());
    let adapted = b.push(ValueKind::Adapt(x, Some(y)));
    let (x1, y1) = (b.mix(adapted), b.mix(x));
    open(&b.algorithm(&[x1, y1]), "optimizer");
    let mut b = Builder::new();
    let (x, y) = (b.state(), b.state());
    let adapted = b.push(ValueKind::Adapt(x, Some(y)));
    let (x1, y1) = (b.mix(adapted), b.mix(y));
    assert!(proved(stable(vec![ring(8)], &b.algorithm(&[x1, y1]))));
}

/// The radius of x' = V (2 x − y), y' = x on disagreement, where V is W or (1 + W)/2: norms of powers, which defects of
/// eigenvalues do not disturb.
fn radius_of_diffusion(phases: &[MixingMatrix], is_lazy: bool) -> f64 {
    let n = phases[0].size() as usize;
    let entry = |phase: &MixingMatrix, i: usize, j: usize| {
        let row = phase.row(Rank(i as u32));
        let given =
            row.in_weights.iter().find(|(from, _)| from.index() == j).map(|(_, weight)| weight.to_f64());
        let one = f64::from(u8::from(i == j));
        let weight = given.unwrap_or_else(|| one * row.self_weight.to_f64());
        if is_lazy { 0.5 * (one + weight) } else { weight }
    };
    let m = n - 1;
    let step = |phase: &MixingMatrix| {
        let quotient = |i: usize, j: usize| entry(phase, i, j) - entry(phase, m, j);
        Mat::from_fn(2 * m, 2 * m, |i, j| match (i < m, j < m) {
            (true, true) => 2.0 * quotient(i, j),
            (true, false) => -quotient(i, j - m),
            (false, _) => f64::from(u8::from(i - m == j)),
        })
    };
    let mut power = phases[1..].iter().fold(step(&phases[0]), |product, phase| {
        bfc_algebra::multiply(step(phase).as_ref(), product.as_ref())
    });
    // ‖A^(2^k)‖^(1/2^k).
    let mut logarithm = 0.0;
    for k in 0..14 {
        let norm = power.norm_l2();
        if norm == 0.0 {
            return 0.0;
        }
        logarithm += norm.ln() / f64::from(1 << k);
        let scaled = Mat::from_fn(2 * m, 2 * m, |i, j| power[(i, j)] / norm);
        power = bfc_algebra::multiply(scaled.as_ref(), scaled.as_ref());
    }
    logarithm.exp()
}

/// How many verdicts on diffusion are proved, refuted and open; none may be against its radius, nor open away from 1.
fn tally_of_diffusion(topologies: impl IntoIterator<Item = Vec<MixingMatrix>>) -> [usize; 3] {
    let mut tally = [0; 3];
    for phases in topologies {
        for is_lazy in [true, false] {
            let radius = radius_of_diffusion(&phases, is_lazy);
            let verdict = stable(phases.clone(), &diffusion(is_lazy));
            let what = || format!("{radius}: {verdict:?}, {phases:?}");
            match verdict {
                Verdict::Proved { .. } => assert!(radius < 1.0 + 1e-3, "{}", what()),
                Verdict::Refuted { .. } => assert!(radius > 1.0 - 1e-3, "{}", what()),
                _ => assert!((radius - 1.0).abs() < 1e-3, "{}", what()),
            }
            tally[match verdict {
                Verdict::Proved { .. } => 0,
                Verdict::Refuted { .. } => 1,
                _ => 2,
            }] += 1;
        }
    }
    tally
}

/// i → −d i − a, a from 1 to d.
fn kautz(degree: u32, size: u32) -> MixingMatrix {
    let edges = (0..size)
        .flat_map(|i| (1..=degree).map(move |a| (i, (degree * size * size - degree * i - a) % size)));
    let mut rows = vec![BTreeMap::<u32, Rational>::new(); size as usize];
    for (from, to) in edges {
        let entry = rows[to as usize].entry(from).or_insert_with(Rational::zero);
        *entry = entry.clone() + Rational::new(1, degree);
    }
    explicit(rows)
}

#[test]
fn characters_that_edges_permute_are_judged_one_by_one() {
    let small =
        (5..30).flat_map(|size| (2..6).flat_map(move |d| [vec![kautz(d, size)], vec![de_bruijn(d, size)]]));
    let [proved_ones, refuted, open] = tally_of_diffusion(small);
    assert!(proved_ones > 100 && refuted > 20 && open < 50, "{proved_ones} {refuted} {open}");
    // Too large for dense algebra.
    for size in [200, 321, 1000, 4096] {
        assert!(proved(stable(vec![kautz(3, size)], &diffusion(true))), "{size}");
    }
}

#[test]
fn ranks_that_are_alike_some_apart_leave_small_matrices() {
    // Odd ranks exchange with those some ahead, with the weights of a lazy matching.
    let matching = |size: u32, ahead: u32, weight: (i64, i64)| {
        let weight = Rational::new(weight.0, weight.1);
        let pairs = (0..size).filter(|i| i % 2 == 1).map(move |i| (i, (i + ahead) % size));
        matrix(
            size,
            &pairs.flat_map(|(i, j)| [(i, j, weight.clone()), (j, i, weight.clone())]).collect::<Vec<_>>(),
        )
    };
    let weights = [(1, 2), (1, 3), (2, 3)];
    let schedules = (4..16).map(|half| 2 * half).flat_map(|size| {
        weights
            .into_iter()
            .map(move |weight| (0..3).map(|k| matching(size, (1 << (k + 1)) - 1, weight)).collect::<Vec<_>>())
    });
    let [proved_ones, refuted, open] = tally_of_diffusion(schedules);
    assert!(proved_ones > 10 && refuted > 10 && open < 10, "{proved_ones} {refuted} {open}");
}
