//! Models of all ranks become a curve: the loss of their mean and how far they are from it.

use super::logistic::Logistic;

/// Which steps are looked at: the first, the last, and about three hundred between.
#[derive(Clone, Copy, Debug)]
pub struct Sampling {
    steps: u64,
    stride: u64,
}

/// What a run looked like at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Steps done.
    pub step: u64,
    /// The loss of all training rows at the mean of the ranks' models.
    pub loss: f64,
    /// `‖model of the rank − mean of the models‖₂` by rank.
    pub distances: Vec<f64>,
}

impl Point {
    /// The root mean square of the distances.
    pub fn consensus_distance(&self) -> f64 {
        root_mean_square(&self.distances)
    }
}

impl Sampling {
    /// The sampling of a run of `steps` steps.
    pub fn new(steps: u64) -> Self {
        Self { steps, stride: steps.div_ceil(300).max(1) }
    }

    /// Whether the state after `step` steps is looked at.
    pub fn includes(&self, step: u64) -> bool {
        step.is_multiple_of(self.stride) || step == self.steps
    }
}

/// The mean of the models, added in order of rank.
pub fn mean(models: &[Vec<f64>]) -> Vec<f64> {
    let mut sum = vec![0.0; models[0].len()];
    for model in models {
        sum.iter_mut().zip(model).for_each(|(s, w)| *s += w);
    }
    sum.iter_mut().for_each(|s| *s /= models.len() as f64);
    sum
}

/// The point of the curve after `step` steps.
pub fn point(step: u64, models: &[Vec<f64>], problem: &Logistic) -> Point {
    let mean = mean(models);
    Point { step, loss: problem.loss(&mean), distances: distances(models, &mean) }
}

/// The root mean square over ranks of the distance of a model from the mean of all.
pub fn consensus_distance(models: &[Vec<f64>], mean: &[f64]) -> f64 {
    root_mean_square(&distances(models, mean))
}

fn distances(models: &[Vec<f64>], mean: &[f64]) -> Vec<f64> {
    let square = |model: &Vec<f64>| model.iter().zip(mean).map(|(w, m)| (w - m) * (w - m)).sum::<f64>();
    models.iter().map(|model| square(model).sqrt()).collect()
}

fn root_mean_square(distances: &[f64]) -> f64 {
    (distances.iter().map(|distance| distance * distance).sum::<f64>() / distances.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sampling_keeps_the_first_and_the_last_step() {
        let seen: Vec<u64> = (0..=1000).filter(|&step| Sampling::new(1000).includes(step)).collect();
        assert_eq!((seen[0], seen[1], seen[seen.len() - 1]), (0, 4, 1000));
        assert!((0..=300).all(|step| Sampling::new(300).includes(step)));
    }

    #[test]
    fn the_distance_is_that_from_the_mean() {
        let rows = super::super::data::Rows { features: vec![1.0], labels: vec![0] };
        let problem = Logistic::new(&rows, 1, 1, 1.0);
        let point = point(7, &[vec![0.0, 3.0], vec![0.0, -1.0]], &problem);
        assert_eq!((point.step, &point.distances[..], point.consensus_distance()), (7, &[2.0, 2.0][..], 2.0));
    }
}
