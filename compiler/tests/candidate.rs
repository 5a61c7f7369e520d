//! What is known of a candidate, against its whole analysis.

use bfc_compiler::{Entry, NoFiles, Request, analyze, candidate, compile, library};

#[test]
fn a_candidate_converges_as_its_analysis_says() {
    let mut compared = 0;
    for name in library::names().into_iter().filter(|name| name.starts_with("topology::")) {
        for size in [4, 7, 16] {
            let entry = Entry::Library(name.to_string());
            let request = Request::new(entry, size);
            let Ok(candidate) = candidate(&request, &NoFiles) else { continue };
            let (Ok(analysis), Some(found)) = (analyze(&request, &NoFiles), candidate.convergence()) else {
                panic!("{name} at {size}")
            };
            assert_eq!(found.doubly_stochastic, analysis.doubly_stochastic, "{name} at {size}");
            if !found.doubly_stochastic {
                continue;
            }
            assert_eq!(found.exact_after, analysis.exact_after, "{name} at {size}");
            assert_eq!(found.rounds_to_1e_3, analysis.rounds_to_1e_3, "{name} at {size}");
            assert_eq!(found.rounds_to_1e_6, analysis.rounds_to_1e_6, "{name} at {size}");
            assert_eq!(Some(found.rate_per_step), analysis.rate_per_step, "{name} at {size}");
            // No spectrum undercuts what ranks must have heard of; an exact average too takes as long.
            let steps =
                [(1e-3, analysis.rounds_to_1e_3), (1e-6, analysis.rounds_to_1e_6), (1e-9, found.exact_after)];
            for (error, steps) in steps {
                let least = candidate.least_steps(error);
                assert!(
                    steps.is_none_or(|steps| least <= steps as f64),
                    "{name} at {size}: {least} {steps:?}"
                );
            }
            if let Some(period) = candidate.exact_after_a_period() {
                assert!(found.exact_after.is_some_and(|exact| exact <= period), "{name} at {size}");
            }
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared}");
}

#[test]
fn a_rank_doubles_what_it_knows_at_best() {
    let least = |name: &str, size, error| {
        let entry = Entry::Library(format!("topology::{name}"));
        let request = Request::new(entry, size);
        candidate(&request, &NoFiles).expect("a schedule").least_steps(error)
    };
    assert_eq!(least("one_peer_exp2", 1 << 20, 1e-6), 20.0);
    assert_eq!(least("exponential", 64, 1e-3), 3.0, "7³ are more than 64");
    assert_eq!(least("complete", 64, 1e-3), 1.0);
    assert_eq!(least("pairwise_gossip", 64, 1e-3), 32.0, "two of them hear something in a step");
    // Half of the ranks are near enough: 1/(1/4 + 1/8).
    assert_eq!(least("one_peer_exp2", 8, 0.5), 2.0);
    assert_eq!(least("ring", 1, 1e-3), 1.0);
}

#[test]
fn whether_an_algorithm_is_stable_is_proved_when_asked() {
    let source = |factor: &str, requires: &str| {
        let text = format!(
            "use topology::ring\nalgorithm scaled {{\n {requires}\n state x = params\n step {{ x <- {factor} * mix(x) \
             }}\n}}\nschedule {{\n topology ring\n algorithm scaled\n}}\n"
        );
        Request::new(Entry::Source { name: "scaled.bf".into(), text }, 8)
    };
    let found = |factor, requires| candidate(&source(factor, requires), &NoFiles).expect("a schedule");
    assert!(!found("2", "").is_open(), "nothing is required");
    let stable = found("1", "requires stable");
    assert!(stable.is_open() && stable.prove().is_ok());
    let unstable = found("2", "requires stable").prove().expect_err("it grows");
    let compiled = compile(&source("2", "requires stable"), &NoFiles).err().expect("it grows");
    let of = |refused: &bfc_compiler::Diagnostics| {
        refused.errors().iter().map(|error| (error.code.clone(), error.message.clone())).collect::<Vec<_>>()
    };
    assert_eq!(of(&unstable), of(&compiled));
}
