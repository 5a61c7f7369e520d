//! The bound on gossip of compressed differences, against dense simulations and runs on random weights: what is proved is what
//! the bound says, on either side of it, and every step of every simulation obeys it.

use crate::problem::{Vector, least_squares};
use crate::run::{compiled, run};
use bfc_schedule::random::{output, unit};

const ELEMENTS: usize = 3;

/// Symmetric weights with rows that sum to 1, as edges and as a matrix; own weights may be negative.
fn weights(seed: u64, ranks: usize) -> (String, Vec<Vector>) {
    let (mut edges, mut w) = (String::new(), vec![vec![0.0; ranks]; ranks]);
    (0..ranks).for_each(|i| w[i][i] = 1.0);
    for i in 0..ranks {
        for j in i + 1..ranks {
            let key = (i * ranks + j) as u64;
            // A path connects all ranks.
            if j == i + 1 || unit(seed, key) < 0.4 {
                let part = 1 + output(seed ^ 7, key) % 9;
                edges.push_str(&format!("    {i} -- {j} weight {part}/24\n"));
                let weight = part as f64 / 24.0;
                (w[i][j], w[j][i]) = (weight, weight);
                w[i][i] -= weight;
                w[j][j] -= weight;
            }
        }
    }
    (format!("topology w {{\n{edges}}}\n"), w)
}

fn times(w: &[Vector], x: &[Vector]) -> Vec<Vector> {
    let row =
        |row: &Vector| (0..x[0].len()).map(|k| row.iter().zip(x).map(|(w, x)| w * x[k]).sum()).collect();
    w.iter().map(row).collect()
}

fn combined(x: &[Vector], factor: f64, y: &[Vector]) -> Vec<Vector> {
    x.iter().zip(y).map(|(x, y)| x.iter().zip(y).map(|(x, y)| x + factor * y).collect()).collect()
}

fn norm(x: &[Vector]) -> f64 {
    x.iter().flatten().map(|x| x * x).sum::<f64>().sqrt()
}

/// (I − J) x.
fn centred(x: &[Vector]) -> Vec<Vector> {
    let mean = |k: usize| x.iter().map(|x| x[k]).sum::<f64>() / x.len() as f64;
    x.iter().map(|x| x.iter().enumerate().map(|(k, x)| x - mean(k)).collect()).collect()
}

/// The largest |λ| of a symmetric map on what sums to 0, by powers of it.
fn radius(ranks: usize, map: impl Fn(&[Vector]) -> Vec<Vector>) -> f64 {
    let mut x: Vec<Vector> = (0..ranks).map(|i| vec![unit(3, i as u64) - 0.4]).collect();
    let mut norms = 0.0;
    for _ in 0..3000 {
        x = centred(&map(&centred(&map(&x))));
        norms = norm(&x);
        x.iter_mut().flatten().for_each(|x| *x /= norms);
    }
    norms.sqrt()
}

/// The largest `kept` of the elements.
fn top(x: &[f64], kept: usize) -> Vector {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*b].abs().total_cmp(&x[*a].abs()));
    let mut code = vec![0.0; x.len()];
    order[..kept].iter().for_each(|k| code[*k] = x[*k]);
    code
}

#[test]
fn what_is_proved_is_what_holds() {
    let (mut proved, mut open) = (0, 0);
    for seed in 0..40 {
        let ranks = 3 + (seed as usize) % 5;
        let (topology, w) = weights(seed, ranks);
        let gap = 1.0 - radius(ranks, |x| times(&w, x));
        let norm_of_i_w = radius(ranks, |x| combined(x, -1.0, &times(&w, x)));
        let kept = 1 + (seed as usize) % ELEMENTS;
        let s = (1.0 - kept as f64 / ELEMENTS as f64).sqrt();
        if gap.abs() < 0.01 {
            continue;
        }
        // Where W itself does not contract, nothing is proved of any step size.
        let limit = gap.abs() * (1.0 - s) / (s * norm_of_i_w * (gap.abs() + norm_of_i_w));
        for part in [0.5, 0.999, 1.001, 1.5] {
            // As the compiler reads it.
            let gamma = format!("{:.9}", part * limit.min(1.0));
            let text = format!(
                "{topology}algorithm choco(q: codec = top_fraction({kept}/{ELEMENTS})) {{\n state x = params\n state h = 0\n \
                 state s = 0\n step {{\n let d = compress(x - h, q)\n h <- h + d\n s <- s + mix(d)\n \
                 x <- x + {gamma} * (s' - h')\n }}\n}}\nschedule {{\n topology w\n algorithm choco\n}}\n"
            );
            let compiled =
                compiled(&text, ranks, &[]).unwrap_or_else(|refused| panic!("{:?}: {text}", refused.codes()));
            let [consensus] = &compiled.report.consensus[..] else { panic!("not recognised: {text}") };
            assert_eq!(consensus.proved, gap > 0.0 && part < 1.0, "{} of {limit}: {text}", consensus.gamma);
            if !consensus.proved {
                open += 1;
                continue;
            }
            proved += 1;
            let gamma: f64 = gamma.parse().unwrap();
            let start = |rank: usize| -> Vector {
                (0..ELEMENTS).map(|k| unit(seed, (100 + rank * ELEMENTS + k) as u64) - 0.3).collect()
            };
            let steps = 200;
            let models = run(&compiled.schedule, &least_squares(ranks), 0.0, steps, 1, start);
            let (mut x, mut h): (Vec<Vector>, Vec<Vector>) = ((0..ranks).map(start).collect(), vec![]);
            h.resize(ranks, vec![0.0; ELEMENTS]);
            let mut before: Option<[f64; 2]> = None;
            for found in &models {
                let code: Vec<Vector> = combined(&x, -1.0, &h).iter().map(|v| top(v, kept)).collect();
                h = combined(&h, 1.0, &code);
                let now = [norm(&centred(&x)), norm(&combined(&x, -1.0, &h))];
                if let Some([a, e]) = before {
                    let bound = [
                        (1.0 - gamma * gap) * a + gamma * norm_of_i_w * e,
                        s * gamma * norm_of_i_w * a + s * (1.0 + gamma * norm_of_i_w) * e,
                    ];
                    for (now, bound) in now.iter().zip(bound) {
                        assert!(*now <= bound * (1.0 + 1e-6) + 1e-12, "{now} above {bound}: {text}");
                    }
                }
                before = Some(now);
                x = combined(&x, gamma, &combined(&times(&w, &h), -1.0, &h));
                assert!(norm(&combined(&x, -1.0, found)) < 1e-9, "{text}");
            }
        }
    }
    assert!(proved > 40 && open > 40, "{proved} and {open}");
}
