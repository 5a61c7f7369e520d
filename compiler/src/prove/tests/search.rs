//! The search for a wrong verdict: random instances of all kinds, claims about them, and the truth by rational arithmetic
//! that shares nothing with the proofs. `BFC_SEARCH=20000` searches longer.

use super::*;
use crate::claim::{Claim, Comparison, Number, Property, Quantity, Stated};
use crate::prove::{Analysis, Prover, Verdict};
use bfc_schedule::random;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::cell::Cell;

/// Instances unless the environment asks for more.
const INSTANCES: u64 = 200;

/// Numbers from a position of the fixed stream on.
struct Draws(Cell<u64>);

impl Draws {
    fn below(&self, n: u64) -> u64 {
        let position = self.0.get();
        self.0.set(position + 1);
        random::output(0, position) % n
    }

    fn rank(&self, size: u32) -> u32 {
        self.below(size.into()) as u32
    }

    fn permutation(&self, size: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..size).collect();
        (1..order.len()).rev().for_each(|i| order.swap(i, self.below(i as u64 + 1) as usize));
        order
    }
}

/// A dense matrix of rationals.
type Dense = Vec<Vec<BigRational>>;

fn dense(matrix: &MixingMatrix) -> Dense {
    let n = matrix.size() as usize;
    let mut rows = vec![vec![BigRational::zero(); n]; n];
    for (i, row) in rows.iter_mut().enumerate() {
        let source = matrix.row(Rank(i as u32));
        row[i] = source.self_weight.as_big().clone();
        source.in_weights.iter().for_each(|(j, weight)| row[j.index()] = weight.as_big().clone());
    }
    rows
}

fn times(a: &Dense, b: &Dense) -> Dense {
    let n = a.len();
    let entry = |i: usize, j: usize| {
        let mut sum = BigRational::zero();
        (0..n).filter(|k| !a[i][*k].is_zero()).for_each(|k| sum += &a[i][k] * &b[k][j]);
        sum
    };
    (0..n).map(|i| (0..b[0].len()).map(|j| entry(i, j)).collect()).collect()
}

fn transposed(a: &Dense) -> Dense {
    (0..a.len()).map(|i| (0..a.len()).map(|j| a[j][i].clone()).collect()).collect()
}

fn fraction(p: i64, q: i64) -> BigRational {
    BigRational::new(p.into(), q.into())
}

/// Whether all roots of det(z − A) lie inside the unit circle: Faddeev–LeVerrier, then Schur–Cohn, in rationals.
fn is_inside(a: &Dense) -> bool {
    let n = a.len();
    let mut p = vec![BigRational::zero(); n + 1];
    p[n] = BigRational::one();
    let mut m = vec![vec![BigRational::zero(); n]; n];
    for k in 1..=n {
        m = times(a, &m);
        (0..n).for_each(|i| m[i][i] += p[n - k + 1].clone());
        let am = times(a, &m);
        let trace: BigRational = (0..n).map(|i| am[i][i].clone()).sum();
        p[n - k] = -trace / fraction(k as i64, 1);
    }
    while p.len() > 1 {
        let (first, last) = (p[0].clone(), p[p.len() - 1].clone());
        if first.abs() >= last.abs() {
            return false;
        }
        let ratio = first / last;
        p = (1..p.len()).map(|i| &p[i] - &ratio * &p[p.len() - 1 - i]).collect();
    }
    true
}

/// Whether a symmetric matrix is positive semidefinite, by elimination in rationals.
fn is_semidefinite(a: &Dense) -> bool {
    let mut a = a.clone();
    for k in 0..a.len() {
        if a[k][k].is_negative() || a[k][k].is_zero() && (k..a.len()).any(|j| !a[k][j].is_zero()) {
            return false;
        }
        if a[k][k].is_zero() {
            continue;
        }
        for i in k + 1..a.len() {
            let factor = &a[i][k] / &a[k][k];
            let row = a[k].clone();
            (k..row.len()).for_each(|j| a[i][j] -= &factor * &row[j]);
        }
    }
    true
}

/// What is true of phases.
struct Truth {
    phases: Vec<Dense>,
    product: Dense,
    /// (P − J)ᵀ(P − J).
    gram: Dense,
}

