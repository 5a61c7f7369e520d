//! Norms of products that are applied and never formed, by Lanczos' recurrence: estimates, from below.

use super::dense::Rows;
use super::rounds::{LIMIT, SLACK};
use super::{Known, TABLE_LIMIT, edges};
use bfc_algebra::krylov::{Dominant, dominant};
use bfc_algebra::lanczos::greatest_eigenvalue;
use bfc_algebra::reproducible::center;
use bfc_schedule::MixingMatrix;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Steps of the recurrence for one norm, at most, and the accuracy of its square at which it ends.
const STEPS: usize = 512;
const ACCURACY: f64 = 1e-11;

/// Operations for all norms that numbers are made of, and for those of a curve: some seconds, and less than one.
const BUDGET: u64 = 1 << 31;
const CURVE: u64 = 1 << 29;

/// Operations, and applications of the period, that look for its dominant eigenvalue.
const DOMINANT: (u64, u64) = (1 << 31, 4000);

/// Phases that are applied.
pub(crate) struct Maps {
    rows: Vec<Rows>,
    transposes: Vec<Rows>,
    known: Known,
    /// ‖W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J‖ by k.
    norms: RefCell<BTreeMap<u64, f64>>,
    /// Operations that are left.
    left: Cell<u64>,
}

impl Maps {
    /// `None` where the phases have too many entries.
    pub(crate) fn new(phases: &[MixingMatrix], known: Known) -> Option<Self> {
        if edges(phases) > TABLE_LIMIT {
            return None;
        }
        let rows: Vec<Rows> = phases.iter().map(Rows::new).collect();
        let transposes = rows.iter().map(Rows::transpose).collect();
        Some(Self { rows, transposes, known, norms: RefCell::default(), left: Cell::new(BUDGET) })
    }

    fn size(&self) -> usize {
        self.rows[0].len()
    }

