//! Krylov spaces with full orthogonalization: eigenvalues of largest modulus of any map by Arnoldi's recurrence, restarted
//! implicitly (Sorensen, Implicit application of polynomial filters in a k-step Arnoldi method, 1992), and eigenvectors of
//! symmetric maps.

use crate::reproducible::{dot, scattered};
use crate::{Mat, c64, eigen, symmetric_eigen};

/// The dimension of a space, and how much of it a restart keeps.
const DIMENSION: (usize, usize) = (60, 20);

/// The most numbers in a basis, beyond the least dimension.
const BASIS: usize = 1 << 25;

/// The least dimension.
const LEAST: usize = 24;

/// The dimension in which a fixed point is sought, after the first time.
const SOUGHT: usize = 120;

/// What of a residual is left where a fixed point is sought from its new place.
const REDUCED: f64 = 1e-8;

/// The residual, relative to the map, at which an eigenvalue counts as found.
const FOUND: f64 = 1e-13;

/// Estimates of the eigenvalues of largest modulus.
#[derive(Clone, Debug)]
pub struct Dominant {
    /// Ritz values, the largest modulus first.
    pub values: Vec<c64>,
    /// ‖A x − λ x‖ for the first and its unit vector x: some eigenvalue of a matrix this near to A is λ.
    pub residual: f64,
}

/// The eigenvalues of largest modulus of a map on vectors of length n, from a fixed start that `project` brings into the
/// space of interest, by about `most` applications.
pub fn dominant(
    n: usize,
    most: usize,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> Dominant {
    let dimension = DIMENSION.0.min((BASIS / n.max(1)).max(LEAST));
    let mut space = Space::new(start(n, &project), dimension);
    let mut applied = 0;
    let mut found = Dominant { values: vec![], residual: f64::NAN };
    loop {
        let before = space.basis.len();
        space.grow(dimension, &map);
        applied += space.basis.len() - before;
        let Some((values, vectors)) = eigen(&space.square()) else { return found };
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].norm().total_cmp(&values[*a].norm()));
        let residual = order.first().map_or(0.0, |&first| {
            let vector = vectors.col(first);
            let last = vector.iter().last().map_or(0.0, |x| x.norm());
            space.rest_norm() * last / vector.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt()
        });
        found = Dominant { values: order.into_iter().map(|at| values[at]).collect(), residual };
        if residual <= FOUND * space.scale || space.is_exhausted() || applied >= most {
            return found;
        }
        space.restart(&shifts(&found.values, DIMENSION.1.min(dimension / 3)));
    }
}

/// A vector near an eigenvector to the eigenvalue of largest modulus of a symmetric map, within a space of this dimension.
pub fn leading_vector(
    n: usize,
    dimension: usize,
    map: impl Fn(&[f64]) -> Vec<f64>,
    project: impl Fn(&mut [f64]),
) -> Option<Vec<f64>> {
    let projected = |x: &[f64]| {
        let mut image = map(x);
        project(&mut image);
        image
    };
    let mut space = Space::new(start(n, &project), dimension);
    space.grow(dimension, &projected);
    let (values, vectors) = symmetric_eigen(&space.square())?;
    let best = (0..values.len()).max_by(|a, b| values[*a].abs().total_cmp(&values[*b].abs()))?;
    let mut vector = vec![0.0; n];
    for (line, weight) in space.basis.iter().zip(vectors.col_as_slice(best)) {
        vector.iter_mut().zip(line).for_each(|(x, v)| *x += weight * v);
    }
    Some(vector)
}

