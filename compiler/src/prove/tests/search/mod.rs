//! The search for a wrong verdict: random instances of all kinds, claims about them, and the truth by other means.
//! `BFC_SEARCH=20000` searches longer.

mod instances;
mod truth;

use super::*;
use crate::analysis::Analysis;
use crate::model::claim::{Claim, Comparison, Number, Property, Quantity, Statement};
use crate::prove::{Prover, Verdict};
use instances::{Draws, instance};
use num_rational::BigRational;
use truth::{Truth, dense, fraction, times};

/// Instances unless the environment asks for more.
const INSTANCES: u64 = 200;

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
            let claim = Statement::Compare(
                Quantity::Of(Number::PeriodContraction, 0),
                Comparison::LessEqual,
                Quantity::Exact(bound.clone()),
            );
            let verdict =
                prover.decide(&Claim { statement: claim, text: String::new(), span: Default::default() });
            let holds = Truth::norm_at_most(&truth.gram, &bound.to_big());
            tally.judge(&verdict, holds, &|| format!("period_contraction <= {bound}: {}", what()));
        }
    }
}

fn search(instances: u64, seed: u64) -> Tally {
    let mut tally = Tally::default();
    for index in 0..instances {
        let draws = Draws::new(seed + index);
        let phases = instance(&draws);
        let truth = Truth::new(&phases);
        let what = || format!("instance {index} of seed {seed}: {phases:?}");
        let as_tables = tables(&phases);
        for phases in [&phases, &as_tables] {
            let topologies = [topology(phases.clone())];
            let prover = Prover::new(&topologies, None);
            let analysis = Analysis::new(&prover.facts()[0], crate::analysis::NOISE_MEMORY);
            for (property, holds) in properties(&truth) {
                let claim = Statement::Property(property, vec![0]);
                let verdict =
                    prover.decide(&Claim { statement: claim, text: String::new(), span: Default::default() });
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
    let of = |phases: &[MixingMatrix]| Truth::new(phases);
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