    fn period(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Operations of some steps.
    fn work(&self, steps: u64) -> u64 {
        let of_period: usize = self.rows.iter().map(Rows::work).sum();
        let of_steps = steps.saturating_mul(of_period as u64) / self.period();
        of_steps.saturating_add(2 * self.size() as u64)
    }

    fn forward(&self, mut x: Vec<f64>, steps: u64) -> Vec<f64> {
        let mut scratch = vec![];
        (0..steps).for_each(|step| self.rows[self.phase(step)].apply_to(&mut x, &mut scratch));
        x
    }

    fn backward(&self, mut y: Vec<f64>, steps: u64) -> Vec<f64> {
        let mut scratch = vec![];
        (0..steps).rev().for_each(|step| self.transposes[self.phase(step)].apply_to(&mut y, &mut scratch));
        y
    }

    fn phase(&self, step: u64) -> usize {
        (step % self.period()) as usize
    }

    /// A x for A = W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J: what rows or columns that sum to 1 keep apart is kept apart, so that no digits cancel.
    fn less_average(&self, mut x: Vec<f64>, steps: u64) -> Vec<f64> {
        let mean = mean(&x);
        if self.known.row_stochastic {
            center(&mut x);
            return self.forward(x, steps);
        }
        let mut image = self.forward(x, steps);
        let off = if self.known.column_stochastic { self::mean(&image) } else { mean };
        image.iter_mut().for_each(|y| *y -= off);
        image
    }

    /// Aᵀ y.
    fn adjoint(&self, y: Vec<f64>, steps: u64) -> Vec<f64> {
        let mean = mean(&y);
        let mut image = self.backward(y, steps);
        let off = if self.known.row_stochastic { self::mean(&image) } else { mean };
        image.iter_mut().for_each(|x| *x -= off);
        image
    }

    /// ‖W⁽ᵏ⁻¹⁾…W⁽⁰⁾ − J‖; `None` where the budget is spent. Where no step lets it grow, longer products bound shorter ones.
    pub(crate) fn norm(&self, steps: u64) -> Option<f64> {
        let known = self.norms.borrow().get(&steps).copied();
        let own = match known {
            Some(norm) => norm,
            None => self.root(steps, |x| self.adjoint(self.less_average(x, steps), steps))?,
        };
        self.norms.borrow_mut().insert(steps, own);
        let later = || self.norms.borrow().range(steps..).map(|(_, norm)| *norm).fold(own, f64::max);
        Some(if self.known.averaging() { later() } else { own })
    }

    /// ‖(1 − J) W⁽ᵏ⁻¹⁾…W⁽⁰⁾ (1 − J)‖ for rows that sum to 1; a curve of these has a budget of its own.
    pub(crate) fn disagreement(&self, steps: u64) -> Option<f64> {
        if self.known.column_stochastic {
            return self.norm(steps);
        }
        self.root(steps, |x| {
            let mut image = self.less_average(x, steps);
            center(&mut image);
            self.adjoint(image, steps)
        })
    }

    /// Lets a curve be computed after all else.
    pub(crate) fn allow_a_curve(&self) {
        self.left.set(CURVE);
    }

    /// The root of the greatest eigenvalue of a symmetric map that goes `steps` steps forth and back.
    fn root(&self, steps: u64, gram: impl Fn(Vec<f64>) -> Vec<f64>) -> Option<f64> {
        let each = self.work(steps).saturating_mul(2);
        let most = STEPS.min(2 * self.size());
        let fits = self.left.get() / each.max(1);
        if fits < most.min(STEPS / 8) as u64 {
            return None;
        }
        let counted = |x: &[f64]| {
            self.left.set(self.left.get().saturating_sub(each));
            gram(x.to_vec())
        };
        let project = |x: &mut [f64]| {
            if self.known.row_stochastic {
                center(x)
            }
        };
        let square = greatest_eigenvalue(self.size(), most.min(fits as usize), ACCURACY, counted, project);
        let most = if self.known.averaging() { 1.0 } else { f64::INFINITY };
        Some(square.max(0.0).sqrt().min(most))
    }

    /// The eigenvalues of largest modulus of the period product less J.
    pub(crate) fn dominant(&self) -> Dominant {
        let sums = self.known.row_stochastic || self.known.column_stochastic;
        let map = |x: &[f64]| match sums {
            true => {
                let (mut image, mut scratch) = (x.to_vec(), vec![]);
                for phase in &self.rows {
                    phase.apply_to(&mut image, &mut scratch);
                    center(&mut image);
                }
                image
            }
            false => self.less_average(x.to_vec(), self.period()),
        };
        let project = |x: &mut [f64]| {
            if sums {
                center(x)
            }
        };
        let most = (DOMINANT.0 / (self.work(self.period()) + 32 * self.size() as u64)).clamp(64, DOMINANT.1);
        dominant(self.size(), most as usize, map, project)
    }

    /// The least number of steps with a norm of at most ε where no step lets norms grow, and whether it was counted:
    /// otherwise it follows from the last norm that was computed and the factor by which a step shortens at last.
    pub(crate) fn least_steps(&self, epsilon: f64, factor: f64) -> (Option<u64>, bool) {
        let is_enough = |norm: f64| norm <= epsilon * (1.0 + SLACK);
        let (mut before, mut enough) = (vec![(0u64, 1.0f64)], None);
        loop {
            let last = before[before.len() - 1];
            let next = match enough {
                None => further(&before, epsilon),
                Some((steps, _)) if steps == last.0 + 1 => return (Some(steps), true),
                Some(end) => between(last, end, epsilon),
            };
            let Some(norm) = (next <= LIMIT).then(|| self.norm(next)).flatten() else { break };
            if is_enough(norm) {
                enough = Some((next, norm));
            } else {
                before.push((next, norm));
            }
        }
        let (steps, norm) = before[before.len() - 1];
        let steps = match enough {
            Some((steps, _)) => steps as f64,
            None if factor >= 1.0 => f64::INFINITY,
            None => steps as f64 + ((epsilon / norm).ln() / factor.ln()).ceil().max(1.0),
        };
        ((steps <= LIMIT as f64).then_some(steps as u64), false)
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// Steps to try after some that were too few: where norms would pass ε if they went on to fall as they last did, but neither
/// less than a quarter nor more than three times further.
fn further(before: &[(u64, f64)], epsilon: f64) -> u64 {
    let [.., (earlier, above), (steps, norm)] = *before else { return 1 };
    let fall = (above / norm).ln() / (steps - earlier) as f64;
    let rest = (norm / epsilon).ln() / fall;
    if rest.is_finite() {
        steps + (rest.ceil() as u64).clamp(steps.div_ceil(4), 3 * steps)
    } else {
        2 * steps
    }
}

/// Steps to try between too few and enough: where a norm that falls by the same factor in every step would pass ε, away
/// from the ends.
fn between((few, above): (u64, f64), (enough, below): (u64, f64), epsilon: f64) -> u64 {
    let part = (above / epsilon).ln() / (above / below.max(f64::MIN_POSITIVE)).ln();
    let margin = (enough - few) / 8;
    let guess = few + (part * (enough - few) as f64) as u64;
    guess.clamp(few + 1 + margin, (enough - 1 - margin).max(few + 1 + margin))
}