/// The fixed point of an affine map that is reached from `start`, up to `accuracy` times its largest entry, by about `most`
/// applications (GMRES, restarted: Saad, Schultz, GMRES: A generalized minimal residual algorithm, 1986). What the map
/// conserves keeps its value, since steps lie in the image of A − I; whether the map is stable does not matter.
pub fn fixed_point(
    start: Vec<f64>,
    most: usize,
    accuracy: f64,
    map: impl Fn(&[f64]) -> Vec<f64>,
) -> Option<Vec<f64>> {
    let less = |mut a: Vec<f64>, b: &[f64]| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a -= b);
        a
    };
    let largest = |x: &[f64]| x.iter().fold(0.0f64, |largest, x| largest.max(x.abs()));
    let constant = map(&vec![0.0; start.len()]);
    let linear = |x: &[f64]| less(less(map(x), &constant), x);
    let (mut point, mut applied) = (start, 0);
    loop {
        let residual = less(map(&point), &point);
        if !residual.iter().all(|x| x.is_finite()) {
            return None;
        }
        let still = accuracy * largest(&point).max(1.0);
        if largest(&residual) <= still {
            return Some(point);
        }
        if applied >= most {
            return None;
        }
        // What the first space does not find is hard to find.
        let dimension = if applied == 0 { DIMENSION.0 } else { SOUGHT };
        let mut space = Space::new(residual, dimension);
        let norm = space.rest_norm();
        space.grow(dimension, &linear);
        applied += space.basis.len() + 1;
        for (vector, weight) in space.basis.iter().zip(space.least_residual(-norm, still.max(REDUCED * norm)))
        {
            point.iter_mut().zip(vector).for_each(|(x, v)| *x += weight * v);
        }
    }
}

fn start(n: usize, project: &impl Fn(&mut [f64])) -> Vec<f64> {
    let mut start: Vec<f64> = (0..n as u64).map(scattered).collect();
    project(&mut start);
    start
}

/// The values that a restart filters away, two by two: conjugates, or two real ones. At least `keep` stay.
fn shifts(values: &[c64], keep: usize) -> Vec<(c64, c64)> {
    let mut pairs = vec![];
    let mut real: Option<c64> = None;
    for &value in values[keep.min(values.len())..].iter().rev() {
        if value.im > 0.0 {
            pairs.push((value, value.conj()));
        } else if value.im == 0.0 {
            match real.take() {
                Some(other) => pairs.push((other, value)),
                None => real = Some(value),
            }
        }
    }
    pairs
}

/// A Krylov space: A V = V H + r eᵀ with V orthonormal, H of Hessenberg form and e the last unit vector.
struct Space {
    basis: Vec<Vec<f64>>,
    hessenberg: Mat<f64>,
    rest: Vec<f64>,
    scale: f64,
}

impl Space {
    fn new(start: Vec<f64>, dimension: usize) -> Self {
        Self { basis: vec![], hessenberg: Mat::zeros(dimension, dimension), rest: start, scale: 0.0 }
    }

    fn rest_norm(&self) -> f64 {
        dot(&self.rest, &self.rest).sqrt()
    }

    /// The space holds all that the map makes of its start.
    fn is_exhausted(&self) -> bool {
        self.rest_norm() <= 1e-14 * self.scale || self.basis.len() >= self.rest.len()
    }

    fn square(&self) -> Mat<f64> {
        let size = self.basis.len();
        Mat::from_fn(size, size, |i, j| self.hessenberg[(i, j)])
    }

    fn grow(&mut self, dimension: usize, map: &impl Fn(&[f64]) -> Vec<f64>) {
        while self.basis.len() < dimension {
            let (size, norm) = (self.basis.len(), self.rest_norm());
            if norm == 0.0 || size > 0 && self.is_exhausted() {
                return;
            }
            if size > 0 {
                self.hessenberg[(size, size - 1)] = norm;
            }
            self.basis.push(self.rest.iter().map(|x| x / norm).collect());
            self.rest = map(&self.basis[size]);
            for _ in 0..2 {
                for (i, vector) in self.basis.iter().enumerate() {
                    let along = dot(vector, &self.rest);
                    self.hessenberg[(i, size)] += along;
                    self.rest.iter_mut().zip(vector).for_each(|(x, v)| *x -= along * v);
                }
            }
            let column = (0..=size).map(|i| self.hessenberg[(i, size)].abs());
            self.scale = column.fold(self.scale.max(self.rest_norm()), f64::max);
        }
    }

