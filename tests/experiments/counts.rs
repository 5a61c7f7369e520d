//! Methods without bias: how many steps they take until the error is 1e-6 of that of the start, or where they diverge.

use crate::problem::{Problem, least_squares, scalar};
use crate::run::{COLUMNS, compiled, models, source};
use Expected::*;

/// What becomes of a run.
#[derive(Clone, Copy)]
enum Expected {
    /// The error is at most 1e-6 after this number of steps, and not before; within one step.
    Reaches(usize),
    /// The error is above 1e6 after this number of steps, and not before; within one step.
    Explodes(usize),
    /// As [`Reaches`], on a topology on which the compiler does not call the algorithm stable: the problem's curvature
    /// makes up for it.
    Refused(usize),
    /// As [`Explodes`], on such a topology.
    RefusedExplodes(usize),
    /// No result.
    Unknown,
}

/// An algorithm, its step sizes on the two problems, steps for each that is counted, and its results by [`COLUMNS`].
struct Row(&'static str, [f64; 2], usize, [Expected; 7]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row("parallel_sgd", [0.1, 0.2], 1, [Reaches(94), Reaches(242), Reaches(94), Reaches(226), Unknown, Unknown, Unknown]),
    Row("exact_diffusion", [0.1, 0.2], 1, [Reaches(99), Reaches(240), Refused(260), RefusedExplodes(7745), Reaches(225), Reaches(321), RefusedExplodes(798)]),
    Row("d2", [0.1, 0.2], 1, [Refused(125), Refused(322), Unknown, RefusedExplodes(385), RefusedExplodes(40), RefusedExplodes(84), RefusedExplodes(60)]),
    Row("nids", [0.1, 0.2], 1, [Reaches(99), Reaches(240), Refused(269), RefusedExplodes(7597), Reaches(225), Unknown, Unknown]),
    Row("extra", [0.1, 0.2], 1, [Reaches(98), Reaches(240), Refused(153), Refused(1226), Reaches(224), Unknown, Unknown]),
    Row("gradient_tracking", [0.1, 0.2], 1, [Reaches(119), Reaches(236), Reaches(94), Reaches(226), Reaches(225), Reaches(226), Reaches(200)]),
    Row("gradient_tracking_awc", [0.1, 0.2], 1, [Reaches(140), Reaches(232), Reaches(94), Reaches(225), Explodes(214), Reaches(224), Reaches(199)]),
    Row("gradient_tracking_semi", [0.1, 0.2], 1, [Reaches(127), Reaches(235), Reaches(94), Reaches(226), Reaches(225), Reaches(225), Reaches(200)]),
    Row("gradient_tracking_semi2", [0.1, 0.2], 1, [Reaches(129), Reaches(235), Reaches(94), Reaches(226), Reaches(225), Reaches(225), Reaches(200)]),
    Row("k_gt(K = 4)", [0.05, 0.05], 4, [Reaches(49), Reaches(240), Reaches(52), Reaches(231), Reaches(230), Reaches(230), Reaches(204)]),
    Row("k_gt(K = 4, warm = false)", [0.05, 0.05], 4, [Reaches(183), Reaches(240), Reaches(50), Reaches(231), Reaches(230), Reaches(230), Reaches(204)]),
    Row("scaffnew(H = 4)", [0.1, 0.2], 1, [Reaches(93), Reaches(240), Reaches(93), Reaches(223), Unknown, Unknown, Unknown]),
    Row("decentralized_proxskip(H = 4)", [0.1, 0.2], 1, [Reaches(282), Reaches(392), Refused(180), Refused(660), Reaches(275), Reaches(648), Refused(600)]),
    Row("momentum_tracking(beta = 1/2)", [0.05, 0.05], 1, [Reaches(145), Reaches(474), Reaches(74), Reaches(444), Reaches(444), Reaches(444), Reaches(394)]),
    Row("beer(gamma = 3/10, q = top_k(1))", [0.1, 0.2], 1, [Reaches(930), Reaches(753), Refused(211), Refused(241), Reaches(320), Unknown, Unknown]),
];

