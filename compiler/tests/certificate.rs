//! Certificates are confirmed by the schedule file alone, and forged ones are not.

use bfc_compiler::certificate::{Unreadable, recheck};
use bfc_compiler::{Compiled, Entry, NoFiles, Request, compile, library};
use bfc_schedule::Schedule;

fn compiled(text: String, size: u32) -> Option<Compiled> {
    let entry = Entry::Source { name: "certificate.bf".into(), text };
    compile(&Request::new(entry, size), &NoFiles).ok()
}

fn names(kind: &str) -> Vec<&'static str> {
    let mut names = library::names();
    names.retain(|name| name.starts_with(kind));
    names.into_iter().map(|name| &name[kind.len()..]).collect()
}

#[test]
fn what_was_proved_is_proved_again_from_the_file() {
    let (mut files, mut claims) = (0, 0);
    for algorithm in names("algorithm::") {
        for (topology, size) in [("ring", 6), ("star", 5), ("one_peer_exp2", 8), ("ring_directed", 5)] {
            let text = format!(
                "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}"
            );
            let Some(compiled) = compiled(text, size) else { continue };
            let schedule = Schedule::decode(&compiled.schedule.encode()).unwrap();
            let rechecks = recheck(&schedule).unwrap_or_else(|error| panic!("{algorithm}: {error:?}"));
            let entries = compiled.schedule.certificate()["checks"].as_array().map(Vec::len);
            assert_eq!(Some(rechecks.len()), entries);
            for recheck in &rechecks {
                assert!(recheck.confirmed, "{algorithm} over {topology}: {recheck:?}");
            }
            files += 1;
            claims += rechecks.len();
        }
    }
    assert!(files >= 40 && claims >= 3 * files, "{files} files, {claims} claims");
}

#[test]
fn a_forged_certificate_is_not_confirmed() {
    let hub = "topology hub {\n for i in 1..size { 0 -- i }\n weights uniform\n}".to_string();
    let schedule = compiled(hub, 6).unwrap().schedule;
    let property = |word: &str| serde_json::json!({ "property": word, "of": [0] });
    let rho = serde_json::json!({ "compare": [{ "number": "rho", "of": 0 }, "<", "1/10"] });
    let mut draft = schedule.into_draft();
    let entry = |statement| serde_json::json!({ "claim": "exact_average", "verdict": "proved", "statement": statement });
    draft.certificate = serde_json::json!({
        "checks": [entry(property("row_stochastic")), entry(property("doubly_stochastic")), entry(rho)]
    });
    let forged = Schedule::new(draft.clone()).unwrap();
    let rechecks = recheck(&forged).unwrap();
    let told: Vec<_> = rechecks.iter().map(|recheck| (recheck.claim.as_str(), recheck.confirmed)).collect();
    assert_eq!(
        told,
        [("row_stochastic(hub)", true), ("doubly_stochastic(hub)", false), ("rho(hub) < 1/10", false)]
    );

    draft.certificate["checks"][1]["statement"]["of"] = serde_json::json!([7]);
    assert_eq!(recheck(&Schedule::new(draft.clone()).unwrap()).unwrap_err(), Unreadable::Entry(1));
    draft.certificate["checks"][1]["statement"] = serde_json::json!({ "truth": true });
    assert_eq!(recheck(&Schedule::new(draft.clone()).unwrap()).unwrap_err(), Unreadable::Entry(1));
    // Each of these properties is one of two topologies or of none.
    for word in ["common_root", "stable"] {
        draft.certificate["checks"][1]["statement"] = property(word);
        assert_eq!(recheck(&Schedule::new(draft.clone()).unwrap()).unwrap_err(), Unreadable::Entry(1));
    }
    draft.certificate["checks"][1] = entry(property("doubly_stochastic"));
    draft.certificate["checks"][1]["verdict"] = serde_json::json!("proved, trust me");
    assert_eq!(recheck(&Schedule::new(draft.clone()).unwrap()).unwrap_err(), Unreadable::Entry(1));
    draft.certificate = serde_json::Value::Null;
    assert_eq!(recheck(&Schedule::new(draft).unwrap()).unwrap_err(), Unreadable::Missing);
}