    /// The y for which H y, with the row of the rest, is nearest to the first unit vector times `head`, over as many directions
    /// as leave `enough` of it: beyond, they may be rounding.
    fn least_residual(&self, head: f64, enough: f64) -> Vec<f64> {
        let size = self.basis.len();
        let mut h = Mat::zeros(size + 1, size);
        (0..size).for_each(|j| (0..size).for_each(|i| h[(i, j)] = self.hessenberg[(i, j)]));
        h[(size, size - 1)] = self.rest_norm();
        let mut target = vec![0.0; size + 1];
        target[0] = head;
        // Rotations make it a triangle.
        let mut used = 0;
        while used < size && target[used].abs() > enough {
            let k = used;
            used += 1;
            let length = h[(k, k)].hypot(h[(k + 1, k)]);
            let (c, s) = if length > 0.0 { (h[(k, k)] / length, h[(k + 1, k)] / length) } else { (1.0, 0.0) };
            for j in k..size {
                let (a, b) = (h[(k, j)], h[(k + 1, j)]);
                (h[(k, j)], h[(k + 1, j)]) = (c * a + s * b, c * b - s * a);
            }
            let (a, b) = (target[k], target[k + 1]);
            (target[k], target[k + 1]) = (c * a + s * b, c * b - s * a);
        }
        let mut y = vec![0.0; used];
        for k in (0..used).rev() {
            let rest = target[k] - (k + 1..used).map(|j| h[(k, j)] * y[j]).sum::<f64>();
            // What the map does not reach stays.
            y[k] = if h[(k, k)].abs() > f64::EPSILON * self.scale { rest / h[(k, k)] } else { 0.0 };
        }
        y
    }

    /// Filters shifts away, by a step of Francis for each pair; the space shrinks by as many dimensions.
    fn restart(&mut self, pairs: &[(c64, c64)]) {
        let size = self.basis.len();
        let kept = size - 2 * pairs.len();
        let mut turns = Mat::identity(size, size);
        for (a, b) in pairs {
            francis(&mut self.hessenberg, &mut turns, size, (a + b).re, (a * b).re);
        }
        let column = |j: usize| {
            let mut sum = vec![0.0; self.rest.len()];
            for (vector, weight) in self.basis.iter().zip(turns.col_as_slice(j)) {
                sum.iter_mut().zip(vector).for_each(|(x, v)| *x += weight * v);
            }
            sum
        };
        let basis: Vec<Vec<f64>> = (0..kept).map(column).collect();
        let (beside, last) = (self.hessenberg[(kept, kept - 1)], turns[(size - 1, kept - 1)]);
        let mut rest = column(kept);
        rest.iter_mut().zip(&self.rest).for_each(|(x, r)| *x = beside * *x + last * r);
        (self.basis, self.rest) = (basis, rest);
        for j in 0..self.hessenberg.ncols() {
            for i in 0..self.hessenberg.nrows() {
                if j >= kept || i >= kept || i > j + 1 {
                    self.hessenberg[(i, j)] = 0.0;
                }
            }
        }
    }
}

