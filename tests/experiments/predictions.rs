//! What `bfc analyze` says of an algorithm on quadratics, against runs on ranks.

use crate::problem::{Problem, parabolas};
use crate::run::{models, schedule, source};
use bfc_compiler::analysis::Quadratic;
use bfc_compiler::{Assumptions, Detail, Entry, NoFiles, Request, analyze_on};

const CURVATURE: [f64; 2] = [0.5, 1.0];

/// A topology, an algorithm, its step size, and how many steps a period of its conditions has.
const CASES: [(&str, &str, f64, usize); 8] = [
    ("ring", "dgd", 0.1, 1),
    ("star", "atc_diffusion", 0.1, 1),
    ("ring", "exact_diffusion", 0.1, 1),
    ("one_peer_exp2", "gradient_tracking", 0.1, 1),
    ("exponential", "gradient_tracking_awc", 0.1, 1),
    ("ring", "dmsgd(beta = 1/2)", 0.05, 1),
    ("ring", "local_sgd(H = 4)", 0.1, 4),
    ("ring", "k_gt(K = 4)", 0.05, 4),
];

fn predicted(topology: &str, algorithm: &str) -> Quadratic {
    let entry = Entry::Source { name: "prediction.bf".into(), text: source(topology, algorithm, "") };
    let request = Request::new(entry, 8);
    let assumptions = Assumptions { curvature: CURVATURE, ..Assumptions::default() };
    let analysis = analyze_on(&request, &NoFiles, assumptions, Detail::Numbers)
        .unwrap_or_else(|errors| panic!("{errors}"));
    analysis.quadratic.expect("it asks for gradients")
}

/// The distance of the models from the optimum of all, relative to that of the optima 0, 1, … of the ranks.
fn bias(problem: &Problem, models: &[Vec<f64>]) -> f64 {
    let distance =
        |points: &mut dyn Iterator<Item = f64>| points.map(|x| (x - problem.optimum[0]).powi(2)).sum::<f64>();
    let own = distance(&mut (0..problem.ranks()).map(|rank| rank as f64));
    (distance(&mut models.iter().map(|model| model[0])) / own).sqrt()
}

#[test]
fn the_bias_is_that_of_a_run() {
    let [least, largest] = CURVATURE;
    let golden = 0.618_033_988_749_894_9;
    let problem = parabolas(8, |rank| least + (largest - least) * (rank as f64 * golden).fract());
    for (topology, algorithm, step, every) in CASES {
        // The step size of the analysis is the default of the input, or a tenth of 1/L.
        let with_step = match algorithm.split_once('(') {
            Some((name, rest)) => format!("{name}(lr = {step}, {rest}"),
            None if algorithm == "atc_diffusion" => algorithm.to_string(),
            None => format!("{algorithm}(lr = {step})"),
        };
        let found = predicted(topology, &with_step);
        let samples = models(&schedule(topology, &with_step, 8), &problem, step, 800 / every, every);
        let measured = bias(&problem, samples.last().expect("models"));
        let bias = found.bias.unwrap_or_else(|| panic!("{algorithm}: {found:?}"));
        assert!((measured - bias).abs() < 1e-5, "{algorithm}: {measured} and {bias}");
        assert_eq!(found.exact, Some(measured < 1e-6), "{algorithm}: {found:?}");
    }
}

#[test]
fn runs_converge_below_the_largest_step_and_not_above() {
    for (topology, algorithm, _, every) in CASES {
        let largest = predicted(topology, algorithm).largest_step.expect("a largest step");
        let converges = |step: f64| {
            let error = |curvature: f64| {
                let problem = parabolas(8, |_| curvature);
                let samples = models(&schedule(topology, algorithm, 8), &problem, step, 1200 / every, every);
                let moved = (0..8)
                    .map(|rank| samples[samples.len() - 1][rank][0] - samples[samples.len() - 2][rank][0]);
                moved.map(f64::abs).fold(0.0, f64::max)
            };
            CURVATURE.into_iter().all(|curvature| error(curvature) < 1e-2)
        };
        assert!(converges(0.97 * largest), "{algorithm} at {largest}");
        assert!(!converges(1.05 * largest), "{algorithm} at {largest}");
    }
}
