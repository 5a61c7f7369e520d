//! Dense symmetric matrices with the same bits on every machine: additions, products, quotients and square roots in a
//! fixed order, nothing fused. For numbers that a program is made of; what only proves something may use faer.

use crate::tridiagonal::Tridiagonal;

/// Columns that are eliminated together.
const PANEL: usize = 32;

/// A square matrix, by rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Square {
    size: usize,
    entries: Vec<f64>,
}

impl Square {
    /// The matrix of these entries.
    pub fn from_fn(size: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let entries = (0..size * size).map(|at| entry(at / size, at % size)).collect();
        Self { size, entries }
    }

    /// Zero.
    pub fn zeros(size: usize) -> Self {
        Self { size, entries: vec![0.0; size * size] }
    }

    /// The number of rows.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * self.size..(i + 1) * self.size]
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.entries[i * self.size..(i + 1) * self.size]
    }

    /// All entries, by rows.
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    /// Entry (i, j), to change it.
    pub fn at_mut(&mut self, i: usize, j: usize) -> &mut f64 {
        &mut self.entries[i * self.size + j]
    }

    /// Adds a multiple of another.
    pub fn add(&mut self, factor: f64, other: &Self) {
        self.entries.iter_mut().zip(&other.entries).for_each(|(x, y)| *x += factor * y);
    }

    /// Adds a multiple of (e_i − e_j)(e_i − e_j)ᵀ.
    pub fn add_edge(&mut self, i: usize, j: usize, weight: f64) {
        *self.at_mut(i, i) += weight;
        *self.at_mut(j, j) += weight;
        *self.at_mut(i, j) -= weight;
        *self.at_mut(j, i) -= weight;
    }

    /// Adds a number to the diagonal.
    pub fn add_to_diagonal(&mut self, value: f64) {
        (0..self.size).for_each(|i| *self.at_mut(i, i) += value);
    }

    /// Σ of the diagonal.
    pub fn trace(&self) -> f64 {
        (0..self.size).map(|i| self.row(i)[i]).sum()
    }

    /// Σ of the products of entries.
    pub fn inner(&self, other: &Self) -> f64 {
        dot(&self.entries, &other.entries)
    }

    /// A B.
    pub fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.size);
        for i in 0..self.size {
            accumulate(product.row_mut(i), self.row(i), &other.entries, other.size, 1.0);
        }
        product
    }

    /// (A + Aᵀ) / 2.
    pub fn symmetrized(&self) -> Self {
        Self::from_fn(self.size, |i, j| 0.5 * (self.row(i)[j] + self.row(j)[i]))
    }

    /// The lower factor of Cholesky; `None` if the matrix, of which the lower half is read, is not positive definite as
    /// far as rounding allows.
    pub fn cholesky(&self) -> Option<Lower> {
        let n = self.size;
        let mut factor = self.clone();
        for start in (0..n).step_by(PANEL) {
            let end = (start + PANEL).min(n);
            for i in start..n {
                for j in start..end.min(i + 1) {
                    let (row, other) = (factor.row(i), factor.row(j));
                    let rest = row[j] - dot(&row[start..j], &other[start..j]);
                    let entry = match i == j {
                        true if rest > 0.0 => rest.sqrt(),
                        true => return None,
                        false => rest / other[j],
                    };
                    *factor.at_mut(i, j) = entry;
                }
            }
            let width = n - end;
            let mut panel = vec![0.0; (end - start) * width];
            for (k, line) in panel.chunks_exact_mut(width.max(1)).enumerate() {
                line.iter_mut().enumerate().for_each(|(j, x)| *x = factor.row(end + j)[start + k]);
            }
            for i in end..n {
                let (done, rest) = factor.row_mut(i)[start..=i].split_at_mut(end - start);
                accumulate(rest, done, &panel, width, -1.0);
            }
        }
        for i in 0..n {
            factor.row_mut(i)[i + 1..].fill(0.0);
        }
        Some(Lower(factor))
    }

    /// Eigenvalues by index in ascending order, of a symmetric matrix.
    pub fn eigenvalues(&self, wanted: &[usize]) -> Vec<f64> {
        let tridiagonal = Tridiagonal::new(self.clone());
        wanted.iter().map(|&index| tridiagonal.eigenvalue(index)).collect()
    }

    /// The eigenvalues of a symmetric matrix, ascending; those that agree up to the last bits may be listed only once.
    pub fn distinct_eigenvalues(&self) -> Vec<f64> {
        Tridiagonal::new(self.clone()).distinct_eigenvalues()
    }
}

/// A lower triangular matrix L.
#[derive(Clone, Debug)]
pub struct Lower(Square);