impl Truth {
    fn of(phases: &[MixingMatrix]) -> Self {
        let phases: Vec<Dense> = phases.iter().map(dense).collect();
        let product = phases[1..].iter().fold(phases[0].clone(), |product, phase| times(phase, &product));
        let gram = Self::gram(&product);
        Self { phases, product, gram }
    }

    fn size(&self) -> usize {
        self.product.len()
    }

    fn rows_sum_to_one(matrix: &Dense) -> bool {
        matrix.iter().all(|row| row.iter().sum::<BigRational>().is_one())
    }

    fn row(&self) -> bool {
        self.phases.iter().all(Self::rows_sum_to_one)
    }

    fn column(&self) -> bool {
        self.phases.iter().all(|phase| Self::rows_sum_to_one(&transposed(phase)))
    }

    fn nonnegative(&self) -> bool {
        self.phases.iter().flatten().flatten().all(|weight| !weight.is_negative())
    }

    fn symmetric(&self) -> bool {
        self.phases.iter().all(|phase| *phase == transposed(phase))
    }

    /// Which ranks hear from which after any number of steps, self included.
    fn connected(&self) -> bool {
        let n = self.size();
        let mut reach = vec![vec![false; n]; n];
        for phase in &self.phases {
            (0..n).for_each(|i| (0..n).for_each(|j| reach[i][j] |= i == j || !phase[i][j].is_zero()));
        }
        for k in 0..n {
            for i in 0..n {
                (0..n).for_each(|j| reach[i][j] |= reach[i][k] && reach[k][j]);
            }
        }
        reach.iter().flatten().all(|reached| *reached)
    }

    /// Some power of the support of the product is full; by Wielandt, the power (n − 1)² + 1.
    fn primitive(&self) -> bool {
        let n = self.size();
        let support: Vec<Vec<bool>> =
            self.product.iter().map(|row| row.iter().map(|weight| !weight.is_zero()).collect()).collect();
        let mut power = support.clone();
        for _ in 0..(n - 1) * (n - 1) {
            let entry = |i: usize, j: usize| (0..n).any(|k| power[i][k] && support[k][j]);
            power = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
        }
        power.iter().flatten().all(|full| *full)
    }

    /// The product on differences to the last rank, where rows sum to 1, else its transpose where columns do.
    fn on_differences(&self) -> Option<Dense> {
        let product = match (self.row(), self.column()) {
            (true, _) => self.product.clone(),
            (_, true) => transposed(&self.product),
            _ => return None,
        };
        let n = product.len() - 1;
        Some((0..n).map(|i| (0..n).map(|j| &product[i][j] - &product[n][j]).collect()).collect())
    }

    fn contracting(&self) -> Option<bool> {
        self.on_differences().map(|matrix| is_inside(&matrix))
    }

    fn is_average(product: &Dense) -> bool {
        let mean = fraction(1, product.len() as i64);
        product.iter().flatten().all(|weight| *weight == mean)
    }

    /// The first step after which all is averaged.
    fn exact_after(&self, most: u64) -> Option<u64> {
        let mut product = self.phases[0].clone();
        for step in 1..=most {
            if Self::is_average(&product) {
                return Some(step);
            }
            product = times(&self.phases[(step % self.phases.len() as u64) as usize], &product);
        }
        None
    }

    fn gram(matrix: &Dense) -> Dense {
        let mean = fraction(1, matrix.len() as i64);
        let off: Dense = matrix.iter().map(|row| row.iter().map(|weight| weight - &mean).collect()).collect();
        times(&transposed(&off), &off)
    }

    /// Whether ‖A − J‖₂ ≤ bound, by the sign of bound² − (A − J)ᵀ(A − J).
    fn norm_at_most(gram: &Dense, bound: &BigRational) -> bool {
        let negated = |row: &Vec<BigRational>| row.iter().map(|x| -x.clone()).collect();
        let mut left: Dense = gram.iter().map(negated).collect();
        left.iter_mut().enumerate().for_each(|(i, row)| row[i] += bound * bound);
        !bound.is_negative() && is_semidefinite(&left)
    }
}

