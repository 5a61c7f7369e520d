//! The two problems: f_i quadratic on every rank i, different on each, so that averaging models is not enough.

/// Numbers of one rank, or of one row.
pub type Vector = Vec<f64>;

/// f_i(x) = xᵀ H_i x / 2 − c_iᵀ x + constant.
pub struct Problem {
    /// H_i by rank, row by row.
    pub hessians: Vec<Vec<Vector>>,
    /// c_i by rank.
    pub linear: Vec<Vector>,
    /// Where the sum over all ranks is least.
    pub optimum: Vector,
}

/// P1: f_i(x) = a_i (x − i)² / 2 with a_i = 1 + (i mod 4) / 4.
pub fn scalar(ranks: usize) -> Problem {
    parabolas(ranks, |i| 1.0 + (i % 4) as f64 / 4.0)
}

/// f_i(x) = a_i (x − i)² / 2.
pub fn parabolas(ranks: usize, a: impl Fn(usize) -> f64) -> Problem {
    let hessians = (0..ranks).map(|i| vec![vec![a(i)]]).collect();
    Problem::new(hessians, (0..ranks).map(|i| vec![a(i) * i as f64]).collect())
}

/// P2: f_i(x) = ‖A_i x − b_i‖² / 8 with A_i of 4 × 3.
pub fn least_squares(ranks: usize) -> Problem {
    let a = |i: usize, r: usize, c: usize| ((5 * i + 3 * r + 7 * c + 2 * r * c) % 11) as f64 / 5.0 - 1.0;
    let b = |i: usize, r: usize| (((3 * i + 7 * r) % 13) as f64 - 6.0) / 3.0;
    let sum = |term: &dyn Fn(usize) -> f64| (0..4).map(term).sum::<f64>() / 4.0;
    let hessian = |i| (0..3).map(|k| (0..3).map(|l| sum(&|r| a(i, r, k) * a(i, r, l))).collect()).collect();
    let linear = |i| (0..3).map(|k| sum(&|r| a(i, r, k) * b(i, r))).collect();
    Problem::new((0..ranks).map(hessian).collect(), (0..ranks).map(linear).collect())
}

impl Problem {
    fn new(hessians: Vec<Vec<Vector>>, linear: Vec<Vector>) -> Self {
        let dimension = linear[0].len();
        let total = |of: &dyn Fn(usize) -> f64| (0..linear.len()).map(of).sum::<f64>();
        let matrix =
            (0..dimension).map(|k| (0..dimension).map(|l| total(&|i| hessians[i][k][l])).collect()).collect();
        let right = (0..dimension).map(|k| total(&|i| linear[i][k])).collect();
        let optimum = solve(matrix, right);
        Self { hessians, linear, optimum }
    }

    /// Ranks.
    pub fn ranks(&self) -> usize {
        self.linear.len()
    }

    /// Elements of a model.
    pub fn dimension(&self) -> usize {
        self.optimum.len()
    }

    /// ∇f_i(x) = H_i x − c_i.
    pub fn gradient(&self, rank: usize, x: &[f64], into: &mut [f64]) {
        for (k, into) in into.iter_mut().enumerate() {
            let row = &self.hessians[rank][k];
            *into = row.iter().zip(x).map(|(h, x)| h * x).sum::<f64>() - self.linear[rank][k];
        }
    }

    /// argmin f_i(x) + ρ/2 ‖x − z‖²: (H_i + ρ I) x = c_i + ρ z.
    pub fn minimizer(&self, rank: usize, z: &[f64], rho: f64) -> Vector {
        let mut matrix = self.hessians[rank].clone();
        matrix.iter_mut().enumerate().for_each(|(k, row)| row[k] += rho);
        solve(matrix, self.linear[rank].iter().zip(z).map(|(c, z)| c + rho * z).collect())
    }

    /// ‖X − 1x*‖ / ‖1x*‖ in the Frobenius norm: the error relative to that of the start, which is 0.
    pub fn error(&self, models: &[Vector]) -> f64 {
        let square = |difference: f64| difference * difference;
        let distances = models.iter().flat_map(|x| x.iter().zip(&self.optimum).map(|(x, o)| square(x - o)));
        let start = models.len() as f64 * self.optimum.iter().map(|o| square(*o)).sum::<f64>();
        (distances.sum::<f64>() / start).sqrt()
    }
}

/// Solves a system of linear equations, by elimination with row pivots.
pub fn solve(mut matrix: Vec<Vector>, mut right: Vector) -> Vector {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))
            .expect("a row");
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..size {
            let factor = matrix[row][column] / matrix[column][column];
            let (above, below) = matrix.split_at_mut(row);
            below[0].iter_mut().zip(&above[column]).for_each(|(entry, top)| *entry -= factor * top);
            right[row] -= factor * right[column];
        }
    }
    for column in (0..size).rev() {
        let known: f64 = (column + 1..size).map(|k| matrix[column][k] * right[k]).sum();
        right[column] = (right[column] - known) / matrix[column][column];
    }
    right
}

#[test]
fn optima_are_the_published_ones() {
    for (ranks, optimum) in [(8, 41.0 / 11.0), (12, 63.0 / 11.0), (16, 85.0 / 11.0)] {
        assert!((scalar(ranks).optimum[0] - optimum).abs() < 1e-13);
    }
    for (ranks, optimum) in [
        (8, [0.305850416322, -0.00247288865393, 0.0750752996334]),
        (16, [0.100892404171, -0.224639878544, -0.0177002325231]),
    ] {
        let found = least_squares(ranks).optimum;
        found.iter().zip(optimum).for_each(|(found, expected)| assert!((found - expected).abs() < 1e-12));
    }
}
