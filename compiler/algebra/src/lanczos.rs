//! Extreme eigenvalues of large symmetric maps, with the same bits on every machine: Lanczos' recurrence from a fixed start.
//!
//! Nothing is orthogonalized again: rounding then brings copies of eigenvalues that are found, but the extremes stay right
//! (Paige, 1972), and two vectors are all that is kept.

use crate::reproducible::{dot, scattered};
use crate::tridiagonal::Tridiagonal;

/// Steps after which the extremes are looked at for the first time.
const FIRST: usize = 64;

/// The accuracy of the least and the greatest eigenvalue, relative to the map, that rounding allows.
const FULL: (f64, f64) = (1e-13, 1e-13);

/// Estimates of the least and the greatest eigenvalue of a symmetric map on vectors of length n by at most `most` steps;
/// `project` takes away what is not to be seen.
pub fn extreme_eigenvalues(
    n: usize,
    most: usize,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> (f64, f64) {
    run(n, most, FULL, &map, &project).1
}

/// An estimate of the greatest eigenvalue alone, to about this accuracy, relative to the map.
pub fn greatest_eigenvalue(
    n: usize,
    most: usize,
    accuracy: f64,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> f64 {
    run(n, most, (f64::INFINITY, accuracy), &map, &project).1.1
}

/// Estimates of the greatest eigenvalue of a symmetric map and of a vector that belongs to it, which may be zero where the
/// map is.
pub fn greatest_eigenpair(
    n: usize,
    most: usize,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> (f64, Vec<f64>) {
    let (found, (_, greatest)) = run(n, most, FULL, &map, &project);
    let [vector] = vectors(n, &found, [greatest], &map, &project);
    (greatest, vector)
}

/// Vectors near eigenvectors to the least and to the greatest eigenvalue.
pub fn extreme_eigenvectors(
    n: usize,
    most: usize,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> [Vec<f64>; 2] {
    let (found, (least, greatest)) = run(n, most, FULL, &map, &project);
    vectors(n, &found, [least, greatest], &map, &project)
}

/// Vectors of these eigenvalues of the recurrence, whose own vectors come a second time rather than being kept.
fn vectors<const COUNT: usize>(
    n: usize,
    found: &Tridiagonal,
    values: [f64; COUNT],
    map: &impl Fn(&[f64]) -> Vec<f64>,
    project: &impl Fn(&mut [f64]),
) -> [Vec<f64>; COUNT] {
    let parts = values.map(|value| found.eigenvector(value));
    let mut vectors = values.map(|_| vec![0.0; n]);
    let mut again = Recurrence::new(n);
    for step in 0..found.diagonal.len() {
        if again.step(map, project) {
            for (vector, parts) in vectors.iter_mut().zip(&parts) {
                vector.iter_mut().zip(&again.last).for_each(|(x, v)| *x += parts[step] * v);
            }
        }
    }
    vectors.iter_mut().for_each(|vector| project(vector));
    vectors
}

/// The recurrence ends where doubling its steps moves neither extreme by more than its accuracy, relative to the map.
fn run(
    n: usize,
    most: usize,
    accuracy: (f64, f64),
    map: &impl Fn(&[f64]) -> Vec<f64>,
    project: &impl Fn(&mut [f64]),
) -> (Tridiagonal, (f64, f64)) {
    let mut recurrence = Recurrence::new(n);
    let mut extremes = (f64::NAN, f64::NAN);
    for steps in 1..=most.max(1) {
        if !recurrence.step(map, project) {
            break;
        }
        if steps >= FIRST && steps.is_power_of_two() {
            let before = extremes;
            extremes = recurrence.found.extremes();
            let moved =
                [(extremes.0 - before.0) / accuracy.0, (extremes.1 - before.1) / accuracy.1].map(f64::abs);
            if moved[0].max(moved[1]) <= recurrence.scale {
                return (recurrence.found, extremes);
            }
        }
    }
    let extremes = recurrence.found.extremes();
    (recurrence.found, extremes)
}

/// The state of the recurrence.
struct Recurrence {
    /// The last unit vector.
    last: Vec<f64>,
    /// The direction of the next one.
    next: Vec<f64>,
    /// The map on the space of all vectors so far.
    found: Tridiagonal,
    /// The largest entry of it.
    scale: f64,
}

impl Recurrence {
    fn new(n: usize) -> Self {
        let found = Tridiagonal { diagonal: vec![], beside: vec![] };
        Self { last: vec![0.0; n], next: (0..n as u64).map(scattered).collect(), found, scale: 0.0 }
    }

    /// One more vector; false where the space holds all that the map makes of its start.
    fn step(&mut self, map: &impl Fn(&[f64]) -> Vec<f64>, project: &impl Fn(&mut [f64])) -> bool {
        project(&mut self.next);
        let norm = dot(&self.next, &self.next).sqrt();
        if norm == 0.0 || norm <= 1e-13 * self.scale {
            return false;
        }
        self.next.iter_mut().for_each(|x| *x /= norm);
        let mut image = map(&self.next);
        if !self.found.diagonal.is_empty() {
            self.found.beside.push(norm);
            image.iter_mut().zip(&self.last).for_each(|(x, v)| *x -= norm * v);
            self.scale = self.scale.max(norm);
        }
        let along = dot(&image, &self.next);
        image.iter_mut().zip(&self.next).for_each(|(x, v)| *x -= along * v);
        self.scale = self.scale.max(along.abs());
        self.found.diagonal.push(along);
        self.last = std::mem::replace(&mut self.next, image);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(x: &[f64]) -> Vec<f64> {
        let at = |i: usize| x.get(i).copied().unwrap_or(0.0);
        (0..x.len()).map(|i| at(i + 1) + at(i.wrapping_sub(1))).collect()
    }

    #[test]
    fn the_extremes_of_a_path_are_cosines() {
        let n = 50;
        let cosine = |k: usize| -2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
        for most in [50, 1000] {
            let (least, greatest) = extreme_eigenvalues(n, most, path, |_| {});
            assert!((least - cosine(0)).abs() < 1e-11 && (greatest - cosine(n - 1)).abs() < 1e-11);
            let (value, vector) = greatest_eigenpair(n, most, path, |_| {});
            let off =
                path(&vector).iter().zip(&vector).map(|(y, x)| (y - value * x).abs()).fold(0.0, f64::max);
            let norm = dot(&vector, &vector).sqrt();
            assert!(value == greatest && off < 1e-6 * norm, "{off} of {norm}");
        }
    }

    #[test]
    fn a_map_to_nothing_has_eigenvalue_zero() {
        assert_eq!(extreme_eigenvalues(3, 10, |_| vec![0.0; 3], |x| x.fill(0.0)), (0.0, 0.0));
        let (value, vector) = greatest_eigenpair(3, 10, |x| vec![0.0; x.len()], |x| x.fill(0.0));
        assert_eq!((value, vector), (0.0, vec![0.0; 3]));
    }
}
