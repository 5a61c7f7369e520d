//! Multinomial logistic regression with an L2 term: loss, gradient and optimum of a set of rows.
//!
//! With K classes and F features the model is `(F + 1) · K` numbers: `model[j·K + k]` is the weight of feature j for
//! class k, and j = F is the intercept. Over rows S and with a factor c the loss is
//! `c · Σ_{r ∈ S} (ln Σ_k e^{l_k} − l_label) + L2/2 · ‖model‖²`, where l are the logits of row r. With c = n/N on each of n
//! shards of N rows in all, the mean of the shards' losses is the loss of all rows with c = 1/N.
//!
//! The order of the arithmetic is fixed so that other languages can follow it: a logit starts with the intercept and
//! adds features in ascending order; rows are added in order; the factor is applied to the sum, then the L2 term added.

use super::data::Rows;

/// Weight of the L2 term.
pub const L2: f64 = 1e-2;

/// The loss of some rows.
#[derive(Clone, Debug)]
pub struct Logistic<'a> {
    rows: &'a Rows,
    columns: usize,
    classes: usize,
    factor: f64,
}

impl<'a> Logistic<'a> {
    /// The loss of `rows`, each with weight `factor`.
    pub fn new(rows: &'a Rows, columns: usize, classes: usize, factor: f64) -> Self {
        Self { rows, columns, classes, factor }
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        (self.columns + 1) * self.classes
    }

    /// The loss at `model`.
    pub fn loss(&self, model: &[f64]) -> f64 {
        let mut sum = 0.0;
        self.each_row(model, |_, label, logits| sum += to_probabilities(logits, label));
        self.factor * sum + L2 / 2.0 * model.iter().map(|w| w * w).sum::<f64>()
    }

    /// Writes the gradient at `model`.
    pub fn gradient(&self, model: &[f64], gradient: &mut [f64]) {
        let classes = self.classes;
        gradient.fill(0.0);
        self.each_row(model, |row, label, logits| {
            to_probabilities(logits, label);
            logits[label] -= 1.0;
            for (sums, &x) in gradient.chunks_exact_mut(classes).zip(row.iter().chain([&1.0])) {
                for (sum, p) in sums.iter_mut().zip(&*logits) {
                    *sum += x * p;
                }
            }
        });
        for (g, w) in gradient.iter_mut().zip(model) {
            *g = self.factor * *g + L2 * w;
        }
    }

    /// The share of rows whose largest logit is that of their class.
    pub fn accuracy(&self, model: &[f64]) -> f64 {
        let mut right = 0;
        self.each_row(model, |_, label, logits| {
            let best = (0..logits.len()).reduce(|a, b| if logits[b] > logits[a] { b } else { a });
            right += usize::from(best == Some(label));
        });
        right as f64 / self.rows.labels.len() as f64
    }

    /// The least loss, to within `gap` above the true one.
    ///
    /// Strong convexity certifies the end: the loss is at most `‖gradient‖² / (2 · L2)` above its least value.
    pub fn optimum(&self, gap: f64, max_steps: usize) -> f64 {
        let mut model = vec![0.0; self.parameters()];
        let gradient = |at: &[f64], gradient: &mut [f64]| self.gradient(at, gradient);
        descend(&mut model, self.smoothness(), 2.0 * L2 * gap, max_steps, gradient);
        self.loss(&model)
    }

    /// Writes the minimizer of the loss plus `rho / 2 · ‖model − point‖²`, to within 1e-10; `smoothness` is
    /// [`smoothness`](Self::smoothness).
    pub fn minimizer(&self, smoothness: f64, point: &[f64], rho: f64, model: &mut [f64]) {
        model.copy_from_slice(point);
        let gradient = |at: &[f64], gradient: &mut [f64]| {
            self.gradient(at, gradient);
            for (g, (x, z)) in gradient.iter_mut().zip(at.iter().zip(point)) {
                *g += rho * (x - z);
            }
        };
        // Within a distance of ‖gradient‖ / (L2 + ρ).
        let least = (1e-10 * (L2 + rho)).powi(2);
        descend(model, smoothness + rho, least, 10_000, gradient);
    }

    /// A bound on the second derivative: half the largest eigenvalue of `c · XᵀX` by the power method, a tenth more,
    /// and L2.
    pub fn smoothness(&self) -> f64 {
        let mut vector = vec![1.0; self.columns + 1];
        let mut largest = 0.0;
        for _ in 0..50 {
            let mut image = vec![0.0; vector.len()];
            for row in self.rows.features.chunks_exact(self.columns) {
                let along: f64 = row.iter().chain([&1.0]).zip(&vector).map(|(x, v)| x * v).sum();
                for (sum, x) in image.iter_mut().zip(row.iter().chain([&1.0])) {
                    *sum += along * x;
                }
            }
            largest = image.iter().map(|v| v * v).sum::<f64>().sqrt();
            vector = image.into_iter().map(|v| v / largest).collect();
        }
        0.55 * self.factor * largest + L2
    }

