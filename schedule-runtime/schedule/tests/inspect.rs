//! What `inspect` shows is enough to rebuild the matrices and to check the rounds.

use crate::common::*;
use bfc_schedule::inspect::{Inspection, inspect};
use bfc_schedule::{Rank, Schedule, text};
use proptest::prelude::*;
use serde_json::{Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_is_there(draft in drafts()) {
        let schedule = Schedule::new(draft).unwrap();
        let shown = inspect(&schedule, None);
        let text = serde_json::to_string(&Inspection { schedule: &schedule, rank: None }).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &shown);
        for (number, phase) in schedule.topologies()[0].phases.iter().enumerate() {
            let shown = &shown["topologies"][0]["phases"][number];
            prop_assert_eq!(shown["rounds"].as_array().unwrap().len(), phase.plan.rounds() as usize);
            for rank in (0..schedule.size()).map(Rank) {
                let (row, entry) = (phase.matrix.row(rank), &shown["ranks"][rank.index()]);
                prop_assert_eq!(&entry["rank"], rank.0);
                prop_assert_eq!(&entry["self_weight"], row.self_weight.to_f64());
                prop_assert_eq!(entry["in_weights"].as_object().unwrap().len(), row.in_weights.len());
                for (source, weight) in &row.in_weights {
                    prop_assert_eq!(&entry["in_weights"][source.to_string()], weight.to_f64());
                    prop_assert_eq!(&entry["exact"]["in_weights"][source.to_string()], &weight.to_string());
                }
                for (number, round) in shown["rounds"].as_array().unwrap().iter().enumerate() {
                    let action = phase.plan.rank(rank).actions.into_iter().find(|each| each.round == number as u32);
                    let send_to = action.as_ref().and_then(|each| each.send_to).map(|peer| peer.0);
                    let recv_from = action.and_then(|each| each.receive).map(|(peer, _)| peer.0);
                    let expected = json!({ "rank": rank.0, "send_to": send_to, "recv_from": recv_from });
                    prop_assert_eq!(&round["ranks"][rank.index()], &expected);
                }
            }
        }
    }
}

#[test]
fn one_rank_has_one_entry() {
    let size = 1 << 20;
    let schedule = Schedule::new(draft(size, vec![ring(size)], gossip())).unwrap();
    let shown = &inspect(&schedule, Some(Rank(0)))["topologies"][0]["phases"][0];
    let row = json!({
        "rank": 0,
        "self_weight": 0.5,
        "in_weights": { "1048575": 0.5 },
        "exact": { "self_weight": "1/2", "in_weights": { "1048575": "1/2" } },
    });
    assert_eq!(shown["ranks"], json!([row]));
    assert_eq!(shown["rounds"], json!([{ "ranks": [{ "rank": 0, "send_to": 1, "recv_from": 1048575 }] }]));
    assert_eq!(inspect(&schedule, None)["topologies"][0]["phases"][0]["ranks"], json!([]));
}

#[test]
fn programs_have_a_text() {
    let expected = "\
algorithm rich
input lr = -1/10
state x: vector
state w: scalar
condition 0: (t mod 2) == 0
initial:
    x = parameters
    w = 1
step if not 0:
    %3 = average(x)
    swap x, %3
    x = adapt(x)
    %2 = adapt(x, %3)
step if 0:
    %2 = gradient(x)
    %2 = x - (lr * %2)
    x, w = mix over W (%2, w)
model:
    %3 = x / sqrt(w)
    return %3
";
    assert_eq!(text::program(&rich(), &["W"]), expected);
}

#[test]
fn what_concerns_neighbours_as_text() {
    let text = text::program(&neighbours(), &["W"]);
    for line in [
        "state m: vector per edge",
        "    %5, %6 = back over W (m, k)",
        "    %3 = sum over edges of %5",
        "    m = (x + %3) - %5",
        "    %4 = degree in W",
        "    %3 = prox(x, %4)",
        "    %4 = dot(x, %3)",
        "    %3, %4 = own part of mix over W (%3, %4)",
        "    %3 = incoming over W (%3)",
        "    %9 = quantize(4, 1099511627776) of x",
        "    %3 = others' part of mix over W (%8)",
        "    %3 = decode %14",
        "    %16 = x along %15",
        "    %18 = difference of %16 and %17",
        "    %3 = x corrected along %15 by %18",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\nnot in\n{text}");
    }
}
