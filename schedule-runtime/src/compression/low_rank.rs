//! A matrix as the product of two thin ones: one step of power iteration (Vogels et al., "PowerSGD", 2019), here from the
//! rows with the largest norms, so that the projection never misses the matrix altogether.
//!
//! With M the matrix and Q₀ these rows as columns: P = orth(M Q₀), Q = Mᵀ P, and the code is P, then Q, column by column;
//! M is read as P Qᵀ.

use super::thin::{Columns, Matrix, each_of_product, orthonormal};
use super::{elements, put};
use crate::element::Element;
use bfc_schedule::compression::Sizes;

pub(super) fn encode<T: Element>(sizes: Sizes, x: &[T], code: &mut [u8]) {
    let matrix = Matrix { sizes, x };
    let mut basis = Columns::new();
    for column in matrix.times(&matrix.largest_rows(sizes.rank)) {
        let new = orthonormal(column, &basis).unwrap_or_else(|| vec![0.0; sizes.rows]);
        basis.push(new);
    }
    // What is sent is rounded, and its other side belongs to what is sent.
    basis.iter_mut().flatten().for_each(|p| *p = T::from_f64(*p).to_f64());
    let coordinates = matrix.transposed_times(&basis);
    put(code, basis.iter().chain(&coordinates).flatten().map(|number| T::from_f64(*number)));
}

pub(super) fn decode<T: Element>(sizes: Sizes, code: &[u8], x: &mut [T]) {
    let (left, right) = code.split_at(sizes.rows * sizes.rank * size_of::<T>());
    let columns = |bytes, height: usize| -> Columns {
        let numbers: Vec<f64> = elements::<T>(bytes).map(T::to_f64).collect();
        numbers.chunks_exact(height.max(1)).map(<[f64]>::to_vec).collect()
    };
    let (left, right) = (columns(left, sizes.rows), columns(right, sizes.columns));
    each_of_product(x, sizes, &left, &right, |x, product| *x = T::from_f64(product));
}
