//! A matrix as the product of two thin ones: one step of power iteration (Vogels et al., "PowerSGD", 2019), here from the
//! rows with the largest norms, so that the projection never misses the matrix altogether.
//!
//! With M the matrix and Q₀ these rows as columns: P = orth(M Q₀), Q = Mᵀ P, and the code is P, then Q, column by column;
//! M is read as P Qᵀ.

use super::{elements, put};
use crate::element::Element;

/// Rows, columns and rank.
pub(super) type Size = (usize, usize, usize);

pub(super) fn encode<T: Element>((rows, columns, rank): Size, x: &[T], code: &mut [u8]) {
    let matrix = Matrix { rows, columns, x };
    let mut basis: Vec<Vec<f64>> =
        matrix.largest_rows(rank).into_iter().map(|row| matrix.times(&matrix.row(row))).collect();
    orthonormalize(&mut basis);
    let (left, right) = code.split_at_mut(rows * rank * size_of::<T>());
    for (index, column) in basis.iter_mut().enumerate() {
        column.iter_mut().for_each(|p| *p = T::from_f64(*p).to_f64());
        put(part(left, index, rows * size_of::<T>()), column.iter().map(|p| T::from_f64(*p)));
        let coordinates = matrix.transposed_times(column);
        put(part(right, index, columns * size_of::<T>()), coordinates.into_iter().map(|q| T::from_f64(q)));
    }
}

pub(super) fn decode<T: Element>((rows, columns, rank): Size, code: &[u8], x: &mut [T]) {
    let (left, right) = code.split_at(rows * rank * size_of::<T>());
    let numbers = |bytes| elements::<T>(bytes).map(T::to_f64).collect::<Vec<f64>>();
    let (left, right) = (numbers(left), numbers(right));
    for (index, x) in x.iter_mut().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let term = |k: usize| left[k * rows + row] * right[k * columns + column];
        *x = T::from_f64((0..rank).map(term).sum());
    }
}

fn part(bytes: &mut [u8], index: usize, length: usize) -> &mut [u8] {
    &mut bytes[index * length..(index + 1) * length]
}

/// A vector seen as a matrix by rows; past its end it is 0.
pub(super) struct Matrix<'a, T> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) x: &'a [T],
}

impl<T: Element> Matrix<'_, T> {
    fn row(&self, row: usize) -> Vec<f64> {
        let at = |index: usize| self.x.get(index).map_or(0.0, |x| x.to_f64());
        (row * self.columns..(row + 1) * self.columns).map(at).collect()
    }

    /// The rows with the largest norms; of equal ones the first.
    fn largest_rows(&self, count: usize) -> Vec<usize> {
        let norms: Vec<f64> = (0..self.rows).map(|row| dot(&self.row(row), &self.row(row))).collect();
        let mut rows: Vec<usize> = (0..self.rows).collect();
        rows.sort_by(|a, b| norms[*b].total_cmp(&norms[*a]).then(a.cmp(b)));
        rows.truncate(count);
        rows
    }

    pub(super) fn times(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.rows).map(|row| dot(&self.row(row), vector)).collect()
    }

    pub(super) fn transposed_times(&self, vector: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.columns];
        for (row, factor) in vector.iter().enumerate() {
            sum.iter_mut().zip(self.row(row)).for_each(|(sum, x)| *sum += factor * x);
        }
        sum
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gram and Schmidt, twice over; a column that depends on those before becomes 0.
fn orthonormalize(columns: &mut [Vec<f64>]) {
    for index in 0..columns.len() {
        let (before, rest) = columns.split_at_mut(index);
        let column = &mut rest[0];
        let norm = dot(column, column).sqrt();
        for _ in 0..2 {
            for other in before.iter() {
                let along = dot(column, other);
                column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let left = dot(column, column).sqrt();
        let scale = if left > norm * 1e-12 { 1.0 / left } else { 0.0 };
        column.iter_mut().for_each(|x| *x *= scale);
    }
}
