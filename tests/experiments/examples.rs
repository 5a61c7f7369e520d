//! The example in the documentation of every algorithm of the library, run: it trains if the algorithm does.

use crate::problem::scalar;
use crate::run::{compiled, models};
use bfc_compiler::library;

/// The indented lines of the comment at the beginning of a file.
fn example(name: &str) -> String {
    let lines = library::source(name).expect("a source").lines().map_while(|line| line.strip_prefix("///"));
    lines.filter_map(|line| line.strip_prefix("     ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn examples_train() {
    let problem = scalar(8);
    for name in library::names().into_iter().filter(|name| name.starts_with("algorithm::")) {
        let compiled = compiled(&example(name), 8, &["requirement_not_decided"])
            .unwrap_or_else(|errors| panic!("{name}: {errors}"));
        let error = problem.error(&models(&compiled.schedule, &problem, 0.02, 1, 600)[0]);
        let asks = compiled.report.asks;
        if asks.gradients + asks.adapts > 0 {
            assert!(error < 0.9, "{name}: {error}");
        } else {
            assert!((error - 1.0).abs() < 1e-12, "{name}: {error}");
        }
    }
}
