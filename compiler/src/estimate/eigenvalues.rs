//! All eigenvalues of a period product, for a picture of them: by characters at any size, else by dense algebra.
//!
//! They are computed in floating point, except where exact arithmetic has found that a period averages exactly: 1 and 0 are the
//! only eigenvalues then, but a dense solver would find a circle of rounding errors around 0.

use crate::prove::facts::Facts;
use crate::spectrum::dense::Rows;
use crate::spectrum::{GENERAL_LIMIT, Source};
use bfc_algebra::{Mat, eigenvalues as solve};
use serde::Serialize;
use std::collections::BTreeSet;

/// Cells of a grid per unit of length: values in one cell are one point of a picture.
const GRID: f64 = 512.0;
/// The most values that are kept.
const MOST: usize = 4096;
/// The most characters whose values are computed.
const MOST_CHARACTERS: usize = 1 << 22;

/// The eigenvalues of a period product as points of the complex plane.
#[derive(Clone, Debug, Serialize)]
pub struct Eigenvalues {
    /// Real and imaginary parts, the largest modulus first; of values in one cell of a grid of side 1/512, the first.
    pub values: Vec<[f64; 2]>,
    /// How many different values of smaller modulus are left out.
    pub hidden: usize,
}

/// The eigenvalues; `None` if there are too many ranks for a dense solver and no structure that gives them all.
pub(crate) fn eigenvalues(facts: &Facts) -> Option<Eigenvalues> {
    let has_one = facts.row_stochastic().is_ok() || facts.column_stochastic().is_ok();
    if facts.size() == 1 {
        return Some(Eigenvalues::new([[1.0, 0.0]]));
    }
    if has_one && facts.numbers().period_radius.high == 0.0 {
        return Some(Eigenvalues::new([[1.0, 0.0], [0.0, 0.0]]));
    }
    match &facts.spectrum().source {
        Source::Characters { characters, .. } if characters.count() <= MOST_CHARACTERS => {
            // The trivial character's value is the sum of a row: 1, where rows sum to 1.
            let mut points = Points::default();
            let sum = facts.row_sums().iter().flatten().map(|sum| sum.to_f64()).product::<f64>();
            points.add([if has_one { 1.0 } else { sum }, 0.0]);
            characters.each(|_, phases| {
                let product = phases.iter().fold((1.0, 0.0), |(re, im), phase| {
                    (re * phase.re - im * phase.im, re * phase.im + im * phase.re)
                });
                points.add([product.0, product.1]);
                points.add([product.0, -product.1]);
                true
            });
            Some(points.eigenvalues())
        }
        Source::Normal if facts.has_all_eigenvalues() => {
            let values = facts.eigenvalues()?.values.iter().map(|(value, _)| [*value, 0.0]);
            Some(Eigenvalues::new(values))
        }
        _ if facts.size() <= GENERAL_LIMIT => dense(facts),
        _ => None,
    }
}

fn dense(facts: &Facts) -> Option<Eigenvalues> {
    let size = facts.size() as usize;
    let start = Mat::from_fn(size, size, |i, j| f64::from(u8::from(i == j)));
    let product = facts.phases.iter().fold(start, |product, phase| Rows::new(phase).times(&product));
    let values = solve(&product)?;
    Some(Eigenvalues::new(values.into_iter().map(|value| [value.re, value.im])))
}

impl Eigenvalues {
    fn new(values: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let mut points = Points::default();
        values.into_iter().for_each(|value| points.add(value));
        points.eigenvalues()
    }
}

/// The first value in each cell of the grid.
#[derive(Default)]
struct Points {
    taken: BTreeSet<(i64, i64)>,
    values: Vec<[f64; 2]>,
}

impl Points {
    fn add(&mut self, [re, im]: [f64; 2]) {
        let place = ((re * GRID).round() as i64, (im * GRID).round() as i64);
        if re.is_finite() && im.is_finite() && self.taken.insert(place) {
            self.values.push([re, im]);
        }
    }

    fn eigenvalues(mut self) -> Eigenvalues {
        self.values.sort_by(|a, b| b[0].hypot(b[1]).total_cmp(&a[0].hypot(a[1])));
        let hidden = self.values.len().saturating_sub(MOST);
        self.values.truncate(MOST);
        Eigenvalues { values: self.values, hidden }
    }
}
