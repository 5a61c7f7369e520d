//! The search for a wrong verdict on `stable`: random algorithms through the whole compiler, and the truth by running them.
//! `BFC_SEARCH=100000` searches longer.

use super::compiled;
use super::instance::Instance;
use super::truth::Truth;
use bfc_compiler::certificate::recheck;
use bfc_schedule::Schedule;

/// Instances unless the environment asks for more.
const INSTANCES: u64 = 3000;

/// How many instances have their file checked as well.
const CHECKED: u64 = 10;

#[derive(Debug, Default)]
struct Tally {
    proved: u64,
    refuted: u64,
    open: u64,
    /// Stable, and open all the same.
    missed: u64,
}

#[test]
fn no_verdict_on_stable_is_wrong() {
    let tally = search(INSTANCES, Instance::new);
    // The search would be worth little if one verdict were rare, or most were open.
    let all = tally.proved + tally.refuted + tally.open;
    assert!(
        tally.proved * 6 > all && tally.refuted * 6 > all && tally.missed * 20 < tally.proved,
        "{tally:?}"
    );
}

#[test]
fn no_verdict_by_structure_is_wrong() {
    let tally = search(INSTANCES / 2, Instance::structured);
    let all = tally.proved + tally.refuted + tally.open;
    assert!(tally.proved * 20 > all && tally.refuted * 6 > all && tally.missed * 20 < all, "{tally:?}");
}

fn search(instances: u64, instance: fn(u64) -> Instance) -> Tally {
    let asked: Option<u64> = std::env::var("BFC_SEARCH").ok().and_then(|count| count.parse().ok());
    let first = asked.unwrap_or(1) << 24;
    let mut tally = Tally::default();
    for seed in first..first + asked.unwrap_or(instances) {
        let instance = instance(seed);
        let text = instance.text();
        let compiled =
            compiled(&text, instance.size as u32, &["requirement_refuted", "requirement_not_decided"])
                .unwrap_or_else(|codes| panic!("seed {seed}: {codes:?}\n{text}"));
        let check = compiled.report.checks.iter().find(|check| check.claim.text == "stable").unwrap();
        let truth = Truth::new(&instance);
        let what =
            || format!("seed {seed}, {} by {}:\n{text}", check.verdict.word(), check.verdict.evidence());
        match check.verdict.word().as_str() {
            "proved" => {
                assert!(truth.shrinks(), "wrongly proved: {}", what());
                tally.proved += 1;
            }
            "refuted" => {
                assert!(!truth.always_shrinks(), "wrongly refuted: {}", what());
                tally.refuted += 1;
            }
            _ => {
                tally.open += 1;
                tally.missed += u64::from(truth.shrinks());
            }
        }
        if seed % CHECKED == 0 {
            let schedule = Schedule::decode(&compiled.schedule.encode()).unwrap();
            assert!(recheck(&schedule).unwrap().iter().all(|recheck| recheck.confirmed), "{}", what());
        }
    }
    println!("{tally:?}");
    tally
}
