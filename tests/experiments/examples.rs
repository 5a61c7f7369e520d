//! The example in the documentation of every algorithm of the library, run: it trains if the algorithm does.

use crate::problem::scalar;
use crate::run::{compiled, models};
use bfc_compiler::{Entry, NoFiles, Request, check, library};

/// The indented lines of the documentation in a file.
fn example(name: &str) -> String {
    let lines = library::source(name).expect("a source").lines().filter_map(|line| line.strip_prefix("///"));
    lines.filter_map(|line| line.strip_prefix("     ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn algorithms_alone_are_checked_and_say_what_they_ask() {
    let mut any_loop = vec![];
    for name in library::names().into_iter().filter(|name| name.starts_with("algorithm::")) {
        let entry = Entry::Library(name.to_string());
        let request = Request::new(entry, 8);
        let report = check(&request, &NoFiles).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        any_loop.extend(report.asks.any_loop.then_some(name));
    }
    for name in ["atc_diffusion", "exact_diffusion", "gradient_tracking_rotated", "diloco", "push_sum_sgd"] {
        assert!(any_loop.contains(&&*format!("algorithm::{name}")), "{name}");
    }
}

#[test]
fn examples_train() {
    let problem = scalar(8);
    for name in library::names().into_iter().filter(|name| name.starts_with("algorithm::")) {
        let compiled = match compiled(&example(name), 8, &["requirement_not_decided"]) {
            Ok(compiled) => compiled,
            // Checked, and not run.
            Err(errors) if errors.codes() == ["bfc::lower::no_windows"] => continue,
            Err(errors) => panic!("{name}: {errors}"),
        };
        let error = problem.error(&models(&compiled.schedule, &problem, 0.02, 1, 600)[0]);
        let asks = compiled.report.asks;
        if asks.gradients + asks.adapts + asks.proxes > 0 {
            assert!(error < 0.9, "{name}: {error}");
        } else {
            assert!((error - 1.0).abs() < 1e-12, "{name}: {error}");
        }
    }
}