impl Lower {
    /// (L Lᵀ)⁻¹ b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for i in 0..x.len() {
            let row = self.0.row(i);
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        for i in (0..x.len()).rev() {
            let row = self.0.row(i);
            x[i] /= row[i];
            let last = x[i];
            x[..i].iter_mut().zip(row).for_each(|(x, l)| *x -= last * l);
        }
        x
    }

    /// L⁻¹.
    fn inverse_factor(&self) -> Square {
        let n = self.0.size;
        let mut inverse = Square::zeros(n);
        for i in 0..n {
            let row = self.0.row(i);
            let mut line = vec![0.0; n];
            accumulate(&mut line[..i], &row[..i], &inverse.entries, n, -1.0);
            line[i] = 1.0;
            line.iter_mut().for_each(|x| *x /= row[i]);
            inverse.row_mut(i).copy_from_slice(&line);
        }
        inverse
    }

    /// (L Lᵀ)⁻¹.
    pub fn inverse(&self) -> Square {
        let factor = self.inverse_factor();
        transpose(&factor).times(&factor).symmetrized()
    }

    /// The least eigenvalue of L⁻¹ A L⁻ᵀ for a symmetric A.
    pub fn least_eigenvalue(&self, a: &Square) -> f64 {
        let factor = self.inverse_factor();
        let similar = factor.times(a).times(&transpose(&factor)).symmetrized();
        similar.eigenvalues(&[0])[0]
    }
}

fn transpose(a: &Square) -> Square {
    Square::from_fn(a.size, |i, j| a.row(j)[i])
}

/// Adds `sign` Σ_k c[k] rows[k] to `line`; `rows` are `width` apart, and of each the first entries count.
fn accumulate(line: &mut [f64], c: &[f64], rows: &[f64], width: usize, sign: f64) {
    let n = line.len();
    let row = |k: usize| &rows[k * width..k * width + n];
    let blocks = c.len() / 4 * 4;
    for k in (0..blocks).step_by(4) {
        let [a, b, c, d] = [c[k] * sign, c[k + 1] * sign, c[k + 2] * sign, c[k + 3] * sign];
        let (p, q, r, s) = (row(k), row(k + 1), row(k + 2), row(k + 3));
        for j in 0..n {
            line[j] = line[j] + a * p[j] + b * q[j] + c * r[j] + d * s[j];
        }
    }
    for (k, factor) in c.iter().enumerate().skip(blocks) {
        let factor = factor * sign;
        line.iter_mut().zip(row(k)).for_each(|(x, y)| *x += factor * y);
    }
}

/// Σ of products, in four sums.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a, b) = (a.chunks_exact(4), b[..a.len()].chunks_exact(4));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        (0..4).for_each(|k| sums[k] += a[k] * b[k]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Takes the mean away.
pub fn center(vector: &mut [f64]) {
    let mean = vector.iter().sum::<f64>() / vector.len() as f64;
    vector.iter_mut().for_each(|x| *x -= mean);
}

/// e^{2πik/n} as (cosine, sine), within 10⁻¹⁵, from an angle of at most π/4.
pub fn root_of_unity(k: u64, n: u64) -> (f64, f64) {
    // In eighths of a turn; odd octants count down from the next axis.
    let octant = (8 * k / n) % 8;
    let eighths = 8 * (k % n) - octant * n;
    let folded = if octant.is_multiple_of(2) { eighths } else { n - eighths };
    let (cos, sin) = cosine_and_sine(std::f64::consts::FRAC_PI_4 * (folded as f64 / n as f64));
    match octant {
        0 => (cos, sin),
        1 => (sin, cos),
        2 => (-sin, cos),
        3 => (-cos, sin),
        4 => (-cos, -sin),
        5 => (-sin, -cos),
        6 => (sin, -cos),
        _ => (cos, -sin),
    }
}

/// All n-th roots of unity, the k-th as [`root_of_unity`]: those of one octant, or half a turn, determine the others.
pub fn roots_of_unity(n: u64) -> Vec<(f64, f64)> {
    let mut roots = vec![(1.0, 0.0); n as usize];
    let mut put = |k: u64, root| roots[(k % n) as usize] = root;
    if !n.is_multiple_of(8) {
        for k in 0..=n / 2 {
            let (cos, sin) = root_of_unity(k, n);
            put(n - k, (cos, -sin));
            put(k, (cos, sin));
        }
        return roots;
    }
    for k in 0..=n / 8 {
        let (cos, sin) = root_of_unity(k, n);
        let quarter = [(cos, sin), (-sin, cos), (-cos, -sin), (sin, -cos)];
        for (turn, (re, im)) in (0..).zip(quarter) {
            put(turn * n / 4 + k, (re, im));
            // The same, reflected in the line between two axes.
            if k < n / 8 {
                let (re, im) = quarter[3 - turn as usize];
                put((turn + 1) * n / 4 - k, (re, -im));
            }
        }
    }
    roots
}