/// A step with two shifts of this sum and product on the leading part of a Hessenberg matrix (Golub, Van Loan, Matrix
/// Computations, 2013, section 7.5), gathered in `turns`.
fn francis(h: &mut Mat<f64>, turns: &mut Mat<f64>, size: usize, sum: f64, product: f64) {
    let mut head = [
        h[(0, 0)] * h[(0, 0)] + h[(0, 1)] * h[(1, 0)] - sum * h[(0, 0)] + product,
        h[(1, 0)] * (h[(0, 0)] + h[(1, 1)] - sum),
        if size > 2 { h[(1, 0)] * h[(2, 1)] } else { 0.0 },
    ];
    for k in 0..size - 1 {
        let width = 3.min(size - k);
        let norm = head[..width].iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 0.0 {
            let mut v = head;
            v[0] += if v[0] < 0.0 { -norm } else { norm };
            let factor = 2.0 / v[..width].iter().map(|x| x * x).sum::<f64>();
            for j in k.saturating_sub(1)..size {
                let along = factor * (0..width).map(|i| v[i] * h[(k + i, j)]).sum::<f64>();
                (0..width).for_each(|i| h[(k + i, j)] -= along * v[i]);
            }
            for (matrix, rows) in [(&mut *h, size.min(k + 4)), (&mut *turns, size)] {
                for i in 0..rows {
                    let along = factor * (0..width).map(|j| v[j] * matrix[(i, k + j)]).sum::<f64>();
                    (0..width).for_each(|j| matrix[(i, k + j)] -= along * v[j]);
                }
            }
        }
        head = [0, 1, 2].map(|i| if k + 1 + i < size { h[(k + 1 + i, k)] } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_point_keeps_what_the_map_conserves() {
        // A slow random walk on a path of n nodes, which conserves the sum, beside a contraction towards 3.
        for n in [5, 40, 300] {
            let map = |x: &[f64]| -> Vec<f64> {
                let (walk, rest) = x.split_at(n);
                let at = |i: usize| walk[i.min(n - 1)];
                let step = |i: usize| 0.5 * at(i) + 0.25 * (at(i.saturating_sub(1)) + at(i + 1));
                (0..n).map(step).chain(rest.iter().map(|x| 0.9 * x + 0.3)).collect()
            };
            let start: Vec<f64> = (0..n).map(|i| i as f64).chain(vec![0.0; 4]).collect();
            let mean = (n - 1) as f64 / 2.0;
            let point = fixed_point(start, 10_000, 1e-13, map).expect("it is reached");
            assert!(point[..n].iter().all(|x| (x - mean).abs() < 1e-7 * mean), "{n}: {point:?}");
            assert!(point[n..].iter().all(|x| (x - 3.0).abs() < 1e-9));
        }
        assert!(fixed_point(vec![0.0], 1_000, 1e-12, |x| vec![x[0] + 1.0]).is_none());
    }

    /// Blocks of two eigenvalues r e^{±iφ} and single ones, coupled above.
    fn triangular(n: usize, value: impl Fn(usize) -> f64) -> impl Fn(&[f64]) -> Vec<f64> {
        move |x: &[f64]| {
            (0..n)
                .map(|i| {
                    value(i) * x[i]
                        + (i + 1..n.min(i + 4)).map(|j| 0.005 * x[j] / (j - i) as f64).sum::<f64>()
                })
                .collect()
        }
    }

    #[test]
    fn restarts_find_what_one_space_does_not() {
        let n = 2000;
        let map = triangular(n, |i| if i == 7 { 0.97 } else { 0.96 * ((i * 37) % n) as f64 / n as f64 });
        let found = dominant(n, 1000, &map, |_| {});
        assert!((found.values[0].re - 0.97).abs() < 1e-9 && found.residual < 1e-10, "{found:?}");
        let once = dominant(n, 1, &map, |_| {});
        assert!(once.residual > 1e-6, "{}", once.residual);
    }

    #[test]
    fn conjugates_stay_together() {
        let n = 900;
        let map = |x: &[f64]| {
            let turned = |i: usize| {
                let (sin, cos) = (i as f64 * 0.01).sin_cos();
                let radius = if i == 300 { 0.95 } else { 0.9 };
                let (a, b) = (x[2 * i], x[2 * i + 1]);
                [radius * (cos * a - sin * b), radius * (sin * a + cos * b)]
            };
            (0..n / 2).flat_map(turned).collect()
        };
        let found = dominant(n, 1000, map, |_| {});
        assert!((found.values[0].norm() - 0.95).abs() < 1e-10, "{found:?}");
        assert_eq!(found.values[0], found.values[1].conj());
    }

    #[test]
    fn small_spaces_are_exhausted() {
        let found = dominant(3, 100, |x| vec![2.0 * x[0], x[1], x[0]], |_| {});
        assert!((found.values[0].re - 2.0).abs() < 1e-12 && found.residual < 1e-12);
        assert!(dominant(3, 100, |_| vec![0.0; 3], |x| x.fill(0.0)).values.is_empty());
    }

    #[test]
    fn the_leading_vector_is_an_eigenvector() {
        let n = 300;
        let map = |x: &[f64]| x.iter().enumerate().map(|(i, x)| x / (1 + i) as f64).collect();
        let vector = leading_vector(n, 24, map, |_| {}).expect("symmetric");
        assert!((vector[0].abs() - 1.0).abs() < 1e-9);
    }
}
