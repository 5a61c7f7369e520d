//! How library algorithms converge on quadratics, through the language.

use bfc_compiler::analysis::Quadratic;
use bfc_compiler::{Assumptions, Detail, Entry, NoFiles, Request, analyze_on};

fn quadratic(topology: &str, algorithm: &str, size: u32) -> Quadratic {
    let text = format!(
        "use topology::{topology}\nuse algorithm::{algorithm}\nschedule {{\n topology {topology}\n algorithm {algorithm}\n}}"
    );
    let entry = Entry::Source { name: "quadratic.bf".into(), text };
    let request = Request::new(entry, size);
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

/// Beyond the sizes at which a step is a matrix, on a directed graph whose phases share no modes.
#[test]
fn large_steps_have_numbers_too() {
    for (algorithm, exact) in [("gradient_tracking", true), ("dgd", false)] {
        let found = quadratic("de_bruijn", algorithm, 300);
        assert!((found.rate.expect("a rate") - 0.98).abs() < 1e-6, "{algorithm}: {found:?}");
        assert_eq!(found.exact, Some(exact), "{algorithm}: {found:?}");
    }
    let found = quadratic("de_bruijn", "push_sum_sgd", 150);
    assert_eq!((found.rate, found.exact), (None, None), "{found:?}");
    assert!(found.note.is_some_and(|note| note.contains("not linear")));
}

/// Of a topology and an algorithm in the language.
fn written(topology: &str, algorithm: &str, size: u32) -> Quadratic {
    let text = format!("{topology}\n{algorithm}");
    let entry = Entry::Source { name: "quadratic.bf".into(), text };
    let request = Request::new(entry, size);
    let analysis = analyze_on(&request, &NoFiles, Assumptions::default(), Detail::Numbers);
    analysis.unwrap_or_else(|error| panic!("{error}")).quadratic.expect("it asks for gradients")
}

const DIRECTED: &str =
    "topology t {\n for i in ranks { i -> (i + 1) mod size\n i -> (i + 2) mod size }\n weights uniform\n}";

#[test]
fn the_largest_step_is_where_convergence_ends_however_small() {
    let ring = "use topology::ring\ntopology t = ring()";
    for (topology, size, algorithm) in [
        (DIRECTED, 8, "gradient_tracking"),
        (DIRECTED, 64, "gradient_tracking"),
        (DIRECTED, 128, "gradient_tracking"),
        (DIRECTED, 500, "gradient_tracking"),
        (ring, 64, "gradient_tracking"),
        (ring, 16, "dgd"),
        (ring, 16, "exact_diffusion"),
    ] {
        let with_step = |step: f64| {
            let schedule = format!(
                "use algorithm::{algorithm}\nschedule {{\n topology t\n algorithm {algorithm}(lr = {step:.15})\n}}"
            );
            written(topology, &schedule, size)
        };
        let found = with_step(0.1);
        let largest = found.largest_step.unwrap_or_else(|| panic!("{algorithm} at {size}: {found:?}"));
        let [below, above] = [0.999, 1.001].map(|factor| with_step(factor * largest).rate.expect("a rate"));
        assert!(below < 1.0 && above >= 1.0, "{algorithm} at {size}: {below} and {above} around {largest}");
    }
}

#[test]
fn gradients_that_are_scaled_have_a_largest_step_too() {
    for scale in ["1/1000", "1", "1000", "100000"] {
        let text = format!(
            "algorithm a(lr: scalar = 0.1) {{\n state x = params\n step {{ x <- mix(x) - {scale} * lr * grad(x) }}\n}}
             schedule {{\n topology t\n algorithm a\n}}"
        );
        let found = written("use topology::ring\ntopology t = ring()", &text, 8);
        // 1 + λ_min over the largest curvature.
        let factor = scale.split('/').map(|part| part.parse::<f64>().unwrap()).reduce(|a, b| a / b).unwrap();
        let expected = 2.0 / 3.0 / factor;
        match found.largest_step {
            Some(largest) => assert!((largest / expected - 1.0).abs() < 1e-5, "{scale}: {largest}"),
            None => assert!(expected > 16.0, "{scale}: {found:?}"),
        }
    }
}

#[test]
fn where_no_step_size_converges_none_is_named_that_does() {
    // It climbs.
    let text = "algorithm a(lr: scalar = 0.1) {\n state x = params\n step { x <- mix(x) + lr * grad(x) }\n}
                schedule {\n topology t\n algorithm a\n}";
    let found = written("use topology::ring\ntopology t = ring()", text, 8);
    assert_eq!(found.largest_step, None);
    assert!(found.rate.is_some_and(|rate| rate > 1.0), "{found:?}");
    assert!(found.note.is_some_and(|note| note.contains("no step size from 1e-7 on")));
}