/// Kinds of phases, by number.
const KINDS: u64 = 11;

fn phase(draws: &Draws, kind: u64, size: u32) -> MixingMatrix {
    let third = Rational::new(1, 3);
    match kind {
        0 => {
            // Any edges, rows that sum to 1.
            let edges = (0..draws.below(3 * u64::from(size))).map(|_| (draws.rank(size), draws.rank(size)));
            matrix(
                size,
                &edges.map(|(i, j)| (i, j, Rational::new(1, 2 + draws.below(9)))).collect::<Vec<_>>(),
            )
        }
        1 => {
            // A mean of permutations.
            let count = 1 + draws.below(3);
            let mut rows = vec![BTreeMap::new(); size as usize];
            for _ in 0..count {
                for (i, j) in (0..).zip(draws.permutation(size)) {
                    let entry: &mut Rational = rows[i as usize].entry(j).or_insert_with(Rational::zero);
                    *entry = entry.clone() + Rational::new(1, count);
                }
            }
            explicit_of(rows)
        }
        2 => cayley(&[size], (0..1 + draws.below(3)).map(|_| draws.rank(size)).collect::<Vec<_>>()),
        3 => {
            let pairs: std::collections::BTreeSet<_> = (0..draws.below(2 * u64::from(size)))
                .map(|_| (draws.rank(size), draws.rank(size)))
                .filter(|(i, j)| i != j)
                .map(|(i, j)| (i.min(j), i.max(j)))
                .collect();
            metropolis(size, &pairs.into_iter().collect::<Vec<_>>())
        }
        4 => de_bruijn(2 + draws.rank(2), size),
        5 => {
            // Nearly disconnected.
            let thin = Rational::new(1, 10u64.pow(6 + draws.below(12) as u32));
            let edges = (1..size).flat_map(|i| {
                let weight = if i == size / 2 { thin.clone() } else { third.clone() };
                [(i - 1, i, weight.clone()), (i, i - 1, weight)]
            });
            matrix(size, &edges.collect::<Vec<_>>())
        }
        6 => {
            // Signed, at and beside the margin of stability: a ring of weight a has 1 − 2a (1 − cos φ).
            let a = [(1, 2), (2, 5), (3, 5), (1, 2), (11, 20), (5, 11)][draws.below(6) as usize];
            let off = Rational::new(draws.below(3), 1_000_000_000_000_000u64);
            let weight = Rational::new(a.0, a.1) + off;
            let edges = (0..size)
                .flat_map(|i| [(i, (i + 1) % size, weight.clone()), ((i + 1) % size, i, weight.clone())]);
            matrix(size, &edges.collect::<Vec<_>>())
        }
        7 => {
            // Clustered: all alike but for one edge.
            let mut all = edges(&complete(size));
            let at = draws.below(all.len() as u64) as usize;
            let (i, j) = (all[at].0, all[at].1);
            let off = Rational::new(1, 10u64.pow(3 + draws.below(14) as u32));
            all.iter_mut()
                .filter(|(a, b, _)| (*a, *b) == (i, j) || (*a, *b) == (j, i))
                .for_each(|(_, _, w)| *w = w.clone() - off.clone());
            matrix(size, &all)
        }
        8 => {
            // Defective: a chain that ends at the first rank.
            let keep = Rational::new(draws.below(3), 3u64);
            let taken = Rational::one() - keep;
            let after = |i: u32| if draws.below(3) == 0 { draws.rank(i) } else { i - 1 };
            matrix(size, &(1..size).map(|i| (i, after(i), taken.clone())).collect::<Vec<_>>())
        }
        9 => {
            // One weight of a doubly stochastic matrix is off.
            let mut all = edges(&metropolis(size, &(1..size).map(|i| (i - 1, i)).collect::<Vec<_>>()));
            let at = draws.below(all.len() as u64) as usize;
            all[at].2 = all[at].2.clone() + Rational::new(1, 1_000_000_000_000_000u64);
            matrix(size, &all)
        }
        _ => transposed_of(&phase(draws, [0, 4, 8][draws.below(3) as usize], size)),
    }
}

