//! A vector as a matrix by rows, products with thin matrices beside it, and orthonormal columns: in `f64`, with sums in an
//! order that is the same on every machine.

use crate::element::Element;
use crate::kernel::dot;
use bfc_schedule::compression::Sizes;

/// Columns, each in one piece.
pub(super) type Columns = Vec<Vec<f64>>;

/// A vector seen as a matrix by rows; past its end it is 0.
pub(super) struct Matrix<'a, T> {
    pub(super) sizes: Sizes,
    pub(super) x: &'a [T],
}

impl<'a, T: Element> Matrix<'a, T> {
    /// The rows as far as the vector goes.
    fn rows(&self) -> impl Iterator<Item = &'a [T]> {
        let (x, columns) = (self.x, self.sizes.columns);
        let place = move |row: usize| (row * columns).min(x.len());
        (0..self.sizes.rows).map(move |row| &x[place(row)..place(row + 1)])
    }

    /// M v for each column v.
    pub(super) fn times(&self, columns: &[Vec<f64>]) -> Columns {
        let mut products = vec![vec![0.0; self.sizes.rows]; columns.len()];
        for (index, row) in self.rows().enumerate() {
            for (product, column) in products.iter_mut().zip(columns) {
                product[index] = dot(row, column);
            }
        }
        products
    }

    /// Mᵀ u for each column u.
    pub(super) fn transposed_times(&self, columns: &[Vec<f64>]) -> Columns {
        let mut products = vec![vec![0.0; self.sizes.columns]; columns.len()];
        for (index, row) in self.rows().enumerate() {
            for (product, column) in products.iter_mut().zip(columns) {
                product.iter_mut().zip(row).for_each(|(sum, x)| *sum += column[index] * x.to_f64());
            }
        }
        products
    }

    /// The rows with the largest norms, as columns; of equal ones the first.
    pub(super) fn largest_rows(&self, count: usize) -> Columns {
        let rows: Vec<&[T]> = self.rows().collect();
        let norms: Vec<f64> = rows.iter().map(|row| dot(row, row)).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|a, b| norms[*b].total_cmp(&norms[*a]).then(a.cmp(b)));
        order.into_iter().take(count).map(|row| rows[row].iter().map(|x| x.to_f64()).collect()).collect()
    }
}

/// Changes a vector seen as a matrix by the elements of Σ_k `left[k] right[k]ᵀ`.
pub(super) fn each_of_product<T: Element>(
    x: &mut [T],
    sizes: Sizes,
    left: &[Vec<f64>],
    right: &[Vec<f64>],
    change: impl Fn(&mut T, f64),
) {
    // So many sums at a time stay in registers.
    const SUMS: usize = 8;
    for (index, row) in x.chunks_mut(sizes.columns.max(1)).enumerate() {
        let (blocks, last) = row.as_chunks_mut::<SUMS>();
        let rest = blocks.len() * SUMS;
        for (block, at) in blocks.iter_mut().zip((0..).step_by(SUMS)) {
            let mut sums = [0.0; SUMS];
            for (left, right) in left.iter().zip(right) {
                let right = &right[at..at + SUMS];
                sums.iter_mut().zip(right).for_each(|(sum, right)| *sum += left[index] * right);
            }
            block.iter_mut().zip(sums).for_each(|(x, sum)| change(x, sum));
        }
        for (x, at) in last.iter_mut().zip(rest..) {
            let terms = left.iter().zip(right).map(|(left, right)| left[index] * right[at]);
            change(x, terms.fold(0.0, |sum, term| sum + term));
        }
    }
}

/// What of a direction is new beside an orthonormal basis, with norm 1 (Gram and Schmidt, twice over); `None` where
/// nothing is.
pub(super) fn orthonormal(mut direction: Vec<f64>, basis: &[Vec<f64>]) -> Option<Vec<f64>> {
    let norm = dot(&direction, &direction).sqrt();
    for other in basis.iter().chain(basis) {
        let along = dot(&direction, other);
        direction.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
    }
    let left = dot(&direction, &direction).sqrt();
    if left <= norm * 1e-9 {
        return None;
    }
    direction.iter_mut().for_each(|x| *x /= left);
    Some(direction)
}