/// The same on a topology of the algorithm's own, of 8 and of 16 ranks: the directed graph i → i + 1, 0 → even j, a tree,
/// and the ring again.
#[rustfmt::skip]
const OWN: &[(&str, &str, [f64; 2], [usize; 4])] = &[
    ("push_diging", "hub_push", [0.02, 0.02], [496, 2479, 499, 2313]),
    ("ab", "R = hub_pull, C = hub_push", [0.05, 0.05], [149, 838, 392, 634]),
    ("push_pull", "R = hub_pull, C = hub_push", [0.05, 0.05], [153, 840, 406, 639]),
    ("relay_sgd", "binary_tree", [0.1, 0.2], [225, 574, 335, 796]),
    ("d_admm", "ring", [0.1, 0.2], [59, 103, 227, 152]),
];

fn problem(which: usize, ranks: usize) -> Problem {
    if which == 0 { scalar(ranks) } else { least_squares(ranks) }
}

/// Runs as long as expected and a little longer; what differs from what is expected, in words.
fn check(row: &Row, (topology, ranks, which): (&str, usize, usize), expected: Expected) -> Option<String> {
    let &Row(algorithm, lr, every, _) = row;
    let (steps, explodes) = match expected {
        Reaches(steps) | Refused(steps) => (steps, false),
        Explodes(steps) | RefusedExplodes(steps) => (steps, true),
        Unknown => return None,
    };
    let text = source(topology, algorithm, "");
    let refused = matches!(expected, Refused(_) | RefusedExplodes(_));
    let compiled = match (compiled(&text, ranks, &[]), refused) {
        (Err(errors), true) => {
            assert_eq!(errors.codes(), ["bfc::prove::requirement_refuted"], "{algorithm} over {topology}");
            compiled(&text, ranks, &["requirement_refuted"]).expect("allowed")
        }
        (Ok(compiled), false) => compiled,
        (Ok(_), true) => return Some(format!("{algorithm} over {topology} is not refused")),
        (Err(errors), false) => return Some(format!("{algorithm} over {topology}: {errors}")),
    };
    assert_eq!(compiled.schedule.overrides().len(), usize::from(refused));
    let problem = problem(which, ranks);
    let models = models(&compiled.schedule, &problem, lr[which], steps + 3, every);
    let errors: Vec<f64> = models.iter().map(|models| problem.error(models)).collect();
    let there = |error: &f64| if explodes { *error > 1e6 } else { *error <= 1e-6 };
    let found = errors.iter().position(there).map(|index| index + 1);
    let last = errors.last().expect("a step");
    let matches = found.is_some_and(|found| found.abs_diff(steps) <= 1);
    (!matches).then(|| {
        format!("{algorithm} over {topology}, problem {}: {found:?} instead of {steps}; {last:e}", which + 1)
    })
}

fn assert_column(column: usize) {
    let wrong: Vec<String> =
        ROWS.iter().filter_map(|row| check(row, COLUMNS[column], row.3[column])).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ring() {
    assert_column(0);
    assert_column(1);
}

#[test]
fn exponential() {
    assert_column(2);
    assert_column(3);
}

#[test]
fn hypercube() {
    assert_column(4);
}

#[test]
fn one_peer_exponential() {
    assert_column(5);
}

#[test]
fn on_topologies_of_their_own() {
    for &(algorithm, topology, lr, expected) in OWN {
        let row = Row(algorithm, lr, 1, [Unknown; 7]);
        for (column, steps) in expected.into_iter().enumerate() {
            let column = (topology, if column < 2 { 8 } else { 16 }, column % 2);
            assert_eq!(check(&row, column, Reaches(steps)), None);
        }
    }
}

#[test]
fn base_graph() {
    assert_column(6);
}
