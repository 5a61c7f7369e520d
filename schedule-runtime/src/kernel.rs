//! Sums over slices: `Σ_j w_j x_j` term by term, every product and every sum rounded by itself.

use crate::element::Element;

/// `sum ← weight · x`.
pub fn scale<T: Element>(sum: &mut [T], weight: T, x: &[T]) {
    for (sum, &x) in sum.iter_mut().zip(x) {
        *sum = weight * x;
    }
}

/// `sum ← self_weight · x + weight · y`.
pub fn first<T: Element>(sum: &mut [T], self_weight: T, x: &[T], weight: T, y: &[T]) {
    for ((sum, &x), &y) in sum.iter_mut().zip(x).zip(y) {
        *sum = self_weight * x + weight * y;
    }
}

/// `sum ← sum + weight · y`.
pub fn accumulate<T: Element>(sum: &mut [T], weight: T, y: &[T]) {
    for (sum, &y) in sum.iter_mut().zip(y) {
        *sum = *sum + weight * y;
    }
}

/// `sum ← sum + y`.
pub fn add<T: Element>(sum: &mut [T], y: &[T]) {
    for (sum, &y) in sum.iter_mut().zip(y) {
        *sum = *sum + y;
    }
}

/// `x, y ← a[0]·x + a[1]·y, b[0]·y + b[1]·x`: both sides of a symmetric round at once.
pub fn pair<T: Element>(x: &mut [T], y: &mut [T], a: [T; 2], b: [T; 2]) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (a[0] * *x + a[1] * *y, b[0] * *y + b[1] * *x);
    }
}

/// `Σ_k x_k y_k` in `f64`, as far as both go: eight sums, each of every eighth product in order, are added up in order.
pub fn dot<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    const SUMS: usize = 8;
    let length = x.len().min(y.len());
    let ((x, last_x), (y, last_y)) = (x[..length].as_chunks::<SUMS>(), y[..length].as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (x, y) in x.iter().zip(y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x.to_f64() * y.to_f64();
        }
    }
    for ((sum, x), y) in sums.iter_mut().zip(last_x).zip(last_y) {
        *sum += x.to_f64() * y.to_f64();
    }
    sums.iter().sum()
}
