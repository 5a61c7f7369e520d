//! What a condition of the step says is the same for the run and for the prediction: any other step sends something else.

use crate::run::{compiled, source};
use bfc_predict::Cost;
use bfc_runtime::local::spmd;
use bfc_runtime::{Flat, RuntimeError, Transport};
use bfc_schedule::Schedule;
use proptest::prelude::*;

const RANKS: u32 = 2;

/// A number, as a text: of the step, of constants that are exact in binary and of others.
fn number() -> impl Strategy<Value = String> {
    let divisor = || prop::sample::select(vec!["3", "(-3)", "2.5", "0.1", "7", "(-0.7)"]);
    let leaf = prop_oneof![
        4 => Just("t".to_string()),
        1 => prop::sample::select(vec!["1", "0.3", "5", "(-2)", "100"]).prop_map(String::from),
        1 => Just("random(7, t)".to_string()),
    ];
    leaf.prop_recursive(4, 12, 2, move |inner| {
        let operator = prop::sample::select(vec!["mod", "mod", "div", "/", "*"]);
        prop_oneof![
            3 => (inner.clone(), operator, divisor()).prop_map(|(a, by, b)| format!("({a} {by} {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} + {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} - {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("min({a}, {b})")),
            1 => inner.clone().prop_map(|a| format!("{a}^2")),
            1 => inner.clone().prop_map(|a| format!("floor({a})")),
            1 => inner.clone().prop_map(|a| format!("sqrt(abs({a}))")),
            1 => inner.prop_map(|a| format!("log(1 + abs({a}))")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    let comparison = prop::sample::select(vec!["<", ">", "==", "!=", "<=", ">="]);
    (number(), comparison, number()).prop_map(|(a, comparison, b)| format!("{a} {comparison} {b}"))
}

/// The bytes that all ranks send in some steps, for models of one number.
fn sent(schedule: &Schedule, steps: u32) -> u64 {
    let by_rank = spmd(RANKS, |transport| {
        let mut machine = Flat::<f64, _>::new(schedule.rank(transport.rank()), transport, &[1.0])?;
        for _ in 0..steps {
            machine.step(&mut |_| ())?;
        }
        Ok::<_, RuntimeError>(machine.bytes_sent())
    });
    by_rank.unwrap_or_else(|error| panic!("{error}")).iter().sum()
}

fn assert_agreement(condition: &str) {
    let own = format!(
        "algorithm tested {{\nstate x = params\nstep {{ x <- if {condition} {{ mix(x) }} else {{ x }} }}\n}}"
    );
    let text = source("ring", "tested", &own);
    let schedule = match compiled(&text, RANKS as usize, &[]) {
        Ok(compiled) => compiled.schedule,
        // What is constant is computed exactly, and `mod` takes integers there.
        Err(errors) if errors.codes().iter().all(|code| code == "bfc::evaluate::not_an_integer") => return,
        Err(errors) => panic!("{condition}: {:?}", errors.errors()),
    };
    let cost = Cost::new(&schedule);
    let predicted = cost.bytes(8.0).mean * f64::from(cost.steps) * f64::from(RANKS);
    let found = sent(&schedule, cost.steps) as f64;
    assert!(
        (predicted - found).abs() < 1.0,
        "{condition}: {found} bytes in {} steps, not {predicted}",
        cost.steps
    );
}

#[test]
fn divisions_by_negative_numbers_logarithms_and_powers() {
    for condition in [
        "t mod (-3) == 2",
        "(t + 1) mod (-4) > 0",
        "(-t) mod 3 == 1",
        "t div (-3) == (-2)",
        "log(1 + t) * 7 mod 1 < 0.3",
        "(t + 0.1)^1.5 mod 1 < 0.5",
        "(t / 10)^2 mod 1 == 0.25",
    ] {
        assert_agreement(condition);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_conditions(condition in condition()) {
        assert_agreement(&condition);
    }
}