/// Taylor's series up to x¹⁷, for 0 ≤ x ≤ π/4: what follows is below 10⁻¹⁷.
fn cosine_and_sine(x: f64) -> (f64, f64) {
    let square = x * x;
    // 1 − x²/(k+1)(k+2) (1 − x²/(k+3)(k+4) (…)).
    let series = |first: u64| {
        let steps = (0..8u64).rev().map(|step| first + 2 * step);
        steps.fold(1.0, |rest, k| 1.0 - square / ((k + 1) * (k + 2)) as f64 * rest)
    };
    (series(0), x * series(1))
}

/// The k-th of a fixed sequence of numbers between −1/2 and 1/2 (SplitMix64).
pub(crate) fn scattered(k: u64) -> f64 {
    let mut z = (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered_matrix(n: usize) -> Square {
        Square::from_fn(n, |i, j| scattered((i.min(j) * n + i.max(j)) as u64))
    }

    #[test]
    fn factors_invert() {
        for n in [1, 2, 5, 31, 32, 33, 70, 100] {
            let a = scattered_matrix(n);
            let mut gram = a.times(&a);
            gram.add_to_diagonal(0.5);
            let factor = gram.cholesky().expect("positive definite");
            let product = factor.inverse().times(&gram);
            let one = Square::from_fn(n, |i, j| if i == j { 1.0 } else { 0.0 });
            let off = product.entries().iter().zip(one.entries()).map(|(x, y)| (x - y).abs());
            assert!(off.fold(0.0, f64::max) < 1e-10, "{n}");
            let b: Vec<f64> = (0..n as u64).map(scattered).collect();
            let x = factor.solve(&b);
            let back: Vec<f64> = (0..n).map(|i| dot(gram.row(i), &x)).collect();
            assert!(back.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-10), "{n}");
            gram.add_to_diagonal(-1.0 - gram.trace());
            assert!(gram.cholesky().is_none());
        }
    }

    #[test]
    fn distinct_eigenvalues_are_all_of_them() {
        let scattered = scattered_matrix(40);
        let all = scattered.eigenvalues(&(0..40).collect::<Vec<_>>());
        let distinct = scattered.distinct_eigenvalues();
        assert_eq!(distinct.len(), 40);
        assert!(all.iter().zip(&distinct).all(|(x, y)| (x - y).abs() < 1e-13));
        let star = Square::from_fn(9, |i, j| if (i == 0) != (j == 0) { 1.0 } else { 0.0 });
        let mut values = star.distinct_eigenvalues();
        values.dedup_by(|a, b| (*a - *b).abs() < 1e-12);
        let root = 8f64.sqrt();
        assert_eq!(values.len(), 3);
        assert!(values.iter().zip([-root, 0.0, root]).all(|(x, y)| (x - y).abs() < 1e-14));
    }

    #[test]
    fn eigenvalues_of_a_path_are_cosines() {
        let n = 50;
        let path = Square::from_fn(n, |i, j| if i.abs_diff(j) == 1 { 1.0 } else { 0.0 });
        let all: Vec<usize> = (0..n).collect();
        let cosine = |k: usize| -2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
        for (k, value) in path.eigenvalues(&all).into_iter().enumerate() {
            assert!((value - cosine(k)).abs() < 1e-13, "{k}: {value}");
        }
    }

    #[test]
    fn roots_go_round() {
        for n in [1u64, 2, 3, 4, 5, 7, 8, 12, 1000, 1 << 20] {
            for k in (0..n).step_by(1 + n as usize / 1000) {
                let (sin, cos) = (std::f64::consts::TAU * (k as f64 / n as f64)).sin_cos();
                let (re, im) = root_of_unity(k, n);
                assert!((re - cos).abs() < 3e-15 && (im - sin).abs() < 3e-15, "{k}/{n}");
                assert!((re * re + im * im - 1.0).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn tables_of_roots_hold_each() {
        for n in [1u64, 2, 3, 4, 6, 8, 12, 15, 16, 24, 40, 1000, 4096] {
            for (k, (re, im)) in (0..).zip(roots_of_unity(n)) {
                let (cos, sin) = root_of_unity(k, n);
                let off = if n.is_multiple_of(8) { 0.0 } else { 3e-16 };
                assert!((re - cos).abs() <= off && (im - sin).abs() <= off, "{k}/{n}");
            }
        }
    }

    #[test]
    fn eigenvalues_sum_to_the_trace() {
        let a = scattered_matrix(40);
        let all: Vec<usize> = (0..40).collect();
        let sum: f64 = a.eigenvalues(&all).iter().sum();
        assert!((sum - a.trace()).abs() < 1e-12);
    }
}
