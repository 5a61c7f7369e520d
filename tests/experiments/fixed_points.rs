//! Iterates and limits in closed form: the first models of rank 0 as published, and the models at the end as solutions
//! of linear equations.

use crate::problem::{Problem, Vector, least_squares, scalar, solve};
use crate::run::{models, schedule};
use bfc_schedule::{Rank, Schedule};

#[test]
fn first_models_are_the_published_ones() {
    let problem = scalar(8);
    for (algorithm, lr, every, values) in [
        ("atc_diffusion", 0.1, 1, [0.45, 0.821111111111, 1.17215625]),
        ("exact_diffusion", 0.1, 1, [0.225, 0.620694444444, 1.06750347222]),
        ("extra", 0.1, 1, [0.0, 0.45, 0.986666666667]),
        ("nids", 0.1, 1, [0.0, 0.411666666667, 0.950253472222]),
        ("gradient_tracking", 0.1, 1, [0.45, 0.79962962963, 1.23150385802]),
        ("gradient_tracking_awc", 0.1, 1, [0.0, 0.9, 1.05666666667]),
        ("qg_dmsgd(beta = 1/2, mu = 1/2)", 0.05, 1, [0.225, 0.480277777778, 0.784193142361]),
        ("decentlam(beta = 1/2)", 0.05, 1, [0.225, 0.538611111111, 0.88901953125]),
        ("k_gt(K = 4)", 0.05, 4, [0.927215934245, 1.63169186512, 2.1616979979]),
    ] {
        let models = models(&schedule("ring", algorithm, 8), &problem, lr, 3, every);
        for (model, value) in models.iter().zip(values) {
            assert!((model[0][0] - value).abs() < 1e-10, "{algorithm}: {} instead of {value}", model[0][0]);
        }
    }
}

/// Where a linear step x ← (W − P) x + q rests: the equations (I − W + P) x = q over all ranks and elements.
#[derive(Clone, Copy)]
enum Rest {
    /// x = W x − α ∇f(x): (I − W + αH) x = αc.
    Dgd,
    /// x = W (x − α ∇f(x)): (I − W + αWH) x = αWc.
    Atc,
    /// x = W x − α ∇f(W x): (I − W + αHW) x = αc.
    Cta,
}

/// W[i][j] of the only phase.
fn mixing(schedule: &Schedule) -> Vec<Vector> {
    let size = schedule.size() as usize;
    let matrix = &schedule.topologies()[0].phases[0].matrix;
    let row = |i: usize| {
        let row = matrix.row(Rank(i as u32));
        let mut weights = vec![0.0; size];
        row.in_weights.iter().for_each(|(source, weight)| weights[source.index()] += weight.to_f64());
        weights[i] += row.self_weight.to_f64();
        weights
    };
    (0..size).map(row).collect()
}

fn rest(form: Rest, w: &[Vector], problem: &Problem, alpha: f64) -> Vec<Vector> {
    let (ranks, dimension) = (problem.ranks(), problem.dimension());
    let equation = |i: usize, k: usize| {
        let mut row = vec![0.0; ranks * dimension];
        for j in 0..ranks {
            let same = f64::from(u8::from(i == j));
            row[j * dimension + k] += same - w[i][j];
            for l in 0..dimension {
                row[j * dimension + l] += alpha
                    * match form {
                        Rest::Dgd => same * problem.hessians[i][k][l],
                        Rest::Atc => w[i][j] * problem.hessians[j][k][l],
                        Rest::Cta => problem.hessians[i][k][l] * w[i][j],
                    };
            }
        }
        row
    };
    let right = |i: usize, k: usize| match form {
        Rest::Atc => alpha * (0..ranks).map(|j| w[i][j] * problem.linear[j][k]).sum::<f64>(),
        _ => alpha * problem.linear[i][k],
    };
    let places = || (0..ranks).flat_map(|i| (0..dimension).map(move |k| (i, k)));
    let solution =
        solve(places().map(|(i, k)| equation(i, k)).collect(), places().map(|(i, k)| right(i, k)).collect());
    solution.chunks(dimension).map(<[f64]>::to_vec).collect()
}

/// Momentum multiplies the step size of some by 1/(1 − β), here 2, and of others not at all.
const RESTS: [(&str, Rest, f64); 7] = [
    ("dgd", Rest::Dgd, 1.0),
    ("atc_diffusion", Rest::Atc, 1.0),
    ("cta_diffusion", Rest::Cta, 1.0),
    ("dmsgd(beta = 1/2)", Rest::Atc, 2.0),
    ("dmsgd_awc(beta = 1/2)", Rest::Dgd, 2.0),
    ("decentlam(beta = 1/2)", Rest::Atc, 1.0),
    ("qg_dmsgd(beta = 1/2, mu = 3/10)", Rest::Atc, 1.0),
];

#[test]
fn biased_methods_rest_where_their_equations_say() {
    for (topology, ranks) in [("ring", 8), ("exponential", 8), ("star", 8), ("hypercube", 16)] {
        for (algorithm, form, factor) in RESTS {
            let schedule = schedule(topology, algorithm, ranks);
            let w = mixing(&schedule);
            for (problem, lr, steps) in [(scalar(ranks), 0.1, 900), (least_squares(ranks), 0.1, 2400)] {
                let found = models(&schedule, &problem, lr, 1, steps).remove(0);
                let expected = rest(form, &w, &problem, factor * lr);
                let pairs = found.iter().flatten().zip(expected.iter().flatten());
                let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-11, "{algorithm} over {topology}: {worst:e}");
            }
        }
    }
}

#[test]
fn fixed_points_are_the_published_ones() {
    let problem = scalar(8);
    let w = mixing(&schedule("ring", "dgd", 8));
    let dgd = [
        3.15716089569,
        2.65835260776,
        2.78142654774,
        3.25614243421,
        3.86533309864,
        4.43412369265,
        4.79071067142,
        4.60311745232,
    ];
    let found = rest(Rest::Dgd, &w, &problem, 0.1);
    found.iter().zip(dgd).for_each(|(x, expected)| assert!((x[0] - expected).abs() < 1e-10));
    let atc = rest(Rest::Atc, &w, &problem, 0.1);
    assert!((atc[0][0] - 3.49424658997).abs() < 1e-10);
    assert!((atc[7][0] - 4.26835882361).abs() < 1e-10);
}