    fn each_row(&self, model: &[f64], mut visit: impl FnMut(&[f64], usize, &mut [f64])) {
        let (weights, intercept) = model.split_at(self.columns * self.classes);
        let mut logits = vec![0.0; self.classes];
        for (row, &label) in self.rows.features.chunks_exact(self.columns).zip(&self.rows.labels) {
            logits.copy_from_slice(intercept);
            for (x, column) in row.iter().zip(weights.chunks_exact(self.classes)) {
                for (logit, w) in logits.iter_mut().zip(column) {
                    *logit += x * w;
                }
            }
            visit(row, label, &mut logits);
        }
    }
}

/// Goes down to where the square of the gradient is below `least`, with a bound on the second derivative: Nesterov's
/// accelerated gradient with restarts (O'Donoghue and Candès, 2015).
fn descend(
    model: &mut [f64],
    smoothness: f64,
    least: f64,
    max_steps: usize,
    mut gradient_at: impl FnMut(&[f64], &mut [f64]),
) {
    let (mut last, mut gradient, mut momentum) = (model.to_vec(), model.to_vec(), 1.0_f64);
    for _ in 0..max_steps {
        gradient_at(model, &mut gradient);
        if gradient.iter().map(|g| g * g).sum::<f64>() < least {
            break;
        }
        let next: Vec<f64> = model.iter().zip(&gradient).map(|(w, g)| w - g / smoothness).collect();
        let uphill: f64 = gradient.iter().zip(next.iter().zip(&last)).map(|(g, (a, b))| g * (a - b)).sum();
        let grown = if uphill > 0.0 { 1.0 } else { (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0 };
        let carry = if uphill > 0.0 { 0.0 } else { (momentum - 1.0) / grown };
        for ((a, n), w) in model.iter_mut().zip(&next).zip(&last) {
            *a = n + carry * (n - w);
        }
        (last, momentum) = (next, grown);
    }
}

/// Turns logits into probabilities in place and returns the loss of the row.
fn to_probabilities(logits: &mut [f64], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = logits[label];
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - largest).exp();
        sum += *logit;
    }
    for logit in logits.iter_mut() {
        *logit /= sum;
    }
    largest + sum.ln() - own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows { features: vec![0.5, -1.0, 2.0, 0.25, -0.75, 1.5, 0.1, 0.2], labels: vec![0, 1, 2, 1] }
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let rows = rows();
        let problem = Logistic::new(&rows, 2, 3, 0.25);
        let model: Vec<f64> = (0..problem.parameters()).map(|i| (i as f64 * 0.7).sin()).collect();
        let mut gradient = vec![0.0; model.len()];
        problem.gradient(&model, &mut gradient);
        for i in 0..model.len() {
            let moved = |by: f64| {
                let mut at = model.clone();
                at[i] += by;
                problem.loss(&at)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope - gradient[i]).abs() < 1e-8, "{i}: {slope} against {}", gradient[i]);
        }
    }

    #[test]
    fn the_mean_of_the_shards_is_the_whole() {
        let rows = rows();
        let part = |range: std::ops::Range<usize>| Rows {
            features: rows.features[range.start * 2..range.end * 2].to_vec(),
            labels: rows.labels[range].to_vec(),
        };
        let (a, b) = (part(0..1), part(1..4));
        let model = [0.3, -0.2, 0.1, 0.5, 0.0, -0.4, 0.2, 0.2, -0.1];
        let mean =
            (Logistic::new(&a, 2, 3, 0.5).loss(&model) + Logistic::new(&b, 2, 3, 0.5).loss(&model)) / 2.0;
        assert!((mean - Logistic::new(&rows, 2, 3, 0.25).loss(&model)).abs() < 1e-15);
    }

    #[test]
    fn at_the_minimizer_loss_and_distance_balance() {
        let rows = rows();
        let problem = Logistic::new(&rows, 2, 3, 0.25);
        let point: Vec<f64> = (0..problem.parameters()).map(|i| (i as f64 * 0.9).cos()).collect();
        for rho in [0.01, 1.0, 100.0] {
            let (mut x, mut gradient) = (vec![0.0; point.len()], vec![0.0; point.len()]);
            problem.minimizer(problem.smoothness(), &point, rho, &mut x);
            problem.gradient(&x, &mut gradient);
            for ((g, x), z) in gradient.iter().zip(&x).zip(&point) {
                assert!((g + rho * (x - z)).abs() < 1e-9 * (1.0 + rho), "{g} and {rho} ({x} - {z})");
            }
        }
    }

    #[test]
    fn the_optimum_is_below_any_other_point_and_flat() {
        let rows = rows();
        let problem = Logistic::new(&rows, 2, 3, 0.25);
        let least = problem.optimum(1e-12, 100_000);
        let mut model = vec![0.0; problem.parameters()];
        let mut gradient = model.clone();
        for _ in 0..50_000 {
            problem.gradient(&model, &mut gradient);
            model.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= 0.5 * g);
        }
        let reached = problem.loss(&model);
        assert!(least <= reached + 1e-12 && reached - least < 1e-6, "{least} {reached}");
    }
}
