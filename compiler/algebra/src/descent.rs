//! Minimisation of smooth functions by the quasi-Newton method of limited memory (Liu, Nocedal, On the limited memory BFGS
//! method for large scale optimization, 1989), with the same bits on every machine.

use crate::reproducible::dot;
use std::collections::VecDeque;

/// Pairs of steps and changes of the gradient that are kept.
const MEMORY: usize = 5;

/// How much of the decrease that the gradient promises a step must bring (Armijo).
const DECREASE: f64 = 1e-4;

/// Shorter steps that are tried.
const SHORTENED: usize = 20;

/// Where a descent ended.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The point.
    pub point: Vec<f64>,
    /// Whether the gradient is as short as asked for.
    pub is_settled: bool,
    /// How often the function was evaluated.
    pub evaluations: u64,
}

/// A step, the change of the gradient along it, and 1 over their product.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    inverse: f64,
}

/// Descends from a point, for at most this number of steps, until the gradient has at most this length. `function` gives value and
/// gradient.
pub fn descend(
    mut point: Vec<f64>,
    steps: usize,
    length: f64,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Descent {
    let (mut value, mut gradient) = function(&point);
    let mut evaluations = 1;
    let mut pairs: VecDeque<Pair> = VecDeque::with_capacity(MEMORY + 1);
    for _ in 0..steps {
        let norm = dot(&gradient, &gradient).sqrt();
        if norm <= length {
            break;
        }
        let direction = direction(&pairs, &gradient);
        let slope = dot(&direction, &gradient);
        if slope.is_nan() || slope >= 0.0 {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        }
        let mut reach = if pairs.is_empty() { 0.1 / norm } else { 1.0 };
        let mut found = None;
        for _ in 0..SHORTENED {
            let next: Vec<f64> = point.iter().zip(&direction).map(|(x, d)| x + reach * d).collect();
            let (at, slopes) = function(&next);
            evaluations += 1;
            if at <= value + DECREASE * reach * slope {
                found = Some((next, at, slopes));
                break;
            }
            // The least of the parabola through both values with this slope.
            let least = -0.5 * slope * reach * reach / (at - value - slope * reach);
            reach = if least.is_finite() { least.clamp(0.1 * reach, 0.5 * reach) } else { 0.1 * reach };
        }
        let Some((next, at, slopes)) = found else { break };
        let step: Vec<f64> = next.iter().zip(&point).map(|(x, y)| x - y).collect();
        let change: Vec<f64> = slopes.iter().zip(&gradient).map(|(x, y)| x - y).collect();
        let curvature = dot(&step, &change);
        if curvature > 1e-12 * dot(&change, &change) {
            pairs.push_back(Pair { step, change, inverse: 1.0 / curvature });
            if pairs.len() > MEMORY {
                pairs.pop_front();
            }
        }
        (point, value, gradient) = (next, at, slopes);
    }
    let is_settled = dot(&gradient, &gradient).sqrt() <= length;
    Descent { point, is_settled, evaluations }
}

/// −H g, where H is the inverse of the Hessian that the pairs approximate.
fn direction(pairs: &VecDeque<Pair>, gradient: &[f64]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut along = vec![0.0; pairs.len()];
    for (pair, along) in pairs.iter().zip(&mut along).rev() {
        *along = pair.inverse * dot(&pair.step, &direction);
        direction.iter_mut().zip(&pair.change).for_each(|(d, y)| *d -= *along * y);
    }
    if let Some(last) = pairs.back() {
        let scale = 1.0 / (last.inverse * dot(&last.change, &last.change));
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (pair, along) in pairs.iter().zip(along) {
        let further = along - pair.inverse * dot(&pair.change, &direction);
        direction.iter_mut().zip(&pair.step).for_each(|(d, s)| *d += further * s);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_end() {
        let valley = |x: &[f64]| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
        };
        let found = descend(vec![-1.2, 1.0], 200, 1e-9, valley);
        assert!(found.is_settled && found.evaluations < 120, "{found:?}");
        assert!(found.point.iter().all(|x| (x - 1.0).abs() < 1e-8), "{found:?}");
    }

    #[test]
    fn a_function_without_end_is_left_in_time() {
        let found = descend(vec![1.0], 50, 1e-9, |x| (-x[0], vec![-1.0]));
        assert!(!found.is_settled && found.evaluations <= 51);
        let broken = descend(vec![1.0], 50, 1e-9, |_| (f64::NAN, vec![f64::NAN]));
        assert!(!broken.is_settled && broken.point == [1.0]);
    }
}