fn explicit_of(rows: Vec<BTreeMap<u32, Rational>>) -> MixingMatrix {
    explicit(
        rows.into_iter()
            .map(|row| row.into_iter().filter(|(_, weight)| !weight.is_zero()).collect())
            .collect(),
    )
}

fn transposed_of(matrix: &MixingMatrix) -> MixingMatrix {
    let mut rows = vec![BTreeMap::new(); matrix.size() as usize];
    for i in 0..matrix.size() {
        let row = matrix.row(Rank(i));
        rows[i as usize].insert(i, row.self_weight.clone());
        row.in_weights.into_iter().for_each(|(j, weight)| drop(rows[j.index()].insert(i, weight)));
    }
    explicit_of(rows)
}

/// Phases of one kind or several, sometimes a period that averages exactly.
fn instance(draws: &Draws) -> Vec<MixingMatrix> {
    let size = 2 + draws.rank(6);
    match draws.below(8) {
        0 => one_peer_exp2(size),
        1 => tables(&one_peer_exp2(size)),
        _ => {
            let kind = draws.below(KINDS);
            let mixed = draws.below(4) == 0;
            let kind = || if mixed { draws.below(KINDS) } else { kind };
            (0..1 + draws.below(3)).map(|_| phase(draws, kind(), size)).collect()
        }
    }
}

/// Verdicts by kind.
#[derive(Debug, Default)]
struct Tally {
    instances: u64,
    proved: u64,
    refuted: u64,
    within: u64,
    open: u64,
    bounds: u64,
    rounds: u64,
}

impl Tally {
    fn judge(&mut self, verdict: &Verdict, truth: bool, what: &dyn Fn() -> String) {
        match verdict {
            Verdict::Proved { .. } => assert!(truth, "wrongly proved: {}", what()),
            Verdict::Refuted { .. } => assert!(!truth, "wrongly refuted: {}: {verdict:?}", what()),
            _ => {}
        }
        match verdict {
            Verdict::Proved { .. } => self.proved += 1,
            Verdict::Refuted { .. } => self.refuted += 1,
            Verdict::Within { .. } => self.within += 1,
            Verdict::NotDecided { .. } => self.open += 1,
        }
    }
}

/// Properties whose truth is known, of one topology.
fn properties(truth: &Truth) -> Vec<(Property, bool)> {
    let mut all = vec![
        (Property::RowStochastic, truth.row()),
        (Property::ColumnStochastic, truth.column()),
        (Property::DoublyStochastic, truth.row() && truth.column()),
        (Property::Nonnegative, truth.nonnegative()),
        (Property::Symmetric, truth.symmetric()),
        (Property::Connected, truth.connected()),
        (Property::ExactAverage, Truth::is_average(&truth.product)),
    ];
    if truth.nonnegative() {
        all.push((Property::Primitive, truth.primitive()));
    }
    all.extend(truth.contracting().map(|contracting| (Property::Contracting, contracting)));
    all
}

/// Bounds of norms and counts of steps.
fn check_numbers(analysis: &Analysis, truth: &Truth, tally: &mut Tally, what: &dyn Fn() -> String) {
    let exact = |value: f64| BigRational::from_float(value).expect("finite");
    let at_most = |value: f64| Truth::norm_at_most(&truth.gram, &exact(value));
    if let Some([low, high]) = analysis.bounds.get("period_contraction") {
        assert!(at_most(*high), "the norm is larger than {high}: {}", what());
        assert!(*low <= 0.0 || !at_most(low.next_down()), "the norm is smaller than {low}: {}", what());
        tally.bounds += 1;
    }
    if analysis.methods["period_contraction"] == "exact" {
        let value = analysis.period_contraction.expect("exact");
        assert!(at_most(value) && (value == 0.0 || !at_most(value.next_down())), "{value}: {}", what());
    }
    if let (Some(after), true) = (analysis.exact_after, truth.row()) {
        assert_eq!(truth.exact_after(after), Some(after), "{}", what());
    }
    for (steps, method, epsilon) in [
        (analysis.rounds_to_1e_3, analysis.methods["rounds_to_1e-3"], fraction(1, 1000)),
        (analysis.rounds_to_1e_6, analysis.methods["rounds_to_1e-6"], fraction(1, 1_000_000)),
    ] {
        if let (Some(steps), true) = (steps.filter(|steps| *steps < 9), method != "estimate") {
            let after = |count: u64| {
                let phase = |step: usize| &truth.phases[step % truth.phases.len()];
                Truth::gram(&(1..count as usize).fold(phase(0).clone(), |m, step| times(phase(step), &m)))
            };
            assert!(Truth::norm_at_most(&after(steps), &epsilon), "after {steps} steps: {}", what());
            assert!(
                steps < 2 || !Truth::norm_at_most(&after(steps - 1), &epsilon),
                "before {steps}: {}",
                what()
            );
            tally.rounds += 1;
        }
    }
}

