//! From the eigenvalues of a normal matrix to its effective number of neighbours.

use super::{Enclosure, UNIT};

/// The part of old neighbours' values that still counts after a step, in the number of effective neighbours.
const MEMORY: f64 = 0.9;

/// Σ |λ|²/(1 − γ|λ|²) over eigenvalues besides 1.
#[derive(Default)]
pub(crate) struct Noise {
    sum: f64,
    pub(crate) largest: f64,
}

impl Noise {
    /// Adds an eigenvalue by the square of its modulus.
    pub(crate) fn add(&mut self, square: f64, multiplicity: f64) {
        self.sum += multiplicity * square / (1.0 - MEMORY * square);
        self.largest = self.largest.max(square);
    }

    /// 1/(1 − γ) over the mean, given a bound on the error of an eigenvalue; `None` where an eigenvalue is so far outside
    /// of the unit circle that the noise grows.
    pub(crate) fn effective_neighbours(&self, size: u32, error: f64) -> Option<Enclosure> {
        let room = 1.0 - MEMORY * (self.largest.sqrt() + error).powi(2);
        if room.is_nan() || room <= 1e-3 {
            return None;
        }
        let one = 1.0 / (1.0 - MEMORY);
        let n = f64::from(size);
        let sum = one + self.sum;
        // d/d|λ| of |λ|²/(1 − γ|λ|²) is 2|λ|/(1 − γ|λ|²)²; n of them, and n roundings of the sum.
        let steepest = 2.0 * (self.largest.sqrt() + error) / (room * room);
        let off = n * steepest * error + 4.0 * UNIT * n * sum;
        let value = one * n / sum;
        Some(Enclosure::around(value, value * (off / (sum - off).max(1e-300) + 8.0 * UNIT)))
    }
}
