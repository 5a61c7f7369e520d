//! From phases that are drawn at random to what a step does in the mean: E‖(1 − J) W x‖² for the worst unit vector x that
//! sums to 0, the greatest eigenvalue of E Wᵀ(1 − J)W there; λ₂(E WᵀW) where columns sum to 1 as well (Boyd, Ghosh,
//! Prabhakar, Shah, Randomized gossip algorithms, 2006).
//!
//! Each half of the phases gives an x, on which the other half is measured: the mean is right for this x, and at most the
//! worst. The greatest eigenvalue of the mean over all phases is measured on the phases that chose its x: in expectation it
//! is at least the worst. The first bounds the worst from below, the second from above, each up to chance.

use crate::prove::facts::Facts;
use crate::spectrum::dense::Rows;
use crate::spectrum::edges;
use bfc_algebra::krylov::leading_vector;
use bfc_algebra::reproducible::{center, dot};
use serde::Serialize;

/// Phases that an interval needs.
const LEAST: usize = 8;

/// The dimension of the space in which the worst x is looked for, and entries that this may read.
const SEARCH: (usize, u64) = (40, 1 << 28);

/// The part of disagreement's square that a step keeps in the mean at worst, estimated from phases that are draws.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// The mean over the phases, on vectors that were chosen as the worst by other phases.
    pub mean: f64,
    /// What holds the part on the worst vector with at least 95 % confidence (Student).
    pub interval: [f64; 2],
    /// The number of phases.
    pub draws: usize,
}

/// The mean contraction of the squares in a step; `None` where ranks that agree do not stay so, or there are too few phases.
pub(crate) fn expected(facts: &Facts) -> Option<Expected> {
    let draws = facts.phases.len();
    if draws < LEAST || facts.size() < 2 || facts.row_stochastic().is_err() {
        return None;
    }
    if 3 * SEARCH.0 as u64 * edges(facts.phases) > SEARCH.1 {
        return None;
    }
    let sample = Sample::new(facts.phases.iter().map(Rows::new).collect());
    let [even, odd]: [Vec<usize>; 2] = [0, 1].map(|first| (first..draws).step_by(2).collect());
    let mut others = sample.kept(&even, &sample.worst(&odd)?);
    others.extend(sample.kept(&odd, &sample.worst(&even)?));
    let all: Vec<usize> = (0..draws).collect();
    let (mean, off) = with_error(&others);
    let (own, own_off) = with_error(&sample.kept(&all, &sample.worst(&all)?));
    let most = if facts.known().averaging() { 1.0 } else { f64::INFINITY };
    let interval = [(mean - off).max(0.0), (mean + off).max(own + own_off).min(most)];
    Some(Expected { mean, interval, draws })
}

/// Phases and their transposes.
struct Sample {
    phases: Vec<Rows>,
    transposes: Vec<Rows>,
}

impl Sample {
    fn new(phases: Vec<Rows>) -> Self {
        Self { transposes: phases.iter().map(Rows::transpose).collect(), phases }
    }

    /// The vector of which these phases keep most.
    fn worst(&self, chosen: &[usize]) -> Option<Vec<f64>> {
        let n = self.phases[0].len();
        let gram = |x: &[f64]| {
            let mut sum = vec![0.0; n];
            for &at in chosen {
                let mut image = self.phases[at].apply(x);
                center(&mut image);
                sum.iter_mut().zip(self.transposes[at].apply(&image)).for_each(|(sum, y)| *sum += y);
            }
            sum
        };
        leading_vector(n, SEARCH.0.min(n - 1), gram, center)
    }

    /// What each of these phases keeps of the square of a vector.
    fn kept(&self, chosen: &[usize], vector: &[f64]) -> Vec<f64> {
        let square = dot(vector, vector);
        let of = |at: &usize| {
            let mut image = self.phases[*at].apply(vector);
            center(&mut image);
            dot(&image, &image) / square
        };
        chosen.iter().map(of).collect()
    }
}

/// The mean, and half the width of its interval of confidence.
fn with_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, student(values.len() - 1) * (variance / count).sqrt())
}

/// The quantile 0.975 of Student's distribution (Abramowitz, Stegun, 1964, 26.7.5).
fn student(freedom: usize) -> f64 {
    let (z, v) = (1.959_963_984_540_054_f64, freedom as f64);
    z + (z.powi(3) + z) / (4.0 * v)
        + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * v * v)
        + (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / (384.0 * v.powi(3))
}

#[cfg(test)]
mod tests {
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, quantile) in [(7, 2.3646), (9, 2.2622), (30, 2.0423), (1000, 1.9623)] {
            assert!((super::student(freedom) - quantile).abs() < 2e-3, "{freedom}");
        }
    }
}