/// Claims that the norm of the product is at most what it is, or is a little more or less.
fn check_claims(
    prover: &Prover,
    value: Option<f64>,
    truth: &Truth,
    tally: &mut Tally,
    what: &dyn Fn() -> String,
) {
    if let Some(value) = value {
        for off in [0.0, 1e-15, -1e-15, 1e-9, -1e-3] {
            let Some(bound) = Rational::from_f64(value + off) else { continue };
            let claim = Claim::Compare(
                Quantity::Of(Number::PeriodContraction, 0),
                Comparison::LessEqual,
                Quantity::Exact(bound.clone()),
            );
            let verdict = prover.decide(&Stated { claim, text: String::new(), span: Default::default() });
            let holds = Truth::norm_at_most(&truth.gram, bound.as_big());
            tally.judge(&verdict, holds, &|| format!("period_contraction <= {bound}: {}", what()));
        }
    }
}

fn search(instances: u64, seed: u64) -> Tally {
    let mut tally = Tally::default();
    for index in 0..instances {
        let draws = Draws(Cell::new((seed + index) << 20));
        let phases = instance(&draws);
        let truth = Truth::of(&phases);
        let what = || format!("instance {index} of seed {seed}: {phases:?}");
        let as_tables = tables(&phases);
        for phases in [&phases, &as_tables] {
            let topologies = [topology(phases.clone())];
            let prover = Prover::new(&topologies, None);
            let analysis = prover.analyze(0);
            for (property, holds) in properties(&truth) {
                let claim = Claim::Property(property, vec![0]);
                let verdict = prover.decide(&Stated { claim, text: String::new(), span: Default::default() });
                tally.judge(&verdict, holds, &|| format!("{property:?}: {}", what()));
            }
            check_numbers(&analysis, &truth, &mut tally, &what);
            if std::ptr::eq(phases, &as_tables) {
                check_claims(&prover, analysis.period_contraction, &truth, &mut tally, &what);
            }
        }
        tally.instances += 1;
    }
    tally
}

#[test]
fn no_verdict_is_wrong() {
    let asked = std::env::var("BFC_SEARCH").ok().and_then(|count| count.parse().ok());
    let tally = search(asked.unwrap_or(INSTANCES), asked.unwrap_or(1));
    println!("{tally:?}");
    // The search would be worth nothing if all were open.
    assert!(tally.open * 20 < tally.proved + tally.refuted, "{tally:?}");
    assert!(tally.bounds > tally.instances / 2 && tally.rounds > tally.instances / 8, "{tally:?}");
}

#[test]
fn the_truth_tells_what_is_known() {
    let of = |phases: &[MixingMatrix]| Truth::of(phases);
    assert!(
        of(&one_peer_exp2(8)).exact_after(10) == Some(3) && of(&[de_bruijn(2, 8)]).exact_after(10) == Some(3)
    );
    assert_eq!(of(&[ring(8)]).contracting(), Some(true));
    assert_eq!(of(&[cayley(&[8], [2, 6])]).contracting(), Some(false));
    assert!(!of(&[cayley(&[8], [2, 6])]).connected() && of(&[ring(8)]).primitive());
    let gram = Truth::gram(&dense(&ring(8)));
    let rho = |value: f64| Truth::norm_at_most(&gram, &BigRational::from_float(value).expect("finite"));
    assert!(rho(0.804_737_854_124_366) && !rho(0.804_737_854_124_364));
}
