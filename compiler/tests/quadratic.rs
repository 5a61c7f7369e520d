//! How library algorithms converge on quadratics, through the language.

use bfc_compiler::analysis::Quadratic;
use bfc_compiler::{Assumptions, Detail, Entry, NoFiles, Request, analyze_on};

fn quadratic(topology: &str, algorithm: &str, size: u32) -> Quadratic {
    let text = format!(
        "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}"
    );
    let entry = Entry::Source { name: "quadratic.bf".into(), text };
    let request = Request { entry, size, local_size: 1, parameters: vec![], allow: vec![] };
    let assumptions = Assumptions { curvature: [0.2, 1.0], ..Assumptions::default() };
    let analysis = analyze_on(&request, &NoFiles, assumptions, Detail::Numbers)
        .unwrap_or_else(|error| panic!("{error}"));
    analysis.quadratic.expect("it asks for gradients")
}

#[test]
fn corrected_algorithms_are_exact_and_plain_ones_are_biased() {
    for topology in ["ring", "star", "one_peer_exp2"] {
        for (algorithm, exact) in [
            ("dgd", false),
            ("atc_diffusion", false),
            ("exact_diffusion", true),
            ("gradient_tracking", true),
            ("parallel_sgd", true),
        ] {
            let found = quadratic(topology, algorithm, 8);
            assert_eq!(found.exact, Some(exact), "{algorithm} over {topology}: {found:?}");
            // The slowest mode is that of the least curvature: 1 − 0.1 · 0.2.
            let rate = found.rate.expect("a rate");
            assert!((rate - 0.98).abs() < 1e-6, "{algorithm} over {topology}: {rate}");
        }
    }
}

#[test]
fn a_step_that_is_not_linear_has_no_numbers_and_says_why() {
    let found = quadratic("ring", "push_sum_sgd", 8);
    assert_eq!((found.rate, found.exact), (None, None));
    assert!(found.note.is_some_and(|note| note.contains("not linear")));
}
